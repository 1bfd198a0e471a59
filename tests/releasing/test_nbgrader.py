"""What stock nbgrader makes of a term (support/graded_term): grades, late hand-ins, feedback."""

import csv
import re
import zipfile
from datetime import timedelta

import nbformat
import pytest
from course_copy import points_of
from graded_term import (
    ALL,
    BY_CELL,
    DUE,
    EXPECTED,
    HW,
    NOTEBOOKS,
    STUDENT_MODEL,
    TASKS,
)
from nbgrader.api import Gradebook

from crystalgraph.paths import REPO
from crystalgraph.releasing.build import files_in
from crystalgraph.releasing.holes import POINTS_CALL
from crystalgraph.releasing.leaks import find_leaks, reference_secrets
from crystalgraph.releasing.nbgrader_plugins import time_of_zip

pytestmark = pytest.mark.slow

NEEDED = HW.max_points
SECONDS_PER_HAND_IN = 60


def task_of_check(course):
    """{grade_id: task id} of the released checks."""
    found = {}
    for path in (course / "assignments" / "hw").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            settings = cell.metadata.get("nbgrader", {})
            if settings.get("grade") and cell.cell_type == "code":
                found[settings["grade_id"]] = POINTS_CALL.findall(cell.source)[0]
    return found


def scores(course, student):
    """{task id: points} as in the gradebook; the written questions are left out."""
    names = task_of_check(course)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "crystalgraph") as gradebook:
        submission = gradebook.find_submission("hw", student)
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        return {names[g.name]: g.auto_score for g in grades if g.name in names}


@pytest.mark.parametrize(
    "step", ["release", "due", "collect", "one", "batch", "feedback", "export"]
)
def test_every_command_succeeds(term, step):
    done = term.said[step]
    assert done.returncode == 0, done.stdout


def test_nbgrader_gives_the_committed_bytes(term):
    committed = [REPO / STUDENT_MODEL, *files_in(REPO / "assignments")]
    expected = {path.relative_to(REPO): path.read_bytes() for path in committed}
    assert term.made == expected


@pytest.mark.parametrize("student", EXPECTED)
def test_each_hand_in_gets_its_points(term, student):
    expected = {one: TASKS[one].points * (one in EXPECTED[student]) for one in TASKS}
    assert scores(term.course, student) == expected


@pytest.mark.nightly  # processors that are shared work more slowly
def test_one_hand_in_takes_less_than_a_minute_of_a_processor(term):
    assert 10 < term.seconds < SECONDS_PER_HAND_IN


def test_only_what_was_asked_for_is_collected(term):
    for student in ("mistaken", "late", "colab"):
        folder = term.course / "submitted" / student / "hw"
        names = {path.name for path in folder.iterdir()} - {"timestamp.txt"}
        assert names == {STUDENT_MODEL, *NOTEBOOKS.values()}
    missing = term.course / "submitted" / "nomodel" / "hw" / STUDENT_MODEL
    assert not missing.exists()


def test_the_students_model_is_graded_not_ours(term):
    course = term.course
    for student in ("correct", "untouched", "late", "colab"):
        handed_in = course / "submitted" / student / "hw" / STUDENT_MODEL
        graded = course / "autograded" / student / "hw" / STUDENT_MODEL
        assert graded.read_bytes() == handed_in.read_bytes()


def test_a_missing_model_is_said(term):
    course, said = term.course, term.said
    assert "nomodel: model_hw.py was not handed in" in said["batch"].stdout
    graded = (course / "autograded" / "nomodel" / "hw" / STUDENT_MODEL).read_text()
    assert "raise NotImplementedError" in graded and "edge_messages" not in graded
    page = (course / "autograded" / "nomodel" / "hw" / NOTEBOOKS["2"]).read_text()
    assert "model_hw.py was not handed in" in page


def test_written_answers_wait_for_a_grader_and_empty_ones_get_zero(term):
    with Gradebook(f"sqlite:///{term.course / 'gradebook.db'}", "crystalgraph") as gradebook:
        submission = gradebook.find_submission("hw", "correct")
        written = [
            grade
            for notebook in submission.notebooks
            for grade in notebook.grades
            if grade.cell_type == "markdown"
        ]
        assert written and {grade.max_score for grade in written} == {3.0}
        assert {grade.auto_score for grade in written} == {0.0}  # nothing was written
        expected = points_of(ALL) + 3 * len(written)
        assert submission.max_score == expected


