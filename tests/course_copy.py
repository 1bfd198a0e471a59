"""A throw-away course folder for tests of the release and of nbgrader; hand-ins made by code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Collection
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from crystalgraph.checks.tasks import NOTEBOOKS, TASKS, Task
from crystalgraph.paths import REPO
from crystalgraph.release import STUDENT_MODEL, find_holes, stub_line, task_of

COURSE_FILES = ("model.py", STUDENT_MODEL, "pyproject.toml", "nbgrader_config.py")
COURSE_FOLDERS = ("solutions/hw", "assignments/hw", "tests/hidden_cases")


def copy_course(into: Path) -> Path:
    """What nbgrader needs of the repository, in a folder of its own."""
    for name in COURSE_FILES:
        into.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPO / name, into / name)
    for name in COURSE_FOLDERS:
        if (REPO / name).is_dir():
            ignored = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
            shutil.copytree(REPO / name, into / name, ignore=ignored)
    return into


def nbgrader(course: Path, *arguments: str, timeout: int = 900) -> subprocess.CompletedProcess:
    """The real command line, in the course's folder; stderr is in stdout."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(
        command,
        cwd=course,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )


def filled(source: str, where: str, solved: Collection[str]) -> str:
    """A source with its solutions: those of the tasks named stay, the others become stubs."""
    lines = source.split("\n")
    for hole in reversed(find_holes(source, where)):
        task = task_of(hole.function, where)
        inside = lines[hole.begin + 1 : hole.end]
        if task.id not in solved:
            begin = lines[hole.begin]
            inside = [begin[: len(begin) - len(begin.lstrip())] + stub_line(task)]
        lines[hole.begin : hole.end + 1] = inside
    return "\n".join(lines)


def hand_in(course: Path, student: str, solved: Collection[str] = ()) -> Path:
    """A student's folder submitted/<student>/hw: the release with some tasks solved.

    Args:
        course: from copy_course.
        student: the id.
        solved: task ids; everything else stays as released.

    Returns:
        The folder.
    """
    folder = course / "submitted" / student / "hw"
    shutil.copytree(course / "assignments" / "hw", folder)
    fill_in(folder, course, solved)
    return folder


def fill_in(folder: Path, course: Path, solved: Collection[str]) -> None:
    """Solve some tasks in a student's copy of the homework; the others stay as released.

    Args:
        folder: with the released files.
        course: where model.py and solutions/hw are.
        solved: task ids.
    """
    model = (course / "model.py").read_text(encoding="utf-8")
    (folder / STUDENT_MODEL).write_text(filled(model, "model.py", solved), encoding="utf-8")
    for path in sorted(folder.glob("*.ipynb")):
        solution = nbformat.read(course / "solutions" / "hw" / path.name, as_version=4)
        codes = [cell for cell in solution.cells if cell.cell_type == "code"]
        answers = {cell.id: cell.source for cell in codes if "BEGIN SOLUTION" in cell.source}
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.id in answers:
                cell.source = filled(answers[cell.id], path.name, solved)
        nbformat.write(notebook, path)


def answer(task: Task) -> str:
    """What a student writes in place of a task's stub line, not indented."""
    if task.where == STUDENT_MODEL:
        sources = [(REPO / "model.py").read_text(encoding="utf-8")]
    else:
        solution = nbformat.read(REPO / "solutions" / "hw" / task.where, as_version=4)
        sources = [cell.source for cell in solution.cells if cell.cell_type == "code"]
    ((source, hole),) = (
        (source, hole)
        for source in sources
        for hole in find_holes(source, task.where)
        if hole.function == task.name
    )
    return textwrap.dedent("\n".join(source.split("\n")[hole.begin + 1 : hole.end]))


def edit_code(path: Path, old: str, new: str) -> None:
    """Replace text in the code cells of a notebook (it must be there), or in a text file."""
    if path.suffix != ".ipynb":
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        return
    notebook = nbformat.read(path, as_version=4)
    assert any(old in cell.source for cell in notebook.cells)
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, path)


def points_of(task_ids: Collection[str]) -> float:
    """What these tasks are worth together."""
    return float(sum(TASKS[one].points for one in task_ids))


def run_hand_in_cell(
    folder: Path, student: str, notebook: str = "1", before: str = "", save: bool = True
) -> tuple[str, str]:
    """Type an id into the last cell of a notebook and run that cell in a kernel of its own.

    Args:
        folder: the student's.
        student: the id.
        notebook: its number.
        before: code to run before it.
        save: whether the notebook is saved before it is run.

    Returns:
        The error as it is shown (empty when there is none), and what was printed.
    """
    path = folder / NOTEBOOKS[notebook]
    saved = nbformat.read(path, as_version=4)
    cell = saved.cells[-1]
    cell.source = re.sub(r'student_id=".*?"', f'student_id="{student}"', cell.source)
    if save:
        nbformat.write(saved, path)
    first = [nbformat.v4.new_code_cell(before)] if before else []
    run = nbformat.v4.new_notebook(cells=[*first, cell])
    unset = ("NBGRADER_EXECUTION", "CRYSTALGRAPH_HIDDEN_CASES")
    NotebookClient(
        run,
        timeout=600,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    ).execute(env={name: value for name, value in os.environ.items() if name not in unset})
    outputs = [output for cell in run.cells for output in cell.outputs]
    errors = ["\n".join(one["traceback"]) for one in outputs if one.output_type == "error"]
    printed = [one["text"] for one in outputs if one.output_type == "stream"]
    return "\n".join(errors), "".join(printed)
