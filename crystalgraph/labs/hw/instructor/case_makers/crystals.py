"""Crystals and graphs, in the form that the checks read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pymatgen.core import Lattice, Structure

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.labs.hw.checks.salt_to_graph import GRAPH_COLUMNS

METALS = ("Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr", "Ba", "Y", "La", "Ti", "Zr", "Hf", "Nb")
METALS += ("V", "Ta", "Cr", "Mo", "W", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Al", "Ga", "In", "Sn")
ANIONS = ("O", "F", "S", "Cl", "N", "Se", "Br", "I")

# ---- elements


def metals(numbers: CaseNumbers, *by_hand: str) -> list[str]:
    """Different metals, as many as by hand."""
    return numbers.pick(METALS, by_hand)


def anion(numbers: CaseNumbers, by_hand: str) -> str:
    """An element for the sites of the anions."""
    return numbers.pick(ANIONS, (by_hand,))[0]


# ---- structures


def crystal_inputs(structure: Structure) -> Arrays:
    """A structure as arrays; salt_to_graph.structure_of reads them."""
    return {
        "lattice": structure.lattice.matrix,
        "numbers": np.array(structure.atomic_numbers),
        "frac_coords": structure.frac_coords,
    }


def rock_salt(a: float, pair: Sequence[str], primitive: bool = False) -> Structure:
    """Two elements in the structure of rock salt, in the cubic cell of 8 atoms or in that of 2."""
    first = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    coords = np.concatenate([first, (first + 0.5) % 1])
    cell = Structure(Lattice.cubic(a), [pair[0]] * 4 + [pair[1]] * 4, coords)
    return cell.get_primitive_structure() if primitive else cell


def perovskite(
    a: float, symbols: Sequence[str], cell: tuple[int, int, int] = (1, 1, 1)
) -> Structure:
    """A cubic perovskite A, B, X, X, X, repeated."""
    coords = [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    return Structure(Lattice.cubic(a), list(symbols), coords) * cell


def double_perovskite(a: float, symbols: Sequence[str], second: str) -> Structure:
    """A2BB'X6 in a cell of 2 x 2 x 2 cubes, B and B' as in rock salt."""
    crystal = perovskite(a, symbols, (2, 2, 2))
    for number, symbol in enumerate(symbols_of(crystal)):
        odd = round(2 * crystal[number].frac_coords.sum() - 1.5) % 2
        if symbol == symbols[1] and odd:
            crystal.replace(number, second)
    return crystal


def symbols_of(structure: Structure) -> list[str]:
    """The elements of its sites."""
    return [str(species) for species in structure.species]


def random_structure(
    rng: np.random.Generator, symbols: Sequence[str], lattice: Lattice
) -> Structure:
    """Atoms anywhere, none nearer to another than 1.2 angstrom."""
    while True:
        crystal = Structure(lattice, list(symbols), rng.uniform(0, 1, (len(symbols), 3)))
        if crystal.is_valid(tol=1.2):
            return crystal


# ---- graphs


def graphs_case(name: str, graphs: Sequence[Arrays]) -> Case:
    """A case of crystal graphs; salt_to_graph.graphs_of reads them."""
    inputs = {f"{n}/{key}": value for n, graph in enumerate(graphs) for key, value in graph.items()}
    return Case(name, inputs, {"n_graphs": len(graphs)})


def small_graph(rng: np.random.Generator, n_atoms: int, n_edges: int) -> Arrays:
    """A crystal graph as arrays: any elements, any edges, at least one of each atom."""
    extra = rng.integers(0, n_atoms, n_edges - n_atoms)
    center = np.sort(np.concatenate([np.arange(n_atoms), extra]))
    return {
        "atomic_numbers": rng.integers(1, 90, n_atoms),
        "center": center,
        "neighbor": rng.integers(0, n_atoms, n_edges),
        "distance": rng.uniform(1.7, 4, n_edges).round(4),
        "image": rng.integers(-1, 2, (n_edges, 3)),
    }


def line_edges(n_atoms: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges of atoms in a line: each to the next and back."""
    forward = [(i, i + 1) for i in range(n_atoms - 1)]
    center, neighbor = np.array(sorted(forward + [(j, i) for i, j in forward])).T
    return center, neighbor


def line_graph(atomic_numbers: Sequence[int], distance: float) -> Arrays:
    """The crystal graph of atoms in a line, all at one distance from the next."""
    center, neighbor = line_edges(len(atomic_numbers))
    image = np.zeros((len(center), 3), dtype=int)
    columns = (np.array(atomic_numbers), center, neighbor, np.full(len(center), distance), image)
    return dict(zip(GRAPH_COLUMNS, columns, strict=True))
