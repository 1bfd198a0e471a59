"""One hand-in in, one result out: every task in the sandbox, compared and scored out here.

Points come from inputs drawn for this student. The words come from the cases that students have,
so that no message shows an input of the grader's.
"""

from __future__ import annotations

import atexit
import hashlib
import math
import time
from dataclasses import dataclass, field, replace
from functools import cache

import torch

from crystalgraph.checks import TASKS, Task, all_checks
from crystalgraph.checks.exam import Check, cases_of, examine
from crystalgraph.checks.guard import TimeUp, double_precision
from crystalgraph.checks.report import CheckReport, Step
from crystalgraph.checks.tasks import MODEL_FILE
from crystalgraph.grading.answers import Answers, read_answers
from crystalgraph.grading.draw import draw_cases, own_test_examples, solutions
from crystalgraph.grading.hand_ins import HandIn
from crystalgraph.grading.plans import faster_plan, shuffled_plans
from crystalgraph.grading.remote import (
    Desk,
    Ended,
    RemoteFunction,
    Sandboxes,
    Session,
    remote_class,
)
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.paths import REPO

SECONDS_PER_HAND_IN = 600.0  # 23 tasks that are all stopped take 230
OWN_TESTS = ("2.6", "2.7")
_SANDBOXES: dict[bool, Sandboxes] = {}


def grade_hand_in(hand_in: HandIn, assignment: str, unsafe: bool = False) -> tuple[Result, str]:
    """Grade one hand-in.

    Args:
        hand_in: what was handed in.
        assignment: such as "hw".
        unsafe: run the student's code without a sandbox.

    Returns:
        The result, and the log of how it came about. What goes wrong on our side is in them too.
    """
    begun = time.monotonic()
    torch.set_num_threads(1)  # for crystals of five atoms more threads only wait
    marking = Marking(hand_in, assignment, Desk(sandboxes(unsafe)))
    tasks = marking.run()
    seconds = time.monotonic() - begun
    result = Result(
        hand_in.student,
        assignment,
        hand_in.fingerprint,
        tuple(tasks),
        hand_in.submitted.isoformat() if hand_in.submitted else "",
        hand_in.source,
        tuple(marking.seen),
        tuple(marking.repairs),
        round(seconds, 2),
    )
    marking.note(f"{result.status}: {result.points:g} of {result.max_points:g} in {seconds:.1f} s")
    return result, "\n".join(marking.log) + "\n"


def sandboxes(unsafe: bool = False) -> Sandboxes:
    """The warm sandboxes of this process."""
    if unsafe not in _SANDBOXES:
        _SANDBOXES[unsafe] = Sandboxes(unsafe)
        atexit.register(_SANDBOXES[unsafe].close)
    return _SANDBOXES[unsafe]


@cache
def _secret() -> str:
    """What no student has, so that nobody can work out which inputs will be drawn."""
    found = hashlib.sha256((REPO / "model.py").read_bytes())
    for path in sorted((REPO / "tests" / "hidden_cases").glob("*.npz")):
        found.update(path.read_bytes())
    return found.hexdigest()


def seed_of(hand_in: HandIn, assignment: str) -> str:
    """What the inputs are drawn with: others for every student, and for a hand-in that was changed,
    so that an answer to inputs which an earlier one has spied out is worth nothing."""
    return f"{_secret()}/{assignment}/{hand_in.student}/{hand_in.fingerprint}"


@dataclass
class Marking:
    """One hand-in while it is being graded.

    Attributes:
        hand_in: what was handed in.
        assignment: such as "hw".
        desk: where its code runs.
        log: lines, for the instructor.
        seen: sentences on the hand-in as a whole.
        repairs: sentences on what was mended.
    """

    hand_in: HandIn
    assignment: str
    desk: Desk
    log: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)

    def run(self) -> list[TaskResult]:
        """The result of every task."""
        self.note(f"{self.hand_in.student}, {self.assignment}, from {self.hand_in.source}")
        self.until = time.monotonic() + SECONDS_PER_HAND_IN
        try:
            answers = read_answers(self.hand_in)
            self.repairs += answers.repairs  # those of the hand-in are among them
            for line in self.repairs:
                self.note(f"repaired: {line}")
            return [self._task(task, answers) for task in TASKS.values()]
        except Exception as error:
            return [self._internal(task, error) for task in TASKS.values()]
        finally:
            self.desk.renew()

    def note(self, line: str) -> None:
        """Write a line into the log."""
        self.log.append(line)

    def _task(self, task: Task, answers: Answers) -> TaskResult:
        begun = time.monotonic()
        try:
            result = self._known(task, answers) or self._examined(task, answers)
        except Exception as error:
            result = self._internal(task, error)
        known = all_checks()[task.id].expected
        result = replace(result, expected="" if result.status is Status.OK else known)
        points = f"{result.points:g} of {task.points}"
        where = f" in {result.step!r}" if result.step else ""
        seconds = time.monotonic() - begun
        self.note(f"{task.id} {result.status} {points}{where} ({seconds:.2f} s)")
        if result.message:
            self.note("    " + result.message.replace("\n", "\n    "))
        return result

    def _internal(self, task: Task, error: Exception) -> TaskResult:
        self.note(f"{task.id} INTERNAL_ERROR {type(error).__name__}: {error}")
        message = "The grader itself failed at this task; your instructor has been told."
        self.seen.append(f"Task {task.id}: the grader failed ({type(error).__name__}: {error}).")
        return TaskResult(task.id, Status.INTERNAL_ERROR, message=message)

    def _known(self, task: Task, answers: Answers) -> TaskResult | None:
        """The result of a task whose code cannot be run."""
        if task.id in answers.problems:
            status, message = answers.problems[task.id]
            return TaskResult(task.id, status, message=message)
        if time.monotonic() > self.until:
            message = "The tasks before took so long that this one was not looked at."
            return TaskResult(task.id, Status.TIMEOUT, message=message)
        return None

    def _examined(self, task: Task, answers: Answers) -> TaskResult:
        session = Session(self.desk, task, _code(task, answers))
        try:
            with double_precision():
                failed = _begin(task, session)
                return failed or self._scored(task, session)
        finally:
            if session.seen:
                self.seen.append(f"Task {task.id}: {session.seen}.")
            session.end()

    def _scored(self, task: Task, session: Session) -> TaskResult:
        check, answer = all_checks()[task.id], _stand_in(task, session)
        seed = seed_of(self.hand_in, self.assignment)
        report = examine(_graded(check, seed), [answer], draw_cases(task.id, seed), math.inf)
        if report.passed:
            return TaskResult(task.id, Status.OK, report.points)
        failure, fate = report.failure, session.fate
        if fate is None and report.implemented:
            session.end()  # a new process, which remembers nothing of the inputs drawn
            visible = examine(check, [answer], cases_of(task.id), math.inf)
            failure = _in_words(task, visible, report, session.code)
        elif fate is not None:
            failure = replace(failure, message=_end_in_words(failure.message))
        status = _status(report, fate)
        points = report.points if report.implemented else 0.0
        return TaskResult(
            task.id, status, points, failure.name, failure.message[:4000], failure.cause
        )


