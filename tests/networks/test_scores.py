"""Scores of a classifier and how sure they are, against values worked out another way."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.scores import (
    NORMAL,
    _drawn,
    _weights,
    auc_difference,
    auc_interval,
    calibration,
    class_scores,
    wins,
)


def test_scores_are_those_of_the_definitions():
    labels = np.array([0, 0, 0, 1, 1])
    found = class_scores(labels, np.array([0.1, 0.6, 0.4, 0.5, 0.2]))
    assert found == pytest.approx(
        {"auc": 0.5, "accuracy": 3 / 5, "precision": 1 / 2, "recall": 1 / 2}
    )
    alone = class_scores(np.ones(3), np.array([0.1, 0.2, 0.3]))
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
    found = auc_interval(labels, scores, formulas, n=50)
    assert found.value == pytest.approx(roc_auc_score(labels, scores))
    assert found.low < found.value < found.high


def test_a_draw_is_the_auc_of_the_formulas_drawn():
    """The same numbers as scikit-learn's with each crystal as often as its formula was drawn."""
    labels, scores, formulas = sample(12)
    weights = _weights(formulas, 5, 0)
    draws = _drawn(wins(labels, scores), labels, weights)
    again = [roc_auc_score(labels, scores, sample_weight=weight) for weight in weights]
    assert draws == pytest.approx(again)
    for formula in set(formulas):
        mine = [number for number, one in enumerate(formulas) if one == formula]
        assert (weights[:, mine] == weights[:, mine[:1]]).all()


def test_drawing_formulas_is_more_careful_than_drawing_crystals():
    labels, scores, formulas = sample()
    by_formula = auc_interval(labels, scores, formulas)
    by_crystal = auc_interval(labels, scores, list(map(str, range(len(labels)))))
    assert by_formula.error > 1.3 * by_crystal.error


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    truth = roc_auc_score(*sample(30_000, seed=1)[:2])
    inside = 0
    for seed in range(60):
        found = auc_interval(*sample(seed=100 + seed), n=300)
        inside += found.low <= truth <= found.high
    assert 51 <= inside <= 60  # 57 expected


def test_draws_without_a_class_are_left_out():
    labels, scores = np.array([1, 0, 0]), np.array([0.9, 0.5, 0.1])
    found = auc_interval(labels, scores, ["a", "b", "c"], n=200)
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_an_interval_of_equal_draws_is_not_given():
    """Two crystals, in the wrong order in each draw that has both: 0 to 0 would be certainty."""
    found = auc_interval([0, 1], [0.9, 0.1], ["a", "b"], n=200)
    assert str(found) == "0.000 (no interval: all draws give the same)"
    assert str(auc_interval(*sample(), n=50)).count(" to ") == 1


def test_labels_of_one_class_have_no_auc():
    for labels in ([1, 1], [0, 0]):
        with pytest.raises(CrystalGraphError, match=f"All labels are {labels[0]}, .*no ROC-AUC"):
            auc_interval(labels, [0.9, 0.1], ["a", "b"])


def test_a_paired_difference_is_surer_than_two_intervals():
    labels, scores, formulas = sample()
    other = scores + np.random.default_rng(3).normal(0, 0.2, len(scores))
    difference, error = auc_difference(labels, scores, other, formulas)
    assert difference == pytest.approx(roc_auc_score(labels, scores) - roc_auc_score(labels, other))
    assert error < 0.5 * auc_interval(labels, scores, formulas).error
    assert auc_difference(labels, scores, scores, formulas) == (0, 0)


def test_seeds_are_averaged():
    labels, scores, formulas = sample()
    three = np.stack([scores, -scores, scores**2])
    mean = np.mean([roc_auc_score(labels, row) for row in three])
    assert auc_interval(labels, three, formulas, n=10).value == pytest.approx(mean)


# --- error bars ----------------------------------------------------------------------------------


def test_calibration_of_a_normal_distribution_is_that_of_the_textbook():
    draw = np.random.default_rng(0)
    spread = draw.uniform(0.1, 3, 40_000)
    found = calibration(draw.normal(size=40_000) * spread, spread)
    assert found["within_1_spread"] == pytest.approx(NORMAL[1], abs=0.01)
    assert found["within_2_spreads"] == pytest.approx(NORMAL[2], abs=0.01)


def test_calibration_counts_errors_of_both_signs():
    found = calibration([-0.5, 1.5, -3.0, 0.0], [1.0, 1.0, 1.0, 0.0])
    assert found == {"within_1_spread": 0.5, "within_2_spreads": 0.75}
