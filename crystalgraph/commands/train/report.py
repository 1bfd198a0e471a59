"""What `crystalgraph train` prints and writes."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from crystalgraph.commands.train.job import Baselines, Job
from crystalgraph.crystals.datasets import PARTS, CrystalDataset
from crystalgraph.errors import CrystalGraphError
from crystalgraph.figures.common import plot_learning_curves, plot_parity, save_figure
from crystalgraph.networks.checkpoints import save_checkpoint
from crystalgraph.networks.scores import auc_interval
from crystalgraph.networks.training_run import RunResult, TrainedModel

TITLES = {"mae": "MAE", "auc": "ROC-AUC", "accuracy": "accuracy"}
SHOWN_PROBLEMS = 10


# --- before the work -----------------------------------------------------------------------------


def print_problems(dataset: CrystalDataset) -> None:
    """Say on stderr which entries were left out and why."""
    problems = dataset.problems
    if not problems:
        return
    print(
        f"{len(problems)} problem{'s' * (len(problems) > 1)} in {dataset.name}, "
        f"{len(dataset)} crystals kept:",
        file=sys.stderr,
    )
    for problem in problems[:SHOWN_PROBLEMS]:
        print(f"  {problem}", file=sys.stderr)
    if len(problems) > SHOWN_PROBLEMS:
        print(f"  and {len(problems) - SHOWN_PROBLEMS} more; --json lists all", file=sys.stderr)


def make_folders(out: Path, json_file: Path | None) -> None:
    """Make the folders for results before the work, so that a bad name costs no time.

    Raises:
        CrystalGraphError: a folder cannot be made.
    """
    for folder in (out, *([json_file.parent] if json_file else [])):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CrystalGraphError(
                f"{folder} cannot be made ({error.strerror}); choose another folder."
            ) from error


def describe(job: Job) -> str:
    """Two lines about what is going to happen."""
    split = job.split
    sizes = " / ".join(str(len(getattr(split, part))) for part in PARTS)
    settings = ", ".join(f"{name} {value}" for name, value in job.network.items())
    return (
        f"{job.dataset.name}: {len(job.dataset)} crystals, {job.target}, split {split.name} "
        f"({sizes} train / validation / test)\n{settings}"
    )


# --- files ---------------------------------------------------------------------------------------


def numbers(job: Job, result: RunResult, baselines: Baselines, seconds: float) -> dict[str, object]:
    """The numbers for --json; errors ("mae") are mean absolute errors in `unit`."""
    return {
        "dataset": result.dataset,
        "target": result.target,
        "unit": result.unit,
        "split": result.split,
        "seed": result.train_settings["seed"],
        **{f"n_{part}": result.count(part) for part in PARTS},
        **flat(result.measures),
        "baselines": {name: flat(baseline.measures) for name, baseline in baselines.items()},
        "seconds": seconds,
        "seconds_training": result.seconds,
        "seconds_per_epoch": result.seconds_per_epoch,
        "epochs": result.n_epochs,
        "best_epoch": result.history["best_epoch"] + 1,
        "n_parameters": result.n_parameters,
        "model_settings": result.model_settings,
        "graph_settings": result.graph_settings,
        "train_settings": result.train_settings,
        "device": result.device,
        "trained_by": result.trained_by,
        "threads": result.threads,
        "n_problems": len(job.dataset.problems),
        "problems": job.dataset.problems,
        "out": str(job.out),
    }


def flat(measures: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """{"test": {"mae": ...}} as {"test_mae": ...}."""
    return {f"{part}_{name}": value for part, m in measures.items() for name, value in m.items()}


def write_results(
    out: Path, trained: TrainedModel, result: RunResult, baselines: Baselines
) -> None:
    """Write checkpoint, predictions, history and figures into the folder."""
    save_checkpoint(trained, out / "checkpoint.pt")
    _write_tables(out, result)
    unit, history, title = result.unit, result.history, f"{result.dataset}, split {result.split}"
    if result.scores:
        save_figure(plot_learning_curves(history, title=title), out / "curves.png")
        return
    val, test = (
        {name: baseline.measures[part]["mae"] for name, baseline in baselines.items()}
        for part in ("val", "test")
    )
    save_figure(plot_learning_curves(history, unit, val, title), out / "curves.png")
    parity = plot_parity(result.predictions, result.target, unit, test, title)
    save_figure(parity, out / "parity.png")


def _write_tables(out: Path, result: RunResult) -> None:
    rows = result.predictions["test"]
    columns = (rows["id"], rows["target"], rows["prediction"], [result.unit] * len(rows["id"]))
    header = ("id", "target", "prediction", "unit")
    write_csv(out / "test_results.csv", header, zip(*columns, strict=True))
    curves = {name: c for name, c in result.history.items() if isinstance(c, list) and c}
    epochs = enumerate(zip(*curves.values(), strict=True), 1)
    write_csv(out / "history.csv", ("epoch", *curves), ((epoch, *row) for epoch, row in epochs))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Write a table."""
    _writing(path, lambda file: csv.writer(file, lineterminator="\n").writerows([header, *rows]))


def write_text(path: Path, text: str) -> None:
    """Write text."""
    _writing(path, lambda file: file.write(text))


def _writing(path: Path, write: Callable[[TextIO], object]) -> None:
    try:
        with open(path, "w", newline="", encoding="utf-8") as file:
            write(file)
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be written ({error.strerror}); choose another folder."
        ) from error


# --- on the screen -------------------------------------------------------------------------------


def table(job: Job, result: RunResult, baselines: Baselines) -> str:
    """The network beside the simple predictors: mean absolute errors, or AUC and accuracy."""
    network = f"network, {job.network['conv']}, {job.network['pooling']} pooling"
    rows = {network: result.measures}
    rows |= {name: baseline.measures for name, baseline in baselines.items()}
    width = max(map(len, rows))
    lines = []
    for measure in ("auc", "accuracy") if result.scores else ("mae",):
        unit = f" ({result.unit})" if result.unit and measure == "mae" else ""
        head = (TITLES[measure] + unit).ljust(width)
        lines.append(f"\n{head}" + "".join(f"{part:>10}" for part in PARTS))
        for name, measures in rows.items():
            cells = (measures[part].get(measure) for part in PARTS)
            shown = ("-" if cell is None else f"{cell:.4g}" for cell in cells)
            lines.append(name.ljust(width) + "".join(f"{cell:>10}" for cell in shown))
    without = [part for part in PARTS if result.scores and "auc" not in result.scores[part]]
    if without:
        parts = " and ".join(without)
        lines.append(
            f"\nThe {parts} crystals are all of one class, so they have no ROC-AUC; add crystals."
        )
    return "\n".join(lines)


def last_line(job: Job, result: RunResult) -> str:
    """How long it took, where, what trained, and where the results are."""
    epochs = f"{result.n_epochs} epoch{'s' if result.n_epochs > 1 else ''}"
    threads = f"{result.threads} thread{'s' * (result.threads > 1)}"
    how = f"on {result.device}, {threads}, by {result.trained_by}"
    return f"{epochs} in {result.seconds:.0f} s {how}; everything is in {job.out}"


def auc_sentence(job: Job, result: RunResult) -> str:
    """One line: the AUC of the test crystals and how far it can be trusted."""
    rows, formulas = result.predictions["test"], job.dataset.formulas()
    chosen = [formulas[row] for row in job.split.test]
    found = auc_interval(rows["target"], rows["prediction"], chosen)
    return f"test ROC-AUC with its 95 % interval over {len(set(chosen))} formulas: {found}"
