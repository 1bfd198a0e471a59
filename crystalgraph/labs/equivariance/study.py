"""Training networks on molecules, in the units of their targets, and runs that are finished."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from torch import nn

from crystalgraph import paths
from crystalgraph.checking.autograding import autograding
from crystalgraph.experiments.in_force import require_current
from crystalgraph.labs.equivariance.graphs import AtomGraph, molecule_graph
from crystalgraph.labs.equivariance.molecules import EXTENSIVE, Molecules
from crystalgraph.labs.equivariance.networks import MovingNetwork
from crystalgraph.labs.equivariance.training import Fit, absolute, predict, train
from crystalgraph.networks.model_settings import ModelSettings

CUTOFF = 1.9
"""Neighbors in a molecule are nearer than this, in angstrom."""

FINISHED = paths.DATA / "molecules" / "finished_runs.json"
"""Results of networks that were trained before, by tools/molecules/train.py."""

STABILITY = paths.DATA / "molecules" / "stability.json"
"""What became of training with one change at a time, by tools/molecules/stability.py."""


@dataclass(frozen=True)
class Parts:
    """What the tasks ask for.

    Attributes:
        edges: edges_within(x, batch, cutoff) -> edge_index.
        normalizer: fit_normalizer(counts, targets, extensive, train) -> references, mean, mad.
    """

    edges: Callable
    normalizer: Callable


def finished_errors(targets: Sequence[str]) -> dict[tuple[int, int], dict[str, float]]:
    """Errors of the finished runs that learned just these targets.

    Args:
        targets: that a network learned at once.

    Returns:
        (training molecules, steps) -> target -> MAE of the test molecules, in the target's unit.

    Raises:
        CrystalGraphError: a run was made with other settings than those of today.
    """
    runs = json.loads(FINISHED.read_text(encoding="utf-8"))
    asked = [run for run in runs if run["targets"] == list(targets)]
    for run in asked:
        today = in_force() | {"fit": asdict(Fit(run["fit"]["steps"]))}
        command = "python tools/molecules/train.py [--data qm9]"
        require_current(run | run.get("in_force", {}), today, FINISHED, command)
    found = {(run["molecules"], run["fit"]["steps"]): run["mae"] for run in asked}
    return dict(sorted(found.items()))


def in_force() -> dict[str, object]:
    """What networks on molecules are made and trained with today, beside what a run says itself."""
    network = ModelSettings.in_force(MovingNetwork).options
    return {"cutoff": CUTOFF, "network": network}


def stability_table() -> pd.DataFrame:
    """One row for each way of training: losses and gradients, or at which step it ended in NaN.

    Raises:
        CrystalGraphError: a row was made with another cutoff than that of today.
    """
    rows = json.loads(STABILITY.read_text(encoding="utf-8"))
    for row in rows:
        today = {} if row["moves"] else {"cutoff": CUTOFF}  # who moves hears of all atoms
        require_current(row, today, STABILITY, "python tools/molecules/stability.py")
    columns = ["l1", "median_loss", "largest_loss", "longest_gradient", "stopped"]
    return pd.DataFrame(rows).set_index("name")[columns]


def graphs_of(
    molecules: Molecules,
    rows: np.ndarray,
    targets: np.ndarray,
    edges: Callable,
    cutoff: float = CUTOFF,
) -> list[AtomGraph]:
    """Molecules as graphs with edges nearer than a cutoff.

    Args:
        molecules: of the lab.
        rows: (n,) of the molecules.
        targets: (len(rows), T), of size one.
        edges: edges_within(x, batch, cutoff).
        cutoff: in angstrom.
    """
    return [
        molecule_graph(molecules.kinds[row], molecules.positions[row], target, edges, cutoff)
        for row, target in zip(rows, targets, strict=True)
    ]


def train_and_predict(
    molecules: Molecules,
    names: Sequence[str],
    make_network: Callable[[], nn.Module],
    parts: Parts,
    rows: np.ndarray,
    fit: Fit | None = None,
    raw: bool = False,
) -> np.ndarray:
    """Train on some targets, and predict the test molecules.

    While nbgrader is grading nothing trains, and what the elements explain is all that is said.

    Args:
        molecules: of the lab.
        names: T targets.
        make_network: of molecules, gives T numbers.
        parts: what the tasks ask for.
        rows: training molecules.
        fit: how; by default 10 epochs.
        raw: whether targets are only divided: a length keeps its zero.

    Returns:
        (2000, T) in the targets' units.
    """
    targets = molecules.targets[:, [molecules.names.index(name) for name in names]]
    extensive = np.isin(names, EXTENSIVE)
    references, mean, mad = parts.normalizer(molecules.counts, targets, extensive, rows)
    if raw:
        references, mean = 0 * references, 0 * mean
    level = molecules.counts @ references + mean
    normal, asked = (targets - level) / mad, molecules.parts["test"]
    if autograding():
        return level[asked]
    fit = fit or Fit(steps=10 * len(rows) // Fit.batch_size)
    known = graphs_of(molecules, rows, normal[rows], parts.edges)
    network = train(make_network, known, fit, absolute)
    graphs = graphs_of(molecules, asked, normal[asked], parts.edges)
    return predict(network, graphs) * mad + level[asked]
