"""Figures of notebook 4: prototypes, scores of classifiers, who is wrong, crystals as polyhedra.

Class 1, the perovskites, is blue everywhere, class 0 orange. Flat figures are matplotlib, crystals
plotly (a browser shows at most about 16 three-dimensional pictures on one page).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from plotly.subplots import make_subplots
from pymatgen.core import PeriodicSite, Structure
from scipy.spatial import ConvexHull, QhullError

from crystalgraph import experiments
from crystalgraph.crystals.datasets import PEROVSKITE, CrystalDataset
from crystalgraph.experiments.live import Attempt
from crystalgraph.figures.structure import BUTTONS_LEFT_OUT, css
from crystalgraph.labs.hw.figures.energy import draw_attempt
from crystalgraph.networks.scores import Interval

PEROVSKITE_COLOR, OTHER_COLOR = "#0072B2", "#E69F00"
CLASS_COLORS = (OTHER_COLOR, PEROVSKITE_COLOR)  # by label
CLASS_NAMES = ("other oxides", "perovskites")
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
GREY = "#8C8C8C"
LONGEST_BOND = 1.35  # times the shortest: oxygens up to there belong to a polyhedron
SHOWN = 5.0  # angstrom: what is that near to one B is drawn
CAMERA = {"eye": {"x": 1.3, "y": 0.75, "z": 0.45}, "up": {"x": 0, "y": 0, "z": 1}}


# ---- the data


def plot_prototypes(dataset: CrystalDataset) -> Figure:
    """Draw how many crystals there are of each structure type.

    Args:
        dataset: the oxides; records hold "prototype".

    Returns:
        Left the perovskites, right the others; the dark part of a bar are crystals whose formula
        also occurs in the other class.
    """
    labels = dataset.target(PEROVSKITE).astype(int)
    twins = has_twin(dataset.formulas(), labels)
    names = np.array([record["prototype"] for record in dataset.records])
    figure, axes = plt.subplots(1, 2, figsize=(10, 5.6), layout="constrained")
    for ax, label in zip(axes, (1, 0), strict=True):
        total = Counter(names[labels == label])
        shared = Counter(names[(labels == label) & twins])
        order = sorted(total, key=lambda name: (total[name], name))
        shown = [name.removeprefix("perovskite_").replace("_", " ") for name in order]
        ax.barh(shown, [total[name] for name in order], color=CLASS_COLORS[label], alpha=0.35)
        ax.barh(
            shown, [shared[name] for name in order], color=CLASS_COLORS[label],
            label=f"formula occurs among the {CLASS_NAMES[1 - label]} too",
        )  # fmt: skip
        what = "space group" if label else "structure type"
        ax.set(xlabel="crystals", ylabel=what, title=f"{CLASS_NAMES[label]}: {total.total()}")
        ax.tick_params(axis="y", labelsize=8)
        ax.legend(frameon=False, fontsize=8, loc="lower right")
    return _tidy(figure)


def has_twin(formulas: Sequence[str], labels: np.ndarray) -> np.ndarray:
    """Whether each crystal's formula occurs in the other class too, (C,) of bool."""
    classes: dict[str, set[int]] = {}
    for formula, label in zip(formulas, labels, strict=True):
        classes.setdefault(formula, set()).add(int(label))
    return np.array([len(classes[formula]) == 2 for formula in formulas])


def plot_strips(
    dataset: CrystalDataset,
    values: np.ndarray,
    rows: np.ndarray,
    label: str,
    threshold: float | None = None,
) -> Figure:
    """Draw one number per crystal, a strip per structure type.

    Args:
        dataset: the oxides.
        values: (R,) number of each crystal in rows.
        rows: R rows of the dataset.
        label: what the number is, with its unit.
        threshold: drawn as a line.

    Returns:
        The figure; all perovskites share one strip per space group, the others are below.
    """
    labels = dataset.target(PEROVSKITE)[rows].astype(int)
    names = np.array([dataset.records[row]["prototype"] for row in rows])
    kinds = sorted(set(names), key=lambda n: (not n.startswith("perovskite"), n))
    figure, ax = plt.subplots(figsize=(8.5, 1.2 + 0.21 * len(kinds)), layout="constrained")
    spread = 0.3 * np.sin(
        7.0 * np.arange(len(rows))
    )  # so that equal numbers do not hide each other
    place = np.array([kinds.index(name) for name in names]) + spread
    for one, marker in ((1, "o"), (0, "^")):
        mine = labels == one
        ax.scatter(
            values[mine], place[mine], s=14, color=CLASS_COLORS[one], marker=marker,
            alpha=0.75, linewidths=0, label=CLASS_NAMES[one],
        )  # fmt: skip
    if threshold is not None:
        ax.axvline(threshold, color="black", linestyle="--", linewidth=1)
    shown = [name.replace("perovskite_", "perovskite ").replace("_", " ") for name in kinds]
    ax.set_yticks(range(len(kinds)), shown, fontsize=8)
    ax.set(xlabel=label, ylim=(len(kinds) - 0.4, -0.6))
    ax.grid(axis="y", alpha=0.25)
    ax.legend(
        frameon=False, fontsize=9, ncols=2, markerscale=1.6, loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
    )  # fmt: skip
    return _tidy(figure)


