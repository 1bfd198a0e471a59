"""Seconds per epoch of training, beside cgcnn2's copy of the original code and torch-geometric.

Everything in one run on one thread, in CPU seconds: batches of 64, 3 convolutions of 64 features,
forward + backward + AdamW step, median of 7 epochs in which the models take turns.

"quotient" is the fast engine: whole shells, equal atoms and edges once, parameters in one vector;
cutting its batches counts as its time. The batches of all others lie in memory. Where nothing else
is said they have the published edges (12 neighbors, ties cut) and bond features whose negligible
values are 0. Printed apart: what the last is worth for the original code, what whole shells cost,
the matrix products of the engine alone, and the same for the oxides, larger and less symmetric.

Usage: python benchmarks/speed.py [--json FILE]
Needs: pip install -e ".[bench]"
"""

import argparse
import importlib.util
import json
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from cgcnn2.model import CrystalGraphConvNet as PeerNet
from torch import Tensor, nn

from crystalgraph.crystals.datasets import (
    FORMATION_ENERGY,
    PEROVSKITE,
    CrystalDataset,
    load_oxides,
    load_perovskites,
)
from crystalgraph.crystals.features import gaussian_expansion, published_features
from crystalgraph.crystals.graphs import CrystalBatch, CrystalGraph, batch_graphs
from crystalgraph.crystals.symmetry import quotients
from crystalgraph.networks.engine.batches import PreparedQuotients, QuotientBatch
from crystalgraph.networks.engine.flat_adamw import FlatAdamW
from crystalgraph.networks.engine.network import QuotientNetwork
from crystalgraph.networks.model_file import load_model_class
from crystalgraph.networks.training import TrainSettings

BATCH_SIZE = 64
N_NEIGHBORS = 12
EPOCHS = 7
STEPS = 40
SIZES = (published_features().n_features, 41)

Inputs = Callable[[], Iterable[tuple]]
"""Called once an epoch; the arguments of the network for each batch."""


class CGConvNet(nn.Module):
    """The same network with torch-geometric's CGConv, which has no norm on the edges (bn1)."""

    def __init__(self, n_atom_features: int, n_bond_features: int, width: int = 64) -> None:
        super().__init__()
        from torch_geometric.nn import CGConv

        self.embedding = nn.Linear(n_atom_features, width)
        self.convs = nn.ModuleList(
            CGConv(width, n_bond_features, batch_norm=True) for _ in range(3)
        )
        self.head = nn.Sequential(
            nn.Softplus(), nn.Linear(width, 128), nn.Softplus(), nn.Linear(128, 1)
        )

    def forward(self, atoms, bonds, center, neighbor, crystal, n_crystals):
        """Same arguments as ours."""
        from torch_geometric.nn import global_mean_pool

        v, edges = self.embedding(atoms), torch.stack([neighbor, center])
        for conv in self.convs:
            v = conv(v, edges, bonds)
        return self.head(global_mean_pool(v, crystal, n_crystals)).squeeze(1)


def peer_inputs(batch: CrystalBatch, bond_features: Tensor) -> tuple:
    """A batch in the original code's layout: 12 neighbors per atom in a dense table."""
    n_atoms = len(batch.atom_features)
    rows = [torch.nonzero(batch.crystal == c).squeeze(1) for c in range(batch.n_crystals)]
    return (
        batch.atom_features,
        bond_features.view(n_atoms, N_NEIGHBORS, -1),
        batch.neighbor.view(n_atoms, N_NEIGHBORS),
        rows,
    )


def chunks(graphs: list[CrystalGraph]) -> list[list[CrystalGraph]]:
    """Consecutive groups of BATCH_SIZE crystals."""
    return [graphs[i : i + BATCH_SIZE] for i in range(0, len(graphs), BATCH_SIZE)]


def textbook_inputs(graphs: list[CrystalGraph]) -> list[tuple]:
    """Batches for the networks of model.py."""
    return [batch_graphs(some, published_features()).inputs() for some in chunks(graphs)]


