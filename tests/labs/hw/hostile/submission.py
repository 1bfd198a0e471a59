"""What a submission of the suite is, and how one is made from the homework."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hand_in_builder import HandInBuilder

from crystalgraph.grading.intake.hand_ins import HandIn
from crystalgraph.labs import LABS

HW = LABS["hw"]
MODEL_FILE = str(HW.model_file)
ALL = float(sum(task.points for task in HW.tasks.values()))
"""Points of a hand-in with every task right, the bonus included."""


@dataclass(frozen=True)
class Submission:
    """A hand-in and what the grader has to make of it.

    Attributes:
        name: short, for the table.
        tries: what it attempts, or what is special about it.
        make: makes it.
        status: of the hand-in; several with " or " between them where the system decides.
        points: that it gets; those of an honest one in its place, never more.
        tasks: statuses of the tasks it is about; empty where it is about all.
    """

    name: str
    tries: str
    make: Callable[[], HandIn]
    status: str
    points: float
    tasks: dict[str, str] = field(default_factory=dict)


def untouched() -> HandInBuilder:
    """Nothing done: what is gained from here on is not deserved."""
    return HandInBuilder(solved=())


def correct() -> HandInBuilder:
    """Everything right: what is lost from here on has to be deserved."""
    return HandInBuilder()


def without(*tasks: str) -> float:
    """Points when everything but these tasks is right."""
    return ALL - sum(HW.tasks[task].points for task in tasks)
