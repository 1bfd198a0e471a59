"""Element references: what is fitted, what is added again, and what is said about new elements."""

from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from crystalgraph.crystals.datasets import CrystalDataset, Split
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning
from crystalgraph.networks.model_file import load_model_class
from crystalgraph.networks.references import ElementReferences, fit_references
from crystalgraph.networks.training import TrainSettings
from crystalgraph.networks.training_run import train_model

NETWORK = load_model_class()
ENERGIES = {"Na": -1.0, "Cl": -3.0, "Cu": 4.0, "Au": 7.0}  # eV per atom
SMALL = {"width": 8, "n_conv": 1, "head": 8}


def cell(*symbols):
    """Atoms on a line, 3 angstrom apart."""
    places = [[(number + 0.5) / len(symbols), 0, 0] for number in range(len(symbols))]
    return Structure(Lattice.orthorhombic(3 * len(symbols), 5, 5), list(symbols), places)


CELLS = [
    *(cell(*["Na"] * n, *["Cl"] * m) for n, m in ((1, 1), (2, 1), (1, 3), (2, 4), (5, 1))),
    *(cell(*["Cu"] * n, "Cl") for n in (1, 2, 4)),
]


def totals(cells):
    return np.array([sum(ENERGIES[site.specie.symbol] for site in one) for one in cells])


def sizes(cells):
    return np.array([len(one) for one in cells])


@pytest.mark.parametrize("unit, per", [("eV/atom", "atom"), ("eV/cell", "cell")])
def test_a_sum_over_atoms_is_found(unit, per):
    targets = totals(CELLS) / (sizes(CELLS) if per == "atom" else 1)
    found = fit_references(CELLS, targets, unit)
    assert found.per == per
    assert found.values == pytest.approx({name: ENERGIES[name] for name in found.values}, abs=0.02)
    assert set(found.values) == {"Na", "Cl", "Cu"}
    larger = [one.copy().make_supercell((2, 1, 1)) for one in CELLS]
    wanted = targets * (1 if per == "atom" else 2)
    assert found.of(larger) == pytest.approx(wanted, abs=0.1)


@pytest.mark.parametrize("per", ["atom", "cell"])
def test_without_a_unit_the_data_decide(per):
    targets = totals(CELLS) / (sizes(CELLS) if per == "atom" else 1)
    assert fit_references(CELLS, targets, "").per == per
    assert fit_references(CELLS, targets, "eV").per == "atom"  # a gap does not grow


def test_cells_of_one_size_do_not_tell_and_count_per_atom():
    one_size = [one for one in CELLS if len(one) in (3,)] + [cell("Cu", "Cu", "Cu")]
    assert fit_references(one_size, totals(one_size), "").per == "atom"


def test_elements_that_always_occur_together_share_what_they_explain():
    cells = [cell("Na", "Cl"), cell("Na", "Cl", "Cu"), cell("Cu", "Cu")]
    found = ElementReferences.fit(cells, np.array([-2.0, 0.0, 4.0]), "atom")
    assert [found.values["Na"], found.values["Cl"]] == pytest.approx([-2.0, -2.0], abs=0.02)
    assert np.isfinite(list(found.values.values())).all()


def test_an_unknown_element_is_said_and_counts_as_the_mean():
    found = ElementReferences({"Cu": 4.0, "Cl": -3.0}, 1.5, "atom")
    with pytest.warns(CrystalGraphWarning, match="Au, Na did not occur in the training crystals"):
        assert found.of([cell("Cu", "Au"), cell("Na")]) == pytest.approx([2.75, 1.5])
    assert found.of([]).shape == (0,)


@pytest.fixture(scope="module")
def compounds():
    """Forty cells whose energies per atom are sums over atoms and a little that is not."""
    draw = np.random.default_rng(0)
    cells = [cell(*draw.choice(["Na", "Cl", "Cu"], size=draw.integers(2, 6))) for _ in range(40)]
    energies = totals(cells) / sizes(cells) + 0.01 * draw.normal(size=40)
    return CrystalDataset("compounds", [str(n) for n in range(40)], cells, {"energy": energies})


SPLIT = Split("parts", np.arange(20), np.arange(20, 30), np.arange(30, 40))


def run(dataset, **options):
    settings = TrainSettings(epochs=3, batch_size=8)
    where = {"device": "cpu", "progress": False, "unit": "eV/atom"}
    return train_model(dataset, SPLIT, NETWORK, SMALL, settings, "energy", **where, **options)


def test_a_network_with_references_learns_the_rest(compounds):
    _, plain = run(compounds)
    trained, with_references = run(compounds, references=True)
    assert with_references.test_mae < plain.test_mae / 5
    predicted = trained.predict(compounds.structures[30:])
    rows = with_references.predictions["test"]
    assert predicted == pytest.approx(rows["prediction"], abs=1e-5)
    assert rows["target"] == compounds.target("energy")[30:].tolist()
    assert np.abs(with_references.errors()).mean() == pytest.approx(with_references.test_mae)
    assert trained.normalizer.std < 0.1  # of what is left


def test_references_are_fitted_on_the_training_crystals_only(compounds):
    trained, _ = run(compounds, references=True)
    changed = compounds.target("energy").copy()
    changed[20:] += 100
    again, _ = run(replace(compounds, targets={"energy": changed}), references=True)
    assert again.references == trained.references


def test_a_class_has_no_references(compounds):
    classes = replace(compounds, targets={"energy": np.arange(40.0) % 2})
    with pytest.raises(CrystalGraphError, match="A class is no sum over atoms"):
        run(classes, references=True)


def test_without_a_test_part_nothing_is_tested(compounds):
    split = replace(SPLIT, test=np.arange(0))
    settings = TrainSettings(epochs=1)
    _, run = train_model(compounds, split, NETWORK, SMALL, settings, "energy", device="cpu")
    assert set(run.mae) == set(run.predictions) == {"train", "val"}