@pytest.mark.parametrize("student", EXPECTED)
def test_everybody_gets_feedback(term, student):
    pages = sorted((term.course / "feedback" / student / "hw").glob("*.html"))
    assert [page.stem for page in pages] == [name[: -len(".ipynb")] for name in NOTEBOOKS.values()]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for task in TASKS.values():
            if task.notebook == f"{page.stem}.ipynb" and task.id in EXPECTED[student]:
                assert f"Task {task.id}, {task.name}: {task.points} of {task.points} points" in text


def test_feedback_tells_no_solution(term):
    page = term.course / "feedback" / "late" / "hw" / NOTEBOOKS["2"]
    text = page.with_suffix(".html").read_text(encoding="utf-8")
    assert "Task 2.2" in text and "not implemented yet" in text
    assert not find_leaks(text, reference_secrets(HW, REPO))


def rows_of_export(course):
    with open(course / "grades.csv", newline="") as handle:
        return {row["student_id"]: row for row in csv.DictReader(handle)}


def test_the_export_has_everybody(term):
    rows = rows_of_export(term.course)
    assert 0 < float(rows.pop("mistaken")["raw_score"]) < points_of(ALL)
    assert {one: float(row["raw_score"]) for one, row in rows.items()} == {
        student: points_of(solved) for student, solved in EXPECTED.items()
    }
    assert {row["assignment"] for row in rows.values()} == {"hw"}


def test_what_is_late_is_seen_and_costs_what_the_course_says(term):
    course, said = term.course, term.said
    rows = rows_of_export(course)
    assert rows.pop("mistaken")["timestamp"] == ""  # its points are in test_gradebook
    for student, row in rows.items():
        penalty = points_of(EXPECTED[student]) if student == "late" else 0.0
        assert float(row["late_submission_penalty"]) == penalty, student
        assert float(row["score"]) == points_of(EXPECTED[student]) - penalty
        assert row["duedate"] == str(DUE.replace(tzinfo=None))
    assert rows["late"]["timestamp"] == str((DUE + timedelta(minutes=30)).replace(tzinfo=None))
    assert "is 1800.0 seconds late" in said["batch"].stdout
    for student in BY_CELL:  # made by the cell: the time is known
        made = time_of_zip(course / "downloaded" / "hw" / "archive" / BY_CELL[student])
        assert rows[student]["timestamp"] == str(made.replace(tzinfo=None))


def test_of_two_zips_the_later_one_counts(term):
    course = term.course
    archive = course / "downloaded" / "hw" / "archive"
    first, second = archive / "hw_colab.zip", archive / BY_CELL["colab"]
    assert second.name < first.name
    assert time_of_zip(first) < time_of_zip(second)
    with zipfile.ZipFile(first) as earlier, zipfile.ZipFile(second) as later:
        assert earlier.read(STUDENT_MODEL) != later.read(STUDENT_MODEL)
        for name in (STUDENT_MODEL, *NOTEBOOKS.values()):
            collected = course / "submitted" / "colab" / "hw" / name
            assert collected.read_bytes() == later.read(name)
    assert "older timestamp" in term.said["collect"].stdout


def test_the_cell_said_what_is_in_the_zip_and_what_is_open(term):
    cells = term.cells
    for student, solved in EXPECTED.items():
        if student not in BY_CELL:
            continue
        error, printed = cells[student]
        assert not error and f"hw_{student}.zip is ready to be handed in" in printed
        if student != "late":
            assert re.findall(r"^  (\d\.\d) ", printed, re.M) == sorted(ALL - solved)
            bonus = points_of(one for one in solved if TASKS[one].bonus)
            said = f"{points_of(solved) - bonus:g} of {NEEDED:g} points from the checks, "
            assert f"{said}and {bonus:g} bonus points." in printed
    assert "1_from_salt_to_graph.ipynb, as it is on your screen" in cells["colab"][1]
    assert f"from 'Copy of {NOTEBOOKS['2']}'" in cells["colab"][1]
    assert re.search(r"^download .*hw_colab\.zip$", cells["colab"][1], re.M)
