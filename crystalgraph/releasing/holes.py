"""From solutions to stubs: each solution region becomes a hole for the student to fill.

`### BEGIN SOLUTION` and `### END SOLUTION` enclose what a student has to write, in a lab's
reference file and in its notebooks in solutions/. Each such region becomes one line,

    raise NotImplementedError("Task ID: fill in ConvLayer.forward in FILE")

with the task's id, which the task table knows by the name of the function around the region.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from crystalgraph.checking.task import Task
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.lab import Lab

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
DEFINITION = re.compile(r"(\s*)(def|class)\s+(\w+)")
POINTS_CALL = re.compile(r"""^points\(\s*["']([\w.]+)["']""", re.M)


class ReleaseError(CrystalGraphError):
    """The release cannot be made, or would give something away."""


@dataclass(frozen=True)
class Hole:
    """One solution region: its marker lines (counted from 0) and the function it is in."""

    begin: int
    end: int
    function: str


def find_regions(source: str, where: str) -> list[tuple[int, int]]:
    """The lines (counted from 0) of each pair of markers in a text, in order.

    Args:
        source: a Python file or a notebook cell, code or text.
        where: named in errors.

    Raises:
        ReleaseError: a marker without its partner.
    """
    regions: list[tuple[int, int]] = []
    begin: int | None = None
    for number, line in enumerate(source.split("\n")):
        opens, closes = "BEGIN SOLUTION" in line, "END SOLUTION" in line
        if not (opens or closes):
            continue
        if line.strip() != (BEGIN if opens else END) or opens != (begin is None):
            raise ReleaseError(
                f"{where}, line {number + 1}: {line.strip()!r} does not fit: each {BEGIN!r} "
                f"needs one {END!r} below it, each alone on its line"
            )
        if begin is None:
            begin = number
        else:
            regions.append((begin, number))
            begin = None
    if begin is not None:
        raise ReleaseError(f"{where}, line {begin + 1}: {BEGIN!r} without {END!r}")
    return regions


def find_holes(source: str, where: str) -> list[Hole]:
    """The solution regions of a Python source (magics do no harm), with their functions.

    Raises:
        ReleaseError: a marker without its partner, or a region outside of a function.
    """
    lines = source.split("\n")
    return [
        Hole(begin, end, enclosing_function(lines, begin, where))
        for begin, end in find_regions(source, where)
    ]


def enclosing_function(lines: list[str], number: int, where: str) -> str:
    """The function around a line, with its class: "ConvLayer.forward"; found by indentation."""
    names: list[str] = []
    indent = len(_indent(lines[number]))
    for line in reversed(lines[:number]):
        found = DEFINITION.match(line)
        if found and len(found[1]) < indent:
            names.insert(0, found[3])
            indent = len(found[1])
    if not names:
        raise ReleaseError(
            f"{where}, line {number + 1}: the solution is not inside a function; put the lines "
            "BEGIN SOLUTION and END SOLUTION into the body of one"
        )
    return ".".join(names)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def task_of(lab: Lab, function: str, where: str) -> Task:
    """The task whose hole is in a function.

    Raises:
        ReleaseError: the lab's task table has no such function.
    """
    for task in lab.tasks.values():
        if task.name == function:
            return task
    raise ReleaseError(
        f"{where}: the solution in {function} belongs to no task: give it one in "
        f"{tasks_file(lab)}, or take its markers away"
    )


def tasks_file(lab: Lab) -> str:
    """Where a lab's task table is, in the course's folder."""
    return f"crystalgraph/labs/{lab.folder}/tasks.py"


def stub_line(task: Task) -> str:
    """What stands in a hole."""
    place = "" if task.in_notebook else f" in {task.where}"
    return f'raise NotImplementedError("Task {task.id}: fill in {task.name}{place}")'


def clear_holes(lab: Lab, source: str, where: str) -> str:
    """The source with each solution region replaced by its stub line."""
    lines = source.split("\n")
    for hole in reversed(find_holes(source, where)):
        stub = _indent(lines[hole.begin]) + stub_line(task_of(lab, hole.function, where))
        lines[hole.begin : hole.end + 1] = [stub]
    return "\n".join(lines)


def make_model_file(lab: Lab, root: Path) -> str:
    """The text of the file that students fill in, from the lab's reference in the course's folder.

    Args:
        lab: one with a model file.
        root: the course's folder.

    Raises:
        ReleaseError: there is no reference, or its regions are not those of the task table.
    """
    name = lab.reference
    if name is None or not (root / name).is_file():
        raise ReleaseError(f"there is no {root / (name or '?')}: {lab.model_file} is made from it")
    source = (root / name).read_text(encoding="utf-8")
    found = [hole.function for hole in find_holes(source, name)]
    expected = [task.name for task in lab.tasks.values() if task.where == lab.model_file]
    for function in sorted({*found, *expected}):
        if found.count(function) != expected.count(function):
            raise ReleaseError(
                f"{name}: {function} has {found.count(function)} solution regions, and the task "
                f"table expects {expected.count(function)}: correct the markers or "
                f"{tasks_file(lab)}"
            )
    return clear_holes(lab, source, name)
