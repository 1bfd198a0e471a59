"""The default training by the engine and by the network itself: seconds, and errors of three seeds.

Both on one thread and in turns, on the perovskites' formula split, as `crystalgraph train` does it.
The network itself is what trained before there was an engine.

Usage: python benchmarks/training.py [--seeds N] [--json FILE]
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch

from crystalgraph.crystals.datasets import load_perovskites, load_split
from crystalgraph.networks.model_file import load_model_class
from crystalgraph.networks.trainers import ENGINE
from crystalgraph.networks.training import TrainSettings
from crystalgraph.networks.training_run import train_model

ITSELF = "the network itself"


class WithOption(load_model_class()):
    """The same network, with an option that the engine does not know, so that it trains itself."""

    def __init__(self, *sizes: int, option: int = 0, **others: object) -> None:
        super().__init__(*sizes, **others)


def main() -> None:
    """Train, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")
    args = parser.parse_args()
    torch.set_num_threads(1)
    dataset = load_perovskites()
    split = load_split(dataset, "formula")
    seconds: dict[str, list[float]] = {ENGINE: [], ITSELF: []}
    errors: dict[str, list[float]] = {ENGINE: [], ITSELF: []}
    for seed in range(args.seeds):
        for name, network in ((ENGINE, load_model_class()), (ITSELF, WithOption)):
            begun, settings = time.process_time(), TrainSettings(seed=seed)
            _, run = train_model(dataset, split, network, {}, settings, device="cpu")
            assert run.trained_by.startswith(name), run.trained_by
            seconds[name].append(time.process_time() - begun)
            errors[name].append(run.test_mae)
    print(f"{'':20}{'CPU s, median':>16}{'test MAE in eV/atom, each seed':>36}")
    for name, values in seconds.items():
        shown = " ".join(f"{error:.4f}" for error in errors[name])
        print(f"{name:20}{statistics.median(values):16.1f}{shown:>36}")
    ratio = statistics.median(seconds[ENGINE]) / statistics.median(seconds[ITSELF])
    print(f"the engine takes {ratio:.2f} of the time")
    if args.json:
        args.json.write_text(json.dumps({"seconds": seconds, "test_mae": errors, "ratio": ratio}))


if __name__ == "__main__":
    main()
