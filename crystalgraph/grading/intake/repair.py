"""A student's notebook put in order: the released one, with the student's work in its places.

Checks and the like come from the release, answers and all other code from the student, and cells
that a student added stay behind the cell they were behind. People look at the result in nbgrader's
formgrader: `Repaired.shown` gives them what has gone through the sanitizer.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crystalgraph.grading.intake.matching import (
    added_behind,
    first_line,
    is_locked,
    is_text_answer,
    match,
    text_in,
    written_into,
)
from crystalgraph.grading.intake.notebook_text import grade_id_of
from crystalgraph.grading.intake.wording import listed

if TYPE_CHECKING:
    from crystalgraph.grading.intake.sanitizer import Room

NAMED = 6
"""Cells named in one sentence."""


@dataclass(frozen=True)
class Slot:
    """One cell of a notebook put in order.

    Attributes:
        cell: as nbformat has it, with the student's text and without outputs.
        given: the student's cells that it was made of; none when they were gone.
        released: the cell as it was handed out; None for one that the student added.
    """

    cell: dict
    given: list[dict]
    released: dict | None

    @property
    def source(self) -> str:
        """The text of the cell."""
        return self.cell["source"]

    @property
    def written(self) -> str:
        """What the student wrote into it; empty where it is as it was handed out."""
        return "" if self.released is None else written_into(self.released, self.given)

    @property
    def is_as_released(self) -> bool:
        """Whether there is nothing of the student's in it."""
        return self.released is not None and (not self.given or is_locked(self.released))


@dataclass(frozen=True)
class Repaired:
    """A notebook put in order.

    Attributes:
        released: the notebook as it was handed out.
        slots: its cells, those of the release and those that the student added.
        repairs: sentences on what was not in order.
    """

    released: dict
    slots: list[Slot]
    repairs: list[str]

    def shown(self, room: Room | None = None) -> dict:
        """The notebook as it may be shown to people: texts and pictures, nothing that acts.

        Args:
            room: how much of the student's texts and outputs is kept; None for the usual.
        """
        # Imported here, as it takes seconds: workers grade, and show nothing.
        from crystalgraph.grading.intake.sanitizer import (
            Room,
            pictures_attached_to,
            shown_outputs,
            text_as_html,
        )

        room = Room() if room is None else room

        def shown(slot: Slot) -> dict:
            if slot.given and slot.cell["cell_type"] == "code":
                return slot.cell | {"outputs": shown_outputs(slot.given[-1], room)}
            if slot.is_as_released:
                return slot.cell
            if slot.released is not None and slot.source == slot.released["source"]:
                return slot.cell
            pictures = pictures_attached_to(slot.given)
            return slot.cell | {"source": text_as_html(slot.source, pictures, room)}

        notebook = {part: value for part, value in self.released.items() if part != "cells"}
        return copy.deepcopy(notebook) | {"cells": [shown(slot) for slot in self.slots]}


def repair(name: str, notebook: dict, cells: list[dict]) -> Repaired:
    """Put a student's cells in order.

    Args:
        name: of the notebook.
        notebook: as it was handed out, from notebook_text.released_notebook.
        cells: the student's, from notebook_text.cells_of.

    Returns:
        The released cells in their order, with the student's work in them.
    """
    released: list[dict] = notebook["cells"]
    places = match(released, cells)
    behind = added_behind(places, len(cells))

    def added(numbers: Iterable[int]) -> list[Slot]:
        return [Slot(_added(cells[one], one), [cells[one]], None) for one in numbers]

    slots = added(behind.get(None, []))
    for place, cell in enumerate(released):
        counts = _counting(cell, places[place], cells)
        others = [one for one in places[place] if one not in counts]
        own, first = [cells[one] for one in counts], min(counts, default=len(cells))
        if is_text_answer(cell) and not written_into(cell, own) and place:
            own += _below_question(released[place - 1], [cells[one] for one in places[place - 1]])
        slots += added(one for one in others if one < first)
        slots.append(Slot(_merged(cell, own), own, cell))
        slots += added(one for one in others if one > first)
        slots += added(behind.get(place, []))
    return Repaired(notebook, slots, _notes(name, released, cells, places))


def _counting(released: dict, own: list[int], cells: list[dict]) -> list[int]:
    """Those of several cells that count: texts all, of code the last with work that defines it.

    A check counts as it was handed out; what else somebody wrote into it stays as a cell above.
    """
    if released["cell_type"] != "code":
        return own
    if is_locked(released):
        return [one for one in own if text_in(cells[one]) == text_in(released)]
    worked_on = [one for one in own if text_in(cells[one]) not in ("", text_in(released))]
    define = first_line(released)
    defining = [one for one in worked_on if define and define in cells[one]["source"]]
    return (defining or worked_on or own)[-1:]


def _below_question(question: dict, own: list[dict]) -> list[dict]:
    """What a student wrote into the cell of the question, below it, as a cell."""
    texts = [text_in(one).removeprefix(text_in(question)) for one in own]
    added = [text for text, one in zip(texts, own, strict=True) if text != text_in(one) and text]
    return [{"cell_type": "markdown", "metadata": {}, "source": text} for text in added]


def _merged(released: dict, own: list[dict]) -> dict:
    """A released cell with what the student made of it."""
    cell = copy.deepcopy(released)
    if not own or is_locked(released):
        return cell
    if cell["cell_type"] == "code":
        return cell | {"source": own[0]["source"]}
    text = written_into(released, own)
    return cell | {"source": text} if text else cell


def _added(cell: dict, number: int) -> dict:
    """A cell that the student added; a raw one, which would be shown as it is, becomes a text."""
    known = {"id": f"added-{number}", "metadata": {}, "source": cell["source"]}
    if cell["cell_type"] == "code":
        return {"cell_type": "code", **known, "execution_count": None, "outputs": []}
    return {"cell_type": "markdown", **known}


def _notes(
    name: str, released: list[dict], cells: list[dict], places: list[list[int]]
) -> list[str]:
    """Sentences on what was not as it was handed out."""
    found: dict[str, list[str]] = {}
    for cell, numbers in zip(released, places, strict=True):
        own = [cells[number] for number in numbers]
        label = grade_id_of(cell) or cell["id"]
        if not own:
            found.setdefault("cells that were deleted are back", []).append(label)
            continue
        if is_locked(cell) and any(text_in(one) != text_in(cell) for one in own):
            found.setdefault("checks that were edited are as handed out again", []).append(label)
        if len(own) > 1:
            found.setdefault("cells were there in copies or in parts", []).append(label)
        if grade_id_of(cell) and all(grade_id_of(one) != label for one in own):
            found.setdefault("cells had lost nbgrader's marks", []).append(label)
    notes = [f"{name}: {what}: {listed(labels, NAMED)}." for what, labels in found.items()]
    order = [own[0] for own in places if own]
    if order != sorted(order):
        notes.append(f"{name}: cells that were moved are in their places again.")
    return notes
