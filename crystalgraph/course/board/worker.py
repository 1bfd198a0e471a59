"""The process in which the board runs a student's code; process.py starts it.

    python -P -m crystalgraph.course.board.worker REQUEST

Writes one line of JSON per event on stdout: loading a file, starting a task, its result. On Linux
each task runs in a fork of this process, which costs a few milliseconds: it may end, hang or change
whatever it likes. Elsewhere the tasks share the process; when it dies, the last event says what it
was doing.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

from crystalgraph.checking.faults import explain
from crystalgraph.checking.limits import ComputerTooBusy, Limits, time_limit
from crystalgraph.checking.notebook_code import library_imports, load_function
from crystalgraph.checking.python_file import load_python_file
from crystalgraph.checking.task import Task
from crystalgraph.course.board.process import CAN_FORK, ROUNDS, copy_files, died
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.lab import Lab
from crystalgraph.sandbox import forks

ModelFile = ModuleType | BaseException | None
"""The student's model file as a module, why it cannot be loaded, or None where it is not needed."""


class _Missing(Exception):
    """There is nothing to check."""


def _load_model(lab: Lab, path: Path, seconds: float) -> ModelFile:
    """The student's model file under the name that notebooks import, or why there is none."""
    if not path.is_file():
        return _Missing(f"{path.name} is not there.")
    try:
        with time_limit(seconds, ROUNDS):
            return load_python_file(path, Path(lab.model_file or path).stem)
    except BaseException as error:  # of a stranger's file: it may raise what it likes
        return error


def _answer(lab: Lab, task: Task, folder: Path, module: ModelFile) -> object:
    """The student's function or class of a task."""
    if task.in_notebook:
        path = folder / task.where
        if not path.is_file():
            raise _Missing(f"{task.where} is not there.")
        released = lab.release() / task.where
        given = released if released.is_file() else None
        return load_function(path, task.object_name, task.id, given)
    if isinstance(module, BaseException):
        raise module
    if not hasattr(module, task.object_name):
        raise _Missing(f"{task.where} does not define {task.object_name}.")
    return getattr(module, task.object_name)


def _result(lab: Lab, task: Task, folder: Path, module: ModelFile) -> dict:
    """The result of a task: the arguments of its row on the board."""
    try:
        answer = _answer(lab, task, folder, module)
    except (_Missing, CrystalGraphError) as error:
        return {"status": "missing", "points": 0.0, "message": str(error)}
    except ComputerTooBusy:
        return died(f"loading {task.where}", "busy")
    except BaseException as error:
        message = explain(error, f"Loading {task.where}").message
        return {"status": "failed", "points": 0.0, "message": message}
    report = lab.run_check(task.id, answer)
    result = {"status": "passed", "points": report.points, "message": "", "cause": ""}
    if (step := report.failure) is not None:
        if report.busy:
            return died("this task", "busy")
        status = "failed" if report.implemented else "not implemented"
        result |= {"status": status, "step": step.name, "message": step.message}
        result |= {"cause": step.cause}
    return result


@contextlib.contextmanager
def _files_of_its_own(folder: Path) -> Iterator[Path]:
    """A copy of the folder for one task, whose cells find the files as they were at first."""
    copy = Path(tempfile.mkdtemp(dir=folder.parent))
    copy_files(folder, copy)
    os.chdir(copy)
    sys.path.insert(-1, str(copy))
    try:
        yield copy
    finally:
        sys.path.remove(str(copy))
        os.chdir(folder)
        shutil.rmtree(copy, ignore_errors=True)


def _in_a_fork(check: Callable[[], dict], limits: Limits) -> dict:
    """The result of a task, in a process of its own that may take so long and ends with it."""
    done = forks.run(check, limits.seconds_per_task, ROUNDS)
    if done.value is None:
        return died("this task", done.stopped or "crash", done.exit_code)
    return done.value


def _import_for_all(tasks: Sequence[Task], folder: Path) -> None:
    """Import once what else each task would import, which takes seconds."""
    import torch

    torch.optim.SGD([torch.zeros(1)], lr=1.0)  # the first optimizer imports for a second
    for notebook in {task.where for task in tasks if task.in_notebook}:
        names = [task.object_name for task in tasks if task.where == notebook]
        with contextlib.suppress(Exception):  # the notebook's tasks report what is wrong with it
            for module in library_imports(folder / notebook, names):
                with contextlib.suppress(ImportError):
                    importlib.import_module(module)


def _limit_memory(more: int) -> None:
    """Make too large an array an error of the task's, where the system can do that."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + more
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main() -> None:
    """Check the tasks of a request and write what happens."""
    request = json.loads(sys.argv[1])
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)  # what the student's code prints is not for us
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

    def write(**event: object) -> None:
        out.write(json.dumps(event) + "\n")
        out.flush()

    limits = Limits(**request["limits"])
    lab = replace(importlib.import_module(request["lab"]).LAB, own_limits=limits)
    folder, tasks = Path(request["folder"]), [lab.tasks[name] for name in request["tasks"]]
    sys.path.append(str(folder))  # last, so that no file there replaces a library
    assert lab.checks  # imported here, for all forks
    _import_for_all(tasks, folder)
    _limit_memory(limits.memory)
    write(event="loading", file=request["model"])
    needed = request["model"] is not None and not all(task.in_notebook for task in tasks)
    module = None
    if needed:
        module = _load_model(lab, Path(request["model"]), limits.seconds_per_task)
    write(event="loaded")
    for task in tasks:
        write(event="start", task=task.id)
        with _files_of_its_own(folder) as copy:
            check = partial(_result, lab, task, copy, module)
            result = _in_a_fork(check, limits) if request["fork"] and CAN_FORK else check()
        write(event="done", task=task.id, **result)
    out.flush()
    os._exit(0)  # threads and exit handlers of the student's code have no say


if __name__ == "__main__":
    main()
