"""What `crystalgraph train` is asked to do, and doing it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from crystalgraph.crystals.datasets import (
    BUNDLED,
    CrystalDataset,
    Split,
    load_split,
    make_split,
)
from crystalgraph.crystals.loaders import dataset_features
from crystalgraph.experiments.baselines import Baseline, fit_baselines
from crystalgraph.experiments.classification import ClassBaseline, fit_class_baselines
from crystalgraph.networks.model_file import model_errors_explained
from crystalgraph.networks.references import may_grow_with_cell
from crystalgraph.networks.training import TrainSettings
from crystalgraph.networks.training_run import RunResult, TrainedModel, train_model

Baselines = dict[str, Baseline] | dict[str, ClassBaseline]


@dataclass(frozen=True)
class Job:
    """Everything that a run needs to know before it starts.

    Attributes:
        data: what --data said; dataset: what was read there.
        split, target, unit: of the dataset; the unit is None where it was not given.
        network: arguments of CrystalGraphConvNet.
        training: how to train.
        out: folder for the results.
    """

    data: str
    dataset: CrystalDataset
    split: Split
    target: str
    unit: str | None
    network: dict[str, object]
    training: TrainSettings
    out: Path


def plan(args: argparse.Namespace, dataset: CrystalDataset) -> Job:
    """Fill in what was not asked for.

    Raises:
        CrystalGraphError: a target column or a split that does not exist.
    """
    target = args.target or next(iter(dataset.targets))
    dataset.target(target)
    split = choose_split(args.data, dataset, args.split)
    network = {"conv": args.conv, "pooling": args.pooling}
    network |= _given(width=args.width, n_conv=args.layers)
    asked = _given(epochs=args.epochs, batch_size=args.batch_size, learning_rate=args.learning_rate)
    training = TrainSettings(seed=args.seed, **asked)
    name = f"{dataset.name}-{target}-{split.name}-{args.conv}-{args.pooling}-seed{args.seed}"
    out = args.out or Path("runs") / name
    return Job(args.data, dataset, split, target, args.unit, network, training, out)


def _given(**options: object) -> dict:
    return {name: value for name, value in options.items() if value is not None}


def choose_split(data: str, dataset: CrystalDataset, name: str | None) -> Split:
    """The shipped split of a bundled dataset, or one made here for one's own.

    Args:
        data: what --data said.
        dataset: it.
        name: random, formula, leave_out_X; None for formula, or random with too few formulas.

    Returns:
        The split; one's own data are split with the same seed in every run.
    """
    if data in BUNDLED:
        return load_split(dataset, name or "formula")
    if name is None:
        name = "formula" if len(set(dataset.formulas())) >= 3 else "random"
    return make_split(dataset, name)


def fit(job: Job, model_class: type, file: Path) -> tuple[TrainedModel, RunResult]:
    """Train; what goes wrong inside the model file is reported in one sentence.

    Raises:
        CrystalGraphError: a task of the model file is not done yet or wrong, or the data or
            settings do not allow training.
    """
    features = dataset_features(job.data)
    arguments = (job.dataset, job.split, model_class, job.network, job.training, job.target)
    with model_errors_explained(file):
        return train_model(*arguments, features=features, unit=job.unit)


def baselines(job: Job, result: RunResult) -> Baselines:
    """The simple predictors; the line in N where the target may grow with the cell."""
    if result.scores:
        return fit_class_baselines(job.dataset, job.split, job.target)
    sizes = {len(structure) for structure in job.dataset.structures}
    line = may_grow_with_cell(result.unit) and len(sizes) > 1
    return fit_baselines(job.dataset, job.split, job.target, line)
