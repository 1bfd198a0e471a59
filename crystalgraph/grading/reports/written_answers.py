"""Written answers for a person to grade: one page for each question, and the points read back.

A page holds the answers of all students to one question beside the model answer and its rubric. It
saves a file with the points that were changed on it and what the gradebook held before, and
`read_points` writes them into nbgrader's gradebook, as formgrader would, unless another person has
given points since then. What students wrote and what their notebooks showed goes through the
sanitizer.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup
from nbformat import NotebookNode
from nbgrader.api import Comment, Grade, MissingEntry

from crystalgraph.errors import CrystalGraphError
from crystalgraph.files import private_folder, write_atomically
from crystalgraph.grading.intake.sanitizer import PICTURES, Room, shown_outputs, text_as_html
from crystalgraph.grading.reports.gradebook import CourseGradebook
from crystalgraph.grading.reports.marked_notebooks import by_grade_id, was_answered
from crystalgraph.grading.reports.pages import render
from crystalgraph.labs.lab import Question
from crystalgraph.releasing.holes import BEGIN, END

MOST_OF_ONE = 2**20
"""Characters of outputs of one student on a page; those nearest above the answer come first."""

_TERMINAL_COLORS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Mark:
    """What a person gave for an answer.

    Attributes:
        points: None for none.
        comment: for the student.
    """

    points: float | None
    comment: str

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Mark:
        """The mark in a saved file."""
        points = given["points"]
        return cls(None if points is None else float(points), str(given["comment"]))

    def to_json(self) -> str:
        """The mark as the page has it."""
        return json.dumps({"points": self.points, "comment": self.comment})


@dataclass(frozen=True)
class SavedMark:
    """What a page has saved for an answer.

    Attributes:
        version: of the answer.
        given: by a person, on the page.
        was: in the gradebook when the page was made.
    """

    version: str
    given: Mark
    was: Mark


@dataclass(frozen=True)
class WrittenAnswer:
    """What one student wrote to a question.

    Attributes:
        student: the id.
        html: the answer.
        outputs: what the code cells above it showed: pictures, and texts.
        version: of the answer; another one after another hand-in.
        mark: in the gradebook so far.
    """

    student: str
    html: Markup
    outputs: list[Markup | str]
    version: str
    mark: Mark


def write_page(gradebook: CourseGradebook, question: Question, folder: Path) -> tuple[Path, int]:
    """Make the page of one question.

    Args:
        gradebook: opened.
        question: of its lab.
        folder: for the page.

    Returns:
        The page, and how many answers are on it.

    Raises:
        CrystalGraphError: it cannot be written there.
    """
    answers = list(_answers(gradebook, question))
    asked, wanted = _question_and_model_answer(gradebook, question)
    page = folder / f"{question.id}.html"
    text = render(
        "written_answers.html",
        lab=gradebook.lab.id,
        question=question,
        asked=asked,
        wanted=wanted,
        answers=answers,
        nonce=secrets.token_urlsafe(16),
    )
    with private_folder(folder):
        write_atomically(page, text)
    return page, len(answers)


def _answers(gradebook: CourseGradebook, question: Question) -> Iterator[WrittenAnswer]:
    """The answers of all students who wrote something, by id."""
    students = sorted(
        submission.student.id
        for submission in gradebook.book.assignment_submissions(gradebook.lab.id)
    )
    for student in students:
        cells = _notebook(gradebook, question, student)
        place = next((n for n, cell in enumerate(cells) if _is_answer(cell, question)), None)
        if place is None or not was_answered(cells[place]):
            continue
        source, room = cells[place].source, Room()
        name = (question.id, Path(question.notebook).stem, gradebook.lab.id, student)
        yield WrittenAnswer(
            student,
            Markup(text_as_html(source, cells[place].get("attachments"), room)),
            _outputs(cells[:place]),
            _version(source),
            _mark(gradebook.book.find_grade(*name), gradebook.book.find_comment(*name)),
        )


def _mark(grade: Grade, comment: Comment) -> Mark:
    return Mark(grade.manual_score, comment.manual_comment or "")


def _notebook(gradebook: CourseGradebook, question: Question, student: str) -> list[NotebookNode]:
    """The cells of the notebook that formgrader shows; none when it was not handed in."""
    course = gradebook.course
    folder = course.format_path(course.autograded_directory, student, gradebook.lab.id)
    path = Path(folder, question.notebook)
    return nbformat.read(path, as_version=4).cells if path.is_file() else []


def _is_answer(cell: NotebookNode, question: Question) -> bool:
    return cell.metadata.get("nbgrader", {}).get("grade_id") == question.id


def _version(source: str) -> str:
    return hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()[:16]


def _outputs(cells: list[NotebookNode]) -> list[Markup | str]:
    """What the student's code showed, without the grader's reports."""
    room, found = Room(MOST_OF_ONE), []
    for cell in reversed(cells):
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade"):
            found.append(shown_outputs(cell, room))
    return [part for outputs in reversed(found) for one in outputs for part in _as_html(one)]


def _as_html(output: dict) -> Iterator[Markup | str]:
    """An output that has gone through the sanitizer: a picture, or a text to be escaped."""
    data = output.get("data", {})
    for form in PICTURES:
        if form in data:
            address = f"data:{form};base64,{''.join(data[form].split())}"
            yield Markup('<img src="{}" alt="">').format(address)
            return
    text = output.get("text") or data.get("text/plain") or "\n".join(output.get("traceback", []))
    yield _TERMINAL_COLORS.sub("", text)


def _question_and_model_answer(
    gradebook: CourseGradebook, question: Question
) -> tuple[Markup, Markup]:
    """The question, and the model answer with its rubric, from the notebook with solutions."""
    path = gradebook.lab.solutions() / question.notebook
    cells = nbformat.read(path, as_version=4).cells
    place = cells.index(by_grade_id(NotebookNode(cells=cells))[question.id])
    wanted = cells[place].source.replace(BEGIN, "").replace(END, "")
    asked = cells[place - 1].source if place else ""
    return Markup(text_as_html(asked)), Markup(text_as_html(wanted))


# --- the way back --------------------------------------------------------------------------------


def read_points(gradebook: CourseGradebook, path: Path) -> tuple[int, list[str]]:
    """Write the points that a page has saved into the gradebook.

    Args:
        gradebook: opened.
        path: of the saved file.

    Returns:
        How many answers got their points, and sentences on those that did not.

    Raises:
        CrystalGraphError: a page of this lab has not saved this; nothing was written.
    """
    question, given = _saved(gradebook, path)
    refused = []
    try:
        for student, saved in given.items():
            problem = _give(gradebook, question, student, saved)
            refused += [problem] if problem else []
        gradebook.book.db.commit()
    except BaseException:
        gradebook.book.db.rollback()
        raise
    return len(given) - len(refused), refused


def _give(gradebook: CourseGradebook, question: Question, student: str, saved: SavedMark) -> str:
    """Give one answer its points; says why not, if not."""
    name = (question.id, Path(question.notebook).stem, gradebook.lab.id, student)
    try:
        grade, said = gradebook.book.find_grade(*name), gradebook.book.find_comment(*name)
    except MissingEntry:
        return f"{student}: the gradebook has no hand-in of this student; look at the id"
    cells = _notebook(gradebook, question, student)
    if saved.version not in [_version(cell.source) for cell in cells if _is_answer(cell, question)]:
        return (
            f"{student}: {question.name} was handed in again after the page was made; make the "
            "pages again and look once more"
        )
    if _mark(grade, said) not in (saved.was, saved.given):
        return (
            f"{student}: the points or the comment for {question.name} in the gradebook were "
            "changed after the page was made; make the pages again and look once more"
        )
    grade.manual_score, said.manual_comment = saved.given.points, saved.given.comment or None
    grade.needs_manual_grade = saved.given.points is None
    return ""


def _saved(gradebook: CourseGradebook, path: Path) -> tuple[Question, dict[str, SavedMark]]:
    """What is in a saved file: the question, and the marks by student."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        questions = {one.id: one for one in gradebook.lab.questions}
        assert content["lab"] == gradebook.lab.id
        question = questions[content["question"]]
        given = {
            student: SavedMark(str(one["version"]), Mark.of(one), Mark.of(one["was"]))
            for student, one in content["answers"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise CrystalGraphError(
            f"{path} holds no points of {gradebook.lab.id} that a page of `crystalgraph answers` "
            "has saved: save it again from the page"
        ) from error
    for student, saved in given.items():
        points = saved.given.points
        if points is not None and not 0 <= points <= question.points:
            raise CrystalGraphError(
                f"{path}: {points:g} points for {student}, but {question.name} has 0 to "
                f"{question.points}: correct it on the page and save again"
            )
    return question, given
