"""What batch norms remember of the batches they have seen, for all norms of a network at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from crystalgraph.networks.engine.layers import WeightedBatchNorm

MOMENTUM = 0.1
"""Share of a new batch in the running statistics, as in nn.BatchNorm1d."""


class Statistics(NamedTuple):
    """Statistics of the rows that go into a batch norm.

    Attributes:
        mean: (F,).
        variance: (F,), the sum divided by n_rows; the running one is divided by n_rows - 1.
        n_rows: number of rows that are meant.
    """

    mean: Tensor
    variance: Tensor
    n_rows: int


def move_running_statistics(
    norms: Sequence[WeightedBatchNorm], statistics: Sequence[Statistics]
) -> None:
    """Move running means and variances towards those of a batch, as PyTorch does.

    Args:
        norms: batch norms.
        statistics: of the batch, for each of them.

    Raises:
        ValueError: there is only one row, in PyTorch's words.
    """
    for mean, _, n_rows in statistics:
        if n_rows < 2:
            raise ValueError(
                "Expected more than 1 value per channel when training, got "
                f"{n_rows} of {len(mean)} channels"
            )
    means, variances, numbers = zip(*statistics, strict=True)
    running = [norm.running_var for norm in norms]
    torch._foreach_add_([norm.num_batches_tracked for norm in norms], 1)
    torch._foreach_lerp_([norm.running_mean for norm in norms], means, MOMENTUM)
    torch._foreach_lerp_(running, variances, MOMENTUM)
    for variance, of_batch, n_rows in zip(running, variances, numbers, strict=True):
        variance.add_(of_batch, alpha=MOMENTUM / (n_rows - 1))  # n / (n - 1) in all
