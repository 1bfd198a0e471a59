"""`crystalgraph predict`: a property of your crystals, from our checkpoint or a published one."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalgraph.commands import crystal_files
from crystalgraph.errors import CrystalGraphError

if TYPE_CHECKING:
    from crystalgraph.commands.crystal_files import Reading
    from crystalgraph.networks.predictor import Predictor

XYZ = (".extxyz", ".xyz")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    crystal_files.add_arguments(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the predictions there")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write a table (.csv, .parquet), or the crystals with their predictions (.extxyz)",
    )


def main(args: argparse.Namespace) -> int:
    """Predict all crystals that can be read."""
    if args.out:
        crystal_files.require_table(args.out, (*crystal_files.TABLES, *XYZ))
    from crystalgraph.networks.predictor import Predictor

    predictor = Predictor.load(args.checkpoint, args.model)
    reading = crystal_files.Reading.of("predict", args, predictor)
    rows = predict_all(predictor, reading)
    if rows:
        print(table(predictor, rows))
    if args.out:
        write_out(args.out, predictor, reading, rows)
    if args.json:
        write_json(args.json, predictor, rows, reading)
    return 2 if reading.problems else 0


def predict_all(predictor: Predictor, reading: Reading) -> list[dict[str, Any]]:
    """One row for each crystal: id, file, value, spread of an ensemble, unit.

    Raises:
        CrystalGraphError: the model file does not work.
    """
    values, spreads = predictor.predict(reading.crystals)
    rows = []
    for number, crystal in enumerate(reading.crystals):
        row = {"id": crystal.id, "file": crystal.where, "value": float(values[number])}
        row |= {} if spreads is None else {"spread": float(spreads[number])}
        rows.append({**row, "unit": predictor.unit})
    return rows


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


def write_out(
    path: Path, predictor: Predictor, reading: Reading, rows: Sequence[dict[str, Any]]
) -> None:
    """Write the rows as a table, or the crystals as extended XYZ.

    Raises:
        CrystalGraphError: the file cannot be written.
    """
    if path.suffix in XYZ:
        _write_xyz(path, predictor, reading, rows)
        return
    import pandas as pd

    frame = pd.DataFrame(rows).rename(columns={"value": predictor.target})
    crystal_files.write_table(path, frame)


def _write_xyz(
    path: Path, predictor: Predictor, reading: Reading, rows: Sequence[dict[str, Any]]
) -> None:
    """One frame for each crystal; the prediction is in its `info`, under predicted_TARGET.

    The name is never that of a result that ASE knows, such as energy: a prediction per atom is no
    total energy of the cell.
    """
    import ase.io
    from ase import Atoms

    name = "predicted_" + re.sub(r"\W", "_", predictor.target)
    frames = []
    for crystal, row in zip(reading.crystals, rows, strict=True):
        structure = crystal.structure
        info = {"id": row["id"], name: row["value"], f"{name}_unit": row["unit"]}
        info |= {f"{name}_spread": row["spread"]} if "spread" in row else {}
        frame = Atoms(
            numbers=structure.atomic_numbers,
            positions=structure.cart_coords,
            cell=structure.lattice.matrix,
            pbc=True,
            info=info,
        )
        frames.append(frame)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ase.io.write(path, frames, format="extxyz")
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be written ({error.strerror or error}); choose another place for --out."
        ) from error


def write_json(
    path: Path, predictor: Predictor, rows: Sequence[dict[str, object]], reading: Reading
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
        "problems": reading.problems,
        "warnings": reading.warnings,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be written ({error.strerror}); choose another place for --json."
        ) from error
