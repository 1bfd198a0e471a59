"""`crystalgraph train`: a network on a bundled dataset or on your own crystals.

Needs torch and pymatgen, which are imported only once the arguments are known to be right.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import REPO

if TYPE_CHECKING:
    from crystalgraph.baselines import Baseline
    from crystalgraph.classification import ClassBaseline
    from crystalgraph.datasets import CrystalDataset, Split
    from crystalgraph.runs import RunResult, TrainedModel

    Baselines = dict[str, Baseline] | dict[str, ClassBaseline]

PARTS = ("train", "val", "test")
TITLES = {"mae": "MAE", "auc": "ROC-AUC", "accuracy": "accuracy"}
SHOWN_PROBLEMS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data",
        required=True,
        metavar="NAME_OR_FOLDER",
        help="perovskites; oxides (perovskite or not); a folder with id_prop.csv and ID.cif files; "
        "or a matbench .json.gz file",
    )
    data.add_argument("--target", metavar="COLUMN", help="what to predict; default: first column")
    data.add_argument("--unit", help="of the target; known for the bundled data")
    data.add_argument(
        "--split",
        metavar="random|formula|leave_out_X",
        help="leave_out_X tests on perovskites with element X on B; default: formula",
    )
    network = parser.add_argument_group("network")
    network.add_argument(
        "--model",
        type=Path,
        default=REPO / "model.py",
        metavar="FILE",
        help="Python file with CrystalGraphConvNet, such as model_hw.py; default: model.py",
    )
    network.add_argument("--conv", choices=("gated", "shared", "fast", "none"), default="gated")
    network.add_argument("--pooling", choices=("mean", "max", "softmax"), default="mean")
    network.add_argument("--width", type=_count, metavar="N", help="atom features inside")
    network.add_argument("--layers", type=_count, metavar="N", help="number of convolutions")
    training = parser.add_argument_group("training")
    training.add_argument("--epochs", type=_count, metavar="N")
    training.add_argument("--batch-size", type=_count, metavar="N")
    training.add_argument("--learning-rate", type=_rate, metavar="RATE")
    training.add_argument("--seed", type=_seed, default=0, metavar="S", help="default: 0")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out", type=Path, metavar="DIR", help="default: runs/ and a name made of the settings"
    )
    output.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")


def _count(text: str) -> int:
    return _number(text, int, lambda number: number >= 1, "a whole number of 1 or more")


def _seed(text: str) -> int:
    return _number(text, int, lambda number: 0 <= number < 2**32, "a whole number of 0 or more")


def _rate(text: str) -> float:
    return _number(text, float, lambda number: 0 < number < float("inf"), "a positive number")


def _number(text: str, kind: type, is_right: Callable[[float], bool], wanted: str) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not is_right(number):
        raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
    return number


def main(args: argparse.Namespace) -> int:
    """Load, train, compare with the baselines, write."""
    from crystalgraph.loaders import load_dataset
    from crystalgraph.model_loading import load_model_class

    model_class = load_model_class(args.model)
    dataset = load_dataset(args.data, args.target)
    report_problems(dataset)
    job = plan(args, dataset)
    make_folders(job.out, args.json)
    print(describe(job), flush=True)
    begun = time.perf_counter()
    trained, result = fit(job, model_class, args.model)
    baselines = compare(job, result)
    numbers = summary(job, result, baselines, time.perf_counter() - begun)
    write_results(job.out, trained, result, baselines)
    for path in filter(None, (job.out / "metrics.json", args.json)):
        write_text(path, json.dumps(numbers, indent=1) + "\n")
    print(table(job, result, baselines))
    if "auc" in result.measures["test"]:
        print(f"\n{interval(job, result)}")
    epochs = f"{result.n_epochs} epoch{'s' if result.n_epochs > 1 else ''}"
    print(f"\n{epochs} in {result.seconds:.0f} s; everything is in {job.out}")
    return 0


@dataclass(frozen=True)
class Job:
    """Everything that a run needs to know before it starts."""

    data: str
    dataset: CrystalDataset
    split: Split
    target: str
    unit: str | None
    model_settings: dict
    train_settings: dict
    device: str
    out: Path


def plan(args: argparse.Namespace, dataset: CrystalDataset) -> Job:
    """Fill in what was not asked for.

    Raises:
        CrystalGraphError: a target column or a split that does not exist.
    """
    from crystalgraph.training import pick_device

    target = args.target or next(iter(dataset.targets))
    dataset.target(target)
    split = choose_split(args.data, dataset, args.split)
    model_settings = {"conv": args.conv, "pooling": args.pooling}
    model_settings |= _given(width=args.width, n_conv=args.layers)
    train_settings = {"seed": args.seed} | _given(
        epochs=args.epochs, batch_size=args.batch_size, learning_rate=args.learning_rate
    )
    name = f"{dataset.name}-{target}-{split.name}-{args.conv}-{args.pooling}-seed{args.seed}"
    out = args.out or Path("runs") / name
    device = str(pick_device())
    settings = (model_settings, train_settings, device, out)
    return Job(args.data, dataset, split, target, args.unit, *settings)


def _given(**options: object) -> dict:
    return {name: value for name, value in options.items() if value is not None}


def choose_split(data: str, dataset: CrystalDataset, name: str | None) -> Split:
    """The shipped split of a bundled dataset, or one made here for one's own.

    Args:
        data: what --data said.
        dataset: it.
        name: random, formula, leave_out_X; None for formula, or random with too few formulas.

    Returns:
        The split; one's own data are split with the same seed in every run.
    """
    from crystalgraph.datasets import BUNDLED, load_split, make_split

    if data in BUNDLED:
        return load_split(dataset, name or "formula")
    if name is None:
        name = "formula" if len(set(dataset.formulas())) >= 3 else "random"
    return make_split(dataset, name)


def report_problems(dataset: CrystalDataset) -> None:
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
    settings = ", ".join(f"{name} {value}" for name, value in job.model_settings.items())
    return (
        f"{job.dataset.name}: {len(job.dataset)} crystals, {job.target}, split {split.name} "
        f"({sizes} train / validation / test)\ndevice {job.device}; {settings}"
    )


def fit(job: Job, model_class: type, file: Path) -> tuple[TrainedModel, RunResult]:
    """Train; what goes wrong inside the model file is told in one sentence.

    Raises:
        CrystalGraphError: a task of the model file is not done yet or wrong, or the data or
            settings do not allow training.
    """
    from crystalgraph.loaders import dataset_features
    from crystalgraph.model_loading import model_errors_explained
    from crystalgraph.runs import train_model
    from crystalgraph.training import TrainSettings

    arguments = (job.dataset, job.split, model_class, job.model_settings)
    options = {"features": dataset_features(job.data), "unit": job.unit, "device": job.device}
    with model_errors_explained(file):
        return train_model(*arguments, TrainSettings(**job.train_settings), job.target, **options)


def compare(job: Job, result: RunResult) -> Baselines:
    """The simple predictors; the line in N where the target may grow with the cell."""
    from crystalgraph.baselines import fit_baselines
    from crystalgraph.classification import fit_class_baselines

    if result.scores:
        return fit_class_baselines(job.dataset, job.split, job.target)
    unit = result.unit
    may_grow = "/atom" not in unit and unit != "eV"
    sizes = {len(structure) for structure in job.dataset.structures}
    return fit_baselines(job.dataset, job.split, job.target, line=may_grow and len(sizes) > 1)


def summary(job: Job, result: RunResult, baselines: Baselines, seconds: float) -> dict[str, object]:
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
        "train_settings": result.train_settings,
        "device": result.device,
        "n_problems": len(job.dataset.problems),
        "problems": job.dataset.problems,
        "out": str(job.out),
    }


def flat(measures: dict[str, dict[str, float]]) -> dict[str, float]:
    """{"test": {"mae": ...}} as {"test_mae": ...}."""
    return {f"{part}_{name}": value for part, m in measures.items() for name, value in m.items()}


def write_results(
    out: Path, trained: TrainedModel, result: RunResult, baselines: Baselines
) -> None:
    """Write checkpoint, predictions, history and figures into the folder."""
    from crystalgraph.checkpoints import save_checkpoint
    from crystalgraph.plots import plot_learning_curves, plot_parity, save_figure

    save_checkpoint(trained, out / "checkpoint.pt")
    unit, history = result.unit, result.history
    rows = result.predictions["test"]
    columns = (rows["id"], rows["target"], rows["prediction"], [unit] * len(rows["id"]))
    write_csv(
        out / "test_results.csv", ("id", "target", "prediction", "unit"), zip(*columns, strict=True)
    )
    names = [name for name, column in history.items() if isinstance(column, list) and column]
    epochs = zip(*(history[name] for name in names), strict=True)
    numbered = ((epoch, *row) for epoch, row in enumerate(epochs, 1))
    write_csv(out / "history.csv", ("epoch", *names), numbered)
    title = f"{result.dataset}, split {result.split}"
    val, test = (
        {name: baseline.measures[part].get("mae") for name, baseline in baselines.items()}
        for part in ("val", "test")
    )
    if result.scores:
        save_figure(plot_learning_curves(history, title=title), out / "curves.png")
        return
    save_figure(plot_learning_curves(history, unit, val, title), out / "curves.png")
    parity = plot_parity(result.predictions, result.target, unit, test, title)
    save_figure(parity, out / "parity.png")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Write a table."""
    _writing(path, lambda file: csv.writer(file, lineterminator="\n").writerows([header, *rows]))


