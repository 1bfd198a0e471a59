"""Whether a lab's table, its notebooks and its checks agree: what one edit leaves to be done.

An instructor renames a lab, drops a notebook, changes points or adds a task in one place. Each
function here says in one sentence what else has to follow.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import nbformat

from crystalgraph.checking.task import Task
from crystalgraph.labs.lab import Lab, Question
from crystalgraph.releasing.holes import ReleaseError, tasks_file


def check_names(labs: Sequence[Lab]) -> None:
    """Raise ReleaseError when two labs share a name or a model file."""
    for number, lab in enumerate(labs):
        for other in labs[:number]:
            if {lab.id, lab.folder} & {other.id, other.folder}:
                raise ReleaseError(
                    f"the labs in crystalgraph/labs/{other.folder} and {lab.folder} share the name "
                    f"{lab.id!r}: give one of them another id in its __init__.py"
                )
            if lab.model_file is not None and lab.model_file == other.model_file:
                raise ReleaseError(
                    f"the labs {other.id} and {lab.id} both hand out {lab.model_file}: rename one "
                    f"in {tasks_file(lab)}"
                )


def check_lab(lab: Lab, root: Path) -> None:
    """Compare a lab's table with its solution notebooks and its checks.

    Args:
        lab: in question.
        root: the course's folder.

    Raises:
        ReleaseError: they disagree.
    """
    _check_folder(lab, root)
    _check_notebooks(lab, root)
    _check_tasks(lab)
    for task in lab.tasks.values():
        _compare_with_check(lab, task)
        _compare_with_texts(lab, root, task)
    for question in lab.questions:
        _compare_with_texts(lab, root, question)


# --- folders and files ---------------------------------------------------------------------------


def _check_folder(lab: Lab, root: Path) -> None:
    if lab.solutions(root).is_dir():
        return
    others = [path.name for path in sorted((root / "solutions").glob("*/")) if path.is_dir()]
    old = lab.folder if lab.folder in others else next(iter(others), None)
    cure = f"rename solutions/{old} to it" if old else "put the lab's notebooks there"
    raise ReleaseError(
        f"there is no folder solutions/{lab.id}, and {lab.id!r} is the lab's id in "
        f"crystalgraph/labs/{lab.folder}/__init__.py: {cure}"
    )


def _check_notebooks(lab: Lab, root: Path) -> None:
    """The notebooks of the table, of tasks and questions, and of the folder are the same."""
    listed = set(lab.notebooks.values())
    present = {path.name for path in lab.solutions(root).glob("*.ipynb")}
    named = {task.notebook: "" for task in lab.tasks.values()}
    named |= {question.notebook: "" for question in lab.questions}
    for name in sorted(named.keys() - listed):
        also = f" and take away solutions/{lab.id}/{name}" if name in present else ""
        raise ReleaseError(
            f"{_things_in(lab, name)} belong to {name}, which is not in NOTEBOOKS of "
            f"{tasks_file(lab)}: add it there, or take them out of that file{also}"
        )
    for name in sorted(listed - present):
        raise ReleaseError(
            f"there is no solutions/{lab.id}/{name}: put it there, or take it out of NOTEBOOKS in "
            f"{tasks_file(lab)}"
        )
    for name in sorted(present - listed):
        raise ReleaseError(
            f"solutions/{lab.id}/{name} is not in NOTEBOOKS of {tasks_file(lab)}: take the file "
            "away, or add it there"
        )


def _things_in(lab: Lab, notebook: str) -> str:
    """The tasks and questions of a notebook, in words."""
    tasks = [task.id for task in lab.tasks.values() if task.notebook == notebook]
    questions = [one.name for one in lab.questions if one.notebook == notebook]
    parts = [f"tasks {', '.join(tasks)}"] if tasks else []
    parts += [f"questions {', '.join(questions)}"] if questions else []
    return " and ".join(parts)


def _check_tasks(lab: Lab) -> None:
    """Every task is in a file that is handed out, and no function belongs to two tasks."""
    functions: dict[str, str] = {}
    for task in lab.tasks.values():
        if task.where not in (task.notebook, lab.model_file):
            raise ReleaseError(
                f"task {task.id} is written in {task.where}, which is neither its notebook nor the "
                f"lab's model file: correct {tasks_file(lab)}"
            )
        if task.name in functions:
            raise ReleaseError(
                f"tasks {functions[task.name]} and {task.id} are both written in {task.name}: "
                f"correct {tasks_file(lab)}"
            )
        functions[task.name] = task.id


# --- checks and points ---------------------------------------------------------------------------


def _compare_with_check(lab: Lab, task: Task) -> None:
    """The task has a check, which can name a mistake and gives exactly the task's points."""
    folder = f"crystalgraph/labs/{lab.folder}"
    try:
        lab.checks  # noqa: B018  (they are imported here)
    except KeyError as error:  # of a table that is looked up when they are imported
        raise ReleaseError(
            f"the checks in {folder}/checks ask for advice on {error}, and {folder}/advice.py has "
            "none: add it there"
        ) from error
    if task.id not in lab.checks:
        raise ReleaseError(
            f"task {task.id} ({task.name}) has no check: write one in {folder}/checks, and add it "
            "to CHECKS there"
        )
    check = lab.checks[task.id]
    if not check.advice:
        raise ReleaseError(
            f"the check of task {task.id} has no advice: name its known mistakes in "
            f"{folder}/advice.py, and give the check advice=MISTAKES[{task.id!r}]"
        )
    cases = lab.cases(task.id)
    differing = {case.name for case in cases} ^ check.describe.keys()
    if cases and check.describe and differing:
        raise ReleaseError(
            f"the case maker of task {task.id} and the descriptions in its check name different "
            f"cases ({', '.join(sorted(differing))}): correct {folder}/checks or the case maker"
        )
    for case in cases:
        for mistake in case.wrong:
            if mistake not in check.advice:
                raise ReleaseError(
                    f"the check of task {task.id} has no advice on the mistake {mistake!r}: add it "
                    f"to {folder}/advice.py"
                )
    total = sum(step.points for step in check.steps)
    if not math.isclose(total, task.points):
        raise ReleaseError(
            f"task {task.id} is worth {task.points} points in {tasks_file(lab)}, and the steps of "
            f"its check add up to {total:g}: change them in {folder}/checks"
        )


