"""From solutions to the student's files: holes instead of solutions, and the proof that none leak.

`### BEGIN SOLUTION` and `### END SOLUTION` enclose what a student has to write, in model.py and in
the notebooks of solutions/. Here each such region becomes one line,

    raise NotImplementedError("Task 2.1: fill in ConvLayer.forward in model_hw.py")

with the id taken from the task table by the name of the function around it. Both
`nbgrader generate_assignment` (crystalgraph/nbgrader_plugins.py) and tools/release.py call this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from crystalgraph.checks.tasks import MODEL_FILE as STUDENT_MODEL
from crystalgraph.checks.tasks import TASKS, Task
from crystalgraph.errors import CrystalGraphError

SOLUTION_MODEL = "model.py"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
MARKERS = ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg")
PLACEHOLDER = "YOUR-COURSE/crystalgraph"
TELLING_LENGTH = 30
"""Shorter lines (`loss.backward()`, `model.eval()`) give nothing away that a hint does not."""
HARMLESS = ("rng = np.random.default_rng(0)",)
"""Longer lines of solutions that every notebook may use."""

DEFINITION = re.compile(r"(\s*)(def|class)\s+(\w+)")
POINTS_CALL = re.compile(r"""^points\(\s*["']([\w.]+)["']""", re.M)


class ReleaseError(CrystalGraphError):
    """The release cannot be made, or would give something away."""


# --- holes ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hole:
    """One solution region: its marker lines (counted from 0) and the function it is in."""

    begin: int
    end: int
    function: str


def find_regions(source: str, where: str) -> list[tuple[int, int]]:
    """The lines (counted from 0) of each pair of markers in a text, in order.

    Args:
        source: a Python file or a notebook cell, code or text.
        where: named in errors.

    Raises:
        ReleaseError: a marker without its twin.
    """
    regions, begin = [], None
    for number, line in enumerate(source.split("\n")):
        if "BEGIN SOLUTION" in line or "END SOLUTION" in line:
            opens = "BEGIN SOLUTION" in line
            if line.strip() != (BEGIN if opens else END) or opens != (begin is None):
                raise ReleaseError(
                    f"{where}, line {number + 1}: {line.strip()!r} does not fit: each {BEGIN!r} "
                    f"needs one {END!r} below it, each alone on its line"
                )
            if not opens:
                regions.append((begin, number))
            begin = number if opens else None
    if begin is not None:
        raise ReleaseError(f"{where}, line {begin + 1}: {BEGIN!r} without {END!r}")
    return regions


def find_holes(source: str, where: str) -> list[Hole]:
    """The solution regions of a Python source (magics do no harm), with their functions.

    Raises:
        ReleaseError: a marker without its twin, or a region outside of a function.
    """
    lines = source.split("\n")
    return [
        Hole(begin, end, enclosing_function(lines, begin, where))
        for begin, end in find_regions(source, where)
    ]


def enclosing_function(lines: list[str], number: int, where: str) -> str:
    """The function around a line, with its class: "ConvLayer.forward"; found by indentation."""
    names: list[str] = []
    indent = len(lines[number]) - len(lines[number].lstrip())
    for line in reversed(lines[:number]):
        found = DEFINITION.match(line)
        if found and len(found[1]) < indent:
            names.insert(0, found[3])
            indent = len(found[1])
    if not names:
        raise ReleaseError(f"{where}, line {number + 1}: the solution is not inside a function")
    return ".".join(names)


def task_of(function: str, where: str, tasks: Mapping[str, Task] = TASKS) -> Task:
    """The task whose hole is in a function.

    Raises:
        ReleaseError: the task table has no such function.
    """
    for task in tasks.values():
        if task.name == function:
            return task
    raise ReleaseError(
        f"{where}: the solution in {function} belongs to no task: give it one in "
        "crystalgraph/checks/tasks.py, or take its markers away"
    )


def stub_line(task: Task) -> str:
    """What stands in a hole."""
    place = f" in {STUDENT_MODEL}" if task.where == STUDENT_MODEL else ""
    return f'raise NotImplementedError("Task {task.id}: fill in {task.name}{place}")'


def clear_holes(source: str, where: str, tasks: Mapping[str, Task] = TASKS) -> str:
    """The source with each solution region replaced by its stub line."""
    lines = source.split("\n")
    for hole in reversed(find_holes(source, where)):
        indent = re.match(r"\s*", lines[hole.begin])[0]
        stub = stub_line(task_of(hole.function, where, tasks))
        lines[hole.begin : hole.end + 1] = [indent + stub]
    return "\n".join(lines)


def make_student_model(root: Path, tasks: Mapping[str, Task] = TASKS) -> str:
    """The text of model_hw.py, from model.py in the course's folder."""
    path = root / SOLUTION_MODEL
    if not path.is_file():
        raise ReleaseError(f"there is no {path}: {STUDENT_MODEL} is made from it")
    source = path.read_text(encoding="utf-8")
    holes = [hole.function for hole in find_holes(source, SOLUTION_MODEL)]
    wanted = [task.name for task in tasks.values() if task.where == STUDENT_MODEL]
    compare_holes(SOLUTION_MODEL, holes, wanted)
    return clear_holes(source, SOLUTION_MODEL, tasks)


def compare_holes(where: str, found: list[str], wanted: list[str]) -> None:
    """Raise ReleaseError unless every task has its hole, once."""
    for name in sorted({*found, *wanted}):
        if found.count(name) != wanted.count(name):
            raise ReleaseError(
                f"{where}: {name} has {found.count(name)} solution regions, and the task table "
                f"expects {wanted.count(name)}: mend the markers or crystalgraph/checks/tasks.py"
            )


# --- what must not get out -----------------------------------------------------------------------


def solution_parts(source: str, where: str) -> list[str]:
    """The lines inside the solution regions of a text."""
    lines = source.split("\n")
    return [line for begin, end in find_regions(source, where) for line in lines[begin + 1 : end]]


def is_solution(cell: NotebookNode) -> bool:
    """Whether nbgrader takes the cell for something that a student writes."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def secret_lines(root: Path, notebooks: Iterable[Path]) -> set[str]:
    """Every line of the solutions that is long enough to tell something, blanks squeezed.

    Args:
        root: the course's folder, with model.py.
        notebooks: the solution notebooks.
    """
    lines = []
    for path in notebooks:
        for cell in nbformat.read(path, as_version=4).cells:
            parts = solution_parts(cell.source, f"{path.name}, cell {cell.get('id')}")
            # Without markers nbgrader replaces a written answer as a whole.
            lines += parts or (cell.source.split("\n") if is_solution(cell) else [])
    return model_secrets(root) | telling(lines)


def model_secrets(root: Path) -> set[str]:
    """The telling lines of model.py's solutions."""
    source = (root / SOLUTION_MODEL).read_text(encoding="utf-8")
    return telling(solution_parts(source, SOLUTION_MODEL))


def telling(lines: Iterable[str]) -> set[str]:
    """The lines that are long enough to give something away, blanks squeezed."""
    squeezed = set(map(squeeze, lines)) - set(HARMLESS)
    return {line for line in squeezed if len(line) >= TELLING_LENGTH}


def squeeze(line: str) -> str:
    """The line without leading blanks, comment signs and doubled blanks."""
    return " ".join(line.split()).lstrip("#*- ")


def find_leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """The secret lines and the markers that occur in a text."""
    squeezed = " ".join(text.split())
    return [marker for marker in MARKERS if marker in text] + sorted(
        line for line in secrets if line in squeezed
    )


def check_release(root: Path, assignment: str, release: Path) -> None:
    """Look at a released folder as a stranger would.

    Args:
        root: the course's folder: model.py, solutions/.
        assignment: such as "hw".
        release: the folder with what students get.

    Raises:
        ReleaseError: something is missing, or something is there that should not be.
    """
    sources = solution_notebooks(root, assignment)
    expected = {path.name for path in sources} | {STUDENT_MODEL}
    files = [path for path in sorted(release.rglob("*")) if path.is_file()]
    names = {path.relative_to(release).as_posix() for path in files}
    if missing := sorted(expected - names):
        raise ReleaseError(f"the release {release} lacks {', '.join(missing)}")
    secrets = secret_lines(root, sources)
    for path in files:
        if path.relative_to(release).as_posix() in expected:
            check_text(path, secrets)
        elif path.suffix not in PICTURES:
            raise ReleaseError(
                f"{path.name} would be released as it is: take it out of solutions/{assignment} "
                "(notebooks and pictures belong there, nothing else)"
            )
    for path in sources:
        check_notebook(nbformat.read(release / path.name, as_version=4), path.name)


def solution_notebooks(root: Path, assignment: str) -> list[Path]:
    """The notebooks of solutions/<assignment>, sorted by name.

    Raises:
        ReleaseError: there are none.
    """
    found = sorted((root / "solutions" / assignment).glob("*.ipynb"))
    if not found:
        raise ReleaseError(f"there are no notebooks in {root / 'solutions' / assignment}")
    return found


def check_text(path: Path, secrets: set[str]) -> None:
    """Raise ReleaseError when a released file holds a solution line or a marker."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        texts = [(f"{path.name}, cell {cell.id}", cell.source) for cell in cells]
    else:
        texts = [(path.name, path.read_text(encoding="utf-8"))]
    for where, text in texts:
        if leaks := find_leaks(text, secrets):
            raise ReleaseError(f"{where} gives away {leaks[0]!r}: reword it, or move the markers")


def check_notebook(notebook: NotebookNode, name: str, tasks: Mapping[str, Task] = TASKS) -> None:
    """Outputs, ids, points and holes of one released notebook.

    Raises:
        ReleaseError: one of them is not as it should be.
    """
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise ReleaseError(f"{name} is not a valid notebook: {error}") from error
    cell_ids = [cell.id for cell in notebook.cells]
    grade_ids = [nbgrader_settings(cell).get("grade_id") for cell in notebook.cells]
    for ids in (cell_ids, [one for one in grade_ids if one]):
        if repeated := sorted({one for one in ids if ids.count(one) > 1}):
            raise ReleaseError(f"{name}: the id {repeated[0]!r} is there twice: rename one")
    for cell in notebook.cells:
        if cell.get("outputs") or cell.get("execution_count"):
            raise ReleaseError(f"{name}, cell {cell.id}: it still has its output")
        if nbgrader_settings(cell).get("grade") and cell.cell_type == "code":
            check_points(cell, name, tasks)
    check_tasks_of_notebook(notebook, name, tasks)


def nbgrader_settings(cell: NotebookNode) -> dict:
    """nbgrader's metadata of a cell; empty where there is none."""
    return cell.metadata.get("nbgrader", {})


def check_points(cell: NotebookNode, name: str, tasks: Mapping[str, Task]) -> None:
    """Raise ReleaseError unless a grade cell ends in points("id", ...), worth the task's points."""
    called = POINTS_CALL.findall(cell.source)
    where = f"{name}, cell {cell.id}"
    if len(called) != 1 or called[0] not in tasks:
        raise ReleaseError(f"{where}: a grade cell calls points(...) once, with a task's id")
    worth, expected = nbgrader_settings(cell)["points"], tasks[called[0]].points
    if worth != expected:
        raise ReleaseError(
            f"{where}: it is worth {worth} points, and the task table says {expected}"
        )


def check_tasks_of_notebook(notebook: NotebookNode, name: str, tasks: Mapping[str, Task]) -> None:
    """Raise ReleaseError unless each task of this notebook has one stub and one check."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for task in tasks.values():
        if task.notebook != name:
            continue
        stubs = sum(stub_line(task) in source for source in code)
        checks = sum(task.id in POINTS_CALL.findall(source) for source in code)
        if checks != 1 or stubs != (task.where != STUDENT_MODEL):
            raise ReleaseError(
                f"{name}: task {task.id} ({task.name}) has {stubs} stubs and {checks} checks"
            )
