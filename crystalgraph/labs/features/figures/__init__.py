"""Figures of the lab: bases, errors with their bars, curves of energies, elements in a plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crystalgraph.crystals.elements import load_elements

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Told apart by color-blind readers too (Okabe and Ito)."""
MANY = 12
"""Columns above which a figure shows some of them only."""


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
    bases: Mapping[str, Callable[[torch.Tensor], torch.Tensor]], low: float = 1.5, high: float = 9
) -> Figure:
    """Draw the columns of bases over the distance.

    Args:
        bases: name -> distances (E,) in angstrom -> rows (E, K).
        low, high: ends of the axis, in angstrom.
    """
    figure, panels = _figure(4 * len(bases), 3, len(bases))
    distance = torch.linspace(low, high, 1500, dtype=torch.float64)
    for axes, (name, basis) in zip(panels, bases.items(), strict=True):
        rows = basis(distance).numpy()
        everywhere = (np.abs(rows) > 1e-6).mean() > 0.5  # then a few fill the figure
        shown = range(5) if everywhere else range(0, rows.shape[1], max(1, rows.shape[1] // MANY))
        for number, column in enumerate(shown):
            axes.plot(distance, rows[:, column], color=COLORS[number % len(COLORS)], lw=1.3)
        axes.set(xlabel="distance (Å)", title=f"{name}: {len(shown)} of {rows.shape[1]} columns")
    return figure


def plot_errors(
    errors: Mapping[str, Sequence[float]], baselines: Mapping[str, float], title: str
) -> Figure:
    """Draw test errors, one point for each seed, the mean with its standard error, and baselines.

    Args:
        errors: name -> test errors in eV/atom, one for each seed.
        baselines: name -> test error in eV/atom.
        title: above the figure.
    """
    figure, (axes,) = _figure(8, 1.2 + 0.38 * len(errors))
    for place, values in enumerate(errors.values()):
        axes.plot(values, [place] * len(values), "o", color=COLORS[0], alpha=0.45)
        if len(values) > 1:
            bar = np.std(values, ddof=1) / np.sqrt(len(values))
            axes.errorbar(np.mean(values), place, xerr=bar, fmt="k|", ms=12, capsize=3)
    for number, (name, value) in enumerate(baselines.items()):
        axes.axvline(value, ls="--", color=COLORS[1 + number], label=f"{name}: {value:.3f}")
    axes.set_yticks(range(len(errors)), list(errors))
    axes.invert_yaxis()
    axes.set(xlabel="test error (eV/atom), lower is better", title=title)
    axes.set_xlim(left=0)
    if baselines:
        axes.legend(fontsize=9, loc="lower right")
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
        axes.plot(100 * strain, gradient, color=COLORS[0], label="gradient")
        axes.plot(100 * strain, difference, "x", color=COLORS[1], label="small differences")
        axes.set(xlabel="change of all lengths (%)", ylabel="dE/d(strain) (eV/atom)", title=name)
        axes.legend(fontsize=9)
    return figure


def plot_elements(places: Mapping[str, np.ndarray]) -> Figure:
    """Draw elements in a plane, the color says the block and the text the group.

    Args:
        places: symbol -> (2,), without unit.
    """
    figure, (axes,) = _figure(8, 5.5)
    known = {element.symbol: element for element in load_elements().values()}
    for symbol, (x, y) in places.items():
        element = known[symbol]
        axes.plot(x, y, "o", ms=17, color=COLORS["spdf".index(element.block)], alpha=0.35)
        axes.text(x, y, symbol, ha="center", va="center", fontsize=9)
    for number, block in enumerate("spdf"):
        axes.plot([], [], "o", color=COLORS[number], alpha=0.5, label=f"{block} block")
    axes.legend(fontsize=9)
    axes.set(xticks=[], yticks=[], xlabel="first direction (no unit)", ylabel="second direction")
    axes.set_title("What the first layer learned of the elements, the two widest directions")
    return figure


def plot_cost(length: Sequence[int], seconds: Sequence[float], parameters: Sequence[int]) -> Figure:
    """Draw seconds per epoch and parameters over the length of the atoms' vectors."""
    figure, panels = _figure(8.5, 3, 2)
    shown = (("processor seconds per epoch", seconds), ("parameters", parameters))
    for axes, (label, values) in zip(panels, shown, strict=True):
        axes.semilogx(length, values, "o-", color=COLORS[0])
        axes.set(xlabel="numbers for each atom", ylabel=label)
        axes.set_ylim(0, 1.2 * max(values))
    return figure
