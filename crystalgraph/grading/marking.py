"""One hand-in in, one result out: every task in the sandbox, compared and scored out here.

Points come from inputs drawn for this student. The words come from the cases that students have,
so that no message shows an input of the grader's.
"""

from __future__ import annotations

import atexit
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import cast

import torch
from torch import nn

from crystalgraph.checking.check import Check
from crystalgraph.checking.examine import examine
from crystalgraph.checking.faults import explain
from crystalgraph.checking.limits import ComputerTooBusy, TimeUp
from crystalgraph.checking.quiet import double_precision
from crystalgraph.checking.report import CheckReport, Step
from crystalgraph.checking.slow_imports import leave_out_compiler
from crystalgraph.checking.task import Task
from crystalgraph.grading.intake.answers import Answers, read_answers
from crystalgraph.grading.intake.hand_ins import HandIn
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.labs.lab import Lab, hidden_in_sandbox
from crystalgraph.releasing.cases import draw_cases
from crystalgraph.releasing.right_answers import right_answers
from crystalgraph.sandbox.ending import Ending, SandboxFailed
from crystalgraph.sandbox.session import CurrentSandbox, Ended, SandboxPool, Session
from crystalgraph.sandbox.stand_ins import RemoteFunction, remote_class
from crystalgraph.sandbox.student_code import StudentCode
from crystalgraph.sandbox.walls import Walls, usable

_POOLS: dict[tuple[Walls, str], SandboxPool] = {}
_STATUS = {
    Ending.TIMEOUT: Status.TIMEOUT,
    Ending.OUT_OF_MEMORY: Status.OUT_OF_MEMORY,
    Ending.CRASHED: Status.CRASHED,
    Ending.TAMPERED: Status.TAMPERED,
}


def grade_hand_in(
    hand_in: HandIn, lab: Lab, secret: str, unsafe: bool = False
) -> tuple[Result, str]:
    """Grade one hand-in.

    Args:
        hand_in: what was handed in.
        lab: that it belongs to; its limits apply.
        secret: of the grader; the inputs are drawn with it.
        unsafe: run the student's code without a sandbox.

    Returns:
        The result, and the log of how it came about. What goes wrong on our side is in them too.
    """
    begun = time.monotonic()
    torch.set_num_threads(1)  # for crystals of five atoms more threads only wait
    leave_out_compiler()
    seed = seed_of(hand_in, lab, secret)
    pool = sandbox_pool(lab, unsafe)
    marking = Marking(hand_in, lab, seed, CurrentSandbox(pool), CurrentSandbox(pool))
    tasks = marking.run()
    seconds = time.monotonic() - begun
    result = Result.of(hand_in, lab, tasks, marking.seen, marking.repairs, seconds)
    marking.note(f"{result.status}: {result.points:g} of {result.max_points:g} in {seconds:.1f} s")
    return result, "\n".join(marking.log) + "\n"


def walls_for(lab: Lab, unsafe: bool = False) -> Walls:
    """What surrounds the code of a lab's hand-ins.

    Args:
        lab: whose limits apply.
        unsafe: no walls at all.
    """
    return usable(Walls(hidden_in_sandbox(), lab.limits, unsafe))


def sandbox_pool(lab: Lab, unsafe: bool = False) -> SandboxPool:
    """The warm sandboxes that this process has for a lab.

    Args:
        lab: whose checks are imported in them.
        unsafe: without walls.
    """
    key = walls_for(lab, unsafe), f"{lab.package}.checks"
    if key not in _POOLS:
        _POOLS[key] = SandboxPool(*key)
        atexit.register(_POOLS[key].close)
    return _POOLS[key]


def seed_of(hand_in: HandIn, lab: Lab, secret: str) -> str:
    """What the inputs are drawn with: others for every student, and for a hand-in that was changed,
    so that an answer to inputs which an earlier one has spied out is worth nothing."""
    return f"{secret}/{lab.id}/{hand_in.student}/{hand_in.fingerprint}"


