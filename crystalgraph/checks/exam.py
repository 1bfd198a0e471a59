"""The engine of the checks: runs the steps of one task and finds the likely mistake."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from crystalgraph.checks.cases import Arrays, Case, load_cases
from crystalgraph.checks.compare import (
    RTOL,
    RTOL_ON_PAPER,
    all_same,
    first_difference,
    shape_message,
    truth_message,
    value_message,
)
from crystalgraph.checks.guard import Fault, TimeUp, explain, time_limit
from crystalgraph.checks.mistakes import MISTAKES, advice
from crystalgraph.checks.report import CheckReport, Step
from crystalgraph.checks.tasks import TASKS, Task

SECONDS_PER_STEP = 10.0


@dataclass
class Exam:
    """One student's answer to one task, under examination.

    Attributes:
        check: how the task is checked.
        answer: the student's function or class.
        cases: stored cases, visible and hidden.
        outputs: of the student's code, for each case that ran.
        seconds: that a step may take.
    """

    check: "Check"
    answer: object
    cases: list[Case]
    outputs: dict[int, Arrays | None] = field(default_factory=dict)
    seconds: float = SECONDS_PER_STEP

    def run(self, case: Case) -> Arrays:
        """Outputs of the student's code for a case, computed once."""
        if self.outputs.get(id(case)) is None:
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
        """The cases with these names (all when none is given), the visible ones first."""
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
        lines = [f"{how} mistake: {advice(self.check.task, cause)}"] if cause else []
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


@dataclass(frozen=True)
class Plan:
    """One step of a check.

    Attributes:
        name: what is tried, for the report.
        points: for passing.
        test: raises Fault when the answer is wrong.
    """

    name: str
    points: float
    test: Callable[[Exam], None]


@dataclass(frozen=True)
class Check:
    """How one task is checked.

    Attributes:
        task: its id.
        run: (answer, case) -> outputs.
        steps: in order; their points add up to the task's.
        expected: in words, what the answer should be.
        describe: case -> what goes in, in words.
        axes: output -> names of its axes.
        went_in: case -> names and shapes of the inputs.
        kind: "function" or "class".
    """

    task: str
    run: Callable[[object, Case], Arrays]
    steps: tuple[Plan, ...]
    expected: str
    describe: dict[str, str] = field(default_factory=dict)
    axes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    went_in: Callable[[Case], str] = lambda case: ""
    kind: str = "function"


def stored(name: str, points: float, *cases: str, paper: bool = False) -> Plan:
    """A step that compares with stored cases.

    Args:
        name: of the step.
        points: for passing.
        cases: names of the cases.
        paper: computed by hand, so with the tolerance of a hand.
    """
    rtol = RTOL_ON_PAPER if paper else RTOL
    return Plan(name, points, lambda exam: exam.compare(*cases, rtol=rtol))


def cases_of(task: str, hidden: Path | None = None) -> list[Case]:
    """The stored cases of a task, those of the instructor's folder last."""
    return load_cases(task) + ([] if hidden is None else load_cases(task, hidden, hidden=True))


def examine(
    check: Check, answers: Sequence[object], cases: list[Case], seconds: float | None = None
) -> CheckReport:
    """Check one answer.

    Args:
        check: how.
        answers: what the student handed over; the first is looked at.
        cases: to try it on.
        seconds: that a step may take; None for the usual, infinity where somebody else watches.

    Returns:
        The report; whatever the student's code does wrong ends up in it.
    """
    task = TASKS[check.task]
    problem = _unusable(task, check, answers)
    if problem:
        first, *others = check.steps
        return CheckReport(task, (_failed(first, Fault(problem, "object")), *_not_run(others)))
    exam = Exam(check, answers[0], cases)
    exam.seconds = SECONDS_PER_STEP if seconds is None else seconds
    steps: list[Step] = []
    for number, plan in enumerate(check.steps):
        step = _take(plan, exam, task)
        steps.append(step)
        if not step.passed:
            steps += _not_run(check.steps[number + 1 :])
            break
    return CheckReport(task, tuple(steps))


def _take(plan: Plan, exam: Exam, task: Task) -> Step:
    try:
        with time_limit(exam.seconds):
            plan.test(exam)
    except Fault as fault:
        return _failed(plan, _named(fault, exam))
    except NotImplementedError:
        message = f"Task {task.id} is not implemented yet: fill in {task.name} in {task.where}."
        return _failed(plan, Fault(message, "not implemented"))
    except (Exception, SystemExit, TimeUp) as error:
        return _failed(plan, explain(error, task.name))
    return Step(plan.name, plan.points, True)


def _named(fault: Fault, exam: Exam) -> Fault:
    """The fault of a property, with the known mistake behind it in place of a guess."""
    if fault.cause in MISTAKES[exam.check.task]:
        return fault
    with contextlib.suppress(Exception, SystemExit, TimeUp), time_limit(exam.seconds):
        cause = exam.known_mistake()
        if cause:
            message = f"Likely mistake: {advice(exam.check.task, cause)}\n{fault.message}"
            return Fault(message, cause, fault.line)
    return fault


def _failed(plan: Plan, fault: Fault) -> Step:
    return Step(plan.name, plan.points, False, fault.text, fault.cause, fault.line)


def _not_run(plans: Sequence[Plan]) -> list[Step]:
    return [Step(plan.name, plan.points, None) for plan in plans]


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
