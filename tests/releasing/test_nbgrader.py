"""A term with stock nbgrader: release, collect zips, autograde, read the grades, feedback, export.

Every row of EXPECTED is a hand-in that the real `nbgrader autograde` grades, in one batch. The zips
of BY_CELL are made by the last cell of a notebook, run in the student's folder.
"""

import csv
import json
import re
import shutil
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import pytest
from course_copy import copy_course, edit_code, hand_in, nbgrader, points_of, run_hand_in_cell
from nbgrader.api import Gradebook

from crystalgraph.course.hand_in.names import TIME_FORMAT
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.build import files_in
from crystalgraph.releasing.holes import POINTS_CALL
from crystalgraph.releasing.leaks import find_leaks, reference_secrets
from crystalgraph.releasing.nbgrader_plugins import time_of_zip

pytestmark = pytest.mark.slow

HW = LABS["hw"]
NOTEBOOKS, TASKS, STUDENT_MODEL = HW.notebooks, HW.tasks, HW.model_file
ALL = set(TASKS)
IN_MODEL = {task.id for task in TASKS.values() if task.where == STUDENT_MODEL}
SOME = {"1.1", "1.3", "2.1", "2.3", "2.7", "3.1", "3.5"}
EXPECTED = {
    "correct": ALL,
    "untouched": set(),
    "late": SOME,
    "noisy": ALL,
    "nomodel": ALL - IN_MODEL,
    "typo": ALL - IN_MODEL,
    "colab": ALL - {"3.1"},  # hands in twice
}
BY_CELL = {  # student -> names of the zips as the instructor gets them
    "correct": "hw_correct (1).zip",  # the browser's name for a second one
    "untouched": "hw_untouched.zip",
    "late": "Doe Jane_4711_assignsubmission_file_/hw_late.zip",  # a platform's folder
    "colab": "doejane_4711_hw_colab-1.zip",  # sorts before the first one, hw_colab.zip
}
NEEDED = HW.max_points
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


def zip_by_hand(folder, target):
    """What a careless student uploads, as Colab and a browser leave it."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.iterdir()):
            name = path.name
            if name.startswith("1"):
                name = f"hw/Copy of {name}"
            elif name.startswith("2"):
                name = f"hw/{path.stem} (1).ipynb"
            archive.write(path, name)
        archive.writestr("hw/torch.py", "raise SystemExit('not the real torch')\n")
        archive.writestr(".ipynb_checkpoints/1_x-checkpoint.ipynb", "{}")
        archive.writestr("__MACOSX/._model_hw.py", b"\x00\x05")


COLAB = """
import json, pathlib, sys, types

def screen(*_, **__):
    return {"ipynb": json.loads(pathlib.Path("screen.json").read_text())}

colab = types.ModuleType("google.colab")
colab._message = types.SimpleNamespace(blocking_request=screen)
colab.files = types.SimpleNamespace(download=lambda path: print("download", path))
sys.modules["google"], sys.modules["google.colab"] = types.ModuleType("google"), colab
sys.modules["google"].colab = colab
"""
WIDGETS = "application/vnd.jupyter.widget-state+json"
QUICK = "import crystalgraph.course.hand_in as module; module.still_open = lambda lab, parts: ''"


def move_to_colab(folder):
    """The first notebook is on Colab's screen, with an old file; the others have Colab's names."""
    for number, name in NOTEBOOKS.items():
        path = folder / name
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["nbformat_minor"] = 0  # as Colab writes it: ids are metadata
        notebook["metadata"]["widgets"] = {WIDGETS: {"0a1b": {"model_name": "HBoxModel"}}}
        notebook["metadata"]["colab"] = {"name": f"Copy of {name}", "provenance": []}
        for cell in notebook["cells"]:
            cell["metadata"]["id"] = cell.pop("id")
        target = "screen.json" if number == "1" else f"Copy of {name}"
        (folder / target).write_text(json.dumps(notebook), encoding="utf-8")
        path.unlink()
    shutil.copyfile(REPO / "assignments" / "hw" / NOTEBOOKS["1"], folder / NOTEBOOKS["1"])


def hand_in_by_cell(course, student, archive):
    """Let the last cell of a notebook make a student's zip; returns its error and its output."""
    folder = hand_in(course, student, EXPECTED[student])
    before, notebook = "", "1"
    if student == "colab":
        first = hand_in(course, "earlier", SOME)
        run_hand_in_cell(first, student, before=QUICK)
        shutil.copyfile(first / "hw_colab.zip", archive / "hw_colab.zip")
        time.sleep(1.1)  # the time in a zip is in seconds
        move_to_colab(folder)
        before = COLAB
    if student == "late":
        before, notebook = QUICK, "2"
    error_and_output = run_hand_in_cell(folder, student, notebook, before)
    target = archive / BY_CELL[student]
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(folder / f"hw_{student}.zip", target)
    if student == "late":
        set_time(target, DUE + timedelta(minutes=30))
    return error_and_output


DUE = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)


