"""Models of molecules without a network: what a result has to be better than."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.distance import cdist

from crystalgraph.labs.equivariance.molecules import ELEMENTS, Molecules

STRENGTHS = (1e-3, 1e-1, 1.0, 10.0, 100.0, 1000.0)
"""Penalties that are tried; the validation molecules choose, for each target."""

_CENTERS = np.linspace(0.8, 6.0, 24)  # angstrom
_WIDTH = _CENTERS[1] - _CENTERS[0]


def bag_of_distances(kinds: Sequence[np.ndarray], positions: Sequence[np.ndarray]) -> np.ndarray:
    """All distances of a molecule, as smooth histograms, one for each pair of elements.

    Args:
        kinds: M arrays (N,), places in ELEMENTS.
        positions: M arrays (N, 3) in angstrom.

    Returns:
        (M, 365): 15 pairs of elements times 24 distances from 0.8 to 6 angstrom, and the number of
        atoms of each element.
    """
    n = len(ELEMENTS)
    pair = np.zeros((n, n), dtype=int)
    pair[np.triu_indices(n)] = np.arange(n * (n + 1) // 2)
    pair = np.maximum(pair, pair.T)
    rows = []
    for kind, x in zip(kinds, positions, strict=True):
        i, j = np.triu_indices(len(x), 1)
        distance = np.linalg.norm(x[i] - x[j], axis=1)
        histogram = np.zeros((pair.max() + 1, len(_CENTERS)))
        steps = np.exp(-0.5 * ((distance[:, None] - _CENTERS) / _WIDTH) ** 2)
        np.add.at(histogram, pair[kind[i], kind[j]], steps)
        rows.append(np.concatenate([histogram.ravel(), np.bincount(kind, minlength=n)]))
    return np.array(rows)


def ridge(features: np.ndarray, molecules: Molecules, n_train: int) -> np.ndarray:
    """Predictions of a linear model for all molecules, all targets; strengths by validation.

    Args:
        features: (M, K).
        molecules: with targets.
        n_train: training molecules that are used.

    Returns:
        (M, T) in the units of the targets.
    """
    train, val = molecules.parts["train"][:n_train], molecules.parts["val"]
    mean, spread = features[train].mean(axis=0), features[train].std(axis=0) + 1e-9
    scaled = (features - mean) / spread
    targets = molecules.targets
    level = targets[train].mean(axis=0)
    left, values, right = np.linalg.svd(scaled[train], full_matrices=False)
    inside = left.T @ (targets[train] - level)
    best = np.full(targets.shape[1], np.inf)
    chosen = np.zeros_like(targets)
    for strength in STRENGTHS:
        weights = right.T @ (values[:, None] / (values[:, None] ** 2 + strength) * inside)
        predicted = scaled @ weights + level
        errors = np.abs(predicted - targets)[val].mean(axis=0)
        better = errors < best
        chosen[:, better], best[better] = predicted[:, better], errors[better]
    return chosen


def kernel_ridge(train: np.ndarray, target: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Predictions of a kernel model exp(-|a - b|_1 / l), l the median distance of training rows.

    Args:
        train: (n, K) features.
        target: (n,) or (n, T).
        asked: (m, K) features.

    Returns:
        (m,) or (m, T).
    """
    mean, spread = train.mean(axis=0), train.std(axis=0).clip(0.05)
    known, new = (train - mean) / spread, (asked - mean) / spread
    apart = cdist(known, known, "cityblock")
    length, level = np.median(apart), target.mean(axis=0)
    kernel = np.exp(-apart / length) + 1e-3 * np.eye(len(known))
    weights = np.linalg.solve(kernel, target - level)
    return np.exp(-cdist(new, known, "cityblock") / length) @ weights + level
