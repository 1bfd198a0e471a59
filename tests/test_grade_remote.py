"""Answers in another process are judged as they are in this one."""

import pytest
from forked import reports
from mutants import HELD_OUT, MUTANTS
from right_answers import RIGHT_ANSWERS

from crystalgraph.checks import TASKS, run_check

SEEN_OTHERWISE = {("2.8", "not faster")}  # by time, from outside


def _name(answer):
    return f"{answer.task} {getattr(answer, 'style', '') or answer.cause}"


@pytest.mark.parametrize("right", RIGHT_ANSWERS, ids=_name)
def test_a_right_answer_in_any_style_gets_all_points(right):
    drawn, _ = reports(right.task, right.answer)
    assert drawn.points == TASKS[right.task].points, drawn.text()


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [*MUTANTS, *HELD_OUT], ids=_name)
def test_a_wrong_answer_loses_points_and_hears_why(mutant):
    drawn, visible = reports(mutant.task, mutant.make())
    assert not drawn.passed
    if (mutant.task, mutant.cause) not in SEEN_OTHERWISE:
        here = run_check(mutant.task, mutant.make(), hidden=None)
        assert visible.text() == here.text()
        assert drawn.points <= here.points
