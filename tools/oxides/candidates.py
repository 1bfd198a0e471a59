"""Which crystals to try: charge-balanced formulas, each in several structure types.

A formula A B O3 or A2 B B' O6 is tried as perovskite in several variants and as some of its rivals,
so that the composition alone does not tell. Oxides of other formulas join them. What cannot exist
as a perovskite (tolerance factor of V. M. Goldschmidt, 1926, far from 1) is not tried as one.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import sqrt

from prototypes import OXYGEN_RADIUS, cell, ionic_radius
from pymatgen.core import Composition, Species, Structure
from tilts import DOUBLE_VARIANTS, VARIANTS, perovskite_cell

TOLERANCE_FACTOR = (0.78, 1.09)
N_SIMPLE, N_DOUBLE = 140, 70  # formulas
VARIANTS_TRIED, RIVALS_TRIED = 3, 3
RIVALS = ("ilmenite", "2H", "post_perovskite", "hexagonal_layers", "4H", "6H")
CORNER_SHARING_RIVAL = "defect_pyrochlore"
RIVALS_OF_DOUBLES = ("ilmenite", "2H", "post_perovskite")
CORNER_SHARING_RIVAL_OF_DOUBLES = "hexagonal_layers"
POLAR_B = {"Ti4+", "Nb5+", "Ta5+", "Zr4+", "Hf4+", "V5+", "Sc3+", "Fe3+", "Al3+", "Ga3+"}
POLAR = ("P4mm", "R3m", "Amm2")
TILTED = ("Pnma", "R-3c", "I4/mcm", "Imma", "P4/mbm", "Im-3")

A_IONS = {
    1: ("Na+", "K+", "Rb+", "Cs+", "Ag+", "Tl+"),
    2: ("Ca2+", "Sr2+", "Ba2+", "Pb2+", "Cd2+", "Eu2+"),
    3: ("La3+", "Pr3+", "Nd3+", "Sm3+", "Gd3+", "Dy3+", "Y3+", "Lu3+", "Bi3+"),
}
B_IONS = {
    5: ("Nb5+", "Ta5+", "Sb5+", "V5+"),
    4: ("Ti4+", "Zr4+", "Hf4+", "Sn4+", "Ge4+", "Mn4+", "Ru4+", "Mo4+", "V4+", "Ir4+", "Pb4+"),
    3: ("Al3+", "Ga3+", "Sc3+", "In3+", "V3+", "Cr3+", "Mn3+", "Fe3+", "Co3+", "Rh3+", "Ti3+"),
}
ORDERED_PAIRS = {  # B, B' whose charges differ by two or more keep an order
    2: (
        *product(("Mg2+", "Ca2+", "Mn2+", "Co2+", "Ni2+", "Zn2+", "Cd2+"), ("W6+", "Mo6+", "Te6+")),
        *product(("Al3+", "Sc3+", "Ga3+", "In3+", "Cr3+", "Fe3+", "Y3+"), ("Nb5+", "Ta5+", "Sb5+")),
    ),
    3: tuple(product(("Mg2+", "Ni2+", "Co2+", "Zn2+", "Mn2+"), ("Ti4+", "Mn4+", "Ir4+", "Zr4+"))),
}
OTHERS = {
    "rocksalt": [
        {"B": b} for b in ("Mg2+", "Ca2+", "Sr2+", "Ba2+", "Mn2+", "Fe2+", "Co2+", "Ni2+", "Cd2+")
    ],
    "wurtzite": [{"B": b} for b in ("Be2+", "Mg2+", "Zn2+", "Cd2+", "Mn2+", "Co2+")],
    "zincblende": [{"B": b} for b in ("Be2+", "Mg2+", "Zn2+", "Cd2+", "Mn2+")],
    "fluorite": [{"B": b} for b in ("Ce4+", "Th4+", "Zr4+", "Hf4+", "Pr4+", "Tb4+", "Pb4+", "U4+")],
    "antifluorite": [{"B": b} for b in ("Li+", "Na+", "K+", "Rb+")],
    "rutile": [
        {"B": b}
        for b in (
            *("Ti4+", "Sn4+", "Ge4+", "Mn4+", "Ru4+", "Ir4+", "Cr4+"),
            *("Os4+", "Pb4+", "Si4+", "Zr4+", "Nb4+", "Rh4+"),
        )
    ],
    "anatase": [{"B": b} for b in ("Ti4+", "Sn4+", "Zr4+", "Hf4+", "Ge4+", "V4+")],
    "corundum": [
        {"B": b} for b in ("Al3+", "Cr3+", "Fe3+", "V3+", "Ti3+", "Ga3+", "Rh3+", "In3+", "Sc3+")
    ],
    "bixbyite": [{"B": b} for b in ("Mn3+", "In3+", "Sc3+", "Lu3+", "Y3+", "Gd3+")],
    "a_type_sesquioxide": [{"B": b} for b in ("La3+", "Pr3+", "Nd3+", "Sm3+", "Gd3+", "Y3+")],
    "spinel": [
        {"A": a, "B": b}
        for a, b in product(("Mg2+", "Zn2+", "Mn2+", "Cd2+"), ("Al3+", "Cr3+", "Ga3+", "Rh3+"))
    ],
    "delafossite": [
        {"A": a, "B": b}
        for a, b in product(("Cu+", "Ag+"), ("Al3+", "Ga3+", "Cr3+", "Sc3+", "Y3+"))
    ],
    "layered_rocksalt": [
        {"A": a, "B": b}
        for a, b in product(("Li+", "Na+"), ("Co3+", "Cr3+", "Ni3+", "Sc3+", "In3+"))
    ],
    "scheelite": [
        {"A": a, "B": b}
        for a, b in product(("Ca2+", "Sr2+", "Ba2+", "Pb2+", "Cd2+"), ("W6+", "Mo6+"))
    ],
    "zircon": [
        *({"A": a, "B": "Si4+"} for a in ("Zr4+", "Hf4+", "Th4+")),
        *({"A": a, "B": b} for a, b in product(("Y3+", "La3+", "Lu3+", "Bi3+"), ("V5+", "P5+"))),
    ],
    "olivine": [
        {"A": a, "B": b} for a, b in product(("Mg2+", "Mn2+", "Co2+", "Ca2+"), ("Si4+", "Ge4+"))
    ],
    "pyrochlore": [
        *(
            {"A": a, "B": b}
            for a, b in product(("Y3+", "La3+", "Bi3+", "Gd3+"), ("Ti4+", "Zr4+", "Sn4+", "Hf4+"))
        ),
        *({"A": a, "B": b} for a, b in product(("Cd2+", "Ca2+", "Pb2+"), ("Nb5+", "Ta5+", "Sb5+"))),
    ],
    "K2NiF4": [
        *(
            {"A": a, "B": b}
            for a, b in product(("La3+", "Nd3+", "Gd3+"), ("Ni2+", "Co2+", "Cu2+", "Mg2+"))
        ),
        *(
            {"A": a, "B": b}
            for a, b in product(
                ("Ca2+", "Sr2+", "Ba2+", "Eu2+"),
                ("Ti4+", "Zr4+", "Sn4+", "Ru4+", "Mn4+", "Ir4+", "Hf4+", "Mo4+"),
            )
        ),
    ],
    "ruddlesden_popper_2": [
        {"A": a, "B": b}
        for a, b in product(
            ("Ca2+", "Sr2+", "Ba2+", "Eu2+"), ("Ti4+", "Zr4+", "Sn4+", "Hf4+", "Ru4+", "Ir4+")
        )
    ],
    "hexagonal_bronze": [{"A": a, "B": b} for a, b in product(A_IONS[3], ("Nb5+", "Ta5+", "Sb5+"))],
    "trirutile": [
        {"A": a, "B": b} for a, b in product(("Mg2+", "Ni2+", "Co2+", "Zn2+"), ("Ta5+", "Sb5+"))
    ],
    "PbSb2O6": [{"A": a, "B": "Sb5+"} for a in ("Pb2+", "Ca2+", "Sr2+", "Ba2+", "Cd2+")],
}


@dataclass(frozen=True)
class Candidate:
    """A crystal to relax.

    Attributes:
        prototype: one of TEMPLATES, or "perovskite_" and a variant.
        ions: pairs of role and ion.
    """

    prototype: str
    ions: tuple[tuple[str, str], ...]

    @property
    def perovskite(self) -> bool:
        """Whether it is tried as a perovskite."""
        return self.prototype.startswith("perovskite_")

    @property
    def b_elements(self) -> list[str]:
        """Symbols of the cations whose polyhedra the definition looks at."""
        return [Species.from_str(ion).symbol for role, ion in self.ions if role.startswith("B")]

    def start(self) -> Structure:
        """Where the relaxation starts."""
        ions = dict(self.ions)
        if not self.perovskite:
            return cell(self.prototype, ions)
        variant = self.prototype.removeprefix("perovskite_")
        return perovskite_cell(ions, VARIANTS[DOUBLE_VARIANTS.get(variant, variant)])

    @property
    def id(self) -> str:
        """Formula and prototype: unique."""
        amounts: Counter[str] = Counter()
        for role, number in stoichiometry(self.prototype, "B2" in dict(self.ions)).items():
            ion = dict(self.ions).get(role, "O2-")
            amounts[Species.from_str(ion).symbol] += number
        return f"{Composition(amounts).reduced_formula}-{self.prototype.replace('/', '')}"


@cache
def stoichiometry(prototype: str, ordered: bool) -> Counter:
    """How often each role occurs in a cell of a prototype; `ordered` splits B in B and B2."""
    roles = {"A": "Sr2+", "B": "Ti4+"} | ({"B2": "W6+"} if ordered else {})
    names = {"Sr": "A", "Ti": "B", "W": "B2", "O": "O"}
    start = Candidate(prototype, tuple(roles.items())).start()
    return Counter(names[site.specie.symbol] for site in start)


def candidates(seed: int = 1) -> list[Candidate]:
    """All crystals to try, well mixed: any first part of the list is a balanced set.

    Args:
        seed: of the choice of formulas, variants and rivals.
    """
    chance = random.Random(seed)
    simple = chance.sample(list(simple_formulas()), N_SIMPLE)
    double = chance.sample(list(double_formulas()), N_DOUBLE)
    chosen = [one for ions in simple for one in polymorphs(ions, chance)]
    chosen += [one for ions in double for one in ordered_polymorphs(ions, chance)]
    chosen += [
        Candidate(prototype, tuple(ions.items()))
        for prototype, compounds in OTHERS.items()
        for ions in compounds
    ]
    chance.shuffle(chosen)
    return list({candidate.id: candidate for candidate in chosen}.values())


def simple_formulas() -> Iterator[dict[str, str]]:
    """Ions of every A B O3 that may be a perovskite."""
    for charge, a_ions in A_IONS.items():
        for a, b in product(a_ions, B_IONS[6 - charge]):
            if may_be_perovskite(a, b):
                yield {"A": a, "B": b}


def double_formulas() -> Iterator[dict[str, str]]:
    """Ions of every A2 B B' O6 that may be a perovskite."""
    for charge, pairs in ORDERED_PAIRS.items():
        for a, (b, b2) in product(A_IONS[charge], pairs):
            if may_be_perovskite(a, b, b2):
                yield {"A": a, "B": b, "B2": b2}


