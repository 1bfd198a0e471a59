"""Total energy and gap of one crystal: a single self-consistent PBE calculation with GPAW.

Needs only numpy, ase and gpaw, so that the system's Python can run it.
"""

import numpy as np

PLANE_WAVES = {"name": "pw", "ecut": 600}  # eV, cutoff
# GPAW counts both per valence electron: eV for the energy, electrons for the density.
CONVERGENCE = {"energy": 1e-3, "density": 1e-3}
SMEARING = {"name": "fermi-dirac", "width": 0.05}  # eV
KPOINTS = {
    "ABX3": {"size": (4, 4, 4), "gamma": False},  # even and off Gamma: a shifted mesh
    "A2BB'X6": {"size": (3, 3, 3), "gamma": True},
}
SYMMETRY = {"ABX3": {}, "A2BB'X6": {"symmorphic": False}}
MAX_STEPS = 120


def settings(kind: str) -> dict:
    """GPAW's keywords for the dataset's calculations.

    Args:
        kind: `ABX3` or `A2BB'X6`.
    """
    return {
        "xc": "PBE",
        "mode": PLANE_WAVES,
        "kpts": KPOINTS[kind],
        "symmetry": SYMMETRY[kind],
        "occupations": SMEARING,
        "convergence": CONVERGENCE,
        "maxiter": MAX_STEPS,
        "txt": None,
    }


def single_point(record: dict, **changes) -> dict:
    """PBE energy of a structure as it stands, spin-paired.

    Args:
        record: With kind, symbols, lattice (angstrom) and frac_coords.
        changes: Keywords for GPAW instead of the dataset's, to see what they matter.

    Returns:
        dict: energy_total (eV per cell), gap_mesh (eV), n_kpoints (irreducible), n_electrons
        (valence, per cell).

    Raises:
        gpaw.KohnShamConvergenceError: The density did not settle in 120 steps.
    """
    from ase import Atoms
    from gpaw import GPAW

    atoms = Atoms(
        record["symbols"],
        cell=record["lattice"],
        scaled_positions=record["frac_coords"],
        pbc=True,
    )
    atoms.calc = calculator = GPAW(**(settings(record["kind"]) | changes))
    energy = atoms.get_potential_energy()
    n_kpoints = len(calculator.get_ibz_k_points())
    eigenvalues = np.array([calculator.get_eigenvalues(kpt=k) for k in range(n_kpoints)])
    n_electrons = calculator.get_number_of_electrons()
    return {
        "energy_total": float(energy),
        "gap_mesh": gap_on_mesh(eigenvalues, n_electrons),
        "n_kpoints": n_kpoints,
        "n_electrons": float(n_electrons),
    }


def gap_on_mesh(eigenvalues: np.ndarray, n_electrons: float) -> float:
    """Lowest empty minus highest filled eigenvalue over the k-points that were computed.

    The true band edges may lie between them, so this bounds the PBE gap from above.

    Args:
        eigenvalues: (k-points, bands), eV, ascending in each row.
        n_electrons: Valence electrons per cell; two fill a band.

    Returns:
        float: eV; 0 where bands overlap and for an odd number of electrons (a half-filled band).
    """
    electrons = int(round(n_electrons))
    if electrons % 2:
        return 0.0
    filled = electrons // 2
    return max(0.0, float(eigenvalues[:, filled].min() - eigenvalues[:, filled - 1].max()))
