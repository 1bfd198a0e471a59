"""What the checks say of an answer, asked once per process: all tests look at the same verdict."""

from functools import cache

import pytest

from crystalgraph.checking.cases import Case
from crystalgraph.checking.check import Check
from crystalgraph.checking.examine import examine
from crystalgraph.checking.quiet import double_precision, quiet_stderr
from crystalgraph.checking.report import CheckReport
from crystalgraph.labs import LABS
from crystalgraph.labs.known_answers import Mutant, RightAnswer
from crystalgraph.releasing.cases import draw_cases
from crystalgraph.releasing.right_answers import right_answers


def known_answers(module: str, of: str) -> list[tuple[str, Mutant | RightAnswer]]:
    """(name of the lab's folder, answer) of all labs, for the tasks that are handed out.

    Args:
        module: of the lab's instructor/.
        of: name of a list in it.
    """
    return [
        (name, answer)
        for name, lab in LABS.items()
        for answer in getattr(lab.instructor(module), of)
        if answer.task in lab.tasks
    ]


def every_third(answers: list[tuple[str, Mutant | RightAnswer]], first: int) -> list:
    """The same for parametrize: every third is tried at once, the others at night.

    test_every_lab tries all of them at once. Who repeats that in another way (drawn cases, a
    sandbox's process) need not repeat all.

    Args:
        answers: as known_answers gives them.
        first: that is tried, 0 to 2.
    """
    at_night = pytest.mark.nightly
    return [
        pytest.param(*one, marks=() if number % 3 == first else at_night)
        for number, one in enumerate(answers)
    ]


@cache
def verdict(lab: str, known: str | Mutant | RightAnswer, hidden: bool = False) -> CheckReport:
    """The report on an answer.

    Args:
        lab: name of its folder.
        known: a wrong answer, a right one in another style, or the task of the solution.
        hidden: with the instructor's cases.
    """
    task_id, answer = _answer(lab, known)
    folder = LABS[lab].hidden_folder if hidden else None
    return LABS[lab].run_check(task_id, answer, hidden=folder)


@cache
def drawn_verdict(lab: str, known: str | Mutant | RightAnswer, seed: str) -> CheckReport:
    """The report on an answer on the cases of one student."""
    task_id, answer = _answer(lab, known)
    return examine_on(lab, task_id, answer, drawn(lab, task_id, seed))


def examine_on(
    lab: str, task_id: str, answer: object, cases: list[Case], check: Check | None = None
) -> CheckReport:
    """The report on an answer on any cases, by the check of the task or another form of it."""
    with quiet_stderr(), double_precision():
        return examine(LABS[lab].task(task_id), check or LABS[lab].checks[task_id], [answer], cases)


@cache
def drawn(lab: str, task_id: str, seed: str) -> list[Case]:
    """The cases of one student."""
    return draw_cases(LABS[lab], task_id, seed)


def _answer(lab: str, known: str | Mutant | RightAnswer) -> tuple[str, object]:
    if isinstance(known, Mutant):
        return known.task, known.make()
    if isinstance(known, RightAnswer):
        return known.task, known.answer
    return known, right_answers(LABS[lab])[known]
