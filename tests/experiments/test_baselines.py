"""Simple predictors and the bootstrap, against values worked out another way."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from crystalgraph.crystals.datasets import (
    FORMATION_ENERGY,
    CrystalDataset,
    Split,
    load_perovskites,
    load_split,
    make_split,
)
from crystalgraph.experiments import baselines
from crystalgraph.experiments.baselines import (
    LINE,
    MEAN,
    RIDGE_FRACTIONS,
    RIDGE_SITES,
    fit_baselines,
)


@pytest.fixture(scope="module")
def dataset():
    return load_perovskites()


def test_the_reference_values_of_the_perovskites(dataset):
    """The rows of the table in data/perovskites/README.md."""
    for split, expected in (("formula", (0.789, 0.441, 0.170)), ("random", (0.694, 0.455, 0.192))):
        fitted = fit_baselines(dataset, load_split(dataset, split), FORMATION_ENERGY)
        assert list(fitted) == [MEAN, RIDGE_FRACTIONS, RIDGE_SITES]
        found = [baseline.mae["test"] for baseline in fitted.values()]
        assert found == pytest.approx(expected, abs=6e-4)


def test_the_total_energy_has_a_line(dataset):
    fitted = fit_baselines(dataset, load_split(dataset, "formula"), "energy_total", line=True)
    assert fitted[MEAN].mae["test"] == pytest.approx(12.53, abs=0.01)
    assert fitted[LINE].mae["test"] == pytest.approx(9.69, abs=0.01)
    split = load_split(dataset, "formula")
    n_atoms = np.array([len(structure) for structure in dataset.structures])
    line = np.polyfit(n_atoms[split.train], dataset.target("energy_total")[split.train], 1)
    assert fitted[LINE].prediction == pytest.approx(np.polyval(line, n_atoms))


def test_without_a_test_part_there_are_errors_of_two(dataset):
    split = make_split(dataset, "all")
    for baseline in fit_baselines(dataset, split, FORMATION_ENERGY).values():
        assert (
            set(baseline.mae) == {"train", "val"} and np.isfinite(list(baseline.mae.values())).all()
        )


def test_ridge_is_that_of_scikit_learn(dataset):
    split, target = load_split(dataset, "random"), dataset.target(FORMATION_ENERGY)
    inputs = baselines.site_fractions(dataset)
    errors = {}
    for penalty in baselines.PENALTIES:
        model = Ridge(penalty).fit(inputs[split.train], target[split.train])
        prediction = model.predict(inputs)
        errors[penalty] = (np.abs(prediction - target)[split.val].mean(), prediction)
    best = min(errors.values(), key=lambda pair: pair[0])[1]
    assert baselines.ridge(inputs, target, split) == pytest.approx(best, abs=1e-6)


def test_nothing_is_learned_from_validation_targets_beyond_the_penalty_or_from_test(dataset):
    split = load_split(dataset, "formula")
    spoiled = dataset.target(FORMATION_ENERGY).copy()
    spoiled[split.test] = 1e6
    other = CrystalDataset(
        "spoiled", dataset.ids, dataset.structures, {"y": spoiled}, dataset.records
    )
    honest = fit_baselines(dataset, split, FORMATION_ENERGY)
    for name, baseline in fit_baselines(other, split, "y").items():
        assert (baseline.prediction == honest[name].prediction).all()


def test_fractions_cannot_tell_exchanged_sites_apart_and_site_fractions_can(dataset):
    a, b = dataset.ids.index("Ba-W-O"), dataset.ids.index("W-Ba-O")
    fractions, sites = baselines.element_fractions(dataset), baselines.site_fractions(dataset)
    assert (fractions[a] == fractions[b]).all() and (sites[a] != sites[b]).any()
    assert fractions.sum(axis=1) == pytest.approx(1)
    assert sites.sum(axis=1) == pytest.approx(3)


def test_two_elements_on_b_share_the_site(dataset):
    row = dataset.ids.index("Ba-Ag-I-O")
    assert sorted(baselines.site_fractions(dataset)[row])[-4:] == [0.5, 0.5, 1, 1]


def test_without_sites_there_is_no_ridge_on_them(dataset):
    rows = np.arange(30)
    mine = CrystalDataset("mine", dataset.ids[:30], dataset.structures[:30], {"y": rows / 7.0})
    fitted = fit_baselines(mine, Split("thirds", rows[:10], rows[10:20], rows[20:]), "y")
    assert list(fitted) == [MEAN, RIDGE_FRACTIONS]
    assert fitted[MEAN].mae["train"] == pytest.approx(2.5 / 7)


def test_the_bootstrap_of_a_mean_has_its_textbook_error():
    errors = np.random.default_rng(0).normal(0, 1, 200)
    difference, error = baselines.paired_bootstrap(errors, np.zeros(200), seed=1)
    assert difference == pytest.approx(np.abs(errors).mean())
    assert error == pytest.approx(np.abs(errors).std() / 200**0.5, rel=0.05)
    assert baselines.paired_bootstrap(errors, np.zeros(200), seed=1) == (difference, error)


def test_what_is_hard_for_both_cancels_in_the_bootstrap():
    hard = np.random.default_rng(0).exponential(1.0, 150)
    difference, error = baselines.paired_bootstrap(hard + 0.1, -hard, n=500)
    assert difference == pytest.approx(0.1) and error < 1e-12
    backwards, _ = baselines.paired_bootstrap(hard, hard + 0.1, n=500)
    assert backwards == pytest.approx(-0.1)


@pytest.mark.parametrize("first, second", [([1.0], [1.0, 2.0]), ([], []), ([1.0, 2.0], [1.0])])
def test_the_bootstrap_wants_the_same_crystals(first, second):
    with pytest.raises(ValueError, match="same crystals"):
        baselines.paired_bootstrap(first, second)
