"""Experiments: shipped runs are complete and true, students' networks are handled, comparisons."""

import json
import time

import numpy as np
import pytest
import torch
from fake_oxides import fake_oxides
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score
from torch import nn

from crystalgraph import baselines, compare, experiments, paths, plots_energy
from crystalgraph.datasets import FORMATION_ENERGY, load_split
from crystalgraph.errors import CrystalGraphError
from crystalgraph.model_loading import load_model_class, make_model

ALL = [(name, "formula", seed) for name in experiments.EXPERIMENTS for seed in experiments.SEEDS]
BESIDE = [(name, "random", seed) for name in ("none", "shared", "gated") for seed in (0, 1, 2)]
LEFT_OUT = [
    (name, f"leave_out_{element}", 0)
    for name in ("none", "shared", "gated")
    for element in compare.left_out_elements()
]


@pytest.fixture(scope="module")
def packed():
    """Every shipped run as it lies on disk."""
    runs = {}
    for path in (paths.DATA / "runs").glob("*.json"):
        if path != compare.published_file():
            runs |= experiments.read_packed(path)
    return runs


# ---- what is shipped


def test_every_experiment_has_all_its_runs_and_no_other(packed):
    assert set(ALL + BESIDE) <= set(packed) <= set(ALL + BESIDE + LEFT_OUT)


def test_left_out_elements_have_all_three_networks():
    # More elements are added by `python tools/run_experiments.py --only leave_one_out`.
    done = compare.finished_folds()
    assert len(done) >= 5 and set(done) <= set(compare.left_out_elements())


def test_shipped_runs_were_made_with_todays_settings(packed):
    stale = [key for key, run in packed.items() if not experiments.is_current(run)]
    assert not stale, f"python tools/run_experiments.py makes {len(stale)} of them anew"


def test_errors_are_those_of_the_stored_predictions(packed):
    for name, split, seed in packed:
        run, chosen = experiments.load_run(name, split, seed), experiments.experiment(name)
        dataset = experiments.bundled(chosen.dataset)
        rows = load_split(dataset, split).test
        assert run.predictions["test"]["id"] == [dataset.ids[row] for row in rows]
        known = dataset.target(chosen.target)[rows]
        predicted = np.array(run.predictions["test"]["prediction"])
        if run.scores:
            auc = roc_auc_score(known, predicted)
            assert run.scores["test"]["auc"] == pytest.approx(auc, abs=1e-4)
        else:
            assert run.test_mae == pytest.approx(np.abs(predicted - known).mean(), abs=1e-5)


def test_kept_weights_are_those_of_the_best_validation_error(packed):
    for key, run in packed.items():
        if key[1].startswith("leave_out_"):
            continue
        history = run["history"]
        curve = history["val_loss"] if "scores" in run else history["val_mae"]
        assert history["best_epoch"] == int(np.argmin(curve))
        kept = run["scores"]["val"]["nll"] if "scores" in run else run["mae"]["val"]
        assert kept == pytest.approx(min(curve), abs=2e-4)


def test_parameter_counts_are_those_of_the_networks(packed):
    model_class = load_model_class()
    for name, chosen in experiments.EXPERIMENTS.items():
        n_features = experiments.FEATURES[chosen.features]().n_features
        model = make_model(model_class, n_features, chosen.model_settings)
        assert packed[name, "formula", 0]["n_parameters"] == sum(
            weight.numel() for weight in model.parameters()
        )


def test_shipped_runs_are_small():
    size = sum(path.stat().st_size for path in (paths.DATA / "runs").iterdir())
    assert size < 3e6


def test_the_lesson_of_the_layers_holds():
    for worse, better in (("none", "shared"), ("shared", "gated"), ("none", "gated")):
        comparison = compare.compare(worse, better)
        assert comparison.told_apart and comparison.difference > 0


