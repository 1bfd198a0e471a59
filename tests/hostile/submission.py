"""What a submission of the suite is, and how one is made from the homework."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cache

import course_copy
import nbformat

from crystalgraph.checks.tasks import MODEL_FILE, TASKS
from crystalgraph.grading.hand_ins import HandIn
from crystalgraph.hand_in import FILES
from crystalgraph.paths import REPO

ALL = float(sum(task.points for task in TASKS.values()))
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
        tasks: statuses of the tasks it is about.
    """

    name: str
    tries: str
    make: Callable[[], HandIn]
    status: str
    points: float
    tasks: dict[str, str] = field(default_factory=dict)


class Work:
    """A student's files, to be spoiled.

    Args:
        solved: ids of tasks that are right; the others are as they were handed out.
    """

    def __init__(self, solved: Collection[str] = ()) -> None:
        self.files = dict(_homework(tuple(solved)))

    def model(self, code: str) -> Work:
        """Add code at the end of model_hw.py."""
        self.files[MODEL_FILE] += b"\n\n" + code.encode()
        return self

    def cell(self, task: str, code: str) -> Work:
        """Put code in place of what the cell of a task holds."""
        notebook = nbformat.reads(self.files[TASKS[task].where].decode(), as_version=4)
        begin = f"def {TASKS[task].name}("
        (cell,) = (c for c in notebook.cells if c.cell_type == "code" and begin in c.source)
        cell.source = code
        self.files[TASKS[task].where] = nbformat.writes(notebook).encode()
        return self

    def raw(self, name: str, change: Callable[[dict], object]) -> Work:
        """Change the JSON of a notebook."""
        notebook = json.loads(self.files[name])
        change(notebook)
        self.files[name] = json.dumps(notebook).encode()
        return self

    def hand_in(self, student: str = "s001") -> HandIn:
        """As the grader gets it."""
        return HandIn(student, f"hw_{student}.zip", dict(self.files))


@cache
def _homework(solved: tuple[str, ...]) -> dict[str, bytes]:
    files = {}
    model = (REPO / "model.py").read_text(encoding="utf-8")
    files[MODEL_FILE] = course_copy.filled(model, "model.py", solved).encode()
    for name in FILES:
        if name == MODEL_FILE:
            continue
        source = nbformat.read(REPO / "solutions" / "hw" / name, as_version=4)
        answers = {c.id: c.source for c in source.cells if "BEGIN SOLUTION" in c.source}
        notebook = nbformat.read(REPO / "assignments" / "hw" / name, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code" and cell.id in answers:
                cell.source = course_copy.filled(answers[cell.id], name, solved)
        files[name] = nbformat.writes(notebook).encode()
    return files


def untouched() -> Work:
    """Nothing done: what is gained from here on is not deserved."""
    return Work()


def correct() -> Work:
    """Everything right: what is lost from here on has to be deserved."""
    return Work(tuple(TASKS))


def without(*tasks: str) -> float:
    """Points when everything but these tasks is right."""
    return ALL - sum(TASKS[task].points for task in tasks)
