"""A student's code and texts in a hand-in, with damaged notebooks put in order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from crystalgraph.checking.task import Task
from crystalgraph.grading.intake.hand_ins import HandIn
from crystalgraph.grading.intake.matching import is_text_answer, settings_of, text_in
from crystalgraph.grading.intake.notebook_text import (
    BadNotebook,
    cells_of,
    grade_id_of,
    released_notebook,
    text_of,
)
from crystalgraph.grading.intake.repair import Repaired, Slot, repair
from crystalgraph.grading.result import Status
from crystalgraph.labs.lab import Lab
from crystalgraph.releasing.holes import POINTS_CALL, stub_line

MOST_CODE = 4 * 2**20
"""Characters of code in one notebook."""
MOST_TEXT = 32 * 2**20
"""Characters of texts in one notebook; Colab puts pictures into them."""
_BINDING = (
    r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+{name}\b"
    r"|^[ \t]*(?:\w+[ \t]*[,=][ \t]*)*{name}[ \t]*(?:[:,][^=\n]*)?=(?!=)"
    r"|^[ \t]*(?:from[ \t]+[\w.]+[ \t]+)?import\b.*\b{name}\b"
)
"""Text that gives a function its name. It is searched, not parsed: strangers wrote it."""


@dataclass
class Answers:
    """What a student wrote.

    Attributes:
        model: text of the lab's model file in UTF-8; None when there is none.
        cells: notebook -> sources of its code cells, in order.
        place: task -> which of these cells defines its function; None when none does.
        counting: task -> those of these cells that are run for it, in order.
        released: notebook -> sources of its code cells as they were handed out.
        written: grade_id -> the student's text; empty where nothing was written.
        repaired: notebook -> the notebook put in order.
        repairs: sentences on what was put right.
        problems: task -> why it cannot be run.
    """

    model: bytes | None = None
    cells: dict[str, tuple[str, ...]] = field(default_factory=dict)
    place: dict[str, int | None] = field(default_factory=dict)
    counting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    released: dict[str, tuple[str, ...]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    repaired: dict[str, Repaired] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)
    problems: dict[str, tuple[Status, str]] = field(default_factory=dict)

    @cached_property
    def notebooks(self) -> dict[str, dict]:
        """Notebook -> the notebook put in order, as it may be shown to people."""
        return {name: repaired.shown() for name, repaired in self.repaired.items()}


def read_answers(hand_in: HandIn, lab: Lab) -> Answers:
    """Take a hand-in apart.

    Args:
        hand_in: from hand_ins.read.
        lab: that it belongs to.

    Returns:
        The answers; whatever the files hold, nothing is raised.
    """
    answers = Answers(repairs=list(hand_in.repairs))
    for name in lab.files:
        problem = _taken(answers, lab, name, hand_in)
        if problem is not None:
            here = [task.id for task in lab.tasks.values() if task.where == name]
            answers.problems |= dict.fromkeys(here, problem)
    return answers


def _taken(answers: Answers, lab: Lab, name: str, hand_in: HandIn) -> tuple[Status, str] | None:
    """Take one file; returns why that cannot be done."""
    if name not in hand_in.files:
        return hand_in.problems.get(name, (Status.MISSING_FILE, f"{name} was not handed in."))
    if name == lab.model_file:
        return _take_model(answers, name, hand_in.files[name])
    return _take_notebook(answers, lab, name, hand_in.files[name])


def _take_model(answers: Answers, name: str, content: bytes) -> None:
    text, note = text_of(content)
    answers.model = text.encode("utf-8")
    answers.repairs += [f"{name} {note}."] if note else []


def _take_notebook(
    answers: Answers, lab: Lab, name: str, content: bytes
) -> tuple[Status, str] | None:
    """Put one notebook in order; returns why that cannot be done."""
    try:
        cells, notes = cells_of(content)
    except BadNotebook as error:
        return Status.BAD_NOTEBOOK, f"{name} {error}."
    code = sum(len(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    if code > MOST_CODE or sum(len(cell["source"]) for cell in cells) > MOST_CODE + MOST_TEXT:
        return Status.BAD_NOTEBOOK, f"{name} has more in its cells than a person can write."
    done = repair(name, released_notebook(lab, name), cells)
    answers.repairs += [f"{name} {note}." for note in notes] + done.repairs
    answers.repaired[name] = done
    for slot in done.slots:
        if slot.released and is_text_answer(slot.released):
            answers.written[str(grade_id_of(slot.released))] = slot.written
    _find_functions(answers, lab, name, done)
    return None


def _find_functions(answers: Answers, lab: Lab, name: str, done: Repaired) -> None:
    """Find the cell of each task of a notebook."""
    code = [slot for slot in done.slots if slot.cell["cell_type"] == "code"]
    answers.cells[name] = tuple(slot.source for slot in code)
    released = [cell for cell in done.released["cells"] if cell["cell_type"] == "code"]
    answers.released[name] = tuple(cell["source"] for cell in released)
    for task in lab.tasks.values():
        if task.where == name:
            place, answers.counting[task.id] = _counting(task, code)
            answers.place[task.id] = place
            if place is None:
                gone = f"{name} has no cell any more that defines {task.object_name}."
                answers.problems[task.id] = Status.BAD_NOTEBOOK, gone


def _counting(task: Task, slots: list[Slot]) -> tuple[int | None, tuple[str, ...]]:
    """Which cell holds a task's function, and which cells are run for it.

    As when the notebook is run from the top to the task's check: the last cell above it that
    defines the function, or the last one below if none is above. A stub as it was handed out
    counts only if there is no other definition.

    Args:
        task: of this notebook.
        slots: of the code cells of the notebook, in order.

    Returns:
        Place in the slots, None when the student has no such cell; sources of cells.
    """
    define = re.compile(_BINDING.format(name=re.escape(task.object_name)), re.M)
    stub = next(one for one in (slot.released for slot in slots) if one and _is_stub(one, task))
    check = next(place for place, slot in enumerate(slots) if _checks(slot, task))
    found = [n for n, slot in enumerate(slots) if slot.given and define.search(slot.source)]
    as_given = {n for n, slot in enumerate(slots) if slot.source.strip() == text_in(stub)}
    written = [n for n in found if n not in as_given]
    above = [n for n in written if n < check]
    own = [n for n, slot in enumerate(slots) if slot.given and slot.released is stub]
    place = next(iter((above or written or found or own)[::-1]), None)
    end = check if place is None else max(check, place + 1)
    run = (n for n in range(end) if n == place or n not in as_given)
    return place, tuple(slots[n].source for n in run)


def _is_stub(released: dict, task: Task) -> bool:
    return stub_line(task) in released["source"]


def _checks(slot: Slot, task: Task) -> bool:
    """Whether a cell is the check of a task."""
    released = slot.released
    if released is None or not settings_of(released).get("grade"):
        return False
    return POINTS_CALL.findall(released["source"])[:1] == [task.id]
