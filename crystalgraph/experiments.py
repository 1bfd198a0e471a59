"""Named experiments, their finished runs, and what may be said about them.

An experiment is a network, its training and its graphs, under a short name. Experiments that answer
one question form a group. Finished runs (three seeds each) are shipped in data/runs and loaded in a
moment; each can be repeated with a network of one's own.

Runs with the gated convolution were made with FastConvLayer (conv="fast"): the same weights and the
same numbers as ConvLayer to 1e-10 in float64, in less time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from crystalgraph import features as atom_features
from crystalgraph import paths
from crystalgraph.autograding import autograding
from crystalgraph.classification import class_scores
from crystalgraph.datasets import (
    BUNDLED,
    FORMATION_ENERGY,
    PEROVSKITE,
    CrystalDataset,
    load_split,
)
from crystalgraph.errors import CrystalGraphError, ShownPlainly
from crystalgraph.files import write_atomically
from crystalgraph.graphs import batch_graphs
from crystalgraph.model_loading import load_model_class, make_model
from crystalgraph.runs import RunResult, TrainedModel, train_model
from crystalgraph.training import History, TrainSettings

SEEDS = (0, 1, 2)
LEAVE_ONE_OUT = "leave_one_out"
_RATE, _BATCH = TrainSettings().learning_rate, TrainSettings().batch_size

FEATURES = {
    "published": atom_features.published_features,
    "one_hot": atom_features.one_hot_number,
    "random": atom_features.random_features,
    "scaled": atom_features.scaled_features,
    "mixed": atom_features.mixed_features,
}
TARGETS = {"perovskites": (FORMATION_ENERGY, "eV/atom"), "oxides": (PEROVSKITE, "probability")}
"""Dataset -> label column that is predicted, unit of the prediction."""


@dataclass(frozen=True)
class Experiment:
    """What a run is made with, where it differs from the defaults.

    Attributes:
        name: short and unique.
        label: how figures call it.
        model: arguments of CrystalGraphConvNet.
        train: fields of TrainSettings.
        graph: arguments of build_graph.
        features: of the atoms, one of FEATURES.
        dataset: "perovskites" (formation energy) or "oxides" (perovskite or not).
    """

    name: str
    label: str
    model: Mapping[str, object] = field(default_factory=dict)
    train: Mapping[str, object] = field(default_factory=dict)
    graph: Mapping[str, object] = field(default_factory=dict)
    features: str = "published"
    dataset: str = "perovskites"

    @property
    def target(self) -> str:
        """The label column."""
        return TARGETS[self.dataset][0]

    @property
    def model_settings(self) -> dict[str, object]:
        """Arguments of the network; gated, computed the fast way, unless it says otherwise."""
        task = {"task": "classification"} if self.dataset == "oxides" else {}
        return {"conv": "fast", **task, **self.model}

    def train_settings(self, seed: int) -> TrainSettings:
        """The default training with this experiment's changes."""
        return replace(TrainSettings(), **{**self.train, "seed": seed})


_LAYERS = (
    Experiment("none", "no convolution", {"conv": "none"}),
    Experiment("shared", "shared, Eq. (4)", {"conv": "shared"}),
    Experiment("shared_residual", "shared + residual", {"conv": "shared", "residual": True}),
    Experiment("gated_no_residual", "gated, no residual", {"residual": False}),
    Experiment("gated", "gated, Eq. (5)"),
)
SIDE_EPOCHS = 60
"""Epochs of all experiments that are not about layers, their default network included: half as
many as the main run, so that each can be repeated in half a minute. Their errors are a little
higher for it, and are compared among themselves only."""


def _side(name: str, label: str, train: Mapping[str, object] | None = None, **changes: object):
    return Experiment(name, label, train={"epochs": SIDE_EPOCHS, **(train or {})}, **changes)


