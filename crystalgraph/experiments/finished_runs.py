"""Finished runs: three seeds of each experiment, shipped in data/runs and loaded in a moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from crystalgraph import paths
from crystalgraph.crystals.datasets import BUNDLED, CrystalDataset, load_split
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments.catalog import (
    FEATURES,
    GROUPS,
    LEAVE_ONE_OUT,
    SEEDS,
    TARGETS,
    experiment,
)
from crystalgraph.experiments.in_force import differences, require_current
from crystalgraph.files import write_atomically
from crystalgraph.networks.model_file import model_file_of
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.scores import class_scores
from crystalgraph.networks.training import History
from crystalgraph.networks.training_run import CODE_VERSIONS, RunResult


def run_file(name: str, split: str, folder: Path | None = None) -> Path:
    """The file that holds the finished runs of an experiment on a split."""
    if split.startswith("leave_out_"):
        stem = LEAVE_ONE_OUT
    elif split != "formula":
        stem = split
    else:
        stem = next(group for group, names in GROUPS.items() if name in names)  # default: the first
    return (folder or paths.DATA / "runs") / f"{stem}.json"


def pack_run(name: str, seed: int, run: RunResult, model_class: type[nn.Module]) -> dict:
    """What is kept of a run: settings, errors, test predictions, and the curves.

    Predictions are rounded: energies to 1e-5, probabilities to 1e-9 (near 1 they differ by little).

    Args:
        name: of the experiment.
        seed: of the run.
        run: as train_model returned it.
        model_class: CrystalGraphConvNet of the model file that it was made with.

    Returns:
        For JSON. Curves of leave-one-out runs are dropped, there are too many of them.
    """
    test = run.predictions["test"]
    packed = {"experiment": name, "seed": seed, "model_file": _content(model_class)}
    packed["test_crystals"] = _fingerprint(test)
    packed |= {key: value for key, value in asdict(run).items() if key not in _RECOVERED}
    packed["mae"] = {part: round(value, 6) for part, value in run.mae.items()}
    packed["scores"] = {
        part: {name: round(value, 6) for name, value in scores.items()}
        for part, scores in run.scores.items()
    }
    digits = 9 if run.scores else 5
    packed["test_prediction"] = [round(x, digits) for x in test["prediction"]]
    if run.scores:  # rounding makes ties of hopeless crystals: the AUC kept is that of what is kept
        known = np.array(test["target"])
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
    others = ("experiment", "seed", "test_prediction", "test_crystals", "model_file")
    fields: dict[str, Any] = {k: v for k, v in packed.items() if k not in others}
    test = _test_crystals(dataset, packed["split"], target)
    test["prediction"] = list(packed["test_prediction"])
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


def in_force(name: str, split: str, seed: int) -> dict[str, Any]:
    """What an experiment is run with today, but for the network's file and options.

    Args:
        name: of the experiment.
        split: name of the split.
        seed: of the run.
    """
    wanted = experiment(name)
    test = _test_crystals(bundled(wanted.dataset), split, wanted.target)
    return {
        "test_crystals": _fingerprint(test),
        "graph_settings": asdict(wanted.graph_settings),
        "train_settings": asdict(wanted.train_settings(seed)),
        "versions": CODE_VERSIONS,
        "features": FEATURES[wanted.features]().key,
    }


def is_current(packed: Mapping, model_class: type[nn.Module]) -> bool:
    """Whether a finished run was made with all that is in force for its experiment today.

    Args:
        packed: what pack_run made.
        model_class: CrystalGraphConvNet of the model file that runs are made with.
    """
    name = packed["experiment"]
    options = ModelSettings.in_force(model_class, experiment(name).model_arguments).options
    network = {"model_file": _content(model_class), "model_settings": options}
    return not differences(packed, in_force(name, packed["split"], packed["seed"]) | network)


def _content(model_class: type[nn.Module]) -> str:
    """The same for the same content of the model file; empty for a class from elsewhere."""
    file = model_file_of(model_class)
    return file.sha256[:16] if file else ""


def _test_crystals(dataset: CrystalDataset, split: str, target: str) -> dict[str, list]:
    """Names and targets of a split's test crystals, in the order of predictions."""
    rows = load_split(dataset, split).test
    ids = [dataset.ids[row] for row in rows]
    return {"id": ids, "target": dataset.target(target)[rows].tolist()}


def _fingerprint(test: Mapping[str, list]) -> str:
    """The same for the same test crystals with the same targets."""
    seen = json.dumps([test["id"], test["target"]])
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


@cache
def bundled(name: str) -> CrystalDataset:
    """A dataset of the course, "perovskites" or "oxides", read once."""
    return BUNDLED[name]()


def perovskites() -> CrystalDataset:
    """The perovskites, read once."""
    return bundled("perovskites")


def oxides() -> CrystalDataset:
    """The oxides, read once."""
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
        CrystalGraphError: no such run is shipped, or it was made with other settings than today's.
            The network's file and options are not compared: they stay with the instructor.
    """
    experiment(name)
    path = run_file(name, split)
    runs = _packed(path, path.stat().st_mtime_ns) if path.exists() else {}
    command = f"python tools/run_experiments.py --only {path.stem}"
    if (name, split, seed) not in runs:
        raise CrystalGraphError(
            f"{path} holds no run '{name}' on split '{split}' with seed {seed}; make it with "
            f"`{command}`."
        )
    packed = runs[name, split, seed]
    require_current(packed, in_force(name, split, seed), path, command)
    return unpack_run(packed)


def load_runs(name: str, split: str = "formula") -> list[RunResult]:
    """The finished runs of all three seeds."""
    return [load_run(name, split, seed) for seed in SEEDS]
