"""Make data/elements/elements.csv from the element data in the `mendeleev` package.

    python tools/elements/build.py            # rebuild the CSVs (pip downloads two small packages)
    python tools/elements/build.py --check    # rebuild in memory, exit 1 if a shipped file differs

Only the standard library is used: each package version is downloaded with pip (not installed,
because mendeleev 0.4.0 needs a SQLAlchemy of its time) and its SQLite file `elements.db` is read.
Why two versions, and what differs between them: data/elements/README.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

SHIPPED, TODAY = "0.4.0", "1.3.0"
LAST_ELEMENT = 100
FOLDER = Path(__file__).resolve().parents[2] / "data" / "elements"
NOBLE_GASES = {"He": 2, "Ne": 10, "Ar": 18, "Kr": 36, "Xe": 54, "Rn": 86}

# CSV column, and the column of mendeleev's table `elements` it comes from (None: made below).
COLUMNS = {
    "atomic_number": "atomic_number",
    "symbol": "symbol",
    "name": "name",
    "group": "group_id",
    "period": "period",
    "block": "block",
    "electron_configuration": "electronic_configuration",
    "valence_electrons": None,
    "electronegativity_pauling": "en_pauling",
    "covalent_radius_pm": "covalent_radius_pyykko",
    "ionization_energy_eV": None,
    "electron_affinity_eV": "electron_affinity",
    "atomic_volume_cm3_per_mol": "atomic_volume",
    "atomic_mass_u": "atomic_weight",
}
# Cells of the shipped table that are not what the package says, with the reason.
NO_ANION = "no stable negative ion; no electron affinity is that negative"
CORRECTIONS = {
    (2, "electron_affinity_eV"): ("", NO_ANION),
    (18, "electron_affinity_eV"): ("", NO_ANION),
}
# The properties by which the two versions are compared: the nine that the 92 numbers are made of.
COMPARED = [c for c in list(COLUMNS)[3:13] if c != "electron_configuration"]


def fetch_database(version: str, folder: Path) -> Path:
    """Download one mendeleev version and unpack its database.

    Args:
        version: package version, for example "0.4.0".
        folder: an empty folder to work in.

    Returns:
        Path of the unpacked elements.db.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*command, "--dest", str(folder), f"mendeleev=={version}"], check=True)
    archive = next(folder.glob("mendeleev-*"))
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            data = opened.read("mendeleev/elements.db")
    else:
        with tarfile.open(archive) as opened:
            member = next(m for m in opened if m.name.endswith("/mendeleev/elements.db"))
            data = opened.extractfile(member).read()
    target = folder / "elements.db"
    target.write_bytes(data)
    return target


def read_rows(database: Path) -> list[dict]:
    """Read the raw values of elements 1 to 100 from mendeleev's database.

    Args:
        database: an elements.db, of version 0.4.0 or 1.3.0 (the tables changed in between).

    Returns:
        One dict per element, keyed by the CSV's column names; None where there is no value.
    """
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    energies = _first_ionization_energies(connection)
    configurations: dict[int, str] = {}
    rows = []
    query = "SELECT * FROM elements WHERE atomic_number <= ? ORDER BY atomic_number"
    for record in map(dict, connection.execute(query, (LAST_ELEMENT,))):
        if "atomic_volume" not in record:  # newer versions compute it instead of storing it
            density = record["density"]
            record["atomic_volume"] = record["atomic_weight"] / density if density else None
        row = {name: record[source] if source else None for name, source in COLUMNS.items()}
        number = row["atomic_number"]
        configurations[number] = row["electron_configuration"]
        row["group"] = row["group"] or 0  # the package gives the f block no group
        row["ionization_energy_eV"] = energies.get(number)
        row["valence_electrons"] = count_valence(occupation(number, configurations), row["block"])
        rows.append(row)
    connection.close()
    return rows


def _first_ionization_energies(connection: sqlite3.Connection) -> dict[int, float]:
    """Read {atomic number: first ionisation energy in eV} from either table layout."""
    columns = connection.execute("PRAGMA table_info(ionizationenergies)")
    old = "SELECT atomic_number, energy FROM ionizationenergies WHERE degree = 1"
    new = "SELECT atomic_number, ionization_energy FROM ionizationenergies WHERE ion_charge = 0"
    query = old if "degree" in {column["name"] for column in columns} else new
    return {number: energy for number, energy in connection.execute(query)}