def test_gated_beats_the_best_baseline_twofold():
    dataset = experiments.perovskites()
    split = load_split(dataset, "formula")
    ridge = baselines.fit_baselines(dataset, split, FORMATION_ENERGY)[baselines.RIDGE_SITES]
    runs = experiments.load_runs("gated")
    assert 2 * np.mean([run.test_mae for run in runs]) < ridge.mae["test"]


def test_published_predictions_are_one_per_crystal():
    content = json.loads(compare.published_file().read_text(encoding="utf-8"))
    assert content["id"] == experiments.perovskites().ids
    assert np.isfinite(content["prediction"]).all() and len(content["prediction"]) == 700


# ---- making and keeping runs


@pytest.fixture
def short(monkeypatch):
    """An experiment of one epoch and a tiny network."""
    chosen = experiments.Experiment("short", "short", {"width": 8, "n_conv": 1}, {"epochs": 1})
    monkeypatch.setitem(experiments.EXPERIMENTS, "short", chosen)
    return "short"


def test_a_run_survives_packing(short):
    trained, run = experiments.run_experiment(short, load_model_class(), progress=False)
    again = experiments.unpack_run(json.loads(json.dumps(experiments.pack_run(short, 0, run))))
    assert again.mae == pytest.approx(run.mae, abs=1e-6)
    assert again.errors() == pytest.approx(run.errors(), abs=2e-5)
    assert again.history["val_mae"] == pytest.approx(run.history["val_mae"], abs=1e-5)
    assert again.n_epochs == run.n_epochs and again.n_parameters == run.n_parameters
    assert trained.model.training is False


@pytest.fixture
def oxides(monkeypatch):
    """Experiments of one epoch that tell perovskites from other oxides, on a small dataset."""
    dataset, split = fake_oxides()
    monkeypatch.setattr(experiments, "bundled", lambda name: dataset)
    monkeypatch.setattr(experiments, "load_split", lambda dataset, name: split)
    for name in ("one", "other"):
        settings = {"width": 8, "n_conv": 1, "head": 8 if name == "one" else 9}
        chosen = experiments.Experiment(name, name, settings, {"epochs": 2}, dataset="oxides")
        monkeypatch.setitem(experiments.EXPERIMENTS, name, chosen)
    return "one", "other"


def test_a_classifier_survives_packing(oxides):
    model_class = load_model_class()
    _, run = experiments.run_experiment(oxides[0], model_class, fast=True, progress=False)
    packed = json.loads(json.dumps(experiments.pack_run(oxides[0], 0, run)))
    assert "mae" not in packed and experiments.is_current(packed)
    again = experiments.unpack_run(packed)
    assert again.predictions["test"]["id"] == run.predictions["test"]["id"]
    assert (again.target, again.unit, again.mae) == ("perovskite", "probability", {})
    for part, scores in run.scores.items():
        assert again.scores[part] == pytest.approx(scores, abs=1e-6)
    assert again.history["val_loss"] == pytest.approx(run.history["val_loss"], abs=1e-5)


def test_a_network_that_gives_no_classes_is_named(oxides, monkeypatch, capsys):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(experiments, "load_run", lambda *_: None)
    assert experiments.train_or_load(oxides[0], WrongShape).trained is None
    assert "finite (2, 2) is needed" in capsys.readouterr().out
    assert experiments.train_or_load(oxides[0], load_model_class()).run.n_epochs == 2


def test_two_classifiers_are_compared_by_auc_over_formulas(oxides, monkeypatch):
    model_class = load_model_class()

    def make(name, seed):
        return experiments.run_experiment(name, model_class, seed=seed, progress=False)[1]

    made = {name: [make(name, seed) for seed in (0, 1)] for name in oxides}
    monkeypatch.setattr(experiments, "load_runs", lambda name, split: made[name])
    found = compare.compare(*oxides)
    means = [np.mean([run.scores["test"]["auc"] for run in made[name]]) for name in oxides]
    assert [found.value_a, found.value_b] == pytest.approx(means)
    assert found.difference == pytest.approx(means[0] - means[1]) and "AUC" in str(found)
    assert list(compare.summary(oxides)["test"]) == pytest.approx(means)
    assert set(compare.formulas_of(made["one"][0])) == set(fake_oxides()[0].formulas()[18:])


