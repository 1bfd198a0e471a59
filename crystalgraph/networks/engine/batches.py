"""Batches of quotient graphs, cut from a table that is prepared once.

A training run asks for other batches in every epoch. What it takes long to make (features of
atoms and bonds) is made once for each crystal; a batch is then rows of one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crystalgraph.crystals.bond_features import BondSettings, make_bond_features
from crystalgraph.crystals.features import AtomFeatures
from crystalgraph.crystals.symmetry import QuotientGraph

AT_ONCE = 32
"""Batches that are cut together: for a single one, calls to numpy take longer than their work."""

Columns = dict[str, np.ndarray]
"""Arrays with as many rows each."""


@dataclass(frozen=True)
class QuotientBatch:
    """C quotient graphs as one graph without edges between them.

    M kinds of atoms of S elements and E' kinds of edges with D distances stand for N atoms and
    E edges.

    Attributes:
        element_features: (S, F) of each element that is in the batch.
        element: (M,) the element of each kind of atoms.
        atoms_of_element: (M,) kinds of atoms, those of the first element, of the second, and so on.
        first_of_element: (S,) where each element's begin in it.
        bond_features: (D, K) of each distance; crystals share none.
        center: (E',) kind that an edge belongs to, sorted.
        neighbor: (E',) kind at its other end.
        bond: (E',) its distance.
        crystal: (M,) crystal that a kind belongs to, sorted.
        every_atom: (M,) all kinds in order.
        first_atom: (C,) first kind of each crystal.
        n_crystals: C.
        weight: (E',) number of such edges that each atom of the center's kind has.
        multiplicity: (M,) number of atoms of each kind in its crystal.
        atom_share: (M,) share of a kind in the N atoms of the batch.
        pool_share: (M,) share of a kind in the atoms of its crystal.
        copies: (E',) number of such edges in the whole crystal.
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

    element_features: Tensor
    element: Tensor
    atoms_of_element: Tensor
    first_of_element: Tensor
    bond_features: Tensor
    center: Tensor
    neighbor: Tensor
    bond: Tensor
    crystal: Tensor
    every_atom: Tensor
    first_atom: Tensor
    n_crystals: int
    weight: Tensor
    multiplicity: Tensor
    atom_share: Tensor
    pool_share: Tensor
    copies: Tensor
    edge_share: Tensor
    n_atoms: int
    n_edges: int
    parts: Tensor
    parts_start: Tensor
    edges_of_part: Tensor
    part_starts: Tensor
    copies_of_part: Tensor

    @property
    def first_edge(self) -> Tensor:
        """(M,) first edge of each kind of atoms."""
        return self.part_starts[: len(self.crystal)]

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
        bonds: how distances become bond features: settings, or any function from distances (D,) in
            angstrom to rows (D, K); default BondSettings().
        dtype: of the real numbers.
    """

    def __init__(
        self,
        graphs: Sequence[QuotientGraph],
        features: AtomFeatures,
        bonds: BondSettings | Callable[[np.ndarray], np.ndarray] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.dtype = dtype
        different = [np.unique(graph.distance, return_inverse=True) for graph in graphs]
        self._atoms = _Rows([graph.n_nodes for graph in graphs])
        self._edges = _Rows([graph.n_edges for graph in graphs])
        self._bonds = _Rows([len(distances) for distances, _ in different])
        numbers, self._element = np.unique(_joined(graphs, "atomic_numbers"), return_inverse=True)
        real = torch.empty(0, dtype=dtype).numpy().dtype
        self._element_features = features.matrix(numbers).astype(real)
        distance = np.concatenate([distances for distances, _ in different])
        bonds = bonds or BondSettings()
        if isinstance(bonds, BondSettings):
            rows = make_bond_features(distance, bonds)
        else:
            rows = bonds(distance)
        self._bond_features = rows.astype(real)
        self._bond = np.concatenate([bond for _, bond in different])
        self._center, self._neighbor = _joined(graphs, "center"), _joined(graphs, "neighbor")
        self._multiplicity = _joined(graphs, "multiplicity")
        self._weight = _joined(graphs, "weight")

    def __len__(self) -> int:
        return len(self._atoms.count)

    def batch(self, rows: Sequence[int] | np.ndarray) -> QuotientBatch:
        """The crystals of some rows as one batch, in this order."""
        return next(self.batches([np.asarray(rows)]))

    def batches(self, groups: Sequence[np.ndarray]) -> Iterator[QuotientBatch]:
        """One batch for each group of rows, in this order."""
        for first in range(0, len(groups), AT_ONCE):
            yield from self._cut(groups[first : first + AT_ONCE])

    def _cut(self, groups: Sequence[np.ndarray]) -> Iterator[QuotientBatch]:
        """Every column for all groups at once, then split where the batches end."""
        n_crystals = np.array([len(group) for group in groups])
        crystals, batch = np.concatenate(groups), np.repeat(np.arange(len(groups)), n_crystals)
        kinds = (self._atoms, self._edges, self._bonds)
        atoms, edges, bonds = (rows.cut(crystals, batch) for rows in kinds)
        per_atom, n_atoms = self._per_atom(atoms, n_crystals)
        element, of_elements, n_elements = self._per_element(atoms)
        per_edge, n_edges = self._per_edge(atoms, edges, bonds, per_atom["multiplicity"])
        per_part, part_starts = _per_part(per_edge, atoms, edges, bonds)
        columns: dict[str, Any] = {
            **self._split(per_atom | element, atoms.size),
            **self._split(of_elements, n_elements),
            **self._split(per_edge, edges.size),
            **self._split({"bond_features": self._bond_features[bonds.rows]}, bonds.size),
            **self._split({"first_atom": atoms.offset}, n_crystals),
            **self._split(per_part, 3 * edges.size),
            **self._split({"part_starts": part_starts}, 2 * atoms.size + bonds.size),
        }
        numbers = {"n_crystals": n_crystals, "n_atoms": n_atoms, "n_edges": n_edges}
        columns |= {name: [int(n) for n in column] for name, column in numbers.items()}
        for number in range(len(groups)):
            yield QuotientBatch(**{name: pieces[number] for name, pieces in columns.items()})

    def _per_atom(self, atoms: _Cut, n_crystals: np.ndarray) -> tuple[Columns, np.ndarray]:
        """Columns with a row for each kind of atoms, and the atoms N of each batch."""
        multiplicity = self._multiplicity[atoms.rows]
        n_atoms = np.bincount(atoms.batch, multiplicity)
        first_crystal = np.cumsum(n_crystals) - n_crystals
        columns = {
            "crystal": atoms.crystal - first_crystal[atoms.batch],
            "every_atom": np.arange(len(atoms.rows)) - atoms.first[atoms.batch],
            "multiplicity": multiplicity.astype(float),
            "atom_share": multiplicity / n_atoms[atoms.batch],
            "pool_share": multiplicity / np.bincount(atoms.crystal, multiplicity)[atoms.crystal],
        }
        return columns, n_atoms

    def _per_element(self, atoms: _Cut) -> tuple[Columns, Columns, np.ndarray]:
        """The element of each atom; columns with a row for each element; the S of each batch."""
        element = atoms.batch * len(self._element_features) + self._element[atoms.rows]
        order = np.argsort(element, kind="stable")
        is_first = np.diff(element[order], prepend=-1) > 0
        first, number = np.flatnonzero(is_first), np.empty_like(order)
        number[order] = np.cumsum(is_first) - 1
        batch, row = np.divmod(element[order[first]], len(self._element_features))
        size = np.bincount(batch, minlength=len(atoms.size))
        per_atom = {
            "element": number - (np.cumsum(size) - size)[atoms.batch],
            "atoms_of_element": order - atoms.first[atoms.batch],
        }
        per_element = {
            "element_features": self._element_features[row],
            "first_of_element": first - atoms.first[batch],
        }
        return per_atom, per_element, size

    def _per_edge(
        self, atoms: _Cut, edges: _Cut, bonds: _Cut, multiplicity: np.ndarray
    ) -> tuple[Columns, np.ndarray]:
        """Columns with a row for each kind of edges, and the edges E of each batch."""
        center = self._center[edges.rows] + atoms.offset[edges.crystal]
        weight = self._weight[edges.rows].astype(float)
        copies = weight * multiplicity[atoms.first[edges.batch] + center]
        n_edges = np.bincount(edges.batch, copies)
        columns = {
            "center": center,
            "neighbor": self._neighbor[edges.rows] + atoms.offset[edges.crystal],
            "bond": self._bond[edges.rows] + bonds.offset[edges.crystal],
            "parts_start": 3 * (np.arange(len(center)) - edges.first[edges.batch]),
            "weight": weight,
            "copies": copies,
            "edge_share": copies / n_edges[edges.batch],
        }
        return columns, n_edges

    def _split(self, columns: Columns, size: np.ndarray) -> dict[str, Sequence[Tensor]]:
        """Each column as tensors, one for each batch."""
        tensors = {name: torch.from_numpy(column) for name, column in columns.items()}
        return {
            name: (column.to(self.dtype) if column.is_floating_point() else column).split(
                size.tolist()
            )
            for name, column in tensors.items()
        }


def _per_part(
    per_edge: Columns, atoms: _Cut, edges: _Cut, bonds: _Cut
) -> tuple[Columns, np.ndarray]:
    """Columns with three rows for each kind of edges, and the start of each part's edges."""
    parts = np.stack([per_edge["center"], per_edge["neighbor"], per_edge["bond"]], axis=1)
    parts[:, 1:] += atoms.size[edges.batch, None] * [1, 2]
    n_parts = 2 * atoms.size + bonds.size
    first_part = np.cumsum(n_parts) - n_parts
    part = parts + first_part[edges.batch, None]  # counted over all batches
    edge = np.argsort(part, axis=None, kind="stable") // 3
    n_edges = np.bincount(part.ravel(), minlength=n_parts.sum())
    starts = np.cumsum(n_edges) - n_edges - np.repeat(3 * edges.first, n_parts)
    columns = {
        "parts": parts.ravel(),
        "edges_of_part": edge - edges.first[edges.batch[edge]],
        "copies_of_part": per_edge["copies"][edge],
    }
    return columns, starts


def _joined(graphs: Sequence[QuotientGraph], column: str) -> np.ndarray:
    return np.concatenate([getattr(graph, column) for graph in graphs])


@dataclass(frozen=True)
class _Cut:
    """Rows of a table, batch after batch, crystal after crystal.

    Attributes:
        rows: (R,) of the table.
        crystal: (R,) place of each row's crystal among those of the cut.
        batch: (R,) batch of each row.
        size: (B,) rows of each batch.
        first: (B,) first of them.
        offset: (C,) first row of each crystal, counted within its batch.
    """

    rows: np.ndarray
    crystal: np.ndarray
    batch: np.ndarray
    size: np.ndarray
    first: np.ndarray
    offset: np.ndarray


class _Rows:
    """Which rows of a table belong to which crystal; each crystal's are one behind the other.

    Args:
        count: (C,) rows of each crystal.
    """

    def __init__(self, count: Sequence[int]) -> None:
        self.count = np.array(count)
        self.start = np.cumsum(self.count) - self.count

    def cut(self, crystals: np.ndarray, batch: np.ndarray) -> _Cut:
        """The rows of some crystals, each of which goes to a batch; the batches are in order."""
        count = self.count[crystals]
        start = np.cumsum(count) - count
        crystal = np.repeat(np.arange(len(crystals)), count)
        rows = np.arange(len(crystal)) + (self.start[crystals] - start)[crystal]
        size = np.bincount(batch, count).astype(int)
        first = np.cumsum(size) - size
        return _Cut(rows, crystal, batch[crystal], size, first, start - first[batch])
