"""Answers in another process are judged as they are in this one."""

import pytest
from forked import reports
from verdicts import every_third, known_answers, verdict

from crystalgraph.labs import LABS

STYLES = known_answers("right_answers", "RIGHT_ANSWERS")
MUTANTS = known_answers("mutants", "MUTANTS") + known_answers("mutants", "HELD_OUT")


def _id(value):
    if isinstance(value, str):
        return value
    return f"{value.task} {getattr(value, 'style', '') or value.cause}"


@pytest.mark.parametrize(("name", "right"), STYLES, ids=_id)
def test_a_right_answer_in_any_style_gets_all_points(name, right):
    drawn, _ = reports(LABS[name], right.task, right.answer)
    assert drawn.points == LABS[name].tasks[right.task].points, drawn.text()


@pytest.mark.parametrize(("name", "mutant"), every_third(MUTANTS, first=1), ids=_id)
def test_a_wrong_answer_loses_points_and_hears_why(name, mutant):
    drawn, visible = reports(LABS[name], mutant.task, mutant.make())
    assert not drawn.passed
    here = verdict(name, mutant)
    if not _is_only_seen_by_the_grader(LABS[name], mutant, visible):
        assert visible.text() == here.text()
        assert drawn.points <= here.points


def _is_only_seen_by_the_grader(lab, mutant, visible):
    """Where the grader's form of the check looks at what the notebook's cannot see from here."""
    return lab.checks[mutant.task].graded_form and visible.passed
