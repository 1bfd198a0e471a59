"""Experiments run now: students' networks are tried, trained, or named as what does not run."""

import pytest
import torch
from torch import nn

from crystalgraph import paths
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments import live
from crystalgraph.experiments.finished_runs import load_run, load_runs
from crystalgraph.experiments.live import (
    guess_and_run,
    steps,
    student_network,
    train_or_load,
)
from crystalgraph.networks.model_file import load_model_class


class Broken(nn.Module):
    """A network whose forward is still a stub."""

    def __init__(self, *sizes, **settings):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, *inputs):
        raise NotImplementedError("Task 2.5: fill in CrystalGraphConvNet.forward in model_hw.py")


class Timed(Broken):
    """A network that works; a made-up clock says how long it takes."""

    batches: list[int] = []
    now = 0.0

    def forward(self, atom_features, bond_features, center, neighbor, crystal, n_crystals):
        Timed.now += self.seconds(n_crystals)
        self.batches.append(n_crystals)
        return self.weight.expand(n_crystals)

    def seconds(self, n):
        return 0.6 * n


class BusyComputer(Timed):
    """Every pass waits for the processor, the first one longest; crystals cost next to nothing."""

    def seconds(self, n):
        return 1.4 + 0.001 * n + (0.8 if not self.batches else 0)


class FirstPassSlow(Timed):
    """The first pass takes two seconds, all others ten milliseconds."""

    def seconds(self, n):
        return 0.01 if self.batches else 2.0


class WrongShape(Broken):
    """A network that gives one number for all crystals."""

    def forward(self, *inputs):
        return self.weight


def test_nothing_trains_while_nbgrader_grades(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.setattr(live, "run_experiment", None)  # calling it would fail
    outcome = train_or_load("gated", load_model_class())
    assert outcome.trained is None and outcome.run == load_run("gated")
    assert "nothing trains while nbgrader is grading" in capsys.readouterr().out
    assert list(steps(5)) == []


def test_outside_grading_steps_count(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    assert list(steps(3)) == [0, 1, 2]


@pytest.fixture
def clock(monkeypatch):
    """The time that Timed networks say has passed."""
    monkeypatch.setattr(Timed, "batches", [])
    monkeypatch.setattr(live.time, "perf_counter", lambda: Timed.now)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


@pytest.mark.usefixtures("clock")
def test_a_slow_network_is_timed_on_few_crystals_and_not_trained(monkeypatch, capsys):
    monkeypatch.setattr(live, "run_experiment", None)
    outcome = train_or_load("gated", Timed)
    assert Timed.batches == [2, 2, 8]
    assert outcome.run == load_run("gated")
    said = capsys.readouterr().out
    assert "minutes with your network" in said and "index_add" in said


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("network", "seconds"), [(Timed, 0.6 * 64), (BusyComputer, 1.464), (FirstPassSlow, 0.01)]
)
def test_a_step_is_not_extrapolated_from_what_is_paid_once(network, seconds):
    assert live.seconds_per_step(network, "gated") == pytest.approx(seconds, rel=0.01)


@pytest.mark.parametrize(("network", "cause"), [(Broken, "Task 2.5"), (WrongShape, "shape (1,)")])
def test_a_broken_network_is_named_and_not_trained(network, cause, monkeypatch, capsys):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(live, "run_experiment", None)
    outcome = train_or_load("gated", network)
    assert outcome.trained is None
    assert cause in capsys.readouterr().out


def test_a_working_network_is_trained(short, monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    outcome = train_or_load(short, load_model_class())
    assert outcome.trained is not None and outcome.run.n_epochs == 1


def test_student_network_says_what_it_found(tmp_path, capsys):
    good = student_network(paths.REPO / "model.py")
    assert good.__name__ == "CrystalGraphConvNet"
    assert "Your network runs: 80,833 parameters" in capsys.readouterr().out
    stub = tmp_path / "model_hw.py"
    stub.write_text("import nothing_of_that_name\n", encoding="utf-8")
    for path in (stub, tmp_path / "missing.py"):
        network = student_network(path)
        assert "does not run yet" in capsys.readouterr().out
        with pytest.raises(CrystalGraphError, match="this cell cannot"):
            network(92, 41)
        assert train_or_load("gated", network).trained is None


def test_a_network_that_gives_no_classes_is_named(oxides, monkeypatch, capsys):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(live, "load_run", lambda *_: None)
    assert train_or_load(oxides[0], WrongShape).trained is None
    assert "finite (2, 2) is needed" in capsys.readouterr().out
    assert train_or_load(oxides[0], load_model_class()).run.n_epochs == 2


def test_an_experiment_is_run_once_its_result_is_guessed(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")  # the shipped run stands for the live one
    network = load_model_class()
    assert guess_and_run("k_4", None, network, "neighbors") is None
    assert capsys.readouterr().out.startswith("No guess yet")
    attempt = guess_and_run("k_4", 0.1, network, "neighbors")
    assert attempt.runs == load_runs("k_4") and attempt.whose == "finished run"
    assert attempt.outcome.run == load_run("k_4") and attempt.outcome.whose == "finished run"
    assert "k = 4: you guessed 0.100, finished run has" in capsys.readouterr().out
    attempt = guess_and_run("oxides_k_4", 0.9, network, "oxides_neighbors")
    aucs = [run.scores["test"]["auc"] for run in load_runs("oxides_k_4")]
    assert attempt.values == aucs and attempt.mean == pytest.approx(sum(aucs) / 3)
    assert "k = 4: you guessed 0.900, finished run has 0." in capsys.readouterr().out
    assert guess_and_run("oxides_k_4", None, network, "oxides_neighbors") is None
    assert "write down what you expect, a test AUC, and run" in capsys.readouterr().out
    with pytest.raises(CrystalGraphError, match="no experiment 'none' in neighbors; choose one"):
        guess_and_run("none", 0.1, network, "neighbors")


@pytest.mark.parametrize("guess", ["0.08", (0, 8), True, float("nan"), float("inf"), [0.1], 1j])
def test_a_guess_that_is_no_number_is_refused_before_training(guess, monkeypatch):
    monkeypatch.setattr(live, "train_or_load", None)  # calling it would fail
    with pytest.raises(
        CrystalGraphError, match="is not a number: write a test error, in eV/atom, with"
    ):
        guess_and_run("k_4", guess, Broken, "neighbors")


class Doubled(load_model_class()):
    """A network of one's own, which the engine cannot stand in for."""

    def forward(self, *inputs):
        return 2 * super().forward(*inputs)


def test_the_engine_fits_the_textbook_network_only():
    assert live.engine_fits(load_model_class(), "gated")
    assert live.engine_fits(load_model_class(), "oxides_k_4")
    assert not live.engine_fits(Doubled, "gated")
    assert not live.engine_fits(Broken, "gated")


def test_a_network_of_ones_own_is_run_once(short, monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    runs, whose = live.runs_now_or_finished(short, Doubled)
    assert len(runs) == 1 and whose == "your network"
    assert "the network itself, since" in runs[0].trained_by


def test_the_textbook_network_is_run_with_all_seeds_at_once(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    asked = []

    def side_by_side(jobs, path):
        asked.append((jobs, path))
        return [(job, load_run(*job)) for job in reversed(jobs)]

    monkeypatch.setattr(live, "run_side_by_side", side_by_side)
    runs, whose = live.runs_now_or_finished("shared", load_model_class())
    assert runs == load_runs("shared") and whose == "your network"
    assert asked == [([("shared", "formula", seed) for seed in (0, 1, 2)], paths.REPO / "model.py")]
