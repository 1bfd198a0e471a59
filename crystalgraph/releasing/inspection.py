"""A released folder as a stranger sees it: complete, clean, and nothing of the solution in it."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from crystalgraph.labs.lab import Lab
from crystalgraph.releasing.holes import POINTS_CALL, ReleaseError, stub_line, tasks_file
from crystalgraph.releasing.leaks import check_file, secret_lines

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg")


def check_release(lab: Lab, root: Path, release: Path) -> None:
    """Look at a released folder as a stranger would.

    Args:
        lab: that was released.
        root: the course's folder: references, solutions/.
        release: the folder with what students get.

    Raises:
        ReleaseError: something is missing, or something is there that should not be.
    """
    files = [path for path in sorted(release.rglob("*")) if path.is_file()]
    names = {path.relative_to(release).as_posix() for path in files}
    if missing := sorted(set(lab.files) - names):
        raise ReleaseError(
            f"the release {release} lacks {', '.join(missing)}: run `crystalgraph release`"
        )
    secrets = secret_lines(lab, root)
    for path in files:
        if path.relative_to(release).as_posix() in lab.files:
            check_file(path, secrets)
        elif path.suffix not in PICTURES:
            raise ReleaseError(
                f"{path.name} would be released as it is: take it out of solutions/{lab.id} "
                "(notebooks and pictures belong there, nothing else)"
            )
    for name in lab.notebooks.values():
        check_notebook(lab, nbformat.read(release / name, as_version=4), name)


def check_notebook(lab: Lab, notebook: NotebookNode, name: str) -> None:
    """Outputs, ids, checks and holes of one released notebook.

    Raises:
        ReleaseError: one of them is not as it should be.
    """
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise ReleaseError(f"{name} is not a valid notebook: {error}") from error
    cell_ids = [cell.id for cell in notebook.cells]
    grade_ids = [_settings(cell).get("grade_id") for cell in notebook.cells]
    for ids in (cell_ids, [one for one in grade_ids if one]):
        if repeated := sorted({one for one in ids if ids.count(one) > 1}):
            raise ReleaseError(f"{name}: the id {repeated[0]!r} is there twice: rename one")
    for cell in notebook.cells:
        if cell.get("outputs") or cell.get("execution_count"):
            raise ReleaseError(
                f"{name}, cell {cell.id}: it still has its output; run `crystalgraph release`"
            )
    _check_tasks(lab, notebook, name)
    _check_questions(lab, notebook, name)


def _settings(cell: NotebookNode) -> dict:
    """nbgrader's metadata of a cell; empty where there is none."""
    return cell.metadata.get("nbgrader", {})


def _check_tasks(lab: Lab, notebook: NotebookNode, name: str) -> None:
    """Every grade cell checks a task, and every task of the notebook has one stub and one check."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    called = [POINTS_CALL.findall(cell.source) for cell in code if _settings(cell).get("grade")]
    for cell, ids in zip([c for c in code if _settings(c).get("grade")], called, strict=True):
        if len(ids) != 1 or ids[0] not in lab.tasks:
            raise ReleaseError(
                f"{name}, cell {cell.id}: a grade cell calls points(...) once, with a task's id"
            )
    for task in lab.tasks.values():
        if task.notebook != name:
            continue
        stubs = sum(stub_line(task) in cell.source for cell in code)
        checks = called.count([task.id])
        if checks != 1 or stubs != task.in_notebook:
            raise ReleaseError(
                f"{name}: task {task.id} ({task.name}) has {stubs} stubs and {checks} checks; give "
                f"it {int(task.in_notebook)} and 1 in solutions/{lab.id}"
            )


def _check_questions(lab: Lab, notebook: NotebookNode, name: str) -> None:
    """The cells for answers in words are those of the table of questions."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    found = {_settings(cell)["grade_id"] for cell in cells if _settings(cell).get("grade")}
    expected = {question.id for question in lab.questions if question.notebook == name}
    for one in sorted(found ^ expected):
        where, lacking = ("notebook", "table") if one in found else ("table", "notebook")
        raise ReleaseError(
            f"{name}: the question {one} is in the {where} and not in the {lacking}: correct the "
            f"cell's grade_id or QUESTIONS in {tasks_file(lab)}"
        )
