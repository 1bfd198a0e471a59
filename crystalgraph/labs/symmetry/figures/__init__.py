"""Figures of the lab: rounds of refinement, kinds of atoms, what 12 neighbors do not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from crystalgraph.crystals.graphs import CrystalGraph
from crystalgraph.crystals.symmetry import refine_colors

COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Told apart by color-blind readers too (Okabe and Ito)."""
RING_GAPS = (2.0, 3.0, 2.0, 3.0, 4.0, 3.0)
"""Angstrom, between the atoms of the ring and the next."""
ROUNDING = 1e-16
"""Differences below are drawn here: a logarithmic axis has no zero."""


def ring(gaps: Sequence[float], atomic_number: int = 29) -> CrystalGraph:
    """The graph of like atoms in a ring, each with an edge to the next and one back.

    Args:
        gaps: distances to the next atom, in angstrom.
        atomic_number: of the atoms.
    """
    atom, n = np.arange(len(gaps)), len(gaps)
    center, neighbor = np.repeat(atom, 2), np.stack([atom - 1, atom + 1], axis=1).ravel() % n
    distance = np.stack([np.roll(gaps, 1), gaps], axis=1).ravel()
    image = np.zeros((2 * n, 3), dtype=int)
    return CrystalGraph("ring", np.full(n, atomic_number), center, neighbor, distance, image)


def target_rounds() -> Figure:
    """Draw the colors of six atoms in a ring at the start, and after one and two rounds."""
    graph = ring(RING_GAPS)
    figure = Figure(figsize=(9, 3.3), layout="constrained")
    titles = ("at the start: the element", "after one round", "after two rounds: it stays so")
    for rounds, (axes, title) in enumerate(zip(figure.subplots(1, 3), titles, strict=True)):
        colors = refine_colors(graph, rounds=rounds)
        _draw_ring(axes, colors)
        n_kinds = int(colors.max()) + 1
        axes.set_title(f"{title}\n{n_kinds} kind{'s' * (n_kinds > 1)}", fontsize=11)
    figure.suptitle("What right looks like: six copper atoms in a ring, gaps in Å", fontsize=11)
    return figure


def _draw_ring(axes, colors: np.ndarray) -> None:
    n = len(colors)
    angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    spot = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    axes.plot(*np.append(spot, spot[:1], axis=0).T, color="#7f7f7f", zorder=1)
    for i, gap in enumerate(RING_GAPS):
        middle = 0.78 * (spot[i] + spot[(i + 1) % n]) / 2
        axes.text(*middle, f"{gap:g}", ha="center", va="center", fontsize=10)
    axes.scatter(*spot.T, s=420, c=[COLORS[color] for color in colors], edgecolor="black", zorder=2)
    for i, color in enumerate(colors):
        axes.text(*spot[i], str(color), ha="center", va="center", color="white", weight="bold")
    axes.set(xlim=(-1.3, 1.3), ylim=(-1.25, 1.25), aspect="equal")
    axes.set_axis_off()


def plot_kinds(n_atoms: Sequence[int], n_kinds: Sequence[int]) -> Figure:
    """Draw how many crystals have how many atoms and kinds of atoms.

    Args:
        n_atoms: of each crystal's cell.
        n_kinds: of each crystal.

    Returns:
        A bar for each pair of numbers that occurs.
    """
    count = Counter(zip(n_atoms, n_kinds, strict=True))
    labels = [f"{atoms} atoms,\n{kinds} kinds" for atoms, kinds in sorted(count)]
    heights = [count[pair] for pair in sorted(count)]
    figure = Figure(figsize=(1.6 + 1.3 * len(count), 3.2), layout="constrained")
    axes = figure.subplots()
    bars = axes.bar(labels, heights, color=COLORS[0], width=0.6)
    axes.bar_label(bars)
    axes.set(ylabel="number of crystals", ylim=(0, 1.15 * max(heights)))
    axes.set_title("Atoms in the cell, and kinds of atoms", fontsize=11)
    return figure


def plot_learning(said: Mapping[int, np.ndarray], targets: Mapping[str, float]) -> Figure:
    """Draw what a network says of crystals while it learns their energies, and nothing else.

    Args:
        said: number of neighbors k -> outputs (n_steps, C), in eV/atom.
        targets: name of each crystal -> energy to be learned, in eV/atom.

    Returns:
        A panel for each k; the dashed lines are the targets.
    """
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    panels = figure.subplots(1, len(said), sharey=True, squeeze=False)[0]
    for axes, (k, outputs) in zip(panels, said.items(), strict=True):
        for number, (name, target) in enumerate(targets.items()):
            color, width = COLORS[number], 5 - 3 * number  # both are seen where they coincide
            axes.plot(outputs[:, number], color=color, linewidth=width, label=name)
            axes.axhline(target, color=color, linestyle="--", linewidth=1)
        axes.set(xlabel="gradient steps", ylim=(-1, 2))
        axes.set_title(f"{k} neighbors", fontsize=11)
        axes.legend(fontsize=9, loc="upper right")
    panels[0].set_ylabel("energy (eV/atom)")
    return figure


def plot_differences(
    neighbors: Sequence[int], differences: Mapping[str, Sequence[float]]
) -> Figure:
    """Draw how different a network's numbers for two crystals are, for numbers of neighbors.

    Args:
        neighbors: k of the graphs.
        differences: name of a pair of crystals -> |difference| / |number| for each k.

    Returns:
        The figure; what is below the gray line is rounding.
    """
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    place, width = np.arange(len(neighbors)), 0.8 / len(differences)
    for number, (name, values) in enumerate(differences.items()):
        shift = (number - (len(differences) - 1) / 2) * width
        heights = np.maximum(values, ROUNDING)
        axes.bar(place + shift, heights, width, bottom=0, color=COLORS[number], label=name)
    axes.axhline(1e-12, color="#7f7f7f", linestyle="--", label="below: rounding")
    axes.set(yscale="log", ylim=(ROUNDING, 1e3), xticks=place, xticklabels=map(str, neighbors))
    axes.set(xlabel="number of neighbors k in the graph", ylabel="|difference| / |number|")
    axes.legend(fontsize=9, ncols=3, loc="upper left")
    axes.set_title(
        "Cubic and hexagonal packing, seen by a network with random weights", fontsize=11
    )
    return figure
