"""Training on quotient graphs, in place of a network that gives the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from crystalgraph.crystals.symmetry import quotients
from crystalgraph.networks.engine.batches import PreparedQuotients, QuotientBatch
from crystalgraph.networks.engine.flat_adamw import FlatAdamW
from crystalgraph.networks.engine.network import QuotientNetwork
from crystalgraph.networks.training import CrystalLoader


@dataclass
class QuotientLoader:
    """The batches of a CrystalLoader as quotient graphs, in the same order.

    Attributes:
        table: of the C crystals.
        targets: (C,) in the target's unit.
        batch_size: crystals in a batch.
        shuffle: draw a new order in every pass.
        seed: of the order.
        device: where the batches are put.
    """

    table: PreparedQuotients
    targets: np.ndarray
    batch_size: int
    shuffle: bool
    seed: int
    device: torch.device | str = "cpu"

    @classmethod
    def of(cls, loader: CrystalLoader) -> QuotientLoader:
        """The batches of a loader."""
        table = PreparedQuotients(quotients(loader.graphs), loader.features, loader.bonds)
        how = (loader.batch_size, loader.shuffle, loader.seed, loader.device)
        return cls(table, loader.targets, *how)

    def __post_init__(self) -> None:
        self.generator = np.random.default_rng(self.seed)
        self._in_order: list[QuotientBatch] = []

    def __len__(self) -> int:
        return -(-len(self.table) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[QuotientBatch, Tensor]]:
        n_crystals = len(self.table)
        order = self.generator.permutation(n_crystals) if self.shuffle else np.arange(n_crystals)
        places = np.array_split(order, len(self))
        for batch, some in zip(self._batches(places), places, strict=True):
            target = torch.as_tensor(self.targets[some], dtype=torch.float32)
            yield batch, target.to(self.device)

    def _batches(self, places: list[np.ndarray]) -> Iterator[QuotientBatch]:
        """Batches of these crystals; without shuffling they are cut in the first pass only."""
        if self._in_order:
            yield from self._in_order
            return
        for batch in self.table.batches(places):
            batch = batch.to(self.device)
            if not self.shuffle:
                self._in_order.append(batch)
            yield batch


def engine_step(
    network: QuotientNetwork,
    batch: QuotientBatch,
    target: Tensor,
    optimizer: FlatAdamW,
    clip: float,
    loss_of: Callable[[Tensor, Tensor], Tensor],
) -> float:
    """One gradient step; arguments and result are those of training.training_step."""
    optimizer.zero_grad()
    loss = loss_of(network(batch), target)
    loss.backward()
    optimizer.join_gradients()
    nn.utils.clip_grad_norm_(optimizer.vector, clip)
    optimizer.step()
    return loss.item()
