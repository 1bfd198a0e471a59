"""The self-study board: every task of a folder, whether it passes, and what to do next.

The student's code runs in a process of its own, on Linux each task in a fork of it. When one dies
or hangs, the task at fault is marked and the others go on.

`show` puts into a notebook what `crystalgraph check` prints in a terminal.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from crystalgraph.checking.autograding import on_the_board
from crystalgraph.checking.limits import Limits
from crystalgraph.course.board.process import CAN_FORK, board_limits, results_of
from crystalgraph.course.board.rows import Board, QuestionRow, Row
from crystalgraph.course.colab import CONTENT, drive_folders, in_colab, notebook_on_screen
from crystalgraph.course.notebook_file import UNREADABLE, empty_questions
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import Lab
from crystalgraph.paths import REPO


def make_board(
    lab: Lab,
    folder: Path,
    model: Path | None = None,
    limits: Limits | None = None,
    fork: bool = CAN_FORK,
) -> Board:
    """Check every task of a folder.

    Args:
        lab: whose tasks.
        folder: with the lab's files.
        model: file in place of the lab's model file; None takes the one in the folder.
        limits: what a task may take; None for the usual.
        fork: whether each task runs in a process of its own.

    Returns:
        The board.

    Raises:
        CrystalGraphError: checking could not begin.
    """
    if on_the_board():
        raise CrystalGraphError(
            "a cell of the notebook asks for the board, which is being made: call "
            "`crystalgraph check` in a terminal, not in a cell."
        )
    if model is None and lab.model_file is not None:
        model = folder / lab.model_file
    results = results_of(lab, folder, model, limits or board_limits(lab), fork)
    rows = []
    for name, task in lab.tasks.items():
        known = {key: results[name].get(key, "") for key in ("message", "step", "cause")}
        rows.append(Row(task, results[name]["status"], results[name].get("points", 0.0), **known))
    return Board(lab, folder, model, tuple(rows), _question_rows(lab, folder))


def _question_rows(lab: Lab, folder: Path) -> tuple[QuestionRow, ...]:
    empty: set[str] = set()
    missing: set[str] = set()
    for name in lab.notebooks.values():
        try:
            content = (folder / name).read_bytes()
            empty |= {question.id for question in empty_questions(lab, name, content)}
        except (OSError, *UNREADABLE):
            missing.add(name)
    rows = []
    for question in lab.questions:
        status = "empty" if question.id in empty else "answered"
        rows.append(QuestionRow(question, "missing" if question.notebook in missing else status))
    return tuple(rows)


# --- which folder --------------------------------------------------------------------------------


def find_folder(
    folder: Path | None,
    model: Path | None = None,
    labs: Iterable[Lab] = LABS.values(),
    course: Path = REPO,
) -> tuple[Lab, Path]:
    """Which folder to check, and of which lab its files are.

    Args:
        folder: as asked for; None looks at the current folder, then at the student's copies (these
            first, when the current folder is the course's: its model file is no student's work).
        model: file in place of the lab's model file, if any.
        labs: of the course.
        course: its folder.

    Returns:
        The lab and the folder.

    Raises:
        CrystalGraphError: there is nothing to check.
    """
    if model is not None and not model.is_file():
        raise CrystalGraphError(f"there is no model file {model}; name one that exists.")
    if folder is not None and not folder.is_dir():
        raise CrystalGraphError(
            f"there is no folder {folder}; `crystalgraph lab` makes your copy of a lab."
        )
    tried = [folder] if folder is not None else _usual_folders(labs, course)
    for candidate in tried:
        lab = lab_in(candidate, labs)
        if lab is not None:
            return lab, candidate.resolve()
    lab = None if model is None else _lab_of_model(model, labs)
    if lab is not None:
        return lab, tried[0].resolve()
    raise CrystalGraphError(
        f"there is no file of a lab in {' or '.join(map(str, tried))}; `crystalgraph lab` makes "
        "your copy of one."
    )


def _usual_folders(labs: Iterable[Lab], course: Path) -> list[Path]:
    """The current folder and the student's copies of the labs, the one saved last first."""
    here = Path.cwd()
    copies = sorted((lab.work(course) for lab in labs), key=_last_saved, reverse=True)
    return [*copies, here] if here == course else [here, *copies]


def _last_saved(folder: Path) -> float:
    files = folder.iterdir() if folder.is_dir() else ()
    return max((path.stat().st_mtime for path in files if path.is_file()), default=0.0)


def lab_in(folder: Path, labs: Iterable[Lab] = LABS.values()) -> Lab | None:
    """The lab that a folder has most files of; None when it has none of any."""
    counts = [(sum((folder / name).is_file() for name in lab.files), lab) for lab in labs]
    most, lab = max(counts, key=lambda one: one[0])
    return lab if most else None


def _lab_of_model(model: Path, labs: Iterable[Lab]) -> Lab | None:
    """The lab of a model file by the file's name, else the first one that has such a file."""
    with_model = [lab for lab in labs if lab.model_file is not None]
    named = [lab for lab in with_model if model.name in (lab.model_file, lab.reference)]
    return next(iter(named + with_model), None)


# --- in a notebook -------------------------------------------------------------------------------


def show(lab: Lab, notebook: str, content: Path = CONTENT) -> None:
    """Show the board of the folder that a notebook is in, as its files were last saved.

    Args:
        lab: that the notebook belongs to.
        notebook: number of the notebook that this is called in, "1".
        content: Colab's own folder.
    """
    from IPython.display import display

    if on_the_board() or os.environ.get("NBGRADER_EXECUTION"):
        print("No board while grading.")
        return
    with tempfile.TemporaryDirectory(prefix="crystalgraph-board-") as name:
        folder = Path.cwd()
        if in_colab():
            folder = _copies(
                lab, notebook, Path(name), [*drive_folders(lab, content)[::-1], folder]
            )
        print(_saved(lab, folder))
        display(make_board(lab, folder))


def _copies(lab: Lab, notebook: str, target: Path, folders: Iterable[Path]) -> Path:
    """Put the files that count in Colab into one folder; of several the last one found counts."""
    for folder in folders:
        for name in lab.files:
            if (folder / name).is_file():
                shutil.copy2(folder / name, target / name)
    shown = notebook_on_screen()
    if shown is not None:
        (target / lab.notebooks[notebook]).write_bytes(shown)
    return target


def _saved(lab: Lab, folder: Path) -> str:
    """When each file was saved: the board knows nothing of what is only on the screen."""
    times = [
        f"{name} {time.strftime('%H:%M', time.localtime((folder / name).stat().st_mtime))}"
        for name in lab.files
        if (folder / name).is_file()
    ]
    return f"Checked as saved, so save first (Ctrl+S): {', '.join(times) or 'nothing is here'}"
