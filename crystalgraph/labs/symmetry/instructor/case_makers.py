"""What the checks are tried on: graphs for paper, graphs of crystals, kinds to be averaged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from pymatgen.core import Lattice, Structure

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import ON_PAPER, Case
from crystalgraph.crystals.graphs import build_graph
from crystalgraph.crystals.symmetry import refine_colors
from crystalgraph.labs.symmetry.checks.kinds import (
    GRAPH_COLUMNS,
    graph_of,
    in_order_of_appearance,
)

LARGE = ("Sr", "Ba", "K", "Rb", "Cs", "La")
SMALL = ("Ti", "Zr", "Nb", "Ta", "Hf", "Mg", "Sc", "Sn")

Edge = tuple[int, int, float]
"""Center, neighbor, distance in angstrom."""

# ---- graphs


def _graph_case(name: str, atomic_numbers: Sequence[int], edges: Sequence[Edge]) -> Case:
    """A case of one graph; its edges are sorted by center, then by distance."""
    rows = sorted(edges, key=lambda edge: (edge[0], edge[2]))
    center, neighbor, distance = zip(*rows, strict=True)
    ends = np.array(center), np.array(neighbor)
    image = np.zeros((len(rows), 3), dtype=int)
    columns = (np.array(atomic_numbers), *ends, np.array(distance, dtype=float), image)
    return Case(name, dict(zip(GRAPH_COLUMNS, columns, strict=True)))


def _structure_case(name: str, structure: Structure, rng: np.random.Generator) -> Case:
    """A case of a crystal's graph, its atoms shuffled."""
    order = rng.permutation(len(structure))
    graph = build_graph(Structure.from_sites([structure[int(i)] for i in order]))
    return Case(name, {column: getattr(graph, column) for column in GRAPH_COLUMNS})


def _both_ways(first: int, second: int, distance: float) -> list[Edge]:
    return [(first, second, distance), (second, first, distance)]


def _ring(gaps: ArrayLike) -> list[Edge]:
    """Edges of atoms in a ring, each to the next and back."""
    lengths = np.asarray(gaps, dtype=float).tolist()
    n = len(lengths)
    return [edge for i, gap in enumerate(lengths) for edge in _both_ways(i, (i + 1) % n, gap)]


# ---- 1.1 and 1.2


def _six_in_a_ring(numbers: CaseNumbers) -> Case:
    """Two rounds are needed: the first sees one kind less."""
    a = numbers.number(1.8, 2.4, by_hand=2)
    b = numbers.number(2.6, 3.2, by_hand=3)
    c = numbers.number(3.4, 4.4, by_hand=4)
    turn = numbers.whole(0, 6, by_hand=0)
    gaps = np.roll([a, b, a, b, c, b], turn)
    return _graph_case(ON_PAPER, [numbers.whole(20, 31, by_hand=29)] * 6, _ring(gaps))


def _molecules(numbers: CaseNumbers) -> Case:
    """X-Z-Y twice, X-Z, X-Z-X, and all bonds equal: elements and numbers of neighbors decide."""
    x, y, z = numbers.distinct(1, 90, by_hand=(8, 16, 6))
    bond = numbers.number(1.5, 2.5, by_hand=1.8)
    atoms = [x, z, y, y, z, x, x, z, x, z, x]
    pairs = [(0, 1), (1, 2), (3, 4), (4, 5), (6, 7), (8, 9), (9, 10)]
    order = numbers.choose(np.arange(11), lambda: numbers.rng.permutation(11))
    edges = [e for i, j in pairs for e in _both_ways(int(order[i]), int(order[j]), bond)]
    shuffled = np.zeros(11, dtype=int)
    shuffled[order] = atoms
    return _graph_case("molecules", shuffled.tolist(), edges)


def _nearest(numbers: CaseNumbers) -> Case:
    """Atoms on a line whose gaps grow: the nearest neighbor of the third does not see the third."""
    first = numbers.number(1.8, 2.2, by_hand=2)
    second = numbers.number(2.6, 3, by_hand=3)
    third = numbers.number(3.5, 4, by_hand=4)
    edges = [(0, 1, first), (1, 0, first), (2, 1, second), (3, 2, third)]
    number = numbers.whole(3, 90, by_hand=29)
    flip = numbers.whole(0, 2, by_hand=0)
    turned = [(3 - i, 3 - j, distance) for i, j, distance in edges]
    return _graph_case("nearest", [number] * 4, turned if flip else edges)


