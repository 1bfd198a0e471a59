"""The crystals that the notebook shows, and that a student's own pair must not repeat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pymatgen.core import Lattice, Structure

A_COPPER, A_ZINC_SULFIDE = 3.615, 5.41
"""Edge of the cube of fcc copper and of zincblende ZnS, measured, in angstrom."""

_IDEAL = np.sqrt(8 / 3)
"""c over a of the ideal hexagonal close packing."""


def fcc(edge: float = A_COPPER, symbol: str = "Cu") -> Structure:
    """Cubic close packing, layers ABC, in its primitive cell of one atom."""
    return Structure(_cubic(edge), [symbol], [[0, 0, 0]])


def hcp(edge: float = A_COPPER, symbol: str = "Cu") -> Structure:
    """Ideal hexagonal close packing, layers AB, with the bond length of fcc."""
    return Structure(_hexagonal(edge), [symbol] * 2, [[1 / 3, 2 / 3, 1 / 4], [2 / 3, 1 / 3, 3 / 4]])


def zincblende(edge: float = A_ZINC_SULFIDE, symbols: Sequence[str] = ("Zn", "S")) -> Structure:
    """Zincblende in its primitive cell of two atoms."""
    return Structure(_cubic(edge), list(symbols), [[0, 0, 0], [1 / 4] * 3])


def wurtzite(edge: float = A_ZINC_SULFIDE, symbols: Sequence[str] = ("Zn", "S")) -> Structure:
    """Ideal wurtzite, with the bond length of zincblende."""
    first, second = symbols
    coords = [[1 / 3, 2 / 3, height] for height in (0, 3 / 8)]
    coords += [[2 / 3, 1 / 3, height] for height in (1 / 2, 7 / 8)]
    return Structure(_hexagonal(edge), [first, second, first, second], coords)


PAIRS = ((fcc, hcp), (zincblende, wurtzite))
"""Crystals that have equal quotient graphs with 12 neighbors."""


def _cubic(edge: float) -> Lattice:
    return Lattice(edge / 2 * (1 - np.eye(3)))


def _hexagonal(edge: float) -> Lattice:
    near = edge / np.sqrt(2)
    return Lattice.hexagonal(near, near * _IDEAL)
