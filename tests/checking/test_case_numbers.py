"""Numbers of cases: by hand where that is asked for, else drawn."""

import numpy as np
import pytest

from crystalgraph.checking.case_numbers import CaseNumbers


@pytest.fixture
def by_hand():
    """Numbers of the cases that students have."""
    return CaseNumbers.of("purpose", "seed", by_hand=True)


@pytest.fixture
def drawn():
    """Numbers of one student's cases."""
    return CaseNumbers.of("purpose", "seed")


def test_values_by_hand_are_taken_as_they_are(by_hand):
    assert by_hand.number(0, 1, by_hand=7.0) == 7.0
    assert by_hand.whole(0, 3, by_hand=9) == 9
    assert by_hand.array(0, 1, by_hand=[[1], [2]]).tolist() == [[1.0], [2.0]]
    assert by_hand.pick("abc", by_hand=("x", "x")) == ["x", "x"]
    assert by_hand.distinct(0, 9, by_hand=(8, 8)) == [8, 8]
    assert by_hand.choose("mine", lambda: pytest.fail("something was drawn")) == "mine"


def test_an_array_by_hand_may_be_changed(by_hand):
    known = np.zeros(3)
    by_hand.array(0, 1, by_hand=known)[0] = 5
    assert known.tolist() == [0, 0, 0]


def test_drawn_values_are_of_the_same_kind_and_shape(drawn):
    assert 0 < drawn.number(0, 1, by_hand=7.0) < 1
    assert {drawn.whole(0, 3, by_hand=9) for _ in range(99)} == {0, 1, 2}
    found = drawn.array([[0], [10]], [[1], [11]], by_hand=[[7, 7], [7, 7]])
    assert found.shape == (2, 2) and (found[0] < 1).all() and (found[1] > 10).all()
    assert sorted(drawn.pick("abc", by_hand=("x", "x", "x"))) == ["a", "b", "c"]
    assert sorted(drawn.distinct(4, 6, by_hand=(0, 0))) == [4, 5]
    assert drawn.choose("mine", lambda: "drawn") == "drawn"


def test_the_same_texts_give_the_same_numbers(drawn):
    first = drawn.number(0, 1, by_hand=0.0)
    assert CaseNumbers.of("purpose", "seed").number(0, 1, by_hand=0.0) == first
    assert CaseNumbers.of("purpose", "another").number(0, 1, by_hand=0.0) != first
    assert CaseNumbers.of("another", "seed").number(0, 1, by_hand=0.0) != first


def test_the_first_try_that_fits_is_taken(drawn):
    tries = iter(range(10))
    assert drawn.until(lambda: next(tries), lambda one: one > 3) == 4
    with pytest.raises(RuntimeError, match="None of 10000 tries"):
        drawn.until(lambda: 1, lambda one: False)
