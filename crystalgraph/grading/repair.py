"""A student's notebook put in order: the released one, with the student's work in its places.

The cells of the two are matched by nbgrader's names, by Jupyter's, by their texts and, for written
answers, by their places. Checks and the like come from the release, answers and all other code
from the student, and cells that a student added stay behind the cell they were behind.

People look at the result in nbgrader's formgrader, so nothing in it can act there: of outputs, text
and pictures are kept, and HTML in a student's texts is shown as it was written.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import takewhile

from crystalgraph.checks.tasks import TASKS, Task
from crystalgraph.grading.texts import cell_id_of, clean, grade_id_of, released_notebook
from crystalgraph.release import POINTS_CALL, stub_line

PICTURES = ("image/png", "image/jpeg")
MOST_OF_OUTPUTS = 16 * 2**20
"""Characters of a notebook's outputs that are kept."""
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ENTITY = re.compile(r"&(?=#|\w+;)")
_SCHEME = r"(?i)(javascript|vbscript|data(?!:image/(?:png|jpe?g|gif);base64,)|attachment)(?=:\S){}"
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


@dataclass(frozen=True)
class Slot:
    """One cell of a notebook put in order.

    Attributes:
        cell: as nbformat has it.
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


@dataclass(frozen=True)
class Repaired:
    """A notebook put in order.

    Attributes:
        slots: its cells, those of the release and those that the student added.
        repairs: sentences on what was not in order.
    """

    slots: list[Slot]
    repairs: list[str]


def repair(name: str, cells: list[dict]) -> Repaired:
    """Put a student's cells in order.

    Args:
        name: of the notebook.
        cells: the student's, from texts.cells_of.

    Returns:
        The released cells in their order, with the student's work in them.
    """
    released = released_notebook(name)["cells"]
    places = match(released, cells)
    behind = _behind(places, len(cells))
    left = [MOST_OF_OUTPUTS]

    def added(numbers: Iterable[int]) -> list[Slot]:
        return [Slot(_added(cells[one], one, left), [cells[one]], None) for one in numbers]

    slots = added(behind.get(None, []))
    for place, cell in enumerate(released):
        counts = _counting(cell, places[place], cells)
        others = [one for one in places[place] if one not in counts]
        own, first = [cells[one] for one in counts], min(counts, default=len(cells))
        if is_text_answer(cell) and not _written(cell, own) and place:
            own += _below_question(released[place - 1], [cells[one] for one in places[place - 1]])
        slots += added(one for one in others if one < first)
        slots.append(Slot(_merged(cell, own, left), own, cell))
        slots += added(one for one in others if one > first)
        slots += added(behind.get(place, []))
    return Repaired(slots, _notes(name, released, cells, places))


# --- which cell is which -------------------------------------------------------------------------


def match(released: list[dict], cells: list[dict]) -> list[list[int]]:
    """For each released cell the places of the student's cells that are this one.

    Several are the parts of one that was split, or copies of it.
    """
    places: list[list[int]] = [[] for _ in released]
    taken: set[int] = set()
    keys: list[Callable[[dict], object]] = [grade_id_of, cell_id_of, _text, _first_line]
    for key in keys:
        known = _unique(released, key)
        open_ones = {number for number, own in enumerate(places) if not own}
        for number, cell in enumerate(cells):
            place = known.get(key(cell))
            if number not in taken and place in open_ones and _fits(released[place], cell):
                places[place].append(number)
                taken.add(number)
    for place, cell in enumerate(released):
        if is_text_answer(cell) and not _written(cell, [cells[one] for one in places[place]]):
            _match_answer(place, released, cells, places, taken)
    return places


def _unique(cells: Iterable[dict], key: Callable[[dict], object]) -> dict[object, int]:
    """What a key gives for only one of the cells -> its place."""
    found: dict[object, list[int]] = {}
    for place, cell in enumerate(cells):
        found.setdefault(key(cell), []).append(place)
    return {one: places[0] for one, places in found.items() if one and len(places) == 1}


def _text(cell: dict) -> str:
    return cell["source"].strip()


def _first_line(cell: dict) -> str:
    """What the first line defines or asks; one that says nothing matches nothing."""
    line = cell["source"].strip().split("\n")[0].strip()
    if found := re.match(r"(?:async\s+)?def\s+\w+", line):
        return found[0]
    is_text = cell["cell_type"] == "markdown" and len(line) > len("YOUR ANSWER HERE")
    return line if is_text else ""


def _fits(released: dict, cell: dict) -> bool:
    """Whether a student's cell can be that one; the kind of an answer may have been changed."""
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


