"""Steps of a check, and the cases that they look at."""

import pytest

from crystalgraph.checking.check import Check, CheckStep, stored
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.task import Task

TASK = Task("1.1", "count", "1_x.ipynb", "1_x.ipynb", 1, 5, "Count.")


def test_a_misspelled_case_is_no_step_that_everybody_passes():
    steps: tuple[CheckStep, ...] = (stored("by hand", 1, "papre"),)
    check = Check("1.1", lambda answer, case: {}, steps, "a number.", {"paper": "three"})
    exam = Exam(TASK, check, len, [])
    assert exam.named("paper") == []
    with pytest.raises(LookupError, match="describes no case {'papre'}"):
        steps[0].test(exam)
