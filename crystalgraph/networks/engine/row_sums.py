"""Sums of rows of a table, in one pass over memory.

torch.embedding_bag was made for words in a dictionary: it adds up chosen rows of a table. It is
three times as fast as indexing and index_add, which walk over the rows once for each step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def add_rows(table: Tensor, rows: Tensor, starts: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sums of chosen rows of a table; no gradient.

    Args:
        table: (R, F).
        rows: (n,) rows that are added, those of the first sum, of the second, and so on.
        starts: (S,) where the rows of each sum begin.
        weights: (n,) factors of the rows; None: 1.

    Returns:
        (S, F).
    """
    return torch.embedding_bag(table, rows, starts, False, 0, False, weights)[0]


def weighted_sums(values: Tensor, weights: Tensor, group: Tensor, starts: Tensor) -> Tensor:
    """Weighted sums over groups of rows that lie one behind the other.

    Args:
        values: (R, F).
        weights: (R,) factors; they get no gradient.
        group: (R,) group of each row, sorted.
        starts: (S,) first row of each group.

    Returns:
        (S, F).
    """
    return _WeightedSums.apply(values, weights, group, starts)


class _WeightedSums(torch.autograd.Function):
    """See weighted_sums."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, weights: Tensor, group: Tensor, starts: Tensor) -> Tensor:
        ctx.save_for_backward(weights, group)
        rows = torch.arange(len(values), device=values.device)
        return add_rows(values.contiguous(), rows, starts, weights)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        weights, group = ctx.saved_tensors
        return gradients[0].index_select(0, group).mul_(weights.unsqueeze(1)), None, None, None
