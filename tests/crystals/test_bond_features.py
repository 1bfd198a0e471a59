"""The Gaussian expansion of distances."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalgraph.crystals.bond_features import GAUSSIAN_CENTERS, gaussian_expansion
from crystalgraph.errors import CrystalGraphError


def test_gaussian_centers_are_the_published_41():
    assert GAUSSIAN_CENTERS.shape == (41,)
    np.testing.assert_allclose(GAUSSIAN_CENTERS, np.linspace(0, 8, 41), rtol=0, atol=1e-12)


def test_gaussian_by_hand():
    expanded = gaussian_expansion([2.0, 2.2], centers=[2.0, 2.4], width=0.2)
    np.testing.assert_allclose(
        expanded, [[1, math.exp(-4)], [math.exp(-1), math.exp(-1)]], rtol=1e-12
    )


@given(st.lists(st.floats(0, 8), min_size=1, max_size=5))
def test_gaussian_expansion_peaks_at_the_nearest_center(distances):
    expanded = gaussian_expansion(np.array(distances, dtype=np.float32))
    assert expanded.shape == (len(distances), 41) and expanded.dtype == np.float64
    assert (expanded >= 0).all() and (expanded <= 1).all()
    gaps = np.abs(np.float32(distances)[:, None] - GAUSSIAN_CENTERS)
    peak = gaps[np.arange(len(distances)), expanded.argmax(axis=1)]
    np.testing.assert_allclose(peak, gaps.min(axis=1), atol=1e-6)


def test_gaussian_expansion_of_nothing_and_of_a_bad_width():
    assert gaussian_expansion(np.zeros(0)).shape == (0, 41)
    with pytest.raises(CrystalGraphError, match="width 0"):
        gaussian_expansion([1.0], width=0)
