"""What a student's code sees while it is graded does not come back to the student."""

import numpy as np
import pytest
from hand_in_builder import HandInBuilder, files_of, hand_in_of
from made_up_results import Page
from marked_tasks import SECRET

from crystalgraph.grading.marking import grade_hand_in, seed_of
from crystalgraph.grading.reports.feedback import feedback_page
from crystalgraph.grading.result import Status
from crystalgraph.labs import LABS
from crystalgraph.releasing.cases import draw_cases

HW = LABS["hw"]
KEPT = "open('/tmp/kept', 'a').write({}); raise ValueError(open('/tmp/kept').read()[:300])"
TELL = "repr([getattr(x, 'tolist', lambda: x)() for x in locals().values()])"
LEAKS = {
    "1.3": f"raise ValueError(globals().setdefault('KEPT', {TELL}))",
    "2.3": f"raise KeyError({TELL})",
    "2.4": f"raise MemoryError({TELL})",
    "3.1": f"raise SystemExit({TELL})",
    "3.3": f"raise NotImplementedError({TELL})",
    "4.1": f"raise BaseException({TELL})",
    "4.2": f"import os; print({TELL}); os.write(2, {TELL}.encode()); os._exit(1)",
    "4.4": KEPT.format(TELL),
    "4.5": "return scores",
}


def leaking():
    """A hand-in in which these tasks tell what they are given, in every way."""
    work = HandInBuilder(set(HW.tasks) - set(LEAKS))
    for task, code in LEAKS.items():
        work.hole(task, code)
    return work.hand_in()


def numbers_drawn(task, seed):
    """Inputs and right outputs of a student's own cases, those with many digits, as text."""
    found = set()
    for case in draw_cases(HW, task, seed):
        for array in (*case.inputs.values(), *case.expected.values()):
            if np.issubdtype(array.dtype, np.floating):
                found |= {repr(float(one)) for one in array.ravel()}
    return {one for one in found if len(one) > 10}


@pytest.mark.slow
def test_feedback_never_shows_what_was_drawn():
    hand_in = leaking()
    result, log = grade_hand_in(hand_in, HW, SECRET)
    page = feedback_page(result, HW)
    assert "raised ValueError: [" in Page(page).text  # so it does tell, of the notebook's examples
    got = {task.task: task for task in result.tasks}
    assert got["4.2"].message.startswith("negative_log_likelihood: Python itself ended")
    for task in LEAKS:
        assert got[task].points == 0, task
        assert got[task].status != Status.INTERNAL_ERROR, log
        drawn = numbers_drawn(task, seed_of(hand_in, HW, SECRET))
        assert drawn and not [one for one in drawn if one[:9] in page], task
    assert sum(task.points for task in result.tasks) == sum(
        task.points for name, task in HW.tasks.items() if name not in LEAKS
    )


def test_a_changed_hand_in_gets_other_inputs():
    files = files_of()
    changed = files | {HW.model_file: files[HW.model_file] + b"# once more\n"}
    hand_ins = hand_in_of(files), hand_in_of(changed), hand_in_of(files, "s002"), hand_in_of(files)
    first, second, others, again = (seed_of(one, HW, SECRET) for one in hand_ins)
    elsewhere = seed_of(hand_ins[0], HW, "another course's secret")
    assert len({first, second, others, elsewhere}) == 4
    assert again == first
    drawn = [numbers_drawn("1.3", seed) for seed in (first, second, elsewhere)]
    assert drawn[0] != drawn[1] != drawn[2] != drawn[0]
