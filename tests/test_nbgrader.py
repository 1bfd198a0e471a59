"""A term with stock nbgrader: release, collect zips, autograde, read the grades, feedback, export.

Every row of EXPECTED is a hand-in that the real `nbgrader autograde` grades, in one batch.
"""

import csv
import re
import shutil
import time
import zipfile

import nbformat
import pytest
from course_copy import copy_course, edit_code, hand_in, nbgrader, points_of
from nbgrader.api import Gradebook

from crystalgraph.checks.tasks import NOTEBOOKS, TASKS
from crystalgraph.paths import REPO
from crystalgraph.release import POINTS_CALL, STUDENT_MODEL, find_leaks, model_secrets

pytestmark = pytest.mark.slow

ALL = set(TASKS)
IN_MODEL = {task.id for task in TASKS.values() if task.where == STUDENT_MODEL}
SOME = {"1.1", "1.3", "2.1", "2.3", "2.7", "3.1", "3.5"}
EXPECTED = {
    "correct": ALL,
    "untouched": set(),
    "partial": SOME,
    "modelonly": {one for one in ALL if not one.startswith("3.")},
    "noisy": ALL,
    "nomodel": ALL - IN_MODEL,
    "typo": ALL - IN_MODEL,
}
DAMAGED = ("noisy", "nomodel", "typo")  # everything solved, then something is done to it
SECONDS_PER_HAND_IN = 60

NOISE = """

import functools, os, sys, warnings
from tqdm import tqdm

def noisy(function):
    @functools.wraps(function)
    def wrapper(*arguments, **options):
        warnings.warn("a warning of numpy, say")
        print("a message", file=sys.stderr)
        os.write(2, b"a message of a C library")
        for _ in tqdm(range(2)):
            pass
        return function(*arguments, **options)
    return wrapper

"""


def make_noisy(folder):
    """Let every function that a student wrote print on stderr when called, and at import."""
    for path in [*folder.glob("*.ipynb")]:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            settings = cell.metadata.get("nbgrader", {})
            if cell.cell_type == "code" and settings.get("solution"):
                name = re.search(r"^def (\w+)", cell.source, re.M)[1]
                cell.source += f"{NOISE}{name} = noisy({name})\nwarnings.warn('when defined')\n"
        nbformat.write(notebook, path)
    wrapped = [f"{TASKS[one].name} = noisy({TASKS[one].name})" for one in sorted(IN_MODEL)]
    model = folder / STUDENT_MODEL
    model.write_text(model.read_text(encoding="utf-8") + NOISE + "\n".join(wrapped))


