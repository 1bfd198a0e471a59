"""Checks of notebook 3: neighbors across the cell's faces, and the way back to the ideal sites."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, stored
from crystalgraph.checking.compare import as_array
from crystalgraph.checking.faults import Fault
from crystalgraph.labs.equivariance.advice import MISTAKES
from crystalgraph.labs.equivariance.checks.common import sorted_columns, went_in

# ---- 3.1 neighbors


def _run_neighbors(answer: Callable, case: Case) -> Arrays:
    x, lattice = (case.inputs[name].copy() for name in ("x", "lattice"))
    result = answer(x, lattice, case.settings["cutoff"])
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Fault("Return two arrays: edge_index, image.", "two results")
    edges, image = (as_array(v, n) for v, n in zip(result, ("edge_index", "image"), strict=True))
    if edges.ndim != 2 or image.ndim != 2 or edges.shape[1:] != image.shape[:1]:
        raise Fault(
            f"edge_index has shape {edges.shape} and image {image.shape}: expected (2, E) and "
            "(E, 3), one image for each edge.",
            "shape",
        )
    table = sorted_columns(np.concatenate([edges, np.round(image, 6).T]).astype(float))
    return {"edges and images": table}


_NEIGHBORS = Check(
    "3.1",
    _run_neighbors,
    (
        stored("one atom in a cube", 1, "paper", paper=True),
        stored("shaken crystals", 1.5, "crystal"),
        stored("a slanted cell, atoms outside of it", 1.5, "slanted"),
    ),
    "one column (i, j) and one image for each neighbor at x[j] + image @ lattice nearer than the "
    "cutoff; an atom's own images are its neighbors too, the atom itself is not.",
    {
        "paper": "one atom in a cube of 3 angstrom, cutoff 3.5 angstrom",
        "crystal": "a shaken rock salt, cutoff 4 angstrom",
        "slanted": "three atoms in a slanted cell smaller than the cutoff, two of them outside",
    },
    {"edges and images": ("row", "edge")},
    went_in("x", "lattice", "cutoff"),
    advice=MISTAKES["3.1"],
    case_maker="periodic_crystals",
)

# ---- 3.2 again and again


def pull(x: np.ndarray, edge_index: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """A layer that needs no weights: each atom goes a part of the way to its neighbors' middle."""
    x, (i, j), shift = np.asarray(x), np.asarray(edge_index), np.asarray(shift)
    d = x[i] - x[j] - shift
    total = np.zeros_like(x)
    np.add.at(total, i, d / (1 + (d**2).sum(axis=1, keepdims=True)))
    return x - 0.2 * total


def _run_send_home(answer: Callable, case: Case) -> Arrays:
    x, lattice = (case.inputs[name].copy() for name in ("x", "lattice"))
    result = answer(pull, x, lattice, case.settings["times"])
    return {"positions": as_array(result, "The result").astype(float)}


_SEND_HOME = Check(
    "3.2",
    _run_send_home,
    (
        stored("once", 0.5, "once"),
        stored("three times", 1.5, "again"),
    ),
    "(times + 1, N, 3): the positions given, then those after each move, with neighbors found anew "
    "before each.",
    {
        "once": "a shaken crystal, moved once",
        "again": "a shaken crystal, moved three times; neighbors come and go",
    },
    {"positions": ("time", "atom", "component")},
    went_in("x", "lattice", "times"),
    advice=MISTAKES["3.2"],
    case_maker="crystals_to_send_home",
)

CHECKS = (_NEIGHBORS, _SEND_HOME)
