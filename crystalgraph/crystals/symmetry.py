"""Crystals without repetitions: atoms with the same surroundings are counted, not listed.

A network of messages gives two atoms the same numbers when both are of one element and have the
same neighbors at the same distances, these again the same neighbors, and so on. Such atoms are
of one *kind*. The quotient graph of a crystal has one node for each kind, with a multiplicity, and
one edge for all equal edges of a kind, with a weight. It is all that a network can see.

Kinds are found by color refinement (the Weisfeiler-Leman test): colors begin as atomic numbers. In
each round an atom's new color is its old one together with the multiset of (distance, neighbor's
color) of its edges, until there are no more colors than before.

Distances are equal up to rounding only, and up to how well the crystal was relaxed. So they are
sorted first and put into classes: where the next distance is less than a tolerance away, it is in
the same class. Each distance becomes the mean of its class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crystalgraph.crystals.graphs import CrystalGraph
from crystalgraph.errors import CrystalGraphError

TOLERANCE = 1e-3
"""Distances in a row that are closer than this are in one class, in angstrom."""

AT_ONCE = 500
"""Crystals that are refined together: enough to make numpy's calls cheap, few enough for memory."""


@dataclass(frozen=True, eq=False)
class QuotientGraph:
    """One crystal, each kind of atoms and of edges listed once.

    Nodes and edges are in an order that does not depend on the order of the crystal's atoms.

    Attributes:
        name: identifier used in messages.
        atomic_numbers: (M,) integers, one for each kind of atoms.
        multiplicity: (M,) number of atoms of each kind; adds up to the atoms of the crystal.
        center: (E',) kind that an edge belongs to, sorted.
        neighbor: (E',) kind at the other end.
        distance: (E',) mean of the distance's class, in angstrom.
        weight: (E',) number of such edges that each atom of the center's kind has.
        largest_move: between a distance and the mean of its class, in angstrom.
    """

    name: str
    atomic_numbers: np.ndarray
    multiplicity: np.ndarray
    center: np.ndarray
    neighbor: np.ndarray
    distance: np.ndarray
    weight: np.ndarray
    largest_move: float

    @property
    def n_nodes(self) -> int:
        """Number of kinds of atoms M."""
        return len(self.atomic_numbers)

    @property
    def n_edges(self) -> int:
        """Number of kinds of edges E'."""
        return len(self.center)


def quotient(
    graph: CrystalGraph, tolerance: float = TOLERANCE, rounds: int | None = None
) -> QuotientGraph:
    """The quotient graph of a crystal.

    Args:
        graph: of the crystal.
        tolerance: distances in a row that are closer than this are equal, in angstrom.
        rounds: of color refinement, 1 or more; None: until no more kinds are found. A network with
            so many convolutions cannot tell the quotient from the crystal either.

    Returns:
        The quotient graph.

    Raises:
        CrystalGraphError: rounds is below 1.
    """
    return quotients([graph], tolerance, rounds)[0]


def quotients(
    graphs: Sequence[CrystalGraph], tolerance: float = TOLERANCE, rounds: int | None = None
) -> list[QuotientGraph]:
    """The quotient graphs of many crystals, in the same order; arguments as for one."""
    if rounds is not None and rounds < 1:
        raise CrystalGraphError(f"{rounds} rounds of refinement see no edge; ask for 1 or more.")
    found = []
    for first in range(0, len(graphs), AT_ONCE):
        union = _Union.of(graphs[first : first + AT_ONCE], tolerance)
        found += _quotients(union, *union.refine(rounds))
    return found


def refine_colors(
    graph: CrystalGraph, tolerance: float = TOLERANCE, rounds: int | None = None
) -> np.ndarray:
    """The kind of each atom.

    Args:
        graph: of the crystal.
        tolerance: distances in a row that are closer than this are equal, in angstrom.
        rounds: of refinement; 0: the elements; None: until no more kinds are found.

    Returns:
        (N,) integers from 0, in an order that does not depend on the order of the atoms.
    """
    return _Union.of([graph], tolerance).refine(rounds)[1]


def with_distance_classes(graph: CrystalGraph, tolerance: float = TOLERANCE) -> CrystalGraph:
    """The same graph with the mean of its class in place of each distance."""
    union = _Union.of([graph], tolerance)
    return replace(graph, distance=union.class_distance[union.distance_class])


def same_quotient(first: QuotientGraph, second: QuotientGraph, tolerance: float = 1e-6) -> bool:
    """Whether no network of messages can tell two crystals apart.

    Multiplicities may have a common factor: a supercell is the same crystal.

    Args:
        first, second: their quotient graphs.
        tolerance: for distances, in angstrom.
    """
    for column in ("atomic_numbers", "center", "neighbor", "weight"):
        if not np.array_equal(getattr(first, column), getattr(second, column)):
            return False
    shares = first.multiplicity * second.multiplicity.sum()
    if not np.array_equal(shares, second.multiplicity * first.multiplicity.sum()):
        return False
    return np.allclose(first.distance, second.distance, rtol=0, atol=tolerance)


