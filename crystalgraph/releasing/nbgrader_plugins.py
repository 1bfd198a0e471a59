"""What nbgrader_config.py plugs into nbgrader: preprocessors and hooks, and nothing of its own.

nbgrader logs and forgets an exception raised in a hook, but not a SystemExit, so the hook that
looks for leaks ends with that.
"""

from __future__ import annotations

import math
import os
import re
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

from crystalgraph.course.hand_in.names import (
    RENAMED,
    hand_in_pattern,
    time_in_comment,
    time_in_name,
)
from crystalgraph.labs import LABS, find_lab
from crystalgraph.labs.lab import Lab
from crystalgraph.releasing.address import PLACEHOLDER
from crystalgraph.releasing.agreement import check_lab
from crystalgraph.releasing.gradebook_lock import lock_for_nbgrader
from crystalgraph.releasing.holes import POINTS_CALL, ReleaseError, clear_holes, make_model_file
from crystalgraph.releasing.inspection import check_release

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
NOISE = ("ExecuteTime", "collapsed", "execution", "outputId", "scrolled", "trusted")


# --- making the release --------------------------------------------------------------------------


def lab_of(resources: dict) -> Lab:
    """The lab that nbgrader is working on.

    Args:
        resources: as nbgrader gives them to preprocessors.
    """
    return find_lab(resources["nbgrader"]["assignment"])


class WritePoints(NbGraderPreprocessor):
    """Write the points of the task table into the cells that are graded."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict, cell_index: int
    ) -> tuple[NotebookNode, dict]:
        """Set the points of a check, or of an answer in words; others stay as they are."""
        if not is_grade(cell):
            return cell, resources
        lab = lab_of(resources)
        points = {task.id: task.points for task in lab.tasks.values()}
        called = POINTS_CALL.findall(cell.source)
        if cell.cell_type == "markdown":
            points = {question.id: question.points for question in lab.questions}
            called = [cell.metadata.nbgrader["grade_id"]]
        if len(called) == 1 and called[0] in points:
            cell.metadata.nbgrader["points"] = points[called[0]]
        return cell, resources


class ClearTaskSolutions(ClearSolutions):
    """ClearSolutions whose code stubs name the task; a code solution must have its markers."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Clear a notebook."""
        self.lab = lab_of(resources)
        return super().preprocess(nb, resources)

    def _replace_solution_region(self, cell: NotebookNode, language: str) -> bool:
        if cell.cell_type != "code":
            return super()._replace_solution_region(cell, language)
        cleared = clear_holes(self.lab, cell.source, f"cell {cell.get('id')}")
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


class WriteNames(NbGraderPreprocessor):
    """Write the course's repository and the lab's id into links and into what students read.

    The sources have a placeholder for the repository, and the name of the lab's folder for its id.
    """

    repository = Unicode(
        PLACEHOLDER, help="OWNER/NAME of the course's public repository on GitHub"
    ).tag(config=True)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict, cell_index: int
    ) -> tuple[NotebookNode, dict]:
        """Replace the names in a cell."""
        lab = lab_of(resources)
        for form in ("/assignments/{}/", "`{}_ID.zip`"):
            cell.source = cell.source.replace(form.format(lab.folder), form.format(lab.id))
        cell.source = cell.source.replace(PLACEHOLDER, self.repository)
        return cell, resources


RELEASE_PREPROCESSORS = [
    WritePoints,
    LockCells,
    ClearTaskSolutions,
    ClearOutput,
    TidyMetadata,
    WriteNames,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,  # hidden tests and mark schemes are gone: the student's cells differ
    CheckCellMetadata,
]


def release_notebook(lab: Lab, path: Path, repository: str) -> str:
    """The released text of one solution notebook, as nbgrader writes it, without a gradebook.

    Args:
        lab: that the notebook is of.
        path: the solution notebook.
        repository: OWNER/NAME on GitHub.

    Raises:
        ReleaseError: a preprocessor refused the notebook.
    """
    notebook = nbformat.read(path, as_version=4)
    resources = {"nbgrader": {"assignment": lab.id}}
    for preprocessor in RELEASE_PREPROCESSORS:
        if preprocessor is SaveCells:  # it writes to the gradebook
            continue
        settings = {"repository": repository} if preprocessor is WriteNames else {}
        try:
            notebook, resources = preprocessor(**settings)(notebook, resources)
        except ValidationError as error:  # nbgrader logs the reason and raises a summary
            reason = getattr(error.__context__, "message", error)
            raise ReleaseError(f"{path.name}: {reason}") from error
        except (ReleaseError, RuntimeError) as error:
            raise ReleaseError(f"{path.name}: {error}") from error
    return nbformat.writes(notebook).rstrip("\n") + "\n"


