"""What a lab is: its notebooks, tasks and questions, and where its parts lie."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from crystalgraph import paths
from crystalgraph.checking.task import Task
from crystalgraph.errors import CrystalGraphError

if TYPE_CHECKING:  # torch and pymatgen are imported when something is checked, not before
    from crystalgraph.checking.cases import Case
    from crystalgraph.checking.check import Check
    from crystalgraph.checking.limits import Limits
    from crystalgraph.checking.report import CheckReport

HIDDEN = "CRYSTALGRAPH_HIDDEN_CASES"
"""Environment variable: the folder of the labs, when their hidden cases are to be tried too."""
_FROM_ENVIRONMENT = Path()

__all__ = ["HIDDEN", "Lab", "Question", "Task", "hidden_in_sandbox", "is_secret"]


def is_secret(path: Path) -> bool:
    """Whether a file is the instructor's: neither in the students' copy nor in the sandbox.

    Args:
        path: relative to the course's folder.
    """
    package, labs, _, name, *_ = *path.parts, *[""] * 4
    return (package, labs, name) == ("crystalgraph", "labs", "instructor")


def hidden_in_sandbox() -> tuple[Path, ...]:
    """Folders that students' code must not see: the instructor's, stored cases, and the engine.

    Students have the last two, but a case holds what a right answer gives, and a layer of the
    engine gives what theirs is to give.
    """
    folders = sorted(path for path in (paths.PACKAGE / "labs").glob("*/*") if path.is_dir())
    return (
        *(one for one in folders if one.name == "cases" or is_secret(one.relative_to(paths.REPO))),
        paths.PACKAGE / "networks" / "engine",
    )


@dataclass(frozen=True)
class Question:
    """A question that is answered in words and graded by a person.

    Attributes:
        id: nbgrader's name of the cell for the answer, "q1_1".
        notebook: that it is in.
        points: at most.
    """

    id: str
    notebook: str
    points: int

    @property
    def name(self) -> str:
        """As people write it, "q1.1"."""
        return self.id.replace("_", ".")


@dataclass(frozen=True)
class Lab:
    """One lab of the course.

    Attributes:
        id: its name for nbgrader, in hand-ins and folders: "ps1" for solutions/ps1, ps1_s001.zip.
        title: for people.
        package: where its code is, "crystalgraph.labs.NAME".
        notebooks: number -> file, in the order in which they are worked through.
        tasks: id -> task.
        questions: those answered in words.
        model_file: Python file that students fill in beside the notebooks, if there is one.
        reference: file with its right answers, in the course's folder.
        extras: optional dependencies of pyproject.toml that the lab needs.
        library_answers: task -> functions of libraries that are its answer, or nearly.
        own_limits: what the code of a hand-in may take, where that is not the usual.
    """

    id: str
    title: str
    package: str
    notebooks: Mapping[str, str]
    tasks: Mapping[str, Task]
    questions: tuple[Question, ...] = ()
    model_file: str | None = None
    reference: str | None = None
    extras: tuple[str, ...] = ()
    library_answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own_limits: Limits | None = None

    # --- files and folders -----------------------------------------------------------------------

    @property
    def folder(self) -> str:
        """Name of the lab's folder in crystalgraph/labs; it stays when the id is changed."""
        return self.package.rpartition(".")[2]

    @property
    def home(self) -> Path:
        """The lab's folder in crystalgraph/labs."""
        return paths.PACKAGE / "labs" / self.folder

    @property
    def files(self) -> tuple[str, ...]:
        """What is handed out and handed in."""
        model = () if self.model_file is None else (self.model_file,)
        return (*self.notebooks.values(), *model)

    def work(self, root: Path = paths.REPO) -> Path:
        """A student's own copy.

        Args:
            root: the course's folder; where it is not the student's, the copy is at home.
        """
        return (paths.WORK if root == paths.REPO else root / "work") / self.id

    def release(self, root: Path = paths.REPO) -> Path:
        """The lab as it is handed out.

        Args:
            root: the course's folder.
        """
        return root / "assignments" / self.id

    def solutions(self, root: Path = paths.REPO) -> Path:
        """The notebooks with solutions.

        Args:
            root: the course's folder.
        """
        return root / "solutions" / self.id

    # --- tasks -----------------------------------------------------------------------------------

    @property
    def max_points(self) -> int:
        """Points of all tasks that are no bonus; answers in words not counted."""
        return sum(task.points for task in self.tasks.values() if not task.bonus)

    @property
    def written_points(self) -> int:
        """Points of the answers in words."""
        return sum(question.points for question in self.questions)

    @property
    def total_points(self) -> int:
        """The maximum for a learning platform: tasks and answers in words, without the bonus."""
        return self.max_points + self.written_points

    @property
    def limits(self) -> Limits:
        """What the code of a hand-in may take."""
        from crystalgraph.checking.limits import Limits

        return self.own_limits or Limits()

    def task(self, task_id: str) -> Task:
        """A task.

        Raises:
            CrystalGraphError: there is no such task.
        """
        if task_id not in self.tasks:
            raise CrystalGraphError(
                f"There is no task {task_id!r}; choose one of {', '.join(self.tasks)}."
            )
        return self.tasks[task_id]

    @cached_property
    def checks(self) -> dict[str, Check]:
        """The checks of all tasks by id; torch and pymatgen are imported for them."""
        module = importlib.import_module(f"{self.package}.checks")
        return {check.task: check for check in module.CHECKS if check.task in self.tasks}

    def instructor(self, name: str) -> ModuleType:
        """A module of the lab's instructor/ folder.

        Raises:
            CrystalGraphError: this is the students' copy of the course.
        """
        if not (self.home / "instructor").is_dir():
            raise CrystalGraphError(
                f"this needs the instructor's copy of the course: {self.home} has no instructor/"
            )
        return importlib.import_module(f"{self.package}.instructor.{name}")

    # --- checking --------------------------------------------------------------------------------

    @property
    def cases_folder(self) -> Path:
        """The stored cases that students have."""
        return self.home / "cases"

    @property
    def hidden_folder(self) -> Path:
        """The instructor's further cases."""
        return self.home / "instructor" / "hidden_cases"

    def hidden_by_environment(self) -> Path | None:
        """The folder of hidden cases, when the environment asks for them and the lab has cases.

        Raises:
            CrystalGraphError: there is no such folder.
        """
        named = os.environ.get(HIDDEN)
        if not named or not any(self.cases_folder.glob("*.npz")):
            return None
        folder = Path(named) / self.folder / "instructor" / "hidden_cases"
        if not folder.is_dir():
            raise CrystalGraphError(
                f"There is no folder {folder} of hidden cases; correct {HIDDEN}."
            )
        return folder

    def cases(self, task_id: str, hidden: Path | None = None) -> list[Case]:
        """The stored cases of a task, those of the folder of hidden ones last."""
        from crystalgraph.checking.cases import load_cases

        visible = load_cases(task_id, self.cases_folder)
        return visible + ([] if hidden is None else load_cases(task_id, hidden, hidden=True))

    def run_check(
        self, task_id: str, *answers: object, hidden: Path | None = _FROM_ENVIRONMENT
    ) -> CheckReport:
        """Check a student's answer to a task.

        Args:
            task_id: of the task.
            answers: the function or class of the task.
            hidden: folder with further cases; by default the one that the environment asks for.

        Returns:
            The report. Faults of the student's code are in it, never raised; so is a computer that
            is too busy to tell.

        Raises:
            CrystalGraphError: there is no such task, or no such folder.
        """
        from crystalgraph.checking.examine import examine
        from crystalgraph.checking.limits import BUSY, ComputerTooBusy
        from crystalgraph.checking.quiet import double_precision, quiet_stderr
        from crystalgraph.checking.report import CheckReport

        task = self.task(task_id)
        folder = self.hidden_by_environment() if hidden is _FROM_ENVIRONMENT else hidden
        with quiet_stderr():
            check = self.checks[task_id]
            with double_precision():
                cases = self.cases(task_id, folder)
                try:
                    return examine(task, check, answers, cases, self.limits.seconds_per_step)
                except ComputerTooBusy:
                    return CheckReport.not_checked(task, BUSY, "busy")
