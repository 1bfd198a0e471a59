"""What the names of files and folders tell: whose they are, and which file of the lab."""

from __future__ import annotations

import hashlib
import os
import re

from crystalgraph.course.hand_in.names import CANVAS, RENAMED, STUDENT_ID, hand_in_pattern
from crystalgraph.course.hand_out import NEW_VERSION
from crystalgraph.grading.intake.wording import FORMULA
from crystalgraph.labs.lab import Lab

ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".gz")
"""Only the first can be read; a hand-in in another one is not overlooked, it gets a sentence."""
MOODLE = re.compile(
    r"(?P<person>.+_\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<rest>.*))?", re.S
)
FROM_CANVAS = re.compile(rf"(?P<begin>{CANVAS})(?P<rest>.+)", re.S)
"""What platforms put before the name of a file or folder."""
ILIAS = re.compile(r"[^_]+_[^_]+_.+_\d+", re.S)
"""ILIAS's folder for one person: Doe_Jane_jdoe_4711. Others may look like it, so it keeps hand-ins
apart that have one id, and puts none together."""
VERSION = re.compile(r"(?<=/)Version (\d{1,9})(?:/|$)")
"""Teams's folders in the one of a person, for what was handed in first, second, ..."""
AGAIN = re.compile(r"(?:-(\d+)| ?\((\d+)\))$")
JUNK = re.compile(r"(?:^|/)(?:__MACOSX|__pycache__|\.(?!\.?(?:/|$))[^/]*)(?:/|$)")
"""What systems and editors leave in folders: .ipynb_checkpoints, .DS_Store, .git."""
MADE_UP = "~"
"""Stands in ids that were made up, and in no other."""
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


def without_version(path: str) -> str:
    """The path of a file or folder without Teams's folders Version 1, Version 2 in it."""
    return VERSION.sub("", path).rstrip("/")


def version_of(path: str) -> int:
    """The 2 of Jane Doe/Version 2/ps1_s001.zip; else 0."""
    found = VERSION.search(path)
    return int(found[1]) if found else 0


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
        return found["person"], found["rest"] or ""
    found = FROM_CANVAS.fullmatch(name) if is_file else None
    if found and (archive_ending(found["rest"]) or _file_named(found["rest"], lab)):
        begin = found["begin"].replace("_LATE_", "_", 1)
        return "_".join(begin.split("_")[:2]), found["rest"]
    return "", ""


def is_late(name: str) -> bool:
    """Whether Canvas says that a file came after the date."""
    found = FROM_CANVAS.fullmatch(name)
    return found is not None and "_LATE_" in found["begin"]


def archive_ending(name: str) -> str:
    """The ending that makes a file an archive; empty for others."""
    return next((ending for ending in ARCHIVES if name.lower().endswith(ending)), "")


def stem(name: str) -> str:
    """A name without the ending of an archive."""
    return name.removesuffix(name[len(name) - len(archive_ending(name)) :])


def made_up_id(name: str, written: str = "") -> str:
    """An id for somebody whose own is not known: `~my.work~0a1b2c3d4e`, `s001~doejane_4711`.

    No id that anybody can write has a `~` in it (STUDENT_ID), so a made-up one never is another
    student's. Two names never give the same one: a name that had to be changed gets a checksum.

    Args:
        name: of a file, a folder or a person.
        written: the id that several people have written.
    """
    plain = re.sub(r"[^A-Za-z0-9._@-]+", ".", name).strip(".")[:48]
    if plain != name:
        checksum = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        plain += f"{MADE_UP}{checksum[:10]}"
    return f"{written}{MADE_UP}{plain}"


def is_id(name: str) -> bool:
    """Whether a name can be what a student writes as an id."""
    return re.fullmatch(STUDENT_ID, name) is not None


def is_plain(name: str) -> bool:
    """Whether a name can be an id wherever ids go: pages, tables that compute, the terminal."""
    return name.isprintable() and MADE_UP not in name and name[0] not in FORMULA


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
