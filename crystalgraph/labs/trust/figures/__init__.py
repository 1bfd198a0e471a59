"""Figures of the lab: charts of patients, diagnostics of a network, the leak, gates, searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crystalgraph.labs.trust.clinic import Chart

BLUE, ORANGE, GREEN, PINK, GRAY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#7f7f7f"
"""Told apart by color-blind readers too (Okabe and Ito)."""
UNIT = "eV/atom"
ANIONS = (7, 8, 9, 16, 17, 34, 35, 52, 53)
"""Atomic numbers of N, O and the elements below O and F."""


def _figure(width: float = 7, height: float = 3.6) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def plot_charts(charts: Mapping[str, Chart], mean: float) -> Figure:
    """Draw what happened to each patient.

    Args:
        charts: letter -> chart.
        mean: mean absolute error of predicting the mean, in eV/atom.
    """
    figure = Figure(figsize=(10, 8), layout="constrained")
    panels = figure.subplots(3, 3, sharey=True).ravel()
    for axes, (patient, chart) in zip(panels, charts.items(), strict=True):
        axes.plot(chart.train, color=BLUE, label="training")
        axes.plot(chart.val, color=ORANGE, label="validation")
        axes.axhline(mean, color=GRAY, linestyle="--", label="predict the mean")
        last = len(chart.train)
        axes.plot(last, chart.test, "*", color=GREEN, markersize=12, label="test, kept weights")
        title, _, said = chart.fault.partition(":")
        if said:
            axes.text(0.5, 0.75, fill(said.strip(), 34), transform=axes.transAxes, ha="center",
                      va="top", fontsize=9)  # fmt: skip
        if last:
            title = f"{1e3 * np.median(chart.seconds):.0f} ms an epoch"
        axes.set_title(f"{patient}: {title}", fontsize=11)
        axes.set(ylim=(0, 2.5), xlim=(-1, max(last, 12) + 1))
    for axes in panels[::3]:
        axes.set_ylabel(f"mean |error| ({UNIT})")
    for axes in panels[6:]:
        axes.set_xlabel("epoch")
    panels[0].legend(fontsize=8)
    return figure


def plot_parity(
    target: np.ndarray,
    prediction: np.ndarray,
    by_element: Mapping[str, float],
    symbols: Sequence[Sequence[str]],
) -> Figure:
    """Draw prediction against target, and the error of the crystals of each element.

    Args:
        target, prediction: (C,) in eV/atom.
        by_element: symbol -> error in eV/atom.
        symbols: C lists of the symbol of each atom; above each bar is the number of its crystals.
    """
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.6))
    ends = [min(target.min(), prediction.min()), max(target.max(), prediction.max())]
    left.plot(ends, ends, color=GRAY, linestyle="--")
    left.plot(target, prediction, ".", color=BLUE)
    left.set(xlabel=f"from first principles ({UNIT})", ylabel=f"network ({UNIT})", aspect="equal")
    names = sorted(by_element, key=by_element.__getitem__, reverse=True)
    bars = right.bar(names, [float(by_element[one]) for one in names], color=BLUE)
    counts = [sum(one in atoms for atoms in symbols) for one in names]
    right.bar_label(bars, [str(count) for count in counts], fontsize=7)
    error = np.abs(prediction - target).mean()
    right.axhline(error, color=GRAY, linestyle="--", label=f"all test crystals: {error:.3f} {UNIT}")
    right.set(
        ylabel=f"mean |error| ({UNIT})", title="crystals that contain the element, and how many"
    )
    right.tick_params(axis="x", labelsize=8, rotation=90)
    right.margins(x=0.01)
    right.legend(fontsize=9)
    return figure


def plot_learning_curve(
    sizes: Sequence[int], errors: np.ndarray, exponent: float, factor: float
) -> Figure:
    """Draw a learning curve with the fitted line.

    Args:
        sizes: M numbers of training crystals.
        errors: (M, S) test errors of S seeds, in eV/atom.
        exponent, factor: as learning_exponent gives them.
    """
    figure, axes = _figure(6)
    x, means = np.array(sizes, dtype=float), errors.mean(axis=1)
    line = np.exp(np.log(means).mean()) * (x / np.exp(np.log(x).mean())) ** exponent
    axes.plot(np.repeat(x, errors.shape[1]), errors.ravel(), "o", color=BLUE, label="seeds")
    label = f"exponent {exponent:.2f}: {factor:.1f} times the data halve the error"
    axes.plot(x, line, color=ORANGE, label=label)
    axes.set(xscale="log", yscale="log", xlabel="training crystals", xticks=x)
    axes.set(ylabel=f"test error ({UNIT})", xticklabels=[f"{one:g}" for one in x])
    axes.set_yticks((0.05, 0.1, 0.2, 0.4), ("0.05", "0.1", "0.2", "0.4"))
    axes.minorticks_off()
    axes.legend(fontsize=9)
    return figure


def plot_sensitivity(found: Mapping[str, Sequence[float]], labels: Mapping[str, str]) -> Figure:
    """Draw what each changed setting does to the test error.

    Args:
        found: "default" -> errors of seeds; setting -> errors with its two other values, eV/atom.
        labels: setting -> its two values in words.
    """
    figure, axes = _figure(8, 3.4)
    seeds = np.array(found["default"])
    axes.axvspan(seeds.min(), seeds.max(), color=GRAY, alpha=0.3, label="default, three seeds")
    for place, setting in enumerate(labels):
        low, high = found[setting]
        axes.plot([low, high], [place, place], color=GRAY, linewidth=1)
        axes.plot(low, place, "o", color=BLUE, label="first value" if place == 0 else None)
        axes.plot(high, place, "s", color=ORANGE, label="second value" if place == 0 else None)
    axes.set_yticks(range(len(labels)), [f"{key}: {label}" for key, label in labels.items()])
    axes.set(xlabel=f"test error ({UNIT}), 245 training crystals")
    axes.legend(fontsize=8)
    return figure


def plot_calibration(error: np.ndarray, spread: np.ndarray) -> Figure:
    """Draw |error| against spread; what is under a line is within so many spreads.

    Args:
        error, spread: (C,) in eV/atom.
    """
    figure, axes = _figure(6)
    axes.plot(spread, np.abs(error), ".", color=BLUE)
    ends = np.array([spread.min(), spread.max()])
    for times, color in ((1, GREEN), (2, ORANGE)):
        axes.plot(ends, times * ends, color=color, label=f"|error| = {times} spread")
    axes.set(xscale="log", yscale="log", xlabel=f"spread of the networks ({UNIT})")
    axes.set(ylabel=f"|error| of their mean ({UNIT})")
    axes.legend(fontsize=9)
    return figure


def plot_leak(found: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the test errors on two splits.

    Args:
        found: split -> method -> error in eV/atom.
    """
    figure, axes = _figure(8, 3.4)
    colors = {"random": ORANGE, "formula": BLUE}
    for shift, (split, errors) in zip((-0.2, 0.2), found.items(), strict=True):
        place = np.arange(len(errors)) + shift
        label = f"{split} split" + (" (polymorphs in training)" if split == "random" else "")
        bars = axes.bar(place, list(errors.values()), 0.38, color=colors[split], label=label)
        axes.bar_label(bars, fmt="%.3f", fontsize=9)
    methods = list(found["random"])
    axes.set_xticks(range(len(methods)), methods)
    axes.set(yscale="log", ylabel=f"test error ({UNIT})", ylim=(0.03, 3))
    axes.legend(fontsize=9)
    return figure


