"""Hand-ins of this lab in the real sandbox: honest ones get all points, hostile ones none."""

import pytest
from marked_tasks import TaskMarker, solved

from crystalgraph.grading.intake.answers import read_answers
from crystalgraph.grading.library_answers import library_answers
from crystalgraph.labs import LABS

LAB = LABS["symmetry"]


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


PAIRS = {
    "slanted": "Structure([[99, 0, 0], [98.99999, 5e-4, 0], [0, 0, 99]], ['H'], [[0] * 3])",
    "many atoms": "Structure(Lattice.cubic(30), ['H'] * 4000, np.random.rand(4000, 3))",
    "no cell": "Structure(Lattice(np.zeros((3, 3))), ['H'], [[0] * 3])",
    "not finite": "Structure(Lattice.cubic(3), ['H'], [[np.inf, 0, 0]])",
    "says that it is equal": "type('All', (), {'__eq__': lambda self, other: True})()",
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_hostile_pair_gets_nothing_at_once(marker, name):
    source = f"def my_pair():\n    one = {PAIRS[name]}\n    return one, one\n"
    assert points(marker, "1.4", task_1_4=source) == 0


ANSWERS = {
    ("1.1", "equal to all"): """
class Anything(list):
    def __eq__(self, other):
        return True
def refine_colors(graph):
    return Anything([[]])
""",
    ("1.2", "many edges"): """
def quotient(graph, colors):
    n = 10**5
    ends = np.zeros(n, dtype=int), np.zeros(n, dtype=int)
    return [29] * 3, [2] * 3, *ends, np.ones(n), np.full(n, 1e9)
""",
}


@pytest.mark.parametrize(("task", "name"), ANSWERS)
def test_a_hostile_answer_gets_nothing(marker, task, name):
    edits = {f"task_{task.replace('.', '_')}": ANSWERS[task, name]}
    assert points(marker, task, **edits) == 0


CALLS = """
from crystalgraph.crystals.symmetry import refine_colors as theirs
def refine_colors(graph):
    return theirs(graph)
"""


def test_who_calls_the_library_is_named_and_nobody_else():
    honest, caller = (
        library_answers(read_answers(one, LAB), LAB)
        for one in (solved(LAB), solved(LAB, task_1_1=CALLS))
    )
    assert honest == {} and caller == {"1.1": ("refine_colors",)}
