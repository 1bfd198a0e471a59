"""The right answers of a lab: classes of its reference, functions of its solution notebooks."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from crystalgraph import paths
from crystalgraph.checking.notebook_code import load_function
from crystalgraph.checking.python_file import load_python_file
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import Lab


@cache
def reference_of(folder: str, root: Path = paths.REPO) -> ModuleType | None:
    """The reference of a lab as a module, loaded once per process; None where there is none.

    Args:
        folder: of the lab in crystalgraph/labs.
        root: the course's folder.
    """
    name = LABS[folder].reference
    return (
        None if name is None else load_python_file(root / name, f"crystalgraph_reference_{folder}")
    )


@cache
def _right_answers(folder: str, root: Path) -> dict[str, object]:
    lab, reference = LABS[folder], reference_of(folder, root)
    if reference and lab.model_file:  # notebooks import it under the name of the students' file
        sys.modules[Path(lab.model_file).stem] = reference
    return {
        task.id: load_function(lab.solutions(root) / task.where, task.object_name)
        if task.in_notebook
        else getattr(reference, task.object_name)
        for task in lab.tasks.values()
    }


def right_answers(lab: Lab, root: Path = paths.REPO) -> dict[str, object]:
    """The right answer of every task, loaded once per process.

    Args:
        lab: whose.
        root: the course's folder.

    Returns:
        Task id -> function or class.
    """
    return _right_answers(lab.folder, root)
