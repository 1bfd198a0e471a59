"""Checks with diagnosis: `points("2.1", ConvLayer)` in a notebook, `run_check` everywhere else."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from crystalgraph.checks.report import CheckFailed, CheckReport, Step
from crystalgraph.checks.tasks import TASKS, Task
from crystalgraph.errors import CrystalGraphError

if TYPE_CHECKING:  # torch and pymatgen are imported when something is checked, not before
    from crystalgraph.checks.exam import Check

__all__ = ["TASKS", "CheckFailed", "CheckReport", "Step", "Task", "points", "run_check"]

_FROM_ENVIRONMENT = Path()

# %autoreload shows a slip in model_hw.py twice, printed and logged; once is enough
logging.getLogger("autoreload").disabled = True


def all_checks() -> dict[str, Check]:
    """The checks of all tasks by id."""
    from crystalgraph.checks import classification, energy, network, own_tests, salt_to_graph

    modules = (salt_to_graph, network, own_tests, energy, classification)
    return {check.task: check for module in modules for check in module.CHECKS}


def run_check(
    task_id: str, *student_objects: object, hidden: Path | None = _FROM_ENVIRONMENT
) -> CheckReport:
    """Check a student's answer to a task.

    Args:
        task_id: "2.1".
        student_objects: the function or class of the task.
        hidden: folder with the instructor's further cases; by default the one that the environment
            variable CRYSTALGRAPH_HIDDEN_CASES names, if any.

    Returns:
        The report. Faults of the student's code are in it, never raised.

    Raises:
        CrystalGraphError: there is no such task, or no such folder.
    """
    from crystalgraph.checks.cases import hidden_folder
    from crystalgraph.checks.exam import cases_of, examine
    from crystalgraph.checks.guard import double_precision, quiet_stderr

    if task_id not in TASKS:
        raise CrystalGraphError(f"There is no task {task_id!r}; choose one of {', '.join(TASKS)}.")
    folder = hidden_folder() if hidden is _FROM_ENVIRONMENT else hidden
    if folder is not None and not folder.is_dir():
        raise CrystalGraphError(
            f"There is no folder {folder} of hidden cases; mend CRYSTALGRAPH_HIDDEN_CASES."
        )
    with quiet_stderr():
        check = all_checks()[task_id]
        with double_precision():
            return examine(check, student_objects, cases_of(task_id, folder))


def points(task_id: str, *student_objects: object) -> float:
    """Check a task, show the report and return the points, as the last line of a notebook cell.

    nbgrader reads the cell's last value as the score, but only if it is a plain number, and gives
    full marks to almost anything else: so zero points are an exception.

    Args:
        task_id: "2.1".
        student_objects: the function or class of the task.

    Returns:
        Points above 0, at most the task's.

    Raises:
        CheckFailed: no points; shown as a message without a traceback.
        CrystalGraphError: there is no such task.
    """
    from IPython.display import display

    from crystalgraph.checks.guard import quiet_stderr

    report = run_check(task_id, *student_objects)
    score = float(report.points)
    if not score > 0:
        raise CheckFailed(report)
    with quiet_stderr():
        display(report)
    return score
