"""Right answers as people write them into notebooks: magics, tables, loops, helpers, odd results.

tests/data/notebook_styles.txt has them: a line `## TASK NAME` for each, then its cells, those above
the task's cell, that cell (missing where the stub stays), those between it and the check, and those
after the check. `hand_ins` puts them into as few hand-ins as possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from hand_in_builder import HandInBuilder

from crystalgraph.checking.task import Task

FILE = Path(__file__).parents[1] / "data" / "notebook_styles.txt"


@dataclass(frozen=True)
class Style:
    """A right answer in one style.

    Attributes:
        name: what is special about it.
        task: that it answers.
        cell: what stands in the task's cell; None leaves the stub as it was handed out.
        above: cells before it.
        below: cells between it and the check.
        after: cells behind the check.
        points: that it gets; None for all.
    """

    name: str
    task: str
    cell: str | None
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    points: float | None = None


def _read(text: str) -> Style:
    """A style from its part of the file: a heading, then cells."""
    heading, *parts = re.split(r"^\[(above|cell|below|after)\]\n", text, flags=re.M)
    task, name, points = re.fullmatch(r"(\S+) (.*?)(?: \((\d+) points\))?\n", heading).groups()
    cells: dict[str, list[str]] = {"above": [], "cell": [], "below": [], "after": []}
    for where, source in zip(parts[::2], parts[1::2], strict=True):
        cells[where].append(source.rstrip())
    own = cells.pop("cell") or [None]
    around = {where: tuple(sources) for where, sources in cells.items()}
    return Style(name, task, own[0], **around, points=None if points is None else float(points))


STYLES = tuple(map(_read, FILE.read_text(encoding="utf-8").split("## ")[1:]))


def hand_ins(styles: Iterable[Style] = STYLES) -> list[tuple[HandInBuilder, list[Style]]]:
    """Hand-ins with all of the styles in them, one for a task; what is left is solved.

    Args:
        styles: to put in.

    Returns:
        The hand-ins, each with the styles in it.
    """
    made: list[tuple[HandInBuilder, list[Style]]] = []
    for style in styles:
        free = [one for one in made if style.task not in {other.task for other in one[1]}]
        if not free:
            free = [(HandInBuilder(), [])]
            made += free
        work, inside = free[0]
        inside.append(style)
        write(work, style)
    return made


def write(work: HandInBuilder, style: Style) -> None:
    """Write a style into a hand-in."""
    task = work.lab.tasks[style.task]
    source = HandInBuilder(solved=()).source_of(style.task) if style.cell is None else style.cell
    work.json(task.where, lambda notebook: _insert(notebook, task, style, source))


def _insert(notebook: dict, task: Task, style: Style, source: str) -> None:
    cells = notebook["cells"]

    def place(grade_id: str) -> int:
        known = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in cells]
        return known.index(f"{grade_id}_{task.id.replace('.', '_')}")

    def new(sources: Iterable[str]) -> list[dict]:
        return [nbformat.v4.new_code_cell(one) for one in sources]

    cells[place("task")]["source"] = source
    cells[place("task") : place("task")] = new(style.above)
    cells[place("task") + 1 : place("task") + 1] = new(style.below)
    cells[place("check") + 1 : place("check") + 1] = new(style.after)
