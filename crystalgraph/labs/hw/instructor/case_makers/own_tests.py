"""Crystals that the student's own tests of notebook 2 are given."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Lattice, Structure

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import Case
from crystalgraph.labs.hw.instructor.case_makers.crystals import (
    anion,
    crystal_inputs,
    graphs_case,
    metals,
)

_NUMBERS = np.array([3, 5, 8, 11, 14, 19, 22, 30, 38, 47, 56, 82])


def graph_to_shuffle(numbers: CaseNumbers) -> list[Case]:
    """A graph of 12 different atoms, atomic numbers rising, with 60 edges."""
    rng = numbers.rng
    lowest = np.arange(3, 87, 7)
    graph = {
        "atomic_numbers": numbers.choose(_NUMBERS, lambda: rng.integers(lowest, lowest + 6)),
        "center": np.repeat(np.arange(12), 5),
        "neighbor": rng.integers(0, 12, 60),
        "distance": rng.uniform(1.8, 4.0, 60),
        "image": np.zeros((60, 3), dtype=int),
    }
    return [graphs_case("example", [graph])]


def small_cell(numbers: CaseNumbers) -> list[Case]:
    """An orthorhombic crystal of four atoms."""
    a, b = metals(numbers, "Ca", "Ti")
    x = anion(numbers, "O")
    sides = numbers.array((3.7, 4.2, 5.0), (4.1, 4.6, 5.4), by_hand=(3.9, 4.3, 5.2))
    coords = np.array([[0, 0, 0], [0.5, 0.5, 0.48], [0.5, 0.02, 0.5], [0, 0.5, 0.5]])
    coords += numbers.array(-0.02, 0.02, by_hand=np.zeros((4, 3)))
    crystal = Structure(Lattice.orthorhombic(*sides), [a, b, x, x], coords)
    return [Case("example", crystal_inputs(crystal))]
