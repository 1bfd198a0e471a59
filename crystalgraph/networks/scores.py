"""Scores of a classifier and how sure they are; how far the spread of an ensemble can be trusted.

Scores come from scikit-learn. What is uncertain about them is found by drawing *formulas* with
replacement, not crystals: crystals of one formula are alike, and the split keeps them together, so
the formula is what was drawn to make a test set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crystalgraph.errors import CrystalGraphError

THRESHOLD = 0.5
DRAWS = 2000  # of the bootstrap: its standard error is then known to 2 %
COVERAGE = 0.95


def class_scores(
    labels: ArrayLike, probability: ArrayLike, threshold: float = THRESHOLD
) -> dict[str, float]:
    """How well probabilities agree with labels.

    Args:
        labels: (C,) 0 or 1.
        probability: (C,) of class 1.
        threshold: from which on class 1 is predicted.

    Returns:
        "auc" (left out where all labels are the same), "accuracy", "precision" and "recall" of
        class 1 (0 where there is nothing to divide by).
    """
    from sklearn import metrics

    labels, predicted = np.asarray(labels).astype(int), np.asarray(probability) >= threshold
    both = 0 < labels.sum() < len(labels)
    auc = {"auc": float(metrics.roc_auc_score(labels, probability))} if both else {}
    return auc | {
        "accuracy": float(metrics.accuracy_score(labels, predicted)),
        "precision": float(metrics.precision_score(labels, predicted, zero_division=0)),
        "recall": float(metrics.recall_score(labels, predicted, zero_division=0)),
    }


NORMAL = {1: 0.683, 2: 0.954}
"""Share of errors within one and two standard deviations, if they are normally distributed."""


def calibration(errors: ArrayLike, spread: ArrayLike) -> dict[str, float]:
    """How often the error of a prediction is as small as its error bar says.

    Args:
        errors: (C,) prediction minus target.
        spread: (C,) of the predictions, in the same unit.

    Returns:
        "within_1_spread" and "within_2_spreads": share of errors; NORMAL has what they should be.
    """
    size, spread = np.abs(errors), np.asarray(spread)
    return {
        "within_1_spread": float((size <= spread).mean()),
        "within_2_spreads": float((size <= 2 * spread).mean()),
    }


@dataclass(frozen=True)
class Interval:
    """An AUC and how far it can be trusted.

    Attributes:
        value: on the crystals there are.
        low, high: 95 % of the draws of formulas lie between them.
        error: standard deviation of the draws.
    """

    value: float
    low: float
    high: float
    error: float

    def __str__(self) -> str:
        if self.low == self.high:  # few crystals, or a perfect order: no draw says how sure it is
            return f"{self.value:.3f} (no interval: all draws give the same)"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def auc_interval(
    labels: ArrayLike,
    scores: ArrayLike,
    formulas: Sequence[str],
    n: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The ROC-AUC with its 95 % bootstrap interval, formulas drawn with replacement.

    Args:
        labels: (C,) 0 or 1, both occurring.
        scores: (C,), higher means more like class 1; or (S, C), one row per seed, whose AUCs are
            averaged.
        formulas: C formulas.
        n: number of draws.
        seed: of the draws.

    Returns:
        The interval.

    Raises:
        CrystalGraphError: all labels are the same.
    """
    pairs = wins(labels, scores)
    draws = _drawn(pairs, labels, _weights(formulas, n, seed))
    low, high = np.quantile(draws, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Interval(float(pairs.mean()), float(low), float(high), float(draws.std(ddof=1)))


def auc_difference(
    labels: ArrayLike,
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    formulas: Sequence[str],
    n: int = DRAWS,
    seed: int = 0,
) -> tuple[float, float]:
    """How much larger the AUC of A is than that of B on the same crystals, and how sure that is.

    The same formulas are drawn for both, so what makes a crystal hard for A and B alike cancels.

    Args:
        labels: (C,) 0 or 1, both occurring.
        scores_a, scores_b: (C,) each, or (S, C) with one row per seed.
        formulas: C formulas.
        n: number of draws.
        seed: of the draws.

    Returns:
        AUC of A minus AUC of B, and its standard error.
    """
    difference = wins(labels, scores_a) - wins(labels, scores_b)
    draws = _drawn(difference, labels, _weights(formulas, n, seed))
    return float(difference.mean()), float(draws.std(ddof=1))


def wins(labels: ArrayLike, scores: ArrayLike) -> np.ndarray:
    """Who has the higher score, class 1 (rows) or class 0 (columns): 1, 0, or 1/2 for a tie.

    Raises:
        CrystalGraphError: all labels are the same.
    """
    scores, is_one = np.atleast_2d(scores), np.asarray(labels) == 1
    if is_one.all() or not is_one.any():
        raise CrystalGraphError(
            f"All labels are {int(is_one.any())}, so there is no ROC-AUC; add crystals of the "
            "other class."
        )
    signs = np.sign(scores[:, is_one, None] - scores[:, None, ~is_one])
    return (1 + signs.mean(axis=0)) / 2


def _weights(formulas: Sequence[str], n: int, seed: int) -> np.ndarray:
    """How often each crystal is in each draw of as many formulas as there are, (n, C)."""
    unique, which = np.unique(np.asarray(formulas), return_inverse=True)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(unique), np.full(len(unique), 1 / len(unique)), size=n)
    return counts[:, which].astype(float)


def _drawn(pairs: np.ndarray, labels: ArrayLike, weights: np.ndarray) -> np.ndarray:
    """Mean over pairs in each draw; draws in which a class is missing are left out."""
    is_one = np.asarray(labels) == 1
    ones, others = weights[:, is_one], weights[:, ~is_one]
    n_pairs = ones.sum(axis=1) * others.sum(axis=1)
    sums = np.einsum("np,np->n", ones, others @ pairs.T)
    return sums[n_pairs > 0] / n_pairs[n_pairs > 0]
