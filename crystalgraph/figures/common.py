"""Figures of training runs. They need no display: each function returns a matplotlib Figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.training import History

COLORS = {"train": "#0072b2", "val": "#e69f00", "test": "#009e73", "baseline": "#7f7f7f"}
"""Told apart by color-blind readers too (Okabe and Ito)."""

_CURVES = ("training, in train mode", "validation")
_DASHES = ("--", ":", "-.", (0, (1, 3)))


def with_unit(label: str, unit: str) -> str:
    """A label with its unit in brackets, where there is one."""
    return f"{label} ({unit})" if unit else label


def plot_learning_curves(
    history: History | Mapping[str, Any],
    unit: str = "",
    baselines: Mapping[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Loss and mean absolute error against gradient steps; of a classifier, the losses.

    Args:
        history: of one training run.
        unit: of the errors; a classifier has none.
        baselines: validation MAE of simple predictors in that unit, drawn as horizontal lines.
        title: above the figure.

    Returns:
        A figure with the training loss left, and the errors right (both logarithmic). The
        training curves are averages over each epoch, in train mode: batch norm then uses the
        statistics of the batch, so they can lie above the validation error. Of a classifier, one
        panel with the negative log-likelihood of both parts.
    """
    columns = asdict(history) if isinstance(history, History) else history
    classes = not columns["val_mae"]
    figure = Figure(figsize=(5.5 if classes else 9.5, 4.4), layout="constrained")
    *left, error = figure.subplots(1, 1 if classes else 2, squeeze=False)[0]
    step = columns["step"]
    marker = "o" if len(step) == 1 else ""
    for loss in left:
        loss.plot(
            step, columns["train_loss"], color=COLORS["train"], marker=marker, label="training"
        )
        loss.set_ylabel("L1 loss of the normalized target (no unit)")
    names = ("train_loss", "val_loss") if classes else ("train_mae", "val_mae")
    for name, part, how in zip(names, ("train", "val"), _CURVES, strict=True):
        error.plot(step, columns[name], color=COLORS[part], marker=marker, label=how)
    _mark_best(error, columns, names[1])
    _draw_baselines(error, baselines or {})
    what = "negative log-likelihood" if classes else "mean absolute error"
    error.set_ylabel(with_unit(what, unit))
    for axes in (*left, error):
        axes.set_xlabel("gradient steps")
        _log_scale(axes)
        axes.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.17))
    figure.suptitle(title)
    return figure


def _log_scale(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)


def _mark_best(axes: Axes, columns: Mapping[str, Any], name: str) -> None:
    best = columns["best_epoch"]
    axes.plot(
        columns["step"][best],
        columns[name][best],
        "o",
        color=COLORS["val"],
        markeredgecolor="black",
        label=f"kept: epoch {best + 1}, {columns[name][best]:.3f}",
    )


def _draw_baselines(axes: Axes, baselines: Mapping[str, float]) -> None:
    for number, (name, mae) in enumerate(baselines.items()):
        style = _DASHES[number % len(_DASHES)]
        axes.axhline(mae, color=COLORS["baseline"], linestyle=style, label=f"{name}, {mae:.3f}")


def plot_parity(
    predictions: Mapping[str, Mapping[str, list]],
    target: str,
    unit: str,
    baselines: Mapping[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Predicted against true values; a perfect model lies on the diagonal.

    Args:
        predictions: for each part {"target": [...], "prediction": [...]}, in the unit; the first
            and the last part are shown, that is train and test, or train and validation.
        target: name of the predicted property.
        unit: of it.
        baselines: MAE of simple predictors on the last part, named below that of the network.
        title: above the figure.

    Returns:
        A square figure, training crystals in the background.
    """
    figure = Figure(figsize=(5.6, 5.6), layout="constrained")
    axes = figure.subplots()
    last = list(predictions)[-1]
    for part, size, alpha in (("train", 8, 0.25), (last, 18, 0.8)):
        rows = predictions[part]
        mae = np.abs(np.subtract(rows["prediction"], rows["target"])).mean()
        label = f"{part}, {len(rows['target'])} crystals, MAE {mae:.3f}"
        color = COLORS[part]
        axes.scatter(
            rows["target"], rows["prediction"], size, color, alpha=alpha, lw=0, label=label
        )
    for name, mae in (baselines or {}).items():
        axes.plot([], [], " ", label=f"{name}: {last} MAE {mae:.3f}")
    everything = [predictions[p][c] for p in ("train", last) for c in ("target", "prediction")]
    low, high = (f(np.concatenate(everything)) for f in (np.min, np.max))
    margin = 0.05 * (high - low) or 1.0
    axes.plot([low, high], [low, high], color="black", lw=0.8, zorder=0)
    axes.set_xlim(low - margin, high + margin)
    axes.set_ylim(low - margin, high + margin)
    axes.set_aspect("equal")
    name = target.replace("_", " ")
    axes.set_xlabel(with_unit(f"{name}, true", unit))
    axes.set_ylabel(with_unit(f"{name}, predicted", unit))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left")
    axes.set_title(title, fontsize=10)
    return figure


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure to a file.

    Args:
        figure: to be written.
        path: ends in .png, .svg or .pdf.

    Returns:
        The path.

    Raises:
        CrystalGraphError: the file cannot be written.
    """
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be written ({error.strerror}); choose another folder."
        ) from error
    return Path(path)
