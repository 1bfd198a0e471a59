"""Classification: scores, their intervals, simple classifiers, a run from start to end."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from fake_oxides import fake_oxides
from pymatgen.core import Lattice, Structure
from sklearn.metrics import roc_auc_score

from crystalgraph import classification, cli, training
from crystalgraph.checkpoints import load_checkpoint, save_checkpoint
from crystalgraph.classification import COMPOSITION, DISTANCE, MAJORITY, RATIO
from crystalgraph.datasets import Split
from crystalgraph.errors import CrystalGraphError
from crystalgraph.features import published_features
from crystalgraph.model_loading import load_model_class, make_model
from crystalgraph.plots import plot_learning_curves
from crystalgraph.runs import RunResult, train_model
from crystalgraph.training import ClassLabels, CrystalLoader, TrainSettings

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


# --- scores --------------------------------------------------------------------------------------


def test_scores_are_those_of_the_definitions():
    labels = np.array([0, 0, 0, 1, 1])
    found = classification.class_scores(labels, np.array([0.1, 0.6, 0.4, 0.5, 0.2]))
    assert found == pytest.approx(
        {"auc": 0.5, "accuracy": 3 / 5, "precision": 1 / 2, "recall": 1 / 2}
    )
    alone = classification.class_scores(np.ones(3), np.array([0.1, 0.2, 0.3]))
    assert alone == {"accuracy": 0.0, "precision": 0.0, "recall": 0.0}


def sample(n_formulas=60, seed=0):
    """Labels, scores and formulas; the crystals of a formula come and score together."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, n_formulas)
    which = np.repeat(np.arange(n_formulas), sizes)
    labels = (rng.random(n_formulas) < 0.4)[which].astype(int)
    scores = rng.normal(1.2 * labels, 0.1) + rng.normal(0, 1, n_formulas)[which]
    return labels, scores.round(1), [f"F{number}" for number in which]


def test_the_value_is_that_of_scikit_learn_with_ties():
    labels, scores, formulas = sample()
    found = classification.auc_interval(labels, scores, formulas, n=50)
    assert found.value == pytest.approx(roc_auc_score(labels, scores))
    assert found.low < found.value < found.high


def test_a_draw_is_the_auc_of_the_formulas_drawn():
    """The same numbers as scikit-learn's with each crystal as often as its formula was drawn."""
    labels, scores, formulas = sample(12)
    weights = classification._weights(formulas, 5, 0)
    draws = classification._drawn(classification._wins(labels, scores), labels, weights)
    again = [roc_auc_score(labels, scores, sample_weight=weight) for weight in weights]
    assert draws == pytest.approx(again)
    for formula in set(formulas):
        mine = [number for number, one in enumerate(formulas) if one == formula]
        assert (weights[:, mine] == weights[:, mine[:1]]).all()


def test_drawing_formulas_is_more_careful_than_drawing_crystals():
    labels, scores, formulas = sample()
    by_formula = classification.auc_interval(labels, scores, formulas)
    by_crystal = classification.auc_interval(labels, scores, list(map(str, range(len(labels)))))
    assert by_formula.error > 1.3 * by_crystal.error


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    truth = roc_auc_score(*sample(30_000, seed=1)[:2])
    inside = 0
    for seed in range(60):
        found = classification.auc_interval(*sample(seed=100 + seed), n=300)
        inside += found.low <= truth <= found.high
    assert 51 <= inside <= 60  # 57 expected


def test_draws_without_a_class_are_left_out():
    labels, scores = np.array([1, 0, 0]), np.array([0.9, 0.5, 0.1])
    found = classification.auc_interval(labels, scores, ["a", "b", "c"], n=200)
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_a_paired_difference_is_surer_than_two_intervals():
    labels, scores, formulas = sample()
    other = scores + np.random.default_rng(3).normal(0, 0.2, len(scores))
    difference, error = classification.auc_difference(labels, scores, other, formulas)
    assert difference == pytest.approx(roc_auc_score(labels, scores) - roc_auc_score(labels, other))
    assert error < 0.5 * classification.auc_interval(labels, scores, formulas).error
    assert classification.auc_difference(labels, scores, scores, formulas) == (0, 0)


def test_seeds_are_averaged():
    labels, scores, formulas = sample()
    three = np.stack([scores, -scores, scores**2])
    mean = np.mean([roc_auc_score(labels, row) for row in three])
    assert classification.auc_interval(labels, three, formulas, n=10).value == pytest.approx(mean)


# --- simple classifiers --------------------------------------------------------------------------


def test_geometry_of_octahedra(oxides):
    numbers = classification.geometry(oxides)
    for crystal, distance, ratio in zip(
        oxides.structures, numbers[DISTANCE], numbers[RATIO], strict=True
    ):
        if len(crystal) == 5:
            assert distance == pytest.approx(crystal.lattice.a)
            assert ratio == pytest.approx(2)  # corners: B-O-B is straight
        else:
            assert distance == pytest.approx(crystal.lattice.c / 2)
            assert ratio < 1.5


