"""Values that travel between the sandbox and the grader: what each kind is as JSON and arrays.

Numbers, text, arrays, tensors, tuples, lists, structures and graphs go both ways; `special` adds
kinds that one side alone understands (crystalgraph.sandbox.arguments). Anything of another type
arrives as an array when numpy reads it as numbers, else as Unknown, with nothing but its class's
name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from pymatgen.core import Element, Lattice, Structure

from crystalgraph.crystals.graphs import CrystalGraph
from crystalgraph.sandbox.wire import Malformed

GRAPH_COLUMNS = tuple(field.name for field in fields(CrystalGraph) if field.name != "name")
MAX_DEPTH = 6
MAX_TEXT = 4_000
MAX_ATOMS = 5_000
MAX_ITEMS = 1_000
_NUMBERS = "biufc"  # numpy's kinds of dtype
MANY = 32  # numbers in a list from which it travels as an array

Packer = Callable[[object, list], dict | None]
Unpacker = Callable[[dict, Callable], object]


class Unknown:
    """Stands for an object that does not travel; its class has the object's class's name."""


def _nothing(value: object, arrays: list[np.ndarray]) -> None:
    return None


def pack(value: object, arrays: list[np.ndarray], special: Packer = _nothing) -> object:
    """A value as JSON; its arrays are appended to a list.

    Args:
        value: to send.
        arrays: of the message.
        special: packs further kinds of object; None for those it does not know.
    """
    known = special(value, arrays)
    if known is not None:
        return known
    if value is None or isinstance(value, bool | str):
        return value if not isinstance(value, str) else str(value)[:MAX_TEXT]
    if isinstance(value, int | float) and not isinstance(value, np.generic):
        return _number(value)
    if isinstance(value, torch.Tensor):
        return _pack_tensor(value, arrays)
    if isinstance(value, np.ndarray | np.generic):
        return _pack_array(np.asarray(value), arrays)
    if isinstance(value, tuple | list):
        return _pack_sequence(value, arrays, special)
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"is": "dict", "items": {k: pack(v, arrays, special) for k, v in value.items()}}
    if isinstance(value, Structure):
        return _pack_structure(value, arrays)
    if isinstance(value, CrystalGraph):
        columns = [pack(np.asarray(getattr(value, name)), arrays) for name in GRAPH_COLUMNS]
        return {"is": "graph", "name": str(value.name)[:100], "columns": columns}
    return _pack_like_array(value, arrays)


def _number(value: float) -> object:
    if isinstance(value, int):
        return int(value) if abs(value) < 2**63 else {"is": "float", "value": repr(float(value))}
    return float(value) if math.isfinite(value) else {"is": "float", "value": repr(float(value))}


def _unknown(value: object) -> dict:
    module = str(type(value).__module__).split(".")[0][:60]
    return {"is": "unknown", "name": type(value).__name__[:60], "module": module}


def _place(array: np.ndarray, arrays: list[np.ndarray]) -> int:
    arrays.append(array)
    return len(arrays) - 1


def _pack_like_array(value: object, arrays: list[np.ndarray]) -> dict:
    """What numpy reads as numbers, such as a table of pandas, as the array that it reads."""
    try:
        array = np.asarray(value)
    except Exception:  # a stranger's class may raise anything
        return _unknown(value)
    return _pack_array(array, arrays) if array.dtype.kind in _NUMBERS else _unknown(value)


def _pack_array(array: np.ndarray, arrays: list[np.ndarray]) -> dict:
    if array.dtype.kind not in _NUMBERS:
        return _unknown(array)
    return {"is": "array", "at": _place(array, arrays)}


def _pack_tensor(value: torch.Tensor, arrays: list[np.ndarray]) -> dict:
    if value.layout != torch.strided or value.is_quantized:
        return _unknown(value)
    plain = value.detach().as_subclass(torch.Tensor).cpu()
    dtype = str(plain.dtype).removeprefix("torch.")
    if plain.dtype == torch.bfloat16:  # numpy has none
        plain = plain.float()
    array = plain.resolve_conj().resolve_neg().numpy()
    known = {"is": "tensor", "at": _place(array, arrays), "dtype": dtype}
    return known | {"grad": bool(value.requires_grad)}


def _pack_sequence(value: tuple | list, arrays: list[np.ndarray], special: Packer) -> dict:
    """Item by item; a long one of plain numbers as an array."""
    kind = "tuple" if isinstance(value, tuple) else "list"
    if len(value) <= MANY or isinstance(value[0], str | CrystalGraph | Structure):
        return {"is": kind, "items": [pack(item, arrays, special) for item in value[:MAX_ITEMS]]}
    try:
        items = [v.detach().numpy() if isinstance(v, torch.Tensor) else v for v in value]
        array = np.asarray(items)
    except (ValueError, TypeError, RuntimeError):
        return {"is": "unknown", "name": f"{kind} of items of different length"}
    if array.dtype.kind not in _NUMBERS:
        return _unknown(value)
    return {"is": "numbers", "kind": kind, "at": _place(array, arrays)}


def _pack_structure(structure: Structure, arrays: list[np.ndarray]) -> dict:
    try:
        numbers = np.array([site.specie.Z for site in structure])
    except AttributeError:  # disordered
        return _unknown(structure)
    parts = (structure.lattice.matrix, numbers, structure.frac_coords)
    return {"is": "structure", "parts": [_place(np.asarray(part), arrays) for part in parts]}


def unpack(
    value: Any, arrays: list[np.ndarray], special: dict[str, Unpacker] | None = None, depth: int = 0
) -> Any:
    """The value that `pack` made JSON of.

    Args:
        value: JSON, from anybody.
        arrays: of the message.
        special: makes further kinds: name -> function of the JSON and of a function that
            unpacks what is inside.

    Raises:
        Malformed: `pack` does not make this.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    try:
        kind = value["is"]
        if depth > MAX_DEPTH:
            raise Malformed("a value with too many levels")

        def inside(part: object) -> object:
            return unpack(part, arrays, special, depth + 1)

        if special and kind in special:
            return special[kind](value, inside)
        if kind not in _KINDS:
            raise Malformed("a value of unknown type")
        return _KINDS[kind](value, arrays, inside)
    except Malformed:
        raise
    except Exception as error:
        raise Malformed("a malformed value") from error