def _nearly_equal(numbers: CaseNumbers) -> Case:
    """Two rings: rounding to 1, 2 or 3 digits is wrong in the first, none at all in the second."""
    base = numbers.whole(18, 23, by_hand=20) / 10
    a, b = base + 0.0046, base + 0.0053  # on both sides of a half hundredth
    c, d = base + 0.30035, base + 0.30065  # on both sides of a half thousandth
    other = base + numbers.number(0.32, 0.34, by_hand=0.33)  # another class than c and d
    first = np.roll([a, c, a, d, b, c, b, d, b, other], numbers.whole(0, 10, by_hand=0))
    last_digits = np.array([0, 0, 0, 1e-12])
    second = [(10 + i, 10 + j, gap) for i, j, gap in _ring(base + 0.7 + last_digits)]
    return _graph_case("near", [numbers.whole(3, 90, by_hand=14)] * 14, _ring(first) + second)


def _perovskite(numbers: CaseNumbers) -> Case:
    """Five atoms of three kinds."""
    (a,), (b,) = numbers.pick(LARGE, ("Sr",)), numbers.pick(SMALL, ("Ti",))
    (x,) = numbers.pick(("O", "F"), ("O",))
    edge = numbers.number(3.8, 4.2, by_hand=3.905)
    return _structure_case("perovskite", _cubic_perovskite(edge, [a, b, x]), numbers.rng)


def _cubic_perovskite(edge: float, symbols: Sequence[str]) -> Structure:
    a, b, x = symbols
    coords = [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    return Structure(Lattice.cubic(edge), [a, b, x, x, x], coords)


def _two_shells(numbers: CaseNumbers) -> Case:
    """A body-centered cubic metal: 8 and 6 neighbors of the atom's own kind."""
    (metal,) = numbers.pick(("W", "Fe", "Cr", "Mo", "Ta", "Nb"), ("W",))
    edge = numbers.number(2.9, 3.4, by_hand=3.165)
    crystal = Structure(Lattice.cubic(edge), [metal] * 2, [[0] * 3, [0.5] * 3])
    return _structure_case("two_shells", crystal, numbers.rng)


def _supercell(numbers: CaseNumbers) -> Case:
    """A2BB'X6 in eight cubes: B and B' take turns, and X lies in the middle between them."""
    (a,), (b, second) = numbers.pick(LARGE, ("Ba",)), numbers.pick(SMALL, ("Ti", "Zr"))
    (x,) = numbers.pick(("O", "F"), ("O",))
    crystal = _cubic_perovskite(numbers.number(3.9, 4.3, by_hand=4.1), [a, b, x]) * 2
    for number, site in enumerate(crystal):
        odd = round(2 * float(site.frac_coords.sum()) - 1.5) % 2
        if str(site.specie) == b and odd:
            crystal.replace(number, second)
    return _structure_case("supercell", crystal, numbers.rng)


def _long(numbers: CaseNumbers) -> Case:
    """A line of like atoms: news of the ends need half its length."""
    n, gap = numbers.whole(13, 17, by_hand=13), numbers.number(1.8, 3, by_hand=2.5)
    edges = [edge for i in range(n - 1) for edge in _both_ways(i, i + 1, gap)]
    return _graph_case("long", [numbers.whole(3, 90, by_hand=79)] * n, edges)


def graphs_to_refine(numbers: CaseNumbers) -> list[Case]:
    """Graphs whose kinds are to be found."""
    makers = (_six_in_a_ring, _molecules, _nearest, _nearly_equal, _perovskite, _supercell, _long)
    return [make(numbers) for make in makers]


def graphs_with_colors(numbers: CaseNumbers) -> list[Case]:
    """Graphs, and the kinds of their atoms under any numbers."""
    makers = (_six_in_a_ring, _perovskite, _two_shells, _nearly_equal, _supercell)
    return [_with_colors(make(numbers), numbers) for make in makers]


def _with_colors(case: Case, numbers: CaseNumbers) -> Case:
    """The case with the kinds of its atoms: on paper 0, 1, 2 as they appear, else any numbers."""
    kinds = in_order_of_appearance(refine_colors(graph_of(case)))
    names = numbers.rng.permutation(100)
    if case.name == ON_PAPER:
        names = numbers.choose(np.arange(100), lambda: names)
    return Case(case.name, case.inputs | {"colors": names[kinds]})


# ---- 1.3


def kinds_to_pool(numbers: CaseNumbers) -> list[Case]:
    """Features of kinds, with multiplicities."""
    few = {
        "atom_features": numbers.array(-5, 5, by_hand=[[1], [5], [2], [4]]),
        "multiplicity": np.array([*numbers.distinct(1, 9, by_hand=(3, 1)), 1, 1], dtype=float),
        "crystal": np.array([0, 0, 1, 1]),
    }
    rng = numbers.rng
    crystal = np.repeat(np.arange(5), [2, 1, 4, 3, 2])
    many = {
        "atom_features": rng.normal(size=(12, 3)),
        "multiplicity": rng.integers(1, 9, 12).astype(float),
        "crystal": crystal,
    }
    return [Case("paper", few, {"n_crystals": 2}), Case("random", many, {"n_crystals": 5})]
