"""A second lab is one folder and one row: it goes through everything that a course does with a lab.

tests/data/second_lab is laid out as in the course: the lab's folder below crystalgraph/labs, and
its notebook in solutions/. A copy of the course gets both, and the row; nothing else is edited.
Of the course's own labs only the first stays: what goes is a folder and a row, too.
"""

import csv
import shutil
from pathlib import Path

import nbformat
import pytest
from course_copy import (
    copy_package,
    crystalgraph,
    edit_code,
    fill_in,
    hand_in,
    nbgrader,
    run_hand_in_cell,
    set_addresses,
)
from nbclient import NotebookClient
from nbgrader.api import Gradebook
from python_path import python_path

from crystalgraph.checking.python_file import load_python_file
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import Lab

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data" / "second_lab"
TABLE = load_python_file(DATA / "crystalgraph" / "labs" / "tiny" / "tasks.py", "tiny_tasks")
TINY = Lab("tiny", "", "crystalgraph.labs.tiny", TABLE.NOTEBOOKS, TABLE.TASKS)
NOTEBOOK = TABLE.COUNT


def take_away_labs(course):
    """All labs but the first: their folders, and their rows with the import."""
    table = course / "crystalgraph" / "labs" / "__init__.py"
    edit_code(table, f"import {', '.join(sorted(LABS))}\n", "import hw\n")
    for name in [*LABS][1:]:
        edit_code(table, f'    "{name}": {name}.LAB,\n', "")
        for folder in ("crystalgraph/labs", "solutions", "assignments"):
            shutil.rmtree(course / folder / name)


