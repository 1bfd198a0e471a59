"""Loaders for one's own crystals: a CGCNN folder, a matbench file, the Materials Project.

One bad entry among many is left out and described in the dataset's `problems`, in one sentence that
names the file and the cure. Only when nothing usable remains, or the file as a whole cannot be
read, is it an error. Whatever is wrong is found here, before any training.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import math
import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pymatgen.core import Structure
from tqdm.auto import tqdm

from crystalgraph.datasets import BUNDLED, CrystalDataset
from crystalgraph.errors import CrystalGraphError
from crystalgraph.features import AtomFeatures, atom_init_features, published_features
from crystalgraph.graphs import build_graph

ID_PROP = "id_prop.csv"
ATOM_INIT = "atom_init.json"
MATBENCH_SUFFIXES = (".json", ".json.gz", ".json.bz2")
MATERIALS_PROJECT_COLUMNS = ("formation_energy_per_atom", "energy_above_hull", "band_gap")
TOO_CLOSE = 0.1  # angstrom; nearer than this, two atoms are one atom written twice


@dataclass
class Entry:
    """One crystal on its way into a dataset: `where` is its file (and line), for messages."""

    id: str
    where: str
    structure: Structure
    values: dict[str, float]
    record: dict = field(default_factory=dict)


# --- any dataset -----------------------------------------------------------------------------


def load_dataset(name_or_path: str | Path, target: str | None = None) -> CrystalDataset:
    """Load a bundled dataset by name, or one's own by path.

    Args:
        name_or_path: "perovskites"; a folder with id_prop.csv; or a matbench file (.json,
            .json.gz, .json.bz2).
        target: column that every crystal must have a number in; default the first.

    Returns:
        The dataset.

    Raises:
        CrystalGraphError: there is no such dataset, or nothing in it can be used.
    """
    if str(name_or_path) in BUNDLED:
        return BUNDLED[str(name_or_path)]()
    path = Path(name_or_path)
    if path.is_dir():
        return load_cgcnn_folder(path, target)
    if path.is_file() and path.name.endswith(MATBENCH_SUFFIXES):
        return load_matbench(path, target)
    raise CrystalGraphError(
        f"There is no dataset '{name_or_path}'; give {' or '.join(BUNDLED)}, a folder with "
        f"{ID_PROP} and CIF files, or a matbench file that ends in .json.gz."
    )


def dataset_features(name_or_path: str | Path) -> AtomFeatures:
    """Atom features of a dataset: its own atom_init.json where a folder has one, else ours.

    Args:
        name_or_path: as for load_dataset.

    Returns:
        The table in the folder, or the 92 published numbers.
    """
    own = Path(name_or_path) / ATOM_INIT
    if str(name_or_path) not in BUNDLED and own.is_file():
        return atom_init_features(own)
    return published_features()


# --- single crystals -------------------------------------------------------------------------


def read_cif(path: str | Path) -> Structure:
    """Read the first crystal of a CIF file.

    Args:
        path: of the file.

    Returns:
        The structure, with the cell as it is written.

    Raises:
        CrystalGraphError: the file is missing, empty or cannot be understood.
    """
    path = Path(path)
    try:
        # Only comments and names can hold other letters than ASCII; a wrong one does not matter.
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be read ({error.strerror}); check the name and put the file there."
        ) from error
    if not text.strip():
        raise CrystalGraphError(f"{path} is empty; download or export the CIF file again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Structure.from_str(text, fmt="cif")
    except Exception as error:  # pymatgen raises whatever its parser runs into
        raise CrystalGraphError(
            f"{path} is not a CIF file that can be read ({_first_line(error)}); open it in a "
            "viewer such as VESTA, or export it again."
        ) from error


def check_crystal(structure: Structure, where: str, features: AtomFeatures | None = None) -> None:
    """Refuse what cannot become a graph with features; neighbors are not looked at.

    Args:
        structure: the crystal.
        where: its file, for the message.
        features: atom features it will be used with.

    Raises:
        CrystalGraphError: it has no atoms, a disordered site, or an element without features.
    """
    if not len(structure):
        raise CrystalGraphError(f"{where} holds no atoms; check its list of atomic positions.")
    for number, site in enumerate(structure):
        if not site.is_ordered:
            raise CrystalGraphError(
                f"{where}: site {number} ({site.species_string}) is shared by several species or "
                "partly empty; give an ordered structure with one element on each site."
            )
    numbers = {getattr(site.specie, "symbol", "?"): site.specie.Z for site in structure}
    known = set((features or published_features()).atomic_numbers)
    for symbol, number in numbers.items():
        if number not in known:
            raise CrystalGraphError(
                f"{where}: '{symbol}' is not an element with atom features; correct the symbol, or "
                "leave this crystal out."
            )


def check_graph(structure: Structure, where: str, **settings: object) -> None:
    """Refuse a crystal with an isolated atom, or with two atoms in one place.

    Args:
        structure: the crystal, with a chemical element on each site.
        where: its file, for the message.
        settings: of build_graph.

    Raises:
        CrystalGraphError: no graph can be made of it.
    """
    graph = build_graph(structure, where, **settings)
    nearest = int(graph.distance.argmin())
    if graph.distance[nearest] < TOO_CLOSE:
        raise CrystalGraphError(
            f"{where}: atoms {graph.center[nearest]} and {graph.neighbor[nearest]} are only "
            f"{graph.distance[nearest]:.3f} angstrom apart; remove the double one."
        )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".!") if lines else type(error).__name__


def _usable(
    name: str, entries: Sequence[Entry], features: AtomFeatures, problems: list[str], source: str
) -> CrystalDataset:
    """The dataset of all entries of which graphs with features can be made."""

    def passing(entries: Sequence[Entry], check: Callable[[Structure, str], None]) -> list[Entry]:
        kept = []
        for entry in entries:
            try:
                check(entry.structure, entry.where)
                kept.append(entry)
            except CrystalGraphError as error:
                problems.append(str(error))
        return kept

    kept = passing(entries, lambda structure, where: check_crystal(structure, where, features))
    if kept and not _all_graphs_fine(_dataset(name, kept, problems)):
        kept = passing(kept, check_graph)
    if not kept:
        raise CrystalGraphError(_nothing_left(source, problems))
    return _dataset(name, kept, problems)


def _dataset(name: str, entries: Sequence[Entry], problems: list[str]) -> CrystalDataset:
    return CrystalDataset(
        name,
        [entry.id for entry in entries],
        [entry.structure for entry in entries],
        {
            column: np.array([entry.values[column] for entry in entries])
            for column in entries[0].values
        },
        [entry.record for entry in entries],
        problems,
    )


def _all_graphs_fine(dataset: CrystalDataset) -> bool:
    """Build all graphs at once; they stay in the cache, where training finds them."""
    try:
        return all(graph.distance.min() >= TOO_CLOSE for graph in dataset.graphs())
    except CrystalGraphError:
        return False


def _nothing_left(source: str, problems: Sequence[str]) -> str:
    if not problems:
        return f"{source} holds no crystals; add some."
    if len(problems) == 1:
        return f"{source} has no usable crystal: {problems[0]}"
    return f"{source}: none of its {len(problems)} entries can be used; the first: {problems[0]}"


# --- CGCNN folders ---------------------------------------------------------------------------


def load_cgcnn_folder(folder: str | Path, target: str | None = None) -> CrystalDataset:
    """Load a folder in the format of the original code.

    `id_prop.csv` has one crystal a line: its id, the target, further targets if you like. Columns
    are called target, target_2, target_3 ..., unless the first line names them: a first line in
    which no cell after the first is a number, and whose id has no CIF file, is taken as names.
    The crystal is in ID.cif beside it. An atom_init.json there replaces the 92 published numbers.

    Args:
        folder: the folder.
        target: column that every crystal must have a number in; default the first.

    Returns:
        The dataset, named after the folder. A number missing in another column is NaN.

    Raises:
        CrystalGraphError: id_prop.csv is missing or unreadable, or no crystal is usable.
    """
    folder = Path(folder)
    table = folder / ID_PROP
    rows = _read_rows(table)
    columns, rows = _column_names(rows, folder)
    target = _choose_column(target, columns, table)
    features, problems = dataset_features(folder), []
    rows = _without_duplicates(rows, table, problems)
    entries = []
    for line, cells in tqdm(rows, "reading CIF files", disable=None, leave=False):
        try:
            entries.append(_folder_entry(folder, table, line, cells, columns, target))
        except CrystalGraphError as error:
            problems.append(str(error))
    return _usable(folder.resolve().name, entries, features, problems, str(table))


def _read_rows(table: Path) -> list[tuple[int, list[str]]]:
    """Line number and stripped cells of every line that is not empty."""
    try:
        text = table.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CrystalGraphError(
            f"{table} cannot be read ({error.strerror}); a CGCNN folder needs this file with one "
            "line 'id,target' per crystal."
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise CrystalGraphError(
            f"{table}, line {line}: this is not UTF-8 text; save the file as 'CSV UTF-8'."
        ) from error
    try:
        reader = csv.reader(text.splitlines(), skipinitialspace=True)
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise CrystalGraphError(
            f"{table} is not a table of comma-separated values ({error}); save it as CSV."
        ) from error
    rows = [(line, cells) for line, cells in rows if any(cells)]
    if not rows:
        raise CrystalGraphError(f"{table} is empty; write one line 'id,target' per crystal.")
    return rows


def _column_names(
    rows: list[tuple[int, list[str]]], folder: Path
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Names of the target columns, and the rows without the line that gave them."""
    first = rows[0][1]
    named = len(first) > 1 and all(math.isnan(_number(cell)) for cell in first[1:])
    if named and all(first) and first[1].lower() != "nan" and not _cif(folder, first[0]).exists():
        return first[1:], rows[1:]
    count = max(1, max(len(cells) for _, cells in rows) - 1)
    return ["target", *(f"target_{number}" for number in range(2, count + 1))], rows


