"""Submissions that cheat, harm, are damaged or unusual: no cheat gains, no honest student loses."""

import psutil
import pytest
from answers import REPO
from hostile import ALL, SUBMISSIONS, correct
from hostile.submission import untouched

from crystalgraph.checks.tasks import TASKS
from crystalgraph.grading.marking import grade_hand_in

MEMORY = 300 * 2**20
"""Bytes by which the grader's own process may grow over the whole suite."""


@pytest.fixture(scope="module")
def table():
    """Rows of what came out; printed at the end with pytest -s."""
    rows = []
    yield rows
    print(f"\n{len(rows)} submissions")
    for name, status, points, following in rows:
        print(f"  {name:<32} {status:<15} {points:>6g} points   the next one: {following}")


@pytest.mark.slow
@pytest.mark.parametrize("submission", SUBMISSIONS, ids=lambda one: one.name)
def test_it_gets_what_it_deserves_and_the_next_one_too(submission, table):
    result, log = grade_hand_in(submission.make(), "hw")
    following, _ = grade_hand_in(correct().hand_in("s002"), "hw")
    table.append((submission.name, result.status, result.points, following.status))
    assert result.status in submission.status.split(" or "), log
    assert result.points == submission.points, log
    tasks = {task.task: task.status for task in result.tasks}
    for task, status in submission.tasks.items():
        assert tasks[task] in status.split(" or "), log
    assert (following.status, following.points) == ("OK", ALL)


WORKER = "crystalgraph.grading.worker"


@pytest.mark.slow
def test_the_grader_grows_little_and_leaves_nothing_behind():
    """Four that take memory or start processes, three times each."""
    names = ("fork bomb", "memory of many", "huge crystals", "left behind")
    chosen = [one for one in SUBMISSIONS if one.name in names]
    assert len(chosen) == len(names)
    grade_hand_in(correct().hand_in(), "hw")
    before = psutil.Process().memory_info().rss
    for _ in range(3):
        for one in chosen:
            grade_hand_in(one.make(), "hw")
    assert psutil.Process().memory_info().rss - before < MEMORY
    ours = psutil.Process().children(recursive=True)
    waiting = [p for p in ours if "python" in p.name() and WORKER in p.cmdline()]
    assert len(waiting) <= 2, waiting  # a worker that waits for the next hand-in


def test_hand_ins_that_they_are_made_from():
    """The two ends of the scale are what they claim to be."""
    assert sum(task.points for task in TASKS.values()) == ALL
    assert grade_hand_in(correct().hand_in(), "hw")[0].points == ALL
    nothing, _ = grade_hand_in(untouched().hand_in(), "hw")
    assert (nothing.status, nothing.points) == ("NOT_IMPLEMENTED", 0)


def test_there_are_enough_and_each_has_a_name():
    assert len(SUBMISSIONS) >= 45
    assert len({one.name for one in SUBMISSIONS}) == len(SUBMISSIONS)


def test_no_message_shows_what_was_drawn():
    """An answer that is stopped, or raises, is told about the notebook's examples alone."""
    body = "    raise ValueError(repr((distance, width)))"
    work = correct().cell("1.3", f"def gaussian_expansion(distance, centers, width):\n{body}\n")
    result, _ = grade_hand_in(work.hand_in(), "hw")
    message = next(task.message for task in result.tasks if task.task == "1.3")
    assert "array([1., 2., 3.]), 0.5" in message
    for name in ("numpy patched", "exit"):
        one = next(one for one in SUBMISSIONS if one.name == name)
        result, _ = grade_hand_in(one.make(), "hw")
        message = next(task.message for task in result.tasks if task.task == "1.3")
        assert message and "width=" not in message


def test_the_page_is_what_its_tool_writes():
    import grading_security

    page = (REPO / "docs" / "grading_security.md").read_text(encoding="utf-8")
    assert page == grading_security.page(), "run python tools/grading_security.py"
