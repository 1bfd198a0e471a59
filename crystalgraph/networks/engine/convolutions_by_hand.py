"""Embedding and gated convolutions in training mode as one operation, forward and backward by hand.

PyTorch sees one step instead of one for each layer: its bookkeeping for a step takes as long as a
matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from crystalgraph.networks.engine.batches import QuotientBatch
from crystalgraph.networks.engine.gated_by_hand import (
    GatedWeights,
    gated_backward,
    gated_forward,
    sum_by_element,
)
from crystalgraph.networks.engine.running_statistics import move_running_statistics

if TYPE_CHECKING:
    from crystalgraph.networks.engine.layers import GatedLayer


def convolutions_by_hand(
    embedding: nn.Linear, layers: Sequence[GatedLayer], batch: QuotientBatch
) -> list[Tensor]:
    """Atom features (M, F) after the embedding and after each layer.

    Args:
        embedding: makes atom features of those of the elements.
        layers: with batch norms and softplus; their running statistics are moved.
        batch: graphs; their features get no gradient.
    """
    weights = [embedding.weight, embedding.bias]
    for layer in layers:
        linear, norm1, norm2 = layer.fc_full, layer.bn1, layer.bn2
        weights += [linear.weight, linear.bias, norm1.weight, norm1.bias, norm2.weight, norm2.bias]
    return list(_Convolutions.apply(layers, batch, *weights))


class _Convolutions(torch.autograd.Function):
    """See convolutions_by_hand."""

    @staticmethod
    def forward(
        ctx: Any, layers: Sequence[GatedLayer], batch: QuotientBatch, *weights: Tensor
    ) -> tuple[Tensor, ...]:
        elements = torch.addmm(weights[1], batch.element_features, weights[0].T)
        states = [elements.index_select(0, batch.element)]
        statistics, ctx.kept = [], []
        for number, layer in enumerate(layers):
            own, equal = _of_layer(number, weights), elements if number == 0 else None
            out, of_norms, kept = gated_forward(states[-1], own, layer.residual, batch, equal)
            states.append(out)
            statistics += of_norms
            ctx.kept.append(kept)
        norms = [norm for layer in layers for norm in (layer.bn1, layer.bn2)]
        move_running_statistics(norms, statistics)
        ctx.batch, ctx.residuals = batch, [layer.residual for layer in layers]
        ctx.save_for_backward(*weights, elements, *states[1:])
        ctx.set_materialize_grads(False)
        return tuple(states)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        weights, batch = ctx.saved_tensors, ctx.batch
        rows, grad = weights[-len(gradients) :], gradients[-1]
        of_weights: list[Tensor] = []
        assert grad is not None
        for number in reversed(range(len(ctx.kept))):
            full, residual = _of_layer(number, weights).full, ctx.residuals[number]
            grad, of_layer = gated_backward(
                grad, rows[number], full, residual, batch, ctx.kept[number], number == 0
            )
            of_weights = [*of_layer, *of_weights]
            if (of_state := gradients[number]) is not None:
                grad.add_(of_state if number else sum_by_element(of_state, batch))
        return None, None, grad.T @ batch.element_features, grad.sum(dim=0), *of_weights


def _of_layer(number: int, weights: Sequence[Tensor]) -> GatedWeights:
    """Those of one layer; the first two are the embedding's."""
    first = 2 + len(GatedWeights._fields) * number
    return GatedWeights(*weights[first : first + len(GatedWeights._fields)])
