"""Pictures of notebook 3 show what they were given."""

import numpy as np
import pytest
from legends import covered
from matplotlib.figure import Figure

from crystalgraph import experiments
from crystalgraph.experiments import verdicts as compare
from crystalgraph.experiments.live import Attempt
from crystalgraph.figures.alt_text import describe
from crystalgraph.labs.hw.figures import energy as plots_energy


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


def test_the_legend_of_baselines_covers_no_bar_and_no_line():
    lines = {
        "predict the mean": 0.9,
        "ridge, element fractions": 0.44,
        "ridge, site fractions": 0.1,
    }
    assert not covered(plots_energy.plot_bars(experiments.GROUPS["layers"], baselines=lines))


@pytest.mark.parametrize("whose", ["finished run", "your network"])
@pytest.mark.parametrize("baselines", [{}, {"predict the mean": 0.9, "ridge": 0.44}])
def test_what_was_guessed_and_run_is_marked_in_its_row(whose, baselines):
    runs = experiments.load_runs("k_4")
    attempt = Attempt("k_4", 0.2, runs, whose)
    names = experiments.GROUPS["neighbors"]
    figure = plots_energy.plot_bars(names, "neighbors", baselines=baselines, attempt=attempt)
    row, mae = names.index("k_4"), np.mean([run.test_mae for run in runs])
    marks = {line.get_label(): line.get_xydata().tolist() for line in figure.axes[0].lines}
    assert marks["your guess 0.200"] == [[0.2, row]]
    assert marks[f"{whose} {mae:.3f}"] == [[mae, row]]
    assert f"shown: your guess 0.200, {whose} {mae:.3f}" in describe(figure)
    assert not covered(figure)
