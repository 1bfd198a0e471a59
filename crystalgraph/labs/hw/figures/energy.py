"""Figures of notebook 3: the extensive trap, exchanged sites, experiments side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crystalgraph import experiments
from crystalgraph.crystals.datasets import CrystalDataset
from crystalgraph.experiments.live import Attempt
from crystalgraph.networks.training_run import RunResult

COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
GREY = "#8C8C8C"
MAE_UNIT = "MAE in eV/atom"


def plot_total_energies(
    true: np.ndarray, predicted: np.ndarray, sizes: Sequence[int], title: str, ax: Axes
) -> None:
    """Draw predicted against true total energies of crystals as cells of several sizes.

    Args:
        true: (C, S) energy of each crystal as a cell of each size, in eV.
        predicted: (C, S) likewise.
        sizes: S numbers of unit cells.
        title: of the panel.
        ax: where to draw.
    """
    ax.plot(true.T, predicted.T, color=GREY, linewidth=0.4, zorder=1)
    for column, (size, color) in enumerate(zip(sizes, COLORS, strict=False)):
        name = f"{size} unit cell{'s' * (size > 1)}"
        ax.scatter(true[:, column], predicted[:, column], s=12, color=color, label=name, zorder=2)
    ends = np.array([true.min(), true.max()])
    ax.plot(ends, ends, color="black", linewidth=1, linestyle="--", label="exact")
    ax.set(xlabel="true energy of the cell (eV)", ylabel="predicted (eV)", title=title)
    ax.legend(frameon=False, fontsize=8)


def plot_extensive_trap(
    true: np.ndarray, best: np.ndarray, sizes: Sequence[int], errors: Mapping[str, float]
) -> Figure:
    """Draw what the best mean-pooled network can do with total energies, and who beats it.

    Args:
        true: (C, S) energy of each test crystal as a cell of each size, in eV.
        best: (C,) the one prediction per crystal that has the smallest error.
        sizes: S numbers of unit cells.
        errors: MAE in eV of each predictor, by name.

    Returns:
        The figure.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 4), width_ratios=(3, 2), layout="constrained"
    )
    same = np.repeat(best[:, None], len(sizes), axis=1)
    plot_total_energies(true, same, sizes, "One prediction for four sizes", left)
    bars = right.barh(list(errors), list(errors.values()), color=COLORS[: len(errors)])
    right.bar_label(bars, fmt=" %.0f eV")
    right.set(xlabel="MAE in eV per cell", title="Beat the line?")
    right.set_xlim(0, 1.25 * max(errors.values()))
    right.invert_yaxis()
    return _tidy(figure)


def plot_way_out(true: np.ndarray, predicted: np.ndarray, sizes: Sequence[int]) -> Figure:
    """Draw total energies made from predictions per atom; arguments as plot_total_energies."""
    ax = _axes(5.5, 4)
    plot_total_energies(true, predicted, sizes, "Energy per atom, times the number of atoms", ax)
    return _tidy(_figure_of(ax))


def exchanged_pairs(dataset: CrystalDataset) -> list[tuple[int, int]]:
    """Row numbers of the perovskites A-B-X whose B-A-X is in the dataset too."""
    row = {identifier: number for number, identifier in enumerate(dataset.ids)}
    sites = [record["sites"] for record in dataset.records]
    swapped = [row.get("-".join((s[1], s[0], s[2]))) if len(s) == 3 else None for s in sites]
    return [(i, j) for i, j in enumerate(swapped) if j is not None and i < j]


def plot_exchanged_sites(dataset: CrystalDataset, prediction: np.ndarray) -> Figure:
    """Draw pairs of crystals that differ in who sits on A and who on B.

    Args:
        dataset: the perovskites.
        prediction: (C,) of a predictor for all crystals, in eV/atom.

    Returns:
        The figure: per pair a line from the lower to the higher energy, and the prediction.
    """
    pairs = np.array(exchanged_pairs(dataset))
    energy = np.sort(dataset.target("formation_energy_per_atom")[pairs], axis=1)
    order = np.argsort(energy.mean(axis=1))
    energy, predicted = energy[order], prediction[pairs[order]]
    figure, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
    x = np.arange(len(energy))
    ax.vlines(x, *energy.T, color=GREY, linewidth=1)
    ax.plot(x, energy[:, 0], "o", ms=3, color=COLORS[0], label="the more stable order")
    ax.plot(x, energy[:, 1], "o", ms=3, color=COLORS[5], label="A and B exchanged")
    ax.plot(x, predicted[:, 0], "_", ms=5, color="black", label="ridge on element fractions")
    ax.set(xlabel="pairs with the same formula", ylabel="formation energy\n(eV/atom)")
    ax.legend(frameon=False, fontsize=8)
    return _tidy(figure)


