"""Wrong answers: every one is rejected, and its mistake named."""

import re

import pytest
from answers import solution
from mutants import HELD_OUT, MUTANTS

from crystalgraph.checks import TASKS, run_check
from crystalgraph.checks.mistakes import MISTAKES

OWN_MESSAGE = {  # found by other means than wrong numbers
    ("2.8", "not faster"),
    ("3.4", "tensor returned"),
    ("4.1", "gradient lost"),
    ("4.2", "gradient lost"),
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


def _id(mutant):
    return f"{mutant.task} {mutant.cause}"


@pytest.fixture(scope="module")
def table():
    """Rows (task, mistake, named as); printed at the end with pytest -s."""
    rows = []
    yield rows
    named = sum(cause == found for _, cause, found in rows)
    print(f"\n{len(rows)} mutants, all rejected, {named} with their cause named")
    kinds = {pair: kind for kind, pairs in KINDS.items() for pair in pairs}
    for task, cause, found in rows:
        verdict = "named" if cause == found else found or "-"
        print(f"  {task}  {cause:<36} {verdict:<8} {kinds.get((task, cause), '')}".rstrip())


@pytest.mark.parametrize("mutant", MUTANTS, ids=_id)
def test_a_mutant_is_rejected_and_its_mistake_named(mutant, table):
    report = run_check(mutant.task, mutant.make(), hidden=None)
    assert not report.passed, "accepted"
    assert report.points < report.max_points
    table.append((mutant.task, mutant.cause, report.failure.cause))
    assert report.failure.cause == mutant.cause, report.text()
    if (mutant.task, mutant.cause) not in OWN_MESSAGE:
        assert MISTAKES[mutant.task][mutant.cause] in report.failure.message


@pytest.mark.parametrize("mutant", HELD_OUT, ids=_id)
def test_the_same_mistake_in_other_words_is_named(mutant):
    """Their outputs are stored nowhere: what is recognized is the mistake, not the code."""
    report = run_check(mutant.task, mutant.make(), hidden=None)
    assert not report.passed
    assert report.failure.cause == mutant.cause, report.text()


@pytest.mark.parametrize("mutant", MUTANTS[::3], ids=_id)
def test_hidden_cases_do_not_save_a_mutant(mutant):
    from answers import make_cases

    assert not run_check(mutant.task, mutant.make(), hidden=make_cases.HIDDEN_FOLDER).passed


def test_every_task_has_mutants():
    assert {mutant.task for mutant in MUTANTS} == set(TASKS)
    for task in TASKS:
        assert sum(mutant.task == task for mutant in MUTANTS) >= 5


def test_every_kind_of_mistake_is_there():
    known = {(mutant.task, mutant.cause) for mutant in MUTANTS}
    for kind, wanted in KINDS.items():
        assert wanted <= known, (kind, wanted - known)


def test_every_message_belongs_to_a_mutant():
    known = {(mutant.task, mutant.cause) for mutant in MUTANTS}
    written = {(task, cause) for task, causes in MISTAKES.items() for cause in causes}
    assert written - known == set()
    assert known - written <= OWN_MESSAGE


@pytest.mark.parametrize("mutant", MUTANTS, ids=_id)
def test_a_message_names_one_cure_and_no_expected_arrays(mutant):
    message = run_check(mutant.task, mutant.make(), hidden=None).failure.message
    first, *seen = message.split("\n")
    if first.startswith("Likely mistake"):  # below it no guess at another
        assert not [line for line in seen if "?" in line or "squeeze" in line], seen
    assert not re.search(r"(tensor|array)\(|\[\s*-?\d+\.\d+", message), message
    assert len(message) < 900


@pytest.mark.parametrize("task", ["2.6", "2.7"])
def test_own_tests_that_never_agree(task):
    assert run_check(task, lambda predict, crystal: False, hidden=None).failure.cause == "one call"


def test_a_test_that_is_never_true():
    def never(predict, crystal):
        solution("2.6")(predict, crystal)
        return False

    assert run_check("2.6", never, hidden=None).failure.cause == "never true"
