"""Training of the lab's networks: one short loop for molecules, crystals and charges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from crystalgraph.experiments.live import steps
from crystalgraph.labs.equivariance.graphs import AtomGraph, batch_of, random_rotation

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Fit:
    """How a network is trained.

    Attributes:
        steps: gradient steps.
        batch_size: graphs in each.
        lr: highest learning rate of the one-cycle schedule (Adam).
        seed: of weights and order.
        turn: whether each graph is turned at random whenever it is seen.
        clip: longest gradient.
    """

    steps: int
    batch_size: int = 16
    lr: float = 2e-3
    seed: int = 0
    turn: bool = False
    clip: float = 1.0


def squared(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean over atoms of the squared length of the error, in the unit of x squared."""
    return (predicted - target).pow(2).sum(1).mean()


def absolute(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error over molecules and targets."""
    return (predicted - target).abs().mean()


def train(
    make_network: Callable[[], nn.Module],
    graphs: Sequence[AtomGraph],
    fit: Fit,
    loss: Loss = squared,
) -> nn.Module:
    """Train a network; while nbgrader is grading, only make it.

    Args:
        make_network: of graphs with targets.
        graphs: to train on.
        fit: how.
        loss: of predictions and targets.

    Returns:
        The network.
    """
    torch.manual_seed(fit.seed)
    network, rng = make_network(), np.random.default_rng(fit.seed)
    optimizer = torch.optim.Adam(network.parameters(), fit.lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, fit.lr, total_steps=fit.steps, pct_start=0.1
    )
    order = _batches(len(graphs), fit.batch_size, rng)
    for _, rows in zip(steps(fit.steps), order, strict=False):
        chosen = [graphs[row] for row in rows]
        if fit.turn:
            chosen = [graph.turned(random_rotation(rng)) for graph in chosen]
        batch = batch_of(chosen)
        optimizer.zero_grad()
        loss(network(batch), batch.target).backward()
        nn.utils.clip_grad_norm_(network.parameters(), fit.clip)
        optimizer.step()
        schedule.step()
    return network


def _batches(n_graphs: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows of each step: all graphs in random order, again and again, without an end."""
    while True:
        order = rng.permutation(n_graphs)
        for start in range(0, n_graphs, size):
            yield order[start : start + size]


def predict(network: nn.Module, graphs: Sequence[AtomGraph], batch_size: int = 128) -> np.ndarray:
    """Predictions, one graph after the other.

    Args:
        network: trained.
        graphs: to predict.
        batch_size: graphs at a time.
    """
    parts = []
    with torch.no_grad():
        for start in range(0, len(graphs), batch_size):
            parts.append(network(batch_of(graphs[start : start + batch_size])).numpy())
    return np.concatenate(parts).astype(float)


def rms_error(network: nn.Module, graphs: Sequence[AtomGraph]) -> float:
    """Root mean square over atoms of the distance between predicted and true displacement.

    Args:
        network: gives displacements.
        graphs: with displacements as targets.

    Returns:
        In the unit of x.
    """
    return rms(predict(network, graphs) - np.concatenate([graph.target for graph in graphs]))


def rms(vectors: np.ndarray) -> float:
    """Root mean square length of (N, 3) vectors."""
    return float(np.sqrt((vectors**2).sum(axis=1).mean()))
