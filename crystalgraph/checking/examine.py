"""Runs the steps of a check on one answer, and finds the likely mistake."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep
from crystalgraph.checking.compare import (
    RTOL,
    all_same,
    first_difference,
    shape_message,
    truth_message,
    value_message,
)
from crystalgraph.checking.faults import Fault, explain
from crystalgraph.checking.limits import ComputerTooBusy, Limits, TimeUp, time_limit
from crystalgraph.checking.report import CheckReport, Step
from crystalgraph.checking.task import Task
from crystalgraph.checking.untouched import Watched


@dataclass
class Exam:
    """One student's answer to one task, under examination.

    Attributes:
        task: in question.
        check: how it is checked.
        answer: the student's function or class.
        cases: stored cases, visible and hidden.
        outputs: of the student's code, for each case that ran.
        seconds: that a step may take.
    """

    task: Task
    check: Check
    answer: Any
    cases: list[Case]
    outputs: dict[int, Arrays] = field(default_factory=dict)
    seconds: float = Limits().seconds_per_step

    @property
    def changed(self) -> str:
        """The argument that the student's function changes in place; empty for none."""
        return self.answer.changed if isinstance(self.answer, Watched) else ""

    def run(self, case: Case) -> Arrays:
        """Outputs of the student's code for a case, computed once."""
        if id(case) not in self.outputs:
            try:
                self.outputs[id(case)] = self.check.run(self.answer, case)
            except Exception as error:
                error.add_note(self.input_line(case))
                raise
        return self.outputs[id(case)]

    def input_line(self, case: Case) -> str:
        """What goes in, in words and shapes; of a hidden case in words alone."""
        about = self.check.describe.get(case.name, "") or case.name
        shapes = "" if case.hidden else self.check.went_in(case)
        return f"Input: {about}{f' ({shapes})' if shapes else ''}."

    def named(self, *names: str) -> list[Case]:
        """The cases with these names (all when none is given), the visible ones first.

        Raises:
            LookupError: the check describes its cases, and none has such a name; without this a
                misspelled name would let any answer pass.
        """
        unknown = set(names) - self.check.describe.keys() if self.check.describe else set()
        if unknown:
            raise LookupError(f"the check of task {self.task.id} describes no case {unknown}")
        return [case for case in self.cases if not names or case.name in names]

    def compare(self, *names: str, rtol: float = RTOL) -> None:
        """Run cases and compare with what is stored; raises Fault at the first difference."""
        for case in self.named(*names):
            got = self.run(case)
            name = first_difference(got, case.expected, rtol)
            if name is not None:
                raise self.fault(case, name, got)

    def fault(self, case: Case, name: str, got: Arrays) -> Fault:
        """Describe a wrong output: the likely mistake, what went in, where it differs."""
        cause, certain = self.likely_mistake(case)
        how = "Likely" if certain else "Possible"  # possible: other cases say otherwise
        lines = [f"{how} mistake: {self.check.advice_on(cause)}"] if cause else []
        lines.append(self.input_line(case))
        lines.append(self._difference(name, got[name], case.expected[name], advise=not cause))
        lines.append(f"Expected: {self.check.expected}")
        return Fault("\n".join(lines), cause)

    def _difference(self, name: str, got: np.ndarray, expected: np.ndarray, advise: bool) -> str:
        if expected.dtype.kind == "b":
            return truth_message(got, expected, name)
        tell = value_message if got.shape == expected.shape else shape_message
        return tell(got, expected, f"Your {name}", self.check.axes.get(name, ()), advise)

    def known_mistake(self) -> str:
        """Known mistake whose stored outputs are the student's in every case, if there is one."""
        cases = [case for case in self.cases if case.wrong]
        for mistake in dict.fromkeys(m for case in cases for m in case.wrong):
            if all(self._agrees(case, mistake) for case in self.cases):
                return mistake
        return ""

    def likely_mistake(self, failed: Case) -> tuple[str, bool]:
        """Known mistake that gives the student's outputs, and whether it does so in all cases."""
        got = self.run(failed)
        fitting = [m for m, wrong in failed.wrong.items() if all_same(got, wrong)]
        best = max(fitting, key=self._agreement, default="")
        return best, bool(best) and self._agreement(best) == len(self.cases)

    def _agreement(self, mistake: str) -> int:
        return sum(self._agrees(case, mistake) for case in self.cases)

    def _agrees(self, case: Case, mistake: str) -> bool:
        try:
            got = self.run(case)
        except Exception:  # the student's code fails on this case: no evidence for any mistake
            return False
        return all_same(got, case.wrong.get(mistake, case.expected))