@dataclass
class Marking:
    """One hand-in while it is being graded.

    Attributes:
        hand_in: what was handed in.
        lab: that it belongs to.
        seed: what inputs are drawn with.
        current: the sandbox in which its code runs on the inputs drawn.
        examples: the one in which it runs on the cases that students have. Words come from there,
            so no input that was drawn may get into it.
        log: lines, for the instructor.
        seen: sentences on the hand-in as a whole.
        repairs: sentences on what was put right.
        charged: seconds of their own that the tasks so far have taken.
        busy: why nothing more is tried; empty where the computer has time.
    """

    hand_in: HandIn
    lab: Lab
    seed: str
    current: CurrentSandbox
    examples: CurrentSandbox
    log: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    charged: float = 0.0
    busy: str = ""

    def run(self) -> list[TaskResult]:
        """The result of every task."""
        self.note(f"{self.hand_in.student}, {self.lab.id}, from {self.hand_in.source}")
        tasks = self.lab.tasks.values()
        try:
            answers = read_answers(self.hand_in, self.lab)
            self.repairs += answers.repairs  # those of the hand-in are among them
            for line in self.repairs:
                self.note(f"repaired: {line}")
            return [self.mark_task(task, answers) for task in tasks]
        except Exception as error:
            return [self._internal(task, error) for task in tasks]
        finally:
            self.current.renew()
            self.examples.renew()

    def note(self, line: str) -> None:
        """Write a line into the log."""
        self.log.append(line)

    def mark_task(self, task: Task, answers: Answers) -> TaskResult:
        """The result of one task, in the sandbox that is there."""
        begun = time.monotonic()
        try:
            result = self._known(task, answers) or self._examined(task, answers)
            if result.status is not Status.OK:
                result = replace(result, expected=self.lab.checks[task.id].expected)
        except ComputerTooBusy as error:
            self.busy = str(error)
            result = self._busy(task)
        except (Exception, SandboxFailed) as error:
            result = self._internal(task, error)
        points = f"{result.points:g} of {task.points}"
        where = f" in {result.step!r}" if result.step else ""
        seconds = time.monotonic() - begun
        self.note(f"{task.id} {result.status} {points}{where} ({seconds:.2f} s)")
        if result.message:
            self.note("    " + result.message.replace("\n", "\n    "))
        return result

    def _busy(self, task: Task) -> TaskResult:
        message = f"Not graded yet: {self.busy}. The grader tries again with --resume."
        return TaskResult(task.id, Status.GRADER_BUSY, message=message)

    def _internal(self, task: Task, error: BaseException) -> TaskResult:
        self.note(f"{task.id} INTERNAL_ERROR {type(error).__name__}: {error}")
        message = "The grader itself failed at this task; your instructor has been told."
        self.seen.append(f"Task {task.id}: the grader failed ({type(error).__name__}: {error}).")
        return TaskResult(task.id, Status.INTERNAL_ERROR, message=message)

    def _known(self, task: Task, answers: Answers) -> TaskResult | None:
        """The result of a task whose code cannot be run."""
        if task.id in answers.problems:
            status, message = answers.problems[task.id]
            return TaskResult(task.id, status, message=message)
        if self.busy:
            return self._busy(task)
        if self.charged > self.lab.limits.seconds_per_hand_in:
            message = "The tasks before took so long that this one was not looked at."
            return TaskResult(task.id, Status.TIMEOUT, message=message)
        return None

    def _examined(self, task: Task, answers: Answers) -> TaskResult:
        check, code = self.lab.checks[task.id], self._code(task, answers)
        with double_precision(), self._at_work(self.current, code) as session:
            return _begin(task, check, session) or self._scored(task, check, session)

    @contextmanager
    def _at_work(self, current: CurrentSandbox, code: StudentCode) -> Iterator[Session]:
        """The code of a task in a sandbox, and afterwards a note on what became of it."""
        session = Session(current, code)
        try:
            yield session
        finally:
            if session.what_happened:
                self.seen.append(f"Task {code.task.id}: {session.what_happened}.")
            session.end()
            self.charged += session.charged

    def _code(self, task: Task, answers: Answers) -> StudentCode:
        text = None if answers.model is None else answers.model.decode("utf-8", errors="replace")
        cells = answers.counting.get(task.id, ())
        released = answers.released.get(task.where, ())
        return StudentCode(task, self.lab.model_file, text, cells, released)

    def _scored(self, task: Task, check: Check, session: Session) -> TaskResult:
        answer = stand_in(self.lab, check, session)
        drawn = draw_cases(self.lab, task.id, self.seed)
        graded = graded_check(self.lab, check, self.seed)
        report = examine(task, graded, [answer], drawn, math.inf)
        failure, ending = report.failure, session.ending
        if failure is None:
            return TaskResult(task.id, Status.OK, report.points)
        if ending is not None:
            failure = replace(failure, message=_end_in_words(task, session))
        elif report.implemented:
            with self._at_work(self.examples, session.code) as fresh:
                answer = stand_in(self.lab, check, fresh)
                visible = examine(task, check, [answer], self.lab.cases(task.id), math.inf)
            failure = visible.failure or _only_the_grader_saw(task, graded, failure, session.code)
        status = _status(report, failure, ending)
        return TaskResult(
            task.id, status, report.points, failure.name, failure.message[:4000], failure.cause
        )


