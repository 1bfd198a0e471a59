"""Notebooks as formgrader shows them: the student's work, our report under each check."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import compute_checksum

from crystalgraph.checks.tasks import TASKS
from crystalgraph.grading.pages import WORDS, clean
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.nbgrader_plugins import KERNEL

HARMLESS_LINKS = r"https?://|mailto:|#"
PICTURES = ("image/png", "image/jpeg", "image/gif")


def marked(
    notebook: Mapping,
    result: Result,
    released: Collection[str],
    checks: Mapping[str, str],
    texts: Collection[str],
) -> NotebookNode:
    """A repaired notebook with the report of each task under its check, and no other output.

    What the student's own cells showed is left out, nobody knows what code made it; so is what
    would act in the browser of the one who grades.

    Args:
        notebook: from answers.
        result: of the hand-in.
        released: nbgrader's names of the cells that were handed out.
        checks: those of the checks -> task id.
        texts: sources of the text cells that were handed out.
    """
    graded = {task.task: task for task in result.tasks}
    shown = nbformat.from_dict(notebook)
    shown.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})
    left = set(released)
    for cell in shown.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name not in left:  # a cell of the student's own, whatever it says of itself
            cell.metadata = NotebookNode()
        left.discard(name)
        if cell.cell_type != "code" and cell.source not in texts:
            pictures = _pictures(cell.pop("attachments", {}))
            if pictures:
                cell.attachments = pictures
            cell.source = without_html(cell.source, pictures)
        if cell.cell_type == "code":
            cell.execution_count = None
            own = "nbgrader" in cell.metadata and name in checks
            cell.outputs = report_outputs(graded[checks[name]]) if own else []
    return shown


def without_html(text: str, pictures: Collection[str] = ()) -> str:
    """Markdown that cannot act in the browser of the one who grades it.

    formgrader shows HTML and links as they are, beside the buttons that run things on the
    instructor's computer. So tags are broken by a blank (a < b stays what it is), and of links
    those that lead to the web stay.

    Args:
        text: anything.
        pictures: names of those that are attached; formgrader fails on one that is not.
    """
    there = "|".join(re.escape(f"attachment:{name}") + r"[)\s]" for name in pictures)
    harmless = HARMLESS_LINKS + (f"|{there}" if there else "")
    text = re.sub(r"<(?=[A-Za-z/!?])", "< ", text)
    return re.sub(rf"\](?=[(:](?!\s*(?:{harmless})))", "] ", text)


def _pictures(attachments: Mapping) -> NotebookNode:
    """The pictures that were pasted into a text; nothing else that was attached."""
    kept = NotebookNode()
    for name, forms in attachments.items():
        pictures = {
            form: data
            for form, data in forms.items()
            if form in PICTURES and re.fullmatch(r"[A-Za-z0-9+/=\s]*", str(data))
        }
        if pictures and re.fullmatch(r"[\w.-]+", name):
            kept[name] = pictures
    return kept


def report_outputs(graded: TaskResult) -> list[NotebookNode]:
    """Outputs of a check: the report, and the points as its value, as in a notebook that ran."""
    report = new_output("display_data", data={"text/plain": report_text(graded)})
    if graded.status is Status.INTERNAL_ERROR:
        return [report]
    points = {"text/plain": repr(float(graded.points))}
    return [report, new_output("execute_result", data=points, execution_count=None)]


def report_text(graded: TaskResult) -> str:
    """What was seen in one task, in words."""
    task = TASKS[graded.task]
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
