"""The lab's model file as it is saved: a notebook's kernel may still hold an older one.

%autoreload keeps the old module while the file cannot be read, and reads nothing at all where it
was not switched on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FunctionType, ModuleType

from crystalgraph.checking.autograding import autograding
from crystalgraph.checking.faults import explain
from crystalgraph.checking.python_file import load_python_file
from crystalgraph.checking.task import Task
from crystalgraph.labs.lab import Lab


class NotSaved(Exception):
    """The saved model file has no such answer; the message says why."""


def as_saved(lab: Lab, task: Task, answer: object) -> object:
    """An answer as the saved model file defines it.

    Args:
        lab: that the task belongs to.
        task: in question.
        answer: what a notebook gave.

    Returns:
        What the file defines under the answer's name; the answer itself where it is none of the
        model file's, or where nbgrader has just imported the file.

    Raises:
        NotSaved: the file cannot be executed, does not define it, or the notebook defines it.
    """
    name = Path(lab.model_file or "").stem
    module = sys.modules.get(name)
    if module is None or task.in_notebook or autograding():
        return answer
    home = getattr(answer, "__module__", None)
    if getattr(module, task.object_name, None) is answer and home != "__main__":
        attribute = task.object_name
    elif home == name and isinstance(answer, type | FunctionType):  # older than the module's
        unnamed = "<" in answer.__qualname__  # <lambda>, deco.<locals>.wrapper
        attribute = task.object_name if unnamed else answer.__qualname__
    elif home == "__main__":
        raise NotSaved(
            f"Task {task.id} is graded in {lab.model_file}, but what you gave is defined in this "
            f"notebook: write it into the file, save it, and give {name}.{task.object_name}."
        )
    else:
        return answer
    saved = _load(module)
    if not hasattr(saved, attribute):
        raise NotSaved(
            f"{lab.model_file} as it is saved does not define {attribute}: keep the def and class "
            "lines as they were handed out, and save the file (Ctrl+S)."
        )
    return getattr(saved, attribute)


def _load(module: ModuleType) -> ModuleType:
    """The file of a module, executed anew; the kernel keeps the module that it has."""
    path = Path(module.__file__ or "")
    try:
        return load_python_file(path, module.__name__)
    except (Exception, SystemExit) as error:
        said = explain(error, f"Reading {path.name} as it is saved").message
        raise NotSaved(f"{said}\nCorrect the file and save it (Ctrl+S).") from error
    finally:
        sys.modules[module.__name__] = module