def set_time(path, when):
    """Let a zip have been made at another time."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = when.strftime(TIME_FORMAT).encode()


@pytest.fixture(scope="module")
def term(tmp_path_factory):
    """A course after a term, what each command and cell printed, and the seconds of a hand-in."""
    course = copy_course(tmp_path_factory.mktemp("term") / "course")
    (course / STUDENT_MODEL).unlink()
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    due = DUE.strftime("%Y-%m-%d %H:%M:%S UTC")
    said = {"release": nbgrader(course, "generate_assignment", "hw", "--force")}
    made = {
        path.relative_to(course): path.read_bytes() for path in files_in(course / "assignments")
    }
    made[Path(STUDENT_MODEL)] = (course / STUDENT_MODEL).read_bytes()
    said["due"] = nbgrader(course, "db", "assignment", "add", "hw", "--duedate", due)
    archive = course / "downloaded" / "hw" / "archive"
    archive.mkdir(parents=True)
    begun = time.monotonic()
    cells = {student: hand_in_by_cell(course, student, archive) for student in BY_CELL}
    cell_seconds = time.monotonic() - begun
    for student in EXPECTED.keys() - BY_CELL:
        folder = hand_in(course, student, ALL if student in DAMAGED else EXPECTED[student])
        if student == "noisy":
            make_noisy(folder)
        if student == "nomodel":
            (folder / STUDENT_MODEL).unlink()
        if student == "typo":
            edit_code(folder / STUDENT_MODEL, "class ConvLayer(", "clas ConvLayer(")
        zip_by_hand(folder, archive / f"hw_{student}.zip")
    shutil.rmtree(course / "submitted")
    said["collect"] = nbgrader(course, "zip_collect", "hw")
    begun = time.monotonic()
    said["one"] = nbgrader(course, "autograde", "hw", "--student", "correct")
    seconds = time.monotonic() - begun
    said["batch"] = nbgrader(course, "autograde", "hw", timeout=3600)
    batch_seconds = time.monotonic() - begun - seconds
    said["feedback"] = nbgrader(course, "generate_feedback", "hw")
    said["export"] = nbgrader(course, "export", "--to", "grades.csv")
    print(f"\none hand-in: {seconds:.0f} s; {len(EXPECTED) - 1} more: {batch_seconds:.0f} s; ")
    print(f"{len(BY_CELL) + 1} zips made by the cell: {cell_seconds:.0f} s")
    yield course, said | {"cells": cells, "made": made}, seconds
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


@pytest.mark.parametrize(
    "step", ["release", "due", "collect", "one", "batch", "feedback", "export"]
)
def test_every_command_succeeds(term, step):
    done = term[1][step]
    assert done.returncode == 0, done.stdout


def test_nbgrader_gives_the_committed_bytes(term):
    committed = [REPO / STUDENT_MODEL, *files_in(REPO / "assignments")]
    expected = {path.relative_to(REPO): path.read_bytes() for path in committed}
    assert term[1]["made"] == expected


@pytest.mark.parametrize("student", EXPECTED)
def test_each_hand_in_gets_its_points(term, student):
    expected = {one: TASKS[one].points * (one in EXPECTED[student]) for one in TASKS}
    assert scores(term[0], student) == expected


@pytest.mark.nightly  # a busy computer takes longer
def test_one_hand_in_takes_less_than_a_minute(term):
    assert term[2] < SECONDS_PER_HAND_IN


def test_only_what_was_asked_for_is_collected(term):
    for student in ("noisy", "late", "colab"):
        folder = term[0] / "submitted" / student / "hw"
        names = {path.name for path in folder.iterdir()} - {"timestamp.txt"}
        assert names == {STUDENT_MODEL, *NOTEBOOKS.values()}
    missing = term[0] / "submitted" / "nomodel" / "hw" / STUDENT_MODEL
    assert not missing.exists()


def test_the_students_model_is_graded_not_ours(term):
    course = term[0]
    for student in ("correct", "untouched", "late", "noisy"):
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


@pytest.mark.parametrize("student", EXPECTED)
def test_everybody_gets_feedback(term, student):
    pages = sorted((term[0] / "feedback" / student / "hw").glob("*.html"))
    assert [page.stem for page in pages] == [name[: -len(".ipynb")] for name in NOTEBOOKS.values()]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for task in TASKS.values():
            if task.notebook == f"{page.stem}.ipynb" and task.id in EXPECTED[student]:
                assert f"Task {task.id}, {task.name}: {task.points} of {task.points} points" in text


def test_feedback_tells_no_solution(term):
    page = term[0] / "feedback" / "late" / "hw" / NOTEBOOKS["2"]
    text = page.with_suffix(".html").read_text(encoding="utf-8")
    assert "Task 2.2" in text and "not implemented yet" in text
    assert not find_leaks(text, reference_secrets(HW, REPO))


def rows_of_export(course):
    with open(course / "grades.csv", newline="") as handle:
        return {row["student_id"]: row for row in csv.DictReader(handle)}


def test_the_export_has_everybody(term):
    rows = rows_of_export(term[0])
    assert {one: float(row["raw_score"]) for one, row in rows.items()} == {
        student: points_of(solved) for student, solved in EXPECTED.items()
    }
    assert {row["assignment"] for row in rows.values()} == {"hw"}


def test_what_is_late_is_seen_and_costs_what_the_course_says(term):
    course, said, _ = term
    rows = rows_of_export(course)
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
    assert rows["noisy"]["timestamp"] == ""


def test_of_two_zips_the_later_one_counts(term):
    course = term[0]
    archive = course / "downloaded" / "hw" / "archive"
    first, second = archive / "hw_colab.zip", archive / BY_CELL["colab"]
    assert second.name < first.name
    assert time_of_zip(first) < time_of_zip(second)
    with zipfile.ZipFile(first) as earlier, zipfile.ZipFile(second) as later:
        assert earlier.read(STUDENT_MODEL) != later.read(STUDENT_MODEL)
        for name in (STUDENT_MODEL, *NOTEBOOKS.values()):
            collected = course / "submitted" / "colab" / "hw" / name
            assert collected.read_bytes() == later.read(name)
    assert "older timestamp" in term[1]["collect"].stdout


def test_the_cell_said_what_is_in_the_zip_and_what_is_open(term):
    cells = term[1]["cells"]
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
