"""What can be said of a cell by counting its atoms: rules, and forests that are given counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pymatgen.core import Structure

from crystalgraph.crystals.datasets import CrystalDataset
from crystalgraph.labs.defects.cells import defect_of
from crystalgraph.labs.defects.study import Hosts, is_right

N_ELEMENTS, N_SHARES = 100, 5


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
    from sklearn.ensemble import RandomForestClassifier

    def table(names: list[str]) -> np.ndarray:
        twins = [counts_of_twins(dataset, name, kind, n) for name in names]
        return np.array([told(counts) for pair in twins for counts in pair])

    forest = RandomForestClassifier(100, random_state=0)
    forest.fit(table(hosts.train), np.tile([0, 1], len(hosts.train)))
    share_of_trees = forest.predict_proba(table(hosts.test))[:, 1]
    return is_right(share_of_trees.reshape(-1, 2) - 0.5)
