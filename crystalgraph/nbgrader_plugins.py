"""What nbgrader_config.py plugs into nbgrader: preprocessors and hooks, and nothing of its own.

nbgrader logs and forgets an exception raised in a hook, but not a SystemExit, so the hook that
looks for leaks ends with that.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.nbgraderformat import ValidationError
from nbgrader.plugins import FileNameCollectorPlugin
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
    NbGraderPreprocessor,
    SaveCells,
)
from nbgrader.utils import is_grade, is_solution
from traitlets import Unicode

from crystalgraph.hand_in import time_in_comment, time_in_name
from crystalgraph.release import (
    PLACEHOLDER,
    STUDENT_MODEL,
    ReleaseError,
    check_release,
    clear_holes,
    make_student_model,
)

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
NOISE = ("ExecuteTime", "collapsed", "execution", "outputId", "scrolled", "trusted")


# --- making the release --------------------------------------------------------------------------


class ClearTaskSolutions(ClearSolutions):
    """ClearSolutions whose code stubs name the task; a code solution must have its markers."""

    def _replace_solution_region(self, cell: NotebookNode, language: str) -> bool:
        if cell.cell_type != "code":
            return super()._replace_solution_region(cell, language)
        cleared = clear_holes(cell.source, f"cell {cell.get('id')}")
        replaced, cell.source = cleared != cell.source, cleared
        if is_solution(cell) and not replaced:
            raise ReleaseError(
                f"cell {cell.get('id')} is marked as a solution and has no solution region: "
                "add the markers, or take nbgrader's metadata away"
            )
        return replaced


class TidyMetadata(NbGraderPreprocessor):
    """Leave out what depends on who saved the notebook where, so that releases are reproducible."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Fix the notebook's metadata, then its cells'."""
        nb.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})
        return super().preprocess(nb, resources)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict, cell_index: int
    ) -> tuple[NotebookNode, dict]:
        """Drop timings, scroll states and the like."""
        for name in NOISE:
            cell.metadata.pop(name, None)
        return cell, resources


class WriteRepository(NbGraderPreprocessor):
    """Put the course's repository where the sources have a placeholder (badges, set-up cells)."""

    repository = Unicode(
        PLACEHOLDER, help="OWNER/NAME of the course's public repository on GitHub"
    ).tag(config=True)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict, cell_index: int
    ) -> tuple[NotebookNode, dict]:
        """Replace the placeholder."""
        cell.source = cell.source.replace(PLACEHOLDER, self.repository)
        return cell, resources


RELEASE_PREPROCESSORS = [
    LockCells,
    ClearTaskSolutions,
    ClearOutput,
    TidyMetadata,
    WriteRepository,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,  # hidden tests and mark schemes are gone: the student's cells differ
    CheckCellMetadata,
]


def release_notebook(path: Path, repository: str) -> str:
    """The released text of one solution notebook, as nbgrader writes it, without a gradebook.

    Args:
        path: the solution notebook.
        repository: OWNER/NAME on GitHub.

    Raises:
        ReleaseError: a preprocessor refused the notebook.
    """
    notebook, resources = nbformat.read(path, as_version=4), {}
    for preprocessor in RELEASE_PREPROCESSORS:
        if preprocessor is not SaveCells:  # the one that writes to the gradebook
            settings = {"repository": repository} if preprocessor is WriteRepository else {}
            try:
                notebook, resources = preprocessor(**settings)(notebook, resources)
            except ValidationError as error:  # nbgrader logs the reason and raises a summary
                reason = getattr(error.__context__, "message", error)
                raise ReleaseError(f"{path.name}: {reason}") from error
            except (ReleaseError, RuntimeError) as error:
                raise ReleaseError(f"{path.name}: {error}") from error
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


class ReleaseHook:
    """GenerateAssignment.post_convert_hook: bring model_hw.py along, then look for leaks."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, assignment: str, student: str, notebooks: Sequence[str]) -> None:
        """Finish a release, or remove it and end nbgrader with a sentence."""
        release = self.root / "assignments" / assignment
        try:
            finish_release(self.root, assignment, release)
            shutil.copyfile(release / STUDENT_MODEL, self.root / STUDENT_MODEL)
        except Exception as error:
            shutil.rmtree(release, ignore_errors=True)  # nobody may hand out what is left of it
            said = str(error) if isinstance(error, ReleaseError) else repr(error)
            sys.exit(f"no release was made: {said}")


def finish_release(root: Path, assignment: str, release: Path) -> None:
    """Bring model_hw.py along and check everything.

    Args:
        root: the course's folder: model.py, solutions/.
        assignment: such as "hw".
        release: where the released notebooks are.

    Raises:
        ReleaseError: something is missing or would be given away.
    """
    write_text(release / STUDENT_MODEL, make_student_model(root))
    check_release(root, assignment, release)


def write_text(path: Path, text: str) -> None:
    """Write a text file with the same bytes on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


