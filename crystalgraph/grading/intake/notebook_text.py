"""Bytes into text and text into a notebook's cells, as far as a damaged file goes.

Strangers wrote the bytes: they are decoded and read as JSON, never run and never parsed as Python.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from crystalgraph.labs.lab import Lab

MOST_PARTS = 2_000_000
"""Brackets and commas in a notebook's JSON. Each makes an object of Python's."""
MOST_SALVAGED = 2**26
"""Characters of a damaged notebook that are searched for whole cells, all attempts together."""
MOST_ATTEMPTS = 2_000
LENGTHS = (2**18, 2**23)
"""Characters that hold most cells, and all; a failed attempt costs as much as it was given."""
MOST_CELLS = 5_000
NOT_UTF_8 = "was not in UTF-8 and has been converted"
SALVAGED = "is damaged: {} of its cells could be saved"

_CELL = re.compile(r'\{\s*"(?:attachments|cell_type|execution_count|id|metadata|outputs|source)"')


class BadNotebook(ValueError):
    """Nothing in a file is a cell; the message ends a sentence that begins with its name."""


def text_of(content: bytes) -> tuple[str, str]:
    """The text of a file, and a note when it had to be converted.

    What editors and shells of Windows write is understood: byte order marks, UTF-16, cp1252. The
    text can always be encoded as UTF-8 again.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, errors="replace"), NOT_UTF_8
    try:
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), NOT_UTF_8


def cells_of(content: bytes) -> tuple[list[dict], list[str]]:
    """The cells of a notebook, each with cell_type, source (one string), metadata and outputs.

    Returns:
        The cells, and notes on what was wrong; each ends a sentence that begins with the name.

    Raises:
        BadNotebook: there are none.
    """
    text, note = text_of(content)
    notes = [note] if note else []
    if sum(map(text.count, "{[,")) > MOST_PARTS:
        raise BadNotebook("has more lists and numbers in it than any notebook of Jupyter's")
    try:
        cells = json.loads(text)["cells"]
        if not isinstance(cells, list):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        cells = list(_salvaged(text))
        if not cells:
            raise BadNotebook(
                "cannot be read as a notebook; open and save it in Jupyter, or paste the answers "
                "into a fresh copy"
            ) from None
        notes.append(SALVAGED.format(len(cells)))
    if len(cells) > MOST_CELLS:
        raise BadNotebook(f"has {len(cells)} cells, more than a person can write")
    whole = [cell for cell in map(_plain, cells) if cell is not None]
    if len(whole) < len(cells):
        notes.append(f"has {len(cells) - len(whole)} cells that are none; they are left out")
    return whole, notes


def _salvaged(text: str) -> Iterator[dict]:
    """The cells of a notebook that is no valid JSON as a whole, but in parts."""
    place, left = 0, MOST_SALVAGED
    for _ in range(MOST_ATTEMPTS):
        begin = _CELL.search(text, place)
        if begin is None or left <= 0:
            return
        cell, used = None, 0
        for length in LENGTHS:
            cell, used = _decoded(text[begin.start() : begin.start() + length])
            left -= used
            if cell is not None or used < length:
                break
        place = begin.end() if cell is None else begin.start() + used
        if isinstance(cell, dict) and "cell_type" in cell and "source" in cell:
            yield cell


def _decoded(text: str) -> tuple[object, int]:
    """The value at the beginning of a text, None if there is none, and how much was read."""
    try:
        return json.JSONDecoder().raw_decode(text)
    except RecursionError:
        return None, len(text)
    except json.JSONDecodeError as error:  # tells of a string without end where that begins
        return None, len(text) if error.msg.startswith("Unterminated") else max(error.pos, 1)
    except ValueError:  # a number of thousands of digits
        return None, len(text)


def _plain(cell: object) -> dict | None:
    """A cell with the parts that are used, each of the type it should have; None if it is none."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = source_of(cell)
    if source is None:
        return None
    parts = {"metadata": dict, "attachments": dict, "outputs": list}
    kept = {part: cell[part] for part, form in parts.items() if isinstance(cell.get(part), form)}
    known = {"cell_type": cell["cell_type"], "metadata": {}, "source": source}
    return known | ({"id": cell["id"]} if isinstance(cell.get("id"), str) else {}) | kept


def source_of(cell: dict) -> str | None:
    """The text of a cell, whatever characters it was given; None when it has none."""
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    return clean(source) if isinstance(source, str) else None


def clean(text: str) -> str:
    """The text without halves of characters, which no file can hold."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def grade_id_of(cell: dict) -> str | None:
    """nbgrader's name of a cell, if it has one."""
    settings = cell["metadata"].get("nbgrader")
    name = settings.get("grade_id") if isinstance(settings, dict) else None
    return name if isinstance(name, str) else None


def cell_id_of(cell: dict) -> str | None:
    """Jupyter's name of a cell; Colab keeps it in the metadata."""
    for name in (cell.get("id"), cell["metadata"].get("id")):
        if isinstance(name, str):
            return name
    return None


def released_notebook(lab: Lab, name: str) -> dict:
    """A notebook as it was handed out, with each source as one string; not to be changed.

    Args:
        lab: that it belongs to.
        name: of its file.
    """
    return _notebook_in(lab.release() / name)


@cache
def _notebook_in(path: Path) -> dict:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook
