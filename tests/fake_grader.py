"""`crystalgraph grade` with a grader that runs nothing: what it does stands in model_hw.py.

    # right: 1.1 2.1     these tasks are right, the others not filled in
    # seconds: 0.1       that grading takes
    # do: raise          the grader fails; `die` kills its process, `die once` the first time only

The rest is the real thing: the command, Dask's processes, the files, the gradebook.
"""

import os
import re
import signal
import sys
import time
import zipfile
from pathlib import Path

from crystalgraph.checks.tasks import MODEL_FILE, NOTEBOOKS, TASKS
from crystalgraph.grading import spread
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.paths import REPO

RUN = "import fake_grader; fake_grader.main()"


def mark(hand_in, assignment, unsafe):
    """In the place of spread.mark."""
    text = hand_in.files[MODEL_FILE].decode()
    time.sleep(float(_said(text, "seconds") or 0.0))
    _misbehave(_said(text, "do"), hand_in.student)
    right = _said(text, "right").split()
    tasks = tuple(
        TaskResult(task.id, Status.OK, float(task.points))
        if task.id in right
        else TaskResult(task.id, Status.NOT_IMPLEMENTED)
        for task in TASKS.values()
    )
    submitted = hand_in.submitted.isoformat() if hand_in.submitted else ""
    result = Result(hand_in.student, assignment, hand_in.fingerprint, tasks, submitted)
    return result, f"graded at {time.time()} by process {os.getpid()}\n"


def _said(text, what):
    found = re.search(rf"^# {what}: (.*)", text, re.M)
    return found[1] if found else ""


def _misbehave(what, student):
    if what == "raise":
        raise ZeroDivisionError("the grader has a bug")
    if what.startswith("die"):
        been_here = Path(os.environ["FAKE_GRADER_NOTES"], student)
        if what == "die" or not been_here.exists():
            been_here.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    """The command line, as `python -c RUN grade ...`."""
    from crystalgraph.cli import main

    spread.mark = mark
    sys.exit(main())


def write_hand_in(folder, student, right=(), seconds=0.0, do=""):
    """A zip as the last cell of a notebook makes it, except for what stands in model_hw.py."""
    folder.mkdir(parents=True, exist_ok=True)
    said = f"# right: {' '.join(right)}\n# seconds: {seconds}\n# do: {do}\n"
    path = folder / f"hw_{student}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in NOTEBOOKS.values():
            archive.write(REPO / "assignments" / "hw" / name, name)
        archive.writestr(MODEL_FILE, said)
    return path