def write_text(path: Path, text: str) -> None:
    """Write text."""
    _writing(path, lambda file: file.write(text))


def _writing(path: Path, write: Callable[[object], object]) -> None:
    try:
        with open(path, "w", newline="", encoding="utf-8") as file:
            write(file)
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be written ({error.strerror}); choose another folder."
        ) from error


def table(job: Job, result: RunResult, baselines: Baselines) -> str:
    """The network beside the simple predictors: mean absolute errors, or AUC and accuracy."""
    settings = job.model_settings
    rows = {f"network, {settings['conv']}, {settings['pooling']} pooling": result.measures}
    rows |= {name: baseline.measures for name, baseline in baselines.items()}
    width = max(map(len, rows))
    lines = []
    for measure in ("auc", "accuracy") if result.scores else ("mae",):
        unit = f" ({result.unit})" if result.unit and measure == "mae" else ""
        head = (TITLES[measure] + unit).ljust(width)
        lines.append(f"\n{head}" + "".join(f"{part:>10}" for part in PARTS))
        for name, measures in rows.items():
            cells = (measures[part].get(measure, float("nan")) for part in PARTS)
            lines.append(name.ljust(width) + "".join(f"{cell:10.4g}" for cell in cells))
    return "\n".join(lines)


def interval(job: Job, result: RunResult) -> str:
    """One line: the AUC of the test crystals and how far it can be trusted."""
    from crystalgraph.classification import auc_interval

    rows, formulas = result.predictions["test"], job.dataset.formulas()
    chosen = [formulas[row] for row in job.split.test]
    found = auc_interval(rows["target"], rows["prediction"], chosen)
    return f"test ROC-AUC {found}, 95 % interval over {len(set(chosen))} formulas"
