"""Finished runs for the notebook, and errors that need no network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import Ridge

from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_perovskites, load_split
from crystalgraph.experiments.baselines import RIDGE_SITES, fit_baselines
from crystalgraph.experiments.catalog import GROUPS, label
from crystalgraph.experiments.finished_runs import load_runs
from crystalgraph.labs.features.elements import PROPERTIES
from crystalgraph.labs.features.measure import published_part, read, wanted
from crystalgraph.labs.features.study import Data, perovskites


def tables_of_atoms() -> dict[str, list[float]]:
    """Test errors of the shipped runs with five tables of features, three seeds, in eV/atom."""
    group = "features"
    return {label(name, group): [run.test_mae for run in load_runs(name)] for name in GROUPS[group]}


def errors(group: str) -> dict[str, list[float]]:
    """Test errors of a group of the lab's own finished runs, in eV/atom.

    Args:
        group: of measure.wanted.

    Returns:
        Name -> one error for each seed that has all splits; crystals of all splits count alike.
    """
    n_splits = len({run.split for run in wanted() if run.group == group})
    found: dict[str, dict[int, list[list[float]]]] = {}
    for run, record in read().items():
        if run.group == group:
            of_seed = found.setdefault(run.name, {}).setdefault(run.seed, [])
            of_seed.append(record["test_errors"])
    return {
        name: [
            float(np.abs(np.concatenate(parts)).mean())
            for _, parts in sorted(seeds.items())
            if len(parts) == n_splits
        ]
        for name, seeds in found.items()
    }


def curves() -> list[str]:
    """A table of the finished runs on strained crystals: a line for each basis and loss.

    Returns:
        Lines of text, means over the seeds: median distance of the minimum from the true one (in
        percent of all lengths), share of crystals without one, curvature over the true one, error
        (eV/atom), share of flat steps, largest step (eV/atom times 1000).
    """
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for run, record in read().items():
        if "judged" in record:
            found.setdefault((run.group, run.name), []).append(record["judged"])
    head = "basis and loss", "minimum off", "none", "curvature", "error", "flat", "largest step"
    lines = ["{:40s} {:>14s} {:>6s} {:>10s} {:>8s} {:>6s} {:>14s}".format(*head)]
    for (group, name), runs in found.items():
        value = {key: np.mean([one[key] for one in runs]) for key in runs[0]}
        off = f"{value['minimum_off']:.1%}" if np.isfinite(value["minimum_off"]) else "-"
        lines.append(
            f"{name + ', ' + group.partition(', ')[2]:40s} {off:>14s} {value['no_minimum']:6.0%} "
            f"{value['curvature']:10.2f} {value['error']:8.3f} {value['flat']:6.0%} "
            f"{1000 * value['largest_step']:10.0f} meV"
        )
    return lines


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
