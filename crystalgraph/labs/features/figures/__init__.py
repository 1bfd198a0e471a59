"""Figures of the lab: bases, errors with their bars, curves of energies, elements in a plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crystalgraph.crystals.elements import load_elements
from crystalgraph.experiments.verdicts import mean_and_error

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Told apart by color-blind readers too (Okabe and Ito)."""
DRAWN_N = 12
"""Columns that bases are drawn with: each can be seen, and how far neighbors overlap."""
WAVES_SEEN = 5
"""Of columns that are not zero in most of a figure; more of them are a tangle."""


def _figure(width: float, height: float, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure, size in inches; pyplot forgets it, or a notebook would show it twice."""
    figure, axes = plt.subplots(
        1, panels, figsize=(width, height), layout="constrained", squeeze=False
    )
    plt.close(figure)
    return figure, list(axes[0])


def target_bins() -> Figure:
    """Draw what right looks like: four bins with open ends, and the values of the case on paper."""
    figure, (axes,) = _figure(9, 2.1)
    for place in range(4):
        axes.axvspan(place, place + 1, color=COLORS[place], alpha=0.35)
        axes.text(place + 0.5, 0.78, f"bin {place}", ha="center")
    axes.axvspan(-2, 0, color=COLORS[0], alpha=0.15)
    axes.axvspan(4, 8, color=COLORS[3], alpha=0.15)
    values = np.array([-1, 0.5, 3.9, 7, 1, 4])
    axes.plot(values, np.full(6, 0.3), "ko")
    for value in values:
        side = {3.9: "right", 4: "left"}.get(value, "center")  # the two would overlap
        axes.text(value, 0.42, f"{value:g}", ha=side, fontsize=9)
    axes.set(xlim=(-2, 8), ylim=(0, 1), yticks=[], xlabel="value, in the unit of the property")
    axes.set_title("What right looks like: low = 0, high = 4, n = 4; a missing value has no place")
    return figure


def plot_bases(
    bases: Mapping[str, Callable[..., torch.Tensor]], cutoff: float = 8.0, high: float = 9.5
) -> Figure:
    """Draw the columns of bases over the distance, with few columns so that each is seen.

    Args:
        bases: name -> distances (E,) in angstrom, cutoff and n -> rows (E, n).
        cutoff: in angstrom; a line marks it.
        high: right end of the axis, in angstrom.
    """
    figure, panels = _figure(4 * len(bases), 3, len(bases))
    distance = torch.linspace(0.02, high, 1500, dtype=torch.float64)
    for axes, (name, basis) in zip(panels, bases.items(), strict=True):
        rows = basis(distance, cutoff=cutoff, n=DRAWN_N).numpy()
        everywhere = (np.abs(rows) > 1e-6).mean() > 0.5
        shown = WAVES_SEEN if everywhere else DRAWN_N
        for column in range(shown):
            axes.plot(distance, rows[:, column], color=COLORS[column % len(COLORS)], lw=1.3)
        axes.axvline(cutoff, color="#7f7f7f", ls="--", lw=0.8)
        some = f"the first {shown} of n = {DRAWN_N}" if everywhere else f"n = {DRAWN_N}"
        unit = " (Å$^{-3/2}$)" if name == "waves" else " (no unit)"
        axes.set(xlabel="distance (Å)", ylabel=f"column{unit}", title=f"{name}, {some}")
    panels[0].text(cutoff + 0.1, 0.5, "cutoff", rotation=90, va="center", fontsize=8)
    return figure


def plot_errors(
    errors: Mapping[str, Sequence[float]], baselines: Mapping[str, float], title: str
) -> Figure:
    """Draw test errors, one point for each seed, and baselines.

    On the right stand the means with their standard errors over the seeds.

    Args:
        errors: name -> test errors in eV/atom, one for each seed.
        baselines: name -> test error in eV/atom.
        title: above the figure.
    """
    figure, (axes,) = _figure(8.6, 1.3 + 0.34 * len(errors))
    for place, values in enumerate(errors.values()):
        axes.plot(values, [place] * len(values), "o", color=COLORS[0], alpha=0.45)
        mean, bar = mean_and_error(values)
        said = f"{mean:.3f}"
        if len(values) > 1:
            axes.errorbar(mean, place, xerr=bar, fmt="k|", ms=12, capsize=3)
            said += f" ± {bar:.3f}"
        axes.text(1.01, place, said, transform=axes.get_yaxis_transform(), va="center", fontsize=9)
    for number, (name, value) in enumerate(baselines.items()):
        axes.axvline(value, ls="--", color=COLORS[1 + number], label=f"{name}: {value:.3f}")
    axes.set_yticks(range(len(errors)), list(errors))
    axes.set(xlabel="test error (eV/atom), lower is better", title=title)
    axes.set(xlim=(0, None), ylim=(len(errors) - 0.5, -0.5))
    if baselines:
        figure.legend(fontsize=9, loc="outside lower right")
    return figure


def plot_curves(
    strain: np.ndarray,
    panels: Mapping[str, Mapping[str, np.ndarray]],
    known: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> Figure:
    """Draw energies over the strain, each curve from its own lowest point.

    Args:
        strain: (S,).
        panels: title -> name of a curve -> energies (S,) in eV/atom.
        known: title -> strains and true energies in eV/atom.
    """
    figure, all_axes = _figure(max(5.2 * len(panels), 7), 3.6, len(panels))
    for axes, (title, curves) in zip(all_axes, panels.items(), strict=True):
        if axes is not all_axes[0]:
            axes.sharey(all_axes[0])
        for number, (name, energy) in enumerate(curves.items()):
            axes.plot(
                100 * strain, 1000 * (energy - energy.min()), color=COLORS[number], label=name
            )
        if known is not None:
            at, energy = known[title]
            axes.plot(100 * at, 1000 * (energy - energy.min()), "k.", label="the potential")
        axes.axvline(0, color="#7f7f7f", lw=0.8)
        axes.set(xlabel="change of all lengths (%)", title=title)
        if known is not None or len(curves) > 1:
            axes.legend(fontsize=9)
    all_axes[0].set_ylabel("energy above its lowest\npoint (meV/atom)")
    return figure


def plot_slopes(strain: np.ndarray, slopes: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw slopes of curves: by the gradient as a line, by differences as crosses.

    Args:
        strain: (S,).
        slopes: name -> slopes (S,) by the gradient and by differences, in eV/atom.
    """
    figure, panels = _figure(5.2 * len(slopes), 3.2, len(slopes))
    for axes, (name, (gradient, difference)) in zip(panels, slopes.items(), strict=True):
        axes.sharey(panels[0])
        axes.plot(100 * strain, gradient, color=COLORS[0], label="gradient")
        axes.plot(100 * strain, difference, "x", color=COLORS[1], label="small differences")
        axes.set(xlabel="change of all lengths (%)", title=name)
    panels[0].set_ylabel("slope dE/d(strain) (eV/atom)")
    panels[0].legend(fontsize=9)
    return figure


def plot_elements(places: Mapping[str, np.ndarray]) -> Figure:
    """Draw elements in a plane; the color says the block, and the number is the group.

    Args:
        places: symbol -> (2,), without unit.
    """
    figure, (axes,) = _figure(9, 6.5)
    known = {element.symbol: element for element in load_elements().values()}
    rows = np.stack(list(places.values()))
    for symbol, (x, y), label in zip(places, rows, _moved_apart(rows), strict=True):
        color = COLORS["spdf".index(known[symbol].block)]
        axes.plot([x, label[0]], [y, label[1]], color="#7f7f7f", lw=0.6)
        axes.plot(x, y, "o", ms=5, color=color)
        text = f"{symbol}$_{{{known[symbol].group}}}$"
        axes.text(label[0], label[1], text, color=color, ha="center", va="center", fontsize=11)
    for number, block in enumerate("spdf"):
        if any(known[symbol].block == block for symbol in places):
            axes.plot([], [], "o", color=COLORS[number], label=f"{block} block")
    axes.legend(fontsize=9, title="the number is the group")
    axes.set(xticks=[], yticks=[], xlabel="first direction (no unit)", ylabel="second direction")
    axes.set_title("What the first layer learned of the elements, the two widest directions")
    return figure


def _moved_apart(places: np.ndarray, least: float = 0.05, rounds: int = 200) -> np.ndarray:
    """Places (N, 2) of labels beside points (N, 2), pushed apart until none covers another.

    Args:
        places: of the points.
        least: distance of two labels, as a share of the figure.
        rounds: of pushing.
    """
    size = np.ptp(places, axis=0) * (0.7, 1.0)  # a label is wider than high
    moved = places / size + (0, 0.7 * least)
    for _ in range(rounds):
        between = moved[:, None] - moved
        apart = np.linalg.norm(between, axis=2)
        push = np.clip(least - apart, 0, None) / (apart + 1e-9)
        moved = moved + 0.5 * (push[:, :, None] * between).sum(axis=1)
    return moved * size


def plot_cost(costs: Mapping[str, Sequence[tuple[int, float, int]]]) -> Figure:
    """Draw processor seconds per epoch and parameters over the length of vectors.

    Args:
        costs: whose vectors -> (length, seconds per epoch, parameters) for each length.
    """
    figure, panels = _figure(8.5, 3, 2)
    for whose, found in costs.items():
        length, *values = zip(*found, strict=True)
        for axes, value in zip(panels, values, strict=True):
            axes.plot(length, value, "o-", label=f"numbers for each {whose}")
    for axes, label in zip(panels, ("processor seconds per epoch", "parameters"), strict=True):
        axes.set(xlabel="length of the vector", ylabel=label, ylim=(0, None))
    panels[0].legend(fontsize=9)
    return figure