def plot_gates(found: Mapping[str, list]) -> Figure:
    """Draw the mean gate of each edge against its distance, for each layer of the first network.

    Args:
        found: as study.gates gives it.
    """
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    distance, first = np.array(found["distance"]), found["center"]
    from_anion, to_anion = (np.isin(one, ANIONS) for one in (found["neighbor"], first))
    kinds = {
        "metal and anion": (from_anion != to_anion, BLUE),
        "metal and metal": (~from_anion & ~to_anion, ORANGE),
        "anion and anion": (from_anion & to_anion, GREEN),
    }
    gates = found["gate"][0]
    panels = figure.subplots(1, len(gates), sharey=True)
    for number, (axes, gate) in enumerate(zip(panels, gates, strict=True), 1):
        for label, (rows, color) in kinds.items():
            axes.plot(distance[rows], np.array(gate)[rows], ".", ms=3, color=color, label=label)
        axes.set(xlabel="distance (Å)", title=f"convolution {number}", ylim=(0, 1))
    panels[0].set(ylabel="mean gate of the edge")
    panels[0].legend(fontsize=8)
    return figure


def plot_search(curves: Mapping[str, list]) -> Figure:
    """Draw how far the best crystal found is above the most stable one: median, middle half.

    Args:
        curves: name -> [seed][trial] in eV/atom.
    """
    figure, axes = _figure(7)
    rows: list = []
    for (name, rows), color in zip(curves.items(), (ORANGE, BLUE, GRAY), strict=True):
        low, middle, high = np.quantile(rows, (0.25, 0.5, 0.75), axis=0)
        trials = np.arange(1, len(middle) + 1)
        axes.plot(trials, middle, color=color, label=name)
        axes.fill_between(trials, low, high, color=color, alpha=0.2)
    axes.set(title=f"median of {len(rows)} searches; the middle half is shaded")
    axes.set(xlabel="crystals looked at", ylabel=f"best found, above the lowest ({UNIT})")
    axes.legend(fontsize=9)
    return figure
