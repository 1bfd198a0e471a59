"""Checks of the kinds of atoms and of the quotient graph, whatever numbers an answer gives them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, stored
from crystalgraph.checking.compare import as_array
from crystalgraph.checking.faults import Fault
from crystalgraph.crystals.graphs import CrystalGraph
from crystalgraph.crystals.symmetry import TOLERANCE, refine_colors, with_distance_classes
from crystalgraph.labs.symmetry.advice import MISTAKES

GRAPH_COLUMNS = ("atomic_numbers", "center", "neighbor", "distance", "image")
QUOTIENT_COLUMNS = ("atomic_numbers", "multiplicity", "center", "neighbor", "distance", "weight")
MOST_EDGES = 10_000
"""Counted with their weights; a quotient with more of them is wrong in any case."""


def graph_of(case: Case) -> CrystalGraph:
    """The graph stored in a case, with arrays of its own."""
    return CrystalGraph(case.name, *(case.inputs[name].copy() for name in GRAPH_COLUMNS))


def _sizes(case: Case) -> str:
    graph = graph_of(case)
    return f"{graph.n_atoms} atoms, {graph.n_edges} edges"


# ---- 1.1 refine_colors


def _run_refine(answer: Callable, case: Case) -> Arrays:
    graph = graph_of(case)
    colors = as_array(answer(graph), "Your result")
    if colors.shape != (graph.n_atoms,):
        raise Fault(
            f"refine_colors should return one number for each of the {graph.n_atoms} atoms; got "
            f"shape {colors.shape}.",
            "shape",
        )
    kind = in_order_of_appearance(colors)
    return {"number of kinds": np.array(kind.max() + 1), "kinds": kind}


def in_order_of_appearance(colors: np.ndarray) -> np.ndarray:
    """The same partition with other numbers: the first atom has 0, the next new kind 1, ..."""
    if not np.isfinite(colors).all():
        raise Fault("The result holds NaN or infinity.", "not finite")
    _, first, color = np.unique(colors, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[color]


_COLORS = Check(
    "1.1",
    _run_refine,
    (
        stored("six atoms in a ring", 2, "paper"),
        stored("elements, numbers and sides of edges", 1.5, "molecules", "nearest"),
        stored("nearly equal distances", 1, "near"),
        stored("a perovskite, and a large cell", 1, "perovskite", "supercell"),
        stored("as many rounds as it takes", 0.5, "long"),
    ),
    "equal numbers for atoms of one kind, different ones for others; which numbers, does not "
    "matter (shown: numbered as the kinds appear in the list).",
    {
        "paper": "six copper atoms in a ring, with gaps of 2, 3, 2, 3, 4 and 3 angstrom",
        "molecules": "small molecules side by side, all bonds equally long",
        "nearest": "four like atoms on a line; each has one edge, to its nearest neighbor",
        "near": "two rings of like atoms, some gaps nearly equal",
        "perovskite": "the five atoms of a cubic perovskite, shuffled",
        "supercell": "40 atoms of a double perovskite, shuffled",
        "long": "a line of like atoms, all gaps equal",
    },
    {"kinds": ("atom",)},
    _sizes,
    advice=MISTAKES["1.1"],
    case_maker="graphs_to_refine",
)

# ---- 1.2 quotient


def _run_quotient(answer: Callable, case: Case) -> Arrays:
    graph = graph_of(case)
    result = answer(graph, case.inputs["colors"].copy())
    if not isinstance(result, tuple | list) or len(result) != len(QUOTIENT_COLUMNS):
        raise Fault(f"quotient should return six arrays: {', '.join(QUOTIENT_COLUMNS)}.")
    named = zip(QUOTIENT_COLUMNS, result, strict=True)
    columns = {name: as_array(value, f"Your {name}").astype(float) for name, value in named}
    _require_table(columns, graph)
    columns["distance"] = _of_its_class(columns["distance"], graph)
    return _in_one_order(columns)


def _require_table(columns: Arrays, graph: CrystalGraph) -> None:
    """Raise Fault unless there is a row for each kind and each edge, no more than in the graph."""
    for names in (QUOTIENT_COLUMNS[:2], QUOTIENT_COLUMNS[2:]):
        lengths = {columns[name].shape for name in names}
        if len(lengths) > 1 or len(lengths.pop()) != 1:
            found = ", ".join(f"{name} {columns[name].shape}" for name in names)
            raise Fault(f"These arrays need one axis and one length; got {found}.", "shape")
    if not all(np.isfinite(column).all() for column in columns.values()):
        raise Fault("The result holds NaN or infinity.", "not finite")
    n_kinds, n_edges = len(columns["atomic_numbers"]), len(columns["center"])
    if n_kinds > graph.n_atoms or n_edges > graph.n_edges:
        found = f"{n_kinds} kinds of atoms and {n_edges} edges"
        raise Fault(f"Your quotient has {found}, more than the graph itself.", "too large")
    for name in ("center", "neighbor"):
        kinds = columns[name]
        if not np.isin(kinds, np.arange(n_kinds)).all():
            said = f"{name} should hold numbers of kinds, 0 to {n_kinds - 1}."
            advice = MISTAKES["1.2"]["atoms for kinds"]
            raise Fault(f"Likely mistake: {advice}\n{said}", "atoms for kinds")


def _of_its_class(distance: np.ndarray, graph: CrystalGraph) -> np.ndarray:
    """The mean of the class that each distance belongs to; whoever takes another of it is right."""
    means = np.unique(with_distance_classes(graph).distance)
    nearest = means[np.abs(distance[:, None] - means).argmin(axis=1)]
    return np.where(np.abs(distance - nearest) <= TOLERANCE, nearest, distance)


def _in_one_order(columns: Arrays) -> Arrays:
    """The same quotient graph with kinds and edges in an order of ours."""
    place = _place_of_kinds(columns)
    order = np.argsort(place)
    center, neighbor = (place[columns[name].astype(int)] for name in ("center", "neighbor"))
    edges = np.lexsort((columns["weight"], columns["distance"], neighbor, center))
    return {
        "number of kinds": np.array(float(len(place))),
        "atomic_numbers": columns["atomic_numbers"][order],
        "multiplicity": columns["multiplicity"][order],
        "number of edges": np.array(float(len(edges))),
        "center": center[edges].astype(float),
        "neighbor": neighbor[edges].astype(float),
        "distance": columns["distance"][edges],
        "weight": columns["weight"][edges],
    }


def _place_of_kinds(columns: Arrays) -> np.ndarray:
    """The place (M,) of each kind in an order that does not depend on how they are numbered.

    It is that of the refined colors of the quotient graph itself, in which kinds are different
    again. Where they are not, the quotient is a wrong one, and any order will do.
    """
    weight = np.clip(np.round(columns["weight"]), 1, None)
    if weight.sum() > MOST_EDGES:
        weight = np.ones_like(weight)
    edge = np.repeat(np.arange(len(weight)), weight.astype(int))
    edge = edge[np.argsort(columns["center"][edge], kind="stable")]
    numbers = columns["atomic_numbers"].astype(int)
    center, neighbor = (columns[name][edge].astype(int) for name in ("center", "neighbor"))
    image = np.zeros((len(edge), 3), dtype=int)
    distance = columns["distance"][edge]
    colors = refine_colors(CrystalGraph("", numbers, center, neighbor, distance, image))
    return np.argsort(np.argsort(colors, kind="stable"))


_EDGE, _KIND = ("edge",), ("kind",)
_QUOTIENT = Check(
    "1.2",
    _run_quotient,
    (
        stored("six atoms in a ring", 2, "paper"),
        stored("nearly equal distances", 1, "near"),
        stored("a perovskite and a metal", 1, "perovskite", "two_shells"),
        stored("40 atoms, any numbers for the kinds", 1, "supercell"),
    ),
    "each kind once with its number of atoms, and each kind of edge once with the number of such "
    "edges that one atom has (kinds and edges in any order).",
    {
        "paper": "six copper atoms in a ring, with gaps of 2, 3, 2, 3, 4 and 3 angstrom",
        "perovskite": "the five atoms of a cubic perovskite, shuffled",
        "two_shells": "tungsten, two equal atoms with 8 neighbors at one distance and 6 at another",
        "near": "two rings of like atoms, some gaps nearly equal",
        "supercell": "40 atoms of a double perovskite, shuffled",
    },
    {
        **dict.fromkeys(("atomic_numbers", "multiplicity"), _KIND),
        **dict.fromkeys(("center", "neighbor", "distance", "weight"), _EDGE),
    },
    _sizes,
    advice=MISTAKES["1.2"],
    case_maker="graphs_with_colors",
)

CHECKS = (_COLORS, _QUOTIENT)
