"""Fifty crystals of another chemistry: a network from nothing, and two that were trained before.

The fifty are drawn from the perovskites of this course without oxygen: 40 to train on, 10 to choose
the epoch by. The test crystals are all others without oxygen whose formula is not among the fifty.
One network begins with nothing, one with the weights of a network that was trained on the 261
oxides, one with those of the published formation-energy network.

The network of the oxides has seen no test crystal, and no formula or anion of one. The published
one was trained on crystals of the Materials Project. Some of the test crystals may have been among
them, with energies from other settings (data/perovskites/README.md): its row says what it is worth
on these crystals, not what it would be worth on crystals that nobody has computed.

Usage: python benchmarks/fine_tuning.py [--draws N] [--json FILE]
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from crystalgraph.crystals.datasets import (
    FORMATION_ENERGY,
    CrystalDataset,
    Split,
    load_perovskites,
    make_split,
)
from crystalgraph.experiments.baselines import fit_baselines
from crystalgraph.experiments.verdicts import mean_and_error
from crystalgraph.networks.checkpoints import save_checkpoint
from crystalgraph.networks.model_file import load_model_class
from crystalgraph.networks.starting_points import (
    LEARNING_RATE,
    StartingPoint,
    load_starting_point,
)
from crystalgraph.networks.training import TrainSettings
from crystalgraph.networks.training_run import train_model

NETWORK = load_model_class()
N_TRAIN, N_FEW = 40, 50
NOTHING = "from nothing"


def main() -> None:
    """Draw, train, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10, metavar="N", help="default: 10")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")
    args = parser.parse_args()
    torch.set_num_threads(1)
    oxides, others = oxides_and_others()
    starts = {
        "oxides": _trained_on(oxides),
        "published": load_starting_point("formation-energy-per-atom", NETWORK),
    }
    errors = [errors_of_draw(others, seed, starts) for seed in range(args.draws)]
    _print(errors)
    if args.json:
        args.json.write_text(json.dumps(errors, indent=1))


def oxides_and_others() -> tuple[CrystalDataset, CrystalDataset]:
    """The perovskites with oxygen, and those without."""
    whole = load_perovskites()
    oxide = np.array([record["sites"][-1] == "O" for record in whole.records])
    return part(whole, np.flatnonzero(oxide)), part(whole, np.flatnonzero(~oxide))


def part(whole: CrystalDataset, rows: np.ndarray) -> CrystalDataset:
    """Some crystals of a dataset."""
    return CrystalDataset(
        whole.name,
        [whole.ids[row] for row in rows],
        [whole.structures[row] for row in rows],
        {FORMATION_ENERGY: whole.target(FORMATION_ENERGY)[rows]},
        [whole.records[row] for row in rows],
    )


def draw(others: CrystalDataset, seed: int) -> Split:
    """Fifty crystals; none of their formulas is tested."""
    formulas = np.array(others.formulas())
    rows = np.random.default_rng(seed).permutation(len(others))
    few, rest = rows[:N_FEW], rows[N_FEW:]
    tested = np.sort(rest[~np.isin(formulas[rest], formulas[few])])
    return Split("few", few[:N_TRAIN], few[N_TRAIN:], tested)


def errors_of_draw(
    others: CrystalDataset, seed: int, starts: dict[str, StartingPoint]
) -> dict[str, float]:
    """Mean absolute errors on the test crystals, in eV/atom."""
    split = draw(others, seed)

    def trained(rate: float, start: StartingPoint | None = None) -> float:
        settings = TrainSettings(batch_size=8, learning_rate=rate, seed=seed)
        options = {"train_settings": settings, "start": start, "progress": False, "device": "cpu"}
        return train_model(others, split, NETWORK, **options)[1].test_mae

    simple = fit_baselines(others, split, FORMATION_ENERGY)
    found = {name: one.mae["test"] for name, one in simple.items()}
    found[NOTHING] = trained(TrainSettings().learning_rate)
    found[f"{NOTHING}, learning rate {LEARNING_RATE:g}"] = trained(LEARNING_RATE)
    tested = [others.structures[row] for row in split.test]
    known = others.target(FORMATION_ENERGY)[split.test]
    for name, start in starts.items():
        found[f"{name}, as it is"] = float(np.abs(start.trained.predict(tested) - known).mean())
        found[f"{name}, fine-tuned"] = trained(LEARNING_RATE, start)
    return found


def _trained_on(oxides: CrystalDataset) -> StartingPoint:
    """A network of the default form, trained on all oxides."""
    split = make_split(oxides, "all")
    options = {"keep_last": True, "progress": False, "device": "cpu"}
    trained, _ = train_model(oxides, split, NETWORK, **options)
    with tempfile.TemporaryDirectory() as folder:
        path = save_checkpoint(trained, Path(folder) / "oxides.pt")
        return load_starting_point(path, NETWORK)


def _print(errors: Sequence[dict[str, float]]) -> None:
    def shown(value_of: Callable[[dict[str, float]], float]) -> str:
        return "{:8.3f} +- {:.3f}".format(*mean_and_error([value_of(one) for one in errors]))

    n = len(errors)
    print(f"test MAE in eV/atom, mean and standard error over {n} draws of {N_FEW} crystals")
    print(f"{'':34}{'MAE':>16}   minus '{NOTHING}'")
    for name in errors[0]:
        difference = "" if name == NOTHING else shown(lambda one: one[name] - one[NOTHING])  # noqa: B023
        print(f"{name:34}{shown(lambda one: one[name])}   {difference}")  # noqa: B023


if __name__ == "__main__":
    main()