def add_lab(course):
    """One folder, its notebook, and one row with its import."""
    shutil.copytree(DATA, course, dirs_exist_ok=True)
    table = course / "crystalgraph" / "labs" / "__init__.py"
    edit_code(table, "import hw\n", "import hw, tiny\n")
    edit_code(table, '    "hw": hw.LAB,\n', '    "hw": hw.LAB,\n    "tiny": tiny.LAB,\n')


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the course with the lab in it; programs that are started use the copy's library."""
    folder = copy_package(tmp_path_factory.mktemp("second") / "course")
    set_addresses(folder)
    take_away_labs(folder)
    add_lab(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", python_path(folder))
        yield folder


@pytest.fixture(scope="module")
def outdated(course):
    """`release --check` before the release."""
    return crystalgraph(course, "release", "--check")


@pytest.fixture(scope="module")
def released(course, outdated):
    """The course after `release`, and what that printed."""
    done = crystalgraph(course, "release", "--student-zip", "students.zip")
    assert done.returncode == 0, done.stdout
    return course, done.stdout


@pytest.fixture(scope="module")
def submitted(released):
    """The course after `nbgrader generate_assignment`, with two hand-ins: solved, and untouched."""
    course, _ = released
    done = nbgrader(course, "generate_assignment", "tiny", "--force")
    assert done.returncode == 0, done.stdout
    archive = course / "downloaded" / "tiny" / "archive"
    archive.mkdir(parents=True)
    for student, solved in (("solved", ["1.1"]), ("untouched", [])):
        folder = hand_in(course, student, solved, TINY)
        error, printed = run_hand_in_cell(folder, student, lab=TINY)
        assert not error and f"tiny_{student}.zip is ready to be handed in" in printed
        shutil.copyfile(folder / f"tiny_{student}.zip", archive / f"tiny_{student}.zip")
    shutil.rmtree(course / "submitted")
    return course


EXPECTED = {"solved": 4.0, "untouched": 0.0}


def test_check_says_what_is_missing(outdated):
    assert outdated.returncode == 1
    assert outdated.stdout.splitlines() == [
        "crystalgraph/labs/tiny/cases/1.1.npz: new",
        "crystalgraph/labs/tiny/instructor/hidden_cases/1.1.npz: new",
        f"assignments/tiny/{NOTEBOOK}: new",
        "docs/tasks.md: changed",
    ]


def test_release_makes_it(released, outdated):
    course, printed = released
    *lines, last = printed.splitlines()
    assert lines == outdated.stdout.splitlines()
    assert last.startswith("students.zip: ")
    notebook = (course / "assignments" / "tiny" / NOTEBOOK).read_text(encoding="utf-8")
    assert 'raise NotImplementedError(\\"Task 1.1: fill in count_atoms\\")' in notebook
    assert "sum(number ==" not in notebook
    assert "Counting atoms" in (course / "docs" / "tasks.md").read_text(encoding="utf-8")


def test_then_it_is_up_to_date_also_for_nbgrader(submitted):
    done = crystalgraph(submitted, "release", "--check")
    assert (done.returncode, done.stdout) == (0, "the release is up to date\n")
    assert {path.name for path in (submitted / "assignments" / "tiny").iterdir()} == {NOTEBOOK}


def test_the_check_in_the_notebook_and_the_board_below_it(released, tmp_path):
    """A student's whole notebook, solved, in a kernel."""
    course, _ = released
    path = tmp_path / NOTEBOOK
    shutil.copyfile(course / "assignments" / "tiny" / NOTEBOOK, path)
    fill_in(tmp_path, course, ["1.1"], TINY)
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    outputs = {cell.id: str(cell.get("outputs")) for cell in notebook.cells}
    assert "Task 1.1, count_atoms: 4 of 4 points" in outputs["check"]
    assert "'text/plain': '4.0'" in outputs["check"]
    assert "All done" in outputs["board"]


def test_the_board_names_the_mistake(released, tmp_path):
    course, _ = released
    done = crystalgraph(course, "lab", "tiny", "--prepare-only")
    assert done.returncode == 0, done.stdout
    work = course / "work" / "tiny"
    done = crystalgraph(course, "check", str(work))
    assert done.returncode == 1 and "0 of 4 points" in done.stdout
    stub = 'raise NotImplementedError("Task 1.1: fill in count_atoms")'
    edit_code(work / NOTEBOOK, stub, "return len(atomic_numbers)")
    done = crystalgraph(course, "check", str(work))
    assert done.returncode == 1
    assert "every atom is counted; count those with the atomic number alone" in done.stdout
    edit_code(work / NOTEBOOK, "len(atomic_numbers)", "atomic_numbers.count(atomic_number)")
    done = crystalgraph(course, "check", str(work))
    assert done.returncode == 0 and "4 of 4 points" in done.stdout, done.stdout


def test_nbgrader_collects_and_grades_it(submitted):
    for command in ("zip_collect", "autograde"):
        done = nbgrader(submitted, command, "tiny")
        assert done.returncode == 0, done.stdout
    collected = submitted / "submitted" / "solved" / "tiny"
    assert {path.name for path in collected.iterdir()} == {NOTEBOOK, "timestamp.txt"}
    with Gradebook(f"sqlite:///{submitted / 'gradebook.db'}", "crystalgraph") as gradebook:
        found = gradebook.assignment_submissions("tiny")
        assert {one.student.id: one.score for one in found} == EXPECTED


def test_the_batch_grader_grades_it_in_its_sandbox(submitted):
    arguments = ("downloaded/tiny/archive", "--assignment", "tiny", "--workers", "1")
    done = crystalgraph(submitted, "grade", *arguments)
    assert done.returncode == 0, done.stdout
    with (submitted / "results" / "tiny" / "grades.csv").open(newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert {student: float(row["points"]) for student, row in rows.items()} == EXPECTED


# --- an instructor's edits of the first lab ------------------------------------------------------


def refused(course):
    """The sentence with which `release --check` ends."""
    done = crystalgraph(course, "release", "--check")
    assert done.returncode == 2 and done.stdout.count("\n") == 1, done.stdout
    return done.stdout.removeprefix("crystalgraph release: ")


def test_the_release_says_what_an_edit_lacks_and_then_makes_everything(released, tmp_path):
    """Another id, points and tasks, a notebook less: one edit each in the first lab's folder."""
    course = shutil.copytree(released[0], tmp_path / "edited", symlinks=True)
    home = course / "crystalgraph" / "labs" / "hw"
    tasks, new = home / "tasks.py", '    Task("4.7", "new_thing", OXIDES, OXIDES, 4, 5, "New."),\n'
    edit_code(tasks, '"mean_pool", MODEL_FILE, NETWORK, 4', '"mean_pool", MODEL_FILE, NETWORK, 5')
    assert "task 2.3 is worth 5 points" in refused(course)
    edit_code(tasks, '"mean_pool", MODEL_FILE, NETWORK, 5', '"mean_pool", MODEL_FILE, NETWORK, 4')
    edit_code(tasks, ")\n\nTASKS", f"{new})\n\nTASKS")
    assert "task 4.7 (new_thing) has no check" in refused(course)

    edit_code(home / "__init__.py", 'id="hw"', 'id="ps3"')
    assert "rename solutions/hw to it" in refused(course)
    (course / "solutions" / "hw").rename(course / "solutions" / "ps3")
    edit_code(tasks, ', "4": OXIDES', "")  # takes its tasks along
    assert "solutions/ps3/4_perovskite_or_not.ipynb is not in NOTEBOOKS" in refused(course)
    (course / "solutions" / "ps3" / "4_perovskite_or_not.ipynb").unlink()

    done = crystalgraph(course, "release")
    assert done.returncode == 0, done.stdout
    names = {path.name for path in (course / "assignments" / "ps3").iterdir()}
    assert len(names) == 4 and "model_hw.py" in names
    assert not (course / "assignments" / "hw").exists()
    assert not list(home.rglob("4.*.npz")) and list(home.rglob("3.*.npz"))
    text = (course / "assignments" / "ps3" / "1_from_salt_to_graph.ipynb").read_text("utf-8")
    assert "/assignments/ps3/1_from_salt_to_graph.ipynb" in text and "`ps3_ID.zip`" in text
    assert "Assignment `ps3`" in (course / "docs" / "tasks.md").read_text("utf-8")
    done = crystalgraph(course, "check", "assignments/ps3")
    assert done.returncode == 1 and "0 of 90 points" in done.stdout, done.stdout