def occupation(number: int, configurations: dict[int, str]) -> Counter:
    """Count the electrons in every subshell, the noble-gas core written out.

    Args:
        number: atomic number.
        configurations: {atomic number: "[Ar] 3d6 4s2"} of this element and every lighter noble gas.

    Returns:
        Counter of (n, letter), for example {(3, "d"): 6, (4, "s"): 2, ...}.
    """
    text = configurations[number]
    shells: Counter = Counter()
    core = re.match(r"\[(\w+)\]", text)
    if core:
        shells += occupation(NOBLE_GASES[core.group(1)], configurations)
    for shell, letter, electrons in re.findall(r"(\d)([spdf])(\d*)", text):
        shells[int(shell), letter] += int(electrons or 1)
    return shells


def count_valence(shells: Counter, block: str) -> int:
    """Count valence electrons as the published table does.

    s and p block: the outermost shell; d block: its s electrons and the d electrons one shell
    below; f block: its s electrons. Taken by the letter this gives palladium 12 (its outermost
    shell is the fourth: 4s2 and 3d10), and so it stands in the published table.

    Args:
        shells: electrons per subshell, core included.
        block: "s", "p", "d" or "f".

    Returns:
        Number of valence electrons, 1 to 12.
    """
    outer = max(shell for shell, _ in shells)
    if block in "sp":
        return sum(count for (shell, _), count in shells.items() if shell == outer)
    return shells[outer, "s"] + (shells[outer - 1, "d"] if block == "d" else 0)


def correct(rows: list[dict]) -> list[dict]:
    """Apply CORRECTIONS in place.

    Args:
        rows: the rows of read_rows.

    Returns:
        One dict per corrected cell: what the package says, what is shipped, and why.
    """
    log = []
    for (number, column), (value, reason) in CORRECTIONS.items():
        row = rows[number - 1]
        log.append(
            {
                "atomic_number": number,
                "symbol": row["symbol"],
                "property": column,
                "package_value": row[column],
                "shipped_value": value,
                "reason": reason,
            }
        )
        row[column] = value
    return log


def compare(shipped: list[dict], today: list[dict]) -> list[dict]:
    """List every value behind the 92 numbers that another version of the package gives differently.

    Args:
        shipped: rows as shipped (after the corrections).
        today: rows of the other version.

    Returns:
        One dict per differing cell.
    """
    differences = []
    for ours, theirs in zip(shipped, today, strict=True):
        for column in COMPARED:
            if _text(ours[column]) != _text(theirs[column]):
                differences.append(
                    {
                        "atomic_number": ours["atomic_number"],
                        "symbol": ours["symbol"],
                        "property": column,
                        "shipped_value": ours[column],
                        f"mendeleev_{TODAY}_value": theirs[column],
                    }
                )
    return differences


def _text(value: object) -> str:
    """Write a value with at most ten significant digits (sums like 0.1 + 0.2 carry noise)."""
    if value is None:
        return ""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def to_csv(rows: list[dict]) -> str:
    """Write rows as CSV text, missing values empty.

    Args:
        rows: dicts with the same keys.

    Returns:
        The text, with \\n line ends.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([[_text(value) for value in row.values()] for row in rows])
    return buffer.getvalue()


def build() -> dict[str, str]:
    """Make all the files of data/elements that are made.

    Returns:
        {file name: text}.
    """
    tables = {}
    for version in (SHIPPED, TODAY):
        with tempfile.TemporaryDirectory() as folder:
            tables[version] = read_rows(fetch_database(version, Path(folder)))
    corrections = correct(tables[SHIPPED])
    return {
        "elements.csv": to_csv(tables[SHIPPED]),
        "corrections.csv": to_csv(corrections),
        "differences_to_today.csv": to_csv(compare(tables[SHIPPED], tables[TODAY])),
    }


def main() -> int:
    """Write the files, or check them.

    Returns:
        Exit code: 0 fine, 1 a shipped file differs from what the packages give.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the shipped files")
    check = parser.parse_args().check
    stale = []
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in build().items():
        path = FOLDER / name
        if check:
            same = path.exists() and path.read_text(encoding="utf-8") == text
            stale += [] if same else [name]
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{name}: {len(text.splitlines()) - 1} rows" + (" DIFFERS" if name in stale else ""))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
