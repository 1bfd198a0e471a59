"""Mean pooling and the layers behind it in one step, forward and backward by hand.

These are small: PyTorch's bookkeeping for twenty operations takes longer than their arithmetic.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from crystalgraph.networks.engine.batches import QuotientBatch
from crystalgraph.networks.engine.row_sums import add_rows
from crystalgraph.networks.engine.softplus_by_hand import softplus_


def pooled_head(atom_features: Tensor, layers: list[nn.Linear], batch: QuotientBatch) -> Tensor:
    """The output of the last layer after mean pooling, with a softplus before each layer.

    Args:
        atom_features: (M, F).
        layers: one behind the other; the first takes F features.
        batch: graphs.

    Returns:
        (C, features of the last layer).
    """
    weights = [parameter for layer in layers for parameter in (layer.weight, layer.bias)]
    return _PooledHead.apply(batch, atom_features, *weights)


class _PooledHead(torch.autograd.Function):
    """See pooled_head."""

    @staticmethod
    def forward(ctx: Any, batch: QuotientBatch, v: Tensor, *parameters: Tensor) -> Tensor:
        hidden = add_rows(v.detach(), batch.every_atom, batch.first_atom, batch.pool_share)
        saved = []
        for w, b in zip(parameters[::2], parameters[1::2], strict=True):
            hidden, slope = softplus_(hidden)
            saved += [w, hidden, slope]
            hidden = torch.addmm(b, hidden, w.T)
        ctx.save_for_backward(*saved)
        ctx.batch = batch
        return hidden

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        grad, of_parameters = gradients[0], []
        saved, batch = ctx.saved_tensors, ctx.batch
        for first in reversed(range(0, len(saved), 3)):
            w, hidden, slope = saved[first : first + 3]
            of_parameters = [grad.T @ hidden, grad.sum(dim=0), *of_parameters]
            grad = (grad @ w).mul_(slope)
        grad_v = grad.index_select(0, batch.crystal).mul_(batch.pool_share.unsqueeze(1))
        return None, grad_v, *of_parameters
