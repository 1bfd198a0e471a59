"""The process in which `crystalgraph check` runs a student's code; see crystalgraph.board.

    python -P -m crystalgraph.checks.worker '{"folder": ..., "model": ..., "tasks": [...]}'

Writes one line of JSON per event on stdout: loading a file, starting a task, its result. When the
process dies, the last event says what it was doing.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType

from crystalgraph.checks.tasks import MODEL_FILE, TASKS, Task


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


def _load_file(model: Path) -> ModuleType:
    """The student's model file.

    Raises:
        _Missing: there is no such file.
        Exception: what the file raises when it is run.
    """
    if not model.is_file():
        raise _Missing(f"{model.name} is not there.")
    return _load_model(model)


def _answer(task: Task, folder: Path, module: ModuleType | Exception | None) -> object:
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


def _result(task: Task, folder: Path, module: ModuleType | Exception | None) -> dict:
    from crystalgraph.checks import run_check
    from crystalgraph.checks.guard import explain
    from crystalgraph.errors import CrystalGraphError

    try:
        answer = _answer(task, folder, module)
    except _Missing as error:
        return {"status": "missing", "points": 0.0, "message": str(error)}
    except CrystalGraphError as error:
        return {"status": "missing", "points": 0.0, "message": str(error)}
    except (Exception, SystemExit) as error:
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
    from crystalgraph.checks import all_checks

    all_checks()
    module: ModuleType | Exception | None = None
    tell(event="loading", file=MODEL_FILE)
    if any(task.where == MODEL_FILE for task in tasks):
        try:
            module = _load_file(model)
        except (Exception, SystemExit) as error:
            module = error
    tell(event="loaded")
    for task in tasks:
        tell(event="start", task=task.id)
        tell(event="done", task=task.id, **_result(task, folder, module))
    out.flush()
    os._exit(0)  # threads and exit handlers of the student's code have no say


if __name__ == "__main__":
    main()
