"""Results into nbgrader's gradebook and its autograded/ folder, by nbgrader's own interface.

What stock `nbgrader autograde` leaves behind is left behind here too, so that formgrader, grading
by hand, penalties for late hand-ins, `nbgrader generate_feedback` and `nbgrader export` go on as
ever. One process writes. The scores of a hand-in are written in one transaction; until then they
are void, and formgrader shows that they wait for a grader.
"""

from __future__ import annotations

import math
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode
from nbgrader.api import (
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    Notebook,
    SubmittedAssignment,
)
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import BasePlugin
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import parse_utc
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SAWarning, SQLAlchemyError
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from crystalgraph.errors import CrystalGraphError
from crystalgraph.files import write_atomically
from crystalgraph.grading.reports.marked_notebooks import by_grade_id, marked, was_answered
from crystalgraph.grading.result import Result, TaskResult
from crystalgraph.labs.lab import Lab
from crystalgraph.paths import REPO
from crystalgraph.releasing.gradebook_lock import gradebook_lock
from crystalgraph.releasing.holes import POINTS_CALL
from crystalgraph.releasing.late_policy import LatePolicy

if TYPE_CHECKING:
    from crystalgraph.grading.intake.answers import Answers
    from crystalgraph.grading.intake.hand_ins import HandIn

CONFIG = "nbgrader_config.py"
LATE_BY_NAME = "late, as the platform says"
NO_RESPONSE = "No response."
"""nbgrader's comment on a cell in which nothing was written."""


def find_course() -> Path:
    """The course's folder: this one, if nbgrader would take it for one, else our own."""
    here = Path.cwd()
    return here if (here / CONFIG).is_file() else REPO


Place = tuple[str, str]
"""Names of a notebook and of a cell in it, as nbgrader has them."""


@dataclass(frozen=True)
class Scores:
    """What the gradebook is to hold of one hand-in, by notebook and cell.

    Attributes:
        points: of each graded cell, None where a human has to look.
        comments: on each cell in which something was to be written.
    """

    points: dict[Place, float | None]
    comments: dict[Place, str | None]