def _begin(task: Task, check: Check, session: Session) -> TaskResult | None:
    """Load the code of a task; the result when that fails."""
    try:
        session.begin()
    except TimeUp:
        message = f"Loading {task.where} did not come to an end in time: is there an endless loop?"
        return TaskResult(task.id, Status.TIMEOUT, message=message, cause="too slow")
    except Ended as error:
        status = _STATUS[session.ending or Ending.CRASHED]
        return TaskResult(task.id, status, message=f"Loading {task.where}: {error}")
    except Exception as error:
        text = getattr(error, "explained", "") or str(error)
        status = Status.OUT_OF_MEMORY if _memory(error) else Status.IMPORT_ERROR
        if isinstance(error, NotImplementedError):
            status = Status.NOT_IMPLEMENTED
        return TaskResult(task.id, status, message=text[:4000], cause="not loaded")
    if session.kind != check.kind:
        article = "a class" if check.kind == "class" else "a function"
        message = f"{task.object_name} is no longer {article}; put its first line back."
        return TaskResult(task.id, Status.WRONG, message=message, cause="object")
    return None


def _memory(error: Exception) -> bool:
    return getattr(error, "memory", False) or "llocate memory" in str(error)


def stand_in(lab: Lab, check: Check, session: Session) -> object:
    """What is examined in place of the student's function or class.

    Args:
        lab: that the task belongs to.
        check: of the task.
        session: in which the student's code is loaded.
    """
    if check.module is None:
        return RemoteFunction(session)
    reference = cast("type[nn.Module]", right_answers(lab)[check.task])
    return remote_class(session, reference, check.module)


def graded_check(lab: Lab, check: Check, seed: str) -> Check:
    """The check as the grader does it.

    Args:
        lab: that the task belongs to.
        check: as it is in the notebook.
        seed: of whatever is drawn.
    """
    if not check.graded_form:
        return check
    make = getattr(lab.instructor("graded_checks"), check.graded_form)
    return make(check, seed, right_answers(lab))


def _status(report: CheckReport, failure: Step, ending: Ending | None) -> Status:
    if not report.implemented:
        return Status.NOT_IMPLEMENTED
    if ending is not None:
        return _STATUS[ending]
    said = "" if report.failure is None else report.failure.message
    if "llocate memory" in said or "MemoryError" in said:
        return Status.OUT_OF_MEMORY
    return Status.PARTIAL if report.points > 0 else Status.WRONG


def _end_in_words(task: Task, session: Session) -> str:
    """How the process of a task ended; a message of a check would tell of inputs drawn."""
    if session.ending is Ending.TIMEOUT:
        return explain(TimeUp(), task.name).message
    return f"{task.name}: {session.in_words}"


def _only_the_grader_saw(task: Task, check: Check, failed: Step, code: StudentCode) -> Step:
    """What is said of an answer that is right on the cases that students have.

    Args:
        task: in question.
        check: as the grader does it.
        failed: the step that failed; its message may show an input that was drawn.
        code: the student's.
    """
    if failed.cause in check.advice:
        message = (
            f"Likely mistake: {check.advice_on(failed.cause)}\nYour {task.name} passes on the "
            "examples of the notebook; the grader tries more than these."
        )
        return replace(failed, message=message, line="")
    raised = ""
    if failed.cause == "exception":
        line = failed.line.partition(": ")[2]
        written = "\n".join([code.model or "", *code.cells])
        where = f" at `{line}`" if line and line in written else ""  # else made up, of the input
        raised = f" (there your code raised an error{where})"
    message = (
        f"Your {task.name} is right on the examples of the notebook, but not on others of the same "
        f"kind{raised}. Does something in it count on these examples: a number, a size, an order?"
    )
    return replace(failed, message=message, cause="only the examples", line="")
