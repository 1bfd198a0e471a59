"""Training in units, and the finished runs: today's settings, and what the texts say of them."""

import json

import numpy as np
import pytest
from other_defaults import change_default

from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.labs.equivariance import baselines, study
from crystalgraph.labs.equivariance.figures.molecules import PAPER
from crystalgraph.labs.equivariance.molecules import load_molecules
from crystalgraph.labs.equivariance.networks import MovingNetwork, Property
from crystalgraph.labs.equivariance.training import Fit
from crystalgraph.releasing.right_answers import right_answers

SOLUTIONS = right_answers(LABS["equivariance"])


@pytest.fixture(scope="module")
def molecules():
    return load_molecules()


def test_predictions_are_in_the_targets_units(molecules):
    """A few steps are better than the mean, for a target with references and one without."""
    parts = study.Parts(SOLUTIONS["1.1"], SOLUTIONS["2.2"])
    names, rows = ("gap", "U0"), molecules.parts["train"][:200]
    predicted = study.train_and_predict(
        molecules, names, lambda: Property(MovingNetwork(SOLUTIONS["1.2"]), 2), parts, rows, Fit(40)
    )
    true = molecules.targets[:, [molecules.names.index(name) for name in names]]
    errors = np.abs(predicted - true[molecules.parts["test"]]).mean(axis=0)
    mean = np.abs(true - true[rows].mean(axis=0))[molecules.parts["test"]].mean(axis=0)
    assert errors[0] < mean[0] and errors[1] < 3 < 500 < mean[1]  # eV


def test_finished_runs_have_the_settings_of_today(molecules):
    runs = json.loads(study.FINISHED.read_text("utf-8"))
    for run in runs:
        assert study.finished_errors(run["targets"])
        assert set(run["mae"]) == set(run["targets"]) <= set(molecules.names)
        for name, error in run["mae"].items():
            assert error > PAPER[molecules.names.index(name)]


@pytest.mark.parametrize(
    "change", [(Fit, "lr", 1e-3), (MovingNetwork, "n_layers", 2)], ids=["fit", "network"]
)
def test_finished_runs_of_other_settings_are_not_shown(monkeypatch, change):
    change_default(monkeypatch, *change)
    with pytest.raises(CrystalGraphError, match=rf"{change[1]}: .*, today {change[2]}.*train.py"):
        study.finished_errors(["gap"])


def test_a_stale_table_of_stability_is_not_shown(monkeypatch):
    monkeypatch.setattr(study, "CUTOFF", 2.5)
    with pytest.raises(CrystalGraphError, match=r"cutoff: 1.9, today 2.5.*stability.py"):
        study.stability_table()


def test_what_the_texts_say_of_the_finished_runs(molecules):
    errors = study.finished_errors(molecules.names)
    few, long = [500, 1000, 2000, 4000], [8000, 100_000]
    assert set(errors) == {*((n, 1250) for n in few), (8000, 2500), *((n, 12_500) for n in long)}
    gap = {of: row["gap"] for of, row in errors.items()}
    assert [round(gap[of], 2) for of in ((500, 1250), (4000, 1250), (8000, 2500))] == [
        *(0.46, 0.40, 0.28)
    ]
    assert [round(gap[number, 12_500], 3) for number in long] == [0.188, 0.184]
    ratios = [
        errors[8000, 12_500][name] / errors[100_000, 12_500][name] for name in molecules.names
    ]
    assert [round(100 * (one - 1)) for one in (min(ratios), max(ratios))] == [2, 16]
    assert 3.5 < gap[100_000, 12_500] / PAPER[molecules.names.index("gap")] < 4.5


def test_where_a_linear_model_of_distances_is_better(molecules):
    errors = study.finished_errors(molecules.names)
    bag = baselines.bag_of_distances(molecules.kinds, molecules.positions)
    test = molecules.parts["test"]
    ridge = np.abs(baselines.ridge(bag, molecules, 8000) - molecules.targets)[test].mean(axis=0)

    def worse(steps):
        rows = zip(molecules.names, ridge, strict=True)
        return [name for name, error in rows if errors[8000, steps][name] > error]

    assert worse(2500) == ["alpha", "r2", "zpve", "Cv"] and worse(12_500) == ["r2"]
    alone = study.finished_errors(["gap"])[8000, 4000]["gap"]
    assert errors[8000, 12_500]["gap"] < alone < errors[8000, 2500]["gap"]


def test_only_pushes_without_a_bound_end_in_nan():
    table = study.stability_table()
    stopped = table.index[table["stopped"] == 0]
    assert set(stopped) == {"moving, sum of d, squares", "moving, mean of d, squares"}
    assert table["stopped"].isna().sum() == len(table) - 2
    largest = table["largest_loss"]
    assert largest["learning rate 0.01"] > 1e6 > 10 > largest["learning rate 0.001"]
    assert largest["0.01 and residual"] < 10 and largest["0.01 and clipping"] < 1000