def _behind(places: list[list[int]], number: int) -> dict[int | None, list[int]]:
    """Released cell -> the added cells behind it; None for those before the first."""
    owner = {one: place for place, own in enumerate(places) for one in own}
    behind: dict[int | None, list[int]] = {}
    last = None
    for one in range(number):
        last = owner.get(one, last)
        if one not in owner:
            behind.setdefault(last, []).append(one)
    return behind


# --- the cells -----------------------------------------------------------------------------------


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


def task_checked(cell: dict) -> str | None:
    """The task that a released cell checks."""
    found = POINTS_CALL.findall(cell["source"]) if settings_of(cell).get("grade") else []
    return found[0] if found and found[0] in TASKS else None


def _merged(released: dict, own: list[dict], left: list[int]) -> dict:
    """A released cell with what the student made of it."""
    cell = copy.deepcopy(released)
    if not own or is_locked(released):
        return cell
    if cell["cell_type"] == "code":
        cell["source"] = own[0]["source"]
        cell["outputs"] = _outputs(own[0], left)
        return cell
    pictures = _attachments(own, left)
    if text := _written(released, own):
        cell["source"] = harmless(text, pictures)
    return cell | ({"attachments": pictures} if pictures else {})


def written_in(slot: Slot) -> str:
    """What a student wrote into a cell; empty where it is as it was handed out."""
    return _written(slot.released, slot.given)


def _written(released: dict, own: list[dict]) -> str:
    """The texts of cells that were one, which was split, or copied."""
    texts = [_text(one) for one in own]
    return "\n\n".join(text for text in dict.fromkeys(texts) if text not in ("", _text(released)))


def _below_question(question: dict, own: list[dict]) -> list[dict]:
    """What a student wrote into the cell of the question, below it, as a cell."""
    texts = [_text(one).removeprefix(_text(question)) for one in own]
    added = [text for text, one in zip(texts, own, strict=True) if text != _text(one) and text]
    return [{"cell_type": "markdown", "metadata": {}, "source": text} for text in added]


def _counting(released: dict, own: list[int], cells: list[dict]) -> list[int]:
    """Those of several cells that count: texts all, of code the last with work that defines it.

    A check counts as it was handed out; what else somebody wrote into it stays as a cell above.
    """
    if released["cell_type"] != "code":
        return own
    if is_locked(released):
        return [one for one in own if _text(cells[one]) == _text(released)]
    worked_on = [one for one in own if _text(cells[one]) not in ("", _text(released))]
    define = _first_line(released)
    defining = [one for one in worked_on if define and define in cells[one]["source"]]
    return (defining or worked_on or own)[-1:]


def _added(cell: dict, number: int, left: list[int]) -> dict:
    """A cell that the student added."""
    known = {"cell_type": cell["cell_type"], "id": f"added-{number}", "metadata": {}}
    if cell["cell_type"] == "code":
        outputs = _outputs(cell, left)
        return {**known, "source": cell["source"], "execution_count": None, "outputs": outputs}
    if cell["cell_type"] == "raw":  # nbconvert puts it into a page as it is
        known["cell_type"] = "markdown"
    pictures = _attachments([cell], left)
    known["source"] = harmless(cell["source"], pictures)
    return known | ({"attachments": pictures} if pictures else {})


def harmless(text: str, pictures: Iterable[str] = ()) -> str:
    """Markdown that is shown as it was written, and does nothing.

    A blank behind `<` leaves no HTML, and one before the colon no link that runs a script, nor one
    to a picture that is not there, at which nbconvert would give up; one behind `&` lets neither be
    written in other letters. Pictures in the text itself, as Colab puts them there, stay.

    Args:
        text: the Markdown.
        pictures: names of those that are there.
    """
    there = "|".join(map(re.escape, pictures))
    kept = rf"(?!:(?:{there})[)\s>])" if there else ""
    text = _ENTITY.sub("& ", _TAG.sub("< ", text)).replace("\\:", ":")
    return re.sub(_SCHEME.format(kept), r"\1 ", text)