def may_be_perovskite(a: str, *b: str) -> bool:
    """Whether the tolerance factor of A and the mean B is near one."""
    b_radius = sum(map(ionic_radius, b)) / len(b)
    factor = (ionic_radius(a) + OXYGEN_RADIUS) / sqrt(2) / (b_radius + OXYGEN_RADIUS)
    return TOLERANCE_FACTOR[0] <= factor <= TOLERANCE_FACTOR[1]


def polymorphs(ions: dict[str, str], chance: random.Random) -> list[Candidate]:
    """One formula as several perovskites and several of their rivals."""
    variants = ["Pm-3m", *TILTED, *(POLAR if ions["B"] in POLAR_B else ())]
    prototypes = [f"perovskite_{name}" for name in chance.sample(variants, VARIANTS_TRIED)]
    prototypes += [*chance.sample(RIVALS, RIVALS_TRIED), CORNER_SHARING_RIVAL]
    return [Candidate(prototype, tuple(ions.items())) for prototype in prototypes]


def ordered_polymorphs(ions: dict[str, str], chance: random.Random) -> list[Candidate]:
    """One double formula as perovskites and as rivals, with the two B in order."""
    variants = chance.sample(list(DOUBLE_VARIANTS), 2)
    prototypes = [f"perovskite_{name}" for name in variants]
    prototypes += [*chance.sample(RIVALS_OF_DOUBLES, 2), CORNER_SHARING_RIVAL_OF_DOUBLES]
    return [Candidate(prototype, tuple(ions.items())) for prototype in prototypes]
