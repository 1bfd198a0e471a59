"""What the names of files and folders tell: whose they are, and which file of the lab."""

from __future__ import annotations

import os
import re

from crystalgraph.course.hand_in.names import RENAMED, hand_in_pattern
from crystalgraph.course.hand_out import NEW_VERSION
from crystalgraph.labs.lab import Lab

ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".gz")
"""Only the first can be read; a hand-in in another one is not overlooked, it gets a sentence."""
MOODLE = re.compile(r"(?P<person>.+_\d+)_assignsubmission_(?:file|onlinetext)_(?P<rest>.*)", re.S)
CANVAS = re.compile(r"(?P<name>[^_]+)(?:_LATE)?_(?P<number>\d+)_(?:\d+_)?(?P<rest>.+)", re.S)
"""What platforms put before the name of a file or folder."""
AGAIN = re.compile(r"(?:-(\d+)| ?\((\d+)\))$")
JUNK = re.compile(r"(?:^|/)(?:__MACOSX|__pycache__|\.(?!\.?(?:/|$))[^/]*)(?:/|$)")
"""What systems and editors leave in folders: .ipynb_checkpoints, .DS_Store, .git."""
LEADS_OUT = re.compile(r"(?:^|/)\.\.(?:/|$)|^/|^[A-Za-z]:")
EXTRA_ENDING = re.compile(r"(?<=\.py)\.txt$|(?<=\.ipynb)\.(?:txt|json)$", re.I)
"""What some browsers add when they save a file they do not know."""


def student_in(name: str, lab: Lab) -> str | None:
    """The id in a name such as doejane_4711_ps1_s001-1.zip; None when there is none."""
    found = re.fullmatch(hand_in_pattern(lab.id), stem(name))
    return found["student_id"] if found else None


def number_of(name: str) -> int:
    """The 2 of ps1_s001 (2).zip and of ps1_s001-2.zip; else 0."""
    found = AGAIN.search(stem(name))
    return int((found[1] or found[2])[:9]) if found else 0


def person_in(name: str, lab: Lab, is_file: bool) -> tuple[str, str]:
    """Who handed something in, as the platform says, and its name without that.

    Args:
        name: of a file, or of a folder, which only Moodle names like that.
        lab: that is handed in.
        is_file: whether it is a file.

    Returns:
        Two empty strings when no platform named it.
    """
    if found := MOODLE.fullmatch(name):
        return found["person"], found["rest"]
    found = CANVAS.fullmatch(name) if is_file else None
    if found and (archive_ending(found["rest"]) or _file_named(found["rest"], lab)):
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


def file_of_lab(name: str, lab: Lab) -> str | None:
    """The file of the lab that has this name, whatever was made of it on the way."""
    return _file_named(person_in(name, lab, is_file=True)[1] or name, lab)


def _file_named(name: str, lab: Lab) -> str | None:
    """The file of the lab that Colab and browsers would call so."""
    name = EXTRA_ENDING.sub("", name)
    for known in lab.files:
        begin, ending = os.path.splitext(known)
        pattern = RENAMED.format(name=re.escape(begin)) + r"(?:-\d+)?" + re.escape(ending)
        if re.fullmatch(pattern, name, re.I):
            return known
    return None


def ending_of(name: str, lab: Lab) -> str:
    """The ending of a file that may be one of the lab's, ".ipynb" or ".py"; empty for others."""
    begin, ending = os.path.splitext(EXTRA_ENDING.sub("", name))
    known = {os.path.splitext(file)[1] for file in lab.files}
    return ending.lower() if ending.lower() in known and not NEW_VERSION.search(begin) else ""
