"""Point defects, made in supercells of monolayers.

A host is the primitive cell of a perfect layer; its third axis is perpendicular to the layer and
holds the vacuum. A supercell repeats it n times along each of the other two axes, never along the
third. One defect is put into it, and nothing is relaxed afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pymatgen.core import Structure

from crystalgraph.errors import CrystalGraphError

CLASSIC = ("vacancy", "antisite", "substitution", "interstitial")
SWAP = "swap"
KINDS = (*CLASSIC, SWAP)
"""The kinds of defects: four that change how many atoms of an element there are, and one that does
not, two near atoms of different elements that have changed places."""

ANIONS = frozenset("B C N P As Sb O S Se Te F Cl Br I".split())
METALS_TO_PUT_IN = tuple(
    "Al Bi Ca Cd Co Cr Fe Ga Ge Hf In Mg Mn Mo Nb Ni Pb Sc Sn Sr Ta Ti V W Y Zn Zr".split()
)
ANIONS_TO_PUT_IN = tuple("As Br C Cl F I N O P S Sb Se Te".split())
"""Elements that a substitution may bring: each is in several hosts in the same role, so that the
element alone gives nothing away."""

CLOSE = 0.93
"""An atom is put into a hole of the layer that is at least so wide, in shortest bonds."""
AT_DEFECT = 1.2
"""Atoms up to this many shortest distances away from a defect are at it."""


@dataclass(frozen=True, eq=False)
class Cell:
    """A supercell with at most one defect.

    Attributes:
        structure: its atoms.
        kind: of the defect, or "perfect".
        places: (D, 3) where atoms were changed, in angstrom; empty for a perfect cell.
    """

    structure: Structure
    kind: str
    places: np.ndarray

    @property
    def atoms_at_defect(self) -> np.ndarray:
        """(N,) whether an atom was changed, or is one of the nearest to such a place."""
        found = np.zeros(len(self.structure), dtype=bool)
        for distance in distances_to(self.structure, self.places):
            shell = distance[distance > 0.1].min()
            found |= distance < AT_DEFECT * shell
        return found


def perfect_cell(host: Structure, n: int) -> Cell:
    """The n x n supercell of a host, without a defect."""
    return Cell(host * (n, n, 1), "perfect", np.empty((0, 3)))


def make_defect(host: Structure, n: int, kind: str, site: int, rng: np.random.Generator) -> Cell:
    """Put one defect into the n x n supercell of a host; the host stays as it is.

    Args:
        host: primitive cell of a layer.
        n: how often it is repeated along its first and its second axis.
        kind: one of KINDS.
        site: atom of the host at which it is made; an interstitial takes its element.
        rng: draws what is left to choose: the other element of an antisite, the new one of a
            substitution, the hole of an interstitial, the element of a swap's partner.

    Returns:
        The supercell.

    Raises:
        CrystalGraphError: an unknown kind, no such site, or a host of one element that a defect of
            this kind cannot be made in.
    """
    if kind not in KINDS:
        raise CrystalGraphError(f"No defect '{kind}'; choose one of {', '.join(KINDS)}.")
    if not 0 <= site < len(host):
        raise CrystalGraphError(f"The host has atoms 0 to {len(host) - 1}, but no atom {site}.")
    elements = sorted({atom.specie.symbol for atom in host})
    if kind in ("antisite", SWAP) and len(elements) < 2:
        raise CrystalGraphError(f"{host.formula} has one element only: no {kind} can be made.")
    cell = host * (n, n, 1)
    atom = site * n * n  # the first of its copies
    places = cell.cart_coords[[atom]]
    if kind == "vacancy":
        cell.remove_sites([atom])
    elif kind == "interstitial":
        places = rng.permutation(holes(host))[:1]
        cell.append(host[site].specie, places[0], coords_are_cartesian=True)
    elif kind == SWAP:
        element = str(rng.choice([one for one in elements if one != host[site].specie.symbol]))
        partner = int(rng.choice(nearest_of(cell, atom, element)))
        places = cell.cart_coords[[atom, partner]]
        exchange(cell, atom, partner)
    else:
        known = host[site].specie.symbol
        choices = elements if kind == "antisite" else replacements(known, elements)
        cell.replace(atom, str(rng.choice([one for one in choices if one != known])))
    return Cell(cell, kind, places)


def exchange(cell: Structure, first: int, second: int) -> None:
    """Let the atoms of two sites change places."""
    one, other = cell[first].specie, cell[second].specie
    cell.replace(first, other)
    cell.replace(second, one)


def nearest_of(cell: Structure, atom: int, element: str) -> np.ndarray:
    """The atoms of an element that are nearest to an atom; several if equally near."""
    those = np.flatnonzero([site.specie.symbol == element for site in cell])
    distance = distances_to(cell, cell.cart_coords[[atom]])[0][those]
    return those[distance < distance.min() + 1e-3]


def replacements(symbol: str, elements: Sequence[str]) -> list[str]:
    """Elements that may stand for one of a host: of the same role, and not in the host."""
    choices = ANIONS_TO_PUT_IN if symbol in ANIONS else METALS_TO_PUT_IN
    return [one for one in choices if one not in elements]


def distances_to(cell: Structure, places: np.ndarray) -> np.ndarray:
    """Distance (D, N) of every atom to each of D places, over the cell's borders, in angstrom."""
    lattice = cell.lattice
    return lattice.get_all_distances(lattice.get_fractional_coords(places), cell.frac_coords)