def _tensor(value: dict, arrays: list[np.ndarray], inside: Callable) -> torch.Tensor:
    tensor = torch.from_numpy(arrays[value["at"]])
    dtype = getattr(torch, value["dtype"])
    if not isinstance(dtype, torch.dtype):
        raise Malformed("a tensor of unknown dtype")
    return tensor.to(dtype).requires_grad_(value["grad"] is True)


def _structure(value: dict, arrays: list[np.ndarray], inside: Callable) -> Structure:
    matrix, numbers, coords = (arrays[at] for at in value["parts"])
    if matrix.shape != (3, 3) or coords.shape != (len(numbers), 3) or len(numbers) > MAX_ATOMS:
        raise Malformed("a malformed structure")
    if not (np.isfinite(matrix).all() and np.isfinite(coords).all()):
        raise Malformed("a structure with infinite coordinates")
    species = [Element.from_Z(int(number)) for number in numbers]
    return Structure(Lattice(matrix), species, coords)


def _graph(value: dict, arrays: list[np.ndarray], inside: Callable) -> CrystalGraph:
    columns = [inside(column) for column in value["columns"]]
    if not all(isinstance(column, np.ndarray) for column in columns):
        raise Malformed("a malformed graph")
    return CrystalGraph(str(value["name"]), *columns)


def _unknown_of(value: dict, arrays: list[np.ndarray], inside: Callable) -> Unknown:
    name, module = (
        "".join(c for c in str(value.get(key, ""))[:60] if c.isalnum() or c in " _")
        for key in ("name", "module")
    )
    return type(name, (Unknown,), {"__module__": module})()


def _numbers(value: dict, arrays: list[np.ndarray], inside: Callable) -> list | tuple:
    return {"list": list, "tuple": tuple}[value["kind"]](arrays[value["at"]].tolist())


_KINDS: dict[str, Callable] = {
    "float": lambda value, arrays, inside: float(value["value"]),
    "array": lambda value, arrays, inside: arrays[value["at"]],
    "numbers": _numbers,
    "tensor": _tensor,
    "list": lambda value, arrays, inside: [inside(item) for item in value["items"]],
    "tuple": lambda value, arrays, inside: tuple(inside(item) for item in value["items"]),
    "dict": lambda value, arrays, inside: {k: inside(v) for k, v in value["items"].items()},
    "structure": _structure,
    "graph": _graph,
    "unknown": _unknown_of,
}
