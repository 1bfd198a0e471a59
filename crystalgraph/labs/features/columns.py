"""What the three encoders of the lab make of the values of one property, as numpy arrays."""

from __future__ import annotations

import numpy as np

from crystalgraph.errors import CrystalGraphError


def onehot(values: np.ndarray) -> np.ndarray:
    """One column for each different value.

    Args:
        values: (Z,), NaN where there is none.

    Returns:
        (Z, number of different values), 1 in the column of the value; NaN gives zeros.
    """
    known = np.unique(values[~np.isnan(values)])
    return (values[:, None] == known).astype(float)


def binned(values: np.ndarray, n: int) -> np.ndarray:
    """One column for each of n equal intervals from the smallest to the largest value.

    Args:
        values: (Z,), NaN where there is none.
        n: intervals.

    Returns:
        (Z, n), 1 in the column of the interval; NaN gives zeros.

    Raises:
        CrystalGraphError: there is no bin.
    """
    if n < 1:
        raise CrystalGraphError(f"{n} bins hold no value: give 1 or more, such as binned(10).")
    known = ~np.isnan(values)
    bits = np.zeros((len(values), n))
    if not known.any():
        return bits
    low, high = values[known].min(), values[known].max()
    place = np.floor((values[known] - low) / ((high - low) or 1.0) * n).astype(int)
    bits[np.flatnonzero(known), place.clip(0, n - 1)] = 1.0
    return bits


def scaled(values: np.ndarray) -> np.ndarray:
    """One column: how many standard deviations a value lies above the mean.

    Args:
        values: (Z,), NaN where there is none.

    Returns:
        (Z, 1); NaN gives 0, the mean.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return np.zeros((len(values), 1))
    return np.nan_to_num((values - known.mean()) / (known.std() or 1.0))[:, None]
