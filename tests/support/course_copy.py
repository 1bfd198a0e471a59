"""A throw-away course folder for tests of the release and of nbgrader; hand-ins made by code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Collection, Iterable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from python_path import python_path

from crystalgraph.checking.task import Task
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import HIDDEN, Lab
from crystalgraph.paths import REPO
from crystalgraph.releasing.holes import find_holes, stub_line, task_of

COURSE_FILES = (
    *("pyproject.toml", "nbgrader_config.py", "docs/tasks.md"),
    "docs/for_students/README.md",
)
FIRST_LAB = next(iter(LABS.values()))


def copy_course(into: Path) -> Path:
    """What nbgrader needs of the repository, in a folder of its own."""
    for name in (*COURSE_FILES, *files_of_labs()):
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPO / name, into / name)
    for lab in LABS.values():
        for folder in (lab.solutions(), lab.release()):
            ignored = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
            shutil.copytree(folder, into / folder.relative_to(REPO), ignore=ignored)
    return into


def copy_package(into: Path) -> Path:
    """A copy of the course with its library, to be edited; the data are a link."""
    copy_course(into)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(
        REPO / "crystalgraph", into / "crystalgraph", ignore=ignored, dirs_exist_ok=True
    )
    (into / "data").symlink_to(REPO / "data")
    return into


def set_addresses(course: Path) -> None:
    """Write addresses into a course as its instructor does, and release the notebooks with them."""
    edit_code(course / "pyproject.toml", "YOUR-COURSE/", "physics-101/")
    for lab in LABS.values():
        for name in lab.notebooks.values():
            edit_code(lab.release(course) / name, "YOUR-COURSE/", "physics-101/")


def files_of_labs() -> list[str]:
    """The references and the model files of all labs."""
    names = [name for lab in LABS.values() for name in (lab.reference, lab.model_file)]
    return [name for name in names if name is not None]


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


def crystalgraph(course: Path, *arguments: str, timeout: int = 600) -> subprocess.CompletedProcess:
    """The command line of the copy's own library, from copy_package; stderr is in stdout."""
    return subprocess.run(
        [sys.executable, "-m", "crystalgraph", *arguments],
        cwd=course,
        env=os.environ | {"PYTHONPATH": python_path(course)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )


def filled(source: str, where: str, solved: Collection[str], lab: Lab = FIRST_LAB) -> str:
    """A source with its solutions: those of the tasks named stay, the others become stubs."""
    lines = source.split("\n")
    for hole in reversed(find_holes(source, where)):
        task = task_of(lab, hole.function, where)
        inside = lines[hole.begin + 1 : hole.end]
        if task.id not in solved:
            begin = lines[hole.begin]
            inside = [begin[: len(begin) - len(begin.lstrip())] + stub_line(task)]
        lines[hole.begin : hole.end + 1] = inside
    return "\n".join(lines)


def hand_in(course: Path, student: str, solved: Collection[str] = (), lab: Lab = FIRST_LAB) -> Path:
    """A student's folder submitted/<student>/<lab>: the release with some tasks solved.

    Args:
        course: from copy_course.
        student: the id.
        solved: task ids; everything else stays as released.
        lab: whose release it is.

    Returns:
        The folder.
    """
    folder = course / "submitted" / student / lab.id
    shutil.copytree(lab.release(course), folder)
    fill_in(folder, course, solved, lab)
    return folder


def fill_in(folder: Path, course: Path, solved: Collection[str], lab: Lab = FIRST_LAB) -> None:
    """Solve some tasks in a student's copy of a lab; the others stay as released.

    Args:
        folder: with the released files.
        course: where the solutions are.
        solved: task ids.
        lab: that was released.
    """
    if lab.model_file is not None:
        reference = (course / str(lab.reference)).read_text(encoding="utf-8")
        text = filled(reference, str(lab.reference), solved, lab)
        (folder / lab.model_file).write_text(text, encoding="utf-8")
    for path in sorted(folder.glob("*.ipynb")):
        solution = nbformat.read(lab.solutions(course) / path.name, as_version=4)
        codes = [cell for cell in solution.cells if cell.cell_type == "code"]
        answers = {cell.id: cell.source for cell in codes if "BEGIN SOLUTION" in cell.source}
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.id in answers:
                cell.source = filled(answers[cell.id], path.name, solved, lab)
        nbformat.write(notebook, path)


def answer(task: Task, lab: Lab = FIRST_LAB) -> str:
    """What a student writes in place of a task's stub line, not indented."""
    if task.in_notebook:
        solution = nbformat.read(lab.solutions() / task.where, as_version=4)
        sources = [cell.source for cell in solution.cells if cell.cell_type == "code"]
    else:
        sources = [(REPO / str(lab.reference)).read_text(encoding="utf-8")]
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


def points_of(task_ids: Iterable[str], lab: Lab = FIRST_LAB) -> float:
    """What these tasks are worth together."""
    return float(sum(lab.task(one).points for one in task_ids))


def run_hand_in_cell(
    folder: Path,
    student: str,
    notebook: str = "1",
    before: str = "",
    save: bool = True,
    lab: Lab = FIRST_LAB,
) -> tuple[str, str]:
    """Type an id into the last cell of a notebook and run that cell in a kernel of its own.

    Args:
        folder: the student's.
        student: the id.
        notebook: its number.
        before: code to run before it.
        save: whether the notebook is saved before it is run.
        lab: that the notebook is of.

    Returns:
        The error as it is shown (empty when there is none), and what was printed.
    """
    path = folder / lab.notebooks[notebook]
    saved = nbformat.read(path, as_version=4)
    cell = saved.cells[-1]
    cell.source = re.sub(r'student_id=".*?"', f'student_id="{student}"', cell.source)
    if save:
        nbformat.write(saved, path)
    first = [nbformat.v4.new_code_cell(before)] if before else []
    run = nbformat.v4.new_notebook(cells=[*first, cell])
    unset = ("NBGRADER_EXECUTION", HIDDEN)
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
