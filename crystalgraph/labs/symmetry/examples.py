"""The crystals that the notebook shows, and that a student's own pair must not repeat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pymatgen.core import Lattice, Structure

A_COPPER, A_ZINC_SULFIDE = 3.615, 5.41
"""Edge of the cube of fcc copper and of zincblende ZnS, measured, in angstrom."""

_PLACES = {"A": (0, 0), "B": (1 / 3, 2 / 3), "C": (2 / 3, 1 / 3)}


def fcc(edge: float = A_COPPER, symbol: str = "Cu") -> Structure:
    """Cubic close packing, in a cell of its three layers ABC.

    Args:
        edge: of the cube, in angstrom.
        symbol: of the element.
    """
    return _layers("ABC", edge, [symbol])


def hcp(edge: float = A_COPPER, symbol: str = "Cu") -> Structure:
    """Ideal hexagonal close packing, layers AB, bonds as long as in fcc; arguments as there."""
    return _layers("AB", edge, [symbol])


def zincblende(edge: float = A_ZINC_SULFIDE, symbols: Sequence[str] = ("Zn", "S")) -> Structure:
    """Zincblende, in a cell of its three layers.

    Args:
        edge: of the cube, in angstrom.
        symbols: of the two elements.
    """
    return _layers("ABC", edge, symbols)


def wurtzite(edge: float = A_ZINC_SULFIDE, symbols: Sequence[str] = ("Zn", "S")) -> Structure:
    """Ideal wurtzite, bonds as long as in zincblende; arguments as there."""
    return _layers("AB", edge, symbols)


PAIRS = ((fcc, hcp), (zincblende, wurtzite))
"""Crystals that have equal quotient graphs with 12 neighbors."""


def _layers(word: str, edge: float, symbols: Sequence[str]) -> Structure:
    """Close-packed layers of the first element; one of the second sits above each of its atoms."""
    near, n = edge / np.sqrt(2), len(word)
    coords = [
        [*_PLACES[letter], (layer + above) / n]
        for above in (0, 3 / 4)[: len(symbols)]
        for layer, letter in enumerate(word)
    ]
    species = [symbol for symbol in symbols for _ in word]
    return Structure(Lattice.hexagonal(near, near * np.sqrt(2 / 3) * n), species, coords)
