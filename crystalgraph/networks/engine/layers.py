"""Convolutions on quotient graphs, with the weights and the numbers of the textbook layers.

Each row is computed once and counts as often as it occurs in the crystals: in the sum over the
edges of an atom, and in the mean and the variance of a batch norm.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, linear, softplus

from crystalgraph.networks.engine.batches import QuotientBatch
from crystalgraph.networks.engine.gated_by_hand import EPS
from crystalgraph.networks.engine.row_sums import weighted_sums
from crystalgraph.networks.engine.running_statistics import Statistics, move_running_statistics

Activation = Callable[[Tensor], Tensor]


class WeightedBatchNorm(nn.Module):
    """nn.BatchNorm1d of rows that stand for several equal ones; the state dict is the same."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_features))
        self.bias = nn.Parameter(torch.zeros(n_features))
        self.register_buffer("running_mean", torch.zeros(n_features))
        self.register_buffer("running_var", torch.ones(n_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, rows: Tensor, share: Tensor, n_rows: int) -> Tensor:
        """Normalize.

        Args:
            rows: (R, F).
            share: (R,) of each row in the n_rows that are meant; adds up to 1.
            n_rows: number of rows that are meant.

        Returns:
            (R, F).
        """
        if not self.training:
            statistics = (self.running_mean, self.running_var)
            return batch_norm(rows, *statistics, self.weight, self.bias, eps=EPS)
        mean = share @ rows
        centered = rows - mean
        variance = share @ centered.square()
        found = Statistics(mean.detach(), variance.detach(), n_rows)
        move_running_statistics([self], [found])
        return centered * (self.weight * torch.rsqrt(variance + EPS)) + self.bias


class NoNorm(nn.Module):
    """Stands for a batch norm that is switched off."""

    def forward(self, rows: Tensor, share: Tensor, n_rows: int) -> Tensor:
        """The rows as they are."""
        return rows


class GatedLayer(nn.Module):
    """Gated convolution, Eq. (5); arguments and weights are those of model.py's ConvLayer."""

    def __init__(
        self,
        n_atom_features: int,
        n_bond_features: int,
        batch_norm: bool = True,
        activation: Activation = softplus,
        residual: bool = True,
    ) -> None:
        super().__init__()
        norm = WeightedBatchNorm if batch_norm else _no_norm
        self.fc_full = nn.Linear(2 * n_atom_features + n_bond_features, 2 * n_atom_features)
        self.bn1 = norm(2 * n_atom_features)
        self.bn2 = norm(n_atom_features)
        self.activation = activation
        self.residual = float(residual)

    def forward(self, atom_features: Tensor, batch: QuotientBatch) -> Tensor:
        """New atom features (M, F) from the old ones."""
        of_atoms, of_bonds = atom_features.shape[1], batch.bond_features.shape[1]
        parts = self.fc_full.weight.split([of_atoms, of_atoms, of_bonds], dim=1)
        z = linear(atom_features, parts[0], self.fc_full.bias).index_select(0, batch.center)
        z = z + linear(atom_features, parts[1]).index_select(0, batch.neighbor)
        z = z + linear(batch.bond_features, parts[2]).index_select(0, batch.bond)
        gate, core = self.bn1(z, batch.edge_share, batch.n_edges).chunk(2, dim=1)
        weighted = torch.sigmoid(gate) * self.activation(core)
        message = sum_over_edges(weighted, batch)
        update = self.bn2(message, batch.atom_share, batch.n_atoms)
        return self.activation(update.add(atom_features, alpha=self.residual))


class SharedLayer(nn.Module):
    """Convolution of Eq. (4); arguments and weights are those of model.py's SharedConvLayer."""

    def __init__(
        self,
        n_atom_features: int,
        n_bond_features: int,
        batch_norm: bool = True,
        activation: Activation = softplus,
        residual: bool = False,
    ) -> None:
        super().__init__()
        n_in = n_atom_features + n_bond_features
        self.fc_neighbors = nn.Linear(n_in, n_atom_features, bias=False)
        self.fc_self = nn.Linear(n_atom_features, n_atom_features)
        self.bn = (WeightedBatchNorm if batch_norm else _no_norm)(n_atom_features)
        self.activation = activation
        self.residual = float(residual)

    def forward(self, atom_features: Tensor, batch: QuotientBatch) -> Tensor:
        """New atom features (M, F) from the old ones."""
        neighbors = sum_over_edges(atom_features.index_select(0, batch.neighbor), batch)
        bonds = sum_over_edges(batch.bond_features.index_select(0, batch.bond), batch)
        pair_sums = torch.cat([neighbors, bonds], dim=1)
        rows = self.fc_neighbors(pair_sums) + self.fc_self(atom_features)
        update = self.bn(rows, batch.atom_share, batch.n_atoms)
        return self.activation(update.add(atom_features, alpha=self.residual))


def _no_norm(n_features: int) -> NoNorm:
    return NoNorm()


def sum_over_edges(edge_values: Tensor, batch: QuotientBatch) -> Tensor:
    """Sum (M, F) over all edges of an atom of each kind, from one row (E', F) for equal edges."""
    return weighted_sums(edge_values, batch.weight, batch.center, batch.first_edge)
