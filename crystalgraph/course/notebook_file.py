"""Reading a notebook's file: its cells, nbgrader's names of them, the written answers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from crystalgraph.labs.lab import Lab, Question

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""What reading raises where a file is no notebook."""


def cells_of(content: bytes) -> list[dict]:
    """The cells of a notebook's file.

    Raises:
        one of UNREADABLE: it is no notebook.
    """
    cells = json.loads(content.decode("utf-8"))["cells"]
    for cell in cells:
        _ = source_of(cell), settings_of(cell)
    return cells


def source_of(cell: dict) -> str:
    """A cell's text, which the file has as one string or as a list of lines."""
    return "".join(cell["source"])


def settings_of(cell: dict) -> dict:
    """nbgrader's settings of a cell; empty where there are none."""
    return cell.get("metadata", {}).get("nbgrader", {})


def grade_ids(cells: list[dict]) -> set[str]:
    """nbgrader's names of cells."""
    return {settings_of(cell)["grade_id"] for cell in cells if "grade_id" in settings_of(cell)}


def grade_ids_in(path: Path) -> set[str]:
    """nbgrader's names of a notebook's cells; none when it cannot be read."""
    try:
        return grade_ids(cells_of(path.read_bytes()))
    except (OSError, *UNREADABLE):
        return set()


def released_ids(lab: Lab, name: str) -> set[str]:
    """nbgrader's names of the cells of a released notebook.

    Args:
        lab: that it belongs to.
        name: of its file.
    """
    return _ids_of_released(lab.release() / name)


@cache
def _ids_of_released(path: Path) -> set[str]:
    return grade_ids(cells_of(path.read_bytes()))


# --- written answers -----------------------------------------------------------------------------


def empty_questions(lab: Lab, name: str, content: bytes) -> list[Question]:
    """The written questions of a notebook that have no answer.

    Args:
        lab: that it belongs to.
        name: of the notebook, as it is handed out.
        content: the student's version of it.

    Raises:
        one of UNREADABLE: the content is no notebook.
    """
    given = _texts(cells_of(content))
    handed_out = _released_texts(lab.release() / name)
    return [
        question
        for question in lab.questions
        if question.notebook == name
        and given.get(question.id, "") in ("", handed_out.get(question.id, ""))
    ]


def _texts(cells: list[dict]) -> dict[str, str]:
    named = (cell for cell in cells if "grade_id" in settings_of(cell))
    return {settings_of(cell)["grade_id"]: source_of(cell).strip() for cell in named}


@cache
def _released_texts(path: Path) -> dict[str, str]:
    """Texts of a released notebook by nbgrader's names; none where nothing is released."""
    return _texts(cells_of(path.read_bytes())) if path.is_file() else {}
