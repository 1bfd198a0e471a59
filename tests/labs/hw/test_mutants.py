"""Known wrong answers of the homework; tests/test_every_lab.py has them all judged."""

import pytest
from answers import HW, solution

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


@pytest.mark.parametrize("task", ["2.6", "2.7"])
def test_own_tests_that_never_agree(task):
    report = HW.run_check(task, lambda predict, crystal: False, hidden=None)
    assert report.failure.cause == "one call"


def test_a_test_that_is_never_true():
    def never(predict, crystal):
        solution("2.6")(predict, crystal)
        return False

    assert HW.run_check("2.6", never, hidden=None).failure.cause == "never true"
