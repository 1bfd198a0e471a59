"""The molecules of the lab, a random subset of QM9: data/molecules/README.md says more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from crystalgraph import paths
from crystalgraph.errors import CrystalGraphError

ELEMENTS = (1, 6, 7, 8, 9)
"""Atomic numbers in the molecules: H, C, N, O, F."""

HARTREE = 27.211386245988
"""In eV, CODATA 2018."""

UNITS = {"mu": "D", "alpha": "bohr^3", "r2": "bohr^2", "Cv": "cal/(mol K)"}
"""Of the targets; all others are in eV."""

EXTENSIVE = ("alpha", "r2", "zpve", "U0", "U", "H", "G", "Cv")
"""Targets that grow with the molecule."""


@dataclass(frozen=True)
class Molecules:
    """Molecules with twelve properties.

    Attributes:
        index: (M,) number in QM9.
        kinds: M arrays (N,), place of each atom in ELEMENTS.
        positions: M arrays (N, 3) in angstrom.
        charges: M arrays (N,), Mulliken charges in e.
        targets: (M, 12), units as UNITS say.
        names: of the targets.
        parts: "train", "val", "test" -> rows; the first n of "train" are its subsets.
    """

    index: np.ndarray
    kinds: list[np.ndarray]
    positions: list[np.ndarray]
    charges: list[np.ndarray]
    targets: np.ndarray
    names: tuple[str, ...]
    parts: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.index)

    def target(self, name: str) -> np.ndarray:
        """(M,) one property, in its unit."""
        return self.targets[:, self.names.index(name)]

    @cached_property
    def counts(self) -> np.ndarray:
        """(M, 5) number of atoms of each element."""
        return np.array([np.bincount(kinds, minlength=len(ELEMENTS)) for kinds in self.kinds])


def unit_of(name: str) -> str:
    """Unit of a target."""
    return UNITS.get(name, "eV")


def load_molecules(folder: Path | None = None) -> Molecules:
    """The 10,500 molecules of the lab.

    Args:
        folder: where molecules.npz lies; default data/molecules.

    Raises:
        CrystalGraphError: the file is not there.

    Source:
        data/molecules/README.md.
    """
    folder = paths.DATA / "molecules" if folder is None else folder
    path = folder / "molecules.npz"
    if not path.is_file():
        raise CrystalGraphError(f"{path} is missing; get the course's data folder again.")
    with np.load(path, allow_pickle=False) as file:
        stored = {name: file[name] for name in file.files}
    return molecules_of(stored, _parts(folder / "splits" / "random.json", stored["index"]))


def molecules_of(stored: dict[str, np.ndarray], parts: dict[str, np.ndarray]) -> Molecules:
    """Molecules from arrays of whole numbers, in the units of the lab.

    Args:
        stored: as data/molecules/README.md says.
        parts: "train", "val", "test" -> rows.
    """
    cuts = np.cumsum(stored["n_atoms"].astype(int))[:-1]
    kinds = np.searchsorted(ELEMENTS, stored["atomic_numbers"])
    names = tuple(str(name) for name in stored["names"])
    factors = [1.0 if name in UNITS else HARTREE for name in names]
    targets = stored["targets"] / 10.0 ** stored["digits"].astype(float) * factors
    return Molecules(
        stored["index"],
        np.split(kinds, cuts),
        np.split(stored["positions"] / 1e4, cuts),
        np.split(stored["charges"] / 1e4, cuts),
        targets,
        names,
        parts,
    )


def _parts(path: Path, index: np.ndarray) -> dict[str, np.ndarray]:
    """Rows of each part of a split that is stored as numbers of QM9."""
    split = json.loads(path.read_text(encoding="utf-8"))
    return {name: np.searchsorted(index, numbers) for name, numbers in split.items()}
