"""Test errors of the networks beside ridge regression, made anew: three seeds, mean and error.

Trains on one thread; a quarter of an hour for both splits. Leave-one-B-element-out, 34 folds of one
seed each, is printed from the finished runs in data/runs
(`python tools/run_experiments.py --only leave_one_out` makes them).

Usage: python benchmarks/energy.py [--splits formula random] [--json FILE]
"""

import argparse
import json
from pathlib import Path

import torch

from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_split
from crystalgraph.experiments import SEEDS, perovskites, run_experiment
from crystalgraph.experiments.baselines import RIDGE_SITES, fit_baselines
from crystalgraph.experiments.verdicts import leave_one_out, mean_and_error
from crystalgraph.networks.model_file import load_model_class

NETWORKS = ("none", "shared", "gated")


def measure(split: str) -> dict[str, list[float]]:
    """Test MAE in eV/atom of every predictor: one number for a baseline, three for a network."""
    dataset, model_class = perovskites(), load_model_class()
    baselines = fit_baselines(dataset, load_split(dataset, split), FORMATION_ENERGY)
    errors = {name: [baseline.mae["test"]] for name, baseline in baselines.items()}
    for name in NETWORKS:
        runs = [run_experiment(name, model_class, split, seed)[1] for seed in SEEDS]
        errors[name] = [run.test_mae for run in runs]
    return errors


def print_table(split: str, errors: dict[str, list[float]]) -> None:
    """Print mean and standard error, and how much better than ridge the gated network is."""
    print(f"\n{split} split, test MAE in eV/atom")
    for name, values in errors.items():
        mean, error = mean_and_error(values) if len(values) > 1 else (values[0], None)
        print(f"  {name:26s} {mean:.3f}" + (f" +- {error:.3f}" if error is not None else ""))
    ratio = errors[RIDGE_SITES][0] / mean_and_error(errors["gated"])[0]
    print(f"  {RIDGE_SITES} / gated = {ratio:.2f}")


def main() -> None:
    """Train, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", nargs="+", default=["formula", "random"])
    parser.add_argument("--json", type=Path, help="also write the errors to this file")
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = {split: measure(split) for split in args.splits}
    for split, errors in results.items():
        print_table(split, errors)
    print("\nleave one B element out, test MAE in eV/atom over all folds (finished runs)")
    for name in NETWORKS:
        _, mae, error = leave_one_out(name)
        print(f"  {name:26s} {mae:.3f} +- {error:.3f}")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
