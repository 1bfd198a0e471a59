"""Files of the packages matbench and matminer."""

from __future__ import annotations

import bz2
import gzip
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pymatgen.core import Structure
from sklearn.model_selection import KFold, StratifiedKFold

from crystalgraph.crystals.datasets import FOLD_OF_ROW, FOLDS, CrystalDataset
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.loaders.checks import (
    Entry,
    choose_column,
    finite_number,
    first_line,
    usable_dataset,
)
from crystalgraph.errors import CrystalGraphError

MATBENCH_SUFFIXES = (".json", ".json.gz", ".json.bz2")
MATBENCH_SEED = 18012019
"""Of the five folds of matbench 0.1 (A. Dunn et al., npj Comput. Mater. 6, 138 (2020))."""


def load_matbench(path: str | Path, target: str | None = None) -> CrystalDataset:
    """Load a file of the packages matbench and matminer, such as matbench_perovskites.json.gz.

    Such a file is a pandas table written with orient="split": {"index": [...], "columns": [...],
    "data": [[...], ...]}, in which structures are pymatgen dictionaries. In matbench_perovskites
    and castelli_perovskites the column e_form is in eV per cell of five atoms, not per atom.

    Args:
        path: .json, .json.gz or .json.bz2.
        target: column that every crystal must have a number in; default e_form, or the first
            column of numbers.

    Returns:
        The dataset, named after the file; ids are the table's index. Columns of numbers are
        targets, all others go to records, with the fold in which matbench tests the crystal.

    Raises:
        CrystalGraphError: the file is unreadable or of another format, or no crystal is usable.
    """
    path = Path(path)
    table = _read_table(path)
    columns, data = table["columns"], table["data"]
    crystals = _structure_column(columns, data, path)
    numeric = _numeric_columns(columns, data, crystals)
    if not numeric:
        raise CrystalGraphError(f"{path} has no column of numbers to predict; choose another file.")
    numeric.sort(key=lambda column: column != (target or "e_form"))
    target = choose_column(target, numeric, path)
    entries, problems = [], []
    times = Counter(map(str, table["index"]))
    folds = matbench_folds([_cell_number(cells[columns.index(target)]) for cells in data])
    for label, cells, fold in zip(map(str, table["index"]), data, folds, strict=True):
        row = dict(zip(columns, cells, strict=True)) | fold
        try:
            if times[label] > 1:
                raise CrystalGraphError(
                    f"{path}, row {label}: this index is there {times[label]} times, so all rows "
                    "with it were left out; give each row an index of its own."
                )
            entries.append(_matbench_entry(path, label, row, crystals, numeric, target))
        except CrystalGraphError as error:
            problems.append(str(error))
    name = path.name.split(".")[0]
    return usable_dataset(name, entries, published_features(), problems, str(path))


def matbench_folds(values: Sequence[float]) -> list[dict[str, int]]:
    """In which of matbench's five folds each row of a task's file is tested.

    The folds are of all rows, also of those that cannot be used: so what is left is compared on
    the same test crystals as elsewhere.

    Args:
        values: the target of each row; nothing but 0 and 1 is a class, whose share is then the
            same in all folds.

    Returns:
        The fold, 0 to 4, as an entry of each row's record; no entry with fewer than five rows, or
        five of a class.
    """
    targets, n = np.asarray(values), len(FOLDS)
    classes = set(values) == {0.0, 1.0}
    if min(Counter(values).values() if classes else [len(values)]) < n:
        return [{} for _ in values]
    kind = StratifiedKFold if classes else KFold
    folds = kind(n, shuffle=True, random_state=MATBENCH_SEED).split(targets, targets)
    number = np.empty(len(values), dtype=int)
    for fold, (_, tested) in enumerate(folds):
        number[tested] = fold
    return [{FOLD_OF_ROW: int(fold)} for fold in number]


def _read_table(path: Path) -> dict:
    opener = {".gz": gzip.open, ".bz2": bz2.open}.get(path.suffix, open)
    try:
        with opener(path, "rb") as file:
            table = json.load(file)
    except (OSError, EOFError, ValueError) as error:
        raise CrystalGraphError(
            f"{path} cannot be read as (packed) JSON ({first_line(error)}); download it again."
        ) from error
    parts = [table.get(key) for key in ("index", "columns", "data")] if type(table) is dict else []
    is_table = len(parts) == 3 and all(isinstance(part, list) for part in parts)
    if not is_table or len(table["index"]) != len(table["data"]):
        raise CrystalGraphError(
            f"{path} is not a table of the form index, columns, data, as matbench and matminer "
            'store it; write yours with DataFrame.to_json(orient="split").'
        )
    if any(type(row) is not list or len(row) != len(table["columns"]) for row in table["data"]):
        raise CrystalGraphError(
            f"{path}: rows differ in length from the list of columns; write the file again."
        )
    return table


def _structure_column(columns: Sequence[str], data: Sequence[list], path: Path) -> str:
    for number, column in enumerate(columns):
        cells = [row[number] for row in data]
        if any(isinstance(cell, dict) and "lattice" in cell for cell in cells):
            return column
    raise CrystalGraphError(
        f"{path} has no column of crystal structures; choose a dataset that has (matbench_steels, "
        "for instance, has compositions only)."
    )


def _numeric_columns(columns: Sequence[str], data: Sequence[list], crystals: str) -> list[str]:
    """Columns in which at least half of the cells are numbers."""
    found = []
    for number, column in enumerate(columns):
        finite = sum(math.isfinite(_cell_number(row[number])) for row in data)
        if column != crystals and finite and 2 * finite >= len(data):
            found.append(column)
    return found


def _cell_number(cell: object) -> float:
    """A JSON number (true and false are 1 and 0); text that looks like one is not."""
    return finite_number(cell) if isinstance(cell, int | float) else math.nan


def _matbench_entry(
    path: Path, label: str, row: Mapping, crystals: str, numeric: Sequence[str], target: str
) -> Entry:
    where = f"{path}, row {label}"
    if not math.isfinite(_cell_number(row[target])):
        raise CrystalGraphError(
            f"{where}: {target} is {row[target]!r}, not a number; remove the row."
        )
    try:
        structure = Structure.from_dict(row[crystals])
    except Exception as error:  # whatever pymatgen stumbles over
        raise CrystalGraphError(
            f"{where}: the structure cannot be read ({first_line(error)}); remove the row."
        ) from error
    record = {key: cell for key, cell in row.items() if key not in (crystals, *numeric)}
    return Entry(label, where, structure, {key: _cell_number(row[key]) for key in numeric}, record)
