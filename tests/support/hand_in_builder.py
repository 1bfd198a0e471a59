"""The one builder of hand-ins for tests: a student's files, made by code and changed by the test.

    HandInBuilder(solved=["1.1"]).cell("1.2", "def ...").hand_in()

Files of the same solved tasks are made once in a run.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from pathlib import Path

import nbformat
from course_copy import FIRST_LAB, fill_in

from crystalgraph.course.hand_in.names import TIME_FORMAT
from crystalgraph.grading.intake.hand_ins import HandIn, read
from crystalgraph.grading.intake.sources import find_sources
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import Lab
from crystalgraph.paths import REPO
from crystalgraph.releasing.holes import stub_line


class HandInBuilder:
    """A student's files.

    Args:
        solved: ids of tasks that are right, None for all; the others are as they were handed out.
        lab: that is handed in.
    """

    def __init__(self, solved: Iterable[str] | None = None, lab: Lab = FIRST_LAB) -> None:
        self.lab = lab
        tasks = frozenset(lab.tasks if solved is None else solved)
        self.files = dict(_files_of(lab.folder, tasks))

    # --- changing it -----------------------------------------------------------------------------

    def model(self, code: str) -> HandInBuilder:
        """Add code at the end of the model file."""
        self.files[str(self.lab.model_file)] += b"\n\n" + code.encode()
        return self

    def cell(self, task: str, code: str) -> HandInBuilder:
        """Put code in place of what the cell of a task holds."""
        where = self.lab.tasks[task].where
        notebook = nbformat.reads(self.files[where].decode(), as_version=4)
        _cell_of(notebook, self.lab.tasks[task].name).source = code
        self.files[where] = nbformat.writes(notebook).encode()
        return self

    def hole(self, task: str, code: str) -> HandInBuilder:
        """Put code in place of the stub line of a task that is not solved."""
        where, lines = self.lab.tasks[task].where, [stub_line(self.lab.tasks[task]), code]
        if self.lab.tasks[task].in_notebook:
            lines = [json.dumps(line)[1:-1] for line in lines]
        old, new = (line.encode() for line in lines)
        assert self.files[where].count(old) == 1
        self.files[where] = self.files[where].replace(old, new)
        return self

    def source_of(self, task: str) -> str:
        """What the cell of a task holds."""
        where = self.lab.tasks[task].where
        notebook = nbformat.reads(self.files[where].decode(), as_version=4)
        return _cell_of(notebook, self.lab.tasks[task].name).source

    def json(self, name: str, change: Callable[[dict], object]) -> HandInBuilder:
        """Change the JSON of a notebook."""
        notebook = json.loads(self.files[name])
        change(notebook)
        self.files[name] = json.dumps(notebook).encode()
        return self

    # --- handing it in ---------------------------------------------------------------------------

    def hand_in(self, student: str = "s001") -> HandIn:
        """As the grader gets it."""
        return hand_in_of(self.files, student, self.lab)

    def zip(self) -> bytes:
        """The zip that the last cell of a notebook makes, now."""
        return zip_of(self.files, time.strftime(TIME_FORMAT, time.gmtime()))

    def put_zip(self, folder: Path, student: str = "s001") -> Path:
        """Write its zip into a folder; returns the zip's path."""
        name = f"{self.lab.id}_{student}.zip"
        return put(folder, {name: self.zip()}) / name

    def put_submitted(self, course: Path, student: str) -> Path:
        """Write its files into nbgrader's submitted/ folder of a course; returns their folder."""
        return put(course / "submitted" / student / self.lab.id, self.files)


def _cell_of(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    begin = f"def {name}("
    (cell,) = (c for c in notebook.cells if c.cell_type == "code" and begin in c.source)
    return cell


@cache
def _files_of(folder: str, solved: frozenset[str]) -> dict[str, bytes]:
    lab = LABS[folder]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name, lab.id)
        shutil.copytree(lab.release(), place)
        fill_in(place, REPO, solved, lab)
        return {file: (place / file).read_bytes() for file in lab.files}


def files_of(solved: Collection[str] | None = None, lab: Lab = FIRST_LAB) -> dict[str, bytes]:
    """The files of a hand-in in which some tasks are solved, None for all."""
    return HandInBuilder(solved, lab).files


def hand_in_of(files: Mapping[str, bytes], student: str = "s001", lab: Lab = FIRST_LAB) -> HandIn:
    """A hand-in with these files."""
    return HandIn(student, f"{lab.id}_{student}.zip", dict(files))


def read_zip(content: bytes, lab: Lab = FIRST_LAB, name: str = "") -> HandIn:
    """What the grader reads from a folder with one zip.

    Args:
        content: of the zip.
        lab: that is handed in.
        name: of the zip; empty for s001's.
    """
    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder), {name or f"{lab.id}_s001.zip": content})
        (source,) = find_sources(Path(folder), lab)
        return read(source, lab)


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
