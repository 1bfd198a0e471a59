"""Checkpoints: what comes back, for which network, written whole or not; every other file."""

import os
from contextlib import nullcontext
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from small_networks import trained

from crystalgraph.crystals.datasets import load_perovskites
from crystalgraph.crystals.features import scaled_features
from crystalgraph.crystals.graphs import GraphSettings
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning
from crystalgraph.networks import checkpoints
from crystalgraph.networks.checkpoints import (
    load_checkpoint,
    load_members,
    save_checkpoint,
    save_members,
)
from crystalgraph.networks.model_file import MODEL_FILE, load_model_class, model_file_of
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.references import ElementReferences
from crystalgraph.networks.training import Normalizer, TrainSettings

NETWORK = load_model_class()


@pytest.fixture(scope="module")
def structures():
    return load_perovskites().structures[::140]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"conv": "shared", "pooling": "softmax", "activation": "relu", "residual": True},
        {"features": scaled_features(), "graph": GraphSettings(k=6, ties="cut")},
    ],
)
def test_a_network_comes_back_as_it_was(tmp_path, structures, options):
    before = trained(**options)
    after = load_checkpoint(save_checkpoint(before, tmp_path / "new" / "c.pt"), NETWORK)
    assert not after.model.training
    assert (after.predict(structures) == before.predict(structures)).all()
    settings = ("model_settings", "graph_settings", "train_settings")
    same = ("normalizer", *settings, "target", "unit")
    assert all(getattr(after, name) == getattr(before, name) for name in same)
    assert after.features.key == before.features.key


def test_a_checkpoint_is_plain_and_needs_no_table_of_elements(tmp_path, structures, monkeypatch):
    path = save_checkpoint(trained(), tmp_path / "c.pt")
    assert torch.load(path, weights_only=True)["task"] == "regression"
    monkeypatch.setattr("crystalgraph.crystals.features.load_elements", lambda: 1 / 0)
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
        (
            {"format": checkpoints.FORMAT, "version": 99},
            "of version 99 and this library reads versions 1, 2, 3",
        ),
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
    odd = replace(trained(), model_settings=ModelSettings({"wings": 2}))
    path = save_checkpoint(odd, tmp_path / "odd.pt")
    with pytest.raises(CrystalGraphError, match="cannot be built with wings=2"):
        load_checkpoint(path, NETWORK)


# --- several networks, and element references -----------------------------------------------------


def test_an_ensemble_comes_back_member_by_member(tmp_path, structures):
    references = ElementReferences({"O": -1.0, "Sr": 2.0}, 0.5, "cell")
    settings = asdict(TrainSettings(seed=7))
    other = replace(trained(), normalizer=Normalizer(0.25, 2.0), train_settings=settings)
    before = (trained(), replace(other, references=references))
    after = load_members(save_members(before, tmp_path / "c.pt"), NETWORK)
    for one, same in zip(before, after, strict=True):
        with pytest.warns(CrystalGraphWarning) if one.references else nullcontext():
            assert (same.predict(structures) == one.predict(structures)).all()
        assert same.references == one.references
        assert (same.normalizer, same.train_settings) == (one.normalizer, one.train_settings)
    with pytest.raises(CrystalGraphError, match="holds an ensemble of 2 networks, not one; read"):
        load_checkpoint(tmp_path / "c.pt", NETWORK)


# --- which network it is -------------------------------------------------------------------------


def copied_model(path, *changes):
    """A copy of model.py with some lines changed, loaded."""
    text = MODEL_FILE.read_text()
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_bytes(text.encode())
    return load_model_class(path)


OTHER_POOLING = ("return sums / n_atoms.unsqueeze(1)", "return sums")


def test_another_model_file_is_refused_by_both_names(tmp_path, structures):
    mine = copied_model(tmp_path / "mine.py", OTHER_POOLING)
    path = save_checkpoint(trained(network=mine), tmp_path / "c.pt")
    with pytest.raises(
        CrystalGraphError, match=r"with mine\.py \(sha.*, and model\.py \(sha.*--model"
    ):
        load_checkpoint(path, NETWORK)
    again = load_checkpoint(path, load_model_class(tmp_path / "mine.py"))
    assert np.isfinite(again.predict(structures)).all()


def test_a_file_that_was_edited_since_is_another_one(tmp_path):
    path = save_checkpoint(trained(network=copied_model(tmp_path / "mine.py")), tmp_path / "c.pt")
    edited = copied_model(tmp_path / "mine.py", OTHER_POOLING)
    with pytest.raises(CrystalGraphError, match="mine.py .* and mine.py .* has other content"):
        load_checkpoint(path, edited)


