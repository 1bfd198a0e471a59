"""Hosts and their defective twins as quotient graphs, and batches of them.

A network of two convolutions cannot tell atoms apart whose surroundings agree two bonds far. Each
kind of atom is computed once (crystals/symmetry): a 6 x 6 cell has a dozen kinds in place of a
hundred atoms, and a perfect cell has those of its primitive cell, only more of each.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from crystalgraph.crystals.datasets import CrystalDataset
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import build_graph
from crystalgraph.crystals.symmetry import QuotientGraph, quotients, refine_colors
from crystalgraph.labs.defects.making import Cell, make_defect, perfect_cell
from crystalgraph.networks.engine.batches import PreparedQuotients, QuotientBatch

N_CONV = 2
"""Convolutions of all networks of the lab, and so rounds of refinement."""


def defect_rng(host: str, kind: str, seed: int = 0) -> np.random.Generator:
    """Draws the site of a host's defect and what is left to choose, the same on every machine."""
    return np.random.default_rng([zlib.crc32(f"{host} {kind}".encode()), seed])


def defect_of(dataset: CrystalDataset, name: str, kind: str, n: int) -> Cell:
    """The defective twin of a host in its n x n cell; in all sizes at the same site."""
    row, rng = dataset.ids.index(name), defect_rng(name, kind)
    site = rng.choice(dataset.records[row]["distinct_sites"])
    return make_defect(dataset.structures[row], n, kind, int(site), rng)


@dataclass(frozen=True)
class CellBatch:
    """C cells whose M kinds of atoms stand for N atoms.

    Attributes:
        quotient: what convolutions need.
        element: (M,) atomic number of each kind.
        multiplicity: (M,) number of atoms of each kind in its cell.
        crystal: (M,) cell that a kind belongs to, counted from 0.
        n_crystals: C.
    """

    quotient: QuotientBatch
    element: Tensor

    @property
    def multiplicity(self) -> Tensor:
        """(M,) number of atoms of each kind in its cell."""
        return self.quotient.multiplicity

    @property
    def crystal(self) -> Tensor:
        """(M,) cell that a kind belongs to."""
        return self.quotient.crystal

    @property
    def n_crystals(self) -> int:
        """C."""
        return self.quotient.n_crystals


class Twins:
    """H hosts in n x n cells, each without and with a defect: row 2h is perfect, 2h + 1 is not.

    With K kinds of defects, of which one is the rule, each host has K + 1 rows.

    Args:
        names: H names of hosts.
        graphs: H (K + 1) quotient graphs in the order of the rows.
        at_defect: as many arrays, for each kind of atoms of a cell the share of those at the
            defect.
    """

    def __init__(
        self,
        names: Sequence[str],
        graphs: Sequence[QuotientGraph],
        at_defect: Sequence[np.ndarray],
    ) -> None:
        self.names, self.graphs = list(names), list(graphs)
        self.n_classes = len(graphs) // len(names) if names else 1
        self.label = np.arange(len(graphs)) % self.n_classes
        self.n_atoms = np.array([graph.multiplicity.sum() for graph in graphs])
        self._at_defect = at_defect
        self._element = [torch.from_numpy(graph.atomic_numbers) for graph in graphs]
        self._prepared = PreparedQuotients(graphs, published_features())

    def __len__(self) -> int:
        return len(self.label)

    def rows(self, names: Sequence[str]) -> np.ndarray:
        """Rows of the twins of some hosts, perfect and defective in turns."""
        place = {name: number for number, name in enumerate(self.names)}
        first = self.n_classes * np.array([place[name] for name in names])
        return (first[:, None] + np.arange(self.n_classes)).ravel()

    def batches(self, groups: Sequence[np.ndarray]) -> list[CellBatch]:
        """One batch for each group of rows."""
        return [
            CellBatch(batch, torch.cat([self._element[row] for row in group]))
            for batch, group in zip(self._prepared.batches(groups), groups, strict=True)
        ]

    def batch(self, rows: np.ndarray) -> CellBatch:
        """The cells of some rows as one batch."""
        return self.batches([rows])[0]

    def at_defect(self, rows: np.ndarray) -> np.ndarray:
        """(M,) share of each kind's atoms that are at the defect, in the order of a batch."""
        return np.concatenate([self._at_defect[row] for row in rows])


def make_twins(
    dataset: CrystalDataset,
    names: Sequence[str],
    kind: str | Sequence[str],
    n: int,
    change: Callable[[Cell, str], Cell] | None = None,
) -> Twins:
    """Hosts and their defective twins, ready for networks.

    Args:
        dataset: of hosts.
        names: ids of H of them.
        kind: of the defects; with several, each host has a twin of each kind.
        n: of the n x n cells.
        change: is given each cell and its host's name and returns the cell to be used instead,
            for rattled ones; the perfect twins are then no copies of a primitive cell.
    """
    kinds, cells = [kind] if isinstance(kind, str) else list(kind), []
    for name in names:
        host = dataset.structures[dataset.ids.index(name)]
        perfect = perfect_cell(host, 1 if change is None else n)
        mine = [perfect, *(defect_of(dataset, name, one, n) for one in kinds)]
        cells += mine if change is None else [change(cell, name) for cell in mine]
    graphs, at_defect, _ = _quotients(cells)
    if change is None:
        step = len(kinds) + 1
        graphs[::step] = [_repeated(graph, n * n) for graph in graphs[::step]]
    return Twins(names, graphs, at_defect)


def one_cell(cell: Cell) -> tuple[Twins, np.ndarray]:
    """A table with one cell in its only row, and the kind (N,) of each of its atoms."""
    graphs, at_defect, (kind,) = _quotients([cell])
    return Twins([], graphs, at_defect), kind


def _quotients(
    cells: Sequence[Cell],
) -> tuple[list[QuotientGraph], list[np.ndarray], list[np.ndarray]]:
    """Quotient graphs of cells, the share of each kind's atoms at the defect, each atom's kind."""
    graphs = [build_graph(cell.structure, cell.kind) for cell in cells]
    kinds = [refine_colors(graph, rounds=N_CONV) for graph in graphs]
    shares = [
        np.bincount(kind, cell.atoms_at_defect) / np.bincount(kind)
        for kind, cell in zip(kinds, cells, strict=True)
    ]
    return quotients(graphs, rounds=N_CONV), shares, kinds


def _repeated(graph: QuotientGraph, times: int) -> QuotientGraph:
    """The quotient graph of a supercell, from that of its primitive cell."""
    return replace(graph, multiplicity=times * graph.multiplicity)
