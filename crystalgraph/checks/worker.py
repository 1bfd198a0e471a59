"""The process in which `crystalgraph check` runs a student's code; see crystalgraph.board.

    python -P -m crystalgraph.checks.worker '{"folder": ..., "model": ..., "tasks": [...], ...}'

Writes one line of JSON per event on stdout: loading a file, starting a task, its result. On Linux
each task runs in a fork of this process, which costs a few milliseconds: it may end, hang or change
whatever it likes. Elsewhere the tasks share the process; when it dies, the last event says what it
was doing.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from crystalgraph.checks.tasks import MODEL_FILE, TASKS, Task

FORK = sys.platform == "linux"  # elsewhere a fork may not survive the libraries loaded
PATIENCE = 5
GIGABYTES = 4  # that a task may take; more would make the whole computer slow


class _Missing(Exception):
    """There is nothing to check."""


def _load_model(path: Path) -> ModuleType:
    """The student's model file as the module model_hw, which notebooks import."""
    name = Path(MODEL_FILE).stem
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _load_file(model: Path, seconds: float) -> ModuleType | BaseException:
    """The student's model file, or why there is none."""
    from crystalgraph.checks.guard import TimeUp, time_limit

    if not model.is_file():
        return _Missing(f"{model.name} is not there.")
    try:
        with time_limit(seconds):
            return _load_model(model)
    except (Exception, SystemExit, TimeUp) as error:
        return error


def _answer(task: Task, folder: Path, module: ModuleType | BaseException | None) -> object:
    """The student's function or class of a task."""
    from crystalgraph.notebooks import load_function

    if task.where != MODEL_FILE:
        path = folder / task.where
        if not path.is_file():
            raise _Missing(f"{task.where} is not there.")
        return load_function(path, task.name)
    if isinstance(module, BaseException):
        raise module
    if not hasattr(module, task.object_name):
        raise _Missing(f"{MODEL_FILE} does not define {task.object_name}.")
    return getattr(module, task.object_name)


def _result(task: Task, folder: Path, module: ModuleType | BaseException | None) -> dict:
    from crystalgraph.checks import run_check
    from crystalgraph.checks.guard import TimeUp, explain
    from crystalgraph.errors import CrystalGraphError

    try:
        answer = _answer(task, folder, module)
    except _Missing as error:
        return {"status": "missing", "points": 0.0, "message": str(error)}
    except CrystalGraphError as error:
        return {"status": "missing", "points": 0.0, "message": str(error)}
    except (Exception, SystemExit, TimeUp) as error:
        message = explain(error, f"Loading {task.where}").message
        return {"status": "failed", "points": 0.0, "message": message}
    report = run_check(task.id, answer)
    result = {"status": "passed", "points": report.points, "message": "", "cause": ""}
    if not report.passed:
        step = report.failure
        status = "failed" if report.implemented else "not implemented"
        result |= {"status": status, "step": step.name, "message": step.message}
        result |= {"cause": step.cause}
    return result


def died(what: str, too_slow: bool, code: int) -> dict:
    """The result of a task whose process ended before the result came.

    Args:
        what: it was doing.
        too_slow: it was stopped.
        code: its exit code, negative for a signal.
    """
    if too_slow:
        message = f"Stopped: {what} did not come to an end in time; look for an endless loop."
    else:
        message = (
            f"Python itself ended during {what} (exit code {code}): look for exit() or quit(), for "
            "indices far out of range, for a function that calls itself, or for far too much "
            "memory."
        )
    cause = "too slow" if too_slow else "crash"
    return {"status": "failed", "points": 0.0, "message": message, "cause": cause}


def _in_a_fork(task: Task, folder: Path, module: object, seconds: float) -> dict:
    """Like _result, in a process of its own that may take so long, and ends with the task."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        with contextlib.suppress(BaseException), open(write, "w", encoding="utf-8") as answer:
            answer.write(json.dumps(_result(task, folder, module)) + "\n")
        os._exit(0)
    os.close(write)
    line, too_slow = _read_line(read, child, seconds)
    os.close(read)
    for kill in (os.killpg, os.kill):  # what the task started goes with it
        with contextlib.suppress(ProcessLookupError):
            kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return json.loads(line) if line.endswith(b"\n") else died("this task", too_slow, code)


def _read_line(descriptor: int, writer: int, seconds: float) -> tuple[bytes, bool]:
    """What comes through a pipe up to the end of a line, and whether time was up before.

    Where the computer is busy, so that the writer runs but slowly, it gets up to PATIENCE times as
    many seconds.
    """
    line, begun, rounds = b"", time.monotonic(), 1
    while not line.endswith(b"\n"):
        left = begun + rounds * seconds - time.monotonic()
        if not select.select([descriptor], [], [], max(0.0, left))[0]:
            used = _processor_seconds(writer)
            if used > seconds / 2 or used < rounds * seconds / 50 or rounds == PATIENCE:
                return line, True
            rounds += 1
            continue
        more = os.read(descriptor, 65536)
        if not more:
            break
        line += more
    return line, False


def _processor_seconds(process: int) -> float:
    """How long a process has run, on Linux; waiting does not count."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _import_for_all(tasks: Sequence[Task], folder: Path) -> None:
    """Import once what else each task would import, which takes seconds."""
    import torch

    from crystalgraph.notebooks import library_imports

    torch.optim.SGD([torch.zeros(1)], lr=1.0)  # the first optimizer imports for a second
    for notebook in {task.where for task in tasks} - {MODEL_FILE}:
        names = [task.name for task in tasks if task.where == notebook]
        with contextlib.suppress(Exception):  # what is wrong with a notebook is told by its tasks
            for module in library_imports(folder / notebook, names):
                with contextlib.suppress(ImportError):
                    importlib.import_module(module)


def _limit_memory() -> None:
    """Make too large an array an error of the task's, where the system can do that."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + GIGABYTES * 2**30
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main() -> None:
    """Check the tasks of a request and write what happens."""
    request = json.loads(sys.argv[1])
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)  # what the student's code prints is not for us
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

    def tell(**event: object) -> None:
        out.write(json.dumps(event) + "\n")
        out.flush()

    folder, model = Path(request["folder"]), Path(request["model"])
    tasks = [TASKS[name] for name in request["tasks"]]
    sys.path.append(str(folder))  # last, so that no file there stands in for a library
    from crystalgraph.checks import all_checks, exam

    all_checks()
    _import_for_all(tasks, folder)
    _limit_memory()
    exam.SECONDS_PER_STEP = request["seconds_per_step"]
    seconds = request["seconds_per_task"]
    tell(event="loading", file=MODEL_FILE)
    needed = any(task.where == MODEL_FILE for task in tasks)
    module = _load_file(model, seconds) if needed else None
    tell(event="loaded")
    for task in tasks:
        tell(event="start", task=task.id)
        fork = request["fork"] and FORK
        known = _in_a_fork(task, folder, module, seconds) if fork else _result(task, folder, module)
        tell(event="done", task=task.id, **known)
    out.flush()
    os._exit(0)  # threads and exit handlers of the student's code have no say


if __name__ == "__main__":
    main()
