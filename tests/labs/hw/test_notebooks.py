"""The notebooks end to end: the solutions run through, the released ones fail only where they must.

"Cold" means without cached graphs: each test has a cache folder of its own.
"""

import os
import re
import subprocess
import sys
import time

import pytest
from executed import error_of, executed
from open_tasks import failures_for_no_reason

from crystalgraph.course.metrics import read_metrics
from crystalgraph.labs import LABS
from crystalgraph.releasing.holes import POINTS_CALL

pytestmark = pytest.mark.slow

HW = LABS["hw"]
NOTEBOOKS, TASKS = HW.notebooks, HW.tasks
SECONDS_FOR_ALL = 600


@pytest.fixture(scope="module")
def solutions(tmp_path_factory):
    """`crystalgraph run`, as a user calls it: (finished process, output folder, seconds)."""
    folder = tmp_path_factory.mktemp("run")
    cold = {**os.environ, "CRYSTALGRAPH_CACHE": str(folder / "cache")}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "crystalgraph", "run", "hw", "--out", str(folder / "results")],
        cwd=folder,
        env=cold,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    return done, folder / "results", time.monotonic() - begun


def test_the_solutions_run_from_top_to_bottom(solutions):
    done, out, seconds = solutions
    print(f"\nsolution notebooks, cold: {seconds:.0f} s\n{done.stdout}")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in NOTEBOOKS.values():
        assert (out / name).with_suffix(".html").stat().st_size > 100_000


@pytest.mark.nightly
def test_the_solutions_take_less_than_ten_minutes(solutions):
    assert solutions[2] < SECONDS_FOR_ALL


def test_the_results_table_is_printed(solutions):
    done, out, _ = solutions
    metrics = read_metrics(out / "results.csv")
    assert any("gated" in metric.metric and metric.unit == "eV/atom" for metric in metrics)
    for metric in metrics:
        assert re.search(rf"{re.escape(metric.metric)} +{re.escape(metric.value)}", done.stdout)


@pytest.mark.parametrize("name", NOTEBOOKS.values(), ids=lambda name: name[:1])
def test_the_solution_scores_full_points_in_every_check(solutions, name):
    page = (solutions[1] / name).with_suffix(".html").read_text(encoding="utf-8")
    for task in TASKS.values():
        if task.notebook == name:
            assert f"Task {task.id}, {task.name}: {task.points} of {task.points} points" in page


# --- released, untouched -------------------------------------------------------------------------


@pytest.fixture(scope="module", params=NOTEBOOKS.values(), ids=lambda name: name[:1])
def untouched(request, tmp_path_factory):
    """A released notebook, executed as it is, past every error."""
    folder = tmp_path_factory.mktemp("untouched")
    (folder / HW.model_file).write_bytes((HW.release() / HW.model_file).read_bytes())
    return request.param, executed(HW.release() / request.param, folder)


def test_only_tasks_and_what_needs_them_fail(untouched):
    name, notebook = untouched
    tasks = [task for task in TASKS.values() if task.notebook == name]
    assert failures_for_no_reason(notebook.cells, tasks) == []


def test_the_message_of_an_open_task_is_short(untouched):
    for cell in untouched[1].cells:
        if cell.cell_type == "code" and POINTS_CALL.findall(cell.source):
            shown = "\n".join(error_of(cell).traceback)
            assert "Traceback" not in shown and len(shown.splitlines()) < 8
