"""Hand-ins of this lab in the real sandbox: honest ones get all points, hostile ones none."""

import pytest
from marked_tasks import TaskMarker, solved

from crystalgraph.labs import LABS

LAB = LABS["trust"]


@pytest.fixture(scope="module")
def marker():
    marker = TaskMarker(LAB)
    yield marker
    marker.close()


def points(marker, task, **edits):
    result, _ = marker.mark(solved(LAB, **edits), [task])
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
