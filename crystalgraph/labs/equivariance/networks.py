"""Networks made of the student's layer, and the plain ones that they are compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from crystalgraph.labs.equivariance.graphs import GraphBatch


def sum_at(values: Tensor, index: Tensor, n: int) -> Tensor:
    """Sum the rows that have the same index.

    Args:
        values: (E, K) rows.
        index: (E,) to which row of the result each belongs.
        n: number of rows of the result.

    Returns:
        (n, K), zeros where no row belongs.
    """
    return values.new_zeros(n, *values.shape[1:]).index_add(0, index, values)


class Gaussians(nn.Module):
    """Distances as smooth steps: exp(-(r - c)^2 / (2 w^2)) for centers c from 0.7 angstrom on.

    Args:
        number: of centers.
        cutoff: the last center, in angstrom.
    """

    centers: Tensor

    def __init__(self, number: int, cutoff: float) -> None:
        super().__init__()
        self.register_buffer("centers", torch.linspace(0.7, cutoff, number))
        self.width = (cutoff - 0.7) / (number - 1)

    def forward(self, distance: Tensor) -> Tensor:
        """(E, 1) distances in angstrom to (E, number)."""
        return torch.exp(-0.5 * ((distance - self.centers) / self.width) ** 2)


def two_layers(n_in: int, width: int, n_out: int) -> nn.Sequential:
    """Linear, SiLU, Linear."""
    return nn.Sequential(nn.Linear(n_in, width), nn.SiLU(), nn.Linear(width, n_out))


class MovingNetwork(nn.Module):
    """Layers one after the other; gives features and new positions of all atoms.

    Args:
        make_layer: (features, cutoff) -> a layer, such as the student's EGCL.
        n_kinds: rows of the embedding.
        width: features of an atom.
        n_layers: how often atoms hear of their neighbors.
        cutoff: in angstrom, of the Gaussians.
        moves: whether the next layer sees the new positions; else x stays what it was.
        velocity: whether atoms have one, which each layer adds a part of.
    """

    def __init__(
        self,
        make_layer: Callable[[int, float], nn.Module],
        n_kinds: int = 5,
        width: int = 64,
        n_layers: int = 4,
        cutoff: float = 1.9,
        moves: bool = True,
        velocity: bool = False,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_kinds, width)
        self.layers = nn.ModuleList(make_layer(width, cutoff) for _ in range(n_layers))
        self.moves = moves
        self.speed = nn.Linear(1, width) if velocity else None
        flights = [two_layers(width, width, 1) for _ in self.layers] if velocity else []
        self.flights = nn.ModuleList(flights)

    def forward(self, batch: GraphBatch) -> tuple[Tensor, Tensor]:
        """Features (N, width) and positions (N, 3)."""
        h, x = self.embedding(batch.kinds), batch.x
        if self.speed is not None:
            h = h + self.speed(batch.velocity.norm(dim=1, keepdim=True))
        for number, layer in enumerate(self.layers):
            h, moved = layer(h, x, batch.edge_index, batch.shift)
            x = moved if self.moves else x
            if self.speed is not None:
                x = x + self.flights[number](h) * batch.velocity
        return h, x


class Displacements(nn.Module):
    """How far each atom goes: the way from the old to the new positions, (N, 3).

    Args:
        body: moves atoms.
    """

    def __init__(self, body: MovingNetwork) -> None:
        super().__init__()
        self.body = body

    def forward(self, batch: GraphBatch) -> Tensor:
        """Displacements (N, 3) in the unit of x."""
        return self.body(batch)[1] - batch.x


class Property(nn.Module):
    """Properties of the whole molecule: y = phi_2(sum or mean over atoms of phi_1(h)).

    Args:
        body: gives features.
        n_targets: numbers per molecule.
        mean: over the atoms instead of the sum.
    """

    def __init__(self, body: MovingNetwork, n_targets: int = 1, mean: bool = False) -> None:
        super().__init__()
        width = body.embedding.embedding_dim
        self.body, self.mean = body, mean
        self.per_atom = two_layers(width, width, width)
        self.head = two_layers(width, width, n_targets)

    def forward(self, batch: GraphBatch) -> Tensor:
        """(n_graphs, n_targets)."""
        h, _ = self.body(batch)
        pooled = sum_at(self.per_atom(h), batch.batch, batch.n_graphs)
        if self.mean:
            pooled = pooled / sum_at(torch.ones_like(h[:, :1]), batch.batch, batch.n_graphs)
        return self.head(pooled)


class Dipole(nn.Module):
    """Length of the dipole moment, of charges that the network gives to atoms.

    Args:
        body: gives features, and moves atoms or not.
        vector: dipole_vector(charges, x, moved, batch, n_molecules, strength), the student's.
    """

    def __init__(self, body: MovingNetwork, vector: Callable[..., Tensor]) -> None:
        super().__init__()
        width = body.embedding.embedding_dim
        self.body, self.vector = body, vector
        self.charge = two_layers(width, width, 1)
        self.strength = nn.Parameter(torch.tensor(3.0))

    def forward(self, batch: GraphBatch) -> Tensor:
        """(n_graphs, 1)."""
        h, moved = self.body(batch)
        charges = self.charge(h).squeeze(1)
        vector = self.vector(charges, batch.x, moved, batch.batch, batch.n_graphs, self.strength)
        return (vector.pow(2).sum(1, keepdim=True) + 1e-6).sqrt()  # no infinite slope at 0


class PlainLayer(nn.Module):
    """A layer that reads the components of x_i - x_j as plain numbers: no symmetry.

    Args:
        width: features of an atom.
        cutoff: in angstrom.
    """

    def __init__(self, width: int, cutoff: float) -> None:
        super().__init__()
        self.gaussians = Gaussians(20, cutoff)
        self.ends = nn.Linear(2 * width, width)
        self.edge = nn.Linear(23, width, bias=False)
        self.message = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.update = two_layers(2 * width, width, width)

    def forward(self, h: Tensor, x: Tensor, edge_index: Tensor, shift: Tensor) -> Tensor:
        """New features."""
        i, j = edge_index
        d = x[i] - x[j] - shift
        r = (d.pow(2).sum(1, keepdim=True) + 1e-8).sqrt()
        ends = self.ends(torch.cat([h[i], h[j]], 1))
        m = self.message(ends + self.edge(torch.cat([self.gaussians(r), d], 1)))
        return h + self.update(torch.cat([h, sum_at(m, i, len(h))], 1))


class PlainDisplacements(nn.Module):
    """A plain network on coordinates: three numbers per atom, (N, 3).

    Args:
        n_kinds: rows of the embedding.
        width: features of an atom.
        n_layers: how often atoms hear of their neighbors.
        cutoff: in angstrom.
        scale: the size of what is to come out; the last layer starts at 0.
    """

    def __init__(
        self, n_kinds: int, width: int, n_layers: int, cutoff: float, scale: float = 1.0
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_kinds, width)
        self.velocity = nn.Linear(3, width)
        self.layers = nn.ModuleList(PlainLayer(width, cutoff) for _ in range(n_layers))
        self.head = two_layers(width + 3, width, 3)
        self.scale = scale
        nn.init.zeros_(cast(nn.Linear, self.head[2]).weight)

    def forward(self, batch: GraphBatch) -> Tensor:
        """Displacements (N, 3) in the unit of x."""
        h = self.embedding(batch.kinds) + self.velocity(batch.velocity)
        for layer in self.layers:
            h = layer(h, batch.x, batch.edge_index, batch.shift)
        return self.scale * self.head(torch.cat([h, batch.velocity], 1))