def test_the_nearest_atom_may_be_an_image_of_the_site_itself():
    crystal = Structure(Lattice.orthorhombic(9, 3.1, 8), ["Ti", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert classification.nearest(crystal, ["Ti"], ["Ti"]) == pytest.approx(3.1)
    expected = np.linalg.norm([4.5, 1.55, 4])
    assert classification.nearest(crystal, ["Ti"], ["O"]) == pytest.approx(expected)
    assert classification.nearest(crystal, ["Ti"], ["F"]) == np.inf


@pytest.fixture(scope="module")
def baselines(oxides, split):
    return classification.fit_class_baselines(oxides, split, "perovskite")


def test_baselines_score_what_they_can(baselines):
    assert list(baselines) == [MAJORITY, COMPOSITION, DISTANCE, RATIO]
    assert baselines[MAJORITY].measures["test"]["auc"] == 0.5
    # Both crystals of a formula have the same composition: whatever is fitted, it is a draw.
    assert baselines[COMPOSITION].measures["test"]["auc"] == pytest.approx(0.5)
    for name in (DISTANCE, RATIO):
        assert baselines[name].measures["test"] == pytest.approx(
            {"auc": 1.0, "accuracy": 1.0, "precision": 1.0, "recall": 1.0}
        )


def test_composition_features_know_nothing_of_the_structure(oxides):
    features = classification.composition_features(oxides)
    assert features[0::2] == pytest.approx(features[1::2])
    assert len(np.unique(features[::2].round(6), axis=0)) == 12


def test_test_labels_do_not_change_what_is_fitted(oxides, split):
    labels = oxides.target("perovskite").copy()
    labels[split.test] = 1 - labels[split.test]
    other = dataclasses.replace(oxides, targets={"perovskite": labels})
    before, after = (
        classification.fit_class_baselines(data, split, "perovskite") for data in (oxides, other)
    )
    for name, baseline in before.items():
        assert baseline.how == after[name].how
        assert (baseline.probability == after[name].probability).all()


def test_a_number_that_falls_and_an_interval_are_both_found(oxides, split):
    labels = oxides.target("perovskite")
    inside = np.where(labels == 1, 0.0, np.tile([-1.0, -1.0, 1.0, 1.0], 6)) + np.linspace(
        0, 0.1, 24
    )
    numbers = {"falls": 5 - labels, "interval": inside}
    found = classification.fit_class_baselines(oxides, split, "perovskite", numbers)
    assert found["falls"].how.startswith("below") and found["interval"].how.startswith("tree")
    for name in numbers:
        assert found[name].measures["test"]["auc"] == 1.0


def test_without_b_elements_there_is_no_distance(oxides, split):
    unknown = dataclasses.replace(oxides, records=[])
    found = classification.fit_class_baselines(unknown, split, "perovskite")
    assert list(found) == [MAJORITY, COMPOSITION]
    fluorides = [crystal.copy() for crystal in oxides.structures]
    fluorides[0].replace_species({"O": "F"})
    assert classification.has_b_elements(oxides)
    assert not classification.has_b_elements(dataclasses.replace(oxides, structures=fluorides))


# --- a run ---------------------------------------------------------------------------------------


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
    assert RunResult.from_json(run.to_json()) == run
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


# --- commands ------------------------------------------------------------------------------------


def test_train_and_predict_on_a_folder_of_classes(oxides, tmp_path, capsys):
    data = tmp_path / "mine"
    data.mkdir()
    for identifier, crystal in zip(oxides.ids, oxides.structures, strict=True):
        crystal.to(str(data / f"{identifier}.cif"), fmt="cif")
    rows = zip(oxides.ids, oxides.target("perovskite"), strict=True)
    (data / "id_prop.csv").write_text("".join(f"{name},{label:g}\n" for name, label in rows))
    small = ["--epochs", "3", "--width", "8", "--layers", "1", "--batch-size", "8"]
    out = tmp_path / "run"
    assert cli.main(["train", "--data", str(data), *small, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "ROC-AUC" in said and "accuracy" in said and "95 % interval over 2 formulas" in said
    assert COMPOSITION in said and MAJORITY in said
    assert (out / "curves.png").exists() and not (out / "parity.png").exists()
    assert (out / "history.csv").read_text().startswith("epoch,step,train_loss,val_loss,")
    crystal = str(data / f"{oxides.ids[0]}.cif")
    assert cli.main(["predict", "--checkpoint", str(out / "checkpoint.pt"), crystal]) == 0
    name, value, unit = capsys.readouterr().out.split()
    assert name == oxides.ids[0] and 0 <= float(value) <= 1 and unit == "probability"


@pytest.mark.slow
def test_train_on_the_oxides_of_the_course(tmp_path, capsys):
    small = ["--epochs", "1", "--width", "8", "--layers", "1", "--conv", "fast"]
    out = tmp_path / "run"
    assert cli.main(["train", "--data", "oxides", *small, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    for name in (MAJORITY, COMPOSITION, DISTANCE, RATIO):
        assert name in said
    numbers = json.loads((out / "metrics.json").read_text())
    assert (numbers["target"], numbers["split"]) == ("perovskite", "formula")
    assert 0 <= numbers["test_auc"] <= 1 and "test_mae" not in numbers
    assert numbers["baselines"][MAJORITY]["test_auc"] == 0.5
