"""What the names of files and folders tell: whose they are, and which file of the homework."""

from __future__ import annotations

import os
import re

from crystalgraph.checks.tasks import MODEL_FILE
from crystalgraph.hand_in import FILES, RENAMED, hand_in_pattern
from crystalgraph.handout import NEW_VERSION

ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".gz")
"""Only the first can be read; who hands in another is told, not overlooked."""
MOODLE = re.compile(r"(?P<person>.+_\d+)_assignsubmission_(?:file|onlinetext)_(?P<rest>.*)", re.S)
CANVAS = re.compile(r"(?P<name>[^_]+)(?:_LATE)?_(?P<number>\d+)_(?:\d+_)?(?P<rest>.+)", re.S)
"""What platforms put before the name of a file or folder."""
AGAIN = re.compile(r"(?:-(\d+)| ?\((\d+)\))$")
JUNK = re.compile(r"(?:^|/)(?:__MACOSX|__pycache__|\.(?!\.?(?:/|$))[^/]*)(?:/|$)")
"""What systems and editors leave in folders: .ipynb_checkpoints, .DS_Store, .git."""
LEADS_OUT = re.compile(r"(?:^|/)\.\.(?:/|$)|^/|^[A-Za-z]:")
EXTRA_ENDING = re.compile(r"(?<=\.py)\.txt$|(?<=\.ipynb)\.(?:txt|json)$", re.I)
"""What some browsers add when they save a file they do not know."""


def student_in(name: str, assignment: str) -> str | None:
    """The id in a name such as doejane_4711_hw_s001-1.zip; None when there is none."""
    found = re.fullmatch(hand_in_pattern(assignment), stem(name))
    return found and found["student_id"]


def number_of(name: str) -> int:
    """The 2 of hw_s001 (2).zip and of hw_s001-2.zip; else 0."""
    found = AGAIN.search(stem(name))
    return int((found[1] or found[2])[:9]) if found else 0


def person_in(name: str, is_file: bool) -> tuple[str, str]:
    """Who handed something in, as the platform says, and its name without that.

    Args:
        name: of a file, or of a folder, which only Moodle names like that.
        is_file: whether it is a file.

    Returns:
        Two empty strings when no platform named it.
    """
    if found := MOODLE.fullmatch(name):
        return found["person"], found["rest"]
    found = CANVAS.fullmatch(name) if is_file else None
    if found and (archive_ending(found["rest"]) or _file_named(found["rest"])):
        return f"{found['name']}_{found['number']}", found["rest"]
    return "", ""


def archive_ending(name: str) -> str:
    """The ending that makes a file an archive; empty for others."""
    return next((ending for ending in ARCHIVES if name.lower().endswith(ending)), "")


def stem(name: str) -> str:
    """A name without the ending of an archive."""
    return name.removesuffix(name[len(name) - len(archive_ending(name)) :])


def as_id(name: str) -> str:
    """A name without what an id must not have in it."""
    return re.sub(r"[^A-Za-z0-9]+", ".", name).strip(".")[:64] or "unnamed"


def homework_file(name: str) -> str | None:
    """The file of the homework that has this name, whatever was made of it on the way."""
    return _file_named(person_in(name, is_file=True)[1] or name)


def _file_named(name: str) -> str | None:
    """The file of the homework that Colab and browsers would call so."""
    name = EXTRA_ENDING.sub("", name)
    for known in FILES:
        begin, ending = os.path.splitext(known)
        pattern = RENAMED.format(name=re.escape(begin)) + r"(?:-\d+)?" + re.escape(ending)
        if re.fullmatch(pattern, name, re.I):
            return known
    return None


def kind_of(name: str) -> str:
    """ ".ipynb" or ".py" for a file that may be one of the homework's; else empty."""
    name = EXTRA_ENDING.sub("", name)
    begin, ending = os.path.splitext(name)
    wanted = ending.lower() in (".ipynb", os.path.splitext(MODEL_FILE)[1])
    return ending.lower() if wanted and not NEW_VERSION.search(begin) else ""
