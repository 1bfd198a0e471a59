"""Crystals from files of any format, and from the objects of pymatgen and ASE.

CIF files are read by loaders/cif.py, with its checks. Other formats say everything once, so they
cannot contradict themselves; what is left to check is that they hold a crystal at all: a cell,
periodic in three directions, and an element for each atom.
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Poscar

from crystalgraph.crystals.loaders.checks import SMALLEST_CELL, finite_number, first_line
from crystalgraph.crystals.loaders.cif import read_cif
from crystalgraph.crystals.loaders.cif_data import content_of, decoded
from crystalgraph.crystals.loaders.folder import (
    ATOM_INIT,
    CIF_ENDINGS,
    cif_id,
    shortened,
)
from crystalgraph.crystals.loaders.id_prop import ID_PROP
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning

POSCARS = ("POSCAR", "CONTCAR")
POSCAR_ENDINGS = (".vasp", ".poscar", ".contcar")
XYZ_ENDINGS = (".xyz", ".extxyz")
CELL_TAG = re.compile(rb"^\s*_cell[_.]length_a\s", re.MULTILINE | re.IGNORECASE)


@runtime_checkable
class Atoms(Protocol):
    """What is asked of ase.Atoms: lengths in angstrom."""

    cell: Any
    pbc: Any
    positions: Any

    def get_chemical_symbols(self) -> list[str]: ...


@dataclass(frozen=True)
class NamedCrystal:
    """A crystal and where it comes from.

    Attributes:
        id: name of the file without its ending, or of its folder for a plain POSCAR; NAME@N for the
            N-th crystal, from 0, of a file that holds several.
        where: the file, and the number of the crystal where there are several; for messages.
        structure: the crystal.
    """

    id: str
    where: str
    structure: Structure


AnyCrystal = NamedCrystal | Structure | Atoms | str | Path
"""A crystal that was read, one of pymatgen or ASE, or the name of a file."""


def read_crystals(path: str | Path, accept_warnings: bool = False) -> list[NamedCrystal]:
    """Read all crystals of a structure file.

    Args:
        path: a CIF file, of which the first crystal is read; a POSCAR or CONTCAR (also NAME.vasp);
            pymatgen's JSON, one structure or a list of them; extended XYZ or any other file that
            the optional package ase reads, with one crystal or several.
        accept_warnings: go on with a CIF file that contradicts itself, and only warn.

    Returns:
        The crystals, not yet looked at by check_crystal and check_graph.

    Raises:
        CrystalGraphError: the file is missing or malformed, or holds something that is no crystal.
    """
    path = Path(path)
    if _is_cif(path):
        return [NamedCrystal(cif_id(path), str(path), read_cif(path, accept_warnings))]
    found = _reader(path)(path)
    if not found:
        raise CrystalGraphError(f"{path} holds no crystal; export it again.")
    identifier = _id(path)
    if len(found) == 1:
        return [NamedCrystal(identifier, str(path), as_structure(found[0], str(path)))]
    wheres = [f"{path}, crystal {number}" for number in range(len(found))]
    return [
        NamedCrystal(f"{identifier}@{number}", where, as_structure(one, where))
        for number, (one, where) in enumerate(zip(found, wheres, strict=True))
    ]


def find_structure_files(names: Sequence[str | Path]) -> list[Path]:
    """The files that were named: folders give those with crystals, patterns are expanded.

    What else is in a folder, except for the tables of a CGCNN folder, becomes a warning.

    Args:
        names: files; folders; patterns with a star, which a shell on Windows does not expand.

    Raises:
        CrystalGraphError: a folder or pattern has no structure file.
    """
    files: list[Path] = []
    for name in map(str, names):
        path = Path(name)
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if is_structure_file(file))
            known = {ID_PROP, ATOM_INIT, *(file.name for file in found)}
            other = sorted(file.name for file in path.iterdir() if file.name not in known)
            if found and other:
                sentence = f"of {name} were left out: {shortened(other)} (not the name of a CIF, "
                sentence += "POSCAR or XYZ file)."
                warnings.warn(sentence, CrystalGraphWarning, stacklevel=2)
        elif "*" in name and not path.exists():
            found = sorted(path.parent.glob(path.name))
        else:
            found = [path]
        if not found:
            raise CrystalGraphError(
                f"There is no structure file in {name}; name CIF, POSCAR or XYZ files."
            )
        files += found
    return files


def is_structure_file(path: Path) -> bool:
    """Whether the name of a file is that of a crystal; JSON files may hold anything else."""
    return path.name.lower().endswith((*CIF_ENDINGS, *XYZ_ENDINGS)) or _is_poscar(path)


def as_structure(crystal: Structure | Atoms, where: str) -> Structure:
    """A crystal of pymatgen or ASE as pymatgen's Structure.

    Args:
        crystal: Structure, or Atoms with a cell that is periodic in three directions.
        where: what to call it in messages.

    Raises:
        CrystalGraphError: it is no crystal, or an object of another kind.
    """
    found = _structure_of_atoms(crystal, where) if isinstance(crystal, Atoms) else crystal
    if not isinstance(found, Structure):
        raise CrystalGraphError(
            f"{where} is a {type(crystal).__name__}; give a Structure of pymatgen, Atoms of ASE, "
            "or the name of a file."
        )
    if not all(found.lattice.pbc):
        raise CrystalGraphError(_not_periodic(where))
    return found


def _structure_of_atoms(atoms: Atoms, where: str) -> Structure:
    cell = np.array(atoms.cell, dtype=float)
    if abs(np.linalg.det(cell)) < SMALLEST_CELL:
        raise CrystalGraphError(
            f"{where} has no cell of three vectors, so it is a molecule and no crystal; add the "
            'lattice (in extended XYZ: Lattice="ax ay az bx ...", in angstrom).'
        )
    if not np.all(atoms.pbc):
        raise CrystalGraphError(_not_periodic(where))
    # Number 0 is ASE's X, an atom of no element: check_crystal refuses it by this name.
    return Structure(
        Lattice(cell), atoms.get_chemical_symbols(), atoms.positions, coords_are_cartesian=True
    )


def _not_periodic(where: str) -> str:
    return (
        f"{where} is not periodic in all three directions; if its cell holds the vacuum that it "
        'needs, say so (in extended XYZ: pbc="T T T").'
    )


# --- formats other than CIF ----------------------------------------------------------------------


def _id(path: Path) -> str:
    if path.name in POSCARS:
        return path.resolve().parent.name
    return path.stem


def _is_cif(path: Path) -> bool:
    """By its name or its content: no other reader has the checks of CIF files."""
    if path.name.lower().endswith(CIF_ENDINGS):
        return True
    return path.is_file() and re.search(CELL_TAG, path.read_bytes()) is not None


def _is_poscar(path: Path) -> bool:
    return path.name.startswith(POSCARS) or path.name.lower().endswith(POSCAR_ENDINGS)


def _reader(path: Path) -> Callable[[Path], Sequence[Any]]:
    if _is_poscar(path):
        return _read_poscar
    return _read_json if path.name.lower().endswith(".json") else _read_by_ase


def _read_poscar(path: Path) -> list[Structure]:
    """The crystal of a POSCAR; a POTCAR beside it is not looked at."""
    text = decoded(content_of(path))
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            structure = Poscar.from_str(text, read_velocities=False).structure
        _require_factor(text.splitlines())
        _refuse_more_positions(text.splitlines(), len(structure))
    except Exception as error:  # whatever pymatgen stumbles over
        raise CrystalGraphError(
            f"{path} is not a POSCAR that can be read ({first_line(error)}); export it again."
        ) from error
    if any("cannot be determined" in str(one.message) for one in said):  # it took H, He, Li ...
        raise CrystalGraphError(
            f"{path} does not name its elements; add a line with their symbols above the numbers "
            "of atoms."
        )
    return [structure]


def _require_factor(rows: Sequence[str]) -> None:
    """Refuse a negative factor with Cartesian positions: pymatgen multiplies them by it."""
    words = [row.strip()[:1].lower() for row in rows[6:9]]
    if float(rows[1]) < 0 and next((word for word in words if word in "dck"), "") != "d":
        raise ValueError(
            "its second line is a volume and its positions are Cartesian; write them as fractions "
            "of the cell"
        )


def _refuse_more_positions(rows: Sequence[str], n_atoms: int) -> None:
    """Refuse a position that is not counted: velocities come after an empty line or a word."""
    named = not rows[5].split()[0].isdecimal()  # a line with symbols above the numbers of atoms
    selective = rows[6 + named].strip()[:1].lower() == "s"
    first = 7 + named + selective
    after = rows[first + n_atoms :][:1]
    words = after[0].split() if after else []
    if len(words) >= 3 and not any(math.isnan(finite_number(word)) for word in words[:3]):
        raise ValueError(f"it has more positions than the {n_atoms} atoms that it counts")


def _read_json(path: Path) -> list[Structure]:
    """Structure.as_dict() of pymatgen as JSON, or a list of such records."""
    try:
        content = json.loads(decoded(content_of(path)))
        records = content if isinstance(content, list) else [content]
        return [Structure.from_dict(record) for record in records]
    except CrystalGraphError:
        raise
    except Exception as error:  # whatever pymatgen stumbles over
        raise CrystalGraphError(
            f"{path} is not JSON of pymatgen's structures ({first_line(error)}); write it with "
            "Structure.to(filename)."
        ) from error


def _read_by_ase(path: Path) -> Sequence[Atoms]:
    """All crystals of a file that ase reads."""
    if not path.is_file():
        raise CrystalGraphError(f"{path} cannot be read (no such file); check the name.")
    try:
        import ase.io
    except ImportError as error:
        raise CrystalGraphError(
            f"{path} needs the package ase, which is not installed: `pip install ase` brings it; "
            "CIF files, POSCARs and pymatgen's JSON are read without it."
        ) from error
    try:
        found = ase.io.read(path, index=":", do_not_split_by_at_sign=True)
    except Exception as error:  # whatever ase stumbles over
        raise CrystalGraphError(
            f"{path} cannot be read by ase ({first_line(error)}); export it as CIF."
        ) from error
    return found if isinstance(found, list) else [found]
