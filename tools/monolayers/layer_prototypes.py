"""Geometry of the 18 prototypes of layers, from covalent radii, and the elements that are tried.

Each prototype is a function of elements. It returns the lattice vectors in the plane, in angstrom,
and the atoms as (symbol, u, v, z): fractional coordinates in the plane, height in angstrom.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from ase.data import atomic_numbers, covalent_radii

Plane = list[list[float]]
Atoms = list[tuple[str, float, float, float]]
THIRD, TWO = 1 / 3, 2 / 3


def bond(a: str, b: str, scale: float = 0.97) -> float:
    """Sum of two covalent radii, scaled, in angstrom."""
    return scale * sum(covalent_radii[atomic_numbers[one]] for one in (a, b))


def height(side: float, flat: float, least: float) -> float:
    """Height of an atom at the end of a bond whose part in the plane is known."""
    return sqrt(max(side**2 - flat**2, least))


def hexagonal(a: float) -> Plane:
    """Two vectors of length a, 120 degrees apart."""
    return [[a, 0, 0], [-a / 2, a * sqrt(3) / 2, 0]]


def rectangular(a: float, b: float | None = None) -> Plane:
    """Two vectors at a right angle; equally long without a second length."""
    return [[a, 0, 0], [0, b or a, 0]]


def _sandwich(m: str, x: str, y: str, ratio: float, second: tuple[float, float]):
    """A metal between two anions, above and below."""
    a = ratio * (bond(m, x) + bond(m, y)) / 2
    up, down = (height(bond(m, one), a / sqrt(3), 0.5) for one in (x, y))
    return hexagonal(a), [(m, 0, 0, 0), (x, THIRD, TWO, up), (y, *second, -down)]


def trigonal_prism(m: str, x: str, y: str = ""):
    """1H, MoS2; with two anions Janus-1H."""
    return _sandwich(m, x, y or x, 1.32, (THIRD, TWO))


def octahedron(m: str, x: str, y: str = ""):
    """1T, CdI2; with two anions Janus-1T."""
    return _sandwich(m, x, y or x, 1.42, (TWO, THIRD))


def planar(m: str, x: str):
    """BN."""
    return hexagonal(sqrt(3) * bond(m, x)), [(m, THIRD, TWO, 0), (x, TWO, THIRD, 0)]


def buckled(m: str, x: str):
    """As BN, with the two elements at different heights."""
    d = bond(m, x)
    return hexagonal(1.64 * d), [(m, THIRD, TWO, d / 6), (x, TWO, THIRD, -d / 6)]


def gallium_selenide(m: str, x: str):
    """GaSe: pairs of metals between two layers of anions."""
    d, half = bond(m, x), bond(m, m) / 2
    top = half + height(d, 1.53 * d / sqrt(3), 0)
    metals = [(m, THIRD, TWO, half), (m, THIRD, TWO, -half)]
    return hexagonal(1.53 * d), [*metals, (x, TWO, THIRD, top), (x, TWO, THIRD, -top)]


def litharge(m: str, x: str):
    """FeSe: metals in the middle plane."""
    d = bond(m, x)
    a = 1.63 * d
    h = height(d, a / 2, 0)
    return rectangular(a), [(m, 0, 0, 0), (m, 0.5, 0.5, 0), (x, 0, 0.5, h), (x, 0.5, 0, -h)]


def mxene(m: str, c: str, t: str = ""):
    """M2C; with a termination M2CT2."""
    d = bond(m, c)
    a = 1.45 * d
    h = height(d, a / sqrt(3), 0)
    atoms = [(c, 0, 0, 0), (m, THIRD, TWO, h), (m, TWO, THIRD, -h)]
    if t:
        z = h + height(bond(m, t), a / sqrt(3), 0.6)
        atoms += [(t, TWO, THIRD, z), (t, THIRD, TWO, -z)]
    return hexagonal(a), atoms


def quintuple(m: str, x: str, inner: str = ""):
    """Bi2Te3: five layers."""
    inner = inner or x
    d = bond(m, x)
    a = 1.42 * d
    low = height(bond(m, inner, 1.03), a / sqrt(3), 0.8)
    top = low + height(d, a / sqrt(3), 0)
    metals = [(m, THIRD, TWO, low), (m, TWO, THIRD, -low)]
    return hexagonal(a), [(inner, 0, 0, 0), *metals, (x, TWO, THIRD, top), (x, THIRD, TWO, -top)]


def chromium_iodide(m: str, x: str):
    """CrI3: a honeycomb of octahedra."""
    d, t = bond(m, x), THIRD
    h = d / sqrt(3)
    up = [(x, t, 0, h), (x, 0, t, h), (x, -t, -t, h)]
    down = [(x, -t, 0, -h), (x, 0, -t, -h), (x, t, t, -h)]
    return hexagonal(sqrt(6) * d), [(m, t, 2 * t, 0), (m, 2 * t, t, 0), *up, *down]


def iron_oxychloride(m: str, o: str, x: str):
    """FeOCl."""
    s = bond(m, o) / 2
    top = 0.91 * s + height(bond(m, x), 1.65 * s, 1)
    inside = [(m, 0, 0, 0.91 * s), (m, 0.5, 0.5, -0.91 * s), (o, 0.5, 0, 0.39 * s)]
    outside = [(o, 0, 0.5, -0.39 * s), (x, 0, 0.5, top), (x, 0.5, 0, -top)]
    return rectangular(3.78 * s, 3.3 * s), inside + outside


def bismuth_oxychloride(m: str, o: str, x: str):
    """BiOCl."""
    d = bond(m, o, 1.03)
    a = 1.68 * d
    z = height(d, a / 2, 0)
    top = z + height(bond(m, x, 1.15), a / sqrt(2), 1.0)
    middle = [(o, 0, 0, 0), (o, 0.5, 0.5, 0), (m, 0, 0.5, z), (m, 0.5, 0, -z)]
    return rectangular(a), [*middle, (x, 0.5, 0, top), (x, 0, 0.5, -top)]


def potassium_nickel_fluoride(a: str, b: str, x: str):
    """One layer of K2NiF4."""
    d = bond(b, x, 1.0)
    octahedra = [(b, 0, 0, 0), (x, 0.5, 0, 0), (x, 0, 0.5, 0), (x, 0, 0, d), (x, 0, 0, -d)]
    return rectangular(2 * d), [*octahedra, (a, 0.5, 0.5, 0.97 * d), (a, 0.5, 0.5, -0.97 * d)]


def molybdenum_silicon_nitride(m: str, si: str, z: str):
    """MoSi2N4: seven layers."""
    a = 1.32 * bond(m, z)
    h, side = height(bond(m, z), a / sqrt(3), 0.5), bond(si, z)
    top = h + side + height(side, a / sqrt(3), 0.05)
    atoms = [(m, 0, 0, 0)]
    for symbol, u, v, level in (
        (z, THIRD, TWO, h),
        (si, THIRD, TWO, h + side),
        (z, TWO, THIRD, top),
    ):
        atoms += [(symbol, u, v, level), (symbol, u, v, -level)]
    return hexagonal(a), atoms


def zinc_chloride(m: str, x: str):
    """ZnCl2: tetrahedra that share corners."""
    d = bond(m, x)
    h = d / sqrt(3)
    return rectangular(1.633 * d), [(m, 0, 0, 0), (x, 0.5, 0, h), (x, 0, 0.5, -h)]


def two_layers_of_rock_salt(m: str, x: str):
    """Two planes of rock salt."""
    d = bond(m, x, 1.02)
    top = [(m, 0, 0, d / 2), (x, 0.5, 0.5, d / 2)]
    return rectangular(sqrt(2) * d), [*top, (x, 0, 0, -d / 2), (m, 0.5, 0.5, -d / 2)]


PROTOTYPES: dict[str, Callable[..., tuple[Plane, Atoms]]] = {
    "1H": trigonal_prism,
    "1T": octahedron,
    "Janus-1H": trigonal_prism,
    "Janus-1T": octahedron,
    "BN": planar,
    "buckled": buckled,
    "GaSe": gallium_selenide,
    "litharge": litharge,
    "MXene": mxene,
    "MXene-T": mxene,
    "M2X3": quintuple,
    "MX3": chromium_iodide,
    "FeOCl": iron_oxychloride,
    "BiOCl": bismuth_oxychloride,
    "K2NiF4": potassium_nickel_fluoride,
    "MA2Z4": molybdenum_silicon_nitride,
    "ZnCl2": zinc_chloride,
    "rocksalt2": two_layers_of_rock_salt,
}
