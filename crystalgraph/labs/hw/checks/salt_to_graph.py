"""Checks of notebook 1: from a crystal structure to a graph, and graphs to a batch."""

import re
from collections.abc import Callable, Sequence

import numpy as np
from pymatgen.core import Lattice, Structure

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, stored
from crystalgraph.checking.compare import as_array, close, shapes
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault, explain
from crystalgraph.crystals.features import AtomFeatures, TableFeatures, published_features
from crystalgraph.crystals.graphs import CrystalGraph
from crystalgraph.labs.hw.advice import MISTAKES

ROUNDING = 1e-6
"""Angstrom; distances that differ by less are equal, but for the last digits."""
GRAPH_COLUMNS = ("atomic_numbers", "center", "neighbor", "distance", "image")


def structure_of(case: Case) -> Structure:
    """The crystal structure stored in a case."""
    lattice, numbers, coords = (case.inputs[k] for k in ("lattice", "numbers", "frac_coords"))
    return Structure(Lattice(lattice), [int(z) for z in numbers], coords)


def _crystal(case: Case) -> str:
    structure = structure_of(case)
    return f"{structure.composition.formula}, {len(structure)} atoms"


# ---- 1.1 atom_vectors


def features_of(case: Case) -> AtomFeatures:
    """Published features, or a table of another length (nothing may count on 92)."""
    if "table" not in case.inputs:
        return published_features()
    numbers = [int(number) for number in case.inputs["table_numbers"]]
    return TableFeatures(dict(zip(numbers, case.inputs["table"], strict=True)))


def _run_atom_vectors(answer: Callable, case: Case) -> Arrays:
    try:
        result = answer(structure_of(case), features_of(case))
    except Exception as error:
        asked_for = re.search(r"Atomic number (.+) has no feature vector", str(error))
        if asked_for is None:
            raise
        is_number = asked_for[1].lstrip("-").isdecimal()
        cause = "site number for element" if is_number else "element for its number"
        said = f"The table was asked for the atomic number {asked_for[1][:40]}."
        raise _mistake("1.1", cause, said, explain(error, "atom_vectors").line) from None
    return {"result": as_array(result, "The result")}


def _mistake(task: str, cause: str, said: str, line: str = "") -> Fault:
    """A known mistake that shows in another way than by wrong numbers."""
    where = f"\nat {line}" if line else ""
    return Fault(f"Likely mistake: {MISTAKES[task][cause]}\n{said}{where}", cause, line)


def _structure_unchanged(exam: Exam) -> None:
    for case in exam.named():
        structure = structure_of(case)
        before = structure.copy()
        arguments = [features_of(case)] if exam.check.task == "1.1" else []
        exam.answer(structure, *arguments)
        if structure != before:
            raise Fault(
                "Your function changes the structure it is given; work on a copy.", "in place"
            )


_VECTORS = Check(
    "1.1",
    _run_atom_vectors,
    (
        stored("rock salt: Na and Cl", 2, "rock_salt"),
        stored("any crystal, any feature table", 1.5, "perovskite", "other_table"),
        CheckStep("the structure stays as it was", 0.5, _structure_unchanged),
    ),
    "one row per site of the structure, in its order, each row the vector of the site's element.",
    {
        "rock_salt": "the conventional cell of NaCl, published features",
        "perovskite": "a double perovskite, published features",
        "other_table": "a crystal with four elements and a table of 7 numbers per element",
    },
    {"result": ("atom", "feature")},
    _crystal,
    advice=MISTAKES["1.1"],
    case_maker="crystals_and_features",
)

# ---- 1.2 find_neighbors


def _run_find_neighbors(answer: Callable, case: Case) -> Arrays:
    structure = structure_of(case)
    columns = _three_columns(answer(structure, **case.settings.get("arguments", {})))
    return _sorted_edges(columns, len(structure))


def _three_columns(result: object) -> list[np.ndarray]:
    if result is None:
        raise Fault("find_neighbors returned None; leave its `return` line in place.", "None")
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise Fault("find_neighbors should return three arrays: center, neighbor, distance.")
    names = ("center", "neighbor", "distance")
    columns = [as_array(v, f"Your {n}") for n, v in zip(names, result, strict=True)]
    if len({column.shape for column in columns}) > 1 or columns[0].ndim != 1:
        found = shapes(dict(zip(names, columns, strict=True)))
        raise Fault(
            f"The three arrays should be of one length E, one number per edge; got {found}."
        )
    if len(columns[0]) and "f" in (columns[0].dtype.kind, columns[1].dtype.kind):
        raise Fault("center and neighbor should hold whole numbers (indices of atoms).", "dtype")
    return columns


def _per_atom(center: np.ndarray, n_atoms: int) -> np.ndarray:
    """Number of edges of each atom (N,); bincount alone would count up to any center."""
    if len(center) and not (0 <= center.min() and center.max() < n_atoms):
        raise Fault(f"center should hold indices of atoms, 0 to {n_atoms - 1}.", "no atom")
    return np.bincount(center.astype(int), minlength=n_atoms)


