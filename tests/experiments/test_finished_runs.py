"""Finished runs: complete, true, as small as promised, and the same after packing."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from crystalgraph import paths
from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_split
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments import baselines, verdicts
from crystalgraph.experiments.catalog import EXPERIMENTS, FEATURES, SEEDS, experiment
from crystalgraph.experiments.finished_runs import (
    bundled,
    is_current,
    load_run,
    load_runs,
    pack_run,
    perovskites,
    read_packed,
    unpack_run,
    write_packed,
)
from crystalgraph.experiments.side_by_side import Job, run_experiment
from crystalgraph.networks.model_file import load_model_class, make_model

ALL = [(name, "formula", seed) for name in EXPERIMENTS for seed in SEEDS]
BESIDE = [(name, "random", seed) for name in ("none", "shared", "gated") for seed in (0, 1, 2)]
LEFT_OUT = [
    (name, f"leave_out_{element}", seed)
    for name in ("none", "shared", "gated")
    for element in verdicts.left_out_elements()
    for seed in SEEDS
]


@pytest.fixture(scope="module")
def packed():
    """Every shipped run as it lies on disk."""
    runs = {}
    for path in (paths.DATA / "runs").glob("*.json"):
        if path != verdicts.published_file():
            runs |= read_packed(path)
    return runs


# ---- what is shipped


def test_every_experiment_has_all_its_runs_and_no_other(packed):
    assert set(packed) == set(ALL + BESIDE + LEFT_OUT)


def test_shipped_runs_were_made_with_todays_settings(packed):
    model_class = load_model_class()
    stale = [key for key, run in packed.items() if not is_current(run, model_class)]
    assert not stale, f"python tools/run_experiments.py makes {len(stale)} of them anew"


def test_errors_are_those_of_the_stored_predictions(packed):
    for name, split, seed in packed:
        run, chosen = load_run(name, split, seed), experiment(name)
        dataset = bundled(chosen.dataset)
        rows = load_split(dataset, split).test
        assert run.predictions["test"]["id"] == [dataset.ids[row] for row in rows]
        known = dataset.target(chosen.target)[rows]
        predicted = np.array(run.predictions["test"]["prediction"])
        if run.scores:
            auc = roc_auc_score(known, predicted)
            assert run.scores["test"]["auc"] == pytest.approx(auc, abs=1e-4)
        else:
            assert run.test_mae == pytest.approx(np.abs(predicted - known).mean(), abs=1e-5)


def test_kept_weights_are_those_of_the_best_validation_error(packed):
    for key, run in packed.items():
        if key[1].startswith("leave_out_"):
            continue
        history = run["history"]
        curve = history["val_loss"] if "scores" in run else history["val_mae"]
        assert curve[history["best_epoch"]] == min(curve)
        kept = run["scores"]["val"]["nll"] if "scores" in run else run["mae"]["val"]
        assert kept == pytest.approx(min(curve), abs=2e-4)


def test_parameter_counts_are_those_of_the_networks(packed):
    model_class = load_model_class()
    for name, chosen in EXPERIMENTS.items():
        n_features = FEATURES[chosen.features]().n_features
        model = make_model(model_class, n_features, chosen.model_arguments)
        assert packed[name, "formula", 0]["n_parameters"] == sum(
            weight.numel() for weight in model.parameters()
        )


def test_shipped_runs_are_small():
    size = sum(path.stat().st_size for path in (paths.DATA / "runs").iterdir())
    assert size < 3e6


def test_gated_beats_the_best_baseline_twofold():
    dataset = perovskites()
    split = load_split(dataset, "formula")
    ridge = baselines.fit_baselines(dataset, split, FORMATION_ENERGY)[baselines.RIDGE_SITES]
    runs = load_runs("gated")
    assert 2 * np.mean([run.test_mae for run in runs]) < ridge.mae["test"]


def test_published_predictions_are_one_per_crystal():
    content = json.loads(verdicts.published_file().read_text(encoding="utf-8"))
    assert content["id"] == perovskites().ids
    assert np.isfinite(content["prediction"]).all() and len(content["prediction"]) == 700


# ---- making and keeping runs


def test_a_run_survives_packing(short):
    trained, run = run_experiment(Job(short), load_model_class(), progress=False)
    again = unpack_run(json.loads(json.dumps(pack_run(short, 0, run, load_model_class()))))
    assert again.mae == pytest.approx(run.mae, abs=1e-6)
    assert again.errors() == pytest.approx(run.errors(), abs=2e-5)
    assert again.history["val_mae"] == pytest.approx(run.history["val_mae"], abs=1e-5)
    assert again.n_epochs == run.n_epochs and again.n_parameters == run.n_parameters
    assert trained.model.training is False


def test_a_classifier_survives_packing(oxides):
    model_class = load_model_class()
    _, run = run_experiment(Job(oxides[0]), model_class, progress=False)
    packed = json.loads(json.dumps(pack_run(oxides[0], 0, run, load_model_class())))
    assert "mae" not in packed and is_current(packed, model_class)
    again = unpack_run(packed)
    assert again.predictions["test"]["id"] == run.predictions["test"]["id"]
    assert (again.target, again.unit, again.mae) == ("perovskite", "probability", {})
    for part, scores in run.scores.items():
        assert again.scores[part] == pytest.approx(scores, abs=1e-6)
    assert again.history["val_loss"] == pytest.approx(run.history["val_loss"], abs=1e-5)


def test_runs_are_written_and_read_again(tmp_path):
    path = tmp_path / "runs" / "layers.json"
    assert read_packed(path) == {}
    run = {"experiment": "gated", "split": "formula", "seed": 1, "mae": {"test": 0.5}}
    write_packed(path, {("gated", "formula", 1): run})
    assert read_packed(path) == {("gated", "formula", 1): run}
    assert not list(path.parent.glob("*.part"))


def test_unknown_names_and_missing_runs_are_said():
    with pytest.raises(CrystalGraphError, match="There is no experiment 'gatde'"):
        load_run("gatde")
    with pytest.raises(CrystalGraphError, match="run_experiments.py --only layers"):
        load_run("gated", seed=99)
