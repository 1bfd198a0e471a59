"""What can be said of a cell without a network: forests that are given counts or distances."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pymatgen.core import Structure

from crystalgraph.crystals.datasets import CrystalDataset
from crystalgraph.crystals.symmetry import QuotientGraph
from crystalgraph.labs.defects.cells import Twins, defect_of
from crystalgraph.labs.defects.study import Hosts, is_right

N_ELEMENTS, N_SHARES = 100, 5
BONDED, N_BONDS = 1.25, 13
"""Neighbors of an atom up to so many times its shortest distance are bonded; most bonds, plus 1."""


def counts_of_twins(dataset: CrystalDataset, name: str, kind: str, n: int) -> np.ndarray:
    """Atoms of each element (2, 100) in the n x n cell of a host, and in that of its twin.

    What a defect changes does not depend on n: it is counted in the primitive cell.
    """
    host = dataset.structures[dataset.ids.index(name)]
    perfect, broken = map(_counts, (host, defect_of(dataset, name, kind, 1).structure))
    return np.stack([n * n * perfect, n * n * perfect + broken - perfect])


def _counts(structure: Structure) -> np.ndarray:
    return np.bincount(structure.atomic_numbers, minlength=N_ELEMENTS)


def by_element(counts: np.ndarray) -> np.ndarray:
    """The share of each element."""
    return counts / counts.sum()


def sorted_shares(counts: np.ndarray) -> np.ndarray:
    """The shares in rising order, without the names of the elements."""
    shares = np.sort(counts[counts > 0]) / counts.sum()
    return np.pad(shares, (0, N_SHARES - len(shares)))


def odd_number(counts: np.ndarray) -> np.ndarray:
    """Whether the number of atoms is odd."""
    return np.array([counts.sum() % 2])


def shortest_distance(graph: QuotientGraph) -> np.ndarray:
    """The shortest distance between two atoms of a cell, in angstrom."""
    return np.array([graph.distance.min()])


def coordination(graph: QuotientGraph) -> np.ndarray:
    """The share of the atoms of a cell that have 0, 1, 2 ... bonds."""
    nearest = np.full(graph.n_nodes, np.inf)
    np.minimum.at(nearest, graph.center, graph.distance)
    bonded = graph.weight * (graph.distance < BONDED * nearest[graph.center])
    bonds = np.bincount(graph.center, bonded, graph.n_nodes).round().astype(int)
    atoms = np.bincount(bonds.clip(max=N_BONDS - 1), graph.multiplicity, N_BONDS)
    return atoms / atoms.sum()


def forest_answers(
    dataset: CrystalDataset,
    hosts: Hosts,
    kind: str,
    n: int,
    told: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Whether a random forest is right (H, 2) about the test hosts and their twins.

    Args:
        dataset: of hosts.
        hosts: to train on and to test on.
        kind: of the defects.
        n: of the n x n cells.
        told: what the forest is given of the counts of a cell.
    """

    def table(names: list[str]) -> np.ndarray:
        twins = [counts_of_twins(dataset, name, kind, n) for name in names]
        return np.array([told(counts) for pair in twins for counts in pair])

    return _forest(table(hosts.train), table(hosts.test))


def forest_on_graphs(
    twins: Twins, hosts: Hosts, told: Callable[[QuotientGraph], np.ndarray]
) -> np.ndarray:
    """As forest_answers, of what can be read from the distances in a cell.

    Args:
        twins: of all hosts.
        hosts: to train on and to test on.
        told: what the forest is given of the graph of a cell.
    """
    tables = [
        np.array([told(twins.graphs[row]) for row in twins.rows(names)])
        for names in (hosts.train, hosts.test)
    ]
    return _forest(*tables)


def _forest(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Whether a forest is right (H, 2) about twins, which follow each other in both tables."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(100, random_state=0)
    forest.fit(train, np.tile([0, 1], len(train) // 2))
    share_of_trees = forest.predict_proba(test)[:, 1]
    return is_right(share_of_trees.reshape(-1, 2) - 0.5)
