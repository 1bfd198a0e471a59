"""Folders in the format of the original code: id_prop.csv and CIF files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from crystalgraph.crystals.datasets import CrystalDataset
from crystalgraph.crystals.features import AtomFeatures, atom_init_features, published_features
from crystalgraph.crystals.loaders.checks import (
    Entry,
    choose_column,
    usable_dataset,
)
from crystalgraph.crystals.loaders.id_prop import (
    ID_PROP,
    Row,
    fault_of_number,
    read_id_prop,
    table_number,
)
from crystalgraph.crystals.loaders.many_cifs import read_cifs
from crystalgraph.errors import CrystalGraphError

ATOM_INIT = "atom_init.json"
CIF_ENDINGS = (".cif", ".cif.txt", ".mcif")  # in small letters or capitals


def load_cgcnn_folder(
    folder: str | Path, target: str | None = None, accept_warnings: bool = False
) -> CrystalDataset:
    """Load a folder in the format of the original code.

    `id_prop.csv` has one crystal a line: its id, the target, further targets if you like; a first
    line may name the columns (see read_id_prop). The crystal is in ID.cif beside it (or ID.CIF,
    ID.cif.txt, ID.mcif). An atom_init.json there replaces the 92 published numbers.

    Args:
        folder: the folder.
        target: column that every crystal must have a number in; default the first.
        accept_warnings: use CIF files that contradict themselves, too.

    Returns:
        The dataset, named after the folder. A number missing in another column is NaN.

    Raises:
        CrystalGraphError: id_prop.csv is missing or malformed, or no crystal is usable.
    """
    folder = Path(folder)
    table = folder / ID_PROP
    columns, rows = read_id_prop(table, lambda name: os.path.isfile(_cif(folder, name)))
    target = choose_column(target, columns, table)
    features, problems = folder_features(folder), []
    listed = {cells[0] for _, cells in rows}
    rows = _without_duplicates(rows, table, problems)
    entries = _entries(folder, table, rows, columns, target, accept_warnings, problems)
    dataset = usable_dataset(folder.resolve().name, entries, features, problems, str(table))
    without_line = [path.name for path in cif_files(folder) if cif_id(path) not in listed]
    if without_line and "" not in listed:  # a line without an id is a problem of its own
        dataset.problems.append(
            f"{table} has no line for {shortened(without_line)}; add one if you want to use it."
        )
    return dataset


def cif_files(folder: Path) -> list[Path]:
    """The CIF files of a folder, by their names, in order; endings may be in capitals."""
    return sorted(path for path in folder.iterdir() if path.name.lower().endswith(CIF_ENDINGS))


def cif_id(path: Path) -> str:
    """The name of a CIF file without its ending."""
    ending = next((end for end in CIF_ENDINGS if path.name.lower().endswith(end)), path.suffix)
    return path.name[: len(path.name) - len(ending)]


def shortened(names: Sequence[str], limit: int = 5) -> str:
    """Names for a sentence: the first ones, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def folder_features(folder: Path) -> AtomFeatures:
    """The table of a folder's atom_init.json where it has one, else the 92 published numbers."""
    own = folder / ATOM_INIT
    return atom_init_features(own) if own.is_file() else published_features()


def _without_duplicates(rows: list[Row], table: Path, problems: list[str]) -> list[Row]:
    """Rows with an id of their own; equal rows count once, contradicting ones not at all."""
    by_id: dict[str, list[Row]] = {}
    for line, cells in rows:
        by_id.setdefault(cells[0] or f" line {line}", []).append((line, cells))
    kept = []
    for same in by_id.values():
        lines = ", ".join(str(line) for line, _ in same)
        if all(cells == same[0][1] for _, cells in same):
            kept.append(same[0])
            if len(same) > 1:
                problems.append(
                    f"{table}, lines {lines}: the same line for '{same[0][1][0]}' is there "
                    f"{len(same)} times and was used once; remove the others."
                )
        else:
            problems.append(
                f"{table}, lines {lines}: the lines of id '{same[0][1][0]}' differ, so all of "
                "them were left out; keep the right one."
            )
    return sorted(kept)


def _entries(
    folder: Path,
    table: Path,
    rows: list[Row],
    columns: list[str],
    target: str,
    accept_warnings: bool,
    problems: list[str],
) -> list[Entry]:
    """The crystals of all rows that have one; sentences about the others are added to problems."""
    found = [_file_of_row(folder, table, row, columns, target) for row in rows]
    files = [file for file in found if isinstance(file, Path)]
    readings = iter(read_cifs(folder, files, accept_warnings))
    entries = []
    for (_, (identifier, *cells)), file in zip(rows, found, strict=True):
        reading = next(readings) if isinstance(file, Path) else file
        if isinstance(reading, CrystalGraphError):
            problems.append(str(reading))
            continue
        structure, remarks = reading
        numbers = dict(zip(columns, map(table_number, cells), strict=True))
        entries.append(Entry(identifier, str(file), structure, numbers, warnings=remarks))
    return entries


def _file_of_row(
    folder: Path, table: Path, row: Row, columns: list[str], target: str
) -> Path | CrystalGraphError:
    """The CIF file of a row with an id and a number for the target; or what is wrong."""
    line, (identifier, *cells) = row
    if not identifier:
        return CrystalGraphError(
            f"{table}, line {line}: the id is missing; write the name of the CIF file without .cif."
        )
    if fault := fault_of_number(cells[columns.index(target)]):
        return CrystalGraphError(
            f"{table}, line {line}: the value of '{identifier}' in column '{target}' {fault}; "
            "correct it or remove the line."
        )
    path = _cif(folder, identifier)
    if not os.path.isfile(path):  # also of a name too long for any file
        return CrystalGraphError(
            f"{table}, line {line}: there is no {path}; add the file or remove the line."
        )
    return path


def _cif(folder: Path, identifier: str) -> Path:
    """The CIF file of a crystal; the usual name if there is none."""
    endings = [ending for small in CIF_ENDINGS for ending in (small, small.upper())]
    paths = [folder / f"{identifier}{ending}" for ending in (*endings, ".CIF.txt")]
    return next((path for path in paths if os.path.isfile(path)), paths[0])
