"""Simple predictors to compare every network with, and a fair way to compare two predictors.

All of them are fitted on the training crystals only; the ridge penalty is chosen on the validation
crystals; the test crystals are only predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crystalgraph.crystals.datasets import CrystalDataset, Split

PENALTIES = tuple(10.0**exponent for exponent in range(-5, 4))

MEAN = "predict the mean"
LINE = "line in N"
RIDGE_FRACTIONS = "ridge, element fractions"
RIDGE_SITES = "ridge, site fractions"


@dataclass(frozen=True)
class Baseline:
    """What a simple predictor says about every crystal.

    Attributes:
        name: of the predictor.
        prediction: (C,) in the target's unit, for all crystals of the dataset.
        mae: mean absolute error of each part that has crystals, in the target's unit.
    """

    name: str
    prediction: np.ndarray
    mae: dict[str, float]

    @property
    def measures(self) -> dict[str, dict[str, float]]:
        """What is reported of each part, as RunResult.measures."""
        return {part: {"mae": mae} for part, mae in self.mae.items()}


def fit_baselines(
    dataset: CrystalDataset, split: Split, column: str, line: bool = False
) -> dict[str, Baseline]:
    """Fit all simple predictors that a dataset allows.

    Args:
        dataset: C crystals.
        split: rows to fit on, to choose the ridge penalty on, and to report on.
        column: target column.
        line: also fit a straight line in the number of atoms, the one to beat when the target
            grows with the cell (a total energy).

    Returns:
        {name: Baseline}; ridge on site fractions only where all records say which element sits on
        which site.
    """
    target = dataset.target(column)
    predictions = {MEAN: np.full(len(target), target[split.train].mean())}
    if line:
        n_atoms = np.array([[len(structure)] for structure in dataset.structures], dtype=float)
        (predictions[LINE],) = _ridges(n_atoms, target, split.train, [0.0])
    predictions[RIDGE_FRACTIONS] = ridge(element_fractions(dataset), target, split)
    if has_sites(dataset):
        predictions[RIDGE_SITES] = ridge(site_fractions(dataset), target, split)
    return {
        name: Baseline(name, prediction, part_errors(target, prediction, split))
        for name, prediction in predictions.items()
    }


def part_errors(target: np.ndarray, prediction: np.ndarray, split: Split) -> dict[str, float]:
    """Mean absolute error of each part that has crystals, in the target's unit."""
    error = np.abs(prediction - target)
    return {part: float(error[getattr(split, part)].mean()) for part in split.parts}


def element_fractions(dataset: CrystalDataset) -> np.ndarray:
    """Share of each element among the atoms of each crystal.

    Args:
        dataset: C crystals.

    Returns:
        (C, number of different elements), rows add up to 1.
    """
    compositions = [structure.composition for structure in dataset.structures]
    elements = sorted({element for composition in compositions for element in composition})
    return np.array(
        [[composition.get_atomic_fraction(e) for e in elements] for composition in compositions]
    )


def has_sites(dataset: CrystalDataset) -> bool:
    """Whether every record says which elements sit on A, B and X."""
    return bool(dataset.records) and all(
        len(record.get("sites") or ()) in (3, 4) for record in dataset.records
    )


def site_fractions(dataset: CrystalDataset) -> np.ndarray:
    """Share of each element on the A, the B and the X site of each perovskite.

    Args:
        dataset: C perovskites; records hold "sites", [A, B, X] or [A, B, B', X].

    Returns:
        (C, 3 * number of different elements); A, then B, then X, each adding up to 1.
    """
    per_site = [_on_sites(record["sites"]) for record in dataset.records]
    elements = sorted({element for sites in per_site for on in sites for element in on})
    return np.array(
        [[on.count(e) / len(on) for on in sites for e in elements] for sites in per_site]
    )


def _on_sites(sites: Sequence[str]) -> list[list[str]]:
    return [[sites[0]], list(sites[1:-1]), [sites[-1]]]


def ridge(inputs: np.ndarray, target: np.ndarray, split: Split) -> np.ndarray:
    """Linear least squares with a penalty on the squared coefficients.

    Args:
        inputs: (C, number of columns).
        target: (C,).
        split: fitted on train with the penalty that has the lowest MAE on val.

    Returns:
        (C,) predictions for all crystals.
    """
    candidates = _ridges(inputs, target, split.train, PENALTIES)
    val = split.val
    return min(candidates, key=lambda candidate: np.abs(candidate[val] - target[val]).mean())


def _ridges(
    inputs: np.ndarray, target: np.ndarray, train: np.ndarray, penalties: Sequence[float]
) -> list[np.ndarray]:
    """Predictions for all rows of ridges fitted on the training rows; the intercept is free."""
    center, mean = inputs[train].mean(axis=0), target[train].mean()
    x, y = inputs[train] - center, target[train] - mean
    # Singular values serve all penalties at once; those of elements not in train are zero.
    u, s, v = np.linalg.svd(x, full_matrices=False)
    kept = s > s[0] * max(x.shape) * np.finfo(float).eps
    u, s, v = u[:, kept], s[kept], v[kept]
    along = u.T @ y, (inputs - center) @ v.T
    return [along[1] @ (s / (s**2 + penalty) * along[0]) + mean for penalty in penalties]


def paired_bootstrap(
    errors_a: np.ndarray, errors_b: np.ndarray, n: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """How much larger the mean absolute error of A is than that of B, and how sure that is.

    The same test crystals are drawn with replacement for both, so what makes a crystal
    hard for A and B alike cancels. "B beats A" is written only above two standard errors.

    Args:
        errors_a: (C,) errors of A on the test crystals, in the target's unit; signs do not matter.
        errors_b: (C,) errors of B on the same crystals in the same order.
        n: number of draws.
        seed: of the draws.

    Returns:
        MAE of A minus MAE of B and its standard error, in the target's unit.

    Raises:
        ValueError: the two lengths differ or are zero.
    """
    difference = np.abs(np.asarray(errors_a, float)) - np.abs(np.asarray(errors_b, float))
    if difference.ndim != 1 or not len(difference) or len(errors_a) != len(errors_b):
        raise ValueError("Give the errors of both predictors on the same crystals, one each.")
    generator = np.random.default_rng(seed)
    means = [generator.choice(difference, len(difference)).mean() for _ in range(n)]
    return float(difference.mean()), float(np.std(means, ddof=1))
