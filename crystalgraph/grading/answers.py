"""A student's code and texts in a hand-in, with damaged notebooks put in order."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

from crystalgraph.checks.tasks import MODEL_FILE, NOTEBOOKS, TASKS
from crystalgraph.grading.hand_ins import HandIn
from crystalgraph.grading.repair import (
    is_text_answer,
    place_of,
    repair,
    written_in,
)
from crystalgraph.grading.result import Status
from crystalgraph.grading.texts import (
    BadNotebook,
    cells_of,
    grade_id_of,
    released_notebook,
    text_of,
)

MOST_CODE = 4 * 2**20
"""Characters of code in one notebook."""
MOST_TEXT = 32 * 2**20
"""Characters of texts in one notebook; Colab puts pictures into them."""


@dataclass
class Answers:
    """What a student wrote.

    Attributes:
        model: text of model_hw.py in UTF-8; None when it cannot be had.
        cells: notebook -> sources of its code cells, in order.
        place: task -> which of these cells defines its function; None when none does.
        written: grade_id -> the student's text; empty where nothing was written.
        notebooks: notebook -> the notebook put in order, as nbformat has it.
        repairs: sentences on what was put right.
        problems: task -> why it cannot be run.
    """

    model: bytes | None = None
    cells: dict[str, tuple[str, ...]] = field(default_factory=dict)
    place: dict[str, int | None] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    notebooks: dict[str, dict] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)
    problems: dict[str, tuple[Status, str]] = field(default_factory=dict)


def read_answers(hand_in: HandIn) -> Answers:
    """Take a hand-in apart.

    Args:
        hand_in: from hand_ins.read.

    Returns:
        The answers; whatever the files hold, nothing is raised.
    """
    answers = Answers(repairs=list(hand_in.repairs))
    for name in (*NOTEBOOKS.values(), MODEL_FILE):
        if name in hand_in.files:
            take = _take_model if name == MODEL_FILE else _take_notebook
            problem = take(answers, name, hand_in.files[name])
        else:
            missing = Status.MISSING_FILE, f"{name} was not handed in."
            problem = hand_in.problems.get(name, missing)
        if problem is not None:
            for task in TASKS.values():
                if task.where == name:
                    answers.problems[task.id] = problem
    return answers


def _take_model(answers: Answers, name: str, content: bytes) -> None:
    text, note = text_of(content)
    answers.model = text.encode("utf-8")
    answers.repairs += [f"{name} {note}."] if note else []


def _take_notebook(answers: Answers, name: str, content: bytes) -> tuple[Status, str] | None:
    """Put one notebook in order; returns why that cannot be done."""
    try:
        cells, notes = cells_of(content)
    except BadNotebook as error:
        return Status.BAD_NOTEBOOK, f"{name} {error}."
    code = sum(len(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    if code > MOST_CODE or sum(len(cell["source"]) for cell in cells) > MOST_CODE + MOST_TEXT:
        return Status.BAD_NOTEBOOK, f"{name} has more in its cells than a person can write."
    done = repair(name, cells)
    answers.repairs += [f"{name} {note}." for note in notes] + done.repairs
    sorted_out = [slot.cell for slot in done.slots]
    answers.notebooks[name] = {**deepcopy(released_notebook(name)), "cells": sorted_out}
    code = [slot for slot in done.slots if slot.cell["cell_type"] == "code"]
    answers.cells[name] = tuple(slot.source for slot in code)
    for task in TASKS.values():
        if task.where == name:
            answers.place[task.id] = place_of(task, code)
            if answers.place[task.id] is None:
                gone = f"{name} has no cell any more that defines {task.name}."
                answers.problems[task.id] = Status.BAD_NOTEBOOK, gone
    for slot in done.slots:
        if slot.released and is_text_answer(slot.released):
            answers.written[grade_id_of(slot.released)] = written_in(slot)
    return None
