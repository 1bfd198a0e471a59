"""The fast engine: the textbook network's weights and numbers, computed on quotient graphs.

A crystal's equal atoms and edges are computed once (crystals/symmetry says what is equal). The
module has the options and the parameter names of CrystalGraphConvNet in model.py, so a state dict
goes from one to the other and back. In evaluation mode both give the same numbers. So does a
training step, because batch norms count each row as often as it occurs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, softplus

from crystalgraph.networks.engine.batches import QuotientBatch
from crystalgraph.networks.engine.layers import Activation, GatedLayer, SharedLayer
from crystalgraph.networks.engine.network_by_hand import network_by_hand
from crystalgraph.networks.engine.row_sums import weighted_sums

LAYERS = {"gated": GatedLayer, "fast": GatedLayer, "shared": SharedLayer}


class SoftmaxPool(nn.Module):
    """Average over atoms of softmaxed features, added over all layers."""

    def __init__(self, n_atom_features: int, n_states: int) -> None:
        super().__init__()
        self.fcs = nn.ModuleList(
            nn.Linear(n_atom_features, n_atom_features) for _ in range(n_states)
        )

    def forward(self, states: list[Tensor], batch: QuotientBatch) -> Tensor:
        """Crystal features (C, F) from the atom features (M, F) of all layers."""
        softmaxes = [torch.softmax(fc(v), dim=1) for fc, v in zip(self.fcs, states, strict=True)]
        return mean_pool(torch.stack(softmaxes).sum(dim=0), batch)


def mean_pool(atom_features: Tensor, batch: QuotientBatch) -> Tensor:
    """Average (C, F) over the atoms of each crystal."""
    return weighted_sums(atom_features, batch.pool_share, batch.crystal, batch.first_atom)


def max_pool(atom_features: Tensor, batch: QuotientBatch) -> Tensor:
    """Largest value (C, F) of each feature within each crystal."""
    pooled = atom_features.new_full((batch.n_crystals, atom_features.shape[1]), -torch.inf)
    rows = batch.crystal.unsqueeze(1).expand_as(atom_features)
    return pooled.scatter_reduce(0, rows, atom_features, reduce="amax")


class QuotientNetwork(nn.Module):
    """CrystalGraphConvNet for quotient batches; the arguments are the same.

    Args:
        n_atom_features: numbers that describe an element.
        n_bond_features: K, numbers that describe a bond.
        width: F, atom features inside the network.
        n_conv: number of convolutions.
        head: features of a crystal after pooling.
        n_hidden: number of hidden layers after pooling, 1 or more.
        conv: "gated" or "fast" (Eq. 5, the same here), "shared" (Eq. 4) or "none".
        pooling: "mean", "max" or "softmax".
        batch_norm: False switches the batch norms of the convolutions off.
        activation: used in convolutions and head.
        residual: overrides the convolution's own choice when not None.
        task: "regression" or "classification" (two classes).
    """

    def __init__(
        self,
        n_atom_features: int,
        n_bond_features: int,
        width: int = 64,
        n_conv: int = 3,
        head: int = 128,
        n_hidden: int = 1,
        conv: str = "gated",
        pooling: str = "mean",
        batch_norm: bool = True,
        activation: Activation = softplus,
        residual: bool | None = None,
        task: str = "regression",
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {"batch_norm": batch_norm, "activation": activation}
        if residual is not None:
            options["residual"] = residual
        n_conv = 0 if conv == "none" else n_conv
        self.embedding = nn.Linear(n_atom_features, width)
        self.convs: Any = nn.ModuleList(
            LAYERS[conv](width, n_bond_features, **options) for _ in range(n_conv)
        )
        self.pooling = SoftmaxPool(width, n_conv + 1) if pooling == "softmax" else None
        self.pool_last = {"mean": mean_pool, "max": max_pool}.get(pooling)
        self.conv_to_fc = nn.Linear(width, head)
        self.fcs = nn.ModuleList(nn.Linear(head, head) for _ in range(n_hidden - 1))
        self.fc_out = nn.Linear(head, 2 if task == "classification" else 1)
        self.activation = activation
        gated = LAYERS.get(conv) is GatedLayer and n_conv > 0
        self.by_hand = gated and batch_norm and activation is softplus

    def forward(self, batch: QuotientBatch) -> Tensor:
        """Predict one property of each crystal.

        Args:
            batch: C quotient graphs.

        Returns:
            (C,) for regression, (C, 2) log-probabilities for classification.
        """
        if self.by_hand and self.training and self.pool_last is mean_pool:
            out = network_by_hand(self.embedding, self.convs, self._layers(), batch)[0]
        else:
            out = self._head(self.states(batch), batch)
        return out.squeeze(1) if out.shape[1] == 1 else log_softmax(out, dim=1)

    def states(self, batch: QuotientBatch) -> list[Tensor]:
        """Atom features (M, F) before the first convolution and after each."""
        if self.by_hand and self.training:
            return [*network_by_hand(self.embedding, self.convs, [], batch)]
        states = [self.embedding(batch.element_features).index_select(0, batch.element)]
        for conv in self.convs:
            states.append(conv(states[-1], batch))
        return states

    def _layers(self) -> list[Any]:
        """The layers after pooling."""
        return [self.conv_to_fc, *self.fcs, self.fc_out]

    def _head(self, states: list[Tensor], batch: QuotientBatch) -> Tensor:
        """Outputs (C, 1 or 2) from the atom features of all layers."""
        hidden = self._pool(states, batch)
        for layer in self._layers():
            hidden = layer(self.activation(hidden))
        return hidden

    def _pool(self, states: list[Tensor], batch: QuotientBatch) -> Tensor:
        if self.pooling is not None:
            return self.pooling(states, batch)
        assert self.pool_last is not None
        return self.pool_last(states[-1], batch)