def all_peer_inputs(graphs: list[CrystalGraph], negligible: bool = True) -> list[tuple]:
    """Batches for the original code; `negligible` puts zeros for tiny bond features."""
    found = []
    for some in chunks(graphs):
        batch = batch_graphs(some, published_features())
        raw = np.concatenate([gaussian_expansion(graph.distance) for graph in some])
        bonds = batch.bond_features if negligible else torch.as_tensor(raw).float()
        found.append(peer_inputs(batch, bonds))
    return found


def quotient_inputs(graphs: list[CrystalGraph]) -> Inputs:
    """Batches for the engine, cut from its table at each call."""
    table = PreparedQuotients(quotients(graphs), published_features())
    groups = np.split(np.arange(len(graphs)), range(BATCH_SIZE, len(graphs), BATCH_SIZE))
    return lambda: (batch.inputs() for batch in table.batches(groups))


def step(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: tuple, target: Tensor
) -> float:
    """One training step; its loss."""
    optimizer.zero_grad()
    output = model(*inputs)
    output = output[0].squeeze(1) if isinstance(output, tuple) else output
    loss = nn.functional.l1_loss(output, target)
    loss.backward()
    if isinstance(optimizer, FlatAdamW):
        optimizer.join_gradients()
    optimizer.step()
    return loss.item()