def plot_bars(
    names: Sequence[str],
    group: str = "layers",
    split: str = "formula",
    baselines: Mapping[str, float] | None = None,
    ax: Axes | None = None,
    attempt: Attempt | None = None,
) -> Figure:
    """Draw the test MAE of experiments: mean of three seeds, standard error, each seed a dot.

    Args:
        names: of experiments with finished runs.
        group: whose labels are used.
        split: name of the split.
        baselines: MAE in eV/atom of simple predictors, drawn as lines.
        ax: where to draw; default a new figure.
        attempt: one of them that was guessed, marked with its run in its row.

    Returns:
        The figure.
    """
    ax = ax or _axes(7, 0.9 + 0.42 * len(names))
    for row, name in enumerate(names):
        values = np.array([run.test_mae for run in experiments.load_runs(name, split)])
        error = values.std(ddof=1) / np.sqrt(len(values))
        color = COLORS[0] if name == experiments.reference(group) else COLORS[4]
        ax.barh(row, values.mean(), xerr=error, color=color, capsize=3, height=0.7)
        ax.plot(values, np.full(len(values), row), ".", color="black", ms=4)
        ax.annotate(
            f"{values.mean():.3f}", (max(values.max(), values.mean() + error), row), (6, 0),
            textcoords="offset points", va="center", fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},  # a baseline may be there
        )  # fmt: skip
    ax.set_yticks(range(len(names)), [experiments.label(name, group) for name in names])
    ax.invert_yaxis()
    if attempt is not None:
        draw_attempt(ax, list(names).index(attempt.name), attempt)
    _draw_baselines(ax, baselines or {})
    if attempt is not None or baselines:
        ax.legend(
            frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3
        )
    ax.set(xlabel=f"test {MAE_UNIT}, {split} split", title=group.replace("_", " "))
    ax.margins(x=0.12)
    ax.set_xlim(left=0)
    return _tidy(_figure_of(ax))


def draw_attempt(ax: Axes, row: int, attempt: Attempt) -> None:
    """Mark a guess, the runs made for it and their mean in the row of their experiment."""
    guess, mean, values = attempt.guess, attempt.mean, attempt.values
    ax.plot(guess, row, "x", color=COLORS[6], ms=9, mew=2.5, label=f"your guess {guess:.3f}")
    ax.plot(values, [row] * len(values), "|", color=COLORS[1], ms=12, mew=2)
    name = f"{attempt.whose} {mean:.3f}"
    ax.plot(mean, row, "D", color=COLORS[1], ms=7, mec="black", label=name)


def _draw_baselines(ax: Axes, baselines: Mapping[str, float]) -> None:
    for (name, value), style in zip(baselines.items(), ("--", ":", "-."), strict=False):
        ax.axvline(value, color=COLORS[5], linestyle=style, label=f"{name} {value:.3f}")


