"""`crystalgraph grade` with a grader that runs nothing: what it does stands in the model file.

    # right: 1.1 2.1     these tasks are right, the others not filled in
    # seconds: 0.1       that grading takes
    # do: raise          the grader fails; `die` kills its process, `die once` the first time only

The rest is the real thing: the command, Dask's processes, the files, the gradebook. Workers import
this module, so it imports little; grading_course.write_hand_in makes such hand-ins.
"""

import os
import re
import signal
import sys
import time
from pathlib import Path

from crystalgraph.grading import workers
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.labs import LABS

RUN = "import fake_grader; fake_grader.main()"


def mark(hand_in, folder, secret, unsafe):
    """In the place of workers.mark."""
    lab = LABS[folder]
    text = hand_in.files[lab.model_file].decode()
    time.sleep(float(_said(text, "seconds") or 0.0))
    _misbehave(_said(text, "do"), hand_in.student)
    right = _said(text, "right").split()
    tasks = [
        TaskResult(task.id, Status.OK, float(task.points))
        if task.id in right
        else TaskResult(task.id, Status.NOT_IMPLEMENTED)
        for task in lab.tasks.values()
    ]
    log = f"graded at {time.time()} by process {os.getpid()}\n"
    return Result.of(hand_in, lab, tasks), log


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

    workers.mark = mark
    sys.exit(main())
