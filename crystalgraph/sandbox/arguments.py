"""Arguments of tasks that are more than numbers: how they enter the sandbox and what comes back.

The grader packs them (`pack_argument`), the sandbox makes them anew (`Arguments`), and after the
call it reports what the student's code did to them (`Arguments.changes`), which the grader repeats
on its own (`restore`). So a check sees a changed input as if the call had been made on this side.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from pymatgen.core import Structure
from torch import Tensor

from crystalgraph.checking.probe import Probe
from crystalgraph.crystals.features import AtomFeatures, TableFeatures, published_features
from crystalgraph.crystals.graphs import CrystalBatch, CrystalGraph
from crystalgraph.sandbox.packing import GRAPH_COLUMNS, pack, unpack

OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}

# --- the grader's side


def pack_argument(value: object, arrays: list[np.ndarray]) -> dict | None:
    """An argument that only tasks have, as JSON; None when it is an ordinary value."""
    if isinstance(value, AtomFeatures):
        return _pack_features(value, arrays)
    if isinstance(value, CrystalBatch):
        columns = [pack(column, arrays) for column in value.inputs()]
        return {"is": "batch", "columns": columns}
    if isinstance(value, Probe):
        place = f"{type(value).__module__}:{type(value).__qualname__}"
        known = {"is": "probe", "class": place, "settings": value.settings()}
        return known | {"training": value.training} | _pack_weights(value, arrays)
    if isinstance(value, torch.optim.Optimizer):
        state = _pack_state(value, arrays)
        rate = value.param_groups[0]["lr"]
        return {"is": "optimizer", "kind": type(value).__name__, "lr": rate, "state": state}
    if isinstance(value, Iterator):
        return {"is": "iterator", "items": [pack(v, arrays, pack_argument) for v in value]}
    if callable(value):
        return {"is": "predict"}
    return None


def _pack_weights(model: Probe, arrays: list[np.ndarray]) -> dict:
    """Weights and buffers, and the gradients that a step has left behind."""
    weights = {name: pack(value, arrays) for name, value in model.state_dict().items()}
    gradients = {name: pack(value.grad, arrays) for name, value in model.named_parameters()}
    return {"weights": weights, "gradients": gradients}


def _load_weights(model: Probe, known: dict) -> None:
    model.load_state_dict(known["weights"])
    for name, parameter in model.named_parameters():
        parameter.grad = known["gradients"][name]


def _pack_features(features: AtomFeatures, arrays: list[np.ndarray]) -> dict:
    if not isinstance(features, TableFeatures):
        return {"is": "features", "table": None}
    numbers = list(features.atomic_numbers)
    table = features.matrix(numbers)
    return {"is": "features", "table": [pack(np.array(numbers), arrays), pack(table, arrays)]}


def _pack_state(optimizer: torch.optim.Optimizer, arrays: list[np.ndarray]) -> dict:
    state = optimizer.state_dict()["state"]
    kept = {n: {k: v for k, v in known.items() if v is not None} for n, known in state.items()}
    return {
        str(number): {name: pack(value, arrays) for name, value in known.items()}
        for number, known in kept.items()
    }


def _load_state(optimizer: torch.optim.Optimizer, state: dict) -> None:
    known = optimizer.state_dict()
    known["state"] = {int(number): values for number, values in state.items()}
    optimizer.load_state_dict(known)


def restore(argument: Any, after: Any) -> None:
    """Do to an argument of ours what the student's code did to its copy.

    Args:
        argument: given to the student's code.
        after: its state in `Arguments.changes`, unpacked; from a stranger.
    """
    if isinstance(argument, np.ndarray | Tensor):
        _overwrite(argument, after)
    elif isinstance(argument, CrystalGraph) and isinstance(after, CrystalGraph):
        for name in GRAPH_COLUMNS:
            _overwrite(getattr(argument, name), getattr(after, name))
    elif isinstance(argument, Structure) and isinstance(after, Structure):
        _restore_structure(argument, after)
    elif isinstance(argument, dict) and isinstance(after, dict):
        argument.clear()
        argument.update(after)
    elif isinstance(argument, list) and isinstance(after, list):
        _restore_list(argument, after)
    elif isinstance(argument, CrystalBatch) and isinstance(after, list):
        for column, new in zip(argument.inputs(), after, strict=False):
            restore(column, new)
    elif isinstance(argument, Probe) and isinstance(after, dict):
        _restore_probe(argument, after)
    elif isinstance(argument, torch.optim.Optimizer) and isinstance(after, dict):
        _load_state(argument, after["state"])
        for _ in range(min(int(after["steps"]), 1000)):
            for hook in list(argument._optimizer_step_post_hooks.values()):
                hook(argument, (), {})


def _overwrite(mine: np.ndarray | Tensor, after: object) -> None:
    if isinstance(mine, Tensor):
        if isinstance(after, Tensor) and mine.shape == after.shape:
            with torch.no_grad():
                mine.copy_(after)
    elif isinstance(after, np.ndarray) and mine.shape == after.shape:
        mine[...] = after


def _restore_structure(mine: Any, after: Any) -> None:
    mine.lattice = after.lattice
    mine.remove_sites(range(len(mine)))
    for site in after:
        mine.append(site.specie, site.frac_coords)


def _restore_list(mine: list, after: list) -> None:
    inner = (np.ndarray, Tensor, CrystalGraph, Structure, tuple, list)
    if len(mine) == len(after) and all(isinstance(one, inner) for one in mine):
        for one, new in zip(mine, after, strict=True):
            if isinstance(one, tuple) and isinstance(new, tuple):  # a batch and its targets
                _restore_list(list(one), list(new))
            else:
                restore(one, new)
    else:
        mine[:] = after


def _restore_probe(model: Probe, after: dict) -> None:
    _load_weights(model, after)
    model.train(after["training"] is True)
    model.calls += [(one[0] is True, one[1] is True) for one in after["calls"][:1000]]


# --- the sandbox's side


class Arguments:
    """The arguments of one call, made in the sandbox.

    Args:
        packed: as they came.
        arrays: of the message.
        predict: stands for a model of the grader's, in tests that the student wrote.
    """

    def __init__(self, packed: list, arrays: list[np.ndarray], predict: Callable) -> None:
        self.model: Probe | None = None
        self.steps: dict[int, int] = {}
        kinds = {
            "features": self._features,
            "batch": lambda value, inside: CrystalBatch(*map(inside, value["columns"])),
            "probe": self._probe,
            "optimizer": self._optimizer,
            "iterator": lambda value, inside: iter([inside(item) for item in value["items"]]),
            "predict": lambda value, inside: predict,
        }
        self.values = [unpack(value, arrays, kinds) for value in packed]
        self._before = [self._state(value) for value in self.values]

    def changes(self, arrays: list[np.ndarray]) -> dict[str, object]:
        """What a call did to its arguments: place -> packed state, for those that changed."""
        changed = {}
        for place, (value, before) in enumerate(zip(self.values, self._before, strict=True)):
            if self._state(value) != before:
                changed[str(place)] = self._pack(value, arrays)
        return changed

    def _state(self, value: object) -> tuple:
        arrays: list[np.ndarray] = []
        packed = self._pack(value, arrays)
        return packed, [(array.shape, array.dtype.str, array.tobytes()) for array in arrays]

    def _pack(self, value: object, arrays: list[np.ndarray]) -> object:
        if isinstance(value, Tensor | np.ndarray | Structure | dict):
            return pack(value, arrays)
        if isinstance(value, list | tuple):
            kind = "tuple" if isinstance(value, tuple) else "list"
            return {"is": kind, "items": [self._pack(item, arrays) for item in value]}
        if isinstance(value, CrystalBatch):
            return {"is": "list", "items": [pack(column, arrays) for column in value.inputs()]}
        if isinstance(value, Probe):
            return self._pack_probe(value, arrays)
        if isinstance(value, torch.optim.Optimizer):
            state = {n: {"is": "dict", "items": s} for n, s in _pack_state(value, arrays).items()}
            known = {"steps": self.steps.get(id(value), 0), "state": {"is": "dict", "items": state}}
            return {"is": "dict", "items": known}
        return pack(value, arrays)

    def _pack_probe(self, model: Probe, arrays: list[np.ndarray]) -> dict:
        kept = _pack_weights(model, arrays)
        known = {name: {"is": "dict", "items": items} for name, items in kept.items()}
        calls = [{"is": "list", "items": list(call)} for call in model.calls]
        known |= {"training": model.training, "calls": {"is": "list", "items": calls}}
        return {"is": "dict", "items": known}

    def _features(self, value: dict, inside: Callable) -> AtomFeatures:
        if value["table"] is None:
            return published_features()
        numbers, table = map(inside, value["table"])
        return TableFeatures(dict(zip(numbers.tolist(), table, strict=True)))

    def _probe(self, value: dict, inside: Callable) -> Probe:
        known = {
            group: {name: inside(one) for name, one in value[group].items()}
            for group in ("weights", "gradients")
        }
        module, _, name = value["class"].partition(":")
        model = getattr(importlib.import_module(module), name)(**value["settings"]).double()
        _load_weights(model, known)
        self.model = model.train(value["training"])
        return model

    def _optimizer(self, value: dict, inside: Callable) -> torch.optim.Optimizer:
        assert self.model is not None, "an optimizer comes after its model"
        optimizer = OPTIMIZERS[value["kind"]](self.model.parameters(), lr=value["lr"])
        state = {n: {k: inside(v) for k, v in one.items()} for n, one in value["state"].items()}
        _load_state(optimizer, state)
        self.steps[id(optimizer)] = 0

        def count(*_: object) -> None:
            self.steps[id(optimizer)] += 1

        optimizer.register_step_post_hook(count)
        return optimizer
