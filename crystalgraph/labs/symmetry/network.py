"""Networks with random weights: what no weights can tell apart, these cannot either."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crystalgraph.crystals.bond_features import BondSettings
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import CrystalGraph
from crystalgraph.crystals.symmetry import QuotientGraph
from crystalgraph.experiments.live import steps
from crystalgraph.networks.engine.batches import PreparedQuotients, QuotientBatch
from crystalgraph.networks.engine.network import QuotientNetwork

Pool = Callable[[Tensor, Tensor, Tensor, int], Tensor]
"""(features (M, F), multiplicity (M,), crystal (M,), C) -> features (C, F) of crystals."""

BATCH_SIZE = 64


def random_network(seed: int) -> QuotientNetwork:
    """A gated network of three convolutions with random weights, in double precision.

    Args:
        seed: of the weights.
    """
    return _network(seed, batch_norm=True).double().eval()


def _network(seed: int, batch_norm: bool) -> QuotientNetwork:
    """With fresh weights; the notebook's own random numbers stay as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        n_atom_features = published_features().n_features
        return QuotientNetwork(n_atom_features, BondSettings().n_centers, batch_norm=batch_norm)


def atom_by_atom(graph: CrystalGraph) -> QuotientGraph:
    """A crystal's graph with nothing put together, in the form that the network reads."""
    return QuotientGraph(
        graph.name,
        graph.atomic_numbers,
        np.ones(graph.n_atoms, dtype=int),
        graph.center,
        graph.neighbor,
        graph.distance,
        np.ones(graph.n_edges, dtype=int),
        0.0,
    )


def from_columns(name: str, columns: Sequence[np.ndarray]) -> QuotientGraph:
    """What a student's `quotient` returns, edges sorted by center as the network needs them.

    Args:
        name: of the crystal.
        columns: atomic numbers (M,), multiplicity (M,), center, neighbor, distance (angstrom) and
            weight (E',).
    """
    numbers, multiplicity, *edges = (np.asarray(column) for column in columns)
    order = np.argsort(edges[0], kind="stable")
    center, neighbor, distance, weight = (column[order] for column in edges)
    return QuotientGraph(name, numbers, multiplicity, center, neighbor, distance, weight, 0.0)


def outputs(
    network: QuotientNetwork, graphs: Sequence[QuotientGraph], pool: Pool | None = None
) -> np.ndarray:
    """The network's number (C,) for each crystal; without unit, as the weights are random.

    Args:
        network: in evaluation mode.
        graphs: C quotient graphs, or graphs with nothing put together.
        pool: takes the place of the network's own mean.
    """
    prepared = PreparedQuotients(graphs, published_features(), dtype=torch.float64)
    batch = prepared.batch(range(len(graphs)))
    own = network.pool_last
    if pool is not None:
        network.pool_last = _as_of_the_engine(pool)
    try:
        with torch.no_grad():
            return network(batch).numpy()
    finally:
        network.pool_last = own


def _as_of_the_engine(pool: Pool) -> Any:
    """A pool of ours called as the engine calls its own."""

    def pooled(atom_features: Tensor, batch: QuotientBatch) -> Tensor:
        return pool(atom_features, batch.multiplicity, batch.crystal, batch.n_crystals)

    return pooled


def atom_rows(network: QuotientNetwork, graph: CrystalGraph) -> np.ndarray:
    """The features (N, F) of a crystal's atoms after the last convolution."""
    prepared = PreparedQuotients([atom_by_atom(graph)], published_features(), dtype=torch.float64)
    batch = prepared.batch([0])
    with torch.no_grad():
        return network.states(batch)[-1].numpy()


def learn(
    graphs: Sequence[QuotientGraph], targets: Sequence[float], n_steps: int = 120
) -> np.ndarray:
    """Train a network on a few crystals alone, and note what it says of them at each step.

    Args:
        graphs: C quotient graphs, or graphs with nothing put together.
        targets: C numbers to be learned.
        n_steps: of AdamW; none while nbgrader is grading.

    Returns:
        (n_steps, C) outputs, in the unit of the targets.
    """
    batch = PreparedQuotients(graphs, published_features()).batch(range(len(graphs)))
    network = _network(seed=0, batch_norm=False)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-4)
    said = []
    for _ in steps(n_steps):
        output = network(batch)
        optimizer.zero_grad()
        (output - torch.tensor(targets)).square().mean().backward()
        optimizer.step()
        said.append(output.detach().numpy())
    return np.array(said).reshape(-1, len(graphs))


def seconds_per_epoch(graphs: Sequence[QuotientGraph], epochs: int = 3) -> float:
    """Processor seconds to go once through crystals in batches of 64, forward and backward.

    Args:
        graphs: quotient graphs, or graphs with nothing put together.
        epochs: that are measured; the median counts.
    """
    prepared = PreparedQuotients(graphs, published_features())
    rows = np.array_split(np.arange(len(graphs)), -(-len(graphs) // BATCH_SIZE))
    batches = list(prepared.batches(rows))
    network = random_network(0).float().train()
    seconds = []
    for _ in range(epochs + 1):  # the first sets up what the others use
        begun = time.process_time()
        for batch in batches:
            network(batch).sum().backward()
        seconds.append(time.process_time() - begun)
    return median(seconds[1:])
