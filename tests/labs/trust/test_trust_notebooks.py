"""The notebook end to end: the solution runs through, the released one fails only where it must."""

import re

import pytest
from executed import code_cells, errors, shown
from open_tasks import failures_for_no_reason

from crystalgraph.labs import LABS

pytestmark = pytest.mark.slow

LAB = LABS["trust"]
(NAME,) = LAB.notebooks.values()


@pytest.fixture(scope="module")
def solution(tmp_path_factory):
    """As nbgrader runs it: nothing is trained, the recorded experiments are shown."""
    folder = tmp_path_factory.mktemp("solution")
    return code_cells(LAB.solutions() / NAME, folder, NBGRADER_EXECUTION="autograde")


def test_the_solution_runs_from_top_to_bottom(solution):
    assert errors(solution) == {}
    text = shown(solution)
    for task in LAB.tasks.values():
        line = f"Task {task.id}, {task.name}: {task.points} of {task.points} points"
        assert line in text[f"check-{task.id.replace('.', '-')}"]


def test_nothing_is_written_to_stderr(solution):
    """A warning in a graded cell would cost its points; elsewhere it is in the way."""
    said = [o.text for cell in solution for o in cell.outputs if o.get("name") == "stderr"]
    assert [text for text in said if "TCP without encryption" not in text] == []


SAID = {
    "same-numbers": "largest difference to the course's layer: [0-9.]+e-1[3-9]",
    "pipeline": "graphs: found; split: found; train: found; test: found",
    "ensemble-numbers": "their mean: 0.064 eV/atom",
    "calibration": "within one spread 45% .*, within two 62%",
    "polymorphs": r"random split: 71% .*formula split: 0%.*energies 1\.18 .*within .* 0\.065",
    "learning": r"all sizes: exponent -0\.70, factor 2\.7; from 61 crystals on: -0\.82, 2\.3",
    "gates": r"convolution 1, three networks:\\n +nearer than 2\.5 Å 0\.522, from 3\.5 Å on 0\.484",
    "leak": r"formula, network: \[0\.304, 0\.363, 0\.329\], mean 0\.332 ± 0\.04"
    r".*after references: spread of all 0\.18 eV/atom, within a formula 0\.065",
    "own-patient": r"test error +1\.0\d ± 0\.1\d eV/atom",
    "mended": r"143 to test on\\n0% of the test crystals",
    "search": "found within 100: 15 of 20, median after 68",
}
"""Cell -> what the texts beside it say of the recorded numbers."""


@pytest.mark.parametrize("cell", SAID)
def test_cells_print_what_the_texts_say(solution, cell):
    assert re.search(SAID[cell], shown(solution)[cell]), shown(solution)[cell]


@pytest.mark.nightly
def test_live_experiments_agree_with_the_recorded_ones(tmp_path):
    live = code_cells(LAB.solutions() / NAME, tmp_path)
    assert errors(live) == {}
    text = shown(live)
    assert "34 of 34 points" in text["board"]
    (error,) = re.findall(r"their mean: (\d\.\d+) eV/atom", text["ensemble-numbers"])
    assert float(error) == pytest.approx(0.064, abs=0.01)
    raw = re.search(r"network +(\d\.\d+) +(\d\.\d+)", text["leak"])
    assert float(raw[2]) < 0.75 * float(raw[1])


@pytest.mark.nightly
def test_only_tasks_and_what_needs_them_fail(tmp_path):
    cells = code_cells(LAB.release() / NAME, tmp_path, NBGRADER_EXECUTION="autograde")
    assert failures_for_no_reason(cells, LAB.tasks.values()) == []
