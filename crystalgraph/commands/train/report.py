"""What `crystalgraph train` prints and writes."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from crystalgraph.commands.train.job import Baselines, Fitted, Job
from crystalgraph.crystals.datasets import CrystalDataset
from crystalgraph.errors import CrystalGraphError
from crystalgraph.figures.common import plot_learning_curves, plot_parity, save_figure
from crystalgraph.networks.checkpoints import save_members
from crystalgraph.networks.scores import NORMAL, auc_interval, calibration
from crystalgraph.networks.training_run import RunResult

TITLES = {"mae": "MAE", "auc": "ROC-AUC", "accuracy": "accuracy"}
PART_NAMES = {"train": "train", "val": "validation", "test": "test"}
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
    """Two or three lines about what is going to happen."""
    split = job.split
    sizes = " / ".join(str(len(getattr(split, part))) for part in split.parts)
    names = " / ".join(PART_NAMES[part] for part in split.parts)
    settings = ", ".join(f"{name} {value}" for name, value in job.network.items())
    if job.start:
        settings += f"\nbeginning with the weights in {job.start}"
    settings += f"\natom features {job.features.name}" if job.features else ""
    return (
        f"{job.dataset.name}: {len(job.dataset)} crystals, {job.target}, split {split.name} "
        f"({sizes} {names})\n{settings}"
    )


def print_unknown(job: Job, fitted: Fitted) -> None:
    """Say on stderr which elements have no reference because no training crystal has them."""
    references = fitted.members[0].references
    sentence = references.unknown(job.dataset.structures) if references else ""
    if sentence:
        print(sentence, file=sys.stderr)


# --- files ---------------------------------------------------------------------------------------


def numbers(
    job: Job, fitted: Fitted, result: RunResult, baselines: Baselines, seconds: float
) -> dict[str, object]:
    """The numbers for --json; errors ("mae") are mean absolute errors in `unit`."""
    references = fitted.members[0].references
    return {
        "dataset": result.dataset,
        "target": result.target,
        "unit": result.unit,
        "split": result.split,
        "seed": result.train_settings["seed"],
        **{f"n_{part}": result.count(part) for part in job.split.parts},
        **flat(result.measures),
        **_ensemble_numbers(fitted, result),
        "baselines": {name: flat(baseline.measures) for name, baseline in baselines.items()},
        "references": asdict(references) if references else None,
        "references_tried": fitted.tried,
        "seconds": seconds,
        "seconds_training": result.seconds,
        "seconds_per_epoch": result.seconds / _n_epochs(fitted),
        "epochs": result.n_epochs,
        "best_epoch": result.history["best_epoch"] + 1,
        "n_parameters": result.n_parameters,
        "model_settings": result.model_settings,
        "graph_settings": result.graph_settings,
        "features": result.features,
        "train_settings": result.train_settings,
        "device": result.device,
        "trained_by": result.trained_by,
        "threads": result.threads,
        "n_problems": len(job.dataset.problems),
        "problems": job.dataset.problems,
        "out": str(job.out),
    }


def _ensemble_numbers(fitted: Fitted, result: RunResult) -> dict[str, object]:
    """Of an ensemble: what each member reaches, and how far the spread can be trusted."""
    if len(fitted.runs) == 1:
        return {}
    members = [
        {"seed": run.train_settings["seed"], "epochs": run.n_epochs, **flat(run.measures)}
        for run in fitted.runs
    ]
    return {"ensemble": len(members), "members": members, "calibration": _calibration(result)}


def _calibration(result: RunResult) -> dict[str, float]:
    """Of the test part, or of the validation part where there is no other; none of a classifier."""
    part = last_part(result)
    return {} if result.scores else calibration(result.errors(part), result.spread(part))


def last_part(result: RunResult) -> str:
    """Test, or validation where there is no test part."""
    return list(result.predictions)[-1]


def _n_epochs(fitted: Fitted) -> int:
    return sum(run.n_epochs for run in fitted.runs)


def flat(measures: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """{"test": {"mae": ...}} as {"test_mae": ...}."""
    return {f"{part}_{name}": value for part, m in measures.items() for name, value in m.items()}


def write_results(out: Path, fitted: Fitted, result: RunResult, baselines: Baselines) -> None:
    """Write checkpoint, predictions, history and figures into the folder."""
    save_members(fitted.members, out / "checkpoint.pt")
    _write_tables(out, result)
    unit, history, title = result.unit, result.history, f"{result.dataset}, split {result.split}"
    of_first = f"{title}, seed {result.train_settings['seed']}"
    if result.scores:
        save_figure(plot_learning_curves(history, title=of_first), out / "curves.png")
        return
    val, last = (
        {name: baseline.measures[part]["mae"] for name, baseline in baselines.items()}
        for part in ("val", last_part(result))
    )
    save_figure(plot_learning_curves(history, unit, val, of_first), out / "curves.png")
    parity = plot_parity(result.predictions, result.target, unit, last, title)
    save_figure(parity, out / "parity.png")


def _write_tables(out: Path, result: RunResult) -> None:
    part = last_part(result)
    rows = {**result.predictions[part], "unit": [result.unit] * result.count(part)}
    header = [name for name in ("id", "target", "prediction", "spread", "unit") if name in rows]
    columns = (rows[name] for name in header)
    write_csv(out / f"{part}_results.csv", header, zip(*columns, strict=True))
    if part == "val":  # of an earlier run into the same folder
        (out / "test_results.csv").unlink(missing_ok=True)
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


def summary(job: Job, fitted: Fitted, result: RunResult, baselines: Baselines) -> str:
    """All that is printed after the work."""
    said = [
        references_sentence(job, fitted),
        table(job, fitted, result, baselines),
        calibration_sentence(fitted, result),
        auc_sentence(job, result),
        last_line(job, fitted, result),
    ]
    return "\n\n".join(filter(None, said))


def references_sentence(job: Job, fitted: Fitted) -> str:
    """Whether element references are in force, and why."""
    used = fitted.members[0].references is not None
    if not fitted.tried:
        return "with element references" if used else ""
    unit, off, on = fitted.runs[0].unit, fitted.tried["off"], fitted.tried["on"]
    return (
        f"validation error {off:.4g} {unit}".rstrip() + f" without element references and {on:.4g} "
        f"with them, so they are {'used' if used else 'not used'} (--references on or off decides)"
    )


def table(job: Job, fitted: Fitted, result: RunResult, baselines: Baselines) -> str:
    """The network beside the simple predictors: mean absolute errors, or AUC and accuracy."""
    rows = _networks(job, fitted, result)
    rows |= {name: baseline.measures for name, baseline in baselines.items()}
    width, parts = max(map(len, rows)), job.split.parts
    tables = []
    for measure in ("auc", "accuracy") if result.scores else ("mae",):
        unit = f" ({result.unit})" if result.unit and measure == "mae" else ""
        head = (TITLES[measure] + unit).ljust(width)
        lines = [head + "".join(f"{part:>10}" for part in parts)]
        for name, measures in rows.items():
            cells = (measures[part].get(measure) for part in parts)
            shown = ("-" if cell is None else f"{cell:.4g}" for cell in cells)
            lines.append(name.ljust(width) + "".join(f"{cell:>10}" for cell in shown))
        tables.append("\n".join(lines))
    without = [part for part in parts if result.scores and "auc" not in result.scores[part]]
    if without:
        tables.append(
            f"The {' and '.join(without)} crystals are all of one class, so they have no ROC-AUC; "
            "add crystals."
        )
    return "\n\n".join(tables)


def _networks(job: Job, fitted: Fitted, result: RunResult) -> dict[str, dict]:
    """The rows of the network, or of the ensemble and its members."""
    kind, runs = f"{job.network['conv']}, {job.network['pooling']} pooling", fitted.runs
    if len(runs) == 1:
        return {f"network, {kind}": result.measures}

    def mean_of_members(part: str, name: str) -> float:
        return sum(run.measures[part][name] for run in runs) / len(runs)

    means = {
        part: {name: mean_of_members(part, name) for name in measures}
        for part, measures in result.measures.items()
    }
    return {
        f"{len(runs)} networks together, {kind}": result.measures,
        "one of them, on average": means,
    }


def calibration_sentence(fitted: Fitted, result: RunResult) -> str:
    """How far the spread of an ensemble can be trusted as an error bar."""
    if len(fitted.runs) == 1 or result.scores:
        return ""
    part, found = last_part(result), _calibration(result)
    one, two = found["within_1_spread"], found["within_2_spreads"]
    small = one < NORMAL[1] and two < NORMAL[2]
    return (
        f"{PART_NAMES[part]} errors within one spread (standard deviation over the networks): "
        f"{one:.0%}, within two: {two:.0%}; normally distributed errors with this standard "
        f"deviation: {NORMAL[1]:.0%} and {NORMAL[2]:.0%}."
        + small
        * " So the spread is too small as an error bar: what all networks get wrong is not "
        "in it."
    )


def last_line(job: Job, fitted: Fitted, result: RunResult) -> str:
    """How long it took, where, what trained, and where the results are."""
    n_epochs, n_networks = _n_epochs(fitted), len(fitted.runs)
    epochs = f"{n_epochs} epoch{'s' if n_epochs > 1 else ''}"
    if n_networks > 1:
        epochs = f"{n_networks} networks, {epochs} together"
    threads = f"{result.threads} thread{'s' * (result.threads > 1)}"
    how = f"on {result.device}, {threads}, by {result.trained_by}"
    return f"{epochs} in {result.seconds:.0f} s {how}; everything is in {job.out}"


def auc_sentence(job: Job, result: RunResult) -> str:
    """One line: the AUC of the test crystals and how far it can be trusted."""
    part = last_part(result)
    if "auc" not in result.measures[part]:
        return ""
    rows, formulas = result.predictions[part], job.dataset.formulas()
    chosen = [formulas[row] for row in getattr(job.split, part)]
    found = auc_interval(rows["target"], rows["prediction"], chosen)
    n_formulas = len(set(chosen))
    return f"{part} ROC-AUC with its 95 % interval over {n_formulas} formulas: {found}"