# ---- what right looks like, drawn before a task


def target_loss() -> Figure:
    """Draw the loss of one crystal against the probability given to its true class (Task 4.2)."""
    figure, ax = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
    probability = np.linspace(0.01, 1, 300)
    ax.plot(probability, -np.log(probability), color=PEROVSKITE_COLOR)
    said = {0.02: "sure, and wrong", 0.5: "knows nothing: ln 2 = 0.69", 0.98: "sure, and right"}
    for value, text in said.items():
        ax.plot(value, -np.log(value), "o", color=COLORS[1])
        right = value > 0.9
        ax.annotate(
            text, (value, -np.log(value)), (6, 20) if right else (8, 8), textcoords="offset points",
            ha="right" if right else "left",
        )  # fmt: skip
    ax.set(xlabel="probability given to the true class", ylabel="loss of this crystal", ylim=(0, 5))
    return _tidy(figure)


def target_pairs() -> Figure:
    """Draw the six pairs of Task 4.5's small example, won or lost."""
    scores, labels = np.array([0.9, 0.8, 0.7, 0.3, 0.2]), np.array([1, 0, 1, 0, 0])
    figure, ax = plt.subplots(figsize=(7.5, 2.6), layout="constrained")
    height = np.where(labels == 1, 1.0, 0.0)
    for i in np.flatnonzero(labels == 1):
        for j in np.flatnonzero(labels == 0):
            won = scores[i] > scores[j]
            ax.plot(
                scores[[i, j]], height[[i, j]], color=GREY if won else COLORS[1],
                linestyle="-" if won else "--", linewidth=1.2 if won else 2.2, zorder=1,
            )  # fmt: skip
    for label, marker in ((1, "o"), (0, "^")):
        mine = labels == label
        ax.scatter(scores[mine], height[mine], s=130, color=CLASS_COLORS[label], marker=marker)
    ax.text(0.77, 0.42, "lost", color=COLORS[1], ha="left")
    ax.set_yticks([0, 1], CLASS_NAMES)
    ax.set(xlabel="score", xlim=(0, 1), ylim=(-0.4, 1.4), title="6 pairs, 5 won: AUC = 5/6 = 0.833")
    return _tidy(figure)


# ---- scores of classifiers


def plot_confusions(matrices: Mapping[str, np.ndarray]) -> Figure:
    """Draw confusion matrices.

    Args:
        matrices: title -> (2, 2) counts; row: truth, column: prediction.

    Returns:
        One square per matrix; shades are shares of the row.
    """
    figure, axes = plt.subplots(
        1, len(matrices), figsize=(3.9 * len(matrices), 3.4), layout="constrained", squeeze=False
    )
    roles = (("right", "false alarms"), ("missed", "found"))
    for ax, (title, matrix) in zip(axes.flat, matrices.items(), strict=True):
        counts = np.asarray(matrix, dtype=float)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.6)  # light enough for black numbers
        for row in (0, 1):
            for column in (0, 1):
                text = f"{counts[row, column]:g}\n{roles[row][column]}"
                ax.text(column, row, text, ha="center", va="center", fontsize=11)
        ax.set_xticks([0, 1], ["other", "perovskite"])
        ax.set_yticks([0, 1], ["other", "perovskite"], rotation=90, va="center")
        ax.set(xlabel="prediction", ylabel="truth", title=title)
    plt.close(figure)
    return figure


