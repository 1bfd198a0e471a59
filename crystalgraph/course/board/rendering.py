"""The board as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Sequence

from crystalgraph.course.board.rows import Board, QuestionRow, Row

_MARKS = {
    "passed": "passed",
    "failed": "FAILED",
    "not implemented": "to do",
    "missing": "missing",
    "not checked": "busy",
}
_EXPLAINED = ("failed", "missing", "not checked")
"""What is followed by a message."""
_COLORS = {"passed": "#2e7d32", "failed": "#c62828"}
_GREY = "#757575"


def _name(row: Row) -> str:
    return row.task.name + (" *" if row.task.bonus else "")


def _points(row: QuestionRow) -> str:
    return f"up to {row.question.points}, by a person"


# --- text ----------------------------------------------------------------------------------------


def text(board: Board) -> str:
    """The board for a terminal."""
    lines = [f"{board.folder}", ""]
    lines.append(f"{'task':<5} {'function':<28} {'result':<8} {'points':>9} {'minutes':>8}")
    for row in board.rows:
        task, points = row.task, f"{row.points:g} of {row.task.points}"
        mark = _MARKS[row.status]
        lines.append(f"{task.id:<5} {_name(row):<28} {mark:<8} {points:>9} {task.minutes:>8}")
        if row.status in _EXPLAINED:
            lines += _indented(row)
    if board.questions:
        lines += ["", f"{'question':<9} {'notebook':<28} {'answer':<9} points"]
    for row in board.questions:
        question = row.question
        name, notebook = f"{question.name:<9}", f"{question.notebook:<28}"
        lines.append(f"{name} {notebook} {row.status:<9} {_points(row)}")
    return "\n".join([*lines, "", board.sums(), board.next_thing()])


def _indented(row: Row) -> list[str]:
    lines = ([f"in: {row.step}"] if row.step else []) + row.message.splitlines()
    pad = " " * 6
    return [
        out
        for line in lines
        for out in textwrap.wrap(line, 100, initial_indent=pad, subsequent_indent=pad + "  ")
    ]


# --- HTML ----------------------------------------------------------------------------------------


def page(board: Board) -> str:
    """The board as HTML that needs nothing from outside."""
    tasks = "".join(map(_task_row, board.rows))
    tables = _table(("task", "function", "", "points", "minutes"), tasks)
    if board.questions:
        answers = "".join(map(_question_row, board.questions))
        tables += _table(("question", "notebook", "answer", "points"), answers)
    return f"<p><b>{html.escape(board.next_thing())}</b><br>{html.escape(board.sums())}</p>{tables}"


def _table(head: Sequence[str], rows: str) -> str:
    names = "".join(f"<th>{name}</th>" for name in head)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table>"


def _cells(cells: Iterable[str]) -> str:
    return "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells)


def _task_row(row: Row) -> str:
    color = _COLORS.get(row.status, _GREY)
    line = _cells(
        [
            row.task.id,
            f"<code>{html.escape(_name(row))}</code>",
            f'<span style="color:{color}">{_MARKS[row.status]}</span>',
            f"{row.points:g} of {row.task.points}",
            str(row.task.minutes),
        ]
    )
    if row.status not in _EXPLAINED:
        return f"<tr>{line}</tr>"
    first = html.escape(row.message.splitlines()[0] if row.message else row.step)
    why = f'<td></td><td colspan="4" style="text-align:left">{first}</td>'
    return f"<tr>{line}</tr><tr>{why}</tr>"


def _question_row(row: QuestionRow) -> str:
    question = row.question
    name, notebook = html.escape(question.name), html.escape(question.notebook)
    return f"<tr>{_cells([name, notebook, row.status, _points(row)])}</tr>"
