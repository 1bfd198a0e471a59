"""The periodic table as raw numbers: one Element per row of data/elements/elements.csv."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from crystalgraph import paths
from crystalgraph.errors import CrystalGraphError


@dataclass(frozen=True)
class Element:
    """The raw values of one element; None where no value is known.

    Attributes:
        atomic_number: number of protons, 1 to 100.
        symbol: chemical symbol.
        name: English name.
        group: column of the periodic table, 1 to 18; 0 for the f block (La-Yb, Ac-No).
        period: row of the periodic table, 1 to 7.
        block: "s", "p", "d" or "f".
        electron_configuration: ground state of the free atom, for example "[Ar] 3d6 4s2".
        valence_electrons: 1 to 12 (the rule is in data/elements/README.md).
        electronegativity: Pauling scale, no unit.
        covalent_radius: single bond, Pyykko, in pm.
        ionization_energy: first ionisation energy, in eV.
        electron_affinity: energy gained by taking up one electron, in eV.
        atomic_volume: in cm3/mol.
        atomic_mass: in u.
    """

    atomic_number: int
    symbol: str
    name: str
    group: int
    period: int
    block: str
    electron_configuration: str
    valence_electrons: int
    electronegativity: float | None
    covalent_radius: float | None
    ionization_energy: float | None
    electron_affinity: float | None
    atomic_volume: float | None
    atomic_mass: float | None


# Column of the CSV (units in its name) -> attribute of Element, and what its text is turned into.
_COLUMNS = {
    "atomic_number": ("atomic_number", int),
    "symbol": ("symbol", str),
    "name": ("name", str),
    "group": ("group", int),
    "period": ("period", int),
    "block": ("block", str),
    "electron_configuration": ("electron_configuration", str),
    "valence_electrons": ("valence_electrons", int),
    "electronegativity_pauling": ("electronegativity", float),
    "covalent_radius_pm": ("covalent_radius", float),
    "ionization_energy_eV": ("ionization_energy", float),
    "electron_affinity_eV": ("electron_affinity", float),
    "atomic_volume_cm3_per_mol": ("atomic_volume", float),
    "atomic_mass_u": ("atomic_mass", float),
}


def load_elements(path: str | Path | None = None) -> dict[int, Element]:
    """Read the table of raw element values.

    Args:
        path: a CSV with the columns of data/elements/elements.csv; None for that file.

    Returns:
        {atomic number: Element}, in the file's order.

    Raises:
        CrystalGraphError: the file is missing, lacks a column, or has a value that is no number.
    """
    return dict(_load(Path(path or paths.DATA / "elements" / "elements.csv")))


@cache
def _load(path: Path) -> Mapping[int, Element]:
    """Read and remember one file; the public function hands out copies."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or [])]
            if missing:
                raise CrystalGraphError(
                    f"{path} lacks the column {missing[0]!r}: "
                    "compare its first line with data/elements/elements.csv."
                )
            elements = [_parse(row, path, reader.line_num) for row in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise CrystalGraphError(
            f"The element table {path} cannot be read ({error}): "
            "restore it from the repository or point CRYSTALGRAPH_DATA at its data folder."
        ) from error
    return {element.atomic_number: element for element in elements}


def _parse(row: dict[str, str], path: Path, line: int) -> Element:
    """Turn one CSV row into an Element, an empty cell into None."""
    values = {}
    for column, (attribute, kind) in _COLUMNS.items():
        text = row[column]
        try:
            values[attribute] = None if kind is float and text == "" else kind(text)
        except (TypeError, ValueError) as error:
            raise CrystalGraphError(
                f"{path}, line {line}: {column} is {text!r}, which is no "
                f"{'whole ' if kind is int else ''}number; correct the cell."
            ) from error
    return Element(**values)