def _outputs(cell: dict, left: list[int]) -> list[dict]:
    """The outputs that can be shown without being run: texts and pictures, up to a limit."""
    kept = [shown for shown in map(_output, cell.get("outputs", [])) if shown]
    return [shown for shown in kept if _pays(shown, left)]


def _pays(shown: object, left: list[int]) -> bool:
    """Whether there is room for something; if so it is taken."""
    size = len(json.dumps(shown))
    if size > left[0]:
        return False
    left[0] -= size
    return True


def _output(output: object) -> dict | None:
    known = output if isinstance(output, dict) else {}
    kind = known.get("output_type")
    if kind == "stream" and (text := _string(known.get("text"))) is not None:
        name = "stderr" if known.get("name") == "stderr" else "stdout"
        return {"output_type": kind, "name": name, "text": text}
    if kind == "error":
        lines = known.get("traceback")
        parts = {part: _string(known.get(part)) or "" for part in ("ename", "evalue")}
        lines = lines if isinstance(lines, list) else []
        lines = [clean(line) for line in lines if isinstance(line, str)]
        return {"output_type": kind, **parts, "traceback": lines}
    if kind in ("display_data", "execute_result") and isinstance(known.get("data"), dict):
        data = _pictures(known["data"])
        if (text := _string(known["data"].get("text/plain"))) is not None:
            data["text/plain"] = text
        return {"output_type": "display_data", "metadata": {}, "data": data} if data else None
    return None


def _string(value: object) -> str | None:
    """A string, or a list of its lines, as notebooks have them."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    return clean(value) if isinstance(value, str) else None


def _pictures(data: dict) -> dict[str, str]:
    """The pictures in something that is to be shown, if they are nothing else."""
    texts = {kind: _string(data.get(kind)) for kind in PICTURES}
    return {kind: text for kind, text in texts.items() if text and _BASE64.fullmatch(text)}


def _attachments(own: list[dict], left: list[int]) -> dict[str, dict]:
    """The pictures that were pasted into texts."""
    found = {}
    for cell in own:
        for name, data in cell.get("attachments", {}).items():
            pictures = _pictures(data) if isinstance(data, dict) else {}
            if re.fullmatch(r"[\w.-]+", name) and pictures and _pays(pictures, left):
                found[name] = pictures
    return found


# --- what is said --------------------------------------------------------------------------------


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
        if is_locked(cell) and any(_text(one) != _text(cell) for one in own):
            found.setdefault("checks that were edited are as handed out again", []).append(label)
        if len(own) > 1:
            found.setdefault("cells were there in copies or in parts", []).append(label)
        if grade_id_of(cell) and all(grade_id_of(one) != label for one in own):
            found.setdefault("cells had lost nbgrader's marks", []).append(label)
    notes = [f"{name}: {what}: {listed(labels)}." for what, labels in found.items()]
    order = [own[0] for own in places if own]
    if order != sorted(order):
        notes.append(f"{name}: cells that were moved are in their places again.")
    return notes


def listed(names: list[str], most: int = 6) -> str:
    """The first few of some names."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


# --- where a task's code is ----------------------------------------------------------------------


def place_of(task: Task, slots: list[Slot]) -> int | None:
    """Which cell holds a task's function.

    As when the notebook is run from the top to the task's check: the last cell above it that
    defines the function, or the last one below if none is above. A stub as it was handed out
    counts only if there is no other definition.

    Args:
        task: of this notebook.
        slots: of the code cells of the notebook, in order.

    Returns:
        Place in the slots; None when the student has no such cell.
    """
    define = re.compile(rf"^(?:async[ \t]+)?def[ \t]+{re.escape(task.name)}[ \t]*\(", re.M)
    stub = next(slot.released for slot in slots if _has_stub(slot, task))
    check = next(place for place, slot in enumerate(slots) if _checks(slot, task))
    found = [n for n, slot in enumerate(slots) if slot.given and define.search(slot.source)]
    written = [n for n in found if slots[n].source.strip() != _text(stub)]
    above = [n for n in written if n < check]
    own = [n for n, slot in enumerate(slots) if slot.given and slot.released is stub]
    chosen = above or written or found or own
    return chosen[-1] if chosen else None


def _has_stub(slot: Slot, task: Task) -> bool:
    return slot.released is not None and stub_line(task) in slot.released["source"]


def _checks(slot: Slot, task: Task) -> bool:
    return slot.released is not None and task_checked(slot.released) == task.id
