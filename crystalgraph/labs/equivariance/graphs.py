"""Molecules, crystals and systems of charges as graphs, and several of them as one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class AtomGraph:
    """One molecule, crystal or system of charges.

    Attributes:
        kinds: (N,) what each atom is, as a row of an embedding.
        x: (N, 3) positions in angstrom (charges: without unit).
        edge_index: (2, E) atom i that is moved and its neighbor j.
        shift: (E, 3) from the neighbor in the cell to its image in angstrom; zeros in a molecule.
        target: (T,) properties of the whole, or (N, 3) where each atom has to go, from x.
        velocity: (N, 3) of charges; zeros elsewhere.
    """

    kinds: np.ndarray
    x: np.ndarray
    edge_index: np.ndarray
    shift: np.ndarray
    target: np.ndarray
    velocity: np.ndarray

    def turned(self, rotation: np.ndarray) -> AtomGraph:
        """The same in another position: everything that has a direction is turned.

        Args:
            rotation: (3, 3).
        """
        turned = {name: getattr(self, name) @ rotation.T for name in ("x", "shift", "velocity")}
        if self.target.shape == self.x.shape:
            turned["target"] = self.target @ rotation.T
        return replace(self, **turned)


@dataclass(frozen=True)
class GraphBatch:
    """Several graphs as one: columns of AtomGraph as tensors, one graph after the other.

    Attributes:
        kinds, x, edge_index, shift, velocity: as in AtomGraph; edges name atoms of the batch.
        target: (n_graphs, T), or (N, 3).
        batch: (N,) number of each atom's graph.
        n_graphs: in the batch.
    """

    kinds: Tensor
    x: Tensor
    edge_index: Tensor
    shift: Tensor
    velocity: Tensor
    target: Tensor
    batch: Tensor
    n_graphs: int


def batch_of(graphs: Sequence[AtomGraph], dtype: torch.dtype = torch.float32) -> GraphBatch:
    """Several graphs as one batch.

    Args:
        graphs: at least one.
        dtype: of positions and targets.
    """
    sizes = [len(graph.kinds) for graph in graphs]
    starts = np.cumsum([0, *sizes[:-1]])

    def joined(name: str) -> Tensor:
        columns = np.concatenate([getattr(graph, name) for graph in graphs])
        return torch.from_numpy(columns).to(dtype)

    ends = [graph.edge_index + start for graph, start in zip(graphs, starts, strict=True)]
    per_atom = graphs[0].target.shape == graphs[0].x.shape
    return GraphBatch(
        torch.from_numpy(np.concatenate([graph.kinds for graph in graphs])),
        joined("x"),
        torch.from_numpy(np.concatenate(ends, axis=1)),
        joined("shift"),
        joined("velocity"),
        joined("target") if per_atom else joined("target").reshape(len(graphs), -1),
        torch.from_numpy(np.repeat(np.arange(len(graphs)), sizes)),
        len(graphs),
    )


def molecule_graph(
    kinds: np.ndarray, x: np.ndarray, target: np.ndarray, edges: Callable, cutoff: float
) -> AtomGraph:
    """A molecule as a graph.

    Args:
        kinds: (N,) rows of the embedding.
        x: (N, 3) positions in angstrom.
        target: (T,) properties, or (N, 3) displacements in angstrom.
        edges: edges_within(x, batch, cutoff), of tensors.
        cutoff: in angstrom.
    """
    batch = torch.zeros(len(x), dtype=torch.int64)
    edge_index = np.asarray(edges(torch.from_numpy(x), batch, cutoff))
    zeros = np.zeros((edge_index.shape[1], 3))
    return AtomGraph(kinds, x, edge_index, zeros, target, np.zeros_like(x))


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """A (3, 3) rotation, every direction as likely as any other: of a random unit quaternion."""
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
