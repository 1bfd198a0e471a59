"""The notebook end to end: the solution runs through, the released one fails only where it must."""

import re

import pytest
from executed import error_of, executed

from crystalgraph.labs import LABS

pytestmark = pytest.mark.slow

LAB = LABS["trust"]
(NAME,) = LAB.notebooks.values()


def cells_of(path, folder, **environment):
    """The code cells of a notebook after it has run past every error."""
    (folder / NAME).write_bytes(path.read_bytes())  # the board reads it
    notebook = executed(path, folder, **environment)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def errors(cells):
    """Cell -> its error."""
    found = {cell.id: error_of(cell) for cell in cells}
    return {name: f"{out.ename}: {out.evalue}" for name, out in found.items() if out}


def shown(cells):
    """Cell -> all that it shows as text."""
    return {cell.id: str(cell.outputs) for cell in cells}


@pytest.fixture(scope="module")
def solution(tmp_path_factory):
    return cells_of(LAB.solutions() / NAME, tmp_path_factory.mktemp("solution"))


def test_the_solution_runs_from_top_to_bottom(solution):
    assert errors(solution) == {}
    text = shown(solution)
    for task in LAB.tasks.values():
        line = f"Task {task.id}, {task.name}: {task.points} of {task.points} points"
        assert line in text[f"check-{task.id.replace('.', '-')}"]
    assert "34 of 34 points" in text["board"]


def test_nothing_is_written_to_stderr(solution):
    """A warning in a graded cell would cost its points; elsewhere it is in the way."""
    said = [o.text for cell in solution for o in cell.outputs if o.get("name") == "stderr"]
    assert [text for text in said if "TCP without encryption" not in text] == []


@pytest.mark.nightly
def test_only_tasks_and_what_needs_them_fail(tmp_path):
    failed = errors(cells_of(LAB.release() / NAME, tmp_path, NBGRADER_EXECUTION="autograde"))
    for task in LAB.tasks.values():
        said = failed.pop(f"check-{task.id.replace('.', '-')}")
        assert said.startswith("CheckFailed") and f"Task {task.id} is not implemented" in said
    for cell, said in failed.items():
        assert re.match(r"NotImplementedError: Task 1\.\d: fill in|NameError: name", said), cell
