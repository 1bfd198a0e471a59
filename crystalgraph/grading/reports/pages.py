"""HTML pages for people, each one file that loads nothing from elsewhere.

What stands in a hand-in ends up in these pages: error messages, names of files, an id. So every
value that a template prints is cleaned, cut and escaped here, not where somebody thinks of it.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from crystalgraph.grading.intake.file_names import MADE_UP
from crystalgraph.grading.intake.wording import readable
from crystalgraph.grading.result import Status

TEMPLATES = Path(__file__).resolve().parent / "templates"
GRADES, REPORT = "grades.csv", "class_report.html"
"""The tables of a results folder; the students' folders are beside them."""
MOST_CHARACTERS = 3000
"""Of one value on a page; the checks' own messages are shorter."""

WORDS = {
    Status.OK: "right",
    Status.PARTIAL: "partly right",
    Status.WRONG: "not right",
    Status.NOT_IMPLEMENTED: "not filled in",
    Status.IMPORT_ERROR: "the file does not load",
    Status.TIMEOUT: "did not come to an end in time",
    Status.OUT_OF_MEMORY: "took too much memory",
    Status.CRASHED: "Python itself ended",
    Status.BAD_NOTEBOOK: "the notebook cannot be read",
    Status.MISSING_FILE: "the file is missing",
    Status.TAMPERED: "set aside for your instructor to look at",
    Status.GRADER_BUSY: "not graded yet: the grader had no time",
    Status.INTERNAL_ERROR: "not graded: the grader failed here, not you",
}
"""What a status says to a student."""

_COLORS = {
    Status.OK: "right",
    Status.PARTIAL: "partly",
    Status.WRONG: "wrong",
    Status.NOT_IMPLEMENTED: "open",
}


def color_of(status: Status) -> str:
    """The color of a status: right, partly, wrong, open, or odd for all that is graver."""
    return _COLORS.get(status, "odd")


def clean(value: object) -> object:
    """What a page may show of a value.

    Args:
        value: a text, or anything else, which is left alone.

    Returns:
        The text without characters that cannot be seen (they may reverse the line, or not be
        UTF-8 at all), and cut where it is far too long.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    cut = value[:MOST_CHARACTERS] + " ..." if len(value) > MOST_CHARACTERS else value
    return readable(cut)


def when(submitted: str) -> str:
    """The time of a hand-in for people: "2026-12-18 17:59 UTC"."""
    try:
        time = datetime.fromisoformat(submitted)
    except ValueError:
        return submitted or "at an unknown time"
    return f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}".rstrip()


def prose(text: str) -> Markup:
    """A sentence of the checks: what stands between backticks is code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(clean(text)))))


def address(name: str) -> str:
    """The name of a file or folder beside the page, for a link: never another folder's."""
    return "./" + quote(name.encode("utf-8", "replace"), safe="")


def folder_of(student: str) -> str:
    """A student's folder of results; a name that the tables need gets a mark no id has."""
    taken = {name + ending for name in (GRADES, REPORT) for ending in ("", ".part")}
    return student + MADE_UP if student in taken else student


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=clean,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {"color": color_of, "words": WORDS.__getitem__, "when": when}
    environment.filters |= filters | {"prose": prose, "address": address, "folder": folder_of}
    return environment


def render(template: str, **values: object) -> str:
    """Fill in a page.

    Args:
        template: its file in templates/.
        values: what it asks for.

    Returns:
        The page.
    """
    return _environment().get_template(template).render(values)
