"""The one face that notebooks see: set-up, points, board and hand-in of a lab.

    from crystalgraph.course import lab

    lab.set_up("ps1")
    points = lab.points_for("ps1")

Importing it takes a moment and needs no package, as in Colab the set-up installs what is missing.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from crystalgraph.labs import find_lab


def set_up(name: str, keep_on_drive: bool = False) -> None:
    """Make the notebook's machine ready, and say what it is.

    Args:
        name: of the lab.
        keep_on_drive: in Colab, whether the student's files live on Google Drive.

    Raises:
        SetUpFailed: what is missing could not be installed, or Drive could not be opened.
        CrystalGraphError: there is no such lab.
    """
    from crystalgraph.course.set_up import set_up as set_up_lab

    set_up_lab(find_lab(name), keep_on_drive)


def points_for(name: str) -> Callable[..., float]:
    """The function that checks tasks of a lab.

    Args:
        name: of the lab.

    Returns:
        `points`, to be called as `points(task_id, function_or_class)`.

    Raises:
        CrystalGraphError: there is no such lab.
    """
    lab = find_lab(name)
    # %autoreload shows a slip in a student's file twice, printed and logged; once is enough.
    logging.getLogger("autoreload").disabled = True
    if "IPython" in sys.modules:
        from crystalgraph.course.described_figures import describe_figures
        from crystalgraph.course.waiting_cells import show_waiting_cells_in_one_line

        describe_figures()
        show_waiting_cells_in_one_line()

    def points(task_id: str, *answers: object) -> float:
        """Check a task, show the report and return the points, as the last line of a cell.

        nbgrader reads the cell's last value as the score, but only if it is a plain number, and
        gives full marks to almost anything else: so zero points are an exception.

        Args:
            task_id: as the text above the cell says.
            answers: the function or class of the task.

        Returns:
            Points above 0, at most the task's.

        Raises:
            CheckFailed: no points; shown as a message without a traceback.
            CrystalGraphError: there is no such task.
        """
        from IPython.display import display

        from crystalgraph.checking.quiet import quiet_stderr
        from crystalgraph.checking.report import CheckFailed, CheckReport, Step
        from crystalgraph.course.saved_model import NotSaved, as_saved

        task = lab.task(task_id)
        try:
            with quiet_stderr():
                answers = tuple(as_saved(lab, task, answer) for answer in answers)
        except NotSaved as error:
            step = Step(f"{lab.model_file}, as it is saved", task.points, False, str(error))
            raise CheckFailed(CheckReport(task, (step,))) from None
        report = lab.run_check(task_id, *answers)
        score = float(report.points)
        if not score > 0:
            raise CheckFailed(report)
        with quiet_stderr():
            display(report)
        return score

    return points


def passes(name: str, task_id: str, answer: object) -> bool:
    """Whether an answer passes its check, for cells that go on without it; one line says if not.

    Args:
        name: of the lab.
        task_id: of the task.
        answer: its function or class.

    Raises:
        CrystalGraphError: there is no such lab or task.
    """
    lab = find_lab(name)
    report = lab.run_check(task_id, answer)
    if not report.passed:
        task = lab.task(task_id)
        found = "was not checked, the computer is too busy" if report.busy else "does not pass yet"
        print(f"Task {task.id}, {task.name}, {found}: the library's result is used here.")
    return report.passed


def show_board(name: str, notebook: str) -> None:
    """Show every task of a lab, passed or not, as the files beside the notebook are saved.

    Args:
        name: of the lab.
        notebook: number of the notebook that this is called in, "1".

    Raises:
        CrystalGraphError: there is no such lab, or checking could not begin.
    """
    from crystalgraph.course.board import show

    show(find_lab(name), notebook)


def hand_in(name: str, notebook: str, student_id: str) -> None:
    """Pack the lab's files into one zip, and say what is still open; in Colab, download it.

    Args:
        name: of the lab.
        notebook: number of the notebook that this is called in, "1".
        student_id: as the instructor knows you; empty does nothing.

    Raises:
        HandInRefused: there is no zip, and why.
        CrystalGraphError: there is no such lab.
    """
    from crystalgraph.course.hand_in import hand_in as pack_and_check

    pack_and_check(find_lab(name), notebook, student_id)
