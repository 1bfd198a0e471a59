"""Runs in several processes: each is the one that is asked for, and failures arrive."""

import pytest

from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments.finished_runs import load_run
from crystalgraph.experiments.side_by_side import Job, run_side_by_side
from crystalgraph.paths import REPO

pytestmark = pytest.mark.slow


def test_each_job_has_its_run():
    jobs = [Job("none", "formula", 0), Job("none", "random", 1)]
    found = dict(run_side_by_side(jobs, REPO / "model.py", processes=2, progress=False))
    assert set(found) == set(jobs)
    for job, run in found.items():
        assert (run.split, run.train_settings["seed"]) == (job.split, job.seed)
        assert run.trained_by == "the engine" and run.threads == 1
        assert run.test_mae == pytest.approx(load_run(*job).test_mae, abs=0.02)


def test_what_goes_wrong_in_a_model_file_arrives(tmp_path):
    path = tmp_path / "model_hw.py"
    path.write_text("class CrystalGraphConvNet: 1 / 0\n", encoding="utf-8")
    with pytest.raises(CrystalGraphError, match="ZeroDivisionError"):
        list(run_side_by_side([Job("none")], path, progress=False))
