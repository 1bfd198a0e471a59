"""All the runs whose numbers the notebook shows beside its own: made once, shipped as one table.

    python -m crystalgraph.labs.features.measure

goes on where it was stopped; each run is a line of data/features/runs.jsonl with what was in force,
and is made again where that is not so any more.
The five tables of atom features on the formula split are finished runs of data/runs already.
"""

from __future__ import annotations

import inspect
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crystalgraph import paths
from crystalgraph.crystals import features
from crystalgraph.crystals.feature_table import read_features
from crystalgraph.crystals.features import AtomFeatures
from crystalgraph.crystals.graphs import GraphSettings
from crystalgraph.experiments.in_force import differences, require_current
from crystalgraph.files import write_atomically
from crystalgraph.labs.features import bases, strained, study
from crystalgraph.networks.engine.network import QuotientNetwork
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.training import TrainSettings
from crystalgraph.networks.training_run import CODE_VERSIONS

RUNS = paths.DATA / "features" / "runs.jsonl"
SEEDS = (0, 1, 2)
PROPERTIES = tuple(name for name, _ in features.published_features().columns)
LEFT_OUT = ("Ti", "Nb", "Sn", "Mg", "In", "W")
"""Elements on B that are left out of training, one after another."""


def published_part(names: tuple[str, ...]) -> AtomFeatures:
    """The published bits of some properties."""
    columns = dict(features.published_features().columns)
    return AtomFeatures([(name, columns[name]) for name in names])


def binned_into(n: int) -> AtomFeatures:
    """All nine properties in n bins each; block, a word, one-hot."""
    parts = [f"{name}:binned({n})" for name in PROPERTIES if name != "block"]
    return read_features(" + ".join([*parts, "block:onehot"]))


ATOMS: dict[str, Callable[[], AtomFeatures]] = {
    "bits": features.published_features,
    "floats": features.scaled_features,
    "bits and floats": features.mixed_features,
    "one-hot Z": features.one_hot_number,
    "random bits": features.random_features,
}
"""Tables of atom features by name."""

BASES: dict[str, study.Basis] = {
    "no distance": bases.none,
    "distance": bases.raw,
    "1/distance": bases.inverse,
    "40 bins": bases.one_hot_bins,
    "10 Gaussians": partial(bases.gaussians, n=10),
    "40 Gaussians": bases.gaussians,
    "80 Gaussians": partial(bases.gaussians, n=80),
    "40 waves": bases.waves,
    "40 narrow Gaussians": partial(bases.gaussians, width=0.25),
    "40 wide Gaussians": partial(bases.gaussians, width=4.0),
}
"""Bases of distances by name."""

CURVED = ("40 bins", "40 Gaussians", "80 Gaussians", "40 wide Gaussians", "distance")
LONG = 120
"""Epochs, to see whether longer training is a cure."""
N_BINS = ("2", "5", "10", "20", "40")
TOLD = ("bits", "floats", "bits and floats", "one-hot Z", "random bits")
SHOWN = 3
"""Test crystals whose curves are kept, of seed 0."""


@dataclass(frozen=True)
class Curved:
    """How a group of runs on strained crystals is trained.

    Attributes:
        weight: of differences in the loss.
        epochs: over the training crystals.
        names: of the bases.
    """

    weight: float
    epochs: int = strained.EPOCHS
    names: tuple[str, ...] = CURVED