def _compare_with_texts(lab: Lab, root: Path, what: Task | Question) -> None:
    """The texts of the notebooks give the same points and minutes as the table."""
    path = lab.solutions(root) / what.notebook
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "markdown":
            continue
        for unit, number in numbers_said(cell.source, what):
            expected = getattr(what, unit, number)
            if number != expected:
                raise ReleaseError(
                    f"{path.name}, cell {cell.get('id')} says {number} {unit} for {_title(what)}, "
                    f"and {tasks_file(lab)} says {expected}: correct one of them"
                )


def _title(what: Task | Question) -> str:
    return f"task {what.id}" if isinstance(what, Task) else f"question {what.name}"


def numbers_said(text: str, what: Task | Question) -> Iterator[tuple[str, int]]:
    """The points and minutes that a text gives for a task or question.

    Args:
        text: Markdown; its headings, "(4 points, 10 minutes)", and tables are looked at.
        what: the task or question.

    Yields:
        "points" or "minutes", and the number.
    """
    number = what.id if isinstance(what, Task) else what.name.removeprefix("q")
    before = "Task " if isinstance(what, Task) else "(?:Question |q)"
    heading = rf"^#+ .*\b{before}{re.escape(number)}(?![.\w]*\d).*\(([^()]*)\)\s*$"
    for said in re.findall(heading, text, re.M):
        for value, unit in re.findall(r"(\d+) (point|minute)", said):
            yield f"{unit}s", int(value)
    if isinstance(what, Task):
        for row in _table_rows(text.splitlines()):
            if any(cell.split(" ")[0].rstrip(":") == what.id for cell in row.values()):
                yield from (
                    (unit, int(row[unit]))
                    for unit in ("points", "minutes")
                    if row.get(unit, "").isdecimal()
                )


def _table_rows(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """The rows of the tables in a Markdown text: column -> cell."""
    columns: list[str] = []
    for line in lines:
        if not line.startswith("|"):
            columns = []
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not columns:
            columns = cells
        elif len(cells) == len(columns):
            yield dict(zip(columns, cells, strict=True))