def _choose_column(target: str | None, columns: Sequence[str], table: object) -> str:
    if target is not None and target not in columns:
        raise CrystalGraphError(
            f"{table} has no column '{target}'; choose one of {', '.join(columns)}."
        )
    return target or columns[0]


def _without_duplicates(
    rows: list[tuple[int, list[str]]], table: Path, problems: list[str]
) -> list[tuple[int, list[str]]]:
    """Rows with an id of their own; equal rows count once, contradicting ones not at all."""
    by_id: dict[str, list[tuple[int, list[str]]]] = {}
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
    identifier, values = cells[0], dict(zip(columns, cells[1:], strict=False))
    if not identifier:
        raise CrystalGraphError(
            f"{table}, line {line}: the id is missing; write the name of the CIF file without .cif."
        )
    if not math.isfinite(_number(values.get(target, ""))):
        said = f"is '{values[target]}', not a number" if values.get(target) else "is missing"
        raise CrystalGraphError(
            f"{table}, line {line}: the value of '{identifier}' in column '{target}' {said}; "
            "correct it or remove the line."
        )
    path = _cif(folder, identifier)
    if not path.exists():
        raise CrystalGraphError(
            f"{table}, line {line}: there is no {path}; add the file or remove the line."
        )
    numbers = {column: _number(values.get(column, "")) for column in columns}
    return Entry(identifier, str(path), read_cif(path), numbers)


