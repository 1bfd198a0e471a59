"""Figures of atoms that move, and of what is learned of few examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

COLORS = ("#0072B2", "#D55E00", "#009E73")
GREY = "#8C8C8C"


def rotation_in_plane(degrees: float) -> np.ndarray:
    """A (3, 3) rotation around z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def plot_moves(panels: Sequence[tuple], magnify: float = 1.0) -> Figure:
    """Draw where atoms are (dots) and where they go (arrows), seen along z.

    Args:
        panels: (x, moved, title) each, positions (N, 3) in angstrom.
        magnify: factor on the length of the arrows.

    Returns:
        The figure.
    """
    places = np.concatenate([np.asarray(x) for x, _, _ in panels])[:, :2]
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    reach = np.ptp(places, axis=0).max() / 2 + 0.3
    width = 3.6 * len(panels)
    figure, axes = plt.subplots(
        1, len(panels), figsize=(width, 3.4), layout="constrained", squeeze=False
    )
    for ax, (x, moved, title) in zip(axes[0], panels, strict=True):
        x, way = np.asarray(x), magnify * (np.asarray(moved) - np.asarray(x))
        ax.scatter(x[:, 0], x[:, 1], s=[260, *[110] * (len(x) - 1)], color=GREY, zorder=1)
        ax.quiver(
            *(x[:, 0], x[:, 1], way[:, 0], way[:, 1]),
            **{"angles": "xy", "scale_units": "xy", "scale": 1, "color": COLORS[1], "zorder": 2},
        )
        ax.set(title=title, xlabel="x (angstrom)", ylabel="y (angstrom)", aspect="equal")
        ax.set(
            xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach)
        )
    return _finished(figure)


def symmetry_table(rows: Mapping[str, Mapping[str, bool]]) -> pd.DataFrame:
    """Which layer has which symmetry, "yes" or "NO".

    Args:
        rows: name of a layer -> what check_symmetries says of it.
    """
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.map(lambda holds: "yes" if holds else "NO")


def plot_learning(
    errors: Mapping[str, Mapping[int, float]],
    baselines: Mapping[str, float],
    unit: str,
    counted: str,
) -> Figure:
    """Draw errors against the number of training examples, both logarithmic.

    Args:
        errors: network -> number of examples -> error.
        baselines: name -> error, drawn as horizontal lines.
        unit: what the vertical axis says.
        counted: what the horizontal axis says.

    Returns:
        The figure.
    """
    figure, ax = plt.subplots(figsize=(7.6, 3.8), layout="constrained")
    for (name, curve), color, above in zip(errors.items(), COLORS, (7, -15, 7), strict=False):
        ax.plot(list(curve), list(curve.values()), "o-", color=color, label=name)
        for number, error in curve.items():
            ax.annotate(f"{error:.2f}", (number, error), (0, above), textcoords="offset points")
    for (name, error), style in zip(baselines.items(), ("--", ":"), strict=False):
        ax.axhline(error, color=GREY, linestyle=style, label=name)
    ax.set(xscale="log", yscale="log", xlabel=counted, ylabel=unit)
    numbers = sorted({number for curve in errors.values() for number in curve})
    ax.set_xticks(numbers, [f"{number:,}" for number in numbers], minor=False)
    ax.minorticks_off()
    ax.margins(x=0.12)
    low, high = ax.get_ylim()
    ticks = [
        tick for tick in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1, 2) if low <= tick <= high
    ]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    return _finished(figure)


def plot_way_home(off: Sequence[np.ndarray], names: Sequence[str]) -> Figure:
    """Draw how far all atoms are from their sites, after each application of the layer.

    Args:
        off: for each time, (N, 3) from the ideal sites to the atoms, in angstrom.
        names: of the times.

    Returns:
        The figure.
    """
    figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    distances = [np.linalg.norm(one, axis=1) for one in off]
    edges = np.linspace(0, np.quantile(distances[0], 0.995), 60)
    shades = np.linspace(0.25, 1, len(distances))
    for values, name, shade in zip(distances, names, shades, strict=True):
        label = f"{name}: RMS {np.sqrt((values**2).mean()):.3f} angstrom"
        ax.hist(
            values, edges, histtype="step", linewidth=1.6, alpha=shade, color=COLORS[0], label=label
        )
    ax.set(xlabel="distance to the ideal site (angstrom)", ylabel="atoms", yscale="log")
    ax.legend(frameon=False, fontsize=9)
    return _finished(figure)


def _finished(figure: Figure) -> Figure:
    """The figure, shown once: by the notebook, not by pyplot."""
    plt.close(figure)
    return figure
