"""Ideal rock salts and perovskites, and the same with every atom shaken off its site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crystalgraph.checking.autograding import autograding
from crystalgraph.labs.equivariance.graphs import AtomGraph

RADII = {  # ionic radii in angstrom (Shannon 1976, sixfold; A and O of perovskites alike)
    **{"Li": 0.76, "Na": 1.02, "K": 1.38, "Mg": 0.72, "Ca": 1.00, "Sr": 1.18, "Ba": 1.35},
    **{"Ti": 0.605, "Zr": 0.72, "F": 1.33, "Cl": 1.81, "Br": 1.96, "O": 1.40, "S": 1.84},
}
IONS = tuple(RADII)
"""Symbols; the place of an ion in here is its kind."""

CUTOFF = 4.0
"""Neighbors of an atom are nearer than this, in angstrom."""

FEW = 10
"""Crystals while nbgrader is grading."""

NOISE = 0.15
"""Standard deviation of a component of a shaken position, in angstrom."""


@dataclass(frozen=True)
class Crystal:
    """A crystal as the lab needs it.

    Attributes:
        name: formula.
        kinds: (N,) places of the atoms in IONS.
        ideal: (N, 3) sites in angstrom.
        x: (N, 3) positions in angstrom; the sites themselves in an ideal crystal.
        lattice: (3, 3) cell vectors in angstrom, one a row.
    """

    name: str
    kinds: np.ndarray
    ideal: np.ndarray
    x: np.ndarray
    lattice: np.ndarray


def rock_salt(cation: str, anion: str, a: float | None = None) -> Crystal:
    """A rock salt in its cubic cell of 8 ions.

    Args:
        cation, anion: symbols.
        a: edge of the cell in angstrom; by default twice the sum of the radii.
    """
    a = 2 * (RADII[cation] + RADII[anion]) if a is None else a
    first = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    sites = np.concatenate([first, (first + 0.5) % 1]) * a
    kinds = np.repeat([IONS.index(cation), IONS.index(anion)], 4)
    return Crystal(cation + anion, kinds, sites, sites, np.eye(3) * a)


def perovskite(
    large: str, small: str, a: float | None = None, repeat: tuple[int, int, int] = (2, 1, 1)
) -> Crystal:
    """A cubic perovskite ABO3, repeated.

    Args:
        large, small: symbols of A and B.
        a: edge of the cell of five ions in angstrom; by default twice the sum of the radii of B
            and O.
        repeat: cells along each axis.
    """
    a = 2 * (RADII[small] + RADII["O"]) if a is None else a
    five = np.array([[0, 0, 0], [1, 1, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]]) / 2
    cells = np.stack(np.meshgrid(*map(np.arange, repeat), indexing="ij"), -1).reshape(-1, 1, 3)
    sites = (cells + five).reshape(-1, 3) * a
    kinds = np.tile([IONS.index(ion) for ion in (large, small, "O", "O", "O")], len(cells))
    return Crystal(f"{large}{small}O3", kinds, sites, sites, np.diag(repeat) * a)


def random_ideal(rng: np.random.Generator) -> Crystal:
    """An ideal rock salt or perovskite; its cell is up to 3 % larger or smaller than usual."""

    def one(*symbols: str) -> str:
        return symbols[rng.integers(len(symbols))]

    strain = rng.uniform(0.97, 1.03)
    if rng.random() < 0.5:
        large, small = one("Ca", "Sr", "Ba"), one("Ti", "Zr")
        repeat = ((2, 1, 1), (1, 2, 1), (1, 1, 2))[rng.integers(3)]
        return perovskite(large, small, 2 * (RADII[small] + RADII["O"]) * strain, repeat)
    single = one("Li", "Na", "K"), one("F", "Cl", "Br")
    double = one("Mg", "Ca", "Sr", "Ba"), one("O", "S")
    cation, anion = single if rng.random() < 0.5 else double
    return rock_salt(cation, anion, 2 * (RADII[cation] + RADII[anion]) * strain)


def shaken(crystal: Crystal, rng: np.random.Generator, noise: float = NOISE) -> Crystal:
    """The crystal with every atom moved at random; on average the atoms stay where they were.

    Args:
        crystal: ideal.
        rng: draws.
        noise: standard deviation of a component, in angstrom.
    """
    moves = rng.normal(0, noise, crystal.ideal.shape)
    moved = crystal.ideal + moves - moves.mean(axis=0)
    return Crystal(crystal.name, crystal.kinds, crystal.ideal, moved, crystal.lattice)


def shaken_crystals(number: int, seed: int, noise: float = NOISE) -> list[Crystal]:
    """Random crystals, shaken; few while nbgrader is grading, where nothing trains.

    Args:
        number: of crystals.
        seed: of what is drawn.
        noise: standard deviation of a component, in angstrom.
    """
    number, rng = min(number, FEW) if autograding() else number, np.random.default_rng(seed)
    return [shaken(random_ideal(rng), rng, noise) for _ in range(number)]


def crystal_graph(crystal: Crystal, neighbors: Callable) -> AtomGraph:
    """A crystal as a graph; its target is the way from x to the ideal sites.

    Args:
        crystal: shaken or ideal.
        neighbors: periodic_neighbors(x, lattice, cutoff) -> edge_index, image.
    """
    edge_index, image = neighbors(crystal.x, crystal.lattice, CUTOFF)
    shift = np.asarray(image) @ crystal.lattice
    way = crystal.ideal - crystal.x
    nowhere = np.zeros_like(crystal.x)
    return AtomGraph(crystal.kinds, crystal.x, np.asarray(edge_index), shift, way, nowhere)


def periodic_neighbors(
    x: np.ndarray, lattice: np.ndarray, cutoff: float
) -> tuple[np.ndarray, np.ndarray]:
    """All neighbors within a cutoff in a crystal, images included.

    Args:
        x: (N, 3) positions in angstrom, anywhere.
        lattice: (3, 3) cell vectors in angstrom, one a row.
        cutoff: in angstrom.

    Returns:
        edge_index (2, E) of atom i and neighbor j, and image (E, 3): the neighbor that is meant
        is at x[j] + image @ lattice.
    """
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    spread = np.ptp(x @ np.linalg.inv(lattice), axis=0)  # atoms may lie outside of the cell
    reach = np.ceil(cutoff / heights + spread).astype(int)
    ranges = [np.arange(-n, n + 1) for n in reach]
    images = np.stack(np.meshgrid(*ranges, indexing="ij"), -1).reshape(-1, 3)
    way = x[None, :, None] + (images @ lattice)[None, None] - x[:, None, None]
    distance = np.linalg.norm(way, axis=-1)
    i, j, k = np.nonzero((distance < cutoff) & (distance > 1e-6))
    return np.stack([i, j]), images[k]
