"""The notebook end to end: the solution runs through, the released one fails only where it must."""

import re

import pytest
from executed import code_cells, errors, shown
from open_tasks import failures_for_no_reason

from crystalgraph.labs import LABS

pytestmark = pytest.mark.slow

LAB = LABS["symmetry"]
(NAME,) = LAB.notebooks.values()


@pytest.fixture(scope="module")
def solution(tmp_path_factory):
    return code_cells(LAB.solutions() / NAME, tmp_path_factory.mktemp("solution"))


def test_the_solution_runs_from_top_to_bottom(solution):
    assert errors(solution) == {}
    text = shown(solution)
    for task in LAB.tasks.values():
        line = f"Task {task.id}, {task.name}: {task.points} of {task.points} points"
        assert line in text[f"check-{task.id.replace('.', '-')}"]
    assert "18 of 18 points" in text["board"]


def test_nothing_is_written_to_stderr(solution):
    """A warning in a graded cell would cost its points; elsewhere it is in the way."""
    said = [o.text for cell in solution for o in cell.outputs if o.get("name") == "stderr"]
    assert [text for text in said if "TCP without encryption" not in text] == []


def test_the_cells_print_what_the_texts_beside_them_say(solution):
    text = shown(solution)
    numbers = re.findall(r"edges: (-?\d+\.\d+)", text["same-numbers"])
    assert len(numbers) == 4 and len({round(float(number), 9) for number in numbers}) == 1
    assert "4390 nodes, 59704 edges" in text["speed"]
    assert "2278 nodes,  4912 edges" in text["speed"]
    assert "multiplicities [24  8  8]" in text["look-1-2"]


@pytest.mark.nightly
def test_only_tasks_and_what_needs_them_fail(tmp_path):
    """As nbgrader runs it, where pictures of crystals are plain."""
    cells = code_cells(LAB.release() / NAME, tmp_path, NBGRADER_EXECUTION="autograde")
    assert failures_for_no_reason(cells, LAB.tasks.values()) == []
    stubs = re.findall(r"NotImplementedError: Task 1\.\d: fill in (\w+)", str(errors(cells)))
    assert stubs and {*stubs} <= {task.name for task in LAB.tasks.values()}
    assert (
        not {"one-kind", "target-1-1", "draw-copper", "blind", "blind-table"} & errors(cells).keys()
    )