def _cif(folder: Path, identifier: str) -> Path:
    return folder / f"{identifier}.cif"


def _number(cell: object) -> float:
    """A cell as a float; NaN for anything that is not a finite number."""
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan


# --- matbench --------------------------------------------------------------------------------


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
        targets, all others go to records.

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
    target = _choose_column(target, numeric, path)
    entries, problems = [], []
    times = Counter(map(str, table["index"]))
    for label, cells in zip(map(str, table["index"]), data, strict=True):
        row = dict(zip(columns, cells, strict=True))
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
    return _usable(name, entries, published_features(), problems, str(path))


def _read_table(path: Path) -> dict:
    opener = {".gz": gzip.open, ".bz2": bz2.open}.get(path.suffix, open)
    try:
        with opener(path, "rb") as file:
            table = json.load(file)
    except (OSError, EOFError, ValueError) as error:
        raise CrystalGraphError(
            f"{path} cannot be read as (packed) JSON ({_first_line(error)}); download it again."
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
    return _number(cell) if isinstance(cell, int | float) else math.nan


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
            f"{where}: the structure cannot be read ({_first_line(error)}); remove the row."
        ) from error
    record = {key: cell for key, cell in row.items() if key not in (crystals, *numeric)}
    return Entry(label, where, structure, {key: _cell_number(row[key]) for key in numeric}, record)


