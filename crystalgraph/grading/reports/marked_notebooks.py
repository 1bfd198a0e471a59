"""Notebooks as formgrader shows them: the student's work, our report under each check."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import compute_checksum

from crystalgraph.grading.reports.pages import WORDS, clean
from crystalgraph.grading.result import Result, TaskResult
from crystalgraph.labs.lab import Lab
from crystalgraph.releasing.nbgrader_plugins import KERNEL


def marked(
    notebook: Mapping,
    result: Result,
    lab: Lab,
    released: Collection[str],
    checks: Mapping[str, str],
) -> NotebookNode:
    """A notebook put in order with the report of each task under its check.

    Other cells keep the pictures and texts that they showed when the notebook was handed in:
    rubrics of the written answers refer to them. They are the student's word.

    Args:
        notebook: from read_answers; its texts and outputs have gone through the sanitizer.
        result: of the hand-in.
        lab: that it belongs to.
        released: nbgrader's names of the cells that were handed out.
        checks: those of the checks -> task id.
    """
    graded = {task.task: task for task in result.tasks}
    shown = cast("NotebookNode", nbformat.from_dict(dict(notebook)))
    shown.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})
    left = set(released)
    for cell in shown.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name not in left:  # a cell of the student's own, whatever it says of itself
            cell.metadata = NotebookNode()
        left.discard(name)
        if cell.cell_type == "code":
            cell.execution_count = None
            if "nbgrader" in cell.metadata and name in checks:
                cell.outputs = report_outputs(graded[checks[name]], lab)
    return shown


def report_outputs(graded: TaskResult, lab: Lab) -> list[NotebookNode]:
    """Outputs of a check: the report, and the points as its value, as in a notebook that ran."""
    report = new_output("display_data", data={"text/plain": report_text(graded, lab)})
    if graded.status.is_ours:
        return [report]
    points = {"text/plain": repr(float(graded.points))}
    return [report, new_output("execute_result", data=points, execution_count=None)]


def report_text(graded: TaskResult, lab: Lab) -> str:
    """What was seen in one task, in words."""
    task = lab.tasks[graded.task]
    points = f"{graded.points:g} of {task.points} points"
    lines = [f"Task {task.id}, {task.name}: {points} ({WORDS[graded.status]})"]
    lines += [f"In: {graded.step}"] if graded.step else []
    lines += [str(clean(text)) for text in (graded.message, graded.expected) if text]
    return "\n".join(lines)


def by_grade_id(notebook: NotebookNode | None) -> dict[str, NotebookNode]:
    """The cells that nbgrader knows, by its names for them."""
    cells = notebook.cells if notebook else []
    return {cell.metadata.nbgrader.grade_id: cell for cell in cells if "nbgrader" in cell.metadata}


def was_answered(cell: NotebookNode | None) -> bool:
    """Whether something was written in a cell that a student fills in."""
    if cell is None or not cell.source.strip():
        return False
    return cell.metadata.nbgrader.get("checksum") != compute_checksum(cell)