def test_the_higher_auc_and_the_lower_error_win():
    better = compare.Comparison("a", "b", 0.95, 0.75, 0.2, 0.05, "AUC")
    assert "0.750 AUC: a beats b by 0.200" in str(better)
    worse = compare.Comparison("a", "b", 0.95, 0.75, 0.2, 0.05)
    assert "0.750 eV/atom: b beats a by 0.200" in str(worse)


def test_fast_and_gated_give_the_same_run(short):
    model_class = load_model_class()
    runs = [
        experiments.run_experiment(short, model_class, fast=fast, progress=False)[1]
        for fast in (True, False)
    ]
    assert runs[0].test_mae == pytest.approx(runs[1].test_mae, abs=1e-3)


def test_runs_are_written_and_read_again(tmp_path):
    path = tmp_path / "runs" / "layers.json"
    assert experiments.read_packed(path) == {}
    run = {"experiment": "gated", "split": "formula", "seed": 1, "mae": {"test": 0.5}}
    experiments.write_packed(path, {("gated", "formula", 1): run})
    assert experiments.read_packed(path) == {("gated", "formula", 1): run}
    assert not list(path.parent.glob("*.part"))


def test_unknown_names_and_missing_runs_are_said():
    with pytest.raises(CrystalGraphError, match="There is no experiment 'gatde'"):
        experiments.load_run("gatde")
    with pytest.raises(CrystalGraphError, match="run_experiments.py --only layers"):
        experiments.load_run("gated", seed=99)


# ---- students' networks


class Broken(nn.Module):
    """A network whose forward is still a stub."""

    def __init__(self, *sizes, **settings):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, *inputs):
        raise NotImplementedError("Task 2.5: fill in CrystalGraphConvNet.forward in model_hw.py")


class Slow(Broken):
    """A network that works and takes ages."""

    def forward(self, atom_features, bond_features, center, neighbor, crystal, n_crystals):
        time.sleep(1.1)
        return self.weight.expand(n_crystals)


class WrongShape(Broken):
    """A network that gives one number for all crystals."""

    def forward(self, *inputs):
        return self.weight


