"""What is on the board: a row for each task and each written question, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crystalgraph.checking.task import Task
from crystalgraph.labs.lab import Lab, Question


@dataclass(frozen=True)
class Row:
    """One task on the board.

    Attributes:
        task: which.
        status: "passed", "failed", "not implemented", "missing", or "not checked" where the
            computer was too busy.
        points: awarded.
        message: what went wrong and the likely mistake.
        step: part of the check that failed.
        cause: short name of the mistake, when it is a known one.
    """

    task: Task
    status: str
    points: float = 0.0
    message: str = ""
    step: str = ""
    cause: str = ""

    def as_dict(self) -> dict:
        """For JSON."""
        task = self.task
        known = {"id": task.id, "name": task.name, "where": task.where, "bonus": task.bonus}
        known |= {"max_points": task.points, "minutes": task.minutes, "status": self.status}
        return known | {
            "points": self.points,
            "step": self.step,
            "cause": self.cause,
            "message": self.message,
        }


@dataclass(frozen=True)
class QuestionRow:
    """One written question on the board; a person gives its points.

    Attributes:
        question: which.
        status: "answered", "empty" or "missing" (the notebook is).
    """

    question: Question
    status: str

    def as_dict(self) -> dict:
        """For JSON."""
        question = self.question
        known = {"id": question.id, "name": question.name, "where": question.notebook}
        return known | {"max_points": question.points, "status": self.status}


@dataclass(frozen=True)
class Board:
    """All tasks and written questions of a lab, as they are in a folder.

    Attributes:
        lab: whose.
        folder: that was checked.
        model: the file that was checked as the lab's model file; None where the lab has none.
        rows: one per task.
        questions: one per written question.
    """

    lab: Lab
    folder: Path
    model: Path | None
    rows: tuple[Row, ...]
    questions: tuple[QuestionRow, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every task passes; the bonus may be left out."""
        return all(row.status == "passed" or row.task.bonus for row in self.rows)

    @property
    def points(self) -> float:
        """Sum over all tasks, bonus included."""
        return sum(row.points for row in self.rows)

    @property
    def max_points(self) -> int:
        """Sum over the tasks that are no bonus."""
        return sum(row.task.points for row in self.rows if not row.task.bonus)

    @property
    def minutes_left(self) -> int:
        """Planned for the tasks that do not pass, the bonus left out."""
        waiting = [row.task for row in self.rows if row.status != "passed"]
        return sum(task.minutes for task in waiting if not task.bonus)

    @property
    def has_bonus(self) -> bool:
        """Whether there are bonus tasks."""
        return any(row.task.bonus for row in self.rows)

    def sums(self) -> str:
        """Points, and the minutes that the rest takes."""
        stars = " (* bonus, on top)" if self.has_bonus else ""
        left = f"; the rest takes about {self.minutes_left} minutes" if self.minutes_left else ""
        return f"{self.points:g} of {self.max_points} points{stars}{left}"

    def points_from_checks(self) -> str:
        """Points in words, those of the bonus apart."""
        bonus = sum(row.points for row in self.rows if row.task.bonus)
        points = f"{self.points - bonus:g} of {self.max_points} points from the checks"
        return f"{points}, and {bonus:g} bonus points" if self.has_bonus else points

    def next_thing(self) -> str:
        """What to do now, in one sentence."""
        waiting = [row for row in self.rows if row.status != "passed"]
        waiting.sort(key=lambda row: row.task.turn)
        row = next((row for row in waiting if not row.task.bonus), None)
        empty = [row.question for row in self.questions if row.status != "answered"]
        if row is None and empty:
            more = f" ({len(empty)} are open)" if len(empty) > 1 else ""
            question = f"question {empty[0].name} in {empty[0].notebook}"
            return f"Next: answer {question} in words{more}; all tasks pass."
        if row is None and waiting:
            task = waiting[0].task
            return f"All done. If you like, the bonus task {task.id}: {task.name} in {task.where}."
        if row is None:
            return "All done, the bonus included." if self.has_bonus else "All done."
        task = row.task
        if row.status == "missing":
            fresh = f"crystalgraph lab {self.lab.id} --prepare-only"
            return f"Next: {row.message} Get a fresh copy with `{fresh}`."
        if row.status == "not checked":
            return f"Next: check task {task.id} again when this computer is less busy."
        explained = "" if task.in_notebook else f"; explained in {task.notebook}"
        verb = "correct" if row.status == "failed" else "fill in"
        return (
            f"Next: task {task.id}, {verb} {task.name} in {task.where} "
            f"(about {task.minutes} minutes{explained})."
        )

    def as_dict(self) -> dict:
        """For JSON."""
        return {
            "lab": self.lab.id,
            "folder": str(self.folder),
            "model": None if self.model is None else str(self.model),
            "passed": self.passed,
            "points": self.points,
            "max_points": self.max_points,
            "minutes_left": self.minutes_left,
            "next": self.next_thing(),
            "tasks": [row.as_dict() for row in self.rows],
            "questions": [row.as_dict() for row in self.questions],
        }

    def __repr__(self) -> str:
        from crystalgraph.course.board.rendering import text

        return text(self)

    def _repr_html_(self) -> str:
        """The board for a notebook."""
        from crystalgraph.course.board.rendering import page

        return page(self)
