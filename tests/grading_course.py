"""A course with a released assignment, `crystalgraph grade` in it, and what its gradebook says."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import fake_grader
from course_copy import copy_course, nbgrader
from nbgrader.api import Gradebook

WHOLE = ("", "")
"""In the place of a cell: timestamp, score and whether a human is needed, of a whole hand-in."""
TESTS = Path(__file__).parent


def release(into):
    """A copy of the course whose gradebook knows the assignment."""
    course = copy_course(into)
    done = nbgrader(course, "generate_assignment", "hw", "--force")
    assert done.returncode == 0, done.stdout
    return course


def command(*arguments, fake=False):
    """The command line of `crystalgraph grade`, for subprocess."""
    program = ["-c", fake_grader.RUN] if fake else ["-m", "crystalgraph"]
    options = ["--assignment", "hw"] + (["--unsafe"] if fake else [])
    return [sys.executable, *program, "grade", *map(str, arguments), *options]


def environment(notes=None):
    """Variables for it; `notes` is where the fake grader remembers whom it has killed."""
    paths = [str(TESTS), str(TESTS.parent)]
    added = {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    return os.environ | added | {"FAKE_GRADER_NOTES": str(notes)}


def grade(course, *arguments, fake=False, notes=None, timeout=900):
    """Run it in the course's folder to its end."""
    return subprocess.run(
        command(*arguments, fake=fake),
        cwd=course,
        env=environment(notes),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def grades(out):
    """grades.csv as {student: row}."""
    with (out / "hw" / "grades.csv").open(newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def in_gradebook(course, url=""):
    """{student: {(notebook, cell): what the gradebook says}}; nothing that is drawn by lot."""
    with Gradebook(url or f"sqlite:///{course / 'gradebook.db'}", "crystalgraph") as gradebook:
        return {
            submission.student.id: _of(submission)
            for submission in gradebook.assignment_submissions("hw")
        }


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
