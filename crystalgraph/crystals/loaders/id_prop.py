"""The table of a CGCNN folder, id_prop.csv: one crystal a line, its id and then its targets.

Whatever is wrong with the form of the table (the separator, a quotation mark, the number of cells)
puts the other lines in doubt too. Such a table is refused, and the message names the line. A value
that is not a number concerns one crystal; `fault_of_number` says what is wrong with it.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from crystalgraph.errors import CrystalGraphError

ID_PROP = "id_prop.csv"

Row = tuple[int, list[str]]
"""Number of a line, from 1, and its cells."""

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_NO_NUMBER = set("n/a na n.a. #n/a nan none null inf -inf infinity - -- ? missing unknown".split())
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]+)?|\.[0-9]+)(e[-+]?[0-9]+)?", re.IGNORECASE)
_LIKE_A_NUMBER = re.compile(  # a sign, or a decimal point, or nothing but digits
    r"[-+−–—.,]+[0-9]|[0-9]+[.,][0-9]|[0-9_]+[.,]?(e[-+]?[0-9]*)?(\s|$)", re.IGNORECASE
)
_FAULTS = {
    r"[-+]?[0-9]*,[0-9]+": "a number with a decimal comma",
    r"[-+]?\.?[0-9][0-9.]*([-+.]|e[-+]?)": "a number that looks cut off",
    r"[−–—][0-9].*": "a number with a dash in place of the minus sign",
}


def read_id_prop(table: Path, has_cif: Callable[[str], bool]) -> tuple[list[str], list[Row]]:
    """Read the table.

    The first line is taken for names of columns when none of its cells after the first is like a
    number, or a word such as N/A, and no CIF file is called like its first cell. Otherwise the
    columns are called target, target_2, target_3 ...

    Args:
        table: the file.
        has_cif: whether there is a CIF file for an id.

    Returns:
        Names of the targets, and the rows, each with one cell more than there are names.

    Raises:
        CrystalGraphError: the file is missing or empty, or its form is wrong.
    """

    def known(cell: str) -> bool:
        return bool(cell) and (has_cif(cell) or has_cif(_without_cif(cell)))

    text = _read_text(table)
    rows = _split(table, text, known)
    if not rows:
        raise CrystalGraphError(f"{table} is empty; write one line 'id,target' per crystal.")
    named = _has_names(rows[0][1], known)
    _require_one_width(table, rows, named)
    names, rows = _names(table, rows) if named else ([], rows)
    if not named:
        _refuse_commas_in_numbers(table, rows)
    _refuse_misplaced_ids(table, rows, known)
    _refuse_misspelled_ids(table, rows, has_cif)
    _refuse_cut_end(table, text, rows)
    n_targets = max(1, len(rows[0][1]) - 1) if rows else len(names)
    return names or ["target", *(f"target_{n}" for n in range(2, n_targets + 1))], rows


def table_number(cell: str) -> float:
    """A cell as a float; NaN where `fault_of_number` says that something is wrong."""
    return math.nan if fault_of_number(cell) else float(cell)


def fault_of_number(cell: str) -> str:
    """What is wrong with a cell that should hold a number: the end of a sentence, or nothing."""
    if not cell:
        return "is missing"
    if _NUMBER.fullmatch(cell) and math.isfinite(float(cell)):
        return ""
    found = (what for sign, what in _FAULTS.items() if re.fullmatch(sign, cell, re.IGNORECASE))
    return f"is '{cell}', {next(found, 'not a number')}"


def _refuse(table: Path, line: int | str, what: str) -> NoReturn:
    raise CrystalGraphError(f"{table}, line {line}: {what}.")


# --- from text to cells --------------------------------------------------------------------------


def _read_text(table: Path) -> str:
    try:
        return table.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CrystalGraphError(
            f"{table} cannot be read ({error.strerror}); a CGCNN folder needs this file with one "
            "line 'id,target' per crystal."
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        _refuse(table, line, "this is not UTF-8 text; save the file as 'CSV UTF-8'")


def _split(table: Path, text: str, known: Callable[[str], bool]) -> list[Row]:
    """Line number and stripped cells of every line that is not empty."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.count('"') % 2:  # csv would read on to the next one, some lines below
            _refuse(table, number, 'there is a single quotation mark ("); remove it')
        try:
            (cells,) = csv.reader([line], skipinitialspace=True) if line else [[]]
        except csv.Error as error:
            _refuse(table, number, f"these are not comma-separated values ({error}); correct it")
        cells = [cell.strip() for cell in cells]
        if any(cells):
            if not known(cells[0]):
                _require_commas(table, number, cells)
            rows.append((number, cells))
    return rows


def _require_commas(table: Path, line: int, cells: list[str]) -> None:
    """Refuse a line whose first cell holds more than an id."""
    first = cells[0]
    if "," in first:
        _refuse(table, line, "quotation marks enclose more than one cell; remove them")
    found = [word for sign, word in _SEPARATORS.items() if sign in first]
    others = first.split()[1:]
    if not found and len(cells) == 1 and others and all(map(_LIKE_A_NUMBER.match, others)):
        found = ["spaces"]
    if found:
        _refuse(
            table,
            line,
            f"{found[0]} separate the cells; write commas between them, and decimal points",
        )


# --- the form of the table -----------------------------------------------------------------------


def _has_names(first: list[str], known: Callable[[str], bool]) -> bool:
    cells = first[1:]
    values = [cell for cell in cells if _LIKE_A_NUMBER.match(cell) or cell.lower() in _NO_NUMBER]
    return any(cells) and not values and not known(first[0])


