"""Checkpoints: what comes back, written whole or not at all, sentences for every other file."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from crystalgraph import checkpoints
from crystalgraph.checkpoints import load_checkpoint, save_checkpoint
from crystalgraph.datasets import load_perovskites
from crystalgraph.errors import CrystalGraphError
from crystalgraph.features import published_features, scaled_features
from crystalgraph.model_loading import load_model_class, make_model
from crystalgraph.runs import TrainedModel
from crystalgraph.training import Normalizer

NETWORK = load_model_class()


@pytest.fixture(scope="module")
def structures():
    return load_perovskites().structures[::140]


def trained(features=None, graph=None, **settings):
    """A network with weights and batch statistics of its own."""
    features = features or published_features()
    settings = {"width": 8, "n_conv": 1, "head": 8, **settings}
    model = make_model(NETWORK, features.n_features, settings)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_()
    normalizer = Normalizer(-1.5, 0.75)
    return TrainedModel(model.eval(), features, normalizer, settings, graph or {}, "gap_mesh", "eV")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"conv": "shared", "pooling": "softmax", "activation": "relu", "residual": True},
        {"features": scaled_features(), "graph": {"k": 6, "ties": "cut"}},
    ],
)
def test_a_network_comes_back_as_it_was(tmp_path, structures, options):
    before = trained(**options)
    after = load_checkpoint(save_checkpoint(before, tmp_path / "new" / "c.pt"), NETWORK)
    assert not after.model.training
    assert (after.predict(structures) == before.predict(structures)).all()
    same = ("normalizer", "model_settings", "graph_settings", "target", "unit")
    assert all(getattr(after, name) == getattr(before, name) for name in same)
    assert after.features.key == before.features.key


def test_a_checkpoint_is_plain_and_needs_no_table_of_elements(tmp_path, structures, monkeypatch):
    path = save_checkpoint(trained(), tmp_path / "c.pt")
    assert torch.load(path, weights_only=True)["task"] == "regression"
    monkeypatch.setattr("crystalgraph.features.load_elements", lambda: 1 / 0)
    assert np.isfinite(load_checkpoint(path, NETWORK).predict(structures)).all()


def test_predictions_do_not_depend_on_batch_mates(structures):
    network = trained()
    together = network.predict(structures)
    alone = [network.predict([structure])[0] for structure in structures]
    assert together == pytest.approx(alone, abs=1e-5)
    assert len(network.predict([])) == 0


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = save_checkpoint(trained(), tmp_path / "c.pt")
    old = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(CrystalGraphError, match="c.pt cannot be written .*No space left"):
        save_checkpoint(trained(conv="shared"), path)
    assert path.read_bytes() == old and os.listdir(tmp_path) == ["c.pt"]


def damaged(path):
    data = path.read_bytes()
    return {
        "empty": b"",
        "text": b"hello",
        "cut off": data[: len(data) // 2],
        "one byte missing": data[:-1],
    }


@pytest.mark.parametrize("how", ["empty", "text", "cut off", "one byte missing"])
def test_a_damaged_file_is_one_sentence(tmp_path, how):
    path = save_checkpoint(trained(), tmp_path / "c.pt")
    path.write_bytes(damaged(path)[how])
    with pytest.raises(CrystalGraphError, match="c.pt is damaged or not a checkpoint") as caught:
        load_checkpoint(path, NETWORK)
    assert "\n" not in str(caught.value)


class Anything:
    """An object whose unpickling would run code of its class."""


@pytest.mark.parametrize(
    "content, message",
    [
        (Anything(), "is damaged or not a checkpoint of plain numbers"),
        ([1, 2], "is not a checkpoint; give"),
        ({"state_dict": {}}, "is not a checkpoint that `crystalgraph train` wrote"),
        ({"format": checkpoints.FORMAT, "version": 99}, "of version 99 and this library reads"),
        ({"format": checkpoints.FORMAT, "version": 1}, "does not fit CrystalGraphConvNet"),
    ],
)
def test_a_foreign_file_is_one_sentence(tmp_path, content, message):
    torch.save(content, tmp_path / "c.pt")
    with pytest.raises(CrystalGraphError, match=message) as caught:
        load_checkpoint(tmp_path / "c.pt", NETWORK)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(CrystalGraphError, match="There is no checkpoint .*c.pt; `crystalgraph tr"):
        load_checkpoint(tmp_path / "c.pt", NETWORK)


def test_another_network_is_one_sentence(tmp_path):
    class Renamed(NETWORK):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.other = torch.nn.Linear(2, 2)

    path = save_checkpoint(trained(), tmp_path / "c.pt")
    with pytest.raises(CrystalGraphError, match="does not fit Renamed .*; name the model file"):
        load_checkpoint(path, Renamed)
    odd = replace(trained(), model_settings={"wings": 2})
    path = save_checkpoint(odd, tmp_path / "odd.pt")
    with pytest.raises(CrystalGraphError, match="cannot be built with wings=2"):
        load_checkpoint(path, NETWORK)
