"""The page of all tasks: what a student does, where, and for how many points."""

from __future__ import annotations

from collections.abc import Iterable

from crystalgraph.checking.task import Task
from crystalgraph.labs.lab import Lab

_HEAD = """\
# Tasks

Written by `crystalgraph release`.
"""


def task_table(labs: Iterable[Lab]) -> str:
    """All tasks of some labs, as Markdown.

    Args:
        labs: in the order of the course.

    Returns:
        The page docs/tasks.md.
    """
    return "\n".join([_HEAD, *(_section(lab) for lab in labs)])


def _section(lab: Lab) -> str:
    lines = [
        f"## {lab.title}",
        "",
        f"Assignment `{lab.id}`. These tasks are checked automatically:",
        "",
        "| task | function | where | points | minutes | what |",
        "|---|---|---|---|---|---|",
        *(_row(task) for task in lab.tasks.values()),
        "",
        _totals(lab),
        "",
    ]
    return "\n".join(lines)


def _row(task: Task) -> str:
    bonus = " (bonus)" if task.bonus else ""
    cells = (task.id, f"`{task.name}`{bonus}", task.where, task.points, task.minutes, task.summary)
    return "| " + " | ".join(map(str, cells)) + " |"


def _totals(lab: Lab) -> str:
    """Points of tasks and questions, the bonus, and the minutes of what is no bonus."""
    bonus = sum(task.points for task in lab.tasks.values() if task.bonus)
    minutes = sum(task.minutes for task in lab.tasks.values() if not task.bonus)
    parts = f"{lab.max_points} for the tasks"
    if lab.questions:
        parts += f" and {lab.written_points} for {len(lab.questions)} questions answered in words"
    more = f" The bonus gives up to {bonus} more." if bonus else ""
    return (
        f"Together {lab.total_points} points: {parts}.{more} "
        f"The tasks take about {minutes} minutes."
    )