def _sorted_edges(columns: Sequence[np.ndarray], n_atoms: int) -> Arrays:
    """Edges in an order that does not depend on how they were found.

    Args:
        columns: center, neighbor and distance.
        n_atoms: N.

    Returns:
        number of edges (N,), and the three columns sorted by center, neighbor and distance.
    """
    center, neighbor, distance = columns
    order = np.lexsort((np.round(distance, 6), neighbor, center))
    return {
        "number of edges per atom": _per_atom(center, n_atoms),
        "center": center[order],
        "neighbor": neighbor[order],
        "distance": distance[order],
    }


def _whole_shells(*names: str) -> Callable[[Exam], None]:
    """Compare with stored cases, and name what leaves a shell incomplete."""

    def test(exam: Exam) -> None:
        for case in exam.named(*names):
            try:
                exam.compare(case.name)
            except Fault as fault:
                cause = "" if fault.cause else _torn_shell(case, exam.run(case))
                if not cause:
                    raise
                raise _mistake("1.2", cause, fault.message) from None

    return test


def _torn_shell(case: Case, edges: Arrays) -> str:
    """The mistake that takes a part of the k-th shell of an atom, and all that is nearer.

    Which part depends on rounding, and so do the numbers of an answer without tolerance: they
    cannot be stored. Empty when something else is wrong.
    """
    structure, arguments = structure_of(case), case.settings.get("arguments", {})
    k, radius = arguments.get("k", 12), arguments.get("radius", 8.0)
    center, _, _, distance = structure.get_neighbor_list(radius)
    counts, whole = (of["number of edges per atom"] for of in (edges, case.expected))
    if counts.shape != whole.shape or (counts > whole).any() or (counts == whole).all():
        return ""
    for atom in range(len(structure)):
        there, kept = np.sort(distance[center == atom]), edges["distance"][edges["center"] == atom]
        limit = there[:k][-1]
        nearer = [int((d < limit - ROUNDING).sum()) for d in (there, kept)]
        if nearer[0] != nearer[1] or (kept > limit + ROUNDING).any():
            return ""
    exactly_k = (counts == np.minimum(k, np.bincount(center))).all()
    return "cut at k" if exactly_k else "tolerance ignored"


def _edges_per_atom(answer: Callable, structure: Structure) -> np.ndarray:
    center, _, _ = _three_columns(answer(structure))
    return _per_atom(center, len(structure))


def _same_in_supercells(exam: Exam) -> None:
    structure = structure_of(exam.named("perovskite")[0])
    once = _edges_per_atom(exam.answer, structure)
    twice = _edges_per_atom(exam.answer, structure * (2, 1, 1))
    if not np.array_equal(np.repeat(once, 2), twice):
        raise Fault(
            "The atoms of a 2x1x1 supercell have other numbers of neighbors than those of the "
            "single cell, although it is the same crystal.",
            "supercell",
            guess="An atom's own periodic images are neighbors like any other, and whole shells "
            "are kept.",
        )


_EDGE = ("edge",)
_NEIGHBORS = Check(
    "1.2",
    _run_find_neighbors,
    (
        CheckStep("rock salt: whole shells", 2, _whole_shells("rock_salt")),
        CheckStep("a supercell has the same neighbors", 1, _same_in_supercells),
        CheckStep(
            "periodic images, near ties, few neighbors",
            2,
            _whole_shells("perovskite", "near_tie", "sparse"),
        ),
        stored("other k, radius and tolerance", 1, "arguments"),
    ),
    "for each atom its k nearest neighbors and every further one within the tolerance of the "
    "k-th distance.",
    {
        "rock_salt": "the primitive cell of NaCl: 6 neighbors in the first shell, 12 in the "
        "second, all of them images of the atom itself",
        "perovskite": "cubic SrTiO3, where an atom is a neighbor of its own periodic images",
        "near_tie": "NaCl pressed a little along one axis, which splits shells by 0.004 angstrom",
        "sparse": "a crystal with fewer than k neighbors within the radius",
        "arguments": "a distorted crystal with k=5, radius=4.5, tolerance=0.2",
    },
    {
        "number of edges per atom": ("atom",),
        "center": _EDGE,
        "neighbor": _EDGE,
        "distance": _EDGE,
    },
    _crystal,
    advice=MISTAKES["1.2"],
    case_maker="crystals_with_neighbors",
)

# ---- 1.3 gaussian_expansion


def _run_expansion(answer: Callable, case: Case) -> Arrays:
    distance, centers = case.inputs["distance"].copy(), case.inputs["centers"].copy()
    result = as_array(answer(distance, centers, case.settings["width"]), "The result")
    if not np.array_equal(distance, case.inputs["distance"]):
        raise Fault("Your function changes `distance` in place: make a new array.", "in place")
    return {"result": result}