def test_an_edit_during_training_is_not_recorded_as_what_was_trained(tmp_path):
    network = copied_model(tmp_path / "mine.py")
    before = trained(network=network)
    (tmp_path / "mine.py").write_text("something else")
    assert torch.load(save_checkpoint(before, tmp_path / "c.pt"))["model_file"] == asdict(
        model_file_of(NETWORK)
    ) | {"name": "mine.py"}


def test_neither_line_ends_nor_the_name_make_another_network(tmp_path, structures):
    before = trained()
    path = save_checkpoint(before, tmp_path / "c.pt")
    content = MODEL_FILE.read_bytes().replace(b"\r\n", b"\n")
    (tmp_path / "windows.py").write_bytes(content.replace(b"\n", b"\r\n"))
    again = load_checkpoint(path, load_model_class(tmp_path / "windows.py"))
    assert (again.predict(structures) == before.predict(structures)).all()


def test_a_class_that_came_from_no_file_is_taken_as_it_is(tmp_path, structures):
    class Own(torch.nn.Module):
        def __init__(self, n_atom_features, n_bond_features, width=1):
            super().__init__()
            self.linear = torch.nn.Linear(n_atom_features, 1)

        def forward(self, atoms, bonds, center, neighbor, crystal, n_crystals):
            return torch.zeros(n_crystals).index_add(0, crystal, self.linear(atoms)[:, 0])

    settings = ModelSettings.in_force(Own)
    before = replace(trained(), model=Own(92, 41), model_settings=settings)
    after = load_checkpoint(save_checkpoint(before, tmp_path / "c.pt"), Own)
    assert (after.predict(structures) == before.predict(structures)).all()


def test_other_graphs_of_a_later_library_are_refused(tmp_path, monkeypatch):
    path = save_checkpoint(trained(), tmp_path / "c.pt")
    monkeypatch.setitem(checkpoints.CODE_VERSIONS, "training", 2)  # says nothing about predicting
    load_checkpoint(path, NETWORK)
    monkeypatch.setitem(checkpoints.CODE_VERSIONS, "graphs", 2)
    with pytest.raises(CrystalGraphError, match="another version of this library .graphs are mad"):
        load_checkpoint(path, NETWORK)


def test_fields_that_are_not_recorded_are_not_guessed(tmp_path):
    content = torch.load(save_checkpoint(trained(), tmp_path / "c.pt"))
    del content["graph_settings"]["tolerance"]
    torch.save(content, tmp_path / "c.pt")
    with pytest.raises(CrystalGraphError, match="another version .* differ in tolerance.; train"):
        load_checkpoint(tmp_path / "c.pt", NETWORK)


# --- versions 1 and 2 ----------------------------------------------------------------------------


def flat(path):
    """A checkpoint of one network as it was before version 3: what is its member's lies on top."""
    content = torch.load(path)
    [member] = content.pop("members")
    del member["references"]
    return content | member


def test_version_2_is_read(tmp_path, structures):
    before = trained()
    path = save_checkpoint(before, tmp_path / "c.pt")
    torch.save(flat(path) | {"version": 2}, path)
    after = load_checkpoint(path, NETWORK)
    assert (after.predict(structures) == before.predict(structures)).all()
    assert after.train_settings == before.train_settings and after.references is None


def as_version_1(now, path, model_settings, graph_settings):
    """Write a network as version 1 did: only settings that were passed, no model file."""
    save_checkpoint(now, path)
    names = ("format", "task", "target", "unit", "state_dict", "normalizer", "atom_features")
    content = {name: value for name, value in flat(path).items() if name in names}
    content |= {"model_settings": model_settings, "graph_settings": graph_settings}
    torch.save(content | {"version": 1}, path)
    return path


def test_version_1_is_read_with_the_defaults_of_then(tmp_path, structures):
    before = trained(graph=GraphSettings(k=6), conv="shared")
    given = {"width": 8, "n_conv": 1, "head": 8, "conv": "shared"}
    after = load_checkpoint(as_version_1(before, tmp_path / "c.pt", given, {"k": 6}), NETWORK)
    assert (after.predict(structures) == before.predict(structures)).all()
    assert after.model_settings == before.model_settings
    assert after.graph_settings == before.graph_settings and after.train_settings == {}


def test_version_1_of_a_network_with_an_option_more(tmp_path, structures):
    mine = copied_model(
        tmp_path / "mine.py",
        (
            '        task: str = "regression",\n',
            '        task: str = "regression",\n        extra: int = 3,\n',
        ),
    )
    before = trained(network=mine)
    path = as_version_1(before, tmp_path / "c.pt", {"width": 8, "n_conv": 1, "head": 8}, {})
    after = load_checkpoint(path, mine)
    assert after.model_settings.options["extra"] == 3
    assert (after.predict(structures) == before.predict(structures)).all()
