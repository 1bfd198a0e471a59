"""Tasks that do not pass and written answers that are empty, listed when the zip is made."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

from crystalgraph.course.board import make_board
from crystalgraph.course.board.rows import Board
from crystalgraph.course.hand_in.parts import Part
from crystalgraph.course.notebook_file import empty_questions
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.lab import Lab


def still_open(lab: Lab, parts: Sequence[Part]) -> str:
    """Points, open tasks and empty answers, as they are in the zip.

    Args:
        lab: that is handed in.
        parts: of the zip.

    Returns:
        Several lines.
    """
    empty = [name for part in parts for name in empty_answers(lab, part)]
    tasks, points = _open_tasks(lab, parts)
    lines = [f"{points}."] if points else []
    if tasks:
        lines += ["Still open:", *tasks]
    if empty:
        lines.append(f"Written answers that are still empty: {', '.join(empty)}.")
    if tasks or empty:
        return "\n".join([*lines, "You may hand it in as it is, or go on and run this cell again."])
    return "\n".join([*lines, "Nothing is open: hand it in."])


def empty_answers(lab: Lab, part: Part) -> list[str]:
    """The written questions of a notebook that have no answer, as people write their names."""
    if part.name == lab.model_file:
        return []
    return [question.name for question in empty_questions(lab, part.name, part.content)]


def _open_tasks(lab: Lab, parts: Sequence[Part]) -> tuple[list[str], str]:
    """Lines for the tasks that do not pass, and the points of all."""
    with tempfile.TemporaryDirectory(prefix="crystalgraph-hand-in-") as name:
        folder = Path(name)
        for part in parts:
            (folder / part.name).write_bytes(part.content)
        try:
            board = make_board(lab, folder)
        except CrystalGraphError as error:
            return [f"  the tasks could not be checked: {error}"], ""
    return _lines(board), board.points_from_checks()


def _lines(board: Board) -> list[str]:
    lines = []
    for row in board.rows:
        if row.status != "passed":
            task, bonus = row.task, ", bonus" if row.task.bonus else ""
            what = f"{row.status}, {row.points:g} of {task.points} points{bonus}"
            lines.append(f"  {task.id}  {task.name} in {task.where}: {what}")
            if row.status in ("failed", "not checked"):
                lines.append(f"       {textwrap.shorten(row.message, 90, placeholder=' ...')}")
    return lines
