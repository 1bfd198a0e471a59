"""Finished runs for the notebook, and errors that need no network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import Ridge

from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_perovskites, load_split
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments.baselines import RIDGE_SITES, fit_baselines
from crystalgraph.experiments.catalog import GROUPS, label
from crystalgraph.experiments.finished_runs import load_runs
from crystalgraph.experiments.verdicts import Comparison, compare_errors, mean_and_error
from crystalgraph.labs.features.elements import PROPERTIES
from crystalgraph.labs.features.measure import (
    CURVES,
    LEFT_OUT,
    SEEDS,
    Run,
    finished,
    published_part,
    wanted,
)
from crystalgraph.labs.features.study import Data, perovskites


def tables_of_atoms() -> dict[str, list[float]]:
    """Test errors of the shipped runs with five tables of features, three seeds, in eV/atom."""
    group = "features"
    return {label(name, group): [run.test_mae for run in load_runs(name)] for name in GROUPS[group]}


def of_seeds(group: str) -> dict[str, list[np.ndarray]]:
    """Errors of each test crystal in a group of the lab's own finished runs.

    Args:
        group: of measure.wanted.

    Returns:
        Name -> for each seed with all splits the errors (C,) of all test crystals in eV/atom,
        prediction minus target; names and crystals in the order of measure.wanted.
    """
    asked, records = [run for run in wanted() if run.group == group], finished(group)
    if not asked:
        known = ", ".join(dict.fromkeys(run.group for run in wanted()))
        raise CrystalGraphError(f"There is no group {group!r} of runs: choose one of {known}.")
    found: dict[str, list[np.ndarray]] = {}
    for name, seed in dict.fromkeys((run.name, run.seed) for run in asked):
        parts = [records.get(run) for run in asked if (run.name, run.seed) == (name, seed)]
        complete = [part["test_errors"] for part in parts if part]
        if len(complete) == len(parts):
            found.setdefault(name, []).append(np.concatenate(complete))
    return found


def errors(group: str) -> dict[str, list[float]]:
    """Test errors of a group in eV/atom: name -> one for each seed; all crystals count alike."""
    return {
        name: [float(np.abs(seed).mean()) for seed in seeds]
        for name, seeds in of_seeds(group).items()
    }


def by_element() -> list[str]:
    """Test errors for each element that was left out, means over the seeds, as lines of a table."""
    records, names = finished("left out"), list(of_seeds("left out"))
    lines = [f"{'eV/atom':8s}" + "".join(f"{name:>17s}" for name in names)]
    for element in LEFT_OUT:
        means = []
        for name in names:
            runs = [Run("left out", name, seed, f"leave_out_{element}") for seed in SEEDS]
            means.append(np.mean([np.abs(records[run]["test_errors"]) for run in runs]))
        lines.append(f"{element:8s}" + "".join(f"{mean:17.3f}" for mean in means))
    return lines


def compare(group: str, a: str, b: str) -> Comparison:
    """Which of two of a group has the smaller error, and whether one can tell."""
    found = of_seeds(group)
    return compare_errors(a, b, found[a], found[b])


def curves() -> list[str]:
    """A table of the finished runs on strained crystals: a line for each basis and loss.

    Returns:
        Lines of text, means over the seeds with standard errors: median distance of the minimum
        from the true one (in percent of all lengths), share of crystals without one, curvature
        over the true one, error (eV/atom); then the largest step (eV/atom times 1000).
    """
    found: dict[tuple[str, str], list[dict[str, float | None]]] = {}
    records = finished(*CURVES)
    for run in (run for run in wanted() if run in records and "judged" in records[run]):
        found.setdefault((run.group, run.name), []).append(records[run]["judged"])
    head = "basis and loss", "minimum off (%)", "none (%)", "curvature", "error", "step (meV)"
    lines = ["{:42s}{:>16s}{:>10s}{:>15s}{:>16s}{:>11s}".format(*head)]
    for (group, name), runs in found.items():
        seeds = {key: np.array([one[key] for one in runs], float) for key in runs[0]}
        lines.append(
            f"{name + ', ' + group.partition(', ')[2]:42s}"
            f"{_with_bar(100 * seeds['minimum_off'], 1):>16s}"
            f"{_with_bar(100 * seeds['no_minimum'], 0):>10s}{_with_bar(seeds['curvature'], 2):>15s}"
            f"{_with_bar(seeds['error'], 3):>16s}{1000 * seeds['largest_step'].mean():11.0f}"
        )
    return lines


def _with_bar(values: np.ndarray, decimals: int) -> str:
    """Mean and standard error over the seeds; a dash where a seed has none."""
    if not np.isfinite(values).all():
        return "-"
    mean, bar = mean_and_error(values.tolist())
    return f"{mean:.{decimals}f} ± {bar:.{decimals}f}"


def mean_error(data: Data | None = None) -> float:
    """Test error of who says the training mean every time, in eV/atom."""
    data = data or perovskites()
    return float(np.abs(data.target[data.test] - data.target[data.train].mean()).mean())


def ridge_on_sites(splits: Sequence[str] = ("formula",)) -> float:
    """Test error in eV/atom of a straight line on which element sits where, without distances.

    Args:
        splits: of the perovskites; crystals of all of them count alike.
    """
    dataset, found = load_perovskites(), []
    for name in splits:
        split = load_split(dataset, name)
        line = fit_baselines(dataset, split, FORMATION_ENERGY)[RIDGE_SITES]
        found.append(np.abs(line.prediction - dataset.target(FORMATION_ENERGY))[split.test])
    return float(np.concatenate(found).mean())


def site_means(names: Sequence[str]) -> np.ndarray:
    """Published bits of some properties, averaged over the atoms of each of the 700 crystals."""
    features = published_part(tuple(names))
    crystals = load_perovskites().structures
    return np.array([features.matrix(c.atomic_numbers).mean(axis=0) for c in crystals])


def ridge_error(mask: Sequence[bool]) -> float:
    """Test error of a straight line on the mean bits of some properties, without any distance.

    Args:
        mask: for each of PROPERTIES whether it is told.

    Returns:
        In eV/atom; without any property that of the training mean.
    """
    names = [name for name, on in zip(PROPERTIES, mask, strict=True) if on]
    data = perovskites()
    if not names:
        return mean_error(data)
    rows = site_means(names)
    line = Ridge(alpha=0.01).fit(rows[data.train], data.target[data.train])
    return float(np.abs(line.predict(rows[data.test]) - data.target[data.test]).mean())