# --- Materials Project -----------------------------------------------------------------------


def load_materials_project(
    api_key: str | None = None,
    target: str = "formation_energy_per_atom",
    client: object | None = None,
    **query: object,
) -> CrystalDataset:
    """Download crystals from the Materials Project.

    Needs the optional package mp-api, a network, and an API key from your dashboard at
    materialsproject.org. Write the result to a CGCNN folder if you want to keep it.

    Args:
        api_key: default the environment variable MP_API_KEY.
        target: column that every crystal must have a number in: formation_energy_per_atom
            (eV/atom), energy_above_hull (eV/atom) or band_gap (eV).
        client: an open mp_api MPRester, or an object that answers like one; made when None.
        query: what to look for, as mp-api's summary search takes it, for example
            chemsys="Na-Cl", formula="ABC3", num_sites=(1, 20), is_stable=True.

    Returns:
        The dataset "materials_project"; ids are material ids such as mp-22862.

    Raises:
        CrystalGraphError: package or key is missing, the query is empty or fails, nothing usable.
    """
    _choose_column(target, MATERIALS_PROJECT_COLUMNS, "The Materials Project summary")
    if not query:
        raise CrystalGraphError(
            'Say what to download, for example chemsys="Na-Cl" or formula="ABC3": without a query '
            "it would be the whole Materials Project."
        )
    if client is None:
        with _materials_project_client(api_key) as opened:
            documents = _search(opened, query)
    else:
        documents = _search(client, query)
    entries, problems, seen = [], [], set()
    for document in documents:
        try:
            entries.append(_project_entry(document, target, seen))
        except CrystalGraphError as error:
            problems.append(str(error))
    source = f"The Materials Project's answer to {_spelled(query)}"
    return _usable("materials_project", entries, published_features(), problems, source)


def _materials_project_client(api_key: str | None) -> object:
    key = api_key or os.environ.get("MP_API_KEY")
    if not key:
        raise CrystalGraphError(
            "The Materials Project asks for an API key; copy yours from your dashboard at "
            "materialsproject.org into the environment variable MP_API_KEY."
        )
    try:
        from mp_api.client import MPRester
    except ImportError as error:
        raise CrystalGraphError(
            "The package mp-api is not installed; `pip install mp-api` brings it."
        ) from error
    return MPRester(key)


def _search(client: object, query: Mapping[str, object]) -> list:
    fields = ["material_id", "structure", *MATERIALS_PROJECT_COLUMNS]
    try:
        return list(client.materials.summary.search(**query, fields=fields))
    except Exception as error:  # the client's, the network's or the server's
        raise CrystalGraphError(
            f"The Materials Project did not answer {_spelled(query)} ({_first_line(error)}); check "
            "the query, the key and the network."
        ) from error


def _spelled(query: Mapping[str, object]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in query.items())


def _project_entry(document: object, target: str, seen: set[str]) -> Entry:
    """One document (an object, or a dictionary with use_document_model=False)."""

    def value(key: str) -> object:
        return document.get(key) if isinstance(document, Mapping) else getattr(document, key, None)

    identifier = str(value("material_id") or "")
    where = f"Materials Project entry {identifier or '(without id)'}"
    if not identifier or identifier in seen:
        said = "came twice and was used once" if identifier else "was left out"
        raise CrystalGraphError(f"{where} {said}; ask again if you need it.")
    seen.add(identifier)
    if not math.isfinite(_number(value(target))):
        raise CrystalGraphError(f"{where} has no {target}; choose another column or leave it out.")
    structure = value("structure")
    structure = Structure.from_dict(structure) if isinstance(structure, Mapping) else structure
    if not isinstance(structure, Structure):
        raise CrystalGraphError(f"{where} has no structure; leave it out.")
    numbers = {column: _number(value(column)) for column in MATERIALS_PROJECT_COLUMNS}
    return Entry(identifier, where, structure, numbers)
