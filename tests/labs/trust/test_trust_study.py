"""The experiments of the lab: recorded numbers, a training, gates, Gaussian processes, searches."""

import json
from dataclasses import replace

import numpy as np
import pytest
from other_defaults import change_default

from crystalgraph.crystals.graphs import GraphSettings
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments.baselines import element_fractions, ridge
from crystalgraph.labs.trust import clinic, search, study
from crystalgraph.networks.engine.network import QuotientNetwork
from crystalgraph.networks.training import TrainSettings


@pytest.fixture(scope="module")
def finished():
    return {name: study.recorded(name) for name in study.EXPERIMENTS}


def test_every_experiment_is_recorded_and_shown_while_nbgrader_is_grading(finished, monkeypatch):
    recorded = json.loads(study.FINISHED.read_text(encoding="utf-8"))
    assert recorded.keys() == study.EXPERIMENTS.keys()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    for name in study.EXPERIMENTS:
        assert json.dumps(study.measured(name)) == json.dumps(finished[name])
    assert study.patients().keys() == clinic.WRONG.keys()


@pytest.mark.parametrize(
    "change",
    [(GraphSettings, "k", 24), (TrainSettings, "clip", 0.5), (QuotientNetwork, "width", 32)],
    ids=["graphs", "training", "network"],
)
def test_what_was_recorded_with_other_settings_is_not_shown(monkeypatch, change):
    change_default(monkeypatch, *change)
    with pytest.raises(CrystalGraphError, match=rf"{change[1]}: .*, today {change[2]}.*record"):
        study.recorded("ensemble")


def test_what_is_recorded_is_of_the_crystals_and_settings_of_today(finished):
    _, _, targets, split = study.perovskites()
    assert finished["ensemble"]["row"] == split.test.tolist()
    assert finished["ensemble"]["target"] == pytest.approx(targets[split.test], rel=1e-4)
    assert finished["learning curve"]["size"] == [*study.SIZES, len(split.train)]
    assert finished["sensitivity"].keys() == {"default", *study.CHANGES}
    dataset, _, energies, splits = study.oxides()
    for name, one in splits.items():
        linear = ridge(element_fractions(dataset), energies, one)
        error = np.abs(linear - energies)[one.test].mean()
        assert finished["leak"][name]["ridge on element fractions"] == pytest.approx(
            error, rel=1e-3
        )


def test_the_leak_is_as_the_texts_say(finished):
    assert study.polymorphs("formula").max() == 0
    assert np.mean(study.polymorphs("random") > 0) == pytest.approx(0.71, abs=0.01)
    leak = finished["leak"]
    assert leak["random"]["network"] < 0.7 * leak["formula"]["network"]
    assert leak["formula"]["ridge on element fractions"] < 0.5 * leak["formula"]["network"]
    assert leak["formula"]["network, references"] < leak["formula"]["ridge on element fractions"]


def test_three_seeds_agree_with_the_one_that_is_trained_in_the_notebook(finished):
    for name, methods in finished["leak of three seeds"].items():
        for method, seeds in methods.items():
            first = np.mean(seeds[0])
            assert first == pytest.approx(finished["leak"][name][method], rel=2e-3)


def test_the_gates_of_three_networks_are_as_the_texts_say(finished):
    found = finished["gates"]
    distance, gate = np.array(found["distance"]), np.array(found["gate"])
    assert 0.25 < gate.min() and gate.max() < 0.7
    near = gate[:, :, distance < 2.5].mean(axis=2) - gate[:, :, distance >= 3.5].mean(axis=2)
    assert (near[:, 0] > 0.02).all() and (near[:, 1:] < 0.01).all()


def test_an_experiment_runs_once_and_nobody_changes_what_it_gave(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    runs = []
    monkeypatch.setitem(study.EXPERIMENTS, "new", lambda: runs.append(1) or {"error": [0.1]})
    study.measured("new")["error"].append("spoiled")
    assert study.measured("new") == {"error": [0.1]} and runs == [1]


def short_training(seed):
    _, graphs, targets, split = study.perovskites()
    few = replace(split, train=split.train[:64], val=split.val[:16])
    return study.train_network(graphs, targets, few, TrainSettings(epochs=2, seed=seed), width=8)


def test_a_training_is_that_of_its_seed():
    first, again, other = (short_training(seed).prediction for seed in (0, 0, 1))
    assert len(first) == 700 and np.isfinite(first).all()
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_gates_are_those_of_each_edge(monkeypatch):
    monkeypatch.setattr(study, "member", short_training)
    found = study.gates(n_crystals=4)
    n_edges = len(found["distance"])
    assert np.shape(found["gate"]) == (len(study.SEEDS), 3, n_edges)
    assert ((np.array(found["gate"]) > 0) & (np.array(found["gate"]) < 1)).all()


def line(n=60):
    x = np.linspace(0, 6, n)[:, None]
    return x, np.sin(x[:, 0]) + 0.1 * x[:, 0]


def test_a_gaussian_process_interpolates_and_is_unsure_far_away():
    x, y = line()
    known = np.arange(0, 30, 3)
    process = search.gaussian_process(search.squared_distances(x), known, y[known])
    assert np.abs(process.mean - y)[:28].max() < 0.1
    assert process.deviation[59] > 5 * process.deviation[known].max()


def test_a_search_finds_the_lowest_sooner_than_chance():
    x, y = line()
    trials = [search.bayesian_search(search.squared_distances(x), y, seed, 20) for seed in range(5)]
    assert all(one[-1] == y.min() and one == sorted(one, reverse=True) for one in trials)


def test_expected_improvement_is_that_of_many_draws():
    process = search.GaussianProcess(np.array([1.0, 0.2]), np.array([0.5, 0.1]), 0.0)
    draws = np.random.default_rng(0).normal(process.mean, process.deviation, (200_000, 2))
    by_drawing = np.maximum(0.8 - draws, 0).mean(axis=0)
    assert search.expected_improvement(process, 0.8) == pytest.approx(by_drawing, rel=0.02)
