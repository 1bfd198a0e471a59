"""Curves and bars of the lab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crystalgraph.labs.defects.study import Share

COLORS = {
    "mean": "#0072B2",
    "softmax": "#56B4E9",
    "attention": "#CC79A7",
    "max": "#E69F00",
    "score": "#009E73",
    "contrast": "#D55E00",
}
STYLES = ("-o", "--s", ":^")
Run = tuple[str, str, int]
"""Kind of the defects, readout, n of the cells."""
BEHIND_TEXT = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1}
CHANCE = {"color": "black", "linestyle": ":", "linewidth": 1}


def plot_losses(losses: Mapping[str, Sequence[float]]) -> Figure:
    """Training loss after each epoch.

    Args:
        losses: readout -> mean loss of each epoch, in nats.
    """
    figure, ax = plt.subplots(figsize=(5.6, 3.2), layout="constrained")
    for readout, values in losses.items():
        epochs = np.arange(1, len(values) + 1)
        ax.plot(epochs, values, "-o", ms=3, color=COLORS[readout], label=readout)
    ax.axhline(np.log(2), label="ln 2: knowing nothing", **CHANCE)
    ax.set(xlabel="epoch", ylabel="training loss (nats)", ylim=(0, 0.9))
    ax.legend(fontsize=8)
    return _finished(figure)


def plot_accuracies(
    shares: Mapping[Run, Share], baselines: Mapping[str, Mapping[str, Share]] | None = None
) -> Figure:
    """Accuracy on test hosts, a panel for each kind of defects, with standard errors.

    Args:
        shares: (kind, readout, n of the cells) -> share of right answers.
        baselines: kind -> name -> share, drawn as lines.
    """
    kinds = list(dict.fromkeys(kind for kind, _, _ in shares))
    readouts = list(dict.fromkeys(readout for _, readout, _ in shares))
    sizes = sorted({n for _, _, n in shares})
    figure, panels = plt.subplots(
        1, len(kinds), figsize=(5.2 * len(kinds), 3.6), layout="constrained", squeeze=False
    )
    width = 0.8 / len(readouts)
    for ax, kind in zip(panels[0], kinds, strict=True):
        for place, readout in enumerate(readouts):
            there = [at for at, n in enumerate(sizes) if (kind, readout, n) in shares]
            found = [shares[kind, readout, sizes[at]] for at in there]
            x = np.array(there) + (place - (len(readouts) - 1) / 2) * width
            ax.bar(x, [one.value for one in found], width, color=COLORS[readout], label=readout)
            errors = [one.error for one in found]
            ax.errorbar(x, [one.value for one in found], errors, fmt="none", ecolor="black", lw=1)
        _add_lines(ax, (baselines or {}).get(kind, {}))
        ax.axhline(0.5, **CHANCE)
        ax.set(title=kind, ylim=(0.4, 1.03), ylabel="accuracy on test hosts")
        ax.set_xticks(range(len(sizes)), [f"{n} x {n}" for n in sizes])
    entries = panels[0][0].get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=len(readouts), fontsize=9)
    return _finished(figure)


def _add_lines(ax: Axes, baselines: Mapping[str, Share]) -> None:
    """Baselines as lines, named at the right; those of equal height share a line."""
    heights: dict[float, list[str]] = {}
    for name, one in baselines.items():
        heights.setdefault(round(one.value, 2), []).append(name)
    for value, names in heights.items():
        ax.axhline(value, color="black", lw=1, ls="--")
        right, text = ax.get_xlim()[1], ", ".join(names)
        ax.text(right, value, text, fontsize=7, ha="right", va="bottom", bbox=BEHIND_TEXT)


def plot_dilution(
    n_atoms: np.ndarray, shifts: Mapping[str, np.ndarray], slopes: Mapping[str, float]
) -> Figure:
    """How far a defect moves the pooled vector, against the size of the cell; both logarithmic.

    Args:
        n_atoms: (S,) median number of atoms.
        shifts: readout -> (S,) median length of the difference vector.
        slopes: readout -> slope of the straight line.
    """
    figure, ax = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
    for readout, shift in shifts.items():
        label = f"{readout}: slope {round(slopes[readout], 2) + 0.0:.2f}"  # no -0.00
        ax.loglog(n_atoms, shift, "-o", ms=4, color=COLORS[readout], label=label)
    anchor = shifts["mean"][0] if "mean" in shifts else 1.0
    ax.loglog(n_atoms, anchor * n_atoms[0] / n_atoms, label="exactly 1/N", **CHANCE)
    ax.set(
        xlabel="atoms in the cell N",
        ylabel="shift of the pooled vector\n(network's units)",
        title="How a defect fades",
    )
    ax.legend(fontsize=8)
    return _finished(figure)


def plot_transfer(kind: str, shares: Mapping[tuple[str, int, int], Share]) -> Figure:
    """Accuracy at the size tested on, a line for each size trained on.

    Args:
        kind: of defects.
        shares: (readout, n trained on, n tested on) -> share of right answers.
    """
    readouts = list(dict.fromkeys(key[0] for key in shares))
    figure, panels = plt.subplots(
        1, len(readouts), figsize=(3.4 * len(readouts), 3.2), layout="constrained", sharey=True
    )
    for ax, readout in zip(np.atleast_1d(panels), readouts, strict=True):
        mine = {key[1:]: one for key, one in shares.items() if key[0] == readout}
        sizes = sorted({tested for _, tested in mine})
        for trained, style in zip(sorted({n for n, _ in mine}), STYLES, strict=False):
            found = [mine[trained, n] for n in sizes]
            values, errors = [one.value for one in found], [one.error for one in found]
            label = f"trained on {trained} x {trained}"
            ax.errorbar(sizes, values, errors, fmt=style, ms=4, color=COLORS[readout], label=label)
        ax.axhline(0.5, **CHANCE)
        ax.set(title=f"{kind}: {readout}", xlabel="tested on n x n cells, n =", xticks=sizes)
        ax.legend(fontsize=7)
    np.atleast_1d(panels)[0].set(ylabel="accuracy on test hosts", ylim=(0.4, 1.03))
    return _finished(figure)


def _finished(figure: Figure) -> Figure:
    """The figure, shown once: by the notebook, not by pyplot."""
    plt.close(figure)
    return figure
