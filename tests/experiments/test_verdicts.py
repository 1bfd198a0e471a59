"""What finished runs allow to be said: error bars, who beats whom, by errors and by AUC."""

import numpy as np
import pytest
from fake_oxides import fake_oxides

from crystalgraph.experiments import verdicts
from crystalgraph.experiments.catalog import GROUPS, reference
from crystalgraph.experiments.side_by_side import Job, run_experiment
from crystalgraph.networks.model_file import load_model_class


def test_two_standard_errors_decide():
    generator = np.random.default_rng(0)
    errors = generator.normal(0, 0.1, (3, 140))
    same = verdicts.compare_errors("a", "b", errors, generator.normal(0, 0.1, (3, 140)))
    assert not same.told_apart and "not told apart" in str(same)
    other = verdicts.compare_errors("a", "b", errors, errors / 2)
    assert other.told_apart and "b beats a" in str(other)


def test_disagreeing_seeds_widen_the_error_bar():
    steady = np.full((3, 50), 0.1)
    shaky = np.array([[0.01] * 50, [0.08] * 50, [0.15] * 50])
    assert not verdicts.compare_errors("a", "b", steady, shaky).told_apart
    assert verdicts.compare_errors("a", "b", steady, np.full((3, 50), 0.08)).told_apart


def test_left_out_errors_are_weighted_by_crystals():
    table, mean, error = verdicts.leave_one_out("none")
    assert mean == pytest.approx(np.average(table["test"], weights=table["crystals"]))
    assert 0 < error < mean and list(table.index) == verdicts.left_out_elements()


def test_a_group_compares_everything_with_the_default():
    for group, names in GROUPS.items():
        assert reference(group) in names
        assert len(verdicts.verdicts(group)) == len(names) - 1


def test_the_lesson_of_the_layers_holds():
    for worse, better in (("none", "shared"), ("shared", "gated"), ("none", "gated")):
        comparison = verdicts.compare(worse, better)
        assert comparison.told_apart and comparison.difference > 0


def test_two_classifiers_are_compared_by_auc_over_formulas(oxides, monkeypatch):
    model_class = load_model_class()

    def make(name, seed):
        return run_experiment(Job(name, seed=seed), model_class, progress=False)[1]

    made = {name: [make(name, seed) for seed in (0, 1)] for name in oxides}
    monkeypatch.setattr(verdicts, "load_runs", lambda name, split: made[name])
    found = verdicts.compare(*oxides)
    means = [np.mean([run.scores["test"]["auc"] for run in made[name]]) for name in oxides]
    assert [found.value_a, found.value_b] == pytest.approx(means)
    assert found.difference == pytest.approx(means[0] - means[1]) and "AUC" in str(found)
    assert list(verdicts.summary(oxides)["test"]) == pytest.approx(means)
    assert set(verdicts.formulas_of(made["one"][0])) == set(fake_oxides()[0].formulas()[18:])


def test_the_higher_auc_and_the_lower_error_win():
    better = verdicts.Comparison("a", "b", 0.95, 0.75, 0.2, 0.05, "AUC")
    assert "0.750 AUC: a beats b by 0.200" in str(better)
    worse = verdicts.Comparison("a", "b", 0.95, 0.75, 0.2, 0.05)
    assert "0.750 eV/atom: b beats a by 0.200" in str(worse)
