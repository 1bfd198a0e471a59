"""The self-study board: every task of a folder, whether it passes, and what to do next.

The student's code runs in a process of its own, on Linux each task in a fork of it. When one dies
or hangs, the task at fault is marked and the others go on.

In a notebook, `board.show()` shows the same as `crystalgraph check` does in a terminal.
"""

from __future__ import annotations

import html
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crystalgraph.checks import worker
from crystalgraph.checks.tasks import MODEL_FILE, NOTEBOOKS, TASKS, Task
from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import REPO, WORK

SECONDS_TO_IMPORT = 300.0  # the libraries, from a cold disk of a busy computer
SECONDS_PER_TASK = 20.0
SECONDS_PER_STEP = 8.0  # of a task; this leaves it the points of earlier steps
FORK = True  # where the system can
_MARKS = {"passed": "passed", "failed": "FAILED", "not implemented": "to do", "missing": "missing"}


@dataclass(frozen=True)
class Row:
    """One task on the board.

    Attributes:
        task: which.
        status: "passed", "failed", "not implemented" or "missing".
        points: awarded.
        message: what went wrong and the likely mistake.
        step: part of the check that failed.
        cause: short name of the mistake, when it is a known one.
    """

    task: Task
    status: str
    points: float = 0.0
    message: str = ""
    step: str = ""
    cause: str = ""

    def as_dict(self) -> dict:
        """For JSON."""
        task = self.task
        known = {"id": task.id, "name": task.name, "where": task.where, "bonus": task.bonus}
        known |= {"max_points": task.points, "minutes": task.minutes, "status": self.status}
        return known | {
            "points": self.points,
            "step": self.step,
            "cause": self.cause,
            "message": self.message,
        }


