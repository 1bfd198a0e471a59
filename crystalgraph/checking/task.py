"""One hole that a student fills."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crystalgraph.errors import CrystalGraphError


@dataclass(frozen=True)
class Task:
    """One hole that a student fills.

    Attributes:
        id: unique in its lab.
        name: of the function or method to fill in.
        where: file that holds it: a notebook, or the lab's model file.
        notebook: in which it is explained and checked.
        points: at most.
        minutes: a student should plan for it.
        summary: one sentence.
        bonus: not needed for the full score.
        order: place among the tasks of its notebook, where that is not the order of the ids.
    """

    id: str
    name: str
    where: str
    notebook: str
    points: int
    minutes: int
    summary: str
    bonus: bool = False
    order: int = 0

    @property
    def object_name(self) -> str:
        """What is given to `points`: the function, or the class whose method is filled in."""
        return self.name.split(".")[0]

    @property
    def in_notebook(self) -> bool:
        """Whether the hole is in a notebook, not in the model file."""
        return self.where == self.notebook

    @property
    def turn(self) -> tuple[str, int, str]:
        """Sorts tasks as students meet them."""
        return self.notebook, self.order, self.id


def by_id(tasks: Iterable[Task]) -> dict[str, Task]:
    """Tasks by their ids.

    Raises:
        CrystalGraphError: two have the same id.
    """
    found: dict[str, Task] = {}
    for task in tasks:
        if task.id in found:
            names = f"{found[task.id].name} and {task.name}"
            raise CrystalGraphError(f"{names} are both task {task.id}: give one of them another id")
        found[task.id] = task
    return found
