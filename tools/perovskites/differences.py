"""How far a recomputation is from the shipped numbers, as a table.

A crystal's own formation energy is counted from the shipped references, so that its difference
is the crystal's alone; the references have rows of their own.
"""

import csv
import io
from collections.abc import Iterable, Mapping

from assemble import record
from cells import cell_parameters

COLUMNS = ("id", "quantity", "unit", "shipped", "recomputed", "difference")
DIGITS = {"-": 4, "angstrom": 4, "eV": 3, "eV/cell": 4, "eV/atom": 4}  # by unit, as shipped


def row(key: str, quantity: str, unit: str, shipped: float, recomputed: float) -> dict:
    """One line of the table, rounded as the shipped numbers are."""
    digits = DIGITS[unit]
    shipped, recomputed = round(shipped, digits), round(recomputed, digits)
    difference = round(recomputed - shipped, digits) + 0.0  # + 0.0: no "-0.0"
    return dict(zip(COLUMNS, (key, quantity, unit, shipped, recomputed, difference), strict=True))


def geometry_rows(shipped: Mapping[str, dict], found: Mapping[str, dict]) -> Iterable[dict]:
    """Lattice constants and X positions of the geometry stage against the shipped ones."""
    for key in sorted(shipped.keys() & found.keys()):
        (length, x), (new_length, new_x) = map(cell_parameters, (shipped[key], found[key]))
        yield row(key, "lattice constant", "angstrom", length, new_length)
        if x is not None:
            yield row(key, "X position", "-", x, new_x)


def energy_rows(
    shipped: Mapping[str, dict],
    structures: Mapping[str, dict],
    energies: Mapping[str, dict],
    references: Mapping[str, dict],
    note: str = "",
) -> Iterable[dict]:
    """Total energies, formation energies and gaps of the dft stage against the shipped ones.

    Args:
        shipped: The dataset's records by id.
        structures: Those the energies were computed for, by id.
        energies: From the dft stage, by id.
        references: The dataset's, by element.
        note: Added to the name of each quantity.
    """
    per_atom = {element: entry["energy_per_atom"] for element, entry in references.items()}
    for key in sorted(shipped.keys() & structures.keys() & energies.keys()):
        old, new = shipped[key], record(structures[key], energies[key], per_atom)
        for quantity, name, unit in (
            ("total energy", "energy_total", "eV/cell"),
            ("formation energy", "formation_energy_per_atom", "eV/atom"),
            ("gap on the mesh", "gap_mesh", "eV"),
        ):
            yield row(key, quantity + note, unit, old[name], new[name])


def reference_rows(shipped: Mapping[str, dict], found: Mapping[str, dict]) -> Iterable[dict]:
    """Energies of the elements against the shipped ones."""
    for element in sorted(shipped.keys() & found.keys()):
        old, new = shipped[element]["energy_per_atom"], found[element]["energy_per_atom"]
        yield row(element, "element reference", "eV/atom", old, new)


def to_csv(rows: Iterable[dict]) -> str:
    """The table as text, one header line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def from_csv(text: str) -> list[dict]:
    """The rows of a table that `to_csv` wrote; numbers stay text."""
    return list(csv.DictReader(io.StringIO(text)))


def summary(rows: Iterable[dict]) -> str:
    """Number, mean and largest absolute difference of each quantity, a line each.

    Args:
        rows: Of the table; differences may be numbers or text.
    """
    groups: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for line in rows:
        group = groups.setdefault((line["quantity"], line["unit"]), [])
        group.append((abs(float(line["difference"])), line["id"]))
    lines = [f"{'quantity':38} {'unit':9} {'n':>3} {'mean |d|':>9} {'max |d|':>9}  largest at"]
    for (quantity, unit), found in groups.items():
        largest, where = max(found)
        where = where if largest else "-"
        mean = sum(size for size, _ in found) / len(found)
        lines.append(f"{quantity:38} {unit:9} {len(found):3} {mean:9.5f} {largest:9.5f}  {where}")
    return "\n".join(lines)
