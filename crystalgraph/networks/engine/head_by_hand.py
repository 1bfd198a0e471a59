"""Mean pooling and the layers behind it in training mode, forward and backward by hand.

These are small: PyTorch's bookkeeping for twenty operations takes longer than their arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from crystalgraph.networks.engine.batches import QuotientBatch
from crystalgraph.networks.engine.row_sums import add_rows
from crystalgraph.networks.engine.softplus_by_hand import softplus_


def head_forward(
    v: Tensor, weights: Sequence[Tensor], batch: QuotientBatch
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """The output of the last layer after mean pooling, with a softplus before each layer.

    Args:
        v: (M, F) atom features.
        weights: weight and bias of each layer; the first layer takes F features.
        batch: graphs.

    Returns:
        (C, features of the last layer), and what goes into each layer, with its slope.
    """
    hidden = add_rows(v, batch.every_atom, batch.first_atom, batch.pool_share)
    kept = []
    for w, b in zip(weights[::2], weights[1::2], strict=True):
        kept.append(softplus_(hidden))
        hidden = torch.addmm(b, kept[-1][0], w.T)
    return hidden, kept


def head_backward(
    grad: Tensor, weights: Sequence[Tensor], batch: QuotientBatch, kept: list[tuple[Tensor, Tensor]]
) -> tuple[Tensor, list[Tensor]]:
    """Gradients of the atom features (M, F) and of the weights from that of the output."""
    of_weights: list[Tensor] = []
    for w, (hidden, slope) in zip(weights[-2::-2], reversed(kept), strict=True):
        of_weights = [grad.T @ hidden, grad.sum(dim=0), *of_weights]
        grad = (grad @ w).mul_(slope)
    grad_v = grad.index_select(0, batch.crystal).mul_(batch.pool_share.unsqueeze(1))
    return grad_v, of_weights
