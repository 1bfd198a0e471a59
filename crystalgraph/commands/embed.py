"""`crystalgraph embed`: the vectors that a network makes of your crystals, or of their atoms."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crystalgraph.commands import crystal_files

if TYPE_CHECKING:
    import pandas as pd

    from crystalgraph.crystals.loaders.structure_files import NamedCrystal
    from crystalgraph.networks.embeddings import Embeddings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    crystal_files.add_arguments(parser)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="table to write: .csv, or .parquet (with the package pyarrow)",
    )
    parser.add_argument(
        "--atoms",
        action="store_true",
        help="a row for each atom, after the last convolution, with its element and fractional "
        "coordinates; default: a row for each crystal, after pooling and before conv_to_fc",
    )


def main(args: argparse.Namespace) -> int:
    """Embed all crystals that can be read."""
    crystal_files.require_table(args.out)
    from crystalgraph.networks.predictor import Predictor

    predictor = Predictor.load(args.checkpoint, args.model)
    if predictor.n_networks > 1:
        sentence = f"{args.checkpoint} is an ensemble of {predictor.n_networks} networks, whose "
        sentence += "vectors do not compare; these are of the first."
        print(f"crystalgraph embed: {sentence}", file=sys.stderr)
    reading = crystal_files.Reading.of("embed", args, predictor)
    if reading.crystals:
        found = predictor.embed(reading.crystals)
        table = (atom_table if args.atoms else crystal_table)(reading.crystals, found)
        crystal_files.write_table(args.out, table)
        kind = "atoms" if args.atoms else "crystals"
        width = found.crystals.shape[1]
        print(f"{len(table)} {kind}, vectors of {width} numbers; they are in {args.out}")
    return 2 if reading.problems else 0


def crystal_table(crystals: Sequence[NamedCrystal], found: Embeddings) -> pd.DataFrame:
    """A row for each crystal: id, formula, and its vector in the columns v0, v1 and so on."""
    import pandas as pd

    formulas = [crystal.structure.composition.reduced_formula for crystal in crystals]
    about = pd.DataFrame({"id": [crystal.id for crystal in crystals], "formula": formulas})
    return about.join(pd.DataFrame(found.crystals).add_prefix("v"))


def atom_table(crystals: Sequence[NamedCrystal], found: Embeddings) -> pd.DataFrame:
    """A row for each atom: id of its crystal, number in it, element, place in the cell, vector."""
    import numpy as np
    import pandas as pd

    about = [
        (crystal.id, number, site.specie.symbol, *site.frac_coords)
        for crystal in crystals
        for number, site in enumerate(crystal.structure)
    ]
    columns = ["id", "atom", "element", "frac_a", "frac_b", "frac_c"]
    vectors = pd.DataFrame(np.concatenate(found.atoms)).add_prefix("v")
    return pd.DataFrame(about, columns=columns).join(vectors)