_OTHERS = {
    "pooling": (
        _side("max_pooling", "max", model={"pooling": "max"}),
        _side("softmax_pooling", "softmax, all layers", model={"pooling": "softmax"}),
    ),
    "neighbors": tuple(_side(f"k_{k}", f"k = {k}", graph={"k": k}) for k in (1, 4, 24)),
    "features": (
        _side("one_hot", "one-hot Z", features="one_hot"),
        _side("random_features", "random bits", features="random"),
        _side("scaled", "9 scaled floats", features="scaled"),
        _side("mixed", "92 bits + 9 floats", features="mixed"),
    ),
    "norm_activation": (
        _side("no_batch_norm", "softplus, no batch norm", model={"batch_norm": False}),
        *(_side(name, name, model={"activation": name}) for name in ("relu", "silu", "tanh")),
    ),
    "depth": tuple(
        _side(f"n_conv_{n}", f"{n} convolution{'s' * (n > 1)}", model={"n_conv": n})
        for n in (1, 2, 5)
    ),
    "width": tuple(_side(f"width_{n}", f"width {n}", model={"width": n}) for n in (16, 128)),
    "learning_rate": (
        _side("rate_low", f"{_RATE / 10:g}", {"learning_rate": _RATE / 10}),
        _side("rate_high", f"{_RATE * 10:g}", {"learning_rate": _RATE * 10}),
    ),
    "batch_size": tuple(
        _side(f"batch_{n}", f"batches of {n}", {"batch_size": n}) for n in (_BATCH // 4, _BATCH * 4)
    ),
}
_DEFAULT = (_side("default", "default network"),)
OXIDES_EPOCHS = 40
"""Epochs of all experiments on the oxides; the validation loss stands still by then."""


def _oxides(name: str, label: str, **changes: object) -> Experiment:
    train = {"epochs": OXIDES_EPOCHS}
    return Experiment(f"oxides_{name}", label, train=train, dataset="oxides", **changes)


_OXIDES = {
    "oxides_layers": (
        _oxides("none", "no convolution", model={"conv": "none"}),
        _oxides("shared", "shared, Eq. (4)", model={"conv": "shared"}),
        _oxides("gated", "gated, Eq. (5)"),
    ),
    "oxides_neighbors": tuple(_oxides(f"k_{k}", f"k = {k}", graph={"k": k}) for k in (1, 4, 24)),
    "oxides_pooling": (
        _oxides("max_pooling", "max", model={"pooling": "max"}),
        _oxides("softmax_pooling", "softmax, all layers", model={"pooling": "softmax"}),
    ),
    "oxides_depth": tuple(
        _oxides(f"n_conv_{n}", f"{n} convolution{'s' * (n > 1)}", model={"n_conv": n})
        for n in (1, 2, 5)
    ),
}
"""Perovskite or not (notebook 4); the default network is "oxides_gated" in every group."""

EXPERIMENTS = {
    member.name: member
    for group in (_LAYERS, _DEFAULT, *_OTHERS.values(), *_OXIDES.values())
    for member in group
}
_PLACE = {"neighbors": 2, "depth": 2, "width": 1, "learning_rate": 1, "batch_size": 1}
_PLACE |= {"oxides_neighbors": 2, "oxides_depth": 2}


def _with_default(group: str) -> tuple[str, ...]:
    """Names of a group with the default network in its place, so that numbers are in order."""
    names = [member.name for member in {**_OTHERS, **_OXIDES}[group]]
    if reference(group) not in names:
        names.insert(_PLACE.get(group, 0), reference(group))
    return tuple(names)


def reference(group: str) -> str:
    """The experiment of a group that the others are compared with."""
    if group in _OXIDES:
        return "oxides_gated"
    return "gated" if group == "layers" else "default"


GROUPS = {"layers": tuple(member.name for member in _LAYERS)}
GROUPS |= {group: _with_default(group) for group in (*_OTHERS, *_OXIDES)}
"""Group -> names of its experiments. Layers are trained as long as the main run ("gated"), the
others half as long, each group with "default", the same network as "gated". On the oxides all are
trained equally long, and each group has "oxides_gated"."""

DEFAULT_LABELS = {
    "pooling": "mean",
    "neighbors": "k = 12",
    "features": "92 bits",
    "norm_activation": "softplus",
    "depth": "3 convolutions",
    "width": "width 64",
    "learning_rate": f"{_RATE:g}",
    "batch_size": f"batches of {_BATCH}",
}
DEFAULT_LABELS |= {
    group: DEFAULT_LABELS[group.removeprefix("oxides_")]
    for group in _OXIDES
    if group != "oxides_layers"
}
"""What the default network is called in each group."""


def label(name: str, group: str = "layers") -> str:
    """How a figure of a group calls an experiment."""
    is_default = group in DEFAULT_LABELS and name == reference(group)
    return DEFAULT_LABELS[group] if is_default else experiment(name).label


def experiment(name: str) -> Experiment:
    """The experiment of a name.

    Raises:
        CrystalGraphError: there is none.
    """
    if name not in EXPERIMENTS:
        raise CrystalGraphError(
            f"There is no experiment '{name}'; choose one of {', '.join(EXPERIMENTS)}."
        )
    return EXPERIMENTS[name]


# ---- finished runs on disk


def run_file(name: str, split: str, folder: Path | None = None) -> Path:
    """The file that holds the finished runs of an experiment on a split."""
    if split.startswith("leave_out_"):
        stem = LEAVE_ONE_OUT
    elif split != "formula":
        stem = split
    else:
        stem = next(group for group, names in GROUPS.items() if name in names)  # default: the first
    return (folder or paths.DATA / "runs") / f"{stem}.json"


def pack_run(name: str, seed: int, run: RunResult) -> dict:
    """What is kept of a run: settings, errors, test predictions, and the curves.

    Predictions are rounded: energies to 1e-5, probabilities to 1e-9 (near 1 they differ by little).

    Args:
        name: of the experiment.
        seed: of the run.
        run: as train_model returned it.

    Returns:
        For JSON. Curves of leave-one-out runs are dropped, there are too many of them.
    """
    packed = {"experiment": name, "seed": seed}
    packed |= {key: value for key, value in asdict(run).items() if key not in _RECOVERED}
    packed["mae"] = {part: round(value, 6) for part, value in run.mae.items()}
    packed["scores"] = {
        part: {name: round(value, 6) for name, value in scores.items()}
        for part, scores in run.scores.items()
    }
    digits = 9 if run.scores else 5
    packed["test_prediction"] = [round(x, digits) for x in run.predictions["test"]["prediction"]]
    if run.scores:  # rounding makes ties of hopeless crystals: the AUC kept is that of what is kept
        known = np.array(run.predictions["test"]["target"])
        kept = class_scores(known, np.array(packed["test_prediction"]))
        packed["scores"]["test"] |= {name: round(value, 6) for name, value in kept.items()}
    packed["seconds"] = round(run.seconds, 1)
    curves = {"best_epoch": run.history["best_epoch"]}
    if not run.split.startswith("leave_out_"):
        for key in ("step", "train_loss", "train_mae", "val_mae", "val_loss"):
            curves[key] = [round(value, 5) for value in run.history[key]]
    packed["history"] = {key: curve for key, curve in curves.items() if curve != []}
    return {key: value for key, value in packed.items() if key not in ("mae", "scores") or value}


_RECOVERED = ("predictions", "unit", "target", "dataset")


def unpack_run(packed: Mapping, dataset: CrystalDataset | None = None) -> RunResult:
    """A RunResult again, its predictions those of the test crystals only.

    Args:
        packed: what pack_run made.
        dataset: that of the experiment, if it is loaded already.

    Returns:
        The run.
    """
    made_on = experiment(packed["experiment"]).dataset
    target, unit = TARGETS[made_on]
    dataset = dataset or bundled(made_on)
    rows = load_split(dataset, packed["split"]).test
    fields = {k: v for k, v in packed.items() if k not in ("experiment", "seed", "test_prediction")}
    test = {
        "id": [dataset.ids[row] for row in rows],
        "target": dataset.target(target)[rows].tolist(),
        "prediction": list(packed["test_prediction"]),
    }
    fields = {"mae": {}} | fields
    fields["history"] = asdict(History()) | dict(packed["history"])
    return RunResult(
        dataset=dataset.name, target=target, unit=unit, predictions={"test": test}, **fields
    )


def read_packed(path: Path) -> dict[tuple[str, str, int], dict]:
    """Finished runs of one file by (experiment, split, seed); none where there is no file."""
    if not path.exists():
        return {}
    runs = json.loads(path.read_text(encoding="utf-8"))
    return {(run["experiment"], run["split"], run["seed"]): run for run in runs}


def write_packed(path: Path, runs: Mapping[tuple[str, str, int], dict]) -> None:
    """Write finished runs, one a line, sorted; readers see the old file or the new one."""
    lines = [json.dumps(runs[key], separators=(",", ":")) for key in sorted(runs)]
    write_atomically(path, "[\n" + ",\n".join(lines) + "\n]\n")


def is_current(packed: Mapping) -> bool:
    """Whether a finished run was made with the settings its experiment has today."""
    wanted = experiment(packed["experiment"])
    return (
        packed["model_settings"] == wanted.model_settings
        and packed["graph_settings"] == dict(wanted.graph)
        and packed["train_settings"] == asdict(wanted.train_settings(packed["seed"]))
        and packed["features"] == FEATURES[wanted.features]().key
    )


@cache
def bundled(name: str) -> CrystalDataset:
    """A dataset of the course, "perovskites" or "oxides", read once."""
    return BUNDLED[name]()


def perovskites() -> CrystalDataset:
    """The dataset of notebook 3, read once."""
    return bundled("perovskites")


def oxides() -> CrystalDataset:
    """The dataset of notebook 4, read once."""
    return bundled("oxides")


@cache
def _packed(path: Path, changed: int) -> dict[tuple[str, str, int], dict]:
    return read_packed(path)


def load_run(name: str, split: str = "formula", seed: int = 0) -> RunResult:
    """A finished run from data/runs.

    Args:
        name: of the experiment.
        split: name of the split.
        seed: of the run.

    Returns:
        The run; its predictions are those of the test crystals.

    Raises:
        CrystalGraphError: no such run is shipped.
    """
    experiment(name)
    path = run_file(name, split)
    runs = _packed(path, path.stat().st_mtime_ns) if path.exists() else {}
    if (name, split, seed) not in runs:
        raise CrystalGraphError(
            f"{path} holds no run '{name}' on split '{split}' with seed {seed}; make it with "
            f"`python tools/run_experiments.py --only {path.stem}`."
        )
    return unpack_run(runs[name, split, seed])


def load_runs(name: str, split: str = "formula") -> list[RunResult]:
    """The finished runs of all three seeds."""
    return [load_run(name, split, seed) for seed in SEEDS]


# ---- training


def run_experiment(
    name: str,
    model_class: type[nn.Module],
    split: str = "formula",
    seed: int = 0,
    fast: bool = False,
    progress: bool = True,
) -> tuple[TrainedModel, RunResult]:
    """Make one run, whatever is shipped.

    Args:
        name: of the experiment.
        model_class: CrystalGraphConvNet or a class called alike.
        split: name of the split.
        seed: of the first weights and of the order of the batches.
        fast: use the class's FastConvLayer, a bonus task, for the gated convolution.
        progress: show a bar.

    Returns:
        The network with what belongs to it, and the finished run.
    """
    chosen = experiment(name)
    dataset, settings = bundled(chosen.dataset), chosen.model_settings
    if settings["conv"] == "fast" and not fast:
        settings["conv"] = "gated"
    return train_model(
        dataset,
        load_split(dataset, split),
        model_class,
        settings,
        chosen.train_settings(seed),
        chosen.target,
        features=FEATURES[chosen.features](),
        graph_settings=chosen.graph,
        device="cpu",
        progress=progress,
    )


def steps(n: int) -> Iterator[int]:
    """Count from 0 to n - 1 like range; while nbgrader is grading, count nothing."""
    return iter(range(0 if autograding() else n))


class NetworkNotReady(ShownPlainly, CrystalGraphError):
    """A cell needs a network that does not run, and why it does not."""


class NotReady(nn.Module):
    """Stands for a network that does not run; every attempt to build it says why."""

    reason = ""

    def __init__(self, *sizes: int, **settings: object) -> None:
        raise NetworkNotReady(
            f"Your network of notebook 2 does not run yet, so this cell cannot: {self.reason}"
        )


def student_network(path: str | Path = "model_hw.py", name: str = "gated") -> type[nn.Module]:
    """The network written in notebook 2, tried on a few crystals; prints one sentence about it.

    Args:
        path: the student's model file.
        name: of the experiment whose network and crystals are tried.

    Returns:
        The class; where it cannot be used, a class that says why when it is built.
    """
    try:
        model_class = load_model_class(path)
        n_parameters = sum(w.numel() for w in _small_model(model_class, name).parameters())
        seconds = seconds_per_step(model_class, name)
    except Exception as error:  # whatever a student's file raises
        reason = _one_line(error)
        print(f"Your network does not run yet, so finished runs are shown: {reason}")
        return type("NotReady", (NotReady,), {"reason": reason})
    print(f"Your network runs: {n_parameters:,} parameters, {seconds * 1e3:.0f} ms per step.")
    return model_class


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _small_model(model_class: type[nn.Module], name: str) -> nn.Module:
    chosen = experiment(name)
    settings = chosen.model_settings
    settings["conv"] = "gated" if settings["conv"] == "fast" else settings["conv"]
    return make_model(model_class, FEATURES[chosen.features]().n_features, settings)


def seconds_per_step(
    model_class: type[nn.Module], name: str = "gated", n_crystals: int = _BATCH
) -> float:
    """How long a forward and backward pass of one batch takes.

    Two crystals are timed first; when they are slow already the time is extrapolated from them,
    so that a network made of Python loops is found out in a moment.

    Args:
        model_class: CrystalGraphConvNet or a class called alike.
        name: of the experiment.
        n_crystals: in the batch.

    Returns:
        Seconds.

    Raises:
        CrystalGraphError: the network's output has the wrong shape or is not finite.
    """
    chosen = experiment(name)
    graphs = bundled(chosen.dataset).graphs(**chosen.graph)[:n_crystals]
    model = _small_model(model_class, name)
    columns = (2,) if chosen.dataset == "oxides" else ()
    for n in (2, len(graphs)):
        batch = batch_graphs(graphs[:n], FEATURES[chosen.features]())
        start = time.perf_counter()
        prediction = model(*batch.inputs())
        if tuple(prediction.shape) != (n, *columns) or not torch.isfinite(prediction).all():
            raise CrystalGraphError(
                f"the network gave shape {tuple(prediction.shape)} for {n} crystals, or numbers "
                f"that are not finite; finite {(n, *columns)} is needed. `crystalgraph check` says "
                "more."
            )
        prediction.sum().backward()
        seconds = time.perf_counter() - start
        if n == 2 and seconds > 1.0:
            return seconds * n_crystals / n
    return seconds


@dataclass(frozen=True)
class Outcome:
    """A run for a notebook.

    Attributes:
        run: made now, or shipped.
        trained: the network; None when the run is a shipped one.
    """

    run: RunResult
    trained: TrainedModel | None

    @property
    def whose(self) -> str:
        """What figures and sentences call the run."""
        return "your network" if self.trained else "finished run"


def train_or_load(
    name: str,
    model_class: type[nn.Module],
    split: str = "formula",
    seed: int = 0,
    budget: float = 300.0,
) -> Outcome:
    """Make a run with a student's network, or load the shipped one and say why.

    Args:
        name: of the experiment.
        model_class: the student's CrystalGraphConvNet.
        split: name of the split.
        seed: of the run.
        budget: seconds that training may take by a timed step; above, the shipped run is loaded.

    Returns:
        The run, and the network when it was trained here.
    """
    reason = _why_not(name, model_class, split, seed, budget)
    if not reason:
        try:
            trained, run = run_experiment(name, model_class, split, seed)
            return Outcome(run, trained)
        except Exception as error:  # whatever a student's network raises
            reason = f"training stopped: {_one_line(error)}"
    print(f"The finished run is loaded instead of trained: {reason}.")
    return Outcome(load_run(name, split, seed), None)


def run_or_load(
    name: str,
    seed: int = 0,
    model_class: type[nn.Module] | None = None,
    split: str = "formula",
    rerun: bool = False,
) -> RunResult:
    """The shipped run of an experiment, or with rerun=True one made now with model_class."""
    if not rerun or model_class is None:
        return load_run(name, split, seed)
    return train_or_load(name, model_class, split, seed).run


def _why_not(name, model_class, split, seed, budget) -> str:
    """Why a run is not trained here; empty when it is."""
    if autograding():
        return "nothing trains while nbgrader is grading"
    if issubclass(model_class, NotReady):
        return f"your network does not run ({model_class.reason})"
    settings = experiment(name).train_settings(seed)
    try:
        step = seconds_per_step(model_class, name, settings.batch_size)
    except Exception as error:  # whatever a student's network raises
        return f"your network does not run ({_one_line(error)})"
    train_rows = load_split(bundled(experiment(name).dataset), split).train
    n_steps = -(-len(train_rows) // settings.batch_size)
    estimate = step * n_steps * settings.epochs
    if estimate > budget:
        return (
            f"{settings.epochs} epochs would take about {estimate / 60:.0f} minutes with your "
            f"network, {step:.1f} s a step; loops over atoms or edges in Python are the usual "
            "reason, index_add is the cure"
        )
    return ""