def zip_hand_in(folder, target, renamed=False):
    """What a student uploads; optionally as Colab, a browser and a careless student leave it."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.iterdir()):
            name = path.name
            if renamed and name.startswith("1"):
                name = f"hw/Copy of {name}"
            elif renamed and name.startswith("2"):
                name = f"hw/{path.stem} (1).ipynb"
            archive.write(path, name)
        if renamed:
            archive.writestr("hw/torch.py", "raise SystemExit('not the real torch')\n")
            archive.writestr(".ipynb_checkpoints/1_x-checkpoint.ipynb", "{}")
            archive.writestr("__MACOSX/._model_hw.py", b"\x00\x05")


@pytest.fixture(scope="module")
def term(tmp_path_factory):
    """A course after a term, what each command printed, and the seconds for one hand-in."""
    course = copy_course(tmp_path_factory.mktemp("term") / "course")
    said = {"release": nbgrader(course, "generate_assignment", "hw", "--force")}
    archive = course / "downloaded" / "hw" / "archive"
    archive.mkdir(parents=True)
    for student, solved in EXPECTED.items():
        folder = hand_in(course, student, ALL if student in DAMAGED else solved)
        if student == "noisy":
            make_noisy(folder)
        if student == "nomodel":
            (folder / STUDENT_MODEL).unlink()
        if student == "typo":
            edit_code(folder / STUDENT_MODEL, "class ConvLayer(", "clas ConvLayer(")
        name = "doejane_1234_hw_partial-1.zip" if student == "partial" else f"hw_{student}.zip"
        zip_hand_in(folder, archive / name, renamed=student == "partial")
    shutil.rmtree(course / "submitted")
    said["collect"] = nbgrader(course, "zip_collect", "hw")
    begun = time.monotonic()
    said["one"] = nbgrader(course, "autograde", "hw", "--student", "correct")
    seconds = time.monotonic() - begun
    said["batch"] = nbgrader(course, "autograde", "hw")
    batch_seconds = time.monotonic() - begun - seconds
    said["feedback"] = nbgrader(course, "generate_feedback", "hw", "--student", "partial")
    said["export"] = nbgrader(course, "export", "--to", "grades.csv")
    print(f"\none hand-in: {seconds:.0f} s; {len(EXPECTED) - 1} more: {batch_seconds:.0f} s")
    yield course, said, seconds
    print_scores(course)


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


def print_scores(course):
    """One line per hand-in, for the log."""
    for student, solved in EXPECTED.items():
        total = sum(scores(course, student).values())
        print(f"{student:10s} {total:5.1f} points, expected {points_of(solved):5.1f}")


@pytest.mark.parametrize("step", ["release", "collect", "one", "batch", "feedback", "export"])
def test_every_command_succeeds(term, step):
    done = term[1][step]
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("student", EXPECTED)
def test_each_hand_in_gets_its_points(term, student):
    expected = {one: TASKS[one].points * (one in EXPECTED[student]) for one in TASKS}
    assert scores(term[0], student) == expected


def test_one_hand_in_takes_less_than_a_minute(term):
    assert term[2] < SECONDS_PER_HAND_IN


def test_only_what_was_asked_for_is_collected(term):
    folder = term[0] / "submitted" / "partial" / "hw"
    assert {path.name for path in folder.iterdir()} == {STUDENT_MODEL, *NOTEBOOKS.values()}
    missing = term[0] / "submitted" / "nomodel" / "hw" / STUDENT_MODEL
    assert not missing.exists()


def test_the_students_model_is_graded_not_ours(term):
    course = term[0]
    for student in ("correct", "untouched", "partial", "noisy"):
        handed_in = course / "submitted" / student / "hw" / STUDENT_MODEL
        graded = course / "autograded" / student / "hw" / STUDENT_MODEL
        assert graded.read_bytes() == handed_in.read_bytes()


def test_a_missing_model_is_said(term):
    course, said, _ = term
    assert "nomodel: model_hw.py was not handed in" in said["batch"].stdout
    graded = (course / "autograded" / "nomodel" / "hw" / STUDENT_MODEL).read_text()
    assert "raise NotImplementedError" in graded and "edge_messages" not in graded
    page = (course / "autograded" / "nomodel" / "hw" / NOTEBOOKS["2"]).read_text()
    assert "model_hw.py was not handed in" in page


def test_written_answers_wait_for_a_grader_and_empty_ones_get_zero(term):
    with Gradebook(f"sqlite:///{term[0] / 'gradebook.db'}", "crystalgraph") as gradebook:
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


def test_feedback_is_written_and_tells_no_solution(term):
    pages = sorted((term[0] / "feedback" / "partial" / "hw").glob("*.html"))
    assert [page.stem for page in pages] == [name[: -len(".ipynb")] for name in NOTEBOOKS.values()]
    text = pages[1].read_text(encoding="utf-8")
    assert "Task 2.2" in text and "not implemented yet" in text
    assert not find_leaks(text, model_secrets(REPO))


def test_the_export_has_everybody(term):
    with open(term[0] / "grades.csv", newline="") as handle:
        rows = {row["student_id"]: row for row in csv.DictReader(handle)}
    assert {one: float(row["score"]) for one, row in rows.items()} == {
        student: points_of(solved) for student, solved in EXPECTED.items()
    }
