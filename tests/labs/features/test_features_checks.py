"""The checks accept what is right in any form, and say what is wrong with what is malformed."""

import numpy as np
import pytest
import torch

from crystalgraph.labs import LABS
from crystalgraph.labs.features import bases, columns
from crystalgraph.labs.features.checks.own_test import HIGH, LOW, PLANTED, Recorder
from crystalgraph.releasing.right_answers import right_answers

LAB = LABS["features"]


def report(task, answer):
    return LAB.run_check(task, answer, hidden=LAB.hidden_folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("task", "made"),
    [
        ("1.1", lambda value: lambda values, low, high, n: np.full((len(values), n), value)),
        ("1.2", lambda value: lambda bits, low, high, n: np.full((len(bits), 2), value)),
        ("1.4", lambda value: lambda error_of, n: (np.full(n, value), np.full(n, value))),
        ("1.5", lambda value: lambda d, kind, cutoff, n: torch.full((len(d), n), value)),
    ],
)
def test_what_is_not_finite_scores_nothing(task, made, value):
    assert report(task, made(value)).points == 0


MALFORMED = {
    "no list of names": ("1.3", lambda text, properties: np.zeros((4, 3))),
    "names are numbers": ("1.3", lambda text, properties: (np.zeros((4, 3)), [1, 2, 3])),
    "one array": ("1.4", lambda error_of, n: np.zeros(n)),
    "mask too long": ("1.4", lambda error_of, n: error_of(np.ones(n + 1))),
    "mask of numbers": ("1.4", lambda error_of, n: error_of(np.arange(n))),
    "called without end": ("1.4", lambda error_of, n: [error_of(np.ones(n)) for _ in range(999)]),
    "three ends": ("1.2", lambda bits, low, high, n: np.zeros((len(bits), 3))),
    "numpy": ("1.5", lambda d, kind, cutoff, n: np.zeros((len(d), n))),
    "a number": ("1.6", lambda basis, low, high: 1),
    "a grid without end": ("1.6", lambda basis, low, high: basis(torch.ones(10**6))),
    "a table of distances": ("1.6", lambda basis, low, high: basis(torch.ones(5, 1))),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_answer_is_a_sentence(name):
    task, answer = MALFORMED[name]
    found = report(task, answer)
    assert found.points == 0 and found.failure.cause != "exception", found.text()
    assert len(found.failure.message) < 400


def in_place(task, spoil):
    """The solution of a task, which then changes the array that it was given."""

    def answer(given, *others):
        result = right_answers(LAB)[task](given, *others)
        spoil(given, *others)
        return result

    return answer


@pytest.mark.parametrize(
    ("task", "spoil", "name"),
    [
        ("1.1", lambda values, *_: values.fill(0), "`given`"),
        ("1.2", lambda bits, *_: bits.fill(1), "`given`"),
        ("1.3", lambda _, properties: properties["group"].sort(), "argument 2"),
        ("1.3", lambda _, properties: properties.pop("group"), "argument 2"),
    ],
    ids=["values", "bits", "a property", "a property taken away"],
)
def test_what_is_changed_in_place_is_named(task, spoil, name):
    failure = report(task, in_place(task, spoil)).failure
    assert failure and f"changes {name} in place" in failure.message


def test_a_large_number_is_no_open_end():
    def finite(*arguments):
        return np.clip(right_answers(LAB)["1.2"](*arguments), -1e9, 1e9)

    assert report("1.2", finite).failure.cause == "large number"


def test_the_ends_of_a_row_of_zeros_are_shown():
    def everything(bits, *cut):
        ends = right_answers(LAB)["1.2"](bits, *cut)
        return np.where(np.isnan(ends), [-np.inf, np.inf], ends)

    message = report("1.2", everything).failure.message
    assert "Row 4 is all zeros, and your ends of it are -inf and inf." in message


def test_a_column_that_is_called_otherwise_is_shown():
    def numbered(text, properties):
        table, names = right_answers(LAB)["1.3"](text, properties)
        return table, [f"{name} {place}" for place, name in enumerate(names)]

    message = report("1.3", numbered).failure.message
    assert 'Column 0 is called "group 0", and no property is.' in message


@pytest.mark.parametrize("about", [one.about for one in PLANTED if one.against])
def test_a_planted_basis_that_alone_is_misjudged_says_what_it_was_planted_for(about):
    (planted,) = [one for one in PLANTED if one.about == about]

    def answer(basis, low, high):
        right = right_answers(LAB)["1.6"](basis, low, high)
        return right != (basis.planted is planted)

    failure = report("1.6", answer).failure
    assert failure.cause == planted.against
    assert LAB.checks["1.6"].advice_on(planted.against) in failure.message


def test_a_gradient_that_does_not_arrive_costs_half_a_point():
    def detached(distance, kind, cutoff, n):
        return bases.KINDS[kind](distance.detach(), cutoff, n)

    found = report("1.5", detached)
    assert found.points == 3.5 and found.failure.cause == "gradient lost"


@pytest.mark.parametrize("error", [ValueError, KeyError, LookupError])
def test_any_class_of_error_that_says_it_all_is_right(error):
    solution = right_answers(LAB)["1.3"]

    def table(text, properties):
        try:
            return solution(text, properties)
        except ValueError as said:
            raise error(str(said)) from said

    assert report("1.3", table).passed


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: one.about)
@pytest.mark.parametrize("corner", [0.0, 0.5, 0.999])
def test_the_solution_is_right_about_every_planted_basis_with_any_numbers(planted, corner):
    is_smooth = right_answers(LAB)["1.6"]
    assert is_smooth(Recorder(planted, np.full(4, corner)), LOW, HIGH) == planted.smooth


def test_the_given_encoders_are_those_of_the_solution():
    values = np.array([3.0, np.nan, 1.0, 1.0, 2.0, 5.0])
    assert np.array_equal(columns.binned(values, 4), right_answers(LAB)["1.1"](values, 1, 5, 4))
    assert (
        columns.onehot(values).tolist()[0] == [0, 0, 1, 0] and not columns.onehot(values)[1].any()
    )
    scaled = columns.scaled(values)[:, 0]
    assert scaled[1] == 0 and np.isclose(scaled.mean(), 0) and np.isclose(scaled.std() ** 2, 5 / 6)


def test_the_bases_of_the_library_are_those_of_the_solution():
    distance = torch.linspace(0.5, 9, 50, dtype=torch.float64)
    for kind, basis in bases.KINDS.items():
        expected = right_answers(LAB)["1.5"](distance, kind, 8.0, 40)
        assert torch.allclose(basis(distance), expected, rtol=0, atol=1e-12), kind
