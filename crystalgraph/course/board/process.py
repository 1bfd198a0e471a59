"""Runs the process that checks a folder, again where a task has ended it, and gathers results."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from crystalgraph.checking.autograding import BOARD
from crystalgraph.checking.limits import BUSY, MEGABYTE, Limits
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.lab import Lab
from crystalgraph.paths import REPO

CAN_FORK = sys.platform == "linux"
"""Elsewhere a fork may not survive the libraries that are loaded."""
ROUNDS = 5
"""On a busy computer a task gets its seconds at most so many times."""
MOST_BYTES, MOST_FOLDERS = 64 * MEGABYTE, 200
"""That are copied of a student's folder."""


def board_limits(lab: Lab) -> Limits:
    """What a task may take on the board; by default 8 s for a step and 20 s for all of them.

    A step gets less than in the notebook, so that one that hangs leaves its task the points of
    earlier steps.
    """
    step = lab.limits.seconds_per_step
    return replace(
        lab.limits,
        seconds_per_step=0.8 * step,
        seconds_per_task=2.0 * step,
        seconds_to_start=300.0,
        memory=4096 * MEGABYTE,  # more would make the whole computer slow
    )


def results_of(
    lab: Lab, folder: Path, model: Path | None, limits: Limits, fork: bool = CAN_FORK
) -> dict[str, dict]:
    """Check every task of a folder.

    Args:
        lab: whose tasks.
        folder: with the notebooks.
        model: the student's model file, where the lab has one.
        limits: what a task may take.
        fork: whether each task runs in a fork.

    Returns:
        Task id -> its result, the arguments of a row.

    Raises:
        CrystalGraphError: the process does not start.
    """
    results: dict[str, dict] = {}
    with tempfile.TemporaryDirectory(prefix="crystalgraph-", ignore_cleanup_errors=True) as place:
        copy = Path(place).resolve() / "work"
        copy_files(folder, copy)
        if model is not None and model.parent == folder:
            model = copy / model.name
        while left := [name for name in lab.tasks if name not in results]:
            request = {
                "lab": lab.package,
                "folder": str(copy),
                "model": None if model is None else str(model),
                "tasks": left,
                "fork": fork,
                "limits": asdict(limits),
            }
            results |= _one_process(lab, copy, request, limits)
    return results


def copy_files(folder: Path, target: Path) -> None:
    """Copy what a notebook may read beside it; what its cells do to the copy hurts nobody.

    Hidden files and folders are left out, and so is what does not fit, code excepted: the folder
    may be any.

    Args:
        folder: with the notebooks.
        target: a folder.
    """
    left = MOST_BYTES
    for place, folders, files in itertools.islice(os.walk(folder), MOST_FOLDERS):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        here = target / Path(place).relative_to(folder)
        here.mkdir(parents=True, exist_ok=True)
        paths = [Path(place, name) for name in files if not name.startswith(".")]
        for path in sorted(filter(Path.is_file, paths), key=_size):
            with contextlib.suppress(OSError):
                if path.suffix in (".ipynb", ".py") or _size(path) <= left:
                    shutil.copy2(path, here / path.name)
                    left -= _size(path)


def _size(path: Path) -> int:
    """Bytes of a file."""
    return path.stat().st_size


def _one_process(lab: Lab, folder: Path, request: dict, limits: Limits) -> dict[str, dict]:
    """Results of one process: all tasks, or those up to the one that killed it."""
    process = _start(folder, request)
    results: dict[str, dict] = {}
    doing: dict = {}
    why = "crash"
    try:
        for event in _events(process, limits, request["fork"]):
            if event["event"] == "done":
                results[event.pop("task")] = event
            doing = event
            if len(results) == len(request["tasks"]):
                break
    except TimeoutError:
        why = "too slow" if request["fork"] else "silent"
    finally:
        process.kill()
        _, complaint = process.communicate()
    if not doing:
        slow = f"the libraries did not load within {limits.seconds_to_start:g} s; try again."
        raise CrystalGraphError(f"checking could not begin: {complaint.strip()[-500:] or slow}")
    if len(results) < len(request["tasks"]):
        results = _blamed(lab, request["tasks"], doing, why, process.returncode) | results
    return results


def _blamed(lab: Lab, tasks: Sequence[str], doing: dict, why: str, code: int) -> dict[str, dict]:
    """Results of the tasks that a process died of, by the last event that it wrote."""
    if doing["event"] == "start":
        return {doing["task"]: died("this task", why, code)}
    in_model = [name for name in tasks if lab.tasks[name].where == lab.model_file]
    what = "loading the file" if doing["event"] == "loading" else "this task"
    return {name: died(what, why, code) for name in in_model or tasks}


def died(what: str, why: str, code: int = 0) -> dict:
    """The result of a task whose process ended before the result came.

    Args:
        what: it was doing.
        why: "too slow", or "busy" where it was stopped; "silent" where nobody knows which of both,
            because no fork was watched; else "crash".
        code: its exit code, negative for a signal.
    """
    messages = {
        "too slow": f"Stopped: {what} did not come to an end in time; look for an endless loop.",
        "silent": f"Stopped: {what} did not come to an end in time; look for an endless loop, or "
        "close other programs if they keep this computer busy.",
        "busy": BUSY,
        "crash": f"Python itself ended during {what} (exit code {code}): look for exit() or "
        "quit(), for indices far out of range, for a function that calls itself, or for far too "
        "much memory.",
    }
    status = "not checked" if why == "busy" else "failed"
    cause = "too slow" if why == "silent" else why
    return {"status": status, "points": 0.0, "message": messages[why], "cause": cause}


def _start(folder: Path, request: dict) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "crystalgraph.course.board.worker", json.dumps(request)]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def _environment() -> dict[str, str]:
    paths = [str(REPO), *filter(None, [os.environ.get("PYTHONPATH")])]
    ours = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    ours[BOARD] = "1"
    ours["OMP_NUM_THREADS"] = "1"  # for crystals of five atoms more threads only wait
    return os.environ | ours


def _events(process: subprocess.Popen[str], limits: Limits, fork: bool) -> Iterator[dict]:
    """Events of a process as they come; TimeoutError when it is silent for too long."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    seconds = limits.seconds_to_start
    while True:
        try:
            line = lines.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            return
        # with forks the process itself stops a task, sooner
        seconds = limits.seconds_per_task * (ROUNDS + 1 if fork else 2)
        yield json.loads(line)
