"""Known wrong answers of the homework; tests/test_every_lab.py has them all judged."""

import numpy as np
import pytest
from answers import HW, solution

from crystalgraph.checking.cases import ON_PAPER
from crystalgraph.checking.compare import RTOL_ON_PAPER
from crystalgraph.labs.hw.advice import MISTAKES
from crystalgraph.labs.hw.instructor.mutants import MUTANTS
from crystalgraph.labs.hw.instructor.right_answers import RIGHT_ANSWERS

OWN_MESSAGE = {  # found by other means than wrong numbers
    *((task, "gradient lost") for task in ("2.1", "2.8", "4.1", "4.2")),
    *((task, "gradient not finite") for task in ("2.1", "2.3", "2.8", "4.1")),
    ("2.8", "not faster"),
    ("3.4", "tensor returned"),
    ("4.4", "division by zero"),
}


KINDS = {  # at least these; "test used for early stopping" has no hole: see test_training.py
    "calculus": {("2.1", "sigmoid missing"), ("3.4", "squared error"), ("1.3", "not squared")},
    "indexing": {("1.2", "one too many"), ("1.4", "no offset"), ("2.1", "summed at neighbor")},
    "shapes": {("1.1", "transposed"), ("2.5", "readout without squeeze"), ("3.2", "not flattened")},
    "physics": {("1.2", "cut at k"), ("3.1", "references added"), ("4.6", "images lost")},
    "batching": {("2.3", "whole batch"), ("3.4", "batch not unpacked"), ("3.5", "last batch only")},
    "train/eval": {("2.1", "normalized by hand"), ("3.4", "eval mode"), ("3.5", "train mode")},
    "gradients": {("3.4", "gradient not cleared"), ("3.5", "gradient recorded")},
    "losses on (N,) against (N, 1)": {
        ("3.4", "(C,) against (C, 1)"),
        ("3.5", "(C,) against (C, 1)"),
        ("4.2", "all with all"),
    },
    "softmax before NLL": {("4.2", "logarithm twice"), ("4.2", "probabilities")},
    "scaler fitted on all": {("3.3", "fitted on all"), ("3.3", "std of all")},
    "a student's own test": {("2.6", "too tolerant"), ("2.7", "one direction")},
}

SEEN_BY_HAND = {  # in the example that can be worked out on paper
    "2.1": {"residual outside the softplus", "as printed", "summed at neighbor", "edges reversed"},
    "2.2": {"summed at neighbor", "index_add at neighbor", "center for neighbor"},
    "2.3": {"one atom kept", "sum lost", "counts not a column"},
    "3.1": {"only the references divided"},
    "4.2": {"wrong class", "class 1 only", "larger one"},
}

KNOWN = {(mutant.task, mutant.cause) for mutant in MUTANTS}


def test_every_task_has_several_mutants():
    for task in HW.tasks:
        assert sum(mutant.task == task for mutant in MUTANTS) >= 5
    assert len(RIGHT_ANSWERS) >= 12


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_mistake_is_there(kind):
    assert KINDS[kind] - KNOWN == set()


def test_a_mutant_without_advice_is_found_by_other_means():
    written = {(task, cause) for task, causes in MISTAKES.items() for cause in causes}
    assert KNOWN - written <= OWN_MESSAGE


def _differences_on_paper(task):
    """Mistake -> largest relative difference from the right answer, in the example by hand."""
    (case,) = (case for case in HW.cases(task) if case.name == ON_PAPER)
    found = {}
    for mistake, wrong in case.wrong.items():
        pairs = [(wrong[name], right) for name, right in case.expected.items()]
        if all(value.shape == right.shape for value, right in pairs):
            found[mistake] = max(_difference(value, right) for value, right in pairs)
    return found


def _difference(value, right):
    value, right = value.astype(float), right.astype(float)
    return float(np.max(np.abs(value - right) / np.maximum(np.abs(right), 1e-9), initial=0))


@pytest.mark.parametrize("task", SEEN_BY_HAND)
def test_the_example_by_hand_shows_a_mistake_and_it_does_not_look_like_rounding(task):
    found = _differences_on_paper(task)
    assert {mistake for mistake, much in found.items() if much > 0.03} >= SEEN_BY_HAND[task]
    assert [mistake for mistake, much in found.items() if RTOL_ON_PAPER < much < 0.03] == []


def test_a_forgotten_tolerance_is_named_although_rounding_decides_what_is_kept():
    def find_neighbors(structure, k=12, radius=8.0, tolerance=0.01):
        center, neighbor, _, distance = structure.get_neighbor_list(radius)
        limit = np.array([np.sort(distance[center == i])[:k][-1] for i in range(len(structure))])
        keep = distance <= limit[center]
        return center[keep], neighbor[keep], distance[keep]

    found = HW.run_check("1.2", find_neighbors, hidden=None).failure
    assert found.cause in ("tolerance ignored", "cut at k")  # the same, where k are kept by chance
    assert HW.checks["1.2"].advice[found.cause] in found.message


def test_a_shell_is_not_called_incomplete_when_something_else_is_wrong():
    def find_neighbors(*arguments, **options):
        center, neighbor, distance = solution("1.2")(*arguments, **options)
        return center, np.zeros_like(neighbor), distance

    assert HW.run_check("1.2", find_neighbors, hidden=None).failure.cause == ""


@pytest.mark.parametrize("task", ["2.6", "2.7"])
def test_own_tests_that_never_agree(task):
    report = HW.run_check(task, lambda predict, crystal: False, hidden=None)
    assert report.failure.cause == "one call"


def test_a_test_that_is_never_true():
    def never(predict, crystal):
        solution("2.6")(predict, crystal)
        return False

    assert HW.run_check("2.6", never, hidden=None).failure.cause == "never true"
