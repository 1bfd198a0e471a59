"""Right answers in other styles pass, hidden cases included."""

import pytest
from answers import make_cases
from right_answers import RIGHT_ANSWERS

from crystalgraph.checks import TASKS, run_check


@pytest.mark.parametrize("right", RIGHT_ANSWERS, ids=lambda right: f"{right.task} {right.style}")
def test_other_styles_pass(right):
    report = run_check(right.task, right.answer, hidden=make_cases.HIDDEN_FOLDER)
    assert report.passed, report.text()


def test_every_task_is_answered_in_another_style():
    assert {right.task for right in RIGHT_ANSWERS} == set(TASKS)
    assert len(RIGHT_ANSWERS) >= 12
