"""Experiments that are quickly run."""

import pytest
from fake_oxides import fake_oxides

from crystalgraph.experiments import finished_runs, live, side_by_side, verdicts
from crystalgraph.experiments.catalog import EXPERIMENTS, Experiment


@pytest.fixture
def short(monkeypatch):
    """An experiment of one epoch and a tiny network."""
    chosen = Experiment("short", "short", {"width": 8, "n_conv": 1}, {"epochs": 1})
    monkeypatch.setitem(EXPERIMENTS, "short", chosen)
    return "short"


@pytest.fixture
def oxides(monkeypatch):
    """Experiments of one epoch that tell perovskites from other oxides, on a small dataset."""
    dataset, split = fake_oxides()
    for module in (finished_runs, live, side_by_side, verdicts):
        monkeypatch.setattr(module, "bundled", lambda name: dataset)
    for module in (finished_runs, live, side_by_side):
        monkeypatch.setattr(module, "load_split", lambda dataset, name: split)
    for name in ("one", "other"):
        settings = {"width": 8, "n_conv": 1, "head": 8 if name == "one" else 9}
        chosen = Experiment(name, name, settings, {"epochs": 2}, dataset="oxides")
        monkeypatch.setitem(EXPERIMENTS, name, chosen)
    return "one", "other"
