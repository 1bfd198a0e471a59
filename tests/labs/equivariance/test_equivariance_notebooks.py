"""The notebooks end to end: as nbgrader executes them (nothing trains); at night they train."""

import shutil
import subprocess
import sys

import pytest
from executed import executed, points_of_checks
from open_tasks import failures_for_no_reason

from crystalgraph.course.metrics import read_metrics
from crystalgraph.labs import LABS

pytestmark = pytest.mark.slow

LAB = LABS["equivariance"]


def graded(source, folder, name):
    """A notebook of a folder, executed beside the others as nbgrader does it."""
    for path in source.glob("*.ipynb"):
        shutil.copyfile(path, folder / path.name)
    return executed(folder / name, folder, NBGRADER_EXECUTION="autograde")


@pytest.mark.parametrize("name", LAB.notebooks.values(), ids=lambda name: name[:1])
def test_the_solutions_score_full_points_while_nothing_trains(name, tmp_path):
    notebook = graded(LAB.solutions(), tmp_path, name)
    for cell in notebook.cells:
        if "motion.plot" in cell.source and cell.cell_type == "code":
            assert "image/png" in str(cell.outputs), f"no figure below cell {cell.id}"
    assert points_of_checks(notebook) == {
        t.id: t.points for t in LAB.tasks.values() if t.notebook == name
    }


@pytest.mark.nightly
@pytest.mark.parametrize("name", LAB.notebooks.values(), ids=lambda name: name[:1])
def test_a_released_notebook_fails_only_where_a_task_is_open(name, tmp_path):
    tasks = [task for task in LAB.tasks.values() if task.notebook == name]
    assert failures_for_no_reason(graded(LAB.release(), tmp_path, name).cells, tasks) == []


@pytest.mark.nightly
def test_the_solutions_train_and_run_from_top_to_bottom(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "crystalgraph", "run", LAB.id, "--out", str(tmp_path / "results")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = {m.metric: float(m.value) for m in read_metrics(tmp_path / "results" / "results.csv")}
    assert 0.27 < found["MAE of the gap, 2,000 molecules"] < 0.45  # eV
    assert 0.20 < found["MAE of the dipole, charges and moves"] < 0.32  # D
    assert 0.02 < found["crystals sent home, once"] < 0.07  # angstrom
    assert found["crystals sent home, three times, median crystal"] < 0.012
