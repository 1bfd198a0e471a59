"""Handing a lab out, also again in mid-term: what a student has changed is never overwritten.

The student's folder keeps a record of every version that was handed out into it. A file that equals
one of them has none of the student's work in it, and a newer version replaces it; any other file
stays, and the newer version is put beside it under another name.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from crystalgraph.course.notebook_file import UNREADABLE, cells_of, settings_of, source_of
from crystalgraph.errors import CrystalGraphError
from crystalgraph.files import write_atomically

RECORD = ".handed_out.json"
"""In the student's folder: {file name: fingerprints of the versions handed out}."""
NOT_COPIED = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", ".DS_Store")


@dataclass
class HandedOut:
    """What was done to a student's folder; names are relative to it.

    Attributes:
        folder: the student's.
        new: files that were not there.
        updated: files the student had not changed, replaced by the course's new version.
        beside: files the student has changed -> the course's new version, beside them.
        kept: everything else.
    """

    folder: Path
    new: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    beside: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)

    def sentence(self, see: str) -> str:
        """What was done.

        Args:
            see: how to look at what differs.
        """
        parts = [f"copied: {', '.join(self.new)}"] if self.new else []
        if self.updated:
            parts.append(f"updated, as you had not changed them: {', '.join(self.updated)}")
        if self.beside:
            yours, theirs = ", ".join(self.beside), ", ".join(self.beside.values())
            parts.append(
                f"kept, as you have changed them: {yours}; the course's new version of each lies "
                f"beside it: {theirs} ({see})"
            )
        if self.kept or not parts:
            others = "your other files are" if parts else "nothing is new, and your files are"
            parts.append(f"{others} as you left them")
        return "; ".join(parts)


def hand_out(source: Path, target: Path, names: Iterable[str] | None = None) -> HandedOut:
    """Bring a student's folder up to date.

    Args:
        source: the released assignment.
        target: the student's folder, made if need be.
        names: of the files wanted; None for all.

    Raises:
        CrystalGraphError: the release is missing or empty.
    """
    files = [path.relative_to(source).as_posix() for path in released_files(source)]
    wanted = files if names is None else [name for name in files if name in set(names)]
    if not wanted:
        raise CrystalGraphError(
            f"nothing is released in {source}: get the course's repository again, or, as its "
            f"instructor, run `nbgrader generate_assignment {source.name} --force`"
        )
    done, record = HandedOut(target), read_record(target)
    for name in wanted:
        known = record.setdefault(name, [])
        hand_out_file(source / name, name, known, done)
        if (newest := fingerprint(source / name)) not in known:
            known.append(newest)
            # After each file, so that an interruption leaves a record of what was done.
            write_atomically(target / RECORD, json.dumps(record, indent=1).encode())
    return done


def hand_out_file(source: Path, name: str, known: list[str], done: HandedOut) -> None:
    """Hand out one file: copy it, replace an unchanged one, or put it beside a changed one.

    Args:
        source: the released file.
        name: where it belongs in the student's folder.
        known: fingerprints of the versions handed out so far.
        done: what was done is noted here.
    """
    place, newest = done.folder / name, fingerprint(source)
    if not place.exists():
        write_atomically(place, source.read_bytes())
        done.new.append(name)
    elif (current := fingerprint(place)) != newest and current in known:
        write_atomically(place, source.read_bytes())
        done.updated.append(name)
    elif current == newest or newest in known:
        done.kept.append(name)
    else:
        place = free_name(place, [*known, newest])
        write_atomically(place, source.read_bytes())
        done.beside[name] = place.relative_to(done.folder).as_posix()


def free_name(place: Path, ours: list[str]) -> Path:
    """NAME.new.py, or .new2 and so on where the student has worked in that one as well.

    The dot keeps the file out of hand-ins: nothing of that name is collected.
    """
    number = 1
    while True:
        beside = place.with_name(f"{place.stem}.new{number if number > 1 else ''}{place.suffix}")
        if not beside.exists() or fingerprint(beside) in ours:
            return beside
        number += 1


def released_files(source: Path) -> list[Path]:
    """Every file of the release, sorted; leftovers of editors and kernels are none of it."""
    files = []
    for folder, names, filenames in os.walk(source):
        ignored = NOT_COPIED(folder, [*names, *filenames])
        names[:] = sorted(set(names) - ignored)
        files += [Path(folder) / name for name in sorted(set(filenames) - ignored)]
    return sorted(files)


# --- what counts as changed ----------------------------------------------------------------------


def fingerprint(path: Path) -> str:
    """The same for two files that hold the same work, whatever was run in them."""
    return fingerprint_of(path.name, path.read_bytes())


def fingerprint_of(name: str, content: bytes) -> str:
    """The fingerprint of a file of this name that holds this."""
    cells = cells_in(name, content)
    work = content.replace(b"\r\n", b"\n")
    if cells is not None:
        work = json.dumps([cell for cell in map(work_in, cells) if cell]).encode()
    return hashlib.sha256(work).hexdigest()


def cells_in(name: str, content: bytes) -> list[dict] | None:
    """A notebook's cells; None for other files and for one that cannot be read."""
    if not name.endswith(".ipynb"):
        return None
    try:
        return cells_of(content)
    except UNREADABLE:
        return None


def work_in(cell: dict) -> list:
    """What a person put into a cell: not its output, nor what an editor notes about it.

    nbgrader's settings count too, so that a change of points reaches those who changed nothing. An
    empty cell is nothing: Shift+Enter at the end of a notebook makes one.
    """
    text, pictures = source_of(cell), cell.get("attachments")
    if not text.strip() and not pictures:
        return []
    return [cell.get("cell_type"), text, pictures or None, settings_of(cell) or None]


# --- the record ----------------------------------------------------------------------------------


def read_record(folder: Path) -> dict[str, list[str]]:
    """The record; without one that can be read, every file counts as changed."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return {str(name): [str(one) for one in known] for name, known in record.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


# --- what differs --------------------------------------------------------------------------------

NEW_VERSION = re.compile(r"\.new\d*$")


def differences(folder: Path) -> str:
    """Each file of a student's folder against the course's new version beside it, line by line."""
    pages = []
    for new in sorted(path for path in folder.rglob("*") if NEW_VERSION.search(path.stem)):
        yours = new.with_name(NEW_VERSION.sub("", new.stem) + new.suffix)
        if yours.exists():
            names = (f"yours: {yours.relative_to(folder)}", f"new: {new.relative_to(folder)}")
            pages += difflib.unified_diff(text_lines(yours), text_lines(new), *names, lineterm="")
    return "\n".join(pages) or f"no new version lies beside a file of yours in {folder}"


def text_lines(path: Path) -> list[str]:
    """A file's lines; of a notebook the text of its cells."""
    content = path.read_bytes()
    cells = cells_in(path.name, content)
    if cells is None:
        return content.decode("utf-8", errors="replace").splitlines()
    blocks = (f"--- {cell['cell_type']} cell\n{source_of(cell)}" for cell in cells)
    return "\n".join(blocks).splitlines()
