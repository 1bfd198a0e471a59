"""Simple classifiers: what each can see, what each is fitted on."""

import dataclasses

import numpy as np
import pytest
from fake_oxides import fake_oxides
from pymatgen.core import Lattice, Structure

from crystalgraph.experiments import classification
from crystalgraph.experiments.classification import COMPOSITION, DISTANCE, MAJORITY, RATIO


@pytest.fixture(scope="module")
def oxides():
    return fake_oxides()[0]


@pytest.fixture(scope="module")
def split():
    return fake_oxides()[1]


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


def test_test_labels_do_not_change_what_is_fitted(oxides, split, baselines):
    labels = oxides.target("perovskite").copy()
    labels[split.test] = 1 - labels[split.test]
    other = dataclasses.replace(oxides, targets={"perovskite": labels})
    after = classification.fit_class_baselines(other, split, "perovskite")
    for name, baseline in baselines.items():
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


def test_without_an_auc_on_val_the_accuracy_chooses(oxides, split):
    """Validation crystals of one class: of the candidates the tree alone finds them all."""
    labels = oxides.target("perovskite")
    inside = np.where(labels == 1, 0.0, np.tile([-1.0, -1.0, 1.0, 1.0], 6))
    others = dataclasses.replace(split, val=split.val[labels[split.val] == 0])
    found = classification.fit_class_baselines(oxides, others, "perovskite", {"interval": inside})
    assert "auc" not in found["interval"].measures["val"]
    assert found["interval"].measures["val"]["accuracy"] == 1.0
    assert found["interval"].measures["test"]["auc"] == 1.0


def test_without_b_elements_there_is_no_distance(oxides, split):
    unknown = dataclasses.replace(oxides, records=[])
    found = classification.fit_class_baselines(unknown, split, "perovskite")
    assert list(found) == [MAJORITY, COMPOSITION]
    fluorides = [crystal.copy() for crystal in oxides.structures]
    fluorides[0].replace_species({"O": "F"})
    assert classification.has_b_elements(oxides)
    assert not classification.has_b_elements(dataclasses.replace(oxides, structures=fluorides))


def test_without_a_test_part_there_are_scores_of_two(oxides, split):
    without = dataclasses.replace(split, test=np.arange(0))
    for baseline in classification.fit_class_baselines(oxides, without, "perovskite").values():
        assert set(baseline.measures) == {"train", "val"}
