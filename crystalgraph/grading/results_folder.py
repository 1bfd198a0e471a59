"""The results folder: one folder for each student, and the tables made of them.

    results/ps1/s001/result.json, log.txt, feedback.html
    results/ps1/grades.csv, class_report.html

A student is graded when there is a result.json, which is written last. Every file is written whole
or not at all, so a grader that is killed leaves nothing that is half true.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crystalgraph.errors import CrystalGraphError
from crystalgraph.files import private_folder, write_atomically
from crystalgraph.grading.intake.wording import readable, table_cell
from crystalgraph.grading.reports.class_report import NOTHING_NOTED, ClassNotes, report_page
from crystalgraph.grading.reports.feedback import feedback_page
from crystalgraph.grading.reports.pages import GRADES, REPORT, folder_of
from crystalgraph.grading.result import Result, TaskResult
from crystalgraph.labs.lab import Lab

RESULT, LOG, PAGE = "result.json", "log.txt", "feedback.html"
LOCK, VOID = ".lock", ".void.json"


class ResultsFolder:
    """What was graded of one lab.

    Args:
        out: folder for the results of all labs.
        lab: that is graded.
    """

    def __init__(self, out: Path, lab: Lab) -> None:
        self.lab = lab
        self.path = out / lab.id

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second grader out; the lock of one that was killed is gone with it.

        Raises:
            CrystalGraphError: another one is writing here, or nobody can.
        """
        with private_folder(self.path):
            file = (self.path / LOCK).open("w")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise CrystalGraphError(
                    f"another `crystalgraph grade` is writing to {self.path}: wait until it is "
                    "done, or name another folder with --out"
                ) from error
            yield

    def folder(self, student: str) -> Path:
        """Where a student's files are."""
        return self.path / folder_of(student)

    def read(self, student: str) -> Result | None:
        """The result of a student; None when there is none that can be read, of today's tasks."""
        try:
            text = (self.folder(student) / RESULT).read_text(encoding="utf-8")
            result = Result.from_json(text)
        except (OSError, ValueError):
            return None
        return result if result.fits(self.lab) else None

    def write(self, result: Result, log: str | None = None) -> None:
        """Keep what grading a hand-in gave.

        Args:
            result: of one hand-in.
            log: of grading it, for the instructor; None keeps the one that is there.
        """
        folder = self.folder(result.student)
        if log is not None:
            write_atomically(folder / LOG, readable(log))
        write_atomically(folder / PAGE, feedback_page(result, self.lab))
        write_atomically(folder / RESULT, result.to_json())

    def to_be_voided(self) -> set[str]:
        """Students whose results a grader that was killed had begun to forget."""
        try:
            return set(json.loads((self.path / VOID).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return set()

    @contextmanager
    def voiding(self, students: Iterable[str]) -> Iterator[None]:
        """Forget the results of students who are about to be graded again.

        Their names are written down first: killed in the middle of it, we have to go on there.
        In the body of the `with` statement the gradebook does the same.
        """
        write_atomically(self.path / VOID, json.dumps(sorted(students)))
        yield
        for student in students:
            for name in (RESULT, PAGE, LOG):
                (self.folder(student) / name).unlink(missing_ok=True)
        (self.path / VOID).unlink()

    def results(self) -> list[Result]:
        """All results, by student."""
        students = [path.parent.name for path in self.path.glob(f"*/{RESULT}")]
        found = [self.read(student) for student in students]
        return sorted(filter(None, found), key=lambda result: result.student)

    def write_tables(self, notes: ClassNotes = NOTHING_NOTED) -> None:
        """Write grades.csv and the report on the class, of all results that are here.

        Args:
            notes: what the results do not say.
        """
        results = self.results()
        try:
            write_atomically(self.path / GRADES, grades_table(results, self.lab))
            write_atomically(self.path / REPORT, report_page(results, notes, self.lab))
        except OSError as error:
            raise CrystalGraphError(
                f"the tables in {self.path} cannot be written ({error.strerror}): correct that and "
                "start again with --resume"
            ) from error


def grades_table(results: Iterable[Result], lab: Lab) -> str:
    """The grades as CSV; what the grader could not grade stays empty, it is no zero.

    Args:
        results: one for each line.
        lab: that was graded; each of its tasks has a column.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["student", "status", "points", "max_points", *lab.tasks, "submitted"])
    for result in results:
        failed = result.status.is_ours
        total = "" if failed else f"{result.points:g}"
        graded = {task.task: task for task in result.tasks}
        table.writerow(
            [table_cell(result.student), result.status, total, f"{result.max_points:g}"]
            + [_points(graded[task]) for task in lab.tasks]
            + [result.submitted]
        )
    return text.getvalue()


def _points(graded: TaskResult) -> str:
    return "" if graded.status.is_ours else f"{graded.points:g}"