def _require_one_width(table: Path, rows: list[Row], named: bool) -> None:
    """Give all lines the same number of cells where that is only a matter of empty ones."""
    full = [cells for _, cells in rows if len(cells) > 1]
    [(width, _)] = Counter(map(len, full[:1] if named else full)).most_common(1) or [(2, 0)]
    while width > 2 and not any(any(cells[width - 1 :]) for cells in full[: 1 if named else None]):
        width -= 1
    others = []
    for line, cells in rows:
        while len(cells) > width and not cells[-1]:
            cells.pop()
        if len(cells) == 1:  # an id alone: all its values are missing
            cells += [""] * (width - 1)
        if len(cells) != width:
            others.append((line, cells))
    if others:
        like = next(line for line, cells in rows if len(cells) == width)
        more = [str(line) for line, _ in others[1:6]]
        _refuse(
            table,
            others[0][0],
            f"'{','.join(others[0][1])}' has {len(others[0][1])} cells and line {like} has {width}"
            f"{' (see also line ' + ', '.join(more) + ')' if more else ''}; write one crystal on "
            "each line, decimal points, and a comma for each empty cell",
        )


def _names(table: Path, rows: list[Row]) -> tuple[list[str], list[Row]]:
    """Names of the targets, and the rows below them."""
    line, (first, *names) = rows[0]
    header = [first if len(names) > 1 else "id", *names]  # beside one target the ids need no name
    for number, name in enumerate(header, 1):
        if not name or re.fullmatch(r"Unnamed: [0-9]+", name):
            _refuse(
                table,
                line,
                f"column {number} has no name; write one, or remove it (pandas leaves its index "
                "column out with to_csv(..., index=False))",
            )
    [(name, times)] = Counter(names).most_common(1)
    if times > 1:
        _refuse(table, line, f"{times} columns are called '{name}'; give each a name of its own")
    return names, rows[1:]


def _refuse_commas_in_numbers(table: Path, rows: list[Row]) -> None:
    """Refuse -2,13 and 1,234.5 in all lines that have two numbers there: several look alike."""
    for left in range(1, len(rows[0][1]) - 1):
        pairs = [(line, cells[left : left + 2]) for line, cells in rows]
        pairs = [(line, pair) for line, pair in pairs if not any(map(fault_of_number, pair))]
        wholes, others = ([pair[part] for _, pair in pairs] for part in (0, 1))
        decimals = _all_like("[0-9]+(e[-+]?[0-9]+)?", others)
        thousands = _all_like(r"[0-9]{3}(\.[0-9]+)?", others)
        if pairs and _all_like("[-+]?[0-9]+", wholes) and (decimals or thousands):
            line, _ = pairs[0]
            _refuse(
                table,
                line,
                f"'{','.join(dict(rows)[line])}' holds a number with a decimal comma, or with "
                "commas between thousands, or several numbers; write decimal points only, or names "
                "of the columns in a line above, such as id,target,target_2",
            )


def _all_like(pattern: str, cells: Iterable[str]) -> bool:
    return all(re.fullmatch(pattern, cell, re.IGNORECASE) for cell in cells)


def _refuse_misplaced_ids(table: Path, rows: list[Row], known: Callable[[str], bool]) -> None:
    """Refuse a column before the ids, such as one that counts the lines."""
    counted = _counts_lines([cells for _, cells in rows], known)
    if not counted and any(known(cells[0]) for _, cells in rows):
        return
    for line, cells in rows:
        for number, cell in enumerate(cells, 1):
            if number == counted or (not counted and known(cell)):
                _refuse(
                    table,
                    line,
                    f"the id '{cell}' is in column {number}; put the ids into column 1 (pandas "
                    "leaves its index column out with to_csv(..., index=False))",
                )


def _counts_lines(rows: list[list[str]], known: Callable[[str], bool]) -> int:
    """The column of ids if the first one counts the lines and ids are numbers, too; else 0.

    Ids differ, and have a target beside them: classes 0 and 1 are no column of ids.
    """
    first, *others = zip(*rows, strict=True) if len(rows) > 2 else [()]
    counts = [[str(n + start) for n in range(len(rows))] for start in (0, 1)]
    if len(others) < 2 or list(first) not in counts:
        return 0
    different = [len(set(cells)) == len(rows) and all(map(known, cells)) for cells in others]
    return different.index(True) + 2 if any(different) else 0


def _refuse_misspelled_ids(table: Path, rows: list[Row], has_cif: Callable[[str], bool]) -> None:
    """Refuse NAME.cif and FOLDER/NAME where NAME is the id."""
    for line, (cell, *_) in rows:
        plain = _without_cif(cell)
        if plain != cell and has_cif(plain) and not has_cif(cell):
            _refuse(table, line, f"the id '{cell}' ends in .cif; write '{plain}'")
        name = re.split(r"[/\\]", plain)[-1]
        if name != plain and has_cif(name):
            _refuse(table, line, f"the id '{cell}' is a path; write '{name}'")


def _without_cif(identifier: str) -> str:
    return identifier[:-4] if identifier.lower().endswith(".cif") else identifier


def _refuse_cut_end(table: Path, text: str, rows: list[Row]) -> None:
    """Refuse a file that ends with a whole number in a column of decimals, without a line's end."""
    if text.endswith(("\n", "\r")) or len(rows) < 3:
        return
    line, cells = rows[-1]
    above = [cells_above[-1] for _, cells_above in rows[:-1]]
    if _all_like("[-+]?[0-9]+", (cells[-1],)) and _all_like(r"[-+]?[0-9]*\.[0-9]+", above):
        _refuse(
            table,
            line,
            f"the file ends with '{cells[-1]}', the only number in its column without a decimal "
            "point, so it looks cut off; complete it, or end the line with a line break",
        )