@dataclass(frozen=True)
class Board:
    """All tasks of a folder.

    Attributes:
        folder: that was checked.
        model: file that stands for model_hw.py.
        rows: one per task.
    """

    folder: Path
    model: Path
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Whether every task passes; the bonus may be left out."""
        return all(row.status == "passed" or row.task.bonus for row in self.rows)

    @property
    def points(self) -> float:
        """Sum over all tasks, bonus included."""
        return sum(row.points for row in self.rows)

    @property
    def max_points(self) -> int:
        """Sum over the tasks that are no bonus."""
        return sum(row.task.points for row in self.rows if not row.task.bonus)

    @property
    def minutes_left(self) -> int:
        """Planned for the tasks that do not pass, the bonus left out."""
        waiting = [row.task for row in self.rows if row.status != "passed"]
        return sum(task.minutes for task in waiting if not task.bonus)

    def next_thing(self) -> str:
        """What to do now, in one sentence."""
        waiting = [row for row in self.rows if row.status != "passed"]
        waiting.sort(key=lambda row: row.task.turn)
        row = next((row for row in waiting if not row.task.bonus), None)
        if row is None and waiting:
            task = waiting[0].task
            return f"All done. If you like, the bonus task {task.id}: {task.name} in {task.where}."
        if row is None:
            return "All done, the bonus included."
        task = row.task
        if row.status == "missing":
            return f"Next: {row.message} Get a fresh copy with `crystalgraph lab --prepare-only`."
        explained = "" if task.where == task.notebook else f"; explained in {task.notebook}"
        verb = "mend" if row.status == "failed" else "fill in"
        return (
            f"Next: task {task.id}, {verb} {task.name} in {task.where} "
            f"(about {task.minutes} minutes{explained})."
        )

    def as_dict(self) -> dict:
        """For JSON."""
        return {
            "folder": str(self.folder),
            "model": str(self.model),
            "passed": self.passed,
            "points": self.points,
            "max_points": self.max_points,
            "minutes_left": self.minutes_left,
            "next": self.next_thing(),
            "tasks": [row.as_dict() for row in self.rows],
        }

    def text(self) -> str:
        """The board for a terminal."""
        lines = [f"{self.folder}", ""]
        lines.append(f"{'task':<5} {'function':<28} {'result':<8} {'points':>9} {'minutes':>8}")
        for row in self.rows:
            task = row.task
            points = f"{row.points:g} of {task.points}"
            name = task.name + (" *" if task.bonus else "")
            mark = _MARKS[row.status]
            lines.append(f"{task.id:<5} {name:<28} {mark:<8} {points:>9} {task.minutes:>8}")
            if row.status in ("failed", "missing"):
                lines += _indented(row)
        return "\n".join([*lines, "", self.sums(), self.next_thing()])

    def sums(self) -> str:
        """Points, and the minutes that the rest takes."""
        left = f"; the rest takes about {self.minutes_left} minutes" if self.minutes_left else ""
        return f"{self.points:g} of {self.max_points} points (* bonus, on top){left}"

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """The board for a notebook."""
        head = "".join(f"<th>{name}</th>" for name in ("task", "function", "", "points", "minutes"))
        rows = "".join(_html_row(row) for row in self.rows)
        return (
            f"<p><b>{html.escape(self.next_thing())}</b><br>{html.escape(self.sums())}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )


def _html_row(row: Row) -> str:
    color = {"passed": "#2e7d32", "failed": "#c62828"}.get(row.status, "#757575")
    name = row.task.name + (" *" if row.task.bonus else "")
    cells = [
        row.task.id,
        f"<code>{html.escape(name)}</code>",
        f'<span style="color:{color}">{_MARKS[row.status]}</span>',
        f"{row.points:g} of {row.task.points}",
        str(row.task.minutes),
    ]
    line = "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells)
    if row.status not in ("failed", "missing"):
        return f"<tr>{line}</tr>"
    first = html.escape(row.message.splitlines()[0] if row.message else row.step)
    told = f'<td></td><td colspan="4" style="text-align:left">{first}</td>'
    return f"<tr>{line}</tr><tr>{told}</tr>"


def _indented(row: Row) -> list[str]:
    text = ([f"in: {row.step}"] if row.step else []) + row.message.splitlines()
    pad = " " * 6
    return [
        out
        for line in text
        for out in textwrap.wrap(line, 100, initial_indent=pad, subsequent_indent=pad + "  ")
    ]


def find_folder(folder: Path | None, model: Path | None) -> tuple[Path, Path]:
    """Which folder and model file to check.

    Args:
        folder: as asked for; None looks at the current folder, then at work/hw (first, when the
            current one is the course's: the model_hw.py there is nobody's work).
        model: file in place of model_hw.py, if any.

    Returns:
        Folder and model file.

    Raises:
        CrystalGraphError: there is nothing to check.
    """
    if model is not None and not model.is_file():
        raise CrystalGraphError(f"there is no model file {model}; name one that exists.")
    if folder is not None and not folder.is_dir():
        raise CrystalGraphError(f"there is no folder {folder}; `crystalgraph lab` makes work/hw.")
    here = Path.cwd()
    tried = [folder] if folder is not None else [WORK, here] if here == REPO else [here, WORK]
    for candidate in tried:
        if any((candidate / name).is_file() for name in (MODEL_FILE, *NOTEBOOKS.values())):
            return candidate.resolve(), (model or candidate / MODEL_FILE).resolve()
    if model is not None:
        return tried[0].resolve(), model.resolve()
    raise CrystalGraphError(
        f"there is neither {MODEL_FILE} nor a notebook of the homework in "
        f"{' or '.join(map(str, tried))}; `crystalgraph lab` makes your copy in work/hw."
    )


def show(notebook: str) -> None:
    """Show the board of the folder that a notebook is in, as its files were last saved.

    Args:
        notebook: number of the notebook that this is called in, "1".
    """
    from IPython.display import display

    if os.environ.get("NBGRADER_EXECUTION"):
        print("No board while grading.")
        return
    with tempfile.TemporaryDirectory(prefix="crystalgraph-board-") as name:
        folder = _student_folder(notebook, Path(name))
        print(_saved(folder))
        display(make_board(folder, folder / MODEL_FILE))


def _student_folder(notebook: str, spare: Path) -> Path:
    """The current folder; in Colab `spare`, with the files that count there copied into it."""
    from crystalgraph.colab import in_colab
    from crystalgraph.hand_in import DRIVE_FOLDERS, FILES, notebook_on_screen

    if not in_colab():
        return Path.cwd()
    for folder in (*DRIVE_FOLDERS[::-1], Path.cwd()):  # the last one found counts
        for name in FILES:
            if (folder / name).is_file():
                shutil.copy2(folder / name, spare / name)
    shown = notebook_on_screen(NOTEBOOKS[notebook])
    if shown is not None:
        (spare / shown.name).write_bytes(shown.content)
    return spare


def _saved(folder: Path) -> str:
    """When each file was saved: the board knows nothing of what is only on the screen."""
    times = [
        f"{name} {time.strftime('%H:%M', time.localtime((folder / name).stat().st_mtime))}"
        for name in (*NOTEBOOKS.values(), MODEL_FILE)
        if (folder / name).is_file()
    ]
    return f"Checked as saved, so save first (Ctrl+S): {', '.join(times) or 'nothing is here'}"


def make_board(folder: Path, model: Path) -> Board:
    """Check every task of a folder.

    Args:
        folder: with the notebooks.
        model: the student's model file.

    Returns:
        The board.
    """
    results: dict[str, dict] = {}
    while len(results) < len(TASKS):
        left = [name for name in TASKS if name not in results]
        results |= _one_process(folder, model, left)
    rows = []
    for name, task in TASKS.items():
        known = {key: results[name].get(key, "") for key in ("message", "step", "cause")}
        rows.append(Row(task, results[name]["status"], results[name].get("points", 0.0), **known))
    return Board(folder, model, tuple(rows))


def _one_process(folder: Path, model: Path, tasks: list[str]) -> dict[str, dict]:
    """Results of one process: all tasks, or those up to the one that killed it."""
    request = json.dumps(
        {
            "folder": str(folder),
            "model": str(model),
            "tasks": tasks,
            "fork": FORK,
            "seconds_per_task": SECONDS_PER_TASK,
            "seconds_per_step": SECONDS_PER_STEP,
        }
    )
    command = [sys.executable, "-P", "-m", "crystalgraph.checks.worker", request]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    results: dict[str, dict] = {}
    doing: dict = {}
    too_slow = False
    try:
        for event in _events(process):
            if event["event"] == "done":
                results[event.pop("task")] = event
            doing = event
            if len(results) == len(tasks):
                break
    except TimeoutError:
        too_slow = True
    finally:
        process.kill()
        _, complaint = process.communicate()
    if not doing:
        slow = f"the libraries did not load within {SECONDS_TO_IMPORT:g} s; try again."
        raise CrystalGraphError(f"checking could not begin: {complaint.strip()[-500:] or slow}")
    if len(results) < len(tasks):
        at_fault = [doing["task"]] if doing["event"] == "start" else _of_model(tasks)
        what = "loading the file" if doing["event"] == "loading" else "this task"
        fault = worker.died(what, too_slow, process.returncode)
        results |= {name: fault for name in at_fault or tasks if name not in results}
    return results


def _environment() -> dict[str, str]:
    paths = [str(REPO), *filter(None, [os.environ.get("PYTHONPATH")])]
    ours = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    ours["OMP_NUM_THREADS"] = "1"  # for crystals of five atoms more threads only wait
    return os.environ | ours


def _of_model(tasks: list[str]) -> list[str]:
    return [name for name in tasks if TASKS[name].where == MODEL_FILE]


def _events(process: subprocess.Popen) -> Iterator[dict]:
    """Events of a process as they come; TimeoutError when it is silent for too long."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    patience = SECONDS_TO_IMPORT
    while True:
        try:
            line = lines.get(timeout=patience)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            return
        # with forks the process itself stops a task, sooner
        patience = SECONDS_PER_TASK * (worker.PATIENCE + 1 if FORK and worker.FORK else 2)
        yield json.loads(line)
