"""What `crystalgraph train` is asked to do, and doing it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from crystalgraph.crystals.datasets import (
    BUNDLED,
    CrystalDataset,
    Split,
    load_split,
    make_split,
)
from crystalgraph.crystals.feature_table import read_features
from crystalgraph.crystals.features import AtomFeatures
from crystalgraph.crystals.loaders import dataset_features
from crystalgraph.crystals.loaders.checks import collected_warnings
from crystalgraph.crystals.loaders.folder import ATOM_INIT, folder_features
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments.baselines import Baseline, fit_baselines
from crystalgraph.experiments.classification import ClassBaseline, fit_class_baselines
from crystalgraph.networks.ensembles import Trained, train_side_by_side
from crystalgraph.networks.model_file import model_errors_explained
from crystalgraph.networks.references import may_grow_with_cell
from crystalgraph.networks.starting_points import LEARNING_RATE, StartingPoint
from crystalgraph.networks.training import TrainSettings
from crystalgraph.networks.training_run import RunResult, TrainedModel, is_class, train_model

Baselines = dict[str, Baseline] | dict[str, ClassBaseline]


@dataclass(frozen=True)
class Job:
    """Everything that a run needs to know before it starts.

    Attributes:
        data: what --data said; dataset: what was read there.
        split, target, unit: of the dataset; the unit is None where it was not given.
        network: arguments of CrystalGraphConvNet.
        training: how to train, with the seed of the first network.
        ensemble: number of networks; the seeds follow each other.
        references: subtract element references from the target: "on", "off", or "auto" for
            whichever has the lower validation error.
        start: trained network to begin with, if any.
        out: folder for the results.
        features: of the atoms; None for the file beside the data, or the published ones.
    """

    data: str
    dataset: CrystalDataset
    split: Split
    target: str
    unit: str | None
    network: dict[str, object]
    training: TrainSettings
    ensemble: int
    references: str
    start: StartingPoint | None
    out: Path
    features: AtomFeatures | None

    def arguments(self, seed: int, references: bool) -> dict[str, Any]:
        """Arguments of train_model for one network, without its class."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "model_settings": self.network,
            "train_settings": replace(self.training, seed=seed),
            "target": self.target,
            "features": self.features or dataset_features(self.data),
            "unit": self.unit,
            "references": references,
            "start": self.start,
            "keep_last": self.split.name == "all",  # its validation part is too small to choose by
        }


@dataclass(frozen=True)
class Fitted:
    """What training gave.

    Attributes:
        members: the networks.
        runs: of the members.
        tried: validation error without and with references, {"off": ..., "on": ...}, where both
            were tried with the first seed.
    """

    members: tuple[TrainedModel, ...]
    runs: tuple[RunResult, ...]
    tried: dict[str, float]


def plan(
    args: argparse.Namespace, dataset: CrystalDataset, start: StartingPoint | None = None
) -> Job:
    """Fill in what was not asked for.

    Raises:
        CrystalGraphError: a target column, a split or a feature that does not exist, or an option
            that contradicts the network to begin with.
    """
    features = read_features(args.features) if args.features is not None else None
    target = args.target or next(iter(dataset.targets))
    dataset.target(target)
    split = choose_split(args.data, dataset, args.split)
    network = _network(args, start)
    rate = args.learning_rate or (LEARNING_RATE if start else None)
    asked = _given(epochs=args.epochs, batch_size=args.batch_size, learning_rate=rate)
    training = TrainSettings(seed=args.seed, **asked)
    references = args.references or _default_references(args.data, split, dataset.target(target))
    name = f"{dataset.name}-{target}-{split.name}-{network['conv']}-{network['pooling']}"
    name += f"-from_{Path(start.file).name.split('.')[0]}" if start else ""
    name += f"-seed{args.seed}"
    name += f"-references_{args.references}" if args.references else ""
    name += f"-ensemble{args.ensemble}" if args.ensemble > 1 else ""
    name += f"-features_{features.key.rpartition('-')[2]}" if features else ""
    out = args.out or Path("runs") / name
    data = (args.data, dataset, split, target, args.unit)
    return Job(*data, network, training, args.ensemble, references, start, out, features)