class ReleaseHook:
    """GenerateAssignment.post_convert_hook: add the model file, then look for leaks."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, assignment: str, student: str, notebooks: Sequence[str]) -> None:
        """Finish a release, or remove it and end nbgrader with a sentence."""
        release = self.root / "assignments" / assignment
        try:
            lab = find_lab(assignment)
            finish_release(lab, self.root, release)
            if lab.model_file is not None:
                shutil.copyfile(release / lab.model_file, self.root / lab.model_file)
        except Exception as error:
            shutil.rmtree(release, ignore_errors=True)  # nobody may hand out what is left of it
            message = str(error) if isinstance(error, ReleaseError) else repr(error)
            sys.exit(f"no release was made: {message}")


def finish_release(lab: Lab, root: Path, release: Path) -> None:
    """Add the model file to a release and check everything.

    Args:
        lab: that is released.
        root: the course's folder: references, solutions/.
        release: where the released notebooks are.

    Raises:
        ReleaseError: something is missing or would be given away.
    """
    check_lab(lab, root)
    if lab.model_file is not None:
        write_text(release / lab.model_file, make_model_file(lab, root))
    check_release(lab, root, release)


def write_text(path: Path, text: str) -> None:
    """Write a text file with the same bytes on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


# --- collecting ----------------------------------------------------------------------------------


def collected_files() -> str:
    """Regular expression for the files of hand-ins below nbgrader's folder extracted/.

    A hand-in is a zip named ID_STUDENT.zip, ID being a lab's, with the lab's files in it, in a
    folder or not. Colab and browsers rename files to "Copy of 1_....ipynb" and "1_... (1).ipynb".
    Other files are left out: a student's torch.py beside the notebook would be imported instead of
    the real one.
    """
    hand_in = hand_in_pattern(*(lab.id for lab in LABS.values()))
    stems = {re.escape(Path(name).stem) for lab in LABS.values() for name in lab.files}
    file = RENAMED.format(name=f"(?P<file_id>{'|'.join(sorted(stems))})")
    return rf".*[/\\]extracted[/\\](?:.*[/\\])?{hand_in}[/\\](?:.*[/\\])?{file}\.(?:ipynb|py)$"


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
        if info is None or not self._is_asked_for(info.pop("assignment")):
            return None
        del info["canvas"]  # the pattern needs it for itself
        made = self._made(submitted_file)
        return info if made is None else {**info, "timestamp": made.isoformat()}

    def _is_asked_for(self, assignment: str) -> bool:
        """Whether hand-ins of this assignment are collected now; always, outside of nbgrader."""
        return self.parent is None or assignment == self.parent.coursedir.assignment_id

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
    """The time that crystalgraph.course.hand_in wrote into a zip, if it did."""
    try:
        with zipfile.ZipFile(path) as archive:
            return time_in_comment(archive.comment)
    except (OSError, zipfile.BadZipFile):
        return None


# --- grading -------------------------------------------------------------------------------------


class DropWidgets(NbGraderPreprocessor):
    """Take the state of live widgets out of a notebook's metadata.

    Colab writes it in a form of its own, without `state`, and then nbgrader can write neither
    feedback nor formgrader's page.
    """

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Fix the notebook's metadata."""
        nb.metadata.pop("widgets", None)
        return nb, resources


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
    """Autograde.pre_convert_hook: a hand-in without its model file is graded with empty stubs.

    Nothing is graded while `crystalgraph grade` writes into the same gradebook.

    Otherwise the import at the top of some notebooks fails and takes every other task along.
    The file of stubs is put beside the graded copy; the hand-in itself is left as it is.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, assignment: str, student: str, notebooks: Sequence[str]) -> None:
        """Called before nbgrader copies a hand-in's files over those already there."""
        lock_for_nbgrader(self.root)
        lab = find_lab(assignment)
        if lab.model_file is None:
            return
        tasks = [task.id for task in lab.tasks.values() if task.where == lab.model_file]
        note = f"{lab.model_file} was not handed in: tasks {', '.join(tasks)} count as not done"
        stubs = (lab.release(self.root) / lab.model_file).read_text("utf-8")
        for folder in {Path(path).parent for path in notebooks}:
            if (folder / lab.model_file).exists():
                continue
            name = folder.parent.name
            print(f"{name}: {note}", file=sys.stderr)
            graded = self.root / "autograded" / name / assignment
            graded.mkdir(parents=True, exist_ok=True)
            write_text(graded / lab.model_file, f"{stubs}\n\nprint({note!r})\n")
