"""Oxides that are not perovskites: one measured crystal of each structure type, to be rescaled.

Each template is the asymmetric unit of a reference compound in its standard setting. Another
compound of the type starts from the same fractional coordinates, in a cell scaled by the ratio of
the cation-oxygen distances that ionic radii predict; the relaxation does the rest.

Source of the coordinates: textbook values of the named compounds (R. W. G. Wyckoff, Crystal
Structures, 1963-1971, for most); they are starting points only.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pymatgen.core import Lattice, Species, Structure

OXYGEN_RADIUS = 1.38  # angstrom, Shannon's for coordination four


@dataclass(frozen=True)
class Template:
    """A structure type.

    Attributes:
        space_group: Hermann-Mauguin symbol.
        lattice: of the reference compound, six cell parameters in angstrom and degrees.
        sites: pairs of role ("A", "B", "O") and fractional coordinates.
        reference: role -> ion of the reference compound, "Ti4+".
        origin: of the setting of `sites`, in that of pymatgen (which takes origin choice 1).
    """

    space_group: str
    lattice: tuple[float, float, float, float, float, float]
    sites: tuple[tuple[str, tuple[float, float, float]], ...]
    reference: Mapping[str, str]
    origin: tuple[float, float, float] = (0, 0, 0)


_AMD = (0, 1 / 4, -1 / 8)
_A = (0, 1 / 4, 1 / 8)


def _cubic(a: float) -> tuple[float, ...]:
    return (a, a, a, 90, 90, 90)


def _tetragonal(a: float, c: float) -> tuple[float, ...]:
    return (a, a, c, 90, 90, 90)


def _hexagonal(a: float, c: float) -> tuple[float, ...]:
    return (a, a, c, 90, 90, 120)


TEMPLATES = {
    # ABO3 and, with two elements on B, A2BB'O6: the rivals of perovskite
    "ilmenite": Template(
        "R-3",
        _hexagonal(5.09, 14.09),
        (("A", (0, 0, 0.355)), ("B", (0, 0, 0.146)), ("O", (0.317, 0.023, 0.245))),
        {"A": "Fe2+", "B": "Ti4+"},
    ),
    "2H": Template(
        "P6_3/mmc",
        _hexagonal(5.63, 4.81),
        (("A", (1 / 3, 2 / 3, 3 / 4)), ("B", (0, 0, 0)), ("O", (0.147, 0.294, 1 / 4))),
        {"A": "Ba2+", "B": "Ni4+"},
    ),
    "post_perovskite": Template(
        "Cmcm",
        (3.14, 9.86, 7.30, 90, 90, 90),
        (
            ("A", (0, 0.253, 1 / 4)),
            ("B", (0, 0, 0)),
            ("O", (0, 0.923, 1 / 4)),
            ("O", (0, 0.636, 0.437)),
        ),
        {"A": "Ca2+", "B": "Ir4+"},
    ),
    "hexagonal_layers": Template(  # YAlO3 and, untrimerised, YMnO3
        "P6_3/mmc",
        _hexagonal(3.61, 11.3),
        (
            ("A", (0, 0, 0)),
            ("B", (1 / 3, 2 / 3, 1 / 4)),
            ("O", (0, 0, 1 / 4)),
            ("O", (1 / 3, 2 / 3, 0.085)),
        ),
        {"A": "Y3+", "B": "Mn3+"},
    ),
    "4H": Template(
        "P6_3/mmc",
        _hexagonal(5.65, 9.38),
        (
            ("A", (0, 0, 0)),
            ("A", (1 / 3, 2 / 3, 1 / 4)),
            ("B", (1 / 3, 2 / 3, 0.612)),
            ("O", (1 / 2, 0, 0)),
            ("O", (0.815, 0.630, 1 / 4)),
        ),
        {"A": "Ba2+", "B": "Mn4+"},
    ),
    "6H": Template(
        "P6_3/mmc",
        _hexagonal(5.72, 13.96),
        (
            ("A", (0, 0, 1 / 4)),
            ("A", (1 / 3, 2 / 3, 0.097)),
            ("B", (0, 0, 0)),
            ("B", (1 / 3, 2 / 3, 0.846)),
            ("O", (0.518, 0.036, 1 / 4)),
            ("O", (0.835, 0.670, 0.080)),
        ),
        {"A": "Ba2+", "B": "Ti4+"},
    ),
    "defect_pyrochlore": Template(  # octahedra share all corners, in another net
        "Fd-3m:2",
        _cubic(10.25),
        (
            ("A", (1 / 2, 1 / 2, 1 / 2)),
            ("B", (0, 0, 0)),
            ("O", (0.325, 1 / 8, 1 / 8)),
        ),
        {"A": "Ag+", "B": "Sb5+"},
    ),
    # other formulas
    "rocksalt": Template(
        "Fm-3m", _cubic(4.21), (("B", (0, 0, 0)), ("O", (1 / 2, 1 / 2, 1 / 2))), {"B": "Mg2+"}
    ),
    "wurtzite": Template(
        "P6_3mc",
        _hexagonal(3.25, 5.21),
        (("B", (1 / 3, 2 / 3, 0)), ("O", (1 / 3, 2 / 3, 0.382))),
        {"B": "Zn2+"},
    ),
    "zincblende": Template(
        "F-43m", _cubic(4.63), (("B", (0, 0, 0)), ("O", (1 / 4, 1 / 4, 1 / 4))), {"B": "Zn2+"}
    ),
    "fluorite": Template(
        "Fm-3m", _cubic(5.41), (("B", (0, 0, 0)), ("O", (1 / 4, 1 / 4, 1 / 4))), {"B": "Ce4+"}
    ),
    "antifluorite": Template(
        "Fm-3m", _cubic(4.62), (("O", (0, 0, 0)), ("B", (1 / 4, 1 / 4, 1 / 4))), {"B": "Li+"}
    ),
    "rutile": Template(
        "P4_2/mnm",
        _tetragonal(4.594, 2.959),
        (("B", (0, 0, 0)), ("O", (0.305, 0.305, 0))),
        {"B": "Ti4+"},
    ),
    "anatase": Template(
        "I4_1/amd",
        _tetragonal(3.785, 9.514),
        (("B", (0, 3 / 4, 1 / 8)), ("O", (0, 3 / 4, 0.333))),
        {"B": "Ti4+"},
        _AMD,
    ),
    "corundum": Template(
        "R-3c",
        _hexagonal(4.76, 12.99),
        (("B", (0, 0, 0.352)), ("O", (0.306, 0, 1 / 4))),
        {"B": "Al3+"},
    ),
    "bixbyite": Template(
        "Ia-3",
        _cubic(9.41),
        (
            ("B", (1 / 4, 1 / 4, 1 / 4)),
            ("B", (0.970, 0, 1 / 4)),
            ("O", (0.391, 0.154, 0.382)),
        ),
        {"B": "Mn3+"},
    ),
    "a_type_sesquioxide": Template(
        "P-3m1",
        _hexagonal(3.94, 6.13),
        (("B", (1 / 3, 2 / 3, 0.247)), ("O", (0, 0, 0)), ("O", (1 / 3, 2 / 3, 0.647))),
        {"B": "La3+"},
    ),
    "spinel": Template(
        "Fd-3m:2",
        _cubic(8.08),
        (
            ("A", (1 / 8, 1 / 8, 1 / 8)),
            ("B", (1 / 2, 1 / 2, 1 / 2)),
            ("O", (0.2625, 0.2625, 0.2625)),
        ),
        {"A": "Mg2+", "B": "Al3+"},
    ),
    "delafossite": Template(
        "R-3m",
        _hexagonal(2.86, 16.94),
        (("A", (0, 0, 0)), ("B", (0, 0, 1 / 2)), ("O", (0, 0, 0.110))),
        {"A": "Cu+", "B": "Al3+"},
    ),
    "layered_rocksalt": Template(
        "R-3m",
        _hexagonal(2.89, 15.6),
        (("A", (0, 0, 1 / 2)), ("B", (0, 0, 0)), ("O", (0, 0, 0.230))),
        {"A": "Na+", "B": "Co3+"},
    ),
    "scheelite": Template(
        "I4_1/a",
        _tetragonal(5.24, 11.38),
        (
            ("A", (0, 1 / 4, 5 / 8)),
            ("B", (0, 1 / 4, 1 / 8)),
            ("O", (0.150, 0.009, 0.211)),
        ),
        {"A": "Ca2+", "B": "W6+"},
        _A,
    ),
    "zircon": Template(
        "I4_1/amd",
        _tetragonal(6.61, 5.98),
        (("A", (0, 3 / 4, 1 / 8)), ("B", (0, 1 / 4, 3 / 8)), ("O", (0, 0.066, 0.195))),
        {"A": "Zr4+", "B": "Si4+"},
        _AMD,
    ),
    "olivine": Template(
        "Pnma",
        (10.20, 5.98, 4.75, 90, 90, 90),
        (
            ("A", (0, 0, 0)),
            ("A", (0.277, 1 / 4, 0.991)),
            ("B", (0.094, 1 / 4, 0.426)),
            ("O", (0.092, 1 / 4, 0.766)),
            ("O", (0.447, 1 / 4, 0.222)),
            ("O", (0.163, 0.033, 0.277)),
        ),
        {"A": "Mg2+", "B": "Si4+"},
    ),
    "pyrochlore": Template(
        "Fd-3m:2",
        _cubic(10.09),
        (
            ("A", (1 / 2, 1 / 2, 1 / 2)),
            ("B", (0, 0, 0)),
            ("O", (0.330, 1 / 8, 1 / 8)),
            ("O", (3 / 8, 3 / 8, 3 / 8)),
        ),
        {"A": "Y3+", "B": "Ti4+"},
    ),
    "K2NiF4": Template(
        "I4/mmm",
        _tetragonal(3.87, 12.7),
        (
            ("A", (0, 0, 0.353)),
            ("B", (0, 0, 0)),
            ("O", (0, 1 / 2, 0)),
            ("O", (0, 0, 0.158)),
        ),
        {"A": "Sr2+", "B": "Ti4+"},
    ),
    "ruddlesden_popper_2": Template(
        "I4/mmm",
        _tetragonal(3.90, 20.4),
        (
            ("A", (0, 0, 1 / 2)),
            ("A", (0, 0, 0.312)),
            ("B", (0, 0, 0.097)),
            ("O", (0, 0, 0)),
            ("O", (0, 0, 0.195)),
            ("O", (0, 1 / 2, 0.096)),
        ),
        {"A": "Sr2+", "B": "Ti4+"},
    ),
    "hexagonal_bronze": Template(  # A B3 O9: octahedra share all corners, in another net
        "P6/mmm",
        _hexagonal(7.40, 3.90),
        (
            ("A", (0, 0, 1 / 2)),
            ("B", (1 / 2, 0, 0)),
            ("O", (1 / 2, 0, 1 / 2)),
            ("O", (0.212, 0.424, 0)),
        ),
        {"A": "La3+", "B": "Nb5+"},
    ),
    "trirutile": Template(
        "P4_2/mnm",
        _tetragonal(4.72, 9.20),
        (
            ("A", (0, 0, 0)),
            ("B", (0, 0, 0.332)),
            ("O", (0.305, 0.305, 0)),
            ("O", (0.297, 0.297, 0.323)),
        ),
        {"A": "Mg2+", "B": "Ta5+"},
    ),
    "PbSb2O6": Template(
        "P-31m",
        _hexagonal(5.24, 5.02),
        (("A", (0, 0, 0)), ("B", (1 / 3, 2 / 3, 1 / 2)), ("O", (0.381, 0, 0.294))),
        {"A": "Ca2+", "B": "Sb5+"},
    ),
}


def cell(prototype: str, ions: Mapping[str, str]) -> Structure:
    """Start of the relaxation: the template with other ions, scaled to their size.

    Args:
        prototype: one of TEMPLATES.
        ions: role -> ion ("Ti4+"); "B2" beside "B" puts a second element on half of the B sites.

    Returns:
        Primitive cell.
    """
    template = TEMPLATES[prototype]
    symbols = {role: Species.from_str(ion).symbol for role, ion in ions.items()} | {"O": "O"}
    roles, coordinates = zip(*template.sites, strict=True)
    structure = Structure.from_spacegroup(
        template.space_group,
        Lattice.from_parameters(*template.lattice),
        [symbols[role] for role in roles],
        np.array(coordinates) - template.origin,
    ).get_primitive_structure()
    scale = expected_distance(ions) / expected_distance(template.reference)
    structure.scale_lattice(structure.volume * scale**3)
    return order_b_sites(structure, symbols) if "B2" in ions else structure


def expected_distance(ions: Mapping[str, str]) -> float:
    """Mean distance of cation and oxygen by ionic radii, angstrom."""
    radii = [ionic_radius(ion) for ion in ions.values()]
    return sum(radii) / len(radii) + OXYGEN_RADIUS


def ionic_radius(ion: str) -> float:
    """Radius of a cation in angstrom, from pymatgen's table (Shannon 1976)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a radius is the one of the low-spin ion
        return float(Species.from_str(ion).ionic_radius)


def order_b_sites(structure: Structure, symbols: Mapping[str, str]) -> Structure:
    """Put the second B element on every other B site of the primitive cell."""
    rows = [row for row, site in enumerate(structure) if site.specie.symbol == symbols["B"]]
    ordered = structure.copy()
    for row in rows[1::2]:
        ordered.replace(row, symbols["B2"])
    return ordered
