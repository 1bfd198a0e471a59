"""Checks of tasks 1.1 and 1.2: the arrays of a graph, and a message along one of its edges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from pymatgen.core import Lattice, Structure
from torch import Tensor

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, stored
from crystalgraph.checking.compare import as_array, as_tensor, shapes
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.labs.trust.advice import MISTAKES
from crystalgraph.labs.trust.checks.common import mistake

# ---- 1.1 structure_to_data

KEYS = ("z", "edge_index", "distance", "image")
LONGER = 1e-3
"""Angstrom by which an edge may differ from the distance of its atoms."""


def structure_of(case: Case) -> Structure:
    """The crystal stored in a case."""
    lattice, numbers, coords = (case.inputs[k] for k in ("lattice", "numbers", "frac_coords"))
    return Structure(Lattice(lattice), [int(z) for z in numbers], coords)


def _run_data(answer: Callable, case: Case) -> Arrays:
    structure = structure_of(case)
    data = answer(structure.copy(), case.settings["k"], case.settings["radius"])
    if not isinstance(data, dict) or not set(KEYS) <= set(data):
        raise Fault(f"structure_to_data should return a dict with the keys {', '.join(KEYS)}.")
    columns = {key: as_array(data[key], f"Your {key}") for key in KEYS}
    _require_shapes(columns, len(structure))
    columns = {key: values.astype(float) for key, values in columns.items()}
    _require_true_distances(columns, structure)
    return _in_one_order(columns)


def _require_shapes(columns: Arrays, n_atoms: int) -> None:
    n_edges = columns["distance"].size
    wanted = {"z": (n_atoms,), "edge_index": (2, n_edges)}
    wanted |= {"distance": (n_edges,), "image": (n_edges, 3)}
    for key, shape in wanted.items():
        if columns[key].shape != shape:
            found = columns[key].shape
            raise Fault(f"Your {key} has shape {found}, expected {shape}.", "shape")
        if not np.isfinite(columns[key].astype(float)).all():
            raise Fault(f"Your {key} holds NaN or infinity.", "not finite")
    ends = columns["edge_index"]
    if not np.isin(ends, np.arange(n_atoms)).all():
        raise Fault(f"edge_index should hold numbers of atoms, 0 to {n_atoms - 1}.", "atoms")


def _require_true_distances(columns: Arrays, structure: Structure) -> None:
    """Raise Fault unless atoms and images give the distances, the source being the one moved."""
    source, target = columns["edge_index"].astype(int)
    apart = structure.frac_coords[source] - structure.frac_coords[target]

    def off(image: np.ndarray) -> float:
        length = np.linalg.norm((apart + image) @ structure.lattice.matrix, axis=1)
        return float(np.abs(length - columns["distance"]).max(initial=0.0))

    if off(columns["image"]) <= LONGER:
        return
    if off(-columns["image"]) <= LONGER:
        raise mistake("1.1", "rows exchanged")
    if not columns["image"].any():
        raise mistake("1.1", "images dropped")
    raise Fault(
        "Atoms and images do not give your distances: the atom of row 0, moved by `image` cells, "
        "should lie `distance` angstrom from the atom of row 1.",
        "distance",
    )


def _in_one_order(columns: Arrays) -> Arrays:
    """The edges in an order of ours: by target, source and image."""
    source, target = columns["edge_index"]
    order = np.lexsort((*columns["image"].T, source, target))
    return {
        "z": columns["z"],
        "number of edges": np.array(float(len(order))),
        "target": target[order],
        "source": source[order],
        "image": columns["image"][order],
        "distance": columns["distance"][order],
    }


def _edges_of(name: str) -> Callable[[Exam], None]:
    """Compare; which edges of a shell were cut off, or which image was kept, cannot be stored."""

    def test(exam: Exam) -> None:
        try:
            exam.compare(name)
        except Fault as fault:
            causes = [_lost_or_added(exam.run(case), case) for case in exam.named(name)]
            first, *others = fault.message.split("\n")
            if first.startswith("Likely mistake") or not any(causes):
                raise
            seen = others if first.startswith("Possible mistake") else [first, *others]
            raise mistake("1.1", next(filter(None, causes)), "\n".join(seen)) from None

    return test


def _lost_or_added(got: Arrays, case: Case) -> str:
    """The mistake behind a wrong number of edges; empty when it cannot be told."""
    right, z, k = case.expected, case.inputs["numbers"], case.settings["k"]
    pairs, their_pairs = ({*zip(one["target"], one["source"], strict=True)} for one in (right, got))
    if pairs == their_pairs and len(pairs) == len(got["target"]) < len(right["target"]):
        return "images merged"
    limits = [np.sort(right["distance"][right["target"] == atom])[k - 1] for atom in range(len(z))]
    limit = np.array(limits)
    inner = np.sum(right["distance"] < limit[right["target"].astype(int)] - LONGER)
    kept = got["distance"] < limit[got["target"].astype(int)] - LONGER
    shells = kept.sum() == inner and len(kept) < len(right["target"])
    if shells and (got["distance"] <= limit[got["target"].astype(int)] + LONGER).all():
        counts = np.bincount(got["target"].astype(int), minlength=len(z))
        return "cut at k" if (counts == k).all() else "no tolerance"
    _, _, _, near = structure_of(case).get_neighbor_list(got["distance"].max() + LONGER)
    return "one k for all" if len(near) == len(kept) else ""


def _formula(case: Case) -> str:
    structure = structure_of(case)
    return f"{structure.composition.formula}, {len(structure)} atoms, k={case.settings['k']}"


_DATA = Check(
    "1.1",
    _run_data,
    (
        CheckStep("rock salt, two atoms", 2, _edges_of("salt")),
        CheckStep("a crystal of several elements, whole shells", 2, _edges_of("perovskite")),
        CheckStep("atoms in any places, another k", 1, _edges_of("any")),
    ),
    "z, and for each atom edges from its k nearest neighbors and from every further one within "
    "0.01 Å of the k-th, with distance and image.",
    {
        "salt": "rock salt in its primitive cell of two atoms",
        "perovskite": "the five atoms of a cubic perovskite",
        "any": "a slanted cell of six atoms without symmetry",
    },
    {
        "z": ("atom",),
        **dict.fromkeys(("target", "source", "distance"), ("edge",)),
        "image": ("edge", "axis"),
    },
    _formula,
    advice=MISTAKES["1.1"],
    case_maker="crystals_for_graphs",
)

# ---- 1.2 message

_ENDS = ("x_i", "x_j", "edge_attr")


def dense_of(case: Case) -> Callable[[Tensor], Tensor]:
    """The linear layer of a case with the batch norm behind it, in evaluation mode."""
    weight, bias = (torch.from_numpy(case.inputs[k]) for k in ("weight", "bias"))

    def dense(z: Tensor) -> Tensor:
        if z.shape[-1] != weight.shape[1]:
            found, wanted = z.shape[-1], weight.shape[1]
            raise Fault(f"dense was given {found} columns; it takes {wanted}: x_i, x_j, edge_attr.")
        return z @ weight.T + bias

    return dense


def _run_message(answer: Callable, case: Case) -> Arrays:
    inputs = [torch.from_numpy(case.inputs[name].copy()) for name in _ENDS]
    result = as_tensor(answer(*inputs, dense_of(case)), "Your result")
    return {"message": result.detach().numpy()}


def _one_by_one(exam: Exam) -> None:
    """Edges do not hear of each other."""
    (case, *_) = exam.named("edges")
    whole = exam.run(case)["message"]
    rows = [torch.from_numpy(case.inputs[name].copy())[2:3] for name in _ENDS]
    alone = as_tensor(exam.answer(*rows, dense_of(case)), "Your result").detach().numpy()
    if alone.shape != whole[2:3].shape or not np.allclose(alone, whole[2:3], rtol=1e-9):
        raise mistake("1.2", "softmax over edges", "An edge alone gives another message.")


_MESSAGE = Check(
    "1.2",
    _run_message,
    (
        stored("one edge by hand", 1, "paper", paper=True),
        stored("seven edges", 1.5, "edges"),
        CheckStep("an edge alone gives the same", 0.5, _one_by_one),
    ),
    "sigmoid of the first half of dense(z) times softplus of the second, with z = x_i, x_j, "
    "edge_attr in this order.",
    {
        "paper": "one edge, F = 1: x_i = 1, x_j = 2, edge_attr = 0.5",
        "edges": "seven edges, F = 3, four bond features",
    },
    {"message": ("edge", "feature")},
    lambda case: shapes({name: case.inputs[name] for name in _ENDS}),
    advice=MISTAKES["1.2"],
    case_maker="edges_with_weights",
)

CHECKS = (_DATA, _MESSAGE)
