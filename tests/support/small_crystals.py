"""Small crystals for tests: rock salt, and atoms on a line."""

from functools import cache as once

import numpy as np
from pymatgen.core import Lattice, Structure


@once
def rock_salt():
    return Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )


def salt(repeats=(1, 1, 1)):
    """Rock salt, conventional cell, a = 5.64 angstrom."""
    return rock_salt().copy().make_supercell(repeats)


def chain(gaps):
    """Atoms on a line, far from other lines: gaps in angstrom, repeated along x."""
    length = sum(gaps)
    x = np.cumsum([0, *gaps[:-1]]) / length
    lattice = Lattice.orthorhombic(length, 30, 30)
    return Structure(lattice, ["H"] * len(gaps), [[position, 0, 0] for position in x])
