"""Pictures for notebook 2: messages, poolings, the network and what an invariance test sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from torch import Tensor, nn

BLUE, ORANGE, GREEN, PINK, SKY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"
GREY = "#6B6B6B"
TINTS = ("#D6E8F5", "#FBE6BD", "#CFEBDD")  # pale blue, orange, green


# ---- messages on a line of three atoms


def draw_messages(
    before: Sequence[float],
    bonds: Sequence[float],
    messages: Sequence[float],
    sums: Sequence[float],
    after: Sequence[float],
    title: str = "",
) -> Figure:
    """Draw one convolution on three atoms in a line, with one feature each.

    Args:
        before: (3,) atom features that go in.
        bonds: (2,) bond features, 0-1 and 1-2.
        messages: (4,) along the edges 0 from 1, 1 from 0, 1 from 2, 2 from 1.
        sums: (3,) what each atom collects.
        after: (3,) atom features that come out.
        title: of the figure.

    Returns:
        The figure: features and bonds on the left, messages in the middle, results on the right.
    """
    figure, axes = plt.subplots(1, 3, figsize=(11.5, 2.9), layout="constrained")
    figure.set_label("Three atoms in a line, drawn as circles with numbers in them")
    rows = zip(axes, (before, sums, after), ("in", "messages and their sums", "out"), strict=True)
    for axis, values, label in rows:
        _draw_atoms(axis, values, tint=TINTS[1] if values is sums else TINTS[0])
        axis.set_title(label, fontsize=11)
    for axis in (axes[0], axes[2]):
        for bond, x in zip(bonds, (0.5, 1.5), strict=True):
            axis.plot([x - 0.27, x + 0.27], [0, 0], color=GREY, lw=2, zorder=0)
            axis.text(x, 0.12, f"u = {bond:g}", ha="center", fontsize=9, color=GREY)
    for (source, target), message in zip(((1, 0), (0, 1), (2, 1), (1, 2)), messages, strict=True):
        _draw_message(axes[1], source, target, message)
    figure.suptitle(title, fontsize=12)
    return figure


def _draw_atoms(axis: Axes, values: Sequence[float], tint: str) -> None:
    for x, value in enumerate(values):
        axis.scatter(x, 0, s=1750, color=tint, edgecolor=BLUE, lw=1.2, zorder=2)
        axis.text(x, 0, f"{value:.4g}", ha="center", va="center", fontsize=9, zorder=3)
        axis.text(x, -0.66, f"atom {x}", ha="center", fontsize=9, color=GREY)
    axis.set(xlim=(-0.45, 2.45), ylim=(-0.74, 0.6))
    axis.axis("off")


def _draw_message(axis: Axes, source: int, target: int, message: float) -> None:
    """An arrow above the line to the right, below it to the left."""
    up = 1 if target > source else -1
    arrow = FancyArrowPatch(
        (source + 0.15 * up, 0.17 * up),
        (target - 0.15 * up, 0.17 * up),
        connectionstyle=f"arc3,rad={-0.35}",
        arrowstyle="-|>",
        mutation_scale=13,
        color=ORANGE,
        lw=1.8,
    )
    axis.add_patch(arrow)
    middle = (source + target) / 2
    axis.text(middle, 0.42 * up, f"{message:.4g}", ha="center", va="center", fontsize=9.5)


# ---- pooling


def draw_pooling(
    atom_features: np.ndarray, crystal: Sequence[int], results: Mapping[str, np.ndarray]
) -> Figure:
    """Draw atoms as colored rows of numbers, and what poolings make of them.

    Args:
        atom_features: (N, F) small numbers.
        crystal: (N,) crystal of each atom; at most three crystals.
        results: name of a pooling and its (C, F) result.

    Returns:
        The figure, one color per crystal.
    """
    tables = [("atom_features", np.asarray(atom_features), list(crystal))]
    for name, result in results.items():
        tables.append((name, np.asarray(result), list(range(len(result)))))
    figure, axes = plt.subplots(1, len(tables), figsize=(3.3 * len(tables), 2.5))
    figure.set_label("Tables of numbers; the rows of each crystal have a color of their own")
    for axis, (title, numbers, owners) in zip(axes, tables, strict=True):
        _draw_rows(axis, numbers, owners, "atom" if title == "atom_features" else "crystal")
        axis.set_title(title, fontsize=11)
    figure.tight_layout()
    return figure


def _draw_rows(axis: Axes, numbers: np.ndarray, owners: Sequence[int], what: str) -> None:
    for row, (values, owner) in enumerate(zip(numbers, owners, strict=True)):
        label = f"atom {row}, crystal {owner}" if what == "atom" else f"crystal {row}"
        axis.text(-0.15, row + 0.5, label, ha="right", va="center", fontsize=9, color=GREY)
        for column, value in enumerate(values):
            box = plt.Rectangle(
                (column, row), 1, 1, facecolor=TINTS[owner], edgecolor="white", lw=2
            )
            axis.add_patch(box)
            axis.text(column + 0.5, row + 0.5, f"{value:g}", ha="center", va="center", fontsize=10)
    axis.set(xlim=(-1.6, numbers.shape[1] + 0.1), ylim=(5, 0))
    axis.axis("off")


def plot_dilution(n_atoms: Sequence[int], changes: Mapping[str, Sequence[float]]) -> Figure:
    """Plot how much one odd atom changes pooled features, against the size of the crystal.

    Args:
        n_atoms: number of atoms in each cell.
        changes: name of a pooling and the length of the change of its result, for each cell.

    Returns:
        The figure, both axes logarithmic.
    """
    figure, axis = plt.subplots(figsize=(5.6, 3.4), layout="constrained")
    for (name, change), color, marker in zip(changes.items(), (BLUE, ORANGE), "os", strict=False):
        axis.loglog(n_atoms, change, color=color, marker=marker, label=name)
    axis.set_xticks(list(n_atoms), [str(n) for n in n_atoms])
    axis.minorticks_off()
    axis.set(xlabel="atoms in the cell, one of them odd", ylabel="change of the pooled features")
    axis.legend(frameon=False)
    return figure


# ---- gates


def plot_gates(
    distance: np.ndarray,
    curves: Mapping[str, np.ndarray],
    shells: Mapping[str, Sequence[float]],
    title: str = "",
) -> Figure:
    """Plot gates against the distance of the neighbor.

    Args:
        distance: (D,) in angstrom.
        curves: name of a neighbor and its gates (D, F), one column per feature.
        shells: name of a neighbor and the distances at which the crystal has it, in angstrom.
        title: of the figure.

    Returns:
        The figure: a panel per neighbor, a thin line per feature, the one that varies most thick,
        and a dashed line at each distance that occurs in the crystal.
    """
    figure, axes = plt.subplots(
        1, len(curves), figsize=(4.4 * len(curves), 3.5), sharey=True, squeeze=False
    )
    for axis, (name, gates), color in zip(
        axes[0], curves.items(), (BLUE, ORANGE, GREEN), strict=False
    ):
        axis.plot(distance, gates, color=color, lw=0.6, alpha=0.35)
        busiest = gates[:, np.ptp(gates, axis=0).argmax()]
        axis.plot(distance, busiest, color=color, lw=2.5, label="the gate that varies most")
        for shell in shells[name]:
            axis.axvline(shell, color=GREY, ls="--", lw=1)
            axis.text(shell, 1.04, f"{shell:.2f}", ha="center", fontsize=8.5, color=GREY)
        axis.set(xlabel="distance (angstrom)", ylim=(0, 1), xlim=(distance[0], distance[-1]))
        axis.set_title(name, fontsize=11, pad=18)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), fontsize=9, frameon=False)
    axes[0, 0].set_ylabel("gate (0 closed, 1 open)")
    figure.suptitle(title, fontsize=12)
    figure.tight_layout()
    return figure


# ---- the network


def draw_network(steps: Sequence[tuple[str, str]]) -> Figure:
    """Draw the network as a row of boxes.

    Args:
        steps: (what happens, shape afterwards) of each box.

    Returns:
        The figure: boxes from left to right, the shape of the data under each.
    """
    figure, axis = plt.subplots(figsize=(1.75 * len(steps), 1.7))
    figure.set_label("The network as a row of boxes, the shape of the data below each")
    for x, (name, shape) in enumerate(steps):
        color = TINTS[1] if "N" in shape else TINTS[0] if "C" in shape else "white"
        box = FancyBboxPatch(
            (x - 0.4, 0.1), 0.8, 0.8, boxstyle="round,pad=0.02", facecolor=color, edgecolor=GREY
        )
        axis.add_patch(box)
        axis.text(x, 0.5, name, ha="center", va="center", fontsize=9.5)
        axis.text(x, -0.2, shape, ha="center", va="center", fontsize=9.5, color=GREY)
        if x:
            axis.annotate(
                "",
                (x - 0.42, 0.5),
                (x - 0.58, 0.5),
                arrowprops={"arrowstyle": "-|>", "color": GREY},
            )
    axis.set(xlim=(-0.5, len(steps) - 0.5), ylim=(-0.35, 1.0))
    axis.axis("off")
    figure.tight_layout(pad=0.3)
    return figure


# ---- invariance


def plot_spread(predictions: Mapping[str, Mapping[str, Sequence[float]]], unit: str = "") -> Figure:
    """Plot predictions for one crystal written down in many ways; the same dot is what we want.

    Args:
        predictions: kind of graph -> {way of writing: predictions}.
        unit: of a prediction.

    Returns:
        The figure: a panel for each kind of graph, a row for each way, deviations from the first
        prediction of the panel.
    """
    figure, axes = plt.subplots(
        1, len(predictions), figsize=(5.2 * len(predictions), 2.3), sharex=True, sharey=True
    )
    for axis, (kind, ways) in zip(np.atleast_1d(axes), predictions.items(), strict=True):
        first = next(iter(ways.values()))[0]
        for row, values in enumerate(ways.values()):
            deviation = np.asarray(values) - first
            axis.scatter(deviation, np.full(len(deviation), row), s=45, color=BLUE, alpha=0.5)
        axis.axvline(0, color=GREY, lw=0.8, zorder=0)
        axis.set_yticks(range(len(ways)), list(ways))
        axis.set_ylim(len(ways) - 0.5, -0.5)
        axis.set_title(kind, fontsize=11)
        axis.set_xlabel(f"prediction minus the first one{f' ({unit})' if unit else ''}")
    figure.tight_layout()
    return figure


def catch_gates(layer: nn.Module, *inputs: Tensor) -> np.ndarray:
    """Run a gated layer and catch its gates on their way through.

    Args:
        layer: a ConvLayer; its fc_full has one row per edge, the first half of which are gates.
        inputs: atom_features, bond_features, center, neighbor.

    Returns:
        (E, F) numbers from 0 to 1, one row per edge in the order of `center`.
    """
    caught = []
    hook = layer.get_submodule("bn1").register_forward_hook(
        lambda module, args, output: caught.append(output)
    )
    try:
        with torch.no_grad():
            layer(*inputs)
    finally:
        hook.remove()
    return torch.sigmoid(caught[0][:, : inputs[0].shape[1]]).numpy()