class CourseGradebook:
    """The gradebook of one lab.

    Args:
        course: the folder with nbgrader_config.py.
        lab: that is graded.
        url: of the database; empty takes the one of the configuration, gradebook.db.
    """

    def __init__(self, course: Path, lab: Lab, url: str = "") -> None:
        config = nbgrader_settings(course)
        self.course = CourseDirectory(config=config, root=str(course))
        self.lab, self.assignment = lab, lab.id
        self.url = url or self.course.db_url
        self.penalties = _penalty_plugin(config)
        self.book: Gradebook
        self.tasks: dict[Place, str] = {}

    @contextmanager
    def opened(self) -> Iterator[CourseGradebook]:
        """Connect, and make sure that the assignment was released there.

        Raises:
            CrystalGraphError: the database does not answer, knows nothing of the assignment, or
                another program is grading into it.
        """
        shown = self._check_url()
        try:
            with (
                gradebook_lock(self.url),
                Gradebook(self.url, self.course.course_id) as self.book,
            ):
                self.tasks = self._released_tasks(shown)
                yield self
        except ImportError as error:
            raise CrystalGraphError(
                f"the gradebook {shown} needs a package that is not installed ({error.name}): "
                "`pip install -e .[postgres]` brings psycopg for postgresql+psycopg://"
            ) from error
        except SQLAlchemyError as error:
            raise CrystalGraphError(
                f"the gradebook {shown} cannot be used ({_first_line(error)}): check --gradebook, "
                "and start again with --resume"
            ) from error

    def names(self) -> dict[str, str]:
        """Id -> name of everybody whom the gradebook knows; empty where it has no name.

        `nbgrader db student import` makes it know a class; a hand-in makes it know one student.
        """
        return {
            student.id: " ".join(filter(None, (student.first_name, student.last_name)))
            for student in self.book.students
        }

    def _check_url(self) -> str:
        """The address without its password; a file has to be there, nbgrader would make it."""
        try:
            url = make_url(self.url)
        except ArgumentError as error:
            raise CrystalGraphError(
                "--gradebook needs an address like sqlite:////course/gradebook.db or "
                "postgresql+psycopg://user:password@host/name"
            ) from error
        shown = url.render_as_string(hide_password=True)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise CrystalGraphError(self._not_released(shown))
        return shown

    def _not_released(self, shown: str) -> str:
        return (
            f"{self.assignment} was never released with the gradebook {shown}: run `nbgrader "
            f"generate_assignment {self.assignment} --force` in the course's folder first"
        )

    def _released_tasks(self, shown: str) -> dict[Place, str]:
        """The task of each check cell."""
        try:
            notebooks = self.book.find_assignment(self.assignment).notebooks
        except MissingEntry as error:
            raise CrystalGraphError(self._not_released(shown)) from error
        found, worth = {}, {}
        for notebook in notebooks:
            worth |= {(notebook.name, cell.name): cell.max_score for cell in notebook.grade_cells}
            for cell in notebook.source_cells:
                place = notebook.name, cell.name
                if place in worth and (called := POINTS_CALL.search(cell.source)):
                    found[place] = called[1]
        points = {task: worth[place] for place, task in found.items()}
        if points != {task.id: task.points for task in self.lab.tasks.values()}:
            raise CrystalGraphError(
                f"the tasks in the gradebook {shown} are not those of this course: run `nbgrader "
                f"generate_assignment {self.assignment} --force` again"
            )
        return found

    # --- writing ---------------------------------------------------------------------------------

    def void(self, students: Iterable[str]) -> None:
        """Take back the scores of students who are about to be graded again, all at once.

        What a human gave stays, and waits to be looked at again.
        """
        with self._transaction():
            for submission in filter(None, map(self._find, students)):
                for grade in _grades(submission):
                    grade.auto_score, grade.needs_manual_grade = None, True
                for comment in _comments(submission):
                    comment.auto_comment = None
                for notebook in submission.notebooks:
                    notebook.late_submission_penalty = None

    def write(self, result: Result, answers: Answers) -> None:
        """Write what a hand-in got, unless the gradebook has it already.

        Args:
            result: of the hand-in.
            answers: what was handed in, repaired: it is what a human grades.
        """
        self.book.db.remove()  # what it holds of the hand-ins before; memory stays flat
        notebooks = self._marked(result, answers)
        scores = self._scores(result, notebooks)
        if self._has(result, scores) and self._shows(result.student, notebooks):
            with self._transaction():  # the penalty may be another one than when it was graded
                self._penalize(self._submission(result), result)
            return
        self._write_notebooks(result, notebooks)
        with self._transaction():
            submission = self._submission(result)
            for grade in _grades(submission):
                grade.auto_score = scores.points[grade.notebook.name, grade.name]
                by_hand = grade.auto_score is None or grade.manual_score is not None
                grade.needs_manual_grade = by_hand
            for comment in _comments(submission):
                comment.auto_comment = scores.comments[comment.notebook.name, comment.name]
            self.book.db.flush()
            self._penalize(submission, result)

    def _submission(self, result: Result) -> SubmittedAssignment:
        """The student's submission, new or not, with the time of this hand-in."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # of nbgrader, whenever it adds one
            self.book.update_or_create_student(result.student)
            return self.book.update_or_create_submission(
                self.assignment, result.student, timestamp=result.submitted or None
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing; the next one can go on when this one fails."""
        try:
            yield
            self.book.db.commit()
        except BaseException:
            self.book.db.rollback()
            raise

    def lateness(self, hand_in: HandIn) -> str:
        """How late a hand-in is, in words; empty when it came in time.

        The platform's word counts before times, except for students who have a date of their own.
        """
        student, submission = hand_in.student, self._find(hand_in.student)
        own = isinstance(self.penalties, LatePolicy) and student in self.penalties.extra_days
        due = self.book.find_assignment(self.assignment).duedate
        if submission is not None and submission.extension is not None:
            due, own = submission.duedate, True
        if due is not None and hand_in.submitted is not None:
            seconds = (parse_utc(hand_in.submitted) - due).total_seconds()
            if isinstance(self.penalties, LatePolicy):
                seconds = self.penalties.seconds_late(student, seconds)
            if seconds > 0:
                return f"late by {timedelta(seconds=math.ceil(seconds))}"
        return LATE_BY_NAME if hand_in.late and not own else ""

    def _penalize(self, submission: SubmittedAssignment, result: Result) -> None:
        """Penalties for what came late, as the course's plugin has them."""
        late = max(submission.total_seconds_late, 1.0) if result.late else 0.0
        for notebook in submission.notebooks:
            self.book.db.refresh(notebook)  # its score is computed by the database
            penalty = None
            if late > 0:
                penalty = self.penalties.late_submission_penalty(
                    submission.student.id, notebook.score, late
                )
            if penalty is not None:
                penalty = min(max(penalty, 0.0), notebook.score)
            notebook.late_submission_penalty = penalty

    def _write_notebooks(self, result: Result, notebooks: dict[str, NotebookNode]) -> None:
        """What formgrader shows: autograded/STUDENT/LAB, made anew."""
        folder = self._autograded(result.student)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, notebook in notebooks.items():
            text = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
            write_atomically(folder / f"{name}.ipynb", text)
        if result.submitted:
            write_atomically(folder / "timestamp.txt", result.submitted)

    def _marked(self, result: Result, answers: Answers) -> dict[str, NotebookNode]:
        """The notebooks of a hand-in, by nbgrader's names for them."""
        shown = {}
        for notebook in self._notebooks():
            name = notebook.name
            if handed_in := answers.notebooks.get(f"{name}.ipynb"):
                released = {cell.name for cell in notebook.source_cells}
                checks = {cell: task for (place, cell), task in self.tasks.items() if place == name}
                shown[name] = marked(handed_in, result, self.lab, released, checks)
        return shown

    # --- reading ---------------------------------------------------------------------------------

    def _notebooks(self) -> list[Notebook]:
        return self.book.find_assignment(self.assignment).notebooks

    def _autograded(self, student: str) -> Path:
        directory = self.course.autograded_directory
        return Path(self.course.format_path(directory, student, self.assignment))

    def _find(self, student: str) -> SubmittedAssignment | None:
        try:
            return self.book.find_submission(self.assignment, student)
        except MissingEntry:
            return None

    def _has(self, result: Result, scores: Scores) -> bool:
        """Whether the gradebook says this already: what a human did since then is left alone."""
        submission = self._find(result.student)
        if submission is None or not self._autograded(result.student).is_dir():
            return False
        points = {(g.notebook.name, g.name): g.auto_score for g in _grades(submission)}
        comments = {(c.notebook.name, c.name): c.auto_comment for c in _comments(submission)}
        known = (submission.timestamp, points, comments)
        return known == (parse_utc(result.submitted or None), scores.points, scores.comments)

    def _shows(self, student: str, notebooks: dict[str, NotebookNode]) -> bool:
        """Whether formgrader shows these texts already; a written answer alone may be new."""
        for name, notebook in notebooks.items():
            path = self._autograded(student) / f"{name}.ipynb"
            if not path.is_file():
                return False
            shown = nbformat.read(path, nbformat.NO_CONVERT)
            if [cell.source for cell in shown.cells] != [cell.source for cell in notebook.cells]:
                return False
        return True

    def _scores(self, result: Result, notebooks: dict[str, NotebookNode]) -> Scores:
        """Points and comments for every cell that the assignment has."""
        graded = {task.task: task for task in result.tasks}
        scores = Scores({}, {})
        for notebook in self._notebooks():
            cells = by_grade_id(notebooks.get(notebook.name))
            for cell in notebook.grade_cells:
                place = notebook.name, cell.name
                task = self.tasks.get(place)
                waits = (
                    was_answered(cells.get(cell.name)) if task is None else _failed(graded[task])
                )
                points = 0.0 if task is None else graded[task].points
                scores.points[place] = None if waits else points
            for cell in notebook.solution_cells:
                said = None if was_answered(cells.get(cell.name)) else NO_RESPONSE
                scores.comments[notebook.name, cell.name] = said
        return scores


def _failed(graded: TaskResult) -> bool:
    """Whether the grader could not grade a task: that is no zero, a human has to look."""
    return graded.status.is_ours


def nbgrader_settings(course: Path) -> Config:
    """The settings in a course's nbgrader_config.py.

    The file also sets variables, for the programs that stock nbgrader starts; here they are put
    back.

    Args:
        course: the folder with the file.

    Returns:
        The settings, as nbgrader's own programs take them.
    """
    before = os.environ.copy()
    try:
        return PyFileConfigLoader(CONFIG, path=str(course)).load_config()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _penalty_plugin(config: Config) -> BasePlugin:
    """What the course takes from late hand-ins."""
    penalties = AssignLatePenalties(config=config)
    penalties.init_plugin()
    return penalties.plugin_inst


def _grades(submission: SubmittedAssignment) -> list[Grade]:
    return [grade for notebook in submission.notebooks for grade in notebook.grades]


def _comments(submission: SubmittedAssignment) -> list[Comment]:
    return [comment for notebook in submission.notebooks for comment in notebook.comments]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
