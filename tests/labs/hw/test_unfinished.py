"""Notebook 3 with a right notebook 3 and an untouched notebook 2: what is lacking says so."""

import pytest
from executed import executed

from crystalgraph.labs import LABS

pytestmark = pytest.mark.slow

HW = LABS["hw"]

NEED_A_NETWORK = ["trap-table", "rung-1", "rung-2", "rung-3"]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The solution, executed past every error beside the released model_hw.py."""
    folder = tmp_path_factory.mktemp("unfinished")
    (folder / HW.model_file).write_bytes((HW.release() / HW.model_file).read_bytes())
    return executed(HW.solutions() / HW.notebooks["3"], folder)


def outputs(notebook, kind):
    """(cell id, output) for each output of a kind."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [(cell.id, out) for cell in code for out in cell.outputs if out.output_type == kind]


def test_cells_that_need_the_network_say_so_and_all_others_run(notebook):
    errors = outputs(notebook, "error")
    assert [cell for cell, _ in errors] == NEED_A_NETWORK
    for cell, error in errors:
        assert error.ename == "NetworkNotReady", (cell, error.evalue)
        assert "Task 2.5: fill in CrystalGraphConvNet.forward" in error.evalue
        assert len(error.traceback) == 1


def printed(notebook):
    """{cell id: all that it printed}, which may come in pieces."""
    said = {}
    for cell, out in outputs(notebook, "stream"):
        said[cell] = said.get(cell, "") + out.text
    return said


def test_a_finished_run_is_not_called_yours(notebook):
    said = printed(notebook)
    assert "The finished run is loaded" in said["main-run"]
    assert "finished run beats site ridge" in said["main-compare"]
    assert "your network" not in said["main-compare"]


def test_leave_one_out_counts_predictions_and_crystals(notebook):
    said = printed(notebook)["splits-ridge"]
    assert "836 test predictions of 665 different crystals" in said
