"""Encoders: one property as numbers and back to words."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalgraph.crystals.encoders import Binned, OneHot, Scaled
from crystalgraph.errors import CrystalGraphError

finite = st.floats(-1e6, 1e6)


@st.composite
def binned(draw):
    low = draw(st.floats(-10, 10))
    return Binned(low, low + draw(st.floats(0.1, 10)), draw(st.integers(1, 30)))


@given(binned(), finite)
def test_a_binned_value_sets_one_bit_whose_bin_holds_it(encoder, value):
    bits = encoder.encode(value)
    assert bits.shape == (encoder.n,) and sorted(bits)[-1] == bits.sum() == 1
    k = int(bits.argmax())
    edges = encoder.edges()
    slack = 1e-9 * (1 + abs(value))
    assert edges[k] - slack <= value or k == 0
    assert value <= edges[k + 1] + slack or k == encoder.n - 1


@given(st.integers(-20, 20), st.sampled_from([1, 2, 4, 8, 16, 32]), st.data())
def test_a_bin_edge_belongs_to_the_bin_above(low, n, data):
    encoder = Binned(low, low + n, n)  # bins of width 1, n a power of two: no rounding
    k = data.draw(st.integers(0, n))
    assert encoder.encode(low + k).argmax() == min(k, n - 1)
    assert encoder.encode(low + k - 1e-9).argmax() == max(k - 1, 0)


@given(st.floats(1e-3, 1e3), st.floats(-3, 0), st.floats(0.5, 3), st.integers(1, 20))
def test_log_bins_are_bins_of_the_logarithm(value, low, span, n):
    logarithmic = Binned(low, low + span, n, log=True)
    assert (logarithmic.encode(value) == Binned(low, low + span, n).encode(math.log(value))).all()
    np.testing.assert_allclose(
        np.log(logarithmic.edges()), Binned(low, low + span, n).edges(), atol=1e-12
    )


def test_values_outside_the_range_go_to_the_end_bins():
    encoder = Binned(0.0, 1.0, 4)
    assert encoder.encode(-7.0).argmax() == 0
    assert encoder.encode(1.0).argmax() == encoder.encode(99.0).argmax() == 3


@given(st.lists(st.integers(), min_size=1, unique=True), st.data())
def test_one_hot_marks_the_category(categories, data):
    encoder = OneHot(categories)
    value = data.draw(st.sampled_from(categories))
    bits = encoder.encode(value)
    assert bits.sum() == 1 and encoder.categories[int(bits.argmax())] == value
    assert encoder.describe(bits) == str(value)


@given(st.lists(st.floats(0.1, 1e3), min_size=2, unique=True), st.booleans())
def test_scaled_has_mean_zero_and_deviation_one(values, log):
    encoder = Scaled(log=log).fitted([*values, None])
    scores = np.array([encoder.encode(value)[0] for value in values])
    if encoder.deviation > 1e-6:  # nearly equal values leave rounding noise only
        assert abs(scores.mean()) < 1e-5 and abs(scores.std() - 1) < 1e-5
    assert encoder.encode(None) == 0


def test_a_fitted_scaler_is_not_fitted_again():
    encoder = Scaled(mean=1.0, deviation=2.0)
    assert encoder.fitted([5, 6, 7]) is encoder
    assert encoder.encode(5.0) == 2.0


@pytest.mark.parametrize("encoder", [OneHot(range(5)), Binned(0, 1, 7), Binned(0, 1, 7, log=True)])
def test_a_missing_value_leaves_the_block_zero(encoder):
    assert not encoder.encode(None).any()
    assert encoder.describe(encoder.encode(None)) == "unknown"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Binned(1, 1, 3),
        lambda: Binned(0, 1, 0),
        lambda: Binned(0, 1, 3, log=True).encode(0.0),
        lambda: OneHot((1, 2)).encode(3),
        lambda: Scaled().fitted([4.0, 4.0]),
        lambda: Scaled(order=("s",)).fitted(["s", "p"]),
    ],
)
def test_encoders_refuse_in_one_sentence(make):
    with pytest.raises(CrystalGraphError) as error:
        make()
    assert ": " in str(error.value) and "\n" not in str(error.value)
