"""Write exported grades into the table of a learning platform, which takes it back as an upload.

    python tools/fill_in_grades.py canvas.csv --grades grades.csv --ids "SIS Login ID" \\
        --column "Homework (4711)" --out upload.csv

Platforms take back only their own table: the first file is what Canvas or Moodle exports. Nothing
in it changes but one column, and in that only the rows of those who have a grade.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path

from crystalgraph.errors import CrystalGraphError
from crystalgraph.files import write_atomically
from crystalgraph.labs import LABS, find_lab

Table = list[list[str]]


def read_table(path: Path) -> Table:
    """The rows of a CSV file, the header first.

    Raises:
        CrystalGraphError: it is no such file.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # both platforms write a mark
            table = list(csv.reader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise CrystalGraphError(f"{path} cannot be read as a CSV file ({error}).") from error
    if not table:
        raise CrystalGraphError(f"{path} is empty: export it once more.")
    return table


def place_of(table: Table, name: str, path: Path) -> int:
    """Number of a column.

    Raises:
        CrystalGraphError: there is none of this name, or several.
    """
    if table[0].count(name) != 1:
        columns = ", ".join(map(repr, table[0]))
        raise CrystalGraphError(f"{path} has {table[0].count(name)} columns {name!r} of {columns}.")
    return table[0].index(name)


def read_grades(path: Path, assignment: str) -> dict[str, str]:
    """Student -> score, from `nbgrader export`.

    Raises:
        CrystalGraphError: the file does not come from there.
    """
    table = read_table(path)
    which, who, score = (place_of(table, n, path) for n in ("assignment", "student_id", "score"))
    return {row[who]: row[score] for row in table[1:] if row[which] == assignment}


def fill_in(table: Table, ids: int, column: int, grades: dict[str, str]) -> set[str]:
    """Write grades into a column; returns the students who were found."""
    found = set()
    for row in table[1:]:
        student = row[ids].strip() if len(row) > max(ids, column) else ""
        if student in grades:
            row[column] = grades[student]
            found.add(student)
    return found


def main() -> int:
    """Fill in the table and say who is not in it; 1 when somebody is not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="what the platform exports, as CSV")
    parser.add_argument("--grades", type=Path, required=True, help="from `nbgrader export`")
    first = next(iter(LABS.values())).id
    parser.add_argument("--assignment", default=first, help=f"default: {first}")
    parser.add_argument("--ids", required=True, help='its column of ids: "SIS Login ID"')
    parser.add_argument("--column", required=True, help='of the assignment: "Homework (4711)"')
    parser.add_argument("--out", type=Path, required=True, help="the table to upload")
    args = parser.parse_args()
    table, grades = read_table(args.table), read_grades(args.grades, args.assignment)
    places = [place_of(table, name, args.table) for name in (args.ids, args.column)]
    found = fill_in(table, *places, grades)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    write_atomically(args.out, text.getvalue())
    total = find_lab(args.assignment).total_points
    print(f"{args.out}: {len(found)} grades; the maximum to enter in the platform is {total}")
    lost = sorted(grades.keys() - found)
    if lost:
        print(f"not in {args.table}: {', '.join(lost)}")
    return 1 if lost else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CrystalGraphError as error:
        sys.exit(f"fill_in_grades: {error}")
