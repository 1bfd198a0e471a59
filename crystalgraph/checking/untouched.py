"""Whether a student's function leaves what it is given as it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from pymatgen.core import Structure
from torch import Tensor


class Watched:
    """A function whose arguments are compared before and after each call.

    Everything else is that of the function.

    Args:
        function: the student's.

    Attributes:
        changed: the first argument that a call has changed, by its name or number; empty for none.
    """

    def __init__(self, function: Callable) -> None:
        self.function = function
        self.changed = ""

    def __call__(self, *arguments: object, **options: object) -> object:
        """Call the function."""
        given = [*arguments, *options.values()]
        before = [_content(one) for one in given]
        value = self.function(*arguments, **options)
        for place, (one, known) in enumerate(zip(given, before, strict=True)):
            if not self.changed and not _same(_content(one), known):
                self.changed = _name(self.function, place, [*options], len(arguments))
        return value

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)


def _content(value: Any) -> object:
    """A copy of what a value holds: of arrays, structures and records, alone or in collections."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, Tensor):
        return value.detach().cpu().numpy().copy()
    if isinstance(value, Structure):
        return [value.lattice.matrix.copy(), value.species_and_occu, value.frac_coords.copy()]
    if is_dataclass(value) and not callable(value):  # such as a crystal graph
        return [_content(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, Mapping):
        return [list(value), [_content(one) for one in value.values()]]
    if isinstance(value, list | tuple):
        return [_content(one) for one in value]
    if isinstance(value, set):
        return frozenset(value)
    return value if isinstance(value, str | int | float | None) else type(value)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.dtype.kind in "fc" and other.dtype.kind in "fc":
            return np.array_equal(one, other, equal_nan=True)
        return np.array_equal(one, other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _name(function: Callable, place: int, options: list[str], n_arguments: int) -> str:
    """How the student calls an argument; its number where the function is in the sandbox."""
    if place >= n_arguments:
        return f"`{options[place - n_arguments]}`"
    known = list(inspect.signature(function).parameters.values())
    if place < len(known) and known[place].kind is not inspect.Parameter.VAR_POSITIONAL:
        return f"`{known[place].name}`"
    return f"argument {place + 1}"
