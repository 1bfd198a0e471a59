"""The check of the student's own pair of crystals, which comes as arrays: lattices and atoms."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Element, Lattice, Structure

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.crystals.graphs import GraphSettings, build_graph
from crystalgraph.crystals.symmetry import TOLERANCE, QuotientGraph, quotient, same_quotient
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning
from crystalgraph.labs.symmetry.advice import MISTAKES
from crystalgraph.labs.symmetry.examples import PAIRS

Pair = tuple[Structure, Structure]

MOST_ATOMS = 24
VOLUME_PER_ATOM = (3.0, 500.0)
"""Cubic angstrom; with it the number of neighbors within 8 angstrom is limited."""
LONGEST = 100.0
"""Angstrom, of a lattice vector as it is given."""
NEAREST = 0.7
"""Angstrom, of two atoms, images included."""
NEARLY = 0.03
"""Angstrom by which distances differ when coordinates are written with two or three digits."""


def _mistake(cause: str, said: str) -> Fault:
    return Fault(f"Likely mistake: {MISTAKES['1.4'][cause]}\n{said}", cause)


# ---- from whatever is returned to two crystals of ours

_NO_INPUT = Case("no arguments", {})
_PARTS = ("lattice", "atomic numbers", "coordinates")


def _run_pair(answer: Callable, case: Case) -> Arrays:
    """The arrays of both structures; Fault when there are no two, or they are too large."""
    result = answer()
    if not isinstance(result, tuple | list) or len(result) != 2:
        kind = "None" if result is None else f"a {type(result).__name__}"
        raise _mistake("no two crystals", f"my_pair returned {kind}.")
    arrays: Arrays = {}
    for name, structure in zip(("first", "second"), result, strict=True):
        parts = _arrays(structure, name)
        if reason := _why_refused(*parts):
            raise _mistake("cell refused", f"The {name} crystal {reason}.")
        arrays |= {f"{name} {part}": value for part, value in zip(_PARTS, parts, strict=True)}
    return arrays


def _arrays(structure: Any, name: str) -> tuple[np.ndarray, ...]:
    """Lattice, atomic numbers and fractional coordinates of what may be a structure."""
    if not isinstance(structure, Structure):
        said = f"The {name} is a {type(structure).__name__} and no Structure of pymatgen."
        raise _mistake("no two crystals", said)
    try:
        numbers = structure.atomic_numbers
    except AttributeError:
        raise _mistake("no two crystals", f"The {name} has a site without one element.") from None
    columns = (structure.lattice.matrix, numbers, structure.frac_coords)
    return tuple(np.array(column) for column in columns)


def _pair(exam: Exam) -> Pair:
    """The two crystals, made anew of their arrays; the student's function is called once."""
    arrays = exam.run(_NO_INPUT)
    first, second = (
        _crystal(name, *(arrays[f"{name} {part}"] for part in _PARTS))
        for name in ("first", "second")
    )
    return first, second


def _crystal(name: str, matrix: np.ndarray, numbers: np.ndarray, coords: np.ndarray) -> Structure:
    crystal = Structure(Lattice(matrix), [Element.from_Z(int(z)) for z in numbers], coords)
    crystal = crystal.get_reduced_structure("LLL")  # a slanted cell has images without number
    nearest = crystal.get_neighbor_list(NEAREST)[3]
    if len(nearest):
        raise _mistake("cell refused", f"The {name} crystal has atoms {nearest[0]:.2f} Å apart.")
    return crystal


def _why_refused(matrix: np.ndarray, numbers: np.ndarray, coords: np.ndarray) -> str:
    """What is wrong with a cell, as the end of a sentence; empty when nothing is."""
    if not 1 <= len(numbers) <= MOST_ATOMS:
        return f"has {len(numbers)} atoms"
    if not (np.isfinite(matrix).all() and np.isfinite(coords).all()):
        return "has coordinates that are no numbers"
    if np.abs(matrix).max() > LONGEST or np.abs(coords).max() > LONGEST:
        return f"has lattice vectors or coordinates above {LONGEST:g}"
    volume = abs(np.linalg.det(matrix)) / len(numbers)
    if not VOLUME_PER_ATOM[0] <= volume <= VOLUME_PER_ATOM[1]:
        return f"has {volume:.4g} cubic angstrom per atom"
    return ""


# ---- what a network sees of them


def _seen(crystal: Structure, rough: float | None = None) -> QuotientGraph:
    """The quotient graph; roughly, when distances this close are to be equal, in angstrom."""
    settings = GraphSettings() if rough is None else GraphSettings(tolerance=rough)
    try:
        with warnings.catch_warnings():  # strange distances are no fault here
            warnings.simplefilter("ignore", CrystalGraphWarning)
            return quotient(build_graph(crystal, settings=settings), rough or TOLERANCE)
    except CrystalGraphError as error:
        raise _mistake("lonely atom", str(error)) from None


def _two_crystals(exam: Exam) -> None:
    for crystal in _pair(exam):
        _seen(crystal)


def _look_the_same(exam: Exam) -> None:
    pair = _pair(exam)
    seen = [_seen(crystal) for crystal in pair]
    if not same_quotient(*seen, tolerance=TOLERANCE):
        sizes = " and ".join(f"{one.n_nodes} nodes, {one.n_edges} edges" for one in seen)
        raise _mistake(_why_told_apart(pair), f"The quotient graphs: {sizes}.")


def _why_told_apart(pair: Pair) -> str:
    first, second = (crystal.composition.fractional_composition for crystal in pair)
    if not first.almost_equals(second):
        return "other elements"
    if same_quotient(*(_seen(crystal, NEARLY) for crystal in pair), tolerance=NEARLY):
        return "rounded coordinates"
    return "another size" if StructureMatcher().fit(*pair) else "told apart"


def _are_two(exam: Exam) -> None:
    pair = _pair(exam)
    if StructureMatcher().fit(*pair):
        sizes = " and ".join(str(len(crystal)) for crystal in pair)
        raise _mistake("same crystal", f"The cells have {sizes} atoms.")


def _are_new(exam: Exam) -> None:
    first, second = _pair(exam)
    matcher = StructureMatcher()
    for examples in PAIRS:
        one, other = (example() for example in examples)
        for left, right in ((one, other), (other, one)):
            if matcher.fit_anonymous(first, left) and matcher.fit_anonymous(second, right):
                known = " and ".join(example.__name__ for example in examples)
                raise _mistake("a pair of the notebook", f"It is {known}.")


CHECKS = (
    Check(
        "1.4",
        _run_pair,
        (
            CheckStep("two crystals", 0.5, _two_crystals),
            CheckStep("equal quotient graphs", 1.5, _look_the_same),
            CheckStep("not the same crystal", 1, _are_two),
            CheckStep("not a pair of the notebook", 1, _are_new),
        ),
        "two crystals with equal quotient graphs (12 neighbors) that pymatgen's StructureMatcher "
        "tells apart, and no pair of the notebook.",
        advice=MISTAKES["1.4"],
    ),
)