CURVES = {
    "curves, energies": Curved(0.0),
    "curves, energies for 120 epochs": Curved(0.0, LONG, ("40 Gaussians", "40 wide Gaussians")),
    "curves, differences": Curved(strained.WEIGHT),
}
"""Groups of runs on strained crystals."""


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        group: the question that it belongs to.
        name: within the group.
        seed: of weights and batches.
        split: of the perovskites.
    """

    group: str
    name: str
    seed: int
    split: str = "formula"

    def inputs(self) -> study.Inputs:
        """What the network is told."""
        if self.group in ("bonds", *CURVES):
            return study.Inputs(bonds=BASES[self.name])
        if self.group == "bins":
            return study.Inputs(binned_into(int(self.name)))
        if self.group == "without":
            return study.Inputs(published_part(tuple(p for p in PROPERTIES if p != self.name)))
        if self.group == "alone":
            return study.Inputs(published_part((self.name,)))
        return study.Inputs(ATOMS[self.name]())


def wanted() -> list[Run]:
    """Every run of the table, the most important first."""
    runs = []
    for seed in SEEDS:
        runs += [Run(group, name, seed) for group, how in CURVES.items() for name in how.names]
        runs += [Run("bonds", name, seed) for name in BASES]
        runs += [Run("bins", name, seed) for name in N_BINS]
        runs += [
            Run("left out", name, seed, f"leave_out_{element}")
            for element in LEFT_OUT
            for name in TOLD
        ]
        runs += [Run(group, name, seed) for name in PROPERTIES for group in ("without", "alone")]
    return runs


def result(run: Run) -> dict[str, Any]:
    """Train, and what is kept of it."""
    known = _curves(run) if run.group in CURVES else _perovskites(run)
    return asdict(run) | known | {"in_force": in_force(run)}


def in_force(run: Run) -> dict[str, Any]:
    """Settings and versions that a run is made with today."""
    settings = TrainSettings(epochs=study.EPOCHS, batch_size=study.BATCH_SIZE, seed=run.seed)
    inputs = run.inputs()
    found = asdict(settings) | {
        "graphs": asdict(GraphSettings()),
        "network": ModelSettings.in_force(QuotientNetwork).options,
        "atoms": inputs.atoms.key,
        "bonds": _defaults(inputs.bonds),
        "code": CODE_VERSIONS,
    }
    if run.group in CURVES:
        how, batch_size = CURVES[run.group], strained.HOSTS_IN_BATCH * len(strained.STRAINS)
        found |= {"batch_size": batch_size, "weight": how.weight, "epochs": how.epochs}
        found |= {"strains": strained.STRAINS.tolist()}
    return found


def _defaults(basis: study.Basis) -> dict[str, float]:
    """The numbers that a basis is made with."""
    asked = inspect.signature(basis).parameters.values()
    found = {one.name: one.default for one in asked if one.default is not one.empty}
    return {"cutoff": bases.CUTOFF} | found


def _curves(run: Run) -> dict[str, Any]:
    """Train on strained crystals."""
    hosts, how = strained.load_hosts(), CURVES[run.group]
    trained = strained.fit_curves(hosts, run.inputs(), how.weight, run.seed, how.epochs)
    judged = {name: _known(value) for name, value in strained.judge(trained, hosts).items()}
    shown = hosts.measured[:SHOWN] if run.seed == 0 else []
    curves = {
        hosts.names[place]: np.round(strained.curve(trained, hosts.graphs[place]), 4).tolist()
        for place in shown
    }
    return {"judged": judged, "curves": curves, "seconds": round(trained.seconds, 1)}


def _known(value: float) -> float | None:
    """Rounded; None for infinity, the minimum of curves that have none: JSON has no infinity."""
    return round(value, 4) if math.isfinite(value) else None


def _perovskites(run: Run) -> dict[str, Any]:
    """Train on relaxed perovskites."""
    data, inputs = study.perovskites(run.split), run.inputs()
    trained = study.fit(data, inputs, run.seed)
    predicted = trained.predict([data.graphs[row] for row in data.test])
    errors = [round(float(e), 4) for e in predicted - data.target[data.test]]
    return {
        "test_errors": errors,
        "n_parameters": trained.n_parameters,
        "seconds": round(trained.seconds, 1),
    }


def read(path: Path = RUNS) -> dict[Run, dict[str, Any]]:
    """The runs that are finished, whatever they were made with."""
    if not path.exists():
        return {}
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    names = Run.__dataclass_fields__
    return {Run(**{name: record[name] for name in names}): record for record in records}


def finished(*groups: str) -> dict[Run, dict[str, Any]]:
    """The finished runs of some groups.

    Args:
        groups: of wanted.

    Raises:
        CrystalGraphError: one was made with other settings than those of today.
    """
    found = {run: record for run, record in read().items() if run.group in groups}
    for run, record in found.items():
        command = "python -m crystalgraph.labs.features.measure"
        require_current(record["in_force"], in_force(run), RUNS, command)
    return found


def main() -> int:
    """Make what is missing, or was made with other settings."""
    torch.set_num_threads(1)
    for run in wanted():
        known = read(RUNS).get(run)
        if known is None or differences(known["in_force"], in_force(run)):
            record = result(run)
            write({**read(RUNS), run: record})  # another process may have written meanwhile
            print(run, flush=True)
    return 0


def write(runs: Mapping[Run, dict[str, Any]]) -> None:
    """Write runs, one a line; readers see the old file or the new one."""
    lines = [json.dumps(record, allow_nan=False) + "\n" for record in runs.values()]
    write_atomically(RUNS, "".join(lines))


if __name__ == "__main__":
    sys.exit(main())
