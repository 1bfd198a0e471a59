"""Which cell of a student's notebook is which of the notebook that was handed out.

The two are matched by nbgrader's names, by Jupyter's, by their texts and, for written answers, by
their places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import takewhile

from crystalgraph.grading.intake.notebook_text import cell_id_of, grade_id_of

# --- what nbgrader says of a cell that was handed out --------------------------------------------


def settings_of(cell: dict) -> dict:
    """nbgrader's settings of a released cell."""
    return cell["metadata"].get("nbgrader", {})


def is_solution(cell: dict) -> bool:
    """Whether a released cell is for the student to fill in."""
    return bool(settings_of(cell).get("solution"))


def is_text_answer(cell: dict) -> bool:
    """Whether a released cell is for a written answer."""
    return is_solution(cell) and cell["cell_type"] == "markdown"


def is_locked(cell: dict) -> bool:
    """Whether a released cell must stay as it is."""
    return bool(settings_of(cell).get("locked"))


# --- texts ---------------------------------------------------------------------------------------


def text_in(cell: dict) -> str:
    """The text of a cell without blanks around it."""
    return cell["source"].strip()


def first_line(cell: dict) -> str:
    """What the first line defines or asks; empty where it says nothing special."""
    line = text_in(cell).split("\n")[0].strip()
    if found := re.match(r"(?:async\s+)?def\s+\w+", line):
        return found[0]
    is_text = cell["cell_type"] == "markdown" and len(line) > len("YOUR ANSWER HERE")
    return line if is_text else ""


def written_into(released: dict, own: list[dict]) -> str:
    """What a student wrote into a cell.

    Args:
        released: the cell as it was handed out.
        own: the student's cells that are this one: several when it was split or copied.

    Returns:
        Their texts, each once; empty where all are as they were handed out.
    """
    texts = dict.fromkeys(map(text_in, own))
    return "\n\n".join(text for text in texts if text not in ("", text_in(released)))


# --- matching ------------------------------------------------------------------------------------


def match(released: list[dict], cells: list[dict]) -> list[list[int]]:
    """For each released cell the places of the student's cells that are this one.

    Several are the parts of one that was split, or copies of it.
    """
    places: list[list[int]] = [[] for _ in released]
    taken: set[int] = set()
    keys: list[Callable[[dict], object]] = [grade_id_of, cell_id_of, text_in, first_line]
    for key in keys:
        known = _unique(released, key)
        open_ones = {number for number, own in enumerate(places) if not own}
        for number, cell in enumerate(cells):
            place = known.get(key(cell))
            if number in taken or place is None or place not in open_ones:
                continue
            if _fits(released[place], cell):
                places[place].append(number)
                taken.add(number)
    for place, cell in enumerate(released):
        own = [cells[one] for one in places[place]]
        if is_text_answer(cell) and not written_into(cell, own):
            _match_answer(place, released, cells, places, taken)
    return places


def _unique(cells: Iterable[dict], key: Callable[[dict], object]) -> dict[object, int]:
    """What a key gives for only one of the cells -> its place."""
    found: dict[object, list[int]] = {}
    for place, cell in enumerate(cells):
        found.setdefault(key(cell), []).append(place)
    return {one: places[0] for one, places in found.items() if one and len(places) == 1}


def _fits(released: dict, cell: dict) -> bool:
    """Whether a student's cell can be that one; the type of an answer may have been changed."""
    return released["cell_type"] == cell["cell_type"] or is_solution(released)


def _match_answer(
    place: int, released: list[dict], cells: list[dict], places: list[list[int]], taken: set[int]
) -> None:
    """An answer that is not in its cell: the student's own texts around where that one belongs."""
    before = max((one for own in places[:place] for one in own), default=-1)
    after = min((one for own in places[place + 1 :] for one in own), default=len(cells))
    texts = [one for one in range(before + 1, after) if one not in taken]
    texts = [one for one in texts if cells[one]["cell_type"] != "code"]
    following = takewhile(lambda n: not places[n], range(place + 1, len(places)))
    others = sum(is_text_answer(released[n]) for n in following)  # in the same gap
    mine = texts[: max(len(texts) - others, 1)]
    places[place] = sorted(places[place] + mine)
    taken.update(mine)


def added_behind(places: list[list[int]], number: int) -> dict[int | None, list[int]]:
    """Released cell -> the cells that the student added behind it; None: before the first.

    Args:
        places: from match.
        number: of the student's cells.
    """
    owner = {one: place for place, own in enumerate(places) for one in own}
    behind: dict[int | None, list[int]] = {}
    last = None
    for one in range(number):
        last = owner.get(one, last)
        if one not in owner:
            behind.setdefault(last, []).append(one)
    return behind
