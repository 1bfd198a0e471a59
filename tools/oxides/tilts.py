"""Perovskites: the cubic net of octahedra, tilted, polar, or with two kinds of B.

Glazer's notation (A. M. Glazer, Acta Cryst. B 28, 3384 (1972)) names a tilt by three angles, one
for each axis, and whether neighboring octahedra along the axis turn alike (+) or against each other
(-). Every variant here is made in a box of 2 x 2 x 2 octahedra and reduced to its primitive cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from prototypes import OXYGEN_RADIUS, ionic_radius
from pymatgen.core import Lattice, Species, Structure
from symmetry import symmetrise


@dataclass(frozen=True)
class Variant:
    """A way of distorting the cubic perovskite.

    Attributes:
        tilt: angle about each axis in radians.
        phase: for each axis, +1 turned alike, -1 against each other.
        polar: displacement of the B atoms, as a fraction of the distance between octahedra.
    """

    tilt: tuple[float, float, float] = (0, 0, 0)
    phase: tuple[int, int, int] = (1, 1, 1)
    polar: tuple[float, float, float] = (0, 0, 0)


T, P = 0.17, 0.04  # ten degrees; 0.16 angstrom
VARIANTS = {
    "Pm-3m": Variant(),
    "P4mm": Variant(polar=(0, 0, P)),
    "R3m": Variant(polar=(P, P, P)),
    "Amm2": Variant(polar=(P, P, 0)),
    "P4/mbm": Variant(tilt=(0, 0, T)),
    "I4/mcm": Variant(tilt=(0, 0, T), phase=(1, 1, -1)),
    "Imma": Variant(tilt=(T, T, 0), phase=(-1, -1, 1)),
    "R-3c": Variant(tilt=(T, T, T), phase=(-1, -1, -1)),
    "Pnma": Variant(tilt=(T, T, T), phase=(-1, -1, 1)),
    "Im-3": Variant(tilt=(T, T, T)),
}
DOUBLE_VARIANTS = {  # rock-salt order of B and B' takes symmetry away
    "Fm-3m": "Pm-3m",
    "I4/m": "I4/mcm",
    "P4/mnc": "P4/mbm",
    "R-3": "R-3c",
    "P2_1/c": "Pnma",
}


def perovskite_cell(ions: Mapping[str, str], variant: Variant) -> Structure:
    """Start of the relaxation.

    Args:
        ions: role -> ion: "A", "B" and, for a double perovskite, "B2".
        variant: the distortion.

    Returns:
        Primitive cell with the symmetry of the variant.
    """
    symbols = {role: Species.from_str(ion).symbol for role, ion in ions.items()}
    spacing = 2 * (np.mean([ionic_radius(ions[r]) for r in ions if r != "A"]) + OXYGEN_RADIUS)
    species, coordinates = [], []
    for index in product(range(2), repeat=3):
        at = np.array(index, dtype=float)
        second = "B2" in symbols and sum(index) % 2
        species += [symbols["B2" if second else "B"], symbols["A"], "O", "O", "O"]
        coordinates += [at + variant.polar, at + 0.5, *oxygens(at, variant)]
    box = Structure(Lattice.cubic(2 * spacing), species, np.array(coordinates) / 2)
    return symmetrise(box, tolerance=1e-3)


def oxygens(at: np.ndarray, variant: Variant) -> list[np.ndarray]:
    """The oxygen on the +x, +y and +z side of an octahedron, in units of their spacing.

    Args:
        at: (3,) whole numbers, the octahedron's place in the box.
        variant: the distortion.
    """
    sites = [at + 0.5 * axis for axis in np.eye(3)]
    for axis, (angle, phase) in enumerate(zip(variant.tilt, variant.phase, strict=True)):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        sense = (-1) ** (at[first] + at[second]) * phase ** at[axis]
        sites[first][second] += 0.5 * angle * sense
        sites[second][first] -= 0.5 * angle * sense
    return sites