# --- collecting ----------------------------------------------------------------------------------


class HandInCollector(FileNameCollectorPlugin):
    """FileNameCollectorPlugin that knows when a hand-in was made.

    nbgrader needs the time to see what is late, to take the later of two zips of one student, and
    to grade a new hand-in again. It stands in the zip's name if the platform writes it there
    (2026-11-21-16-02-11, the time zone being this computer's), else in the comment that the last
    cell of the notebooks leaves in the zip. Hand-made zips have neither and are never late.
    """

    def collect(self, submitted_file: str) -> dict | None:
        """What the file's name says about it, and the time; None when it is not to be collected."""
        info = super().collect(submitted_file)
        if info is None:
            return None
        made = self._made(submitted_file)
        return info if made is None else {**info, "timestamp": made.isoformat()}

    def _made(self, submitted_file: str) -> datetime | None:
        """When the hand-in was made, with its time zone."""
        base, extracted, inside = submitted_file.rpartition(f"{os.sep}extracted{os.sep}")
        if (made := time_in_name(inside)) is not None:
            return made
        for folder in filter(lambda folder: folder.name, Path(inside).parents):
            name = folder.with_name(f"{folder.name}.zip")  # a zip in a zip is not in the archive
            for path in (Path(base, "archive", name), Path(base + extracted, name)):
                if path.is_file() and (made := time_of_zip(path)):
                    return made
        return None


def time_of_zip(path: Path) -> datetime | None:
    """The time that crystalgraph.hand_in wrote into a zip, if it did."""
    try:
        with zipfile.ZipFile(path) as archive:
            return time_in_comment(archive.comment)
    except (OSError, zipfile.BadZipFile):
        return None


# --- grading -------------------------------------------------------------------------------------


class NumberOrNothing(NbGraderPreprocessor):
    """Make a grade cell's score depend on its last value alone.

    nbgrader gives zero to a cell that printed on stderr, and full marks to one that ends in
    nothing, a string, an object or a negative number. So stderr is shown as ordinary output, and
    a grade cell that does not end in a number from 0 to its points gets an error.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict, cell_index: int
    ) -> tuple[NotebookNode, dict]:
        """Rewrite the outputs of an executed grade cell."""
        if cell.cell_type != "code" or not is_grade(cell) or is_solution(cell):
            return cell, resources
        for output in cell.outputs:
            if output.output_type == "stream":
                output.name = "stdout"
        failed = any(output.output_type == "error" for output in cell.outputs)
        if not failed and not ends_in_points(cell):
            cell.outputs.append(NO_NUMBER)
        return cell, resources


NO_NUMBER = NotebookNode(
    output_type="error",
    ename="NoPoints",
    evalue="this check did not end in its points, so it scores zero",
    traceback=["NoPoints: this check did not end in its points, so it scores zero"],
)


def ends_in_points(cell: NotebookNode) -> bool:
    """Whether the cell's value is a number between 0 and the points it is worth."""
    values = [output for output in cell.outputs if output.output_type == "execute_result"]
    try:
        value = float(values[-1]["data"]["text/plain"])
    except (IndexError, KeyError, ValueError):
        return False
    return math.isfinite(value) and 0 <= value <= float(cell.metadata.nbgrader["points"])


class MissingModelHook:
    """Autograde.pre_convert_hook: a hand-in without model_hw.py is graded with empty stubs.

    Otherwise the import at the top of notebooks 2 and 3 fails and takes every other task along.
    The stand-in is put beside the graded copy; the hand-in itself is left as it is.
    """

    NOTE = "model_hw.py was not handed in: tasks 2.x count as not done"

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, assignment: str, student: str, notebooks: Sequence[str]) -> None:
        """Called before nbgrader copies a hand-in's files over those already there."""
        for folder in {Path(path).parent for path in notebooks}:
            if (folder / STUDENT_MODEL).exists():
                continue
            name = folder.parent.name
            print(f"{name}: {self.NOTE}", file=sys.stderr)
            graded = self.root / "autograded" / name / assignment
            graded.mkdir(parents=True, exist_ok=True)
            stubs = (self.root / "assignments" / assignment / STUDENT_MODEL).read_text("utf-8")
            write_text(graded / STUDENT_MODEL, f"{stubs}\n\nprint({self.NOTE!r})\n")
