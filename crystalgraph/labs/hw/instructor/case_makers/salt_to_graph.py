"""Cases of notebook 1."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Element, Lattice, Structure

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import Case
from crystalgraph.labs.hw.instructor.case_makers.crystals import (
    anion,
    crystal_inputs,
    graphs_case,
    line_graph,
    metals,
    perovskite,
    random_structure,
    rock_salt,
    small_graph,
)

MARGIN = 1e-4  # angstrom, between any distance and a limit that decides about it


def crystals_and_features(numbers: CaseNumbers) -> list[Case]:
    """Crystals whose atoms get feature vectors, the last from a table of 7 numbers an element."""
    pair = sorted((*metals(numbers, "Na"), anion(numbers, "Cl")), key=_atomic_number)
    salt = rock_salt(numbers.number(5, 6.2, by_hand=5.6), pair)
    a, b, second = metals(numbers, "Ba", "Ti", "Zr")
    x = anion(numbers, "O")
    double = perovskite(numbers.number(3.8, 4.2, by_hand=3.9), [a, b, x, x, x], (1, 1, 2))
    double.replace(numbers.whole(2, 4, by_hand=3), second)
    return [
        Case("rock_salt", crystal_inputs(salt)),
        Case("perovskite", crystal_inputs(double)),
        _other_table(numbers),
    ]


def _other_table(numbers: CaseNumbers) -> Case:
    a, b, c = metals(numbers, "Sr", "Nb", "Li")
    x = anion(numbers, "O")
    sides = numbers.array((3.8, 4.8, 5.8), (4.2, 5.2, 6.2), by_hand=(4, 5, 6))
    mixed = random_structure(numbers.rng, [x, a, x, b, c, x], Lattice.orthorhombic(*sides))
    known = np.array(sorted(map(_atomic_number, (a, b, c, x))))
    table = {"table_numbers": known, "table": numbers.rng.normal(size=(4, 7)).round(3)}
    return Case("other_table", crystal_inputs(mixed) | table)


def _atomic_number(symbol: str) -> int:
    return Element(symbol).Z


def crystals_with_neighbors(numbers: CaseNumbers) -> list[Case]:
    """Crystals with whole shells, periodic images, near ties, few neighbors, other arguments."""
    pair = [*metals(numbers, "Na"), anion(numbers, "Cl")]
    salt = rock_salt(numbers.number(5.2, 6, by_hand=5.64), pair, primitive=True)
    a, b = metals(numbers, "Sr", "Ti")
    x = anion(numbers, "O")
    cubic = perovskite(numbers.number(3.8, 4.2, by_hand=3.905), [a, b, x, x, x])
    ions = [*metals(numbers, "Cs"), anion(numbers, "Cl")]
    far = Lattice.cubic(numbers.number(5.7, 6.2, by_hand=6.0))
    few = {"arguments": {"k": 12, "radius": 5.5, "tolerance": 0.01}}
    return [
        Case("rock_salt", crystal_inputs(salt)),
        Case("perovskite", crystal_inputs(cubic)),
        Case("near_tie", crystal_inputs(_pressed(numbers))),
        Case("sparse", crystal_inputs(Structure(far, ions, [[0] * 3, [0.5] * 3])), few),
        _other_arguments(numbers),
    ]


def _pressed(numbers: CaseNumbers) -> Structure:
    """Rock salt pressed along one axis: the 12th neighbor is one of 8; 4 are 0.004 A further."""
    side = numbers.number(5.4, 5.9, by_hand=5.64)
    crystal = rock_salt(side, [*metals(numbers, "Na"), anion(numbers, "Cl")])
    crystal.lattice = Lattice.tetragonal(side, side - numbers.number(0.009, 0.0125, by_hand=0.0112))
    return crystal


def _other_arguments(numbers: CaseNumbers) -> Case:
    arguments = {"k": 5, "radius": 4.5, "tolerance": 0.2}
    middle = np.array([4.4, 5, 5.6, 85, 95, 103])
    a, b = metals(numbers, "Sr", "Ti")
    x, y = anion(numbers, "O"), anion(numbers, "F")

    def make() -> Structure:
        cell = numbers.array(0.97 * middle, 1.03 * middle, by_hand=middle)
        return random_structure(numbers.rng, [a, b, x, x, x, y], Lattice.from_parameters(*cell))

    crystal = numbers.until(make, lambda structure: _well_apart(structure, **arguments))
    return Case("arguments", crystal_inputs(crystal), {"arguments": arguments})


def _well_apart(structure: Structure, k: int, radius: float, tolerance: float) -> bool:
    """Whether k and tolerance matter, and no distance lies so close to a limit that digits do."""
    center, _, _, distance = structure.get_neighbor_list(radius + 1)
    atoms = [np.sort(distance[center == atom]) for atom in range(len(structure))]

    def n_edges(k: int, radius: float, tolerance: float) -> int:
        inside = [atom[atom < radius] for atom in atoms]
        return sum(int((d <= d[:k][-1] + tolerance).sum()) for d in inside)

    exact = n_edges(k, radius, tolerance)
    nearby = [(k, radius + s, tolerance + t) for s in (-MARGIN, MARGIN) for t in (-MARGIN, MARGIN)]
    others = [(12, radius, tolerance), (k, radius, 0.01)]
    return all(n_edges(*limits) == exact for limits in nearby) and all(
        n_edges(*limits) != exact for limits in others
    )


def distances(numbers: CaseNumbers) -> list[Case]:
    """Distances and the centers of the functions that they are expanded in."""
    few = {
        "distance": numbers.array(0.5, 3.5, by_hand=(1, 2, 3)),
        "centers": numbers.array(0.5, 3, by_hand=(1, 2)),
    }
    rng = numbers.rng
    course = {"distance": rng.uniform(1.5, 7.5, 8), "centers": np.arange(41) * 0.2}
    wide = {"distance": rng.uniform(0, 5, 5), "centers": rng.uniform(0, 5, 6)}
    return [
        Case("paper", few, {"width": numbers.number(0.4, 0.8, by_hand=0.5)}),
        Case("course", course, {"width": 0.2}),
        Case("wide", wide, {"width": numbers.number(0.6, 0.9, by_hand=0.7)}),
    ]


def graphs_to_batch(numbers: CaseNumbers) -> list[Case]:
    """Lists of crystal graphs."""
    lines = [
        line_graph(numbers.distinct(1, 90, by_hand=(11, 17)), numbers.number(1.8, 3, by_hand=2.0)),
        line_graph(numbers.pick(range(1, 90), (8, 22, 8)), numbers.number(1.8, 3, by_hand=2.0)),
    ]
    n_atoms = numbers.distinct(2, 7, by_hand=(4, 2, 5))
    n_edges = numbers.distinct(7, 14, by_hand=(9, 5, 11))
    rng = numbers.rng
    same = small_graph(rng, 3, 5)
    sizes = zip(n_atoms, n_edges, strict=True)
    return [
        graphs_case("paper", lines),
        graphs_case("three", [small_graph(rng, *size) for size in sizes]),
        graphs_case("one", [small_graph(rng, 3, 7)]),
        graphs_case("equal", [same, same, same]),
    ]
