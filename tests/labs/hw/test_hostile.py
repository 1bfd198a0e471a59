"""Submissions that cheat, harm, are damaged or unusual: no cheat gains, no honest student loses.

Each is marked here for the tasks that it is about and a right one behind them; the sandbox in which
it ran is used for the next one, unless it came to harm. A whole honest hand-in follows on every
tenth. In the nightly run all tasks of each are graded, with the limits of a term, and a whole
honest hand-in after each.
"""

from dataclasses import replace

import psutil
import pytest
from course_copy import points_of
from hand_in_builder import HandInBuilder
from hostile import ALL, HW, SUBMISSIONS, correct, untouched
from marked_tasks import SECRET, TaskMarker, part_of

from crystalgraph.checking.limits import Limits
from crystalgraph.grading.marking import grade_hand_in
from crystalgraph.paths import REPO

MEMORY = 300 * 2**20
"""Bytes by which the grader's own process may grow over the whole suite."""
SHORT = Limits(seconds_per_call=2.0, seconds_per_task=6.0)
"""For code that never comes to an end; what is right takes a tenth of it."""
HONEST = "4.6"
"""The last task, which no submission is about: it is right in all of them."""


def grade(hand_in, lab=HW):
    return grade_hand_in(hand_in, lab, SECRET)


@pytest.fixture(scope="module")
def markers():
    """Limits -> what marks tasks with them."""
    made = {limits: TaskMarker(replace(HW, own_limits=limits)) for limits in (None, SHORT)}
    yield made
    for marker in made.values():
        marker.close()


def limits_for(submission):
    """Short ones for what does not come to an end."""
    stopped = any("TIMEOUT" in status for status in submission.tasks.values())
    return SHORT if stopped else None


def with_honest_task(submission):
    """The hand-in, the tasks to mark, and the statuses and points that they get.

    The tasks that a submission is not about are all right, or none of them is.
    """
    hand_in = submission.make()
    chosen = {HONEST, *submission.tasks} if submission.tasks else set(HW.tasks)
    others = set(HW.tasks) - set(submission.tasks)
    statuses, points = submission.status.split(" or "), submission.points
    if points >= points_of(others):
        return hand_in, chosen, statuses, points - points_of(set(HW.tasks) - chosen)
    if HONEST in submission.tasks or not submission.tasks:
        return hand_in, chosen, statuses, points
    work = HandInBuilder(solved=())
    work.files = hand_in.files
    work.cell(HONEST, HandInBuilder(solved=[HONEST]).source_of(HONEST))
    statuses = ["PARTIAL" if status == "WRONG" else status for status in statuses]
    return work.hand_in(), chosen, statuses, points + points_of([HONEST])


def check(submission, result, statuses, points, log):
    """What came out is what is said of the submission."""
    assert result.status in statuses, log
    assert result.points == points, log
    tasks = {task.task: task.status for task in result.tasks}
    for task, status in submission.tasks.items():
        assert tasks[task] in status.split(" or "), log


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(SUBMISSIONS)), ids=lambda n: SUBMISSIONS[n].name)
def test_it_gets_what_it_deserves_and_the_next_one_too(number, markers):
    submission = SUBMISSIONS[number]
    hand_in, tasks, statuses, points = with_honest_task(submission)
    result, log = markers[limits_for(submission)].mark(hand_in, tasks)
    check(submission, result, statuses, points, log)
    if number % 10 == 9:
        honest, log = grade(correct().hand_in("s002"))
        assert (honest.status, honest.points) == ("OK", ALL), log


@pytest.mark.nightly
@pytest.mark.parametrize("submission", SUBMISSIONS, ids=lambda one: one.name)
def test_the_whole_of_it_gets_what_it_deserves_and_the_next_one_too(submission):
    result, log = grade(submission.make())
    check(submission, result, submission.status.split(" or "), submission.points, log)
    following, log = grade(correct().hand_in("s002"))
    assert (following.status, following.points) == ("OK", ALL), log


WORKER = "crystalgraph.sandbox.worker"


def is_worker(process):
    """Whether a process is one from which sandboxes are forked, or a sandbox."""
    try:
        return "python" in process.name() and WORKER in process.cmdline()
    except psutil.NoSuchProcess:  # it has ended in the meantime
        return False


@pytest.mark.slow
def test_the_grader_grows_little_and_leaves_nothing_behind(markers):
    """Four that take memory or start processes, three times each."""
    for marker in markers.values():
        marker.close()
    names = ("fork bomb", "memory of many", "huge crystals", "left behind")
    chosen = [one for one in SUBMISSIONS if one.name in names]
    assert len(chosen) == len(names)
    labs = [replace(part_of(HW, one.tasks), own_limits=SHORT) for one in chosen]
    grade(correct().hand_in(), labs[0])
    before = psutil.Process().memory_info().rss
    for _ in range(3):
        for one, lab in zip(chosen, labs, strict=True):
            grade(one.make(), lab)
    assert psutil.Process().memory_info().rss - before < MEMORY
    ours = psutil.Process().children(recursive=True)
    waiting = [process for process in ours if is_worker(process)]
    limits = {SHORT, HW.limits}  # for each there is one process from which sandboxes are forked
    assert len(waiting) <= len(limits), waiting


def test_hand_ins_that_they_are_made_from():
    """The two ends of the scale are what they claim to be."""
    assert sum(task.points for task in HW.tasks.values()) == ALL
    assert grade(correct().hand_in())[0].points == ALL
    nothing, _ = grade(untouched().hand_in())
    assert (nothing.status, nothing.points) == ("NOT_IMPLEMENTED", 0)


def test_there_are_enough_and_each_has_a_name():
    assert len(SUBMISSIONS) >= 45
    assert len({one.name for one in SUBMISSIONS}) == len(SUBMISSIONS)


def test_no_message_shows_what_was_drawn():
    """An answer that is stopped, or raises, hears of the notebook's examples alone."""
    body = "    raise ValueError(repr((distance, width)))"
    work = correct().cell("1.3", f"def gaussian_expansion(distance, centers, width):\n{body}\n")
    lab = part_of(HW, ["1.3"])
    assert "array([1., 2., 3.]), 0.5" in grade(work.hand_in(), lab)[0].tasks[0].message
    for name in ("numpy patched", "exit"):
        one = next(one for one in SUBMISSIONS if one.name == name)
        message = grade(one.make(), lab)[0].tasks[0].message
        assert message and "width=" not in message


def test_the_page_is_what_its_tool_writes():
    import grading_security

    page = (REPO / "docs" / "grading_security.md").read_text(encoding="utf-8")
    assert page == grading_security.page(), "run python tools/grading_security.py"
