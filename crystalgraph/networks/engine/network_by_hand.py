"""A network of gated layers in training mode as one operation, forward and backward by hand.

PyTorch sees one step with one vector of weights. Its bookkeeping for a step takes as long as a
matrix product, and that for a weight as long as an operation on an atom's features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from crystalgraph.networks.engine.batches import QuotientBatch
from crystalgraph.networks.engine.flat_adamw import as_vector
from crystalgraph.networks.engine.gated_by_hand import (
    GatedWeights,
    gated_backward,
    gated_forward,
    sum_by_element,
)
from crystalgraph.networks.engine.head_by_hand import head_backward, head_forward
from crystalgraph.networks.engine.running_statistics import move_running_statistics

if TYPE_CHECKING:
    from crystalgraph.networks.engine.layers import GatedLayer


def network_by_hand(
    embedding: nn.Linear,
    layers: Sequence[GatedLayer],
    head: Sequence[nn.Linear],
    batch: QuotientBatch,
) -> tuple[Tensor, ...]:
    """The output of the network, or atom features if it has no head.

    Args:
        embedding: makes atom features of those of the elements.
        layers: with batch norms and softplus; their running statistics are moved.
        head: layers after mean pooling; empty: none, and no pooling.
        batch: graphs; their features get no gradient.

    Returns:
        With a head its output (C, 1 or 2); else the atom features (M, F) after the embedding and
        after each layer.
    """
    parts = (embedding, *layers, *head)
    weights = [weight for part in parts for weight in part.parameters()]
    return _Network.apply(layers, batch, weights, len(head), as_vector(weights))


class _Network(torch.autograd.Function):
    """See network_by_hand."""

    @staticmethod
    def forward(
        ctx: Any,
        layers: Sequence[GatedLayer],
        batch: QuotientBatch,
        weights: list[Tensor],
        n_head: int,
        vector: Tensor,
    ) -> tuple[Tensor, ...]:
        ctx.batch, ctx.weights, ctx.n_head = batch, weights, n_head
        ctx.residuals = [layer.residual for layer in layers]
        elements = torch.addmm(weights[1], batch.element_features, weights[0].T)
        states, ctx.kept = _layers_forward(elements, layers, weights, batch)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(vector, elements, *states[1:])
        if not n_head:
            return tuple(states)
        out, ctx.of_head = head_forward(states[-1], weights[-2 * n_head :], batch)
        return (out,)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Any
    ) -> tuple[Tensor | None, ...]:
        if gradients[-1] is None:
            return (None,) * 5
        _, *rows = ctx.saved_tensors
        weights, batch, of_weights = ctx.weights, ctx.batch, []
        if ctx.n_head:
            head = weights[-2 * ctx.n_head :]
            grad, of_weights = head_backward(gradients[0], head, batch, ctx.of_head)
            gradients = (*[None] * len(ctx.kept), grad)
        grad = gradients[-1]
        for number in reversed(range(len(ctx.kept))):
            full, residual = _of_layer(number, weights).full, ctx.residuals[number]
            grad, of_layer = gated_backward(
                grad, rows[number], full, residual, batch, ctx.kept[number], number == 0
            )
            of_weights = [*of_layer, *of_weights]
            if (of_state := gradients[number]) is not None:
                grad.add_(of_state if number else sum_by_element(of_state, batch))
        of_weights = [grad.T @ batch.element_features, grad.sum(dim=0), *of_weights]
        return None, None, None, None, torch.cat([of_weight.flatten() for of_weight in of_weights])


def _layers_forward(
    elements: Tensor, layers: Sequence[GatedLayer], weights: list[Tensor], batch: QuotientBatch
) -> tuple[list[Tensor], list[Any]]:
    """Atom features (M, F) before and after each layer, and what backward needs of each."""
    states, statistics, kept = [elements.index_select(0, batch.element)], [], []
    for number, layer in enumerate(layers):
        own, equal = _of_layer(number, weights), elements if number == 0 else None
        out, of_norms, of_layer = gated_forward(states[-1], own, layer.residual, batch, equal)
        states.append(out)
        statistics += of_norms
        kept.append(of_layer)
    norms: list[Any] = [norm for layer in layers for norm in (layer.bn1, layer.bn2)]
    move_running_statistics(norms, statistics)
    return states, kept


def _of_layer(number: int, weights: Sequence[Tensor]) -> GatedWeights:
    """Those of one layer; the first two are the embedding's."""
    first = 2 + len(GatedWeights._fields) * number
    return GatedWeights(*weights[first : first + len(GatedWeights._fields)])
