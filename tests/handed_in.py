"""Hand-ins for tests of the grader, made by code: the files of one, zips, whole downloads."""

from __future__ import annotations

import io
import shutil
import tempfile
import time
import zipfile
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from course_copy import fill_in

from crystalgraph.checks.tasks import NOTEBOOKS, TASKS
from crystalgraph.grading.hand_ins import HandIn
from crystalgraph.hand_in import FILES
from crystalgraph.paths import RELEASE, REPO

FIRST, SECOND, THIRD, FOURTH = NOTEBOOKS.values()


def files_of(solved: Collection[str] = tuple(TASKS)) -> dict[str, bytes]:
    """The files of a hand-in in which some tasks are solved and the others as released."""
    return dict(_files_of(frozenset(solved)))


@cache
def _files_of(solved: frozenset[str]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "hw")
        shutil.copytree(RELEASE, folder)
        fill_in(folder, REPO, solved)
        return {file: (folder / file).read_bytes() for file in FILES}


def hand_in_of(files: Mapping[str, bytes], student: str = "s001") -> HandIn:
    """A hand-in with these files."""
    return HandIn(student, f"hw_{student}.zip", dict(files))


def zip_of(files: Mapping[str, bytes], comment: str = "", saved: float | None = None) -> bytes:
    """A zip of files.

    Args:
        files: path in it -> content.
        comment: of the zip.
        saved: when the files were, in seconds since 1970.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment.encode()
        for name, content in files.items():
            info = zipfile.ZipInfo(name, time.gmtime(saved)[:6])
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