def _peaks_where_it_should(exam: Exam) -> None:
    centers = np.linspace(0, 4, 9)
    result = as_array(exam.answer(centers.copy(), centers, 0.3), "The result")
    if not np.allclose(np.diagonal(result), 1):
        raise Fault(
            "A distance that equals a center should give exactly 1 there, yours gives "
            f"{np.diagonal(result)[0]:.3g}.",
            "peak",
            guess="Is there a factor in front, or a + for a -?",
        )


_EXPANSION = Check(
    "1.3",
    _run_expansion,
    (
        stored("three distances by hand", 1.5, "paper", paper=True),
        CheckStep("1 where distance and center agree", 0.5, _peaks_where_it_should),
        stored("41 centers, other widths", 2, "course", "wide"),
    ),
    "exp(-(d - center)^2 / width^2), one row per distance and one column per center.",
    {
        "paper": "distances 1, 2, 3 and centers 1, 2",
        "course": "8 distances, the 41 centers of the course",
        "wide": "5 distances, 6 centers, width 0.7",
    },
    {"result": ("distance", "center")},
    lambda case: f"{shapes(case.inputs)}, width={case.settings['width']}",
    advice=MISTAKES["1.3"],
    case_maker="distances",
)

# ---- 1.4 batch_crystals


def graphs_of(case: Case) -> list[CrystalGraph]:
    """The crystal graphs stored in a case, with arrays of their own."""
    return [
        CrystalGraph(
            f"crystal {number}", *(case.inputs[f"{number}/{c}"].copy() for c in GRAPH_COLUMNS)
        )
        for number in range(case.settings["n_graphs"])
    ]


BATCH_COLUMNS = ("atomic_numbers", "center", "neighbor", "distance", "crystal")


def _changed(name: str) -> Fault:
    return _mistake("1.4", "in place", f"Your function changes `{name}` of a graph it was given.")


def _run_batch(answer: Callable, case: Case) -> Arrays:
    graphs = graphs_of(case)
    try:
        result = answer(graphs)
    except Exception as error:
        assigned = re.search(r"cannot assign to field '(\w+)'", str(error))
        if assigned is None:
            raise
        raise _changed(assigned[1]) from None
    if not isinstance(result, tuple | list) or len(result) != len(BATCH_COLUMNS):
        raise Fault(f"batch_crystals should return five arrays: {', '.join(BATCH_COLUMNS)}.")
    for number, graph in enumerate(graphs):
        for name in GRAPH_COLUMNS:
            if not np.array_equal(getattr(graph, name), case.inputs[f"{number}/{name}"]):
                raise _changed(name)
    names = zip(BATCH_COLUMNS, result, strict=True)
    return {name: as_array(value, f"Your {name}") for name, value in names}


def _indices_fit(exam: Exam) -> None:
    graphs = graphs_of(exam.named("three")[0])
    names = zip(BATCH_COLUMNS, exam.answer(graphs), strict=True)
    batch = {name: np.asarray(value) for name, value in names}
    if any(column.ndim != 1 for column in batch.values()):
        raise Fault(f"The five arrays should have one axis; got {shapes(batch)}.", "shape")
    atoms = sum(graph.n_atoms for graph in graphs)
    for name in ("center", "neighbor"):
        if batch[name].dtype.kind not in "iu":
            raise Fault(
                f"{name} should hold whole numbers (indices), not {batch[name].dtype}.", "dtype"
            )
        if not batch[name].max() < atoms:
            raise Fault(f"{name} points at atom {batch[name].max()}, but there are {atoms}.")
    ends = (batch["crystal"][batch[name]] for name in ("center", "neighbor"))
    if not close(*ends, rtol=0):
        raise Fault("An edge joins atoms of two crystals.", guess="Both ends need the same offset.")


_BATCH = Check(
    "1.4",
    _run_batch,
    (
        stored("two small crystals", 2, "paper"),
        stored("three crystals of different size", 2, "three"),
        CheckStep("indices are whole and stay inside their crystal", 1, _indices_fit),
        stored("one crystal alone, equal crystals", 1, "one", "equal"),
    ),
    "everything concatenated, atom indices raised by the number of atoms in the crystals before, "
    "and for each atom the number of its crystal, counted from 0.",
    {
        "paper": "a crystal of two atoms and one of three",
        "three": "crystals of 4, 2 and 5 atoms",
        "one": "a single crystal of 3 atoms",
        "equal": "the same crystal three times",
    },
    {name: ("atom",) if name in ("atomic_numbers", "crystal") else _EDGE for name in BATCH_COLUMNS},
    lambda case: ", ".join(f"{g.n_atoms} atoms and {g.n_edges} edges" for g in graphs_of(case)),
    advice=MISTAKES["1.4"],
    case_maker="graphs_to_batch",
)

CHECKS = (_VECTORS, _NEIGHBORS, _EXPANSION, _BATCH)
