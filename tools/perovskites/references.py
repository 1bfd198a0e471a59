"""Energy per atom of each element by itself: what formation energies are counted from.

Solids: the experimental crystal, scaled as a whole (angles, c/a and inner coordinates stay) to the
PBE minimum. O, N, S and the halogens: the isolated two-atom molecule in a box. No corrections
fitted to experiment. Needs only numpy, ase and gpaw.
"""

import numpy as np
from dft import CONVERGENCE, PLANE_WAVES

SOLID_MAX_STEPS = 200
SCALES = (0.985, 1.0, 1.015, 1.03)  # of the experimental lattice; PBE solids run large
TRUSTED = (0.95, 1.06)  # a parabola's minimum outside is no minimum
BOX = (8.0, 8.1, 9.2)  # angstrom; three lengths, so that no symmetry splits a shell wrongly
BOND_LENGTH = {  # angstrom
    "O": 1.23,
    "F": 1.42,
    "Cl": 2.00,
    "Br": 2.31,
    "I": 2.69,
    "N": 1.11,
    "S": 1.90,
}
BOND_SCALES = (0.98, 1.0, 1.02)
TRIPLETS = ("O", "S")  # two unpaired electrons, one on each atom to begin with
# Elements whose crystal is not in ASE's table, or that needed settings of their own.
SPECIAL_SOLIDS = {
    "Te": {"scales": (1.0, 1.015, 1.03), "trusted": (0.99, 1.05)},
    "Ga": {"scales": (0.99, 1.005, 1.02), "trusted": (0.98, 1.04), "kpoint_density": 3.0},
}


def reference_energy(element: str) -> dict:
    """PBE energy of an element in its reference state.

    Args:
        element: A symbol.

    Returns:
        dict: energy_per_atom (eV/atom), reference (what was computed), scale (of the experimental
        lattice or of the usual bond length, at the minimum).
    """
    if element in BOND_LENGTH:
        return molecule_energy(element)
    return solid_energy(element)


def molecule_energy(element: str) -> dict:
    """Half the energy of the isolated dimer: the lowest of three bond lengths (one for S2)."""
    scales = (1.0,) if element == "S" else BOND_SCALES
    energies = [dimer_energy(element, BOND_LENGTH[element] * scale) / 2 for scale in scales]
    lowest = int(np.argmin(energies))
    kind = "S2 dimer" if element == "S" else "gas-phase dimer"
    return {"energy_per_atom": energies[lowest], "reference": kind, "scale": scales[lowest]}


def dimer_energy(element: str, bond_length: float) -> float:
    """Energy of a two-atom molecule in a periodic box, eV.

    Args:
        element: A symbol.
        bond_length: In angstrom.
    """
    from ase import Atoms
    from gpaw import GPAW, FermiDirac

    positions = [(0, 0, 0), (0, 0, bond_length)]
    atoms = Atoms([element] * 2, positions=positions, cell=BOX, pbc=True)
    atoms.center()
    occupations = FermiDirac(0.01)
    if element in TRIPLETS:
        atoms.set_initial_magnetic_moments([1, 1])
        occupations = FermiDirac(0.0, fixmagmom=True)
    steps = {"maxiter": SOLID_MAX_STEPS} if element == "S" else {}
    atoms.calc = GPAW(
        mode=PLANE_WAVES,
        xc="PBE",
        occupations=occupations,
        convergence=CONVERGENCE,
        txt=None,
        **steps,
    )
    return float(atoms.get_potential_energy())


def solid_energy(element: str) -> dict:
    """Minimum over a few scaled cells of the crystal, by a parabola through them."""
    special = SPECIAL_SOLIDS.get(element, {})
    scales = special.get("scales", SCALES)
    density = special.get("kpoint_density", 3.5)
    crystal = solid(element)
    energies = [scaled_energy(crystal, scale, density) for scale in scales]
    scale, energy = parabola_minimum(scales, energies, special.get("trusted", TRUSTED))
    return {"energy_per_atom": energy, "reference": "bulk", "scale": scale}


def solid(element: str):
    """The experimental crystal as ase.Atoms: ASE's table, and two that it lacks."""
    from ase.build import bulk
    from ase.spacegroup import crystal

    if element == "Te":
        hexagonal = [4.456, 4.456, 5.926, 90, 90, 120]
        return crystal("Te", [(0.2636, 0, 1 / 3)], spacegroup=152, cellpar=hexagonal)
    if element == "Ga":
        orthorhombic = [4.52, 7.66, 4.53, 90, 90, 90]
        site = [(0, 0.1539, 0.0810)]
        return crystal("Ga", site, spacegroup=64, cellpar=orthorhombic, primitive_cell=True)
    return bulk(element)


def scaled_energy(crystal, scale: float, kpoint_density: float) -> float:
    """Energy of the crystal with every length multiplied by `scale`, eV/atom."""
    from gpaw import GPAW, FermiDirac

    atoms = crystal.copy()
    atoms.set_cell(crystal.cell * scale, scale_atoms=True)
    atoms.calc = GPAW(
        mode=PLANE_WAVES,
        xc="PBE",
        kpts={"density": kpoint_density, "gamma": True},
        occupations=FermiDirac(0.1),
        convergence=CONVERGENCE,
        maxiter=SOLID_MAX_STEPS,
        txt=None,
    )
    return float(atoms.get_potential_energy() / len(atoms))


def parabola_minimum(
    scales: tuple[float, ...], energies: list[float], trusted: tuple[float, float] = TRUSTED
) -> tuple[float, float]:
    """Lowest point of the parabola through the points.

    Args:
        scales: Of the lattice, three or more.
        energies: eV/atom, one for each scale.
        trusted: Scales between which the minimum must lie; else the lowest point is taken.

    Returns:
        tuple: scale and energy (eV/atom) at the minimum.
    """
    curvature, slope, _ = coefficients = np.polyfit(scales, energies, 2)
    lowest = -slope / (2 * curvature) if curvature > 0 else np.inf
    if trusted[0] < lowest < trusted[1]:
        return float(lowest), float(np.polyval(coefficients, lowest))
    best = int(np.argmin(energies))
    return scales[best], energies[best]
