"""What a student's code sees while it is graded does not come back to the student."""

import json

import numpy as np
import pytest
from crystalgraph.grading.draw import draw_cases
from handed_in import files_of, hand_in_of
from made_up_results import Page

from crystalgraph.grading import marking
from crystalgraph.grading.reports.feedback import feedback_page
from crystalgraph.grading.result import Status
from crystalgraph.labs.hw.tasks import MODEL_FILE, TASKS
from crystalgraph.releasing.holes import stub_line

TELL = "repr([getattr(x, 'tolist', lambda: x)() for x in locals().values()])"
LEAKS = {
    "1.3": f"raise ValueError(globals().setdefault('KEPT', {TELL}))",
    "2.3": f"raise KeyError({TELL})",
    "2.4": f"raise MemoryError({TELL})",
    "3.1": f"raise SystemExit({TELL})",
    "3.3": f"raise NotImplementedError({TELL})",
    "4.1": f"raise BaseException({TELL})",
    "4.2": f"import os; print({TELL}); os.write(2, {TELL}.encode()); os._exit(1)",
    "4.5": "return scores",
}


def leaking():
    """The files of a hand-in in which these tasks tell what they are given, in every way."""
    files = files_of(set(TASKS) - set(LEAKS))
    for task, code in LEAKS.items():
        where = TASKS[task].where
        lines = [stub_line(TASKS[task]), code]
        if where != MODEL_FILE:
            lines = [json.dumps(line)[1:-1] for line in lines]
        old, new = (line.encode() for line in lines)
        assert files[where].count(old) == 1
        files[where] = files[where].replace(old, new)
    return files


def numbers_drawn(task, seed):
    """Inputs and right outputs of a student's own cases, those with many digits, as text."""
    found = set()
    for case in draw_cases(task, seed):
        for array in (*case.inputs.values(), *case.expected.values()):
            if np.issubdtype(array.dtype, np.floating):
                found |= {repr(float(one)) for one in array.ravel()}
    return {one for one in found if len(one) > 10}


@pytest.mark.slow
def test_feedback_never_shows_what_was_drawn():
    hand_in = hand_in_of(leaking())
    result, log = marking.grade_hand_in(hand_in, "hw")
    page = feedback_page(result)
    assert "raised ValueError: [" in Page(page).text  # so it does tell, of the notebook's examples
    got = {task.task: task for task in result.tasks}
    assert got["4.2"].message.startswith("negative_log_likelihood: Python itself ended")
    for task in LEAKS:
        assert got[task].points == 0, task
        assert got[task].status != Status.INTERNAL_ERROR, log
        drawn = numbers_drawn(task, marking.seed_of(hand_in, "hw"))
        assert drawn and not [one for one in drawn if one[:9] in page], task
    assert sum(task.points for task in result.tasks) == sum(
        task.points for name, task in TASKS.items() if name not in LEAKS
    )


def test_a_changed_hand_in_gets_other_inputs():
    files = files_of()
    changed = files | {MODEL_FILE: files[MODEL_FILE] + b"# once more\n"}
    hand_ins = hand_in_of(files), hand_in_of(changed), hand_in_of(files, "s002"), hand_in_of(files)
    first, second, others, again = (marking.seed_of(one, "hw") for one in hand_ins)
    assert len({first, second, others}) == 3
    assert again == first
    assert numbers_drawn("1.3", first) != numbers_drawn("1.3", second)