def examine(
    task: Task,
    check: Check,
    answers: Sequence[object],
    cases: list[Case],
    seconds: float = Limits().seconds_per_step,
) -> CheckReport:
    """Check one answer.

    Args:
        task: in question.
        check: how it is checked.
        answers: what the student handed over; the first is looked at.
        cases: to try it on.
        seconds: that a step may take; infinity where somebody else watches.

    Returns:
        The report; whatever the student's code does wrong ends up in it.
    """
    problem = _unusable(task, check, answers)
    if problem:
        first, *others = check.steps
        return CheckReport(task, (_failed(first, Fault(problem, "object")), *_not_run(others)))
    answer = answers[0] if check.kind == "class" else Watched(cast("Callable", answers[0]))
    exam = Exam(task, check, answer, cases, seconds=seconds)
    steps: list[Step] = []
    for number, step in enumerate(check.steps):
        steps.append(_take(step, exam))
        if not steps[-1].passed:
            steps += _not_run(check.steps[number + 1 :])
            break
    return CheckReport(task, tuple(steps))


def _take(step: CheckStep, exam: Exam) -> Step:
    task = exam.task
    try:
        with time_limit(exam.seconds):
            step.test(exam)
            if step is exam.check.steps[-1]:
                _require_untouched(exam)
    except Fault as fault:
        return _failed(step, _changed(_named(fault, exam), exam))
    except NotImplementedError:
        message = f"Task {task.id} is not implemented yet: fill in {task.name} in {task.where}."
        return _failed(step, Fault(message, "not implemented"))
    except (Exception, SystemExit, TimeUp) as error:
        return _failed(step, explain(error, task.name))
    return Step(step.name, step.points, True)


def _require_untouched(exam: Exam) -> None:
    """Raise Fault when a function has changed what it was given; it costs the last step.

    Whoever calls the function goes on with what was given: in the notebook, the next cells.
    """
    if exam.changed:
        known = exam.check.advice.get("in place")
        likely = f"Likely mistake: {known}\n" if known else ""
        raise Fault(
            f"{likely}All is right, but your function changes {exam.changed} in place, "
            "which the next cells need as it was: work on a copy.",
            "in place",
        )


def _changed(fault: Fault, exam: Exam) -> Fault:
    """The fault, and a change of what was given, which may well be its cause."""
    if not exam.changed or fault.cause == "in place":
        return fault
    message = f"Your function changes {exam.changed} in place: work on a copy.\n{fault.message}"
    return Fault(message, fault.cause or "in place", fault.line, fault.guess)


def _named(fault: Fault, exam: Exam) -> Fault:
    """The fault of a property, with the known mistake behind it in place of a guess."""
    if fault.cause in exam.check.advice:
        return fault
    given_up = (Exception, SystemExit, TimeUp, ComputerTooBusy)
    with contextlib.suppress(*given_up), time_limit(exam.seconds):
        cause = exam.known_mistake()
        if cause:
            message = f"Likely mistake: {exam.check.advice_on(cause)}\n{fault.message}"
            return Fault(message, cause, fault.line)
    return fault


def _failed(step: CheckStep, fault: Fault) -> Step:
    return Step(step.name, step.points, False, fault.text, fault.cause, fault.line)


def _not_run(steps: Sequence[CheckStep]) -> list[Step]:
    return [Step(step.name, step.points, None) for step in steps]


def _unusable(task: Task, check: Check, answers: Sequence[object]) -> str:
    call = f'points("{task.id}", {task.object_name})'
    if not answers:
        return f"Nothing to check was given: call {call}."
    is_class = isinstance(answers[0], type)
    if check.kind == "class" and not is_class:
        return f"Give the class itself, without parentheses: {call}."
    if check.kind == "function" and (is_class or not callable(answers[0])):
        return f"Give the function itself, without calling it: {call}."
    return ""
