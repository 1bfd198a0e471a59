"""Seconds to make the graphs of the 700 perovskites: cold, and from the cache on disk.

Usage: python benchmarks/graphs.py
"""

import tempfile
import time
from pathlib import Path

from crystalgraph import paths
from crystalgraph.crystals.datasets import CrystalDataset, load_perovskites


def seconds(dataset: CrystalDataset, **settings: object) -> float:
    """Seconds until all graphs of a dataset are there."""
    start = time.perf_counter()
    dataset.graphs(**settings)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    dataset = load_perovskites()
    with tempfile.TemporaryDirectory() as folder:
        paths.CACHE = Path(folder)
        cold, cached = seconds(dataset), seconds(dataset)
        cut = seconds(dataset, cache=False, ties="cut")
    graphs = dataset.graphs()
    per_atom = sum(graph.n_edges for graph in graphs) / sum(graph.n_atoms for graph in graphs)
    print(f"whole shells, cold                 {cold:6.2f} s")
    print(f"whole shells, from the cache       {cached:6.2f} s")
    print(f"12 neighbors in published order    {cut:6.2f} s")
    print(f"edges per atom with whole shells   {per_atom:6.2f}")


if __name__ == "__main__":
    main()
