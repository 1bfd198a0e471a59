"""Training a classifier, from labels of 0 and 1 to its checkpoint."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from fake_oxides import fake_oxides

from crystalgraph.crystals.datasets import Split
from crystalgraph.crystals.features import published_features
from crystalgraph.errors import CrystalGraphError
from crystalgraph.figures.common import plot_learning_curves
from crystalgraph.networks import training
from crystalgraph.networks.checkpoints import load_checkpoint, save_checkpoint
from crystalgraph.networks.model_file import load_model_class, make_model
from crystalgraph.networks.training import ClassLabels, CrystalLoader, TrainSettings
from crystalgraph.networks.training_run import RunResult, train_model

NETWORK = load_model_class()
SMALL = {"width": 16, "n_conv": 2, "head": 16}


@pytest.fixture(scope="module")
def oxides():
    return fake_oxides()[0]


@pytest.fixture(scope="module")
def split():
    return fake_oxides()[1]


@pytest.fixture(scope="module")
def finished(oxides, split):
    """A trained classifier and its run."""
    torch.set_num_threads(1)
    settings = TrainSettings(epochs=25, batch_size=6, learning_rate=0.02)
    arguments = (oxides, split, NETWORK, SMALL, settings, "perovskite")
    return train_model(*arguments, device="cpu", progress=False)


def test_labels_of_0_and_1_make_a_classifier(finished, split):
    trained, run = finished
    assert run.model_settings["task"] == "classification" and run.mae == {}
    assert trained.normalizer == ClassLabels()
    assert run.scores["test"]["auc"] == 1.0 and run.scores["train"]["accuracy"] == 1.0
    assert set(run.measures["val"]) == {"nll", "auc", "accuracy", "precision", "recall"}
    assert all(0 <= p <= 1 for p in run.predictions["test"]["prediction"])


def test_the_weights_kept_have_the_lowest_validation_nll(finished, oxides, split):
    trained, run = finished
    history = run.history
    assert history["best_epoch"] == int(np.argmin(history["val_loss"]))
    assert run.scores["val"]["nll"] == pytest.approx(min(history["val_loss"]), rel=1e-5)
    assert len(history["train_loss"]) == run.n_epochs
    assert history["val_mae"] == history["train_mae"] == []
    rows = run.predictions["val"]
    right = np.where(
        np.array(rows["target"]) == 1, rows["prediction"], 1 - np.array(rows["prediction"])
    )
    assert run.scores["val"]["nll"] == pytest.approx(-np.log(right).mean(), abs=1e-5)


def test_the_loss_is_that_of_cross_entropy_in_eval_mode(oxides):
    """Batches of different size: the error is the mean over crystals, not over batches."""
    model = make_model(NETWORK, 92, {**SMALL, "task": "classification"})
    features = published_features()
    labels = oxides.target("perovskite")[:7]
    loader = CrystalLoader(oxides.graphs(cache=False)[:7], labels, features, batch_size=3)
    error = training.validation_error(model, loader, ClassLabels())
    scores = training.outputs(model, loader)  # normalised: softmax does nothing to them
    expected = torch.nn.functional.cross_entropy(scores, torch.tensor(labels).long())
    assert error == pytest.approx(expected.item(), rel=1e-5) and model.training


def test_a_classifier_survives_json_and_its_checkpoint(finished, oxides, tmp_path):
    trained, run = finished
    assert RunResult(**json.loads(json.dumps(asdict(run)))) == run
    again = load_checkpoint(save_checkpoint(trained, tmp_path / "c.pt"), NETWORK)
    assert again.normalizer == ClassLabels() and again.unit == "probability"
    expected = trained.predict(oxides.structures)
    assert (again.predict(oxides.structures) == expected).all()
    assert ((expected > 0.5) == (oxides.target("perovskite") == 1)).mean() > 0.9


def test_a_regression_on_0_and_1_can_be_asked_for(oxides, split):
    settings = TrainSettings(epochs=1, batch_size=6)
    model = {**SMALL, "task": "regression"}
    _, run = train_model(
        oxides, split, NETWORK, model, settings, "perovskite", device="cpu", progress=False
    )
    assert set(run.mae) == {"train", "val", "test"} and run.scores == {}


def test_one_class_in_training_is_one_sentence(oxides):
    ones = Split("ones", np.arange(0, 12, 2), np.arange(12, 18), np.arange(18, 24))
    with pytest.raises(CrystalGraphError, match="have to be 0 and 1, and both have to occur"):
        train_model(oxides, ones, NETWORK, SMALL, TrainSettings(epochs=1), "perovskite")


def test_an_unknown_task_is_one_sentence(oxides, split):
    model = {**SMALL, "task": "classify"}
    with pytest.raises(
        CrystalGraphError, match="no task 'classify'; choose one of regression, cla"
    ):
        train_model(oxides, split, NETWORK, model, TrainSettings(epochs=1), "perovskite")


def test_curves_of_a_classifier_are_drawn(finished):
    figure = plot_learning_curves(finished[1].history)
    figure.canvas.draw()
    [axes] = figure.axes
    assert axes.get_ylabel() == "negative log-likelihood" and len(axes.lines) == 3
