"""A term with stock nbgrader: release, collect zips, autograde, feedback, export.

Every row of EXPECTED is a hand-in, and so is "mistaken", who gets a part of a task's points. The
zips of BY_CELL are made by the last cell of a notebook, run in the student's folder.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
from course_copy import copy_course, edit_code, hand_in, nbgrader, run_hand_in_cell
from processor_time import processor_seconds

from crystalgraph.course.hand_in.names import TIME_FORMAT
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.build import files_in

HW = LABS["hw"]
NOTEBOOKS, TASKS, STUDENT_MODEL = HW.notebooks, HW.tasks, HW.model_file
ALL = set(TASKS)
IN_MODEL = {task.id for task in TASKS.values() if task.where == STUDENT_MODEL}
SOME = {"1.1", "1.3", "2.1", "2.3", "2.7", "3.1", "3.5"}
EXPECTED = {
    "correct": ALL,
    "untouched": set(),
    "late": SOME,
    "nomodel": ALL - IN_MODEL,
    "colab": ALL - {"3.1"},  # hands in twice; its functions print on stderr
}
BY_CELL = {  # student -> names of the zips as the instructor gets them
    "correct": "hw_correct (1).zip",  # the browser's name for a second one
    "untouched": "hw_untouched.zip",
    "late": "Doe Jane_4711_assignsubmission_file_/hw_late.zip",  # a platform's folder
    "colab": "doejane_4711_8012_hw_colab-1.zip",  # sorts before the first one, hw_colab.zip
}
BY_HAND = ("nomodel", "mistaken")  # everything solved, then something is done
MISTAKEN = ("torch.sigmoid", "torch.tanh")  # in the gated convolution
ANSWERED = {"late": ("q1_1", "q2_2"), "mistaken": ("q1_1", "q2_2")}  # written questions

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
        make_noisy(folder)
        move_to_colab(folder)
        before = COLAB
    if student == "late":
        before, notebook = QUICK, "2"
        write_answers(folder, ANSWERED[student])
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


def write_answers(folder, questions):
    """Answer some of the written questions."""
    for path in folder.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") in questions:
                cell.source = cell.source.replace("YOUR ANSWER HERE", "Because of **symmetry**.")
        nbformat.write(notebook, path)


def hand_in_by_hand(course, student, archive):
    """Damage what was solved, and let the student zip it."""
    folder = hand_in(course, student, ALL)
    if student == "nomodel":
        (folder / STUDENT_MODEL).unlink()
    if student == "mistaken":
        edit_code(folder / STUDENT_MODEL, *MISTAKEN)
        write_answers(folder, ANSWERED[student])
    zip_by_hand(folder, archive / f"hw_{student}.zip")


@dataclass(frozen=True)
class Term:
    """A course after a term, and what was seen on the way.

    Args:
        course: graded by stock nbgrader, with feedback and the exported grades.csv.
        collected: a copy of the course from before the hand-ins were graded.
        said: step -> what its command printed.
        cells: student -> error and output of the cell that makes the zip.
        made: released file -> its bytes.
        seconds: of a processor that grading one hand-in took.
    """

    course: Path
    collected: Path
    said: dict[str, subprocess.CompletedProcess]
    cells: dict[str, tuple[str, str]]
    made: dict[Path, bytes]
    seconds: float


def release_course(course):
    """Release, and set the date; gives what the commands printed, and the released files."""
    copy_course(course)
    (course / STUDENT_MODEL).unlink()
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    said = {"release": nbgrader(course, "generate_assignment", "hw", "--force")}
    made = {
        path.relative_to(course): path.read_bytes() for path in files_in(course / "assignments")
    }
    made[Path(STUDENT_MODEL)] = (course / STUDENT_MODEL).read_bytes()
    due = DUE.strftime("%Y-%m-%d %H:%M:%S UTC")
    said["due"] = nbgrader(course, "db", "assignment", "add", "hw", "--duedate", due)
    return said, made


def play_term(folder: Path) -> Term:
    """The whole term, in a folder of its own."""
    course, collected = folder / "course", folder / "collected"
    said, made = release_course(course)
    archive = course / "downloaded" / "hw" / "archive"
    archive.mkdir(parents=True)
    cells = {student: hand_in_by_cell(course, student, archive) for student in BY_CELL}
    for student in BY_HAND:
        hand_in_by_hand(course, student, archive)
    shutil.rmtree(course / "submitted")
    said["collect"] = nbgrader(course, "zip_collect", "hw")
    shutil.copytree(course, collected)
    begun = processor_seconds()
    said["one"] = nbgrader(course, "autograde", "hw", "--student", "correct")
    seconds = processor_seconds() - begun
    said["batch"] = nbgrader(course, "autograde", "hw", timeout=3600)
    said["feedback"] = nbgrader(course, "generate_feedback", "hw")
    said["export"] = nbgrader(course, "export", "--to", "grades.csv")
    return Term(course, collected, said, cells, made, seconds)
