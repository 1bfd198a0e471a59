"""Gaussian processes, and a search that lets them choose the next crystal to compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import norm
from tqdm.auto import tqdm

LENGTHS = (0.3, 0.6, 1.0, 2.0, 4.0)
"""Tried length scales, in units of the typical distance of two crystals."""
NOISE = 1e-2
"""Of the variance of the targets."""
FIRST, TRIALS = 10, 100
SEEDS = 20


@dataclass(frozen=True)
class GaussianProcess:
    """A prediction with an error bar, from the distances of crystals to those that are known.

    Attributes:
        mean, deviation: (C,) of all crystals, in the target's unit.
        likelihood: logarithm, of the known targets.
    """

    mean: np.ndarray
    deviation: np.ndarray
    likelihood: float


def squared_distances(inputs: np.ndarray) -> np.ndarray:
    """(C, C), columns scaled to spread 1, divided by the mean of all."""
    spread = inputs.std(axis=0)
    scaled = (inputs - inputs.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    square = (scaled**2).sum(axis=1)
    table = np.maximum(square[:, None] + square - 2 * scaled @ scaled.T, 0)
    return table / table.mean()


def gaussian_process(
    distances: np.ndarray, known: np.ndarray, targets: np.ndarray
) -> GaussianProcess:
    """Fit to known crystals, with the length scale of the highest likelihood.

    Args:
        distances: (C, C) squared, of all crystals.
        known: (M,) rows whose targets are known.
        targets: (M,) of them.
    """
    fits = [_with_length(length, distances, known, targets) for length in LENGTHS]
    return max(fits, key=lambda one: one.likelihood)


def _with_length(
    length: float, distances: np.ndarray, known: np.ndarray, targets: np.ndarray
) -> GaussianProcess:
    center, scale = targets.mean(), max(targets.std(), 1e-9)
    kernel = np.exp(-distances[:, known] / (2 * length**2))
    factor = cho_factor(kernel[known] + NOISE * np.eye(len(known)), lower=True)
    rest = (targets - center) / scale
    weights = cho_solve(factor, rest)
    variance = 1 - np.einsum("cm,mc->c", kernel, cho_solve(factor, kernel.T))
    likelihood = -0.5 * rest @ weights - np.log(np.diag(factor[0])).sum()
    deviation = scale * np.sqrt(np.maximum(variance, 1e-12))
    return GaussianProcess(center + scale * kernel @ weights, deviation, float(likelihood))


def expected_improvement(process: GaussianProcess, best: float) -> np.ndarray:
    """How much below the best target each crystal is expected to be (0 where it is above)."""
    z = (best - process.mean) / process.deviation
    return process.deviation * (z * norm.cdf(z) + norm.pdf(z))


def bayesian_search(
    distances: np.ndarray, targets: np.ndarray, seed: int, trials: int = TRIALS
) -> list[float]:
    """Look for the lowest target; the next crystal is that of the largest expected improvement.

    Args:
        distances: (C, C) squared, of all crystals.
        targets: (C,), of which the search sees those that it has chosen.
        seed: draws the first ten.
        trials: crystals that are looked at in all.

    Returns:
        The lowest target found after each trial.
    """
    known = np.random.default_rng(seed).permutation(len(targets))[:FIRST].tolist()
    while len(known) < trials:
        process = gaussian_process(distances, np.array(known), targets[known])
        gain = expected_improvement(process, targets[known].min())
        gain[known] = -1
        known.append(int(gain.argmax()))
    return np.minimum.accumulate(targets[known]).tolist()


def compare(inputs: Mapping[str, np.ndarray], targets: np.ndarray) -> dict[str, Any]:
    """Error of a Gaussian process, and searches, for each kind of inputs and by chance.

    Args:
        inputs: name -> (C, D).
        targets: (C,) in eV/atom.

    Returns:
        "error": name -> mean absolute errors with 100 known crystals, one for each of 20 draws.
        "curves": name -> [seed][trial], lowest target so far above the lowest of all, in eV/atom.
    """
    errors, curves = {}, {}
    for name, columns in inputs.items():
        distances = squared_distances(columns)
        seeds = tqdm(range(SEEDS), f"searches, {name}", disable=None, leave=False)
        errors[name] = [_error(distances, targets, seed) for seed in range(SEEDS)]
        curves[name] = [bayesian_search(distances, targets, seed) for seed in seeds]
    orders = [np.random.default_rng(seed).permutation(len(targets)) for seed in range(SEEDS)]
    chance = [np.minimum.accumulate(targets[order[:TRIALS]]).tolist() for order in orders]
    curves["chance"] = chance
    lowest = targets.min()
    above = {name: (np.array(rows) - lowest).round(4).tolist() for name, rows in curves.items()}
    return {"error": errors, "curves": above}


def _error(distances: np.ndarray, targets: np.ndarray, seed: int, n_known: int = 100) -> float:
    order = np.random.default_rng(seed).permutation(len(targets))
    known, others = order[:n_known], order[n_known:]
    process = gaussian_process(distances, known, targets[known])
    return float(np.abs(process.mean - targets)[others].mean())
