"""What makes the cases of the lab, one function for each kind; a check names its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pymatgen.core import Element, Lattice, Structure

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import Arrays, Case

METALS = ("Ti", "Zr", "Hf", "V", "Nb", "Ta", "Cr", "Mo", "W", "Mn", "Fe", "Co", "Ni", "Sn", "Pb")
ANIONS = ("O", "F", "S", "Cl", "Se", "Br", "Te", "I")

# ---- 1.1 cells to swap in


def cells_to_swap_in(numbers: CaseNumbers) -> list[Case]:
    """Layers of two and of three elements, and two whose nearest partner is in the next cell."""
    makers = (_honeycomb, _three_elements, _across_the_border, _slanted)
    return [make(numbers) for make in makers]


def _honeycomb(numbers: CaseNumbers) -> Case:
    """A flat layer of two elements; all three neighbors of an atom are equally near."""
    pair = numbers.pick(METALS, ("B",)) + numbers.pick(ANIONS, ("N",))
    layer = Lattice.hexagonal(numbers.number(2.4, 3.6, by_hand=2.5), 16)
    host = Structure(layer, pair, [[1 / 3, 2 / 3, 0.5], [2 / 3, 1 / 3, 0.5]])
    return _swap_case("paper", host * (2, 2, 1), 0, pair[1])


def _three_elements(numbers: CaseNumbers) -> Case:
    """Around the first atom the nearest of the wanted element is farther than another atom."""
    metal, near, far = numbers.pick(METALS, ("Mo",)) + numbers.pick(ANIONS, ("S", "Se"))
    low, high = numbers.number(0.06, 0.07, by_hand=0.065), numbers.number(0.1, 0.11, by_hand=0.105)
    layer = Lattice.hexagonal(numbers.number(3.1, 3.5, by_hand=3.25), 20)
    coords = [[1 / 3, 2 / 3, 0.5 - high], [0, 0, 0.5], [1 / 3, 2 / 3, 0.5 + low]]
    host = Structure(layer, [far, metal, near], coords)
    return _swap_case("three", host * (2, 2, 1), 4, far)


def _across_the_border(numbers: CaseNumbers) -> Case:
    """The nearest partner is behind the border, another is nearer in fractional coordinates."""
    metal, anion = numbers.pick(METALS, ("Pb",)) + numbers.pick(ANIONS, ("O",))
    a = numbers.number(5.5, 6.5, by_hand=6.0)
    chosen = [[0.5, 0.5, 0.5], [0.7, 0.5, 0.5], [0.1, 0.5, 0.7]]  # inside, nearest, fractional
    coords = np.array([[0.05, 0.5, 0.5], [0.55, 0.1, 0.5], *chosen])
    shift = numbers.array(-0.01, 0.01, by_hand=np.zeros((5, 3)))
    cell = Structure(Lattice.orthorhombic(a, 1.1 * a, 20), [metal] + [anion] * 4, coords + shift)
    return _swap_case("border", cell, 0, anion)


def _slanted(numbers: CaseNumbers) -> Case:
    """In a slanted cell the nearest image is not the one of the rounded fractions."""
    metal, anion = numbers.pick(METALS, ("Pb",)) + numbers.pick(ANIONS, ("O",))
    a = numbers.number(6.0, 7.0, by_hand=6.5)
    layer = Lattice.from_parameters(a, a, 20, 90, 90, 45)
    wrapped, inside = [0.45, 0.48, 0.5], [0.4, 0.1, 0.5]  # 0.38 a by an image, 0.48 a
    shift = numbers.array(-0.005, 0.005, by_hand=np.zeros((3, 3)))
    cell = Structure(layer, [metal, anion, anion], np.array([[0, 0, 0.5], wrapped, inside]) + shift)
    return _swap_case("slanted", cell, 0, anion)


def _swap_case(name: str, cell: Structure, atom: int, element: str) -> Case:
    inputs = {
        "lattice": cell.lattice.matrix,
        "numbers": np.array(cell.atomic_numbers),
        "frac_coords": cell.frac_coords,
    }
    return Case(name, inputs, {"atom": atom, "element": element})


# ---- 1.2 cells to split


def cells_to_split(numbers: CaseNumbers) -> list[Case]:
    """Hosts with their twins, and hosts with different numbers of cells in any order."""
    rng = numbers.rng
    twins = np.repeat(rng.permutation(900)[:20], 2)
    mixed = rng.permutation(np.repeat(rng.permutation(900)[:40], rng.integers(1, 5, 40)))
    seeds = numbers.distinct(0, 10_000, by_hand=(0, 1))
    return [
        Case(name, {"host": hosts}, {"seed": seed})
        for name, hosts, seed in zip(("twins", "mixed"), (twins, mixed), seeds, strict=True)
    ]


# ---- 1.3 cells to count

FORMULAS = ((1, 1), (1, 2), (2, 3), (1, 3), (2, 2, 2), (1, 2, 4), (2, 1, 4))
"""Atoms of each element in a primitive cell."""
SIZES = (2, 3, 4, 5, 6)


def cells_to_count(numbers: CaseNumbers) -> list[Case]:
    """Atomic numbers of perfect cells and of cells with each kind of defect."""
    rng = numbers.rng
    metal, anion, other = numbers.pick(METALS, ("Mo",)) + numbers.pick(ANIONS, ("S", "Se"))
    paper = [
        {metal: 4, anion: 8},
        {metal: 3, anion: 8},
        {metal: 4, anion: 7},
        {metal: 3, anion: 9},
        {metal: 4, anion: 7, other: 1},
        {metal: 4, anion: 9},
    ]
    hosts = [_host(rng, formula, n) for n in SIZES for formula in FORMULAS]
    chosen = [hosts[int(place)] for place in rng.permutation(len(hosts))[:12]]
    made = {
        "perfect": hosts,
        "vacancy": [_with(host, removed=_one_of(rng, host)) for host in chosen],
        "antisite": [_antisite(rng, host) for host in chosen],
        "substitution": [_with(host, _one_of(rng, host), _absent(rng, host)) for host in chosen],
        "interstitial": [_with(host, added=_one_of(rng, host)) for host in chosen],
        "by_chance": [_by_chance(rng, kind) for kind in range(4)],
        "swap": chosen,
    }
    return [_count_case("paper", paper, rng)] + [
        _count_case(name, cells, rng) for name, cells in made.items()
    ]


Counts = dict[str, int]


def _host(rng: np.random.Generator, formula: Sequence[int], n: int) -> Counts:
    symbols = [*rng.permutation(METALS)[: len(formula) - 1], rng.choice(ANIONS)]
    return {str(s): k * n * n for s, k in zip(symbols, formula, strict=True)}


def _one_of(rng: np.random.Generator, cell: Counts) -> str:
    return str(rng.choice(list(cell)))


def _absent(rng: np.random.Generator, cell: Counts) -> str:
    return str(rng.choice([one for one in METALS + ANIONS if one not in cell]))


def _with(cell: Counts, removed: str = "", added: str = "") -> Counts:
    """The counts of a cell with one atom less and one more."""
    names = [one for one in dict.fromkeys((*cell, added)) if one]  # in order, not as a set
    change = {one: (one == added) - (one == removed) for one in names}
    return {one: cell.get(one, 0) + step for one, step in change.items()}


def _antisite(rng: np.random.Generator, cell: Counts) -> Counts:
    removed, added = rng.permutation(list(cell))[:2]
    return _with(cell, str(removed), str(added))


def _by_chance(rng: np.random.Generator, kind: int) -> Counts:
    """3 + 9 and 9 + 24 atoms, 8 + 18 and 8 + 10: multiples of 3 and of 2."""
    metal, anion = str(rng.choice(METALS)), str(rng.choice(ANIONS))
    counts = ((3, 9), (9, 24), (8, 18), (8, 10))[kind]
    return {metal: counts[0], anion: counts[1]}


def _count_case(name: str, cells: Sequence[Counts], rng: np.random.Generator) -> Case:
    listed = [
        rng.permutation([Element(one).Z for one, count in cell.items() for _ in range(count)])
        for cell in cells
    ]
    n_atoms = np.array([len(one) for one in listed])
    return Case(name, {"atomic_numbers": np.concatenate(listed), "n_atoms": n_atoms})


# ---- 1.4, 1.5, 1.8: rows of a batch


def kinds_to_average(numbers: CaseNumbers) -> list[Case]:
    """Features of kinds of atoms, with how many there are of each."""
    rng = numbers.rng
    paper = {
        "atom_features": numbers.array(-2, 6, by_hand=[[1], [5], [4]]),
        "multiplicity": numbers.choose(
            np.array([3.0, 1, 8]), lambda: rng.permutation(np.arange(2.0, 9))[:3]
        ),
        "crystal": np.array([0, 0, 1]),
    }
    return [Case("paper", paper), Case("random", _batch(rng, 5))]


def kinds_to_compare(numbers: CaseNumbers) -> list[Case]:
    """Features of kinds of atoms, some of them negative throughout."""
    rng = numbers.rng
    first = numbers.array((0, 4, 3, 0, 1, 1), (2, 6, 5, 2, 3, 3), by_hand=[1, 5, 4, 2, 3, 2])
    paper = {"atom_features": first.reshape(3, 2), "crystal": np.array([0, 0, 1])}
    random, negative = _batch(rng, 5), _batch(rng, 3)
    negative["atom_features"] = -rng.uniform(0.5, 3, negative["atom_features"].shape)
    cases = {"paper": paper, "random": random, "negative": negative}
    return [
        Case(name, {key: inputs[key] for key in ("atom_features", "crystal")})
        for name, inputs in cases.items()
    ]


def kinds_to_contrast(numbers: CaseNumbers) -> list[Case]:
    """Features of kinds of atoms of few elements, several kinds of each."""
    rng = numbers.rng
    paper = {
        "atom_features": numbers.array(-1, 6, by_hand=[[1], [5], [4]]),
        "element": numbers.choose(np.array([16, 16, 42]), lambda: np.array([34, 34, 74])),
        "multiplicity": numbers.choose(
            np.array([3.0, 1, 2]), lambda: rng.permutation(np.arange(2.0, 9))[:3]
        ),
        "crystal": np.zeros(3, dtype=int),
    }
    random = _batch(rng, 4, least=4)
    random["element"] = rng.choice([8, 9, 16, 18], len(random["crystal"]))  # sums with a cell meet
    random["element"][:4] = 8, 16, 8, 18  # two kinds of one element in the first cell
    return [Case("paper", paper), Case("random", random)]


def _batch(rng: np.random.Generator, n_cells: int, least: int = 1) -> Arrays:
    """Rows of cells with different numbers of kinds; the first has one or the least."""
    n_kinds = np.array([least, *rng.integers(max(2, least), 7, n_cells - 1)])
    crystal = np.repeat(np.arange(n_cells), n_kinds)
    return {
        "atom_features": rng.normal(size=(len(crystal), 4)),
        "multiplicity": rng.integers(1, 30, len(crystal)).astype(float),
        "crystal": crystal,
    }


# ---- 1.6 pooled twins


def pooled_twins(numbers: CaseNumbers) -> list[Case]:
    """Pooled vectors of hosts and their twins at several sizes."""
    rng = numbers.rng
    triple = numbers.pick(((3, 4), (6, 8), (5, 12), (8, 15)), ((3, 4),))[0]
    perfect = numbers.array(-2, 2, by_hand=np.zeros((2, 1, 2)))
    shift = np.array(triple) * np.array([1.0, 0.1])[:, None, None]
    paper = _twins_case("paper", perfect, shift, np.array([10.0, 100]))
    n_atoms = np.array([12.0, 27, 48, 75, 108, 192, 300])
    return [
        paper,
        _drawn_twins("random", rng, n_atoms, n_atoms ** -rng.uniform(0.7, 1.3)),
        _drawn_twins("flat", rng, n_atoms, np.ones(7)),
    ]


def _drawn_twins(
    name: str, rng: np.random.Generator, n_atoms: np.ndarray, fall: np.ndarray
) -> Case:
    perfect = rng.normal(size=(7, 9, 4))
    shift = rng.normal(size=(7, 9, 4)) * fall[:, None, None]
    shift[:, 0] *= 30  # an unusual host
    return _twins_case(name, perfect, shift, n_atoms)


def _twins_case(name: str, perfect: np.ndarray, shift: np.ndarray, n_atoms: np.ndarray) -> Case:
    return Case(name, {"perfect": perfect, "defective": perfect + shift, "n_atoms": n_atoms})


# ---- 1.7 scored cells


def scored_cells(numbers: CaseNumbers) -> list[Case]:
    """Scores of kinds of atoms, and the share of each that is at the defect."""
    rng = numbers.rng
    paper = {
        "scores": numbers.array((2, -2, 0, 3), (4, -1, 1, 5), by_hand=[2.5, -1, 0.5, 3]),
        "at_defect": np.array([1.0, 0, 1, 0]),
        "multiplicity": numbers.choose(
            np.array([2.0, 6, 1, 3]), lambda: rng.permutation(np.arange(2.0, 9))[:4]
        ),
        "crystal": np.array([0, 0, 1, 1]),
    }
    return [
        Case("paper", paper),
        Case("random", _scored(rng, 6, whole=True)),
        Case("shares", _scored(rng, 6, whole=False)),
    ]


def _scored(rng: np.random.Generator, n_cells: int, whole: bool) -> Arrays:
    n_kinds = rng.integers(2, 7, n_cells)
    crystal = np.repeat(np.arange(n_cells), n_kinds)
    starts = np.cumsum(n_kinds) - n_kinds
    scores, at_defect = rng.normal(size=len(crystal)), rng.integers(0, 2, len(crystal)) * 1.0
    if not whole:
        at_defect = rng.uniform(0.1, 0.9, len(crystal)).round(2)
    scores[starts + n_kinds - 1] += 4 * rng.integers(0, 2, n_cells)  # often the last of a cell
    return {
        "scores": scores,
        "at_defect": at_defect,
        "multiplicity": rng.integers(1, 20, len(crystal)).astype(float),
        "crystal": crystal,
    }
