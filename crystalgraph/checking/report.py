"""What a check found, for people: text, HTML, and an exception with a clean message."""

import html
from dataclasses import dataclass

from crystalgraph.checking.task import Task
from crystalgraph.errors import ShownPlainly

_GREEN, _RED, _GREY = "#2e7d32", "#c62828", "#757575"


@dataclass(frozen=True)
class Step:
    """One part of a check.

    Attributes:
        name: what was tried.
        points: awarded when it passes.
        passed: None when it was not reached.
        message: what went wrong and the likely mistake; empty when it passed.
        cause: short name of the mistake, when it is a known one.
        line: place in the student's code, when an error was raised there.
    """

    name: str
    points: float
    passed: bool | None
    message: str = ""
    cause: str = ""
    line: str = ""


@dataclass(frozen=True)
class CheckReport:
    """Result of checking one task.

    Attributes:
        task: what was checked.
        steps: in the order in which they ran.
    """

    task: Task
    steps: tuple[Step, ...]

    @classmethod
    def not_checked(cls, task: Task, why: str, cause: str) -> "CheckReport":
        """A report without points on an answer that could not be looked at.

        Args:
            task: in question.
            why: a sentence for the student.
            cause: short name of it.
        """
        return cls(task, (Step("not checked", task.points, False, why, cause),))

    @property
    def points(self) -> float:
        """Points of the steps that passed before the first failure."""
        total = 0.0
        for step in self.steps:
            if not step.passed:
                break
            total += step.points
        return total

    @property
    def max_points(self) -> float:
        """Points of a right answer."""
        return float(self.task.points)

    @property
    def passed(self) -> bool:
        """Whether every step passed."""
        return all(step.passed for step in self.steps)

    @property
    def failure(self) -> Step | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.passed is False), None)

    @property
    def implemented(self) -> bool:
        """False when the stub is untouched; a branch that is left out may still earn points."""
        unwritten = self.failure is not None and self.failure.cause == "not implemented"
        return not (unwritten and self.points == 0)

    @property
    def busy(self) -> bool:
        """Whether nothing was found out, because the computer was too busy."""
        return self.failure is not None and self.failure.cause == "busy"

    @property
    def _sentence(self) -> str:
        """What says all there is to say, where nothing was tried."""
        says_all = self.failure is not None and (self.busy or not self.implemented)
        return self.failure.message if says_all and self.failure else ""

    def headline(self) -> str:
        """Task and points in one line."""
        points = f"{self.points:g} of {self.max_points:g} points"
        return f"Task {self.task.id}, {self.task.name}: {points}"

    def text(self) -> str:
        """The report in plain text."""
        if self._sentence:
            return f"{self.headline()}\n{self._sentence}"
        lines = [self.headline()]
        for step in self.steps:
            mark = {True: "passed ", False: "FAILED ", None: "not run"}[step.passed]
            lines.append(f"  {mark}  {step.name} ({step.points:g})")
            lines += [f"           {line}" for line in step.message.splitlines()]
        return "\n".join(lines)

    @property
    def html(self) -> str:
        """The report as HTML that needs nothing from outside."""
        color = _GREEN if self.passed else _RED
        rows = "".join(_row(step) for step in self.steps)
        if self._sentence:
            rows = f"<div>{html.escape(self._sentence)}</div>"
        return (
            f'<div style="border-left:4px solid {color};padding:4px 12px;line-height:1.5">'
            f'<b style="color:{color}">{html.escape(self.headline())}</b>{rows}</div>'
        )

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text()


def _row(step: Step) -> str:
    mark, color = {True: ("✓", _GREEN), False: ("✗", _RED), None: ("·", _GREY)}[step.passed]
    message = "<br>".join(html.escape(line) for line in step.message.splitlines())
    if message:
        message = f'<div style="margin-left:1.5em">{message}</div>'
    return (
        f'<div><span style="color:{color}">{mark} {html.escape(step.name)} '
        f"({step.points:g})</span>{message}</div>"
    )


class CheckFailed(ShownPlainly):
    """A task scored zero.

    Attributes:
        report: what was found.
    """

    def __init__(self, report: CheckReport) -> None:
        super().__init__(report.text())
        self.report = report
