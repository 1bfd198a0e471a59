"""Ensembles: mean and spread of several networks, trained side by side."""

from dataclasses import replace

import numpy as np
import pytest

from crystalgraph.crystals.datasets import FORMATION_ENERGY, CrystalDataset, Split, load_perovskites
from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.checkpoints import save_members
from crystalgraph.networks.ensembles import Ensemble, join, load_ensemble, train_side_by_side
from crystalgraph.networks.model_file import MODEL_FILE, load_model_class
from crystalgraph.networks.training import TrainSettings
from crystalgraph.networks.training_run import RunResult, train_model

NETWORK = load_model_class()
SPLIT = Split("parts", np.arange(10), np.arange(10, 15), np.arange(15, 20))


@pytest.fixture(scope="module")
def small():
    whole = load_perovskites()
    energy = whole.target(FORMATION_ENERGY)[:700:35]
    crystals = whole.structures[:700:35]
    return CrystalDataset("small", whole.ids[:700:35], crystals, {FORMATION_ENERGY: energy})


def arguments(small, seed, **changes):
    return {
        "dataset": small,
        "split": SPLIT,
        "model_settings": {"width": 8, "n_conv": 1, "head": 8},
        "train_settings": TrainSettings(epochs=2, batch_size=5, seed=seed),
        "unit": "eV/atom",
        "device": "cpu",
        **changes,
    }


@pytest.fixture(scope="module")
def trained(small):
    """Two networks, trained side by side."""
    both = [arguments(small, seed, references=True) for seed in (3, 4)]
    return train_side_by_side(both, NETWORK, MODEL_FILE, progress=False)


def test_a_process_trains_what_this_one_would(small, trained):
    here, run = train_model(
        model_class=NETWORK, **arguments(small, 4, references=True), progress=False
    )
    there, other = trained[1]
    assert other.predictions["test"]["prediction"] == pytest.approx(
        run.predictions["test"]["prediction"], abs=1e-5
    )
    assert there.references == here.references and there.train_settings["seed"] == 4
    first, second = (run.predictions["test"]["prediction"] for _, run in trained)
    assert np.abs(np.subtract(first, second)).max() > 1e-3  # another seed, another network


def test_the_mean_predicts_and_the_standard_deviation_is_the_spread(small, trained, tmp_path):
    members = tuple(network for network, _ in trained)
    path = save_members(members, tmp_path / "c.pt")
    mean, spread = load_ensemble(path, NETWORK).predict(small.structures)
    one, two = (network.predict(small.structures) for network in members)
    assert mean == pytest.approx((one + two) / 2)
    assert spread == pytest.approx(np.abs(one - two) / np.sqrt(2))
    alone, none = Ensemble(members[:1]).predict(small.structures)
    assert (alone == one).all() and none is None


def test_errors_of_the_joined_run_are_those_of_the_mean(trained):
    runs = [run for _, run in trained]
    joined = join(runs)
    for part in ("train", "val", "test"):
        mean = np.mean([run.predictions[part]["prediction"] for run in runs], axis=0)
        error = np.abs(mean - runs[0].predictions[part]["target"]).mean()
        assert joined.mae[part] == pytest.approx(error)
        assert joined.mae[part] <= np.mean([run.mae[part] for run in runs]) * (1 + 1e-12)
        assert (joined.spread(part) > 0).all() and len(joined.spread(part)) == joined.count(part)
    assert joined.seconds == pytest.approx(sum(run.seconds for run in runs))
    assert join(runs[:1]) is runs[0]


def test_joined_classifiers_are_scored_by_their_mean_probability(trained):
    rows = {"id": ["a", "b"], "target": [1.0, 0.0], "prediction": [0.9, 0.6]}
    first = replace(
        trained[0][1], mae={}, predictions={"test": rows}, scores={"test": {"nll": 9.0}}
    )
    second = replace(first, predictions={"test": {**rows, "prediction": [0.7, 0.0]}})
    joined = join([first, second])
    assert joined.predictions["test"]["prediction"] == pytest.approx([0.8, 0.3])
    assert joined.scores["test"]["nll"] == pytest.approx(-(np.log(0.8) + np.log(0.7)) / 2)
    assert joined.scores["test"]["accuracy"] == 1 and isinstance(joined, RunResult)


def test_an_error_in_a_process_is_one_sentence(small, tmp_path):
    line = "states = [self.embedding(atom_features)]"
    text = MODEL_FILE.read_text()
    assert text.count(line) == 1
    broken = tmp_path / "broken.py"
    broken.write_text(text.replace(line, "states = [atom_features.nothing]"))
    both = [arguments(small, seed) for seed in (0, 1)]
    with pytest.raises(CrystalGraphError, match="broken.py, line [0-9]+: AttributeError"):
        train_side_by_side(both, load_model_class(broken), broken, progress=False)


def test_the_last_epoch_is_kept_where_that_is_asked_for(small):
    settings = TrainSettings(epochs=12, batch_size=5, learning_rate=0.05, patience=1)
    options = {"train_settings": settings, "keep_last": True}
    trained, run = train_model(
        model_class=NETWORK, **arguments(small, 0, **options), progress=False
    )
    assert run.n_epochs == 12 and run.history["best_epoch"] == 11
    assert run.val_mae == pytest.approx(run.history["val_mae"][-1], rel=1e-4)
    assert min(run.history["val_mae"]) < run.history["val_mae"][-1]
    assert trained.train_settings["keep"] == run.train_settings["keep"] == "last"
    options["keep_last"] = False
    _, best = train_model(model_class=NETWORK, **arguments(small, 0, **options), progress=False)
    assert best.n_epochs < 12 and "keep" not in best.train_settings
