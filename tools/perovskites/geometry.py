"""Lattice constant of a composition: the ideal cell of lowest energy in CHGNet.

CHGNet is a pretrained potential, a model itself: it stands in for a relaxation by DFT that would
cost some fifty times the single point. So the geometry is an input of the dataset, never a target.
Needs chgnet (pip), which brings pymatgen and torch.
"""

import warnings
from collections.abc import Callable
from functools import cache

from cells import ideal_cell
from compositions import Composition

CHGNET_WEIGHTS = "0.3.0"
# Ionic radii in angstrom, for the first guess only; 0.65 stands for any B.
ANION_RADIUS = {"O": 1.40, "F": 1.33, "Cl": 1.81, "Br": 1.96, "I": 2.20, "S": 1.84, "N": 1.46}
CATION_RADIUS = 0.65
CLOSEST_ATOMS = 1.3  # angstrom; a cell with closer atoms is a failed search


def optimise(composition: Composition) -> dict:
    """Find the ideal cell of lowest CHGNet energy.

    Args:
        composition: The elements by site.

    Returns:
        dict: kind, sites, the structure (symbols, lattice in angstrom, frac_coords) and
        energy_chgnet (eV per cell).

    Raises:
        RuntimeError: The search ended with atoms closer than 1.3 angstrom.
    """
    sites = list(composition.sites)
    search = search_simple if composition.kind == "ABX3" else search_double
    x_radius = ANION_RADIUS[sites[-1]]
    guess = 2 * (x_radius + CATION_RADIUS)  # B and X touch along the edge
    best = search(lambda *cell: chgnet_energy(ideal_cell(sites, *cell)), guess)
    found = ideal_cell(sites, *best)
    if shortest_distance(found) < CLOSEST_ATOMS:
        raise RuntimeError(f"the search put atoms closer than {CLOSEST_ATOMS} angstrom")
    energy = chgnet_energy(found) * len(found["symbols"])
    return {"kind": composition.kind, "sites": sites, **found, "energy_chgnet": energy}


def search_simple(energy: Callable[[float], float], guess: float) -> tuple[float]:
    """Minimise over the lattice constant (angstrom) with Brent's method."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        energy, bracket=(guess, 1.05 * guess), tol=2e-3, options={"maxiter": 25}
    )
    return (float(found.x),)


def search_double(energy: Callable[[float, float], float], guess: float) -> tuple[float, float]:
    """Minimise over lattice constant (angstrom) and X position with the Nelder-Mead simplex."""
    from scipy.optimize import minimize

    start = [2 * guess, 0.25]
    simplex = [start, [2 * guess * 1.05, 0.25], [2 * guess, 0.26]]
    options = {"initial_simplex": simplex, "xatol": 2e-3, "fatol": 2e-4, "maxfev": 70}
    found = minimize(lambda cell: energy(*cell), start, method="Nelder-Mead", options=options)
    return float(found.x[0]), float(found.x[1])


@cache
def chgnet():
    """The pretrained potential, loaded once."""
    import torch
    from chgnet.model import CHGNet

    torch.set_num_threads(1)  # cells of 5 or 10 atoms: more threads only wait for each other
    return CHGNet.load(model_name=CHGNET_WEIGHTS, use_device="cpu", verbose=False)


def chgnet_energy(structure: dict) -> float:
    """Energy in eV per atom."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about isolated atoms, on the way to the minimum
        return float(chgnet().predict_structure(to_pymatgen(structure), task="e")["e"])


def to_pymatgen(structure: dict):
    """The pymatgen Structure of symbols, lattice and frac_coords."""
    from pymatgen.core import Structure

    return Structure(structure["lattice"], structure["symbols"], structure["frac_coords"])


def shortest_distance(structure: dict) -> float:
    """Between two atoms of the cell, images included, angstrom."""
    distances = to_pymatgen(structure).distance_matrix
    n_atoms = len(distances)
    return float(min(distances[i, j] for i in range(n_atoms) for j in range(i)))
