"""What goes into the zip: one version of every file of the lab, found under whatever name."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crystalgraph.course.colab import in_colab
from crystalgraph.course.hand_in.names import RENAMED
from crystalgraph.course.hand_out import NEW_VERSION, fingerprint, fingerprint_of
from crystalgraph.course.notebook_file import (
    UNREADABLE,
    cells_of,
    grade_ids,
    grade_ids_in,
    released_ids,
)
from crystalgraph.errors import CrystalGraphError, ShownPlainly
from crystalgraph.labs.lab import Lab


class HandInRefused(ShownPlainly, CrystalGraphError):
    """There is no zip, and why."""


@dataclass(frozen=True)
class Part:
    """One file of the zip.

    Attributes:
        name: under which it is handed in.
        path: where it was found; None for the notebook on Colab's screen.
        content: its bytes.
        saved: when, in seconds since 1970.
        others: further versions of it, which stay behind.
    """

    name: str
    path: Path | None
    content: bytes
    saved: float
    others: tuple[Path, ...] = ()

    def describe(self) -> str:
        """Name, place and age in one line."""
        if self.path is None:
            return f"{self.name}, as it is on your screen"
        renamed = "" if self.path.name == self.name else f", from {self.path.name!r}"
        place = "" if self.path.parent == Path.cwd() else f" in {self.path.parent}"
        left = "".join(f"; not {str(path)!r}, which is older" for path in self.others)
        return f"{self.name}{renamed}{place}, saved {_ago(time.time() - self.saved)}{left}"


def _ago(seconds: float) -> str:
    """A time span in words: "3 minutes ago"."""
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"


def collect_parts(lab: Lab, folders: Sequence[Path], on_screen: Part | None = None) -> list[Part]:
    """Every file that has to be in the zip, under its right name.

    Args:
        lab: that is handed in.
        folders: where to look; the first is the student's own.
        on_screen: the notebook that Colab shows, which counts in place of a file.

    Returns:
        One part for each of the lab's files.

    Raises:
        HandInRefused: one is missing, is there in two versions, or cannot be graded.
    """
    found = {name: _versions(lab, name, folders) for name in lab.files}
    if on_screen is not None:
        found[on_screen.name] = []
    there = {on_screen.name} if on_screen else set()
    missing = [name for name, paths in found.items() if not paths and name not in there]
    if missing:
        raise HandInRefused(_missing(lab, missing, folders))
    parts = [_chosen(name, paths) for name, paths in found.items() if paths]
    parts += [on_screen] if on_screen else []
    for part in parts:
        if part.name != lab.model_file:
            _check_gradable(lab, part)
    return sorted(parts, key=lambda part: lab.files.index(part.name))


def _versions(lab: Lab, name: str, folders: Iterable[Path]) -> list[Path]:
    """Files that are this one by their cells or, where these say nothing, by their name.

    One in which nothing was done counts only if there is no other.
    """
    stem, ending = os.path.splitext(name)
    pattern = RENAMED.format(name=re.escape(stem)) + re.escape(ending)
    versions = []
    for folder in folders:
        for path in sorted(folder.glob(f"*{ending}")):
            ids = grade_ids_in(path) if ending == ".ipynb" else set()
            fits = bool(ids & released_ids(lab, name)) if ids else re.fullmatch(pattern, path.name)
            handed_out = NEW_VERSION.search(path.stem) or path.name.startswith(".")
            if fits and path.is_file() and not handed_out:
                versions.append(path)
        if versions and name == lab.model_file:  # the one that the notebook imports
            break
    untouched = fingerprint(lab.release() / name)
    worked_on = [path for path in versions if _work(path) != untouched]
    return worked_on or versions[:1]


def _chosen(name: str, paths: list[Path]) -> Part:
    """The version that counts: the only one, or the newest if it has the right name."""
    newest = max(paths, key=lambda path: (path.stat().st_mtime, path.name == name))
    others = tuple(path for path in paths if _work(path) != _work(newest))
    if newest.name != name and others:
        names = " and ".join(repr(str(path)) for path in paths)
        raise HandInRefused(
            f"No zip: {name} is there in {len(paths)} versions, {names}; delete those that do not "
            "count, or move them elsewhere, and run this cell again."
        )
    return Part(name, newest, _read(newest), newest.stat().st_mtime, others)


def copy_with_work(lab: Lab, parts: Iterable[Part]) -> str:
    """A sentence when the work seems to be in a copy of the model file that is left behind.

    Args:
        lab: that is handed in.
        parts: of its zip.
    """
    for part in parts:
        if part.name != lab.model_file or part.path is None:
            continue
        untouched = fingerprint(lab.release() / part.name)
        stem, ending = os.path.splitext(part.name)
        beside = sorted(part.path.parent.glob(f"*{stem}*{ending}"))
        beside = [path for path in beside if path.is_file() and not NEW_VERSION.search(path.stem)]
        copies = [repr(path.name) for path in beside if _work(path) != untouched]
        if copies and _work(part.path) == untouched:
            return (
                f"CAREFUL: {part.name} in this zip is as you got it, but there is work in "
                f"{' and '.join(copies)}. If that is yours, rename it to {part.name} and run this "
                "cell again."
            )
    return ""


def _work(path: Path) -> str:
    """The same for two files with the same work in them."""
    return fingerprint_of(path.name, _read(path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HandInRefused(
            f"No zip: {path} cannot be read ({error.strerror}); correct that and run this cell "
            "again."
        ) from error


def _missing(lab: Lab, names: list[str], folders: Sequence[Path]) -> str:
    what = f"No zip: {', '.join(names)} {'is' if len(names) == 1 else 'are'} not in "
    where = " or ".join(map(str, folders))
    if in_colab():
        cure = (
            "save your copies to Drive and set KEEP_ON_DRIVE = True in the first cell, or upload "
            "what is missing (folder icon on the left)"
        )
    else:
        cure = (
            "put it beside this notebook (a fresh copy comes with `crystalgraph lab "
            f"{lab.id} --prepare-only`)"
        )
    return f"{what}{where}; {cure}, and run this cell again."


def _check_gradable(lab: Lab, part: Part) -> None:
    """Raise HandInRefused unless nbgrader will be able to read a notebook and to find its cells."""
    where = part.path or part.name
    try:
        ids = grade_ids(cells_of(part.content))
    except UNREADABLE as error:
        raise HandInRefused(
            f"No zip: {where} cannot be read as a notebook ({type(error).__name__}); open and save "
            "it in Jupyter, or paste your answers into a fresh copy, and run this cell again."
        ) from error
    if not ids & released_ids(lab, part.name):
        raise HandInRefused(
            f"No zip: the cells of {where} have lost the marks by which they are graded (or belong "
            "to another notebook); paste your answers into a fresh copy and run this cell again."
        )
