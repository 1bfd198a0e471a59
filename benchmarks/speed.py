"""Seconds per epoch of training, beside cgcnn2's copy of the original code and torch-geometric.

Everything in one run on one thread: the 700 perovskites, batches of 64 that lie in memory, the same
edges for all (12 neighbors, ties cut), 3 convolutions of 64 features, forward + backward + AdamW
step, median of 5 epochs. All models get the same bond features, whose negligible values are 0;
what that is worth for the original code, and what whole shells cost, is printed apart.

Usage: python benchmarks/speed.py [--json FILE]
Needs: pip install -e ".[bench]"
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from cgcnn2.model import CrystalGraphConvNet as PeerNet
from torch import Tensor, nn

from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_perovskites
from crystalgraph.crystals.features import gaussian_expansion, published_features
from crystalgraph.crystals.graphs import CrystalBatch, CrystalGraph, batch_graphs
from crystalgraph.networks.model_file import load_model_class

BATCH_SIZE = 64
N_NEIGHBORS = 12
EPOCHS = 5

Batches = list[tuple[tuple, Tensor]]


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


def seconds_of_epoch(model: nn.Module, optimizer: torch.optim.Optimizer, batches: Batches) -> float:
    """Seconds of one epoch."""
    start = time.perf_counter()
    for inputs, target in batches:
        optimizer.zero_grad()
        output = model(*inputs)
        output = output[0].squeeze(1) if isinstance(output, tuple) else output
        nn.functional.l1_loss(output, target).backward()
        optimizer.step()
    return time.perf_counter() - start


def race(cases: dict[str, tuple[nn.Module, Batches]]) -> dict[str, float]:
    """Median seconds of EPOCHS epochs of each model, after one to warm up.

    The models take turns, so that a machine that gets slower does so for all of them.
    """
    optimizers = {name: torch.optim.AdamW(m.parameters(), 1e-3) for name, (m, _) in cases.items()}
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(EPOCHS + 1):
        for name, (model, batches) in cases.items():
            times[name].append(seconds_of_epoch(model, optimizers[name], batches))
    return {name: statistics.median(seconds[1:]) for name, seconds in times.items()}


def measure() -> dict[str, float]:
    """Seconds per epoch of each model."""
    torch.set_num_threads(1)
    dataset, features = load_perovskites(), published_features()
    net = load_model_class()
    targets = torch.as_tensor(dataset.target(FORMATION_ENERGY), dtype=torch.float32)
    target_chunks = targets.split(BATCH_SIZE)
    cut, whole = (chunks(dataset.graphs(ties=ties)) for ties in ("cut", "keep"))
    cut_batches = [batch_graphs(graphs, features) for graphs in cut]
    ours = [(b.inputs(), y) for b, y in zip(cut_batches, target_chunks, strict=True)]
    ours_whole = [
        (batch_graphs(g, features).inputs(), y) for g, y in zip(whole, target_chunks, strict=True)
    ]
    peer = [
        (peer_inputs(b, b.bond_features), y)
        for b, y in zip(cut_batches, target_chunks, strict=True)
    ]
    raw = [
        torch.cat([torch.as_tensor(gaussian_expansion(g.distance)) for g in graphs]).float()
        for graphs in cut
    ]
    peer_raw = [
        (peer_inputs(b, u), y) for b, u, y in zip(cut_batches, raw, target_chunks, strict=True)
    ]
    n_in, n_bond = features.n_features, cut_batches[0].bond_features.shape[1]
    cases: dict[str, tuple[nn.Module, Batches]] = {
        "cgcnn2": (PeerNet(n_in, n_bond), peer),
        "ConvLayer": (net(n_in, n_bond), ours),
        "FastConvLayer": (net(n_in, n_bond, conv="fast"), ours),
        "torch-geometric CGConv, one norm fewer": (CGConvNet(n_in, n_bond), ours),
        "FastConvLayer, whole shells": (net(n_in, n_bond, conv="fast"), ours_whole),
        "cgcnn2, denormal bond features kept": (PeerNet(n_in, n_bond), peer_raw),
    }
    return race(cases)


def main() -> None:
    """Measure and print a table with ratios to cgcnn2's code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the seconds to this file")
    args = parser.parse_args()
    seconds = measure()
    peer = seconds["cgcnn2"]
    print(f"{'model':42s} {'s/epoch':>8s} {'times as fast as cgcnn2':>24s}")
    for name, value in seconds.items():
        print(f"{name:42s} {value:8.3f} {peer / value:24.2f}")
    if args.json:
        args.json.write_text(json.dumps(seconds, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
