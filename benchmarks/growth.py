"""What a thousand crystals cost when there are 700, 7,000 or 70,000: seconds and memory.

The crystals are the 700 perovskites, repeated; each repetition makes the cells a little larger or
smaller (2 % at most), which changes every distance and leaves the symmetry. Equal numbers in a row
of the table mean that the cost grows as the number of crystals does.

Each size is measured in a process of its own. Seconds are those on the clock and, beside them, CPU
seconds of all processes. Memory is the peak of a step above what was there before, without that of
other processes. PyTorch has one thread; CIF files are read, and graphs built, in as many processes
as there are cores.

Usage: python benchmarks/growth.py [--sizes 700 7000 70000] [--json FILE]
Needs: Linux, which tells a process its peak of memory
"""

import argparse
import ctypes
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from pymatgen.io.cif import CifWriter
from torch.nn.functional import l1_loss

from crystalgraph import paths
from crystalgraph.crystals.bond_features import BondSettings
from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_perovskites
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graph_cache import build_graphs
from crystalgraph.crystals.loaders import load_cgcnn_folder
from crystalgraph.crystals.loaders.folder import cif_files
from crystalgraph.crystals.loaders.many_cifs import read_cifs
from crystalgraph.crystals.symmetry import quotients
from crystalgraph.networks.engine.batches import PreparedQuotients
from crystalgraph.networks.engine.flat_adamw import FlatAdamW
from crystalgraph.networks.engine.network import QuotientNetwork
from crystalgraph.networks.engine.training import engine_step
from crystalgraph.networks.training import TrainSettings

SIZES = (700, 7000, 70000)
FEW = 64
LARGEST_STRAIN = 0.02
LIBC = ctypes.CDLL(None)

Result = TypeVar("Result")


class Cost(NamedTuple):
    """Of a step: seconds on the clock, CPU seconds of all processes, and megabytes."""

    seconds: float
    cpu_seconds: float
    megabytes: float


def cost_of(work: Callable[[], Result]) -> tuple[Result, Cost]:
    """What a function returns, and its cost."""
    gc.collect()
    LIBC.malloc_trim(0)  # or memory that an earlier step has freed would cost nothing
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, start, cpu_start = megabytes("VmRSS"), time.perf_counter(), sum(os.times()[:4])
    result = work()
    seconds, cpu_seconds = time.perf_counter() - start, sum(os.times()[:4]) - cpu_start
    return result, Cost(seconds, cpu_seconds, megabytes("VmHWM") - before)


def megabytes(name: str) -> float:
    """Memory that this process has (VmRSS) or had at its peak (VmHWM)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(rf"^{name}:\s*(\d+) kB", status, re.M)[1]) / 1024


def write_folder(folder: Path, n_crystals: int) -> np.ndarray:
    """Write CIF files and id_prop.csv; returns the target (C,) in eV/atom."""
    dataset = load_perovskites()
    texts = [str(CifWriter(structure)) for structure in dataset.structures[:n_crystals]]
    energies = np.resize(dataset.target(FORMATION_ENERGY), n_crystals)
    strains = np.random.default_rng(0).uniform(-LARGEST_STRAIN, LARGEST_STRAIN, n_crystals)
    folder.mkdir()
    for number, strain in enumerate(strains):
        text = strained(texts[number % len(texts)], 1 + strain)
        (folder / f"{number:06}.cif").write_text(text, encoding="utf-8")
    lines = [f"{number:06},{energy}\n" for number, energy in enumerate(energies)]
    (folder / "id_prop.csv").write_text("".join(lines), encoding="utf-8")
    return energies


def strained(text: str, factor: float) -> str:
    """A CIF file whose lengths are multiplied by a factor."""

    def longer(found: re.Match) -> str:
        power = 3 if found[1] == "_cell_volume" else 1
        return f"{found[1]}  {float(found[2]) * factor**power:.8f}"

    return re.sub(r"(_cell_length_[abc]|_cell_volume)\s+(\S+)", longer, text)


def measure(n_crystals: int) -> dict[str, Cost]:
    """The cost of each step for a number of crystals.

    All results are kept until the end: memory that is freed and used again would cost nothing.
    """
    costs = {}

    def step(name: str, work: Callable[[], Result]) -> Result:
        result, costs[name] = cost_of(work)
        print(f"{n_crystals:,} crystals, {name}: {costs[name]}", file=sys.stderr)
        return result

    with tempfile.TemporaryDirectory() as place:
        paths.CACHE, folder = Path(place) / "cache", Path(place) / "cifs"
        energies = write_folder(folder, n_crystals)
        files = cif_files(folder)
        names = [file.stem for file in files]
        first = step("CIF files, new", lambda: read_cifs(folder, files, False))
        readings = step("CIF files, cached", lambda: read_cifs(folder, files, False))
        structures = [structure for structure, _ in readings]
        built = step("graphs, new", lambda: build_graphs(structures, names))
        graphs = step("graphs, cached", lambda: build_graphs(structures, names))
        dataset = step("folder, all cached", lambda: load_cgcnn_folder(folder))
        found = step("quotients", lambda: quotients(graphs))
        table = step("table of batches", lambda: PreparedQuotients(found, published_features()))
        targets = torch.as_tensor((energies - energies.mean()) / energies.std()).float()
        step("an epoch", lambda: train_epoch(table, targets))
        del first, built, dataset
    return costs


def train_epoch(table: PreparedQuotients, targets: torch.Tensor) -> None:
    """One epoch of the engine in shuffled batches: cut, forward, backward, step."""
    settings = TrainSettings()
    network = QuotientNetwork(published_features().n_features, BondSettings().n_centers)
    optimizer = FlatAdamW(network.parameters(), lr=settings.learning_rate)
    order = np.random.default_rng(0).permutation(len(table))
    groups = np.array_split(order, -(-len(order) // settings.batch_size))
    for rows, batch in zip(groups, table.batches(groups), strict=True):
        engine_step(network, batch, targets[rows], optimizer, settings.clip, l1_loss)


def measure_apart(n_crystals: int) -> dict[str, Cost]:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--here", str(n_crystals)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {name: Cost(*cost) for name, cost in json.loads(output).items()}


def print_table(costs: dict[int, dict[str, Cost]]) -> None:
    """A row for each step, three columns for each size."""
    print("for 1,000 crystals".ljust(20) + "".join(f"{n:>20,} crystals" for n in costs))
    print(" " * 20 + f"{'s':>9}{'CPU s':>10}{'MB':>10}" * len(costs))
    for name in next(iter(costs.values())):
        cells = ""
        for n_crystals, steps in costs.items():
            seconds, cpu_seconds, megabytes_ = (1000 / n_crystals * x for x in steps[name])
            cells += f"{seconds:9.3f}{cpu_seconds:10.3f}{megabytes_:10.1f}"
        print(name.ljust(20) + cells)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="N")
    parser.add_argument("--json", type=Path, help="also write the costs (not divided) to this file")
    parser.add_argument("--here", type=int, metavar="N", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        torch.set_num_threads(1)
        measure(FEW)  # what is loaded, or made ready, at the first use
        print(json.dumps(measure(args.here)))
        return
    costs = {n_crystals: measure_apart(n_crystals) for n_crystals in args.sizes}
    print_table(costs)
    if args.json:
        args.json.write_text(json.dumps(costs, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
