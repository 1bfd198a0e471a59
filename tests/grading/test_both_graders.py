"""A whole hand-in of each further lab gets the same points from stock nbgrader and from ours."""

import csv

import nbformat
import pytest
from course_copy import FIRST_LAB, copy_course, edit_code, hand_in, nbgrader
from grading_course import grade
from hand_in_builder import put, zip_of
from nbgrader.api import Gradebook

from crystalgraph.labs import LABS
from crystalgraph.releasing.holes import POINTS_CALL

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

MISTAKES = {
    "defects": {
        "1.3": ("< 4", "< 2"),
        "1.6": ("np.median(", "np.mean("),
        "1.8": ("(atom_features - means[group]).abs()", "atom_features - means[group]"),
    },
    "equivariance": {
        "1.2": ("sum_at(torch.ones_like(r), i, len(x)).clamp(min=1)", "1"),
        "1.3": ("q = q * np.sign(np.diag(r))", "pass"),
        "2.3": ("return np.abs(predicted", "return np.square(predicted"),
        "3.1": ("np.arange(-5, 6)", "np.arange(0, 1)"),
    },
    "features": {
        "1.2": ("-np.inf, np.inf", "low, high"),
        "1.4": ("error_of(~mask) - with_all", "with_all - error_of(~mask)"),
        "1.5": ("(1 + torch.cos", "(1 - torch.cos"),
    },
    "symmetry": {
        "1.2": ("np.isin(graph.center, atom)", "graph.center >= 0"),
        "1.3": ("n_atoms = multiplicity.new_zeros", "n_atoms = 1 + multiplicity.new_zeros"),
    },
    "trust": {
        "1.4": ("set(atoms)", "atoms"),
        "1.5": ("2 ** (-1 / exponent)", "2 ** (1 / exponent)"),
        "1.6": ("ratio <= 2", "ratio <= 3"),
        "1.8": ('"I": "a batch of one crystal"', '"I": "the learning rate grows"'),
    },
}
"""Task -> what a student wrote in place of a part of the solution."""
LATER = [name for name, lab in LABS.items() if lab is not FIRST_LAB]


@pytest.fixture(scope="module", params=LATER)
def graded(request, tmp_path_factory):
    """A lab, and {student: {task: points}} of each grader."""
    lab = LABS[request.param]
    course = copy_course(tmp_path_factory.mktemp(lab.id) / "course")
    done = nbgrader(course, "generate_assignment", lab.id, "--force")
    assert done.returncode == 0, done.stdout
    for student, solved in students(lab).items():
        folder = hand_in(course, student, solved, lab)
        if student == "mistaken":
            for task, (old, new) in MISTAKES[lab.folder].items():
                edit_code(folder / lab.tasks[task].where, old, new)
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        put(course / "zips", {f"{lab.id}_{student}.zip": zip_of(files)})
    return lab, ours(course, lab), theirs(course, lab)


def students(lab):
    """Student -> tasks that are solved."""
    every = list(lab.tasks)
    return {"whole": every, "mistaken": every, "half": every[::2]}


def task_of_check(course, lab):
    """{grade_id: task id} of the released checks."""
    found = {}
    for path in lab.release(course).glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
                found[cell.metadata.nbgrader["grade_id"]] = POINTS_CALL.findall(cell.source)[0]
    return found


def ours(course, lab):
    done = grade(course, "zips", "--workers", "1", assignment=lab.id)
    assert done.returncode == 0, done.stdout + done.stderr
    with (course / "results" / lab.id / "grades.csv").open(newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    return {one: {task: float(row[task]) for task in lab.tasks} for one, row in rows.items()}


def theirs(course, lab):
    done = nbgrader(course, "autograde", lab.id, "--force", timeout=1800)
    assert done.returncode == 0, done.stdout
    tasks = task_of_check(course, lab)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "crystalgraph") as gradebook:
        return {
            one.student.id: {
                tasks[grade.name]: grade.auto_score
                for notebook in one.notebooks
                for grade in notebook.grades
                if grade.name in tasks
            }
            for one in gradebook.assignment_submissions(lab.id)
        }


def test_both_graders_give_the_same_points(graded):
    _, here, there = graded
    assert here == there


def test_right_answers_get_all_and_mistakes_cost_points(graded):
    lab, here, _ = graded
    full = {task.id: float(task.points) for task in lab.tasks.values()}
    solved = students(lab)["half"]
    assert here["whole"] == full
    assert here["half"] == {task: full[task] * (task in solved) for task in full}
    wrong = {task for task in full if here["mistaken"][task] < full[task]}
    assert wrong == set(MISTAKES[lab.folder])