@dataclass(frozen=True)
class _Union:
    """Several crystals as one graph without edges between them.

    Attributes:
        names: C names.
        crystal: (N,) crystal that an atom belongs to, sorted.
        atomic_numbers: (N,).
        center, neighbor: (E,) atoms counted over all crystals.
        distance_class: (E,) class of each distance; classes are sorted by crystal, then distance.
        class_distance: mean distance of each class, in angstrom.
        largest_move: (C,) between a distance and the mean of its class, in angstrom.
    """

    names: list[str]
    crystal: np.ndarray
    atomic_numbers: np.ndarray
    center: np.ndarray
    neighbor: np.ndarray
    distance_class: np.ndarray
    class_distance: np.ndarray
    largest_move: np.ndarray

    @classmethod
    def of(cls, graphs: Sequence[CrystalGraph], tolerance: float) -> _Union:
        """Put graphs side by side and their distances into classes."""
        n_atoms = np.array([graph.n_atoms for graph in graphs])
        n_edges = np.array([graph.n_edges for graph in graphs])
        offset = np.repeat(np.cumsum(n_atoms) - n_atoms, n_edges)
        crystal_of_edge = np.repeat(np.arange(len(graphs)), n_edges)
        distance = np.concatenate([graph.distance for graph in graphs])
        distance_class, class_distance = _classes(distance, crystal_of_edge, tolerance)
        largest_move = np.zeros(len(graphs))
        moves = np.abs(distance - class_distance[distance_class])
        np.maximum.at(largest_move, crystal_of_edge, moves)
        return cls(
            [graph.name for graph in graphs],
            np.repeat(np.arange(len(graphs)), n_atoms),
            np.concatenate([graph.atomic_numbers for graph in graphs]),
            np.concatenate([graph.center for graph in graphs]) + offset,
            np.concatenate([graph.neighbor for graph in graphs]) + offset,
            distance_class,
            class_distance,
            largest_move,
        )

    def refine(self, rounds: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Colors (N,) before the last round of refinement, and after it."""
        before = color = _rank_rows(np.stack([self.crystal, self.atomic_numbers], axis=1))
        for _ in range(len(color) if rounds is None else rounds):
            before, color = color, self._refine_once(color)
            if color.max() == before.max():
                break
        return before, color

    def _refine_once(self, color: np.ndarray) -> np.ndarray:
        """Number the rows (own color; sorted (distance class, color) of all neighbors)."""
        seen = self.distance_class * (color.max() + 1) + color[self.neighbor]
        order = np.lexsort((seen, self.center))
        center = self.center[order]
        place = np.arange(len(center)) - np.searchsorted(center, center)
        table = np.full((len(color), place.max(initial=-1) + 2), -1)
        table[:, 0] = color
        table[center, place + 1] = seen[order]
        return _rank_rows(table)


def _classes(
    distance: np.ndarray, crystal: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """The class (E,) of each distance of a crystal, and the mean distance of each class."""
    order = np.lexsort((distance, crystal))
    apart = (np.diff(distance[order]) > tolerance) | (np.diff(crystal[order]) > 0)
    distance_class = np.zeros(len(distance), dtype=int)
    distance_class[order[1:]] = np.cumsum(apart)
    return distance_class, np.bincount(distance_class, distance) / np.bincount(distance_class)


def _rank_rows(table: np.ndarray) -> np.ndarray:
    """Place of each row among all different rows in alphabetical order; equal rows, equal place."""
    order = np.lexsort(table.T[::-1])
    differs = (np.diff(table[order], axis=0) != 0).any(axis=1)
    rank = np.zeros(len(table), dtype=int)
    rank[order[1:]] = np.cumsum(differs)
    return rank


def _quotients(union: _Union, before: np.ndarray, color: np.ndarray) -> Iterator[QuotientGraph]:
    """One quotient graph for each crystal of a union.

    After a limited number of rounds atoms of one color have neighbors of the same colors *before*
    the last round only. So an edge ends at the first of the colors that its neighbor's was split
    into: before the last convolution these have the same features.
    """
    _, atom, multiplicity = np.unique(color, return_index=True, return_counts=True)
    first_part = np.full(before.max() + 1, len(atom))
    np.minimum.at(first_part, before, color)
    chosen = atom[color[union.center]] == union.center  # edges of one atom of each kind
    center, neighbor = color[union.center[chosen]], first_part[before[union.neighbor[chosen]]]
    shape = (len(atom), len(union.class_distance), len(atom))
    edge = np.ravel_multi_index((center, union.distance_class[chosen], neighbor), shape)
    edge, weight = np.unique(edge, return_counts=True)
    center, distance_class, neighbor = np.unravel_index(edge, shape)
    nodes = np.searchsorted(union.crystal[atom], np.arange(len(union.names) + 1))
    edges = np.searchsorted(center, nodes)
    for c, name in enumerate(union.names):
        node, some = slice(nodes[c], nodes[c + 1]), slice(edges[c], edges[c + 1])
        yield QuotientGraph(
            name,
            union.atomic_numbers[atom[node]],
            multiplicity[node],
            center[some] - nodes[c],
            neighbor[some] - nodes[c],
            union.class_distance[distance_class[some]],
            weight[some],
            float(union.largest_move[c]),
        )