def plot_groups(groups: Sequence[str], split: str = "formula") -> Figure:
    """Draw the bars of several groups of experiments, two groups in a row."""
    rows = -(-len(groups) // 2)
    tallest = max(len(experiments.GROUPS[group]) for group in groups)
    figure, axes = plt.subplots(rows, 2, figsize=(11, rows * (1.1 + 0.36 * tallest)), squeeze=False)
    figure.set_layout_engine("constrained", h_pad=0.12)
    for ax, group in zip(axes.flat, groups, strict=False):
        plot_bars(experiments.GROUPS[group], group, split, ax=ax)
    for ax in axes.flat[len(groups) :]:
        ax.remove()
    return figure


def plot_curves(groups: Sequence[str]) -> Figure:
    """Draw validation errors during training, one panel per group: mean and range of the seeds."""
    figure, axes = plt.subplots(
        1, len(groups), figsize=(11, 3.4), sharey=True, layout="constrained", squeeze=False
    )
    for ax, group in zip(axes.flat, groups, strict=True):
        for name, color in zip(experiments.GROUPS[group], COLORS, strict=False):
            runs = experiments.load_runs(name)
            _draw_curve(ax, runs, experiments.label(name, group), color)
        ax.set(xlabel="gradient steps", title=group.replace("_", " "), yscale="log")
        ax.legend(frameon=False, fontsize=8)
    axes[0, 0].set_ylabel(f"validation {MAE_UNIT}")
    return _tidy(figure)


def _draw_curve(ax: Axes, runs: Sequence[RunResult], name: str, color: str) -> None:
    n = min(run.n_epochs for run in runs)
    curves = np.array([run.history["val_mae"][:n] for run in runs])
    step = runs[0].history["step"][:n]
    ax.plot(step, curves.mean(axis=0), color=color, label=name)
    ax.fill_between(step, curves.min(axis=0), curves.max(axis=0), color=color, alpha=0.2)


def plot_leave_one_out(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the test error of each left-out B element, for several experiments.

    Args:
        tables: by name, with a column "test" in eV/atom and elements as index.

    Returns:
        The figure; elements are sorted by the last experiment's error.
    """
    order = list(tables.values())[-1]["test"].sort_values().index
    figure, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
    for (name, table), color in zip(tables.items(), COLORS, strict=False):
        ax.plot(order, table["test"][order], "o-", linewidth=0.8, ms=4, color=color, label=name)
    ax.set(xlabel="element that training never had on B", ylabel=f"test {MAE_UNIT}", ylim=(0, None))
    ax.tick_params(axis="x", labelsize=8)
    ax.legend(frameon=False, fontsize=8)
    return _tidy(figure)


def plot_parities(panels: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw predicted against true formation energies, one panel per predictor, same axes.

    Args:
        panels: name -> (target (C,), prediction (C,)) in eV/atom.

    Returns:
        The figure; each title says the MAE.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(3.7 * len(panels), 3.9),
        sharex=True, sharey=True, layout="constrained", squeeze=False,
    )  # fmt: skip
    values = np.concatenate([np.ravel(pair) for pair in panels.values()])
    ends = [values.min() - 0.1, values.max() + 0.1]
    for ax, (name, (target, prediction)), color in zip(
        axes.flat, panels.items(), COLORS, strict=False
    ):
        ax.plot(ends, ends, color="black", linewidth=1, linestyle="--")
        ax.scatter(target, prediction, s=12, color=color, alpha=0.8)
        mae = np.abs(np.asarray(prediction) - np.asarray(target)).mean()
        ax.set(title=f"{name}\nMAE {mae:.3f} eV/atom", xlabel="first principles (eV/atom)")
        ax.set_aspect("equal")
    axes[0, 0].set_ylabel("predicted (eV/atom)")
    return _tidy(figure)


def worst_crystals(run: RunResult, n: int = 8) -> pd.DataFrame:
    """The test crystals with the largest errors, in eV/atom, the worst first."""
    test = pd.DataFrame(run.predictions["test"]).set_index("id")
    test["error"] = test["prediction"] - test["target"]
    return test.loc[test["error"].abs().sort_values(ascending=False).index[:n]].round(3)


def plot_worst_crystals(run: RunResult, n: int = 15) -> Figure:
    """Draw the largest errors of a run on the test crystals, in eV/atom, with their signs."""
    table = worst_crystals(run, n)
    ax = _axes(7, 0.9 + 0.26 * n)
    colors = [COLORS[5] if error > 0 else COLORS[0] for error in table["error"]]
    ax.barh(table.index, table["error"], color=colors)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.invert_yaxis()
    ax.set(xlabel="prediction - first principles (eV/atom)", title=f"The {n} worst test crystals")
    return _tidy(_figure_of(ax))


def _axes(width: float, height: float) -> Axes:
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def _figure_of(ax: Axes) -> Figure:
    assert isinstance(ax.figure, Figure)  # no axes here are in a part of a figure
    return ax.figure


def _tidy(figure: Figure) -> Figure:
    for ax in figure.axes:
        ax.spines[["top", "right"]].set_visible(False)
    plt.close(figure)  # shown once, as the cell's value
    return figure