def test_nothing_trains_while_nbgrader_grades(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.setattr(experiments, "train_model", None)  # calling it would fail
    outcome = experiments.train_or_load("gated", load_model_class())
    assert outcome.trained is None and outcome.run == experiments.load_run("gated")
    assert "nothing trains while nbgrader is grading" in capsys.readouterr().out
    assert list(experiments.steps(5)) == []


def test_outside_grading_steps_count(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    assert list(experiments.steps(3)) == [0, 1, 2]


def test_a_slow_network_is_timed_on_two_crystals_and_not_trained(monkeypatch, capsys):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(experiments, "train_model", None)
    start = time.perf_counter()
    outcome = experiments.train_or_load("gated", Slow)
    assert time.perf_counter() - start < 10
    assert outcome.run == experiments.load_run("gated")
    said = capsys.readouterr().out
    assert "minutes with your network" in said and "index_add" in said


@pytest.mark.parametrize(("network", "cause"), [(Broken, "Task 2.5"), (WrongShape, "shape (1,)")])
def test_a_broken_network_is_named_and_not_trained(network, cause, monkeypatch, capsys):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(experiments, "train_model", None)
    outcome = experiments.train_or_load("gated", network)
    assert outcome.trained is None
    assert cause in capsys.readouterr().out


def test_a_working_network_is_trained(short, monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    outcome = experiments.train_or_load(short, load_model_class())
    assert outcome.trained is not None and outcome.run.n_epochs == 1


def test_run_or_load_loads_unless_told_otherwise(short, monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    model_class = load_model_class()
    assert experiments.run_or_load("gated", 1) == experiments.load_run("gated", seed=1)
    assert experiments.run_or_load(short, 0, model_class, rerun=True).n_epochs == 1


def test_student_network_says_what_it_found(tmp_path, capsys):
    good = experiments.student_network(paths.REPO / "model.py")
    assert good.__name__ == "CrystalGraphConvNet"
    assert "Your network runs: 80,833 parameters" in capsys.readouterr().out
    stub = tmp_path / "model_hw.py"
    stub.write_text("import nothing_of_that_name\n", encoding="utf-8")
    for path in (stub, tmp_path / "missing.py"):
        network = experiments.student_network(path)
        assert "does not run yet" in capsys.readouterr().out
        with pytest.raises(CrystalGraphError, match="this cell cannot"):
            network(92, 41)
        assert experiments.train_or_load("gated", network).trained is None


# ---- what may be said


def test_two_standard_errors_decide():
    generator = np.random.default_rng(0)
    errors = generator.normal(0, 0.1, (3, 140))
    same = compare.compare_errors("a", "b", errors, generator.normal(0, 0.1, (3, 140)))
    assert not same.told_apart and "not told apart" in str(same)
    other = compare.compare_errors("a", "b", errors, errors / 2)
    assert other.told_apart and "b beats a" in str(other)


def test_disagreeing_seeds_widen_the_error_bar():
    steady = np.full((3, 50), 0.1)
    shaky = np.array([[0.01] * 50, [0.08] * 50, [0.15] * 50])
    assert not compare.compare_errors("a", "b", steady, shaky).told_apart
    assert compare.compare_errors("a", "b", steady, np.full((3, 50), 0.08)).told_apart


def test_left_out_errors_are_weighted_by_crystals():
    table, mean, error = compare.leave_one_out("none")
    assert mean == pytest.approx(np.average(table["test"], weights=table["crystals"]))
    assert 0 < error < mean and list(table.index) == compare.finished_folds()


def test_a_group_compares_everything_with_the_default():
    for group, names in experiments.GROUPS.items():
        assert experiments.reference(group) in names
        assert len(compare.verdicts(group)) == len(names) - 1


# ---- figures


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots_energy.plot_bars(experiments.GROUPS["layers"], baselines={"ridge": 0.17}),
        lambda: plots_energy.plot_groups(["neighbors", "depth", "pooling"]),
        lambda: plots_energy.plot_curves(["learning_rate", "batch_size"]),
        lambda: plots_energy.plot_leave_one_out({"none": compare.leave_one_out("none")[0]}),
        lambda: plots_energy.plot_worst_crystals(experiments.load_run("gated")),
    ],
    ids=["bars", "groups", "curves", "leave one out", "worst"],
)
def test_figures_of_runs_are_drawn(draw):
    figure = draw()
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    assert all(ax.get_xlabel() for ax in figure.axes)


def test_the_trap_is_drawn_with_one_prediction_per_crystal():
    true = np.array([[-1.0, -2, -4, -8], [-2, -4, -8, -16]])
    best = np.median(true, axis=1)
    figure = plots_energy.plot_extensive_trap(true, best, (1, 2, 4, 8), {"line": 1.0})
    assert "eV" in figure.axes[0].get_xlabel() and "eV" in figure.axes[1].get_xlabel()
    assert plots_energy.plot_way_out(true, true, (1, 2, 4, 8)).axes


def test_exchanged_pairs_have_one_formula_and_two_energies():
    dataset = experiments.perovskites()
    pairs = plots_energy.exchanged_pairs(dataset)
    formulas = dataset.formulas()
    assert len(pairs) == 145 and all(formulas[i] == formulas[j] for i, j in pairs)
    figure = plots_energy.plot_exchanged_sites(dataset, np.zeros(700))
    assert len(figure.axes[0].lines) == 3


def test_worst_crystals_are_sorted():
    table = plots_energy.worst_crystals(experiments.load_run("gated"), 5)
    assert list(table["error"].abs()) == sorted(table["error"].abs(), reverse=True)
