"""What grading one hand-in gives: a status, points for each task, and what was seen."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from crystalgraph.grading.intake.wording import readable
from crystalgraph.labs.lab import Lab

if TYPE_CHECKING:
    from crystalgraph.grading.intake.hand_ins import HandIn


class Status(StrEnum):
    """What became of a task, or of a hand-in."""

    OK = "OK"
    PARTIAL = "PARTIAL"
    WRONG = "WRONG"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    IMPORT_ERROR = "IMPORT_ERROR"
    TIMEOUT = "TIMEOUT"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    CRASHED = "CRASHED"
    BAD_NOTEBOOK = "BAD_NOTEBOOK"
    MISSING_FILE = "MISSING_FILE"
    TAMPERED = "TAMPERED"
    GRADER_BUSY = "GRADER_BUSY"
    INTERNAL_ERROR = "INTERNAL_ERROR"

    @property
    def is_ours(self) -> bool:
        """Whether the grader could not judge. That is no zero, and `--resume` tries again."""
        return self in (Status.INTERNAL_ERROR, Status.GRADER_BUSY)


TO_LOOK_AT = (
    Status.INTERNAL_ERROR,
    Status.GRADER_BUSY,
    Status.TAMPERED,
    Status.BAD_NOTEBOOK,
    Status.MISSING_FILE,
    Status.CRASHED,
    Status.OUT_OF_MEMORY,
    Status.TIMEOUT,
    Status.IMPORT_ERROR,
)
"""Statuses of a task that become the hand-in's, the gravest first."""


@dataclass(frozen=True)
class TaskResult:
    """One task of a hand-in.

    Attributes:
        task: its id.
        status: what became of it.
        points: awarded.
        step: part of the check that failed.
        message: what was seen and the likely mistake, for the student.
        cause: short name of the mistake, when it is a known one.
        expected: in words, what a right answer gives.
        max_points: of a right answer.
        bonus: not needed for the full score.
    """

    task: str
    status: Status
    points: float = 0.0
    step: str = ""
    message: str = ""
    cause: str = ""
    expected: str = ""
    max_points: float = 0.0
    bonus: bool = False

    TEXTS: ClassVar = ("step", "message", "cause", "expected")


@dataclass(frozen=True)
class Result:
    """One hand-in, graded.

    Attributes:
        student: the id.
        assignment: the lab's id.
        fingerprint: of what was handed in (HandIn.fingerprint).
        tasks: one for each task of the lab, in their order.
        submitted: when it was handed in, ISO 8601 with time zone; empty when not known.
        source: what was handed in, for people: "ps1_s001.zip".
        seen: sentences on the hand-in as a whole, for the instructor.
        repairs: sentences on what was put right in it.
        seconds: that grading took.
        late: how late it came, in words; empty when it came in time.
    """

    student: str
    assignment: str
    fingerprint: str
    tasks: tuple[TaskResult, ...]
    submitted: str = ""
    source: str = ""
    seen: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    seconds: float = 0.0
    late: str = ""

    @classmethod
    def of(
        cls,
        hand_in: HandIn,
        lab: Lab,
        tasks: Iterable[TaskResult],
        seen: Iterable[str] = (),
        repairs: Iterable[str] = (),
        seconds: float = 0.0,
    ) -> Result:
        """The result of a hand-in, with what each task is worth in its lab.

        Texts come from strangers' code: what acts or cannot be written is taken out of them here.

        Args:
            hand_in: what was graded.
            lab: that it belongs to.
            tasks: one for each of the lab's, in their order.
            seen: sentences on the hand-in as a whole, for the instructor.
            repairs: sentences on what was put right in it.
            seconds: that grading took.
        """
        tasks = [
            replace(one, **{name: readable(getattr(one, name)) for name in TaskResult.TEXTS})
            for one in tasks
        ]
        worth = {task.id: (float(task.points), task.bonus) for task in lab.tasks.values()}
        known = [
            replace(one, max_points=worth[one.task][0], bonus=worth[one.task][1]) for one in tasks
        ]
        return cls(
            hand_in.student,
            lab.id,
            hand_in.fingerprint,
            tuple(known),
            hand_in.submitted.isoformat() if hand_in.submitted else "",
            hand_in.source,
            tuple(map(readable, seen)),
            tuple(map(readable, repairs)),
            round(seconds, 2),
        )

    def fits(self, lab: Lab) -> bool:
        """Whether it has the lab's tasks, with what they are worth now."""
        own = [(one.task, one.max_points, one.bonus) for one in self.tasks]
        return own == [(task.id, task.points, task.bonus) for task in lab.tasks.values()]

    @property
    def status(self) -> Status:
        """One word for the hand-in: the gravest thing seen, else how far it came."""
        found = {task.status for task in self.tasks}
        grave = next((status for status in TO_LOOK_AT if status in found), None)
        if grave is not None:
            return grave
        needed = {task.status for task in self.tasks if not task.bonus}
        if needed == {Status.OK}:
            return Status.OK
        if self.points > 0:
            return Status.PARTIAL
        return Status.NOT_IMPLEMENTED if found == {Status.NOT_IMPLEMENTED} else Status.WRONG

    @property
    def points(self) -> float:
        """Sum over all tasks, bonus included."""
        return sum(task.points for task in self.tasks)

    @property
    def max_points(self) -> float:
        """Sum over the tasks that are no bonus."""
        return sum(task.max_points for task in self.tasks if not task.bonus)

    def to_json(self) -> str:
        """The result as text; status and points are repeated for people and other programs."""
        totals = {"status": self.status, "points": self.points, "max_points": self.max_points}
        return json.dumps(totals | asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Read what to_json wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            known = json.loads(text)
            for derived in ("status", "points", "max_points"):
                known.pop(derived)
            tasks = [
                TaskResult(**(task | {"status": Status(task["status"])}))
                for task in known.pop("tasks")
            ]
            known |= {name: tuple(known[name]) for name in ("seen", "repairs")}
            return cls(**known, tasks=tuple(tasks))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no result of the grader: {error!r}") from error
