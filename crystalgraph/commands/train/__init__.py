"""`crystalgraph train`: a network on a bundled dataset or on your own crystals.

Needs torch and pymatgen, which are imported only once the arguments are known to be right.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from crystalgraph.paths import REPO


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
        metavar="random|formula|leave_out_X|fold_N|all",
        help="leave_out_X tests on perovskites with element X on B; fold_0 to fold_4 are those of "
        "matbench, for its files; all has no test part, for who has test crystals elsewhere; "
        "default: formula",
    )
    data.add_argument(
        "--accept-warnings",
        action="store_true",
        help="also use CIF files that contradict themselves (formula, symmetry, atoms, volume)",
    )
    network = parser.add_argument_group("network")
    network.add_argument(
        "--model",
        type=Path,
        default=REPO / "model.py",
        metavar="FILE",
        help="your model file, with the class CrystalGraphConvNet; default: model.py",
    )
    network.add_argument(
        "--from",
        dest="start",
        metavar="FILE",
        help="begin with the weights of a checkpoint, ours or a published one, and train it "
        "further on the data; network, atom features and graphs are then the checkpoint's",
    )
    network.add_argument(
        "--conv", choices=("gated", "shared", "fast", "none"), help="default: gated"
    )
    network.add_argument("--pooling", choices=("mean", "max", "softmax"), help="default: mean")
    network.add_argument("--width", type=_count, metavar="N", help="atom features inside")
    network.add_argument("--layers", type=_count, metavar="N", help="number of convolutions")
    network.add_argument(
        "--features",
        metavar="TEXT",
        help='what the network is told of atoms, such as "group:onehot + '
        'electronegativity:binned(10) + covalent_radius:scaled"; default: the published 92 numbers',
    )
    training = parser.add_argument_group("training")
    training.add_argument("--epochs", type=_count, metavar="N")
    training.add_argument("--batch-size", type=_count, metavar="N")
    training.add_argument(
        "--learning-rate",
        type=_rate,
        metavar="RATE",
        help="highest one; default: 0.005, with --from 0.001",
    )
    training.add_argument("--seed", type=_seed, default=0, metavar="S", help="default: 0")
    training.add_argument(
        "--ensemble",
        type=_count,
        default=1,
        metavar="N",
        help="train N networks with the seeds S, S+1, ...; their mean predicts, their spread is an "
        "error bar",
    )
    training.add_argument(
        "--references",
        choices=("on", "off", "auto"),
        help="subtract a number for each element from the target, and learn the rest; auto tries "
        "both and keeps what has the lower validation error. Default: auto for your own crystals, "
        "off for the bundled ones, but on with --split all",
    )
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out", type=Path, metavar="DIR", help="default: runs/ and a name made of the settings"
    )
    output.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")


def _count(text: str) -> float:
    return _number(text, int, lambda number: number >= 1, "a whole number of 1 or more")


def _seed(text: str) -> float:
    return _number(text, int, lambda number: 0 <= number < 2**32, "a whole number of 0 or more")


def _rate(text: str) -> float:
    return _number(text, float, lambda number: 0 < number < float("inf"), "a positive number")


def _number(
    text: str, kind: Callable[[str], float], is_right: Callable[[float], bool], wanted: str
) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not is_right(number):
        raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
    return number


def main(args: argparse.Namespace) -> int:
    """Load, train, compare with the baselines, write."""
    from crystalgraph.commands.train import job as jobs
    from crystalgraph.commands.train import report
    from crystalgraph.crystals.loaders import load_dataset
    from crystalgraph.networks.ensembles import join
    from crystalgraph.networks.model_file import load_model_class
    from crystalgraph.networks.starting_points import load_starting_point

    model_class = load_model_class(args.model)
    start = load_starting_point(args.start, model_class) if args.start else None
    dataset = load_dataset(args.data, args.target, args.accept_warnings)
    report.print_problems(dataset)
    job = jobs.plan(args, dataset, start)
    report.make_folders(job.out, args.json)
    print(report.describe(job), flush=True)
    begun = time.perf_counter()
    fitted = jobs.fit(job, model_class, args.model)
    result = join(fitted.runs)
    report.print_unknown(job, fitted)
    baselines = jobs.baselines(job, result)
    numbers = report.numbers(job, fitted, result, baselines, time.perf_counter() - begun)
    report.write_results(job.out, fitted, result, baselines)
    for path in filter(None, (job.out / "metrics.json", args.json)):
        report.write_text(path, json.dumps(numbers, indent=1) + "\n")
    print(f"\n{report.summary(job, fitted, result, baselines)}")
    return 0
