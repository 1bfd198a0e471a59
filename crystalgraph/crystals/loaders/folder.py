"""Folders in the format of the original code: id_prop.csv and CIF files."""

from __future__ import annotations

import os
from pathlib import Path

from tqdm.auto import tqdm

from crystalgraph.crystals.datasets import CrystalDataset
from crystalgraph.crystals.features import AtomFeatures, atom_init_features, published_features
from crystalgraph.crystals.loaders.checks import Entry, choose_column, usable_dataset
from crystalgraph.crystals.loaders.cif import read_cif
from crystalgraph.crystals.loaders.id_prop import (
    ID_PROP,
    Row,
    fault_of_number,
    read_id_prop,
    table_number,
)
from crystalgraph.errors import CrystalGraphError

ATOM_INIT = "atom_init.json"


def load_cgcnn_folder(folder: str | Path, target: str | None = None) -> CrystalDataset:
    """Load a folder in the format of the original code.

    `id_prop.csv` has one crystal a line: its id, the target, further targets if you like; a first
    line may name the columns (see read_id_prop). The crystal is in ID.cif beside it. An
    atom_init.json there replaces the 92 published numbers.

    Args:
        folder: the folder.
        target: column that every crystal must have a number in; default the first.

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
    rows = _without_duplicates(rows, table, problems)
    entries = []
    for line, cells in tqdm(rows, "reading CIF files", disable=None, leave=False):
        try:
            entries.append(_folder_entry(folder, table, line, cells, columns, target))
        except CrystalGraphError as error:
            problems.append(str(error))
    return usable_dataset(folder.resolve().name, entries, features, problems, str(table))


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


def _folder_entry(
    folder: Path, table: Path, line: int, cells: list[str], columns: list[str], target: str
) -> Entry:
    identifier, values = cells[0], dict(zip(columns, cells[1:], strict=True))
    if not identifier:
        raise CrystalGraphError(
            f"{table}, line {line}: the id is missing; write the name of the CIF file without .cif."
        )
    if fault := fault_of_number(values[target]):
        raise CrystalGraphError(
            f"{table}, line {line}: the value of '{identifier}' in column '{target}' {fault}; "
            "correct it or remove the line."
        )
    path = _cif(folder, identifier)
    if not path.exists():
        raise CrystalGraphError(
            f"{table}, line {line}: there is no {path}; add the file or remove the line."
        )
    numbers = {column: table_number(cell) for column, cell in values.items()}
    return Entry(identifier, str(path), read_cif(path), numbers)


def _cif(folder: Path, identifier: str) -> Path:
    return folder / f"{identifier}.cif"