def _network(args: argparse.Namespace, start: StartingPoint | None) -> dict[str, object]:
    """Arguments of CrystalGraphConvNet."""
    given: dict[str, object] = _given(
        conv=args.conv, pooling=args.pooling, width=args.width, n_conv=args.layers
    )
    if start is None:
        return {"conv": "gated", "pooling": "mean", **given}
    if args.ensemble > 1:
        raise CrystalGraphError(
            "Networks that begin with the same weights stay alike, so their spread is no error "
            "bar; leave out --ensemble or --from."
        )
    if args.features is not None:
        raise CrystalGraphError(
            f"The network in {start.file} keeps the atom features that it was trained with; leave "
            "out --features or --from."
        )
    _require_same_table(Path(args.data) / ATOM_INIT, start)
    return start.settings(given)


def _require_same_table(own: Path, start: StartingPoint) -> None:
    """A folder's own table of atom features must be the one of the network to begin with."""
    if own.is_file() and folder_features(own.parent).key != start.trained.features.key:
        raise CrystalGraphError(
            f"{own} has other numbers than the atom features of {start.file}; remove it, or begin "
            "with a network that was trained with it."
        )


def _default_references(data: str, split: Split, values: np.ndarray) -> str:
    """Auto for one's own crystals; for the bundled ones as in the course's experiments, off.

    Without a test part the course compares nothing, so what predicts best is in force.
    """
    if data not in BUNDLED:
        return "auto"
    return "on" if split.name == "all" and not is_class(values) else "off"


def _given(**options: object) -> dict:
    return {name: value for name, value in options.items() if value is not None}


def choose_split(data: str, dataset: CrystalDataset, name: str | None) -> Split:
    """The shipped split of a bundled dataset, or one made here for one's own.

    Args:
        data: what --data said.
        dataset: it.
        name: random, formula, leave_out_X, fold_N, all; None for formula, or random with too few
            formulas.

    Returns:
        The split; one's own data are split with the same seed in every run.
    """
    if data in BUNDLED and name != "all":
        return load_split(dataset, name or "formula")
    if name is None:
        name = "formula" if len(set(dataset.formulas())) >= 3 else "random"
    return make_split(dataset, name)


def fit(job: Job, model_class: type, file: Path) -> Fitted:
    """Train; what goes wrong inside the model file is reported in one sentence.

    Raises:
        CrystalGraphError: a task of the model file is not done yet or wrong, or the data or
            settings do not allow training.
    """

    def train(on: bool) -> Trained:
        return train_model(model_class=model_class, **job.arguments(first, on))

    first, references, tried, trained = job.training.seed, job.references == "on", {}, []
    with model_errors_explained(file), collected_warnings():  # report.print_unknown says them
        if job.references == "auto" and not is_class(job.dataset.target(job.target)):
            both = {name: train(name == "on") for name in ("off", "on")}
            tried = {name: run.val_mae for name, (_, run) in both.items()}
            references = tried["on"] < tried["off"]
            trained = [both["on" if references else "off"]]
        elif job.ensemble == 1:
            trained = [train(references)]
        seeds = range(first + len(trained), first + job.ensemble)
        if seeds:
            rest = [job.arguments(seed, references) for seed in seeds]
            trained += train_side_by_side(rest, model_class, file)
    return Fitted(tuple(one for one, _ in trained), tuple(run for _, run in trained), tried)


def baselines(job: Job, result: RunResult) -> Baselines:
    """The simple predictors; the line in N where the target may grow with the cell."""
    if result.scores:
        return fit_class_baselines(job.dataset, job.split, job.target)
    sizes = {len(structure) for structure in job.dataset.structures}
    line = may_grow_with_cell(result.unit) and len(sizes) > 1
    return fit_baselines(job.dataset, job.split, job.target, line)