def _code(task: Task, answers: Answers) -> dict:
    model = answers.model
    text = None if model is None else model.decode("utf-8", errors="replace")
    if task.where == MODEL_FILE:
        return {"model": text, "cells": [], "at": None}
    cells = list(answers.cells.get(task.where, ()))
    return {"model": text, "cells": cells, "at": answers.place.get(task.id)}


def _begin(task: Task, session: Session) -> TaskResult | None:
    """Load the code of a task; the result when that fails."""
    try:
        session.begin()
    except TimeUp:
        message = f"Loading {task.where} did not come to an end in time: is there an endless loop?"
        return TaskResult(task.id, Status.TIMEOUT, message=message, cause="too slow")
    except Ended as error:
        return TaskResult(task.id, session.fate, message=f"Loading {task.where}: {error}")
    except Exception as error:
        said = getattr(error, "explained", "") or str(error)
        status = Status.OUT_OF_MEMORY if _memory(error) else Status.IMPORT_ERROR
        if isinstance(error, NotImplementedError):
            status = Status.NOT_IMPLEMENTED
        return TaskResult(task.id, status, message=said[:4000], cause="not loaded")
    wanted = all_checks()[task.id].kind
    if session.kind != wanted:
        article = "a class" if wanted == "class" else "a function"
        message = f"{task.object_name} is no longer {article}; put its first line back."
        return TaskResult(task.id, Status.WRONG, message=message, cause="object")
    return None


def _memory(error: Exception) -> bool:
    return getattr(error, "memory", False) or "llocate memory" in str(error)


def _stand_in(task: Task, session: Session) -> object:
    if all_checks()[task.id].kind == "class":
        return remote_class(session, solutions()[task.id])
    return RemoteFunction(session)


def _graded(check: Check, seed: str) -> Check:
    """The check as the grader does it."""
    if check.task in OWN_TESTS:
        graph, structure = own_test_examples(seed)
        return shuffled_plans(check, graph if check.task == "2.6" else structure, seed)
    if check.task == "2.8":
        return faster_plan(check)
    return check


def _status(report: CheckReport, fate: Status | None) -> Status:
    if not report.implemented:
        return Status.NOT_IMPLEMENTED
    if fate is not None:
        return fate
    if "llocate memory" in report.failure.message or "MemoryError" in report.failure.message:
        return Status.OUT_OF_MEMORY
    return Status.PARTIAL if report.points > 0 else Status.WRONG


def _end_in_words(message: str) -> str:
    """The sentence on how a process ended, without guesses at an error, which it was not."""
    call, ended, rest = message.partition(f" raised {Ended.__name__}: ")
    return f"{call}: {rest.splitlines()[0]}" if ended else message


def _in_words(task: Task, visible: CheckReport, drawn: CheckReport, code: dict) -> Step:
    """What is told to the student: what the cases show that students have."""
    if not visible.passed:
        return visible.failure
    failed = drawn.failure
    raised = ""
    if failed.cause == "exception":
        line = failed.line.partition(": ")[2]
        written = "\n".join([code["model"] or "", *code["cells"]])
        where = f" at `{line}`" if line and line in written else ""  # else made up, of the input
        raised = f" (there your code raised an error{where})"
    message = (
        f"Your {task.name} is right on the examples of the notebook, but not on others of the same "
        f"kind{raised}. Does something in it count on these examples: a number, a size, an order?"
    )
    return replace(failed, message=message, cause="only the examples", line="")