def plot_thresholds(
    thresholds: np.ndarray, precision: np.ndarray, recall: np.ndarray, title: str = ""
) -> Figure:
    """Draw precision and recall against the probability from which on class 1 is predicted."""
    figure, ax = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
    ax.plot(thresholds, precision, color=COLORS[0], label="precision")
    ax.plot(thresholds, recall, color=COLORS[1], linestyle="--", label="recall")
    ax.axvline(0.5, color=GREY, linewidth=1)
    ax.set(xlabel="threshold (probability)", ylabel="share", ylim=(-0.03, 1.03), title=title)
    ax.legend(frameon=False)
    return _tidy(figure)


def plot_roc(labels: np.ndarray, scores: Mapping[str, np.ndarray]) -> Figure:
    """Draw ROC curves of classifiers on the same crystals.

    Args:
        labels: (C,) 0 or 1.
        scores: name -> (C,), higher means more like class 1.

    Returns:
        The figure; the area under each curve is in the legend.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    figure, ax = plt.subplots(figsize=(6.8, 4.6), layout="constrained")
    for (name, values), color, line in zip(scores.items(), COLORS, LINES, strict=False):
        alarms, found, _ = roc_curve(labels, values, drop_intermediate=False)
        area = roc_auc_score(labels, values)
        ax.plot(alarms, found, color=color, linestyle=line, label=f"{name}, AUC {area:.3f}")
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, zorder=0)
    ax.text(0.62, 0.56, "a coin", color=GREY, rotation=42, rotation_mode="anchor")
    ax.set(
        xlabel="share of the other oxides taken for perovskites",
        ylabel="share of the perovskites found", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02),
    )  # fmt: skip
    ax.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1.0, 0.02))
    return _tidy(figure)


def plot_intervals(intervals: Mapping[str, Interval]) -> Figure:
    """Draw AUCs with the interval that 95 % of the draws of formulas fall into."""
    figure, ax = plt.subplots(figsize=(7.5, 1.1 + 0.4 * len(intervals)), layout="constrained")
    for place, one in enumerate(intervals.values()):
        ax.plot([one.low, one.high], [place, place], color=COLORS[0], linewidth=3, alpha=0.5)
        ax.plot(one.value, place, "o", color=COLORS[0])
        ax.annotate(
            f"{one.value:.3f}", (one.value, place), (0, 7), textcoords="offset points",
            ha="center", fontsize=9,
        )  # fmt: skip
    ax.axvline(0.5, color=GREY, linewidth=1, linestyle=":")
    ax.axvline(1.0, color=GREY, linewidth=1, linestyle=":")
    ax.set_yticks(range(len(intervals)), list(intervals))
    ax.set(xlabel="test AUC (0.5: a coin, 1: perfect)", ylim=(len(intervals) - 0.5, -0.6))
    return _tidy(figure)


def plot_auc_groups(
    groups: Sequence[str],
    baselines: Mapping[str, float] | None = None,
    split: str = "formula",
    attempt: Attempt | None = None,
) -> Figure:
    """Draw test AUCs of finished runs, one panel per group of experiments.

    Args:
        groups: of experiments on the oxides.
        baselines: AUCs of simple classifiers, drawn as lines in the first panel.
        split: name of the split.
        attempt: an experiment that was guessed, marked with its runs in its group's panel.

    Returns:
        The figure: each seed a small dot, their mean a large one with its standard error.
        Panels have axes of their own.
    """
    rows = -(-len(groups) // 2)
    columns = min(len(groups), 2)
    tallest = max(len(experiments.GROUPS[group]) for group in groups)
    figure, axes = plt.subplots(
        rows, columns, figsize=(1.5 + 4.8 * columns, rows * (1.3 + 0.42 * tallest)),
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for ax, group in zip(axes.flat, groups, strict=False):
        _draw_aucs(ax, group, split)
        ax.set_xlabel(f"test AUC, {split} split")
        ax.margins(x=0.08)
    first = axes.flat[0]
    for (name, value), line in zip((baselines or {}).items(), LINES[1:], strict=False):
        first.axvline(value, color=COLORS[1], linestyle=line, linewidth=1, label=name)
    if attempt is not None:
        members = [list(experiments.GROUPS[group]) for group in groups]
        panel = next(n for n, names in enumerate(members) if attempt.name in names)
        draw_attempt(axes.flat[panel], members[panel].index(attempt.name), attempt)
    if baselines or attempt is not None:
        figure.legend(loc="outside lower center", fontsize=8, frameon=False, ncols=3)
    for ax in axes.flat[len(groups) :]:
        ax.remove()
    return _tidy(figure)


def _draw_aucs(ax: Axes, group: str, split: str) -> None:
    names = experiments.GROUPS[group]
    for place, name in enumerate(names):
        runs = experiments.load_runs(name, split)
        values = np.array([run.scores["test"]["auc"] for run in runs])
        error = values.std(ddof=1) / np.sqrt(len(values))
        color = COLORS[0] if name == experiments.reference(group) else COLORS[4]
        ax.errorbar(values.mean(), place, xerr=error, fmt="o", ms=8, color=color, capsize=3)
        ax.plot(values, np.full(len(values), place), ".", color="black", ms=4)
        ax.annotate(
            f"{values.mean():.3f}", (values.mean(), place), (0, 8), textcoords="offset points",
            ha="center", fontsize=9,
        )  # fmt: skip
    ax.set_yticks(range(len(names)), [experiments.label(name, group) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.7)
    ax.set_title(group.removeprefix("oxides_"))


# ---- who is wrong


def errors_by_prototype(
    dataset: CrystalDataset, rows: np.ndarray, probabilities: Sequence[np.ndarray]
) -> pd.DataFrame:
    """Count mistakes of each structure type.

    Args:
        dataset: the oxides.
        rows: R rows of the dataset.
        probabilities: (R,) of being a perovskite, one array per run.

    Returns:
        One row per prototype: label, crystals, mistakes (mean over the runs, threshold 0.5), and
        mean probability; most mistakes first.
    """
    labels = dataset.target(PEROVSKITE)[rows].astype(int)
    wrong = np.mean([(np.asarray(p) >= 0.5) != labels for p in probabilities], axis=0)
    table = pd.DataFrame(
        {
            "prototype": [dataset.records[row]["prototype"] for row in rows],
            "label": [CLASS_NAMES[label] for label in labels],
            "mistakes": wrong,
            "mean probability": np.mean(probabilities, axis=0),
        }
    )
    groups = table.groupby(["prototype", "label"], as_index=False)
    counted = groups.agg(
        crystals=("mistakes", "size"),
        mistakes=("mistakes", "sum"),
        probability=("mean probability", "mean"),
    )
    order = counted.sort_values(["mistakes", "crystals"], ascending=False, kind="stable")
    return order.set_index("prototype").round(2)


def least_right(labels: np.ndarray, probability: np.ndarray, n: int) -> np.ndarray:
    """Indices of the n crystals whose true class got the lowest probability, the worst first."""
    right = np.where(np.asarray(labels) == 1, probability, 1 - np.asarray(probability))
    return np.argsort(right, kind="stable")[:n]


# ---- crystals as polyhedra, in three dimensions


def draw_gallery(
    crystals: Sequence[tuple[Structure, Sequence[str], str]], columns: int = 3
) -> go.Figure:
    """Draw crystals beside each other: polyhedra of oxygens around B, and the other atoms.

    Args:
        crystals: (structure, symbols of the elements on B, title) of each.
        columns: in a row.

    Returns:
        The figure; each picture can be turned with the mouse.
    """
    rows = max(-(-len(crystals) // columns), 1)
    figure = make_subplots(
        rows,
        columns,
        specs=[[{"type": "scene"}] * columns] * rows,
        subplot_titles=[title for _, _, title in crystals],
        horizontal_spacing=0.01,
        vertical_spacing=0.16 / rows,
    )
    for number, (structure, b_elements, _) in enumerate(crystals):
        spot = {"row": number // columns + 1, "col": number % columns + 1}
        for trace in polyhedra(structure, b_elements):
            figure.add_trace(trace, **spot)
    hidden = {"visible": False}
    figure.update_scenes(xaxis=hidden, yaxis=hidden, zaxis=hidden, aspectmode="data", camera=CAMERA)
    figure.update_annotations(font_size=12)
    size = {"width": 40 + 262 * columns, "height": 95 + 300 * rows}
    return figure.update_layout(
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 85, "b": 0},
        modebar={"remove": BUTTONS_LEFT_OUT, "bgcolor": "white", "color": "#999999"},
        paper_bgcolor="white",
        **size,
    )


def draw_examples(dataset: CrystalDataset, kinds: Sequence[str]) -> go.Figure:
    """Draw the first crystal of each of some structure types, as draw_gallery does."""
    first: dict[str, int] = {}
    for row, record in enumerate(dataset.records):
        first.setdefault(record["prototype"], row)
    rows = [first[kind] for kind in kinds if kind in first]
    return draw_gallery(
        [
            (dataset.structures[row], dataset.records[row]["b_elements"], caption(dataset, row))
            for row in rows
        ]
    )


def caption(dataset: CrystalDataset, row: int, probability: float | None = None) -> str:
    """Formula and structure type of a crystal, its class, and what a network says about it."""
    record, label = dataset.records[row], int(dataset.target(PEROVSKITE)[row])
    kind = record["prototype"].replace("_", " ")
    truth = ("another oxide", "a perovskite")[label]
    said = "" if probability is None else f", P(perovskite) = {probability:.2f}"
    return f"{record['formula']}, {kind}<br>{truth}{said}"


def polyhedra(structure: Structure, b_elements: Sequence[str]) -> list[go.Mesh3d | go.Scatter3d]:
    """Traces of the surroundings of one B: a mesh of all polyhedra, the oxygens on it, other atoms.

    Args:
        structure: an oxide.
        b_elements: symbols of the elements in the polyhedra.

    Returns:
        plotly traces.
    """
    structure, near = _around_one(structure, b_elements)
    centers = [site for site in near if site.specie.symbol in b_elements]
    rest = [site for site in near if site.specie.symbol not in (*b_elements, "O")]
    corners, faces, bonds, n_points = [], [], [], 0
    for site in centers:
        points = _oxygens(structure, site)
        corners.append(points)
        try:
            faces.append(n_points + ConvexHull(points).simplices)
        except (QhullError, ValueError):  # flat, or fewer than four: no body to draw
            bonds.extend(end for point in points for end in (site.coords, point, _GAP))
        n_points += len(points)
    oxygens = np.unique(np.round(np.vstack(corners), 3), axis=0)
    traces = [
        _atoms([site.coords for site in rest], [site.specie.symbol for site in rest], 9),
        _atoms(list(oxygens), ["O"] * len(oxygens), 3),
        _atoms([site.coords for site in centers], [site.specie.symbol for site in centers], 5),
    ]
    if faces:
        traces.append(_mesh(np.vstack(corners), np.vstack(faces), css(b_elements[0])))
    if bonds:
        traces.append(_lines(np.array(bonds)))
    return traces


def _around_one(
    structure: Structure, b_elements: Sequence[str]
) -> tuple[Structure, list[PeriodicSite]]:
    """The crystal moved so that its first B is at the origin; this B and all atoms near it."""
    row = next(i for i, site in enumerate(structure) if site.specie.symbol in b_elements)
    moved = structure.copy()
    moved.translate_sites(range(len(moved)), -moved[row].frac_coords, to_unit_cell=False)
    return moved, [moved[row], *moved.get_neighbors(moved[row], SHOWN)]


_GAP = np.full(3, np.nan)  # a point that is no number lifts the pen


def _oxygens(structure: Structure, center: PeriodicSite) -> np.ndarray:
    """Where the oxygens of one B are, (6, 3) in angstrom for an octahedron."""
    near = [one for one in structure.get_neighbors(center, 5.0) if one.specie.symbol == "O"]
    shortest = min(one.nn_distance for one in near)
    mine = [one.coords for one in near if one.nn_distance <= LONGEST_BOND * shortest]
    return np.array(mine)


def _mesh(points: np.ndarray, faces: np.ndarray, color: str) -> go.Mesh3d:
    xyz = dict(zip("xyz", points.T, strict=True))
    ijk = dict(zip("ijk", faces.T, strict=True))
    return go.Mesh3d(**xyz, **ijk, color=color, opacity=0.55, flatshading=True, hoverinfo="skip")


def _lines(points: np.ndarray) -> go.Scatter3d:
    xyz = dict(zip("xyz", points.T, strict=True))
    return go.Scatter3d(**xyz, mode="lines", line={"color": GREY, "width": 4}, hoverinfo="skip")


def _atoms(points: Sequence[np.ndarray], symbols: Sequence[str], size: int) -> go.Scatter3d:
    marker = {"size": size, "color": [css(symbol) for symbol in symbols], "opacity": 1}
    marker["line"] = {"color": "#444444", "width": 1}
    return go.Scatter3d(
        **dict(zip("xyz", np.reshape(points, (-1, 3)).round(3).T, strict=True)),
        mode="markers",
        marker=marker,
        text=list(symbols),
        hoverinfo="text",
    )


def _tidy(figure: Figure) -> Figure:
    for ax in figure.axes:
        ax.spines[["top", "right"]].set_visible(False)
    plt.close(figure)  # shown once, as the cell's value
    return figure
