"""One hand-in, one result: what goes wrong on the grader's side is never the student's."""

import os
import signal
import textwrap
from dataclasses import replace

import pytest
from hand_in_builder import HandInBuilder
from marked_tasks import SECRET, part_of

from crystalgraph.checking.limits import Limits, Times
from crystalgraph.grading.intake.answers import read_answers
from crystalgraph.grading.marking import Marking, grade_hand_in, sandbox_pool
from crystalgraph.grading.reports.feedback import feedback_page
from crystalgraph.grading.result import Status
from crystalgraph.labs import LABS
from crystalgraph.sandbox import walls
from crystalgraph.sandbox.session import CurrentSandbox, SandboxPool, Session

HW = LABS["hw"]
TASKS = ["1.1", "1.3", "1.4"]
LITTLE = Limits(seconds_per_call=0.3)


def holed(task, code):
    """Everything right, but this code in place of one task."""
    return HandInBuilder(set(HW.tasks) - {task}).hole(task, code)


def graded(hand_in, limits=LITTLE, tasks=TASKS):
    """Statuses and points of some tasks, the result and the log."""
    lab = replace(part_of(HW, tasks), own_limits=limits)
    result, log = grade_hand_in(hand_in, lab, SECRET)
    return [(task.status, task.points) for task in result.tasks], result, log


def test_a_sandbox_that_does_not_start_is_the_grader_s_failure(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1")
    fake.chmod(0o755)
    monkeypatch.setattr(walls.shutil, "which", lambda name: str(fake))
    got, result, log = graded(HandInBuilder().hand_in(), Limits(seconds_to_start=60.0))
    assert [status for status, _ in got] == [Status.INTERNAL_ERROR] * 3
    assert "sysctl" in log and "sysctl" not in feedback_page(result, HW)
    assert result.status.is_ours


def test_nor_is_it_the_student_s_when_there_is_none_in_mid_task(monkeypatch):
    """The first task costs its sandbox; there is no other one for a while, then there is again."""
    take, taken = SandboxPool.take, []

    def take_but_once(pool):
        taken.append(1)
        if len(taken) == 2:
            raise OSError("cannot allocate memory")
        return take(pool)

    monkeypatch.setattr(SandboxPool, "take", take_but_once)
    got, result, log = graded(holed("1.1", "while True: pass").hand_in())
    assert [status for status, _ in got] == [Status.TIMEOUT, Status.INTERNAL_ERROR, Status.OK], log
    assert result.status is Status.INTERNAL_ERROR


def test_nor_when_something_outside_ends_it():
    """As the system does where memory is short; what is inside cannot do that."""
    work = holed("1.3", "import time; time.sleep(0.2); return 1 / 0")
    lab = part_of(HW, TASKS)
    current = CurrentSandbox(sandbox_pool(lab))
    marking = Marking(work.hand_in(), lab, "seed", current, CurrentSandbox(current.pool))
    answers = read_answers(work.hand_in(), HW)
    assert marking.mark_task(lab.tasks["1.1"], answers).status is Status.OK
    os.kill(current.sandbox.pid, signal.SIGKILL)
    assert marking.mark_task(lab.tasks["1.3"], answers).status is Status.INTERNAL_ERROR
    assert marking.mark_task(lab.tasks["1.4"], answers).status is Status.OK
    current.renew()


def test_what_nobody_can_tell_is_a_status_of_its_own(monkeypatch):
    """The clocks say that the code waits for a processor; so the rest is not even tried."""
    monkeypatch.setattr(
        Session, "_times", lambda self: Times(self._clock.seconds(), 0.0, self._clock.seconds())
    )
    work = holed("1.3", "while True: pass")
    got, result, _ = graded(work.hand_in())
    assert [status for status, _ in got] == [Status.OK, Status.GRADER_BUSY, Status.GRADER_BUSY]
    assert result.status is Status.GRADER_BUSY and result.status.is_ours


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(60)"])
def test_what_does_not_come_to_an_end_is_still_the_student_s(code):
    work = holed("1.3", code)
    got, _, log = graded(work.hand_in())
    assert [status for status, _ in got] == [Status.OK, Status.TIMEOUT, Status.OK], log


# --- one task and the others of the same student


KEEP = """
import pathlib
pathlib.Path("/tmp/kept").write_text(repr(distance))
"""
READ = """
import pathlib
if pathlib.Path("/tmp/kept").exists():
    raise ImportError(pathlib.Path("/tmp/kept").read_text())
"""


def test_what_a_task_leaves_on_the_disk_neither_harms_nor_tells():
    """1.3 is right and keeps what it is given; the model file shows that, when it is there."""
    work = HandInBuilder()
    head, body = work.source_of("1.3").split('"""', 1)
    text, body = body.split('"""\n', 1)
    work.cell("1.3", f'{head}"""{text}"""\n' + textwrap.indent(KEEP, "    ") + body)
    work.files[HW.model_file] = READ.encode() + work.files[HW.model_file]
    got, result, log = graded(work.hand_in(), tasks=["1.3", "2.3", "2.4"])
    assert [status for status, _ in got] == [Status.OK] * 3, log
    assert "array(" not in log
