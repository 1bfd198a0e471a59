"""Exact symmetry for a crystal that has it up to noise."""

import warnings

from pymatgen.core import Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

EXACT = 2e-4  # angstrom; what six digits of a coordinate leave
ROUNDS = 4


def symmetrise(structure: Structure, tolerance: float) -> Structure:
    """Primitive cell with atoms and cell edges exactly where the space group wants them.

    Args:
        structure: a crystal.
        tolerance: how far atoms may be from their symmetric places, angstrom.

    Raises:
        RuntimeError: The group that is found within the tolerance is never reached exactly.
    """
    for _ in range(ROUNDS):
        group = space_group(structure, tolerance)
        structure = SpacegroupAnalyzer(structure, tolerance).get_primitive_standard_structure()
        if space_group(structure, EXACT) == group:
            return structure.get_sorted_structure()
    raise RuntimeError(f"not of exact symmetry after {ROUNDS} rounds")


def space_group(structure: Structure, tolerance: float) -> str:
    """Hermann-Mauguin symbol of the group found within a tolerance in angstrom."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of spglib, about its own interface
        return structure.get_space_group_info(tolerance)[0]