# ---- holes, where an interstitial finds room

SAME_LEVEL = 0.5
"""Angstrom; atoms that are not lower than this below the highest make the surface of a layer."""
STEPS = 12
"""Points of the grid along each axis of the layer on which holes are looked for."""


def holes(host: Structure) -> np.ndarray:
    """Places (H, 3) for one atom more, in angstrom: inside the layer if there is room, and on it.

    On the layer the place is over the widest hollow of its surface, at the height at which the
    nearest atom is as far as the host's shortest bond: no distance gives it away.
    """
    grid, top, bottom = _grid(host), host.cart_coords[:, 2].max(), host.cart_coords[:, 2].min()
    bond = shortest_bond(host)
    inside = np.concatenate([grid + [0, 0, z] for z in np.linspace(bottom, top, 13)])
    room = distances_to(host, inside).min(axis=1).round(5)
    found = [inside[room.argmax()]] if room.max() > CLOSE * bond else []
    surface = [number for number, z in enumerate(host.cart_coords[:, 2]) if z > top - SAME_LEVEL]
    hollow = distances_to(host, grid + [0, 0, top])[:, surface].min(axis=1).round(5).argmax()
    column = grid[hollow] + [0, 0, top] + np.linspace(0, bond, 141)[:, None] * [0, 0, 1]
    high_enough = distances_to(host, column).min(axis=1) >= bond - 1e-9
    return np.array([*found, column[high_enough.argmax()]])


def shortest_bond(host: Structure) -> float:
    """Shortest distance between two atoms of a crystal, in angstrom."""
    return float(host.get_neighbor_list(1.001 * min(host.lattice.abc))[3].min())


def _grid(host: Structure) -> np.ndarray:
    """Points of one cell of the layer, at height 0."""
    share = np.arange(STEPS) / STEPS
    first, second = host.lattice.matrix[:2]
    return np.array([a * first + b * second for a in share for b in share])


# ---- rattled cells


def rattled(cell: Cell, angstrom: float, rng: np.random.Generator) -> Cell:
    """The same cell with every atom displaced at random.

    Args:
        cell: stays as it is.
        angstrom: standard deviation of the displacement along each axis.
        rng: draws.
    """
    structure = cell.structure
    moved = structure.cart_coords + rng.normal(0, angstrom, (len(structure), 3))
    shaken = Structure(structure.lattice, structure.species, moved, coords_are_cartesian=True)
    return Cell(shaken, cell.kind, cell.places)
