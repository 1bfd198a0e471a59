"""A course with a released assignment, `crystalgraph grade` in it, and what its gradebook says."""

import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fake_grader
import psutil
from course_copy import FIRST_LAB, copy_course, nbgrader
from hand_in_builder import HandInBuilder
from nbgrader.api import Gradebook
from python_path import python_path

from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading import secret
from crystalgraph.paths import REPO
from crystalgraph.releasing.gradebook_lock import gradebook_lock

WHOLE = ("", "")
"""In the place of a cell: timestamp, score and whether a human is needed, of a whole hand-in."""
SUPPORT = Path(__file__).parent
SECRET_FILE = Path(tempfile.gettempdir(), f"crystalgraph-tests-{os.getuid()}", "grader_secret")


def release(into, *options):
    """A copy of the course whose gradebook knows the assignment."""
    course = copy_course(into)
    done = nbgrader(course, "generate_assignment", FIRST_LAB.id, "--force", *options)
    assert done.returncode == 0, done.stdout
    return course


def command(*arguments, fake=False, assignment=FIRST_LAB.id):
    """The command line of `crystalgraph grade`, for subprocess."""
    program = ["-c", fake_grader.RUN] if fake else ["-m", "crystalgraph"]
    options = ["--assignment", assignment] + (["--unsafe"] if fake else [])
    return [sys.executable, *program, "grade", *map(str, arguments), *options]


def environment(notes=None):
    """Variables for it; `notes` is where the fake grader remembers whom it has killed."""
    added = {"PYTHONPATH": python_path(SUPPORT, REPO), "OMP_NUM_THREADS": "1"}
    added |= {secret.ENVIRONMENT: str(SECRET_FILE), "FAKE_GRADER_NOTES": str(notes)}
    return os.environ | added


def grade(course, *arguments, notes=None, timeout=900, **known):
    """Run it in the course's folder to its end; what else is known goes to `command`."""
    return subprocess.run(
        command(*arguments, **known),
        cwd=course,
        env=environment(notes),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def grades(out):
    """grades.csv as {student: row}."""
    with (out / FIRST_LAB.id / "grades.csv").open(newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def in_gradebook(course, url=""):
    """{student: {(notebook, cell): what the gradebook says}}; nothing that is random."""
    with Gradebook(url or f"sqlite:///{course / 'gradebook.db'}", "crystalgraph") as gradebook:
        return {
            submission.student.id: _of(submission)
            for submission in gradebook.assignment_submissions(FIRST_LAB.id)
        }


def is_free(url):
    """Whether nobody writes into a gradebook."""
    try:
        with gradebook_lock(url):
            return True
    except CrystalGraphError:
        return False


def _of(submission):
    said = {WHOLE: (submission.timestamp, submission.score, submission.needs_manual_grade)}
    for notebook in submission.notebooks:
        said[notebook.name, ""] = (notebook.score, notebook.late_submission_penalty)
        for grade in notebook.grades:
            kept = (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            said[notebook.name, grade.name] = kept
        for comment in notebook.comments:
            said[notebook.name, comment.name, "comment"] = comment.comment
    return said


# --- running, and killed -------------------------------------------------------------------------


def n_results(course):
    return len([*(course / "results" / FIRST_LAB.id).glob("*/result.json")])


def wait_for_results(course, number, process, seconds=120):
    end = time.monotonic() + seconds
    while n_results(course) < number and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    assert process.poll() is None, process.stdout.read().decode()


def kill(process):
    """kill -9; the workers, which nobody told, have to go by themselves."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    process.stdout.close()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive


def contents(course):
    """{file: bytes} of the results."""
    folder = course / "results" / FIRST_LAB.id
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- hand-ins ------------------------------------------------------------------------------------


def write_hand_in(folder, student, right=(), seconds=0.0, do=""):
    """A zip as the last cell makes it, with what fake_grader does in the model file."""
    work = HandInBuilder(solved=())
    said = f"# right: {' '.join(right)}\n# seconds: {seconds}\n# do: {do}\n"
    work.files[work.lab.model_file] = said.encode()
    return work.put_zip(folder, student)


def write_zips(folder, solved):
    """Real hand-ins, as the last cell of a notebook packs them.

    Args:
        folder: for the zips.
        solved: student -> ids of the tasks that are solved.
    """
    for student, tasks in solved.items():
        HandInBuilder(tasks).put_zip(folder, student)


def solved_by_students(number):
    """Student -> solved tasks: a few sets of tasks, in turn."""
    chance = random.Random(3)
    some = [set(chance.sample(sorted(FIRST_LAB.tasks), size)) for size in (3, 8, 12, 18)]
    sets = (set(FIRST_LAB.tasks), *some, set())
    return {f"s{i:03}": sets[i % len(sets)] for i in range(number)}