def race(cases: dict[str, tuple[nn.Module, Inputs]], targets: Tensor) -> dict[str, float]:
    """Median CPU seconds of EPOCHS epochs of each model, after one to warm up.

    The models take turns, so that a machine that gets slower does so for all of them.
    """
    optimizers = {
        name: FlatAdamW(model.parameters(), lr=1e-3)
        if isinstance(model, QuotientNetwork)
        else torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
        for name, (model, _) in cases.items()
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(EPOCHS + 1):
        for name, (model, inputs) in cases.items():
            start = time.process_time()
            for batch, target in zip(inputs(), targets.split(BATCH_SIZE), strict=True):
                step(model, optimizers[name], batch, target)
            times[name].append(time.process_time() - start)
    return {name: statistics.median(seconds[1:]) for name, seconds in times.items()}


def normalized(values: np.ndarray) -> Tensor:
    """A target with mean 0 and standard deviation 1."""
    return torch.as_tensor((values - values.mean()) / values.std(), dtype=torch.float32)


def race_perovskites(dataset: CrystalDataset, targets: Tensor) -> dict[str, float]:
    """Seconds per epoch of each model on the perovskites."""
    net, cut, whole = load_model_class(), dataset.graphs(ties="cut"), dataset.graphs()
    ours, ours_whole = textbook_inputs(cut), textbook_inputs(whole)
    peer, peer_raw = all_peer_inputs(cut), all_peer_inputs(cut, negligible=False)
    engine = quotient_inputs(whole)
    cases: dict[str, tuple[nn.Module, Inputs]] = {
        "cgcnn2": (PeerNet(*SIZES), lambda: peer),
        "cgcnn2, denormal bond features kept": (PeerNet(*SIZES), lambda: peer_raw),
        "ConvLayer": (net(*SIZES), lambda: ours),
        "ConvLayer, whole shells": (net(*SIZES), lambda: ours_whole),
        "FastConvLayer": (net(*SIZES, conv="fast"), lambda: ours),
        "FastConvLayer, whole shells": (net(*SIZES, conv="fast"), lambda: ours_whole),
        "quotient": (QuotientNetwork(*SIZES), engine),
    }
    if importlib.util.find_spec("torch_geometric"):
        cases["torch-geometric CGConv, one norm fewer"] = (CGConvNet(*SIZES), lambda: ours)
    seconds = race(cases, targets)
    seconds["matrix products of quotient alone"] = seconds_of_products(engine)
    return seconds


def race_oxides(dataset: CrystalDataset, targets: Tensor) -> dict[str, float]:
    """Seconds per epoch on the oxides."""
    net = load_model_class()
    peer, whole = all_peer_inputs(dataset.graphs(ties="cut")), textbook_inputs(dataset.graphs())
    cases: dict[str, tuple[nn.Module, Inputs]] = {
        "oxides: cgcnn2": (PeerNet(*SIZES), lambda: peer),
        "oxides: FastConvLayer, whole shells": (net(*SIZES, conv="fast"), lambda: whole),
        "oxides: quotient": (QuotientNetwork(*SIZES), quotient_inputs(dataset.graphs())),
    }
    return race(cases, targets)


def seconds_of_products(inputs: Inputs) -> float:
    """Median CPU seconds of the matrix products of an epoch: no code on this computer is faster."""
    network = QuotientNetwork(*SIZES)
    shapes = [shape for (batch,) in inputs() for shape in products(network, batch)]
    pairs = [(torch.randn(a, b), torch.randn(b, c)) for a, b, c in shapes]
    times = []
    for _ in range(EPOCHS + 1):
        start = time.process_time()
        for left, right in pairs:
            torch.mm(left, right)
        times.append(time.process_time() - start)
    return statistics.median(times[1:])


def products(network: QuotientNetwork, batch: QuotientBatch) -> list[tuple[int, int, int]]:
    """Shapes (a, b, c) of all products (a, b) x (b, c) of one training step."""
    n_elements, n_in = batch.element_features.shape
    n_distances, n_bond = batch.bond_features.shape
    head, width = network.conv_to_fc.weight.shape
    n_crystals = batch.n_crystals
    shapes = [(n_elements, n_in, width), (width, n_elements, n_in)]
    for number in range(len(network.convs)):
        n_rows = len(batch.crystal) if number else n_elements
        both = [(n_rows, width, 2 * width), (width, n_rows, 2 * width), (n_rows, 2 * width, width)]
        shapes += 2 * both
        shapes += [(n_distances, n_bond, 2 * width), (n_bond, n_distances, 2 * width)]
    shapes += [(n_crystals, width, head), (width, n_crystals, head), (n_crystals, head, width)]
    return shapes


def largest_difference_of_losses(graphs: list[CrystalGraph], targets: Tensor) -> float:
    """Between the engine and the textbook network over STEPS float32 steps of `train`."""
    settings, runs = TrainSettings(), []
    whole = textbook_inputs(graphs)
    for make, inputs in (
        (QuotientNetwork, quotient_inputs(graphs)),
        (load_model_class(), lambda: whole),
    ):
        torch.manual_seed(0)
        model, losses = make(*SIZES), []
        optimizer = torch.optim.AdamW(
            model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, settings.learning_rate, settings.epochs * len(whole)
        )
        while len(losses) < STEPS:
            for batch, target in zip(inputs(), targets.split(BATCH_SIZE), strict=True):
                losses.append(step(model, optimizer, batch, target))
                schedule.step()
        runs.append(np.array(losses[:STEPS]))
    return float(np.abs(runs[0] - runs[1]).max())


def print_table(seconds: dict[str, float]) -> None:
    """Seconds of each model, and how many times as fast as the first it is."""
    peer = next(iter(seconds.values()))
    print(f"{'model':42s} {'s/epoch':>8s} {'times as fast as cgcnn2':>24s}")
    for name, value in seconds.items():
        print(f"{name:42s} {value:8.4f} {peer / value:24.2f}")


def main() -> None:
    """Measure and print tables with ratios to cgcnn2's code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the seconds to this file")
    args = parser.parse_args()
    torch.set_num_threads(1)
    perovskites, oxides = load_perovskites(), load_oxides()
    targets = normalized(perovskites.target(FORMATION_ENERGY))
    difference = largest_difference_of_losses(perovskites.graphs(), targets)
    tables = [
        race_perovskites(perovskites, targets),
        race_oxides(oxides, normalized(oxides.target(PEROVSKITE))),
    ]
    for table in tables:
        print_table(table)
    print(f"losses of quotient and ConvLayer over {STEPS} steps differ by {difference:.1g} at most")
    if args.json:
        seconds = tables[0] | tables[1]
        args.json.write_text(json.dumps(seconds, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
