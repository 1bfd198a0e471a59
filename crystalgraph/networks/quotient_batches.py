"""Batches of quotient graphs, cut from a table that is prepared once.

A training run asks for other batches in every epoch. What it takes long to make (features of
atoms and bonds) is made once for each crystal; a batch is then rows of one table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crystalgraph.crystals.bond_features import BondSettings, make_bond_features
from crystalgraph.crystals.features import AtomFeatures
from crystalgraph.crystals.symmetry import QuotientGraph


@dataclass(frozen=True)
class QuotientBatch:
    """C quotient graphs as one graph without edges between them.

    M kinds of atoms and E' kinds of edges with D distances stand for N atoms and E edges.

    Attributes:
        atom_features: (M, F) of each kind of atoms.
        bond_features: (D, K) of each distance; crystals share none.
        center: (E',) kind that an edge belongs to, sorted.
        neighbor: (E',) kind at its other end.
        bond: (E',) its distance.
        first_edge: (M,) first edge of each kind.
        crystal: (M,) crystal that a kind belongs to, sorted.
        first_atom: (C,) first kind of each crystal.
        n_crystals: C.
        weight: (E',) number of such edges that each atom of the center's kind has.
        multiplicity: (M,) number of atoms of each kind in its crystal.
        atom_share: (M,) share of a kind in the N atoms of the batch.
        pool_share: (M,) share of a kind in the atoms of its crystal.
        edge_share: (E',) share of a kind of edges in the E edges of the batch.
        n_atoms: N, as they are counted in the whole crystals.
        n_edges: E, likewise.
        parts: (3 E') what each edge is computed from, three rows of a table that has M rows for
            centers, then M for neighbors, then D for distances.
        parts_start: (E') where each edge's begin.
        edges_of_part: (3 E') the edges that each row of that table is part of, row by row.
        part_starts: (2 M + D) where each row's edges begin in it.
        copies_of_part: (3 E') for each of them, the number of edges of the whole crystals.
    """

    atom_features: Tensor
    bond_features: Tensor
    center: Tensor
    neighbor: Tensor
    bond: Tensor
    first_edge: Tensor
    crystal: Tensor
    first_atom: Tensor
    n_crystals: int
    weight: Tensor
    multiplicity: Tensor
    atom_share: Tensor
    pool_share: Tensor
    edge_share: Tensor
    n_atoms: int
    n_edges: int
    parts: Tensor
    parts_start: Tensor
    edges_of_part: Tensor
    part_starts: Tensor
    copies_of_part: Tensor

    def inputs(self) -> tuple[QuotientBatch]:
        """The arguments of QuotientNetwork.forward."""
        return (self,)

    def to(self, device: torch.device | str) -> QuotientBatch:
        """The same batch on another device."""
        return self._with_tensors(lambda column: column.to(device))

    def double(self) -> QuotientBatch:
        """The same batch with its real numbers in float64."""
        return self._with_tensors(lambda x: x.double() if x.is_floating_point() else x)

    def _with_tensors(self, change: Any) -> QuotientBatch:
        columns: dict[str, Any] = {
            name: change(column)
            for name, column in vars(self).items()
            if isinstance(column, Tensor)
        }
        return replace(self, **columns)


class PreparedQuotients:
    """The quotient graphs of many crystals in one table, from which batches are cut.

    Args:
        graphs: C quotient graphs.
        features: turns atomic numbers into atom features.
        bonds: how distances become bond features; default BondSettings().
        dtype: of the real numbers.
    """

    def __init__(
        self,
        graphs: Sequence[QuotientGraph],
        features: AtomFeatures,
        bonds: BondSettings | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.dtype = dtype
        distances = [np.unique(graph.distance, return_inverse=True) for graph in graphs]
        self._atoms = _Rows([graph.n_nodes for graph in graphs])
        self._edges = _Rows([graph.n_edges for graph in graphs])
        self._bonds = _Rows([len(different) for different, _ in distances])
        numbers, self.element = np.unique(_joined(graphs, "atomic_numbers"), return_inverse=True)
        self.element_features = torch.as_tensor(features.matrix(numbers), dtype=dtype)
        distance = np.concatenate([different for different, _ in distances])
        bond_features = make_bond_features(distance, bonds or BondSettings())
        self.bond_features = torch.as_tensor(bond_features, dtype=dtype)
        self.multiplicity = _joined(graphs, "multiplicity")
        self.center, self.neighbor = _joined(graphs, "center"), _joined(graphs, "neighbor")
        self.bond = np.concatenate([bond for _, bond in distances])
        self.weight = _joined(graphs, "weight")

    def __len__(self) -> int:
        return len(self._atoms.count)

    def batch(self, rows: Sequence[int] | np.ndarray) -> QuotientBatch:
        """The crystals of some rows as one batch, in this order."""
        rows = np.asarray(rows)
        atom, atom_offset = self._atoms.of(rows)
        edge, edge_crystal = self._edges.of(rows)[0], self._edges.crystal(rows)
        bond, bond_offset = self._bonds.of(rows)
        center = self.center[edge] + atom_offset[edge_crystal]
        neighbor = self.neighbor[edge] + atom_offset[edge_crystal]
        edge_bond = self.bond[edge] + bond_offset[edge_crystal]
        crystal, multiplicity = self._atoms.crystal(rows), self.multiplicity[atom]
        weight = self.weight[edge]
        copies = weight * multiplicity[center]
        n_atoms, n_edges = int(multiplicity.sum()), int(copies.sum())
        in_crystal = np.bincount(crystal, multiplicity, len(rows))
        parts = np.stack([center, len(atom) + neighbor, 2 * len(atom) + edge_bond], axis=1)
        edges_of_part = np.argsort(parts, axis=None, kind="stable") // 3
        per_part = np.bincount(parts.ravel(), minlength=2 * len(atom) + len(bond))
        part_starts = np.cumsum(per_part) - per_part
        real = {
            "weight": weight,
            "multiplicity": multiplicity,
            "atom_share": multiplicity / n_atoms,
            "pool_share": multiplicity / in_crystal[crystal],
            "edge_share": copies / max(n_edges, 1),
            "copies_of_part": copies[edges_of_part],
        }
        return QuotientBatch(
            atom_features=self.element_features[torch.from_numpy(self.element[atom])],
            bond_features=self.bond_features[torch.from_numpy(bond)],
            center=torch.from_numpy(center),
            neighbor=torch.from_numpy(neighbor),
            bond=torch.from_numpy(edge_bond),
            first_edge=torch.from_numpy(part_starts[: len(atom)]),
            crystal=torch.from_numpy(crystal),
            first_atom=torch.from_numpy(atom_offset),
            n_crystals=len(rows),
            n_atoms=n_atoms,
            n_edges=n_edges,
            parts=torch.from_numpy(parts.ravel()),
            parts_start=torch.arange(0, parts.size, 3),
            edges_of_part=torch.from_numpy(edges_of_part),
            part_starts=torch.from_numpy(part_starts),
            **{name: torch.from_numpy(column).to(self.dtype) for name, column in real.items()},
        )

    def batches(self, size: int) -> Iterator[QuotientBatch]:
        """All crystals in order, in batches that are equally large up to one."""
        for rows in np.array_split(np.arange(len(self)), -(-len(self) // size)):
            yield self.batch(rows)


def _joined(graphs: Sequence[QuotientGraph], column: str) -> np.ndarray:
    return np.concatenate([getattr(graph, column) for graph in graphs])


class _Rows:
    """Which rows of a table belong to which crystal; each crystal's are one behind the other.

    Args:
        count: (C,) rows of each crystal.
    """

    def __init__(self, count: Sequence[int]) -> None:
        self.count = np.array(count)
        self.start = np.cumsum(self.count) - self.count

    def of(self, crystals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows of some crystals, and where each crystal's begin among these."""
        count = self.count[crystals]
        offset = np.cumsum(count) - count
        return np.arange(count.sum()) + np.repeat(self.start[crystals] - offset, count), offset

    def crystal(self, crystals: np.ndarray) -> np.ndarray:
        """Place of the crystal, among those asked for, that each row belongs to."""
        return np.repeat(np.arange(len(crystals)), self.count[crystals])
