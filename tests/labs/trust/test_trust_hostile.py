"""Hand-ins of this lab in the real sandbox: honest ones get all points, hostile ones none."""

import json
import re

import nbformat
import pytest
from marked_tasks import TaskMarker

from crystalgraph.grading.intake.hand_ins import HandIn
from crystalgraph.labs import LABS

LAB = LABS["trust"]
(NAME,) = LAB.notebooks.values()


def hand_in(**edits):
    """The released notebook with the solutions, some tasks' cells exchanged."""
    notebook = nbformat.read(LAB.release() / NAME, as_version=4)
    solved = {cell.id: cell.source for cell in nbformat.read(LAB.solutions() / NAME, 4).cells}
    for cell in notebook.cells:
        if cell.id.startswith("task-1-") and cell.cell_type == "code":
            own = re.sub(r" *### (BEGIN|END) SOLUTION\n", "", solved[cell.id])
            cell.source = edits.get(cell.id.replace("-", "_"), own)
    return HandIn("s001", "trust_s001.zip", {NAME: json.dumps(notebook).encode()})


@pytest.fixture(scope="module")
def marker():
    marker = TaskMarker(LAB)
    yield marker
    marker.close()


def points(marker, task, **edits):
    result, _ = marker.mark(hand_in(**edits), [task])
    return result.tasks[0].points


@pytest.mark.parametrize("task", LAB.tasks.values(), ids=LAB.tasks.keys())
def test_an_honest_answer_gets_all_points(marker, task):
    assert points(marker, task.id) == task.points


ANSWERS = {
    ("1.3", "equal to nothing"): """
class Key(str):
    def __eq__(self, other):
        return False
    __hash__ = str.__hash__
def step_key(settings, before=""):
    return Key("a")
""",
    ("1.8", "a cause that is all of them"): """
class Cause(str):
    def __eq__(self, other):
        return True
    __hash__ = str.__hash__
def diagnose(patient):
    return Cause("any")
""",
    ("1.9", "targets for predictions"): """
def mended_training(describe, targets, train, val, test, seed):
    for row in range(len(targets)):
        describe(row)
    return [0.0, 0.0], targets  # those of the test crystals are not there
""",
}


@pytest.mark.parametrize(("task", "name"), ANSWERS)
def test_a_hostile_answer_gets_next_to_nothing(marker, task, name):
    edits = {f"task_{task.replace('.', '_')}": ANSWERS[task, name]}
    assert points(marker, task, **edits) <= 1.5
