"""Relaxation with CHGNet 0.3.0, symmetry kept, and what is checked afterwards.

CHGNet (B. Deng et al., Nat. Mach. Intell. 5, 1031 (2023)) is a pretrained potential; its weights
come with the package chgnet. Atoms and cell move until no force is above 0.05 eV/angstrom.
"""

import warnings
from functools import cache

from candidates import Candidate
from definition import fingerprint, is_perovskite
from pymatgen.core import Structure
from symmetry import space_group, symmetrise

CHGNET_WEIGHTS = "0.3.0"
LARGEST_FORCE = 0.05  # eV/angstrom, of atoms and of the cell (stress times volume)
MAX_STEPS = 200
SAME_PLACE = 0.02  # angstrom; noise of the relaxation is below, tilts are above
CLOSEST_ATOMS = 1.2  # angstrom


def relax(candidate: Candidate) -> dict:
    """Relax one candidate and check what became of it.

    Args:
        candidate: the crystal to try.

    Returns:
        dict: the record of a crystal, or one with the reason why it is left out under "dropped".

    Raises:
        RuntimeError: The relaxation did not end.
    """
    start = candidate.start()
    relaxed, energy, n_steps = minimise(start)
    structure = symmetrise(relaxed, SAME_PLACE)
    record = {
        "formula": structure.composition.reduced_formula,
        "prototype": candidate.prototype,
        "perovskite": int(candidate.perovskite),
        "space_group": space_group(structure, SAME_PLACE),
        "b_elements": candidate.b_elements,
        "symbols": [site.specie.symbol for site in structure],
        "lattice": structure.lattice.matrix.round(6).tolist(),
        "frac_coords": structure.frac_coords.round(6).tolist(),
        "energy_chgnet": round(energy, 5),
        "n_atoms": len(structure),
        "n_steps": n_steps,
    }
    reason = why_not(candidate, start, structure)
    return {**record, "dropped": reason} if reason else record


def minimise(structure: Structure) -> tuple[Structure, float, int]:
    """Move atoms and cell to the nearest minimum that has the symmetry of the start.

    Returns:
        The crystal, its energy in eV/atom, and the number of steps.
    """
    from ase.constraints import FixSymmetry
    from ase.filters import FrechetCellFilter
    from ase.optimize import LBFGS
    from pymatgen.io.ase import AseAtomsAdaptor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atoms = AseAtomsAdaptor.get_atoms(structure)
        atoms.set_constraint(FixSymmetry(atoms))
        atoms.calc = calculator()
        optimizer = LBFGS(FrechetCellFilter(atoms), logfile=None, maxstep=0.2)
        if not optimizer.run(fmax=LARGEST_FORCE, steps=MAX_STEPS):
            raise RuntimeError(f"not relaxed after {MAX_STEPS} steps")
        energy = float(atoms.get_potential_energy()) / len(atoms)
        return AseAtomsAdaptor.get_structure(atoms), energy, optimizer.nsteps


@cache
def calculator():
    """The pretrained potential, loaded once."""
    import torch
    from chgnet.model import CHGNet
    from chgnet.model.dynamics import CHGNetCalculator

    torch.set_num_threads(1)
    model = CHGNet.load(model_name=CHGNET_WEIGHTS, use_device="cpu", verbose=False)
    return CHGNetCalculator(model=model, use_device="cpu", on_isolated_atoms="error")


def why_not(candidate: Candidate, start: Structure, relaxed: Structure) -> str:
    """Why a relaxed crystal does not enter the dataset; empty if it does."""
    b_elements = candidate.b_elements
    distances = relaxed.distance_matrix
    if min((d for d in distances.flatten() if d > 0), default=9.9) < CLOSEST_ATOMS:
        return f"atoms closer than {CLOSEST_ATOMS} angstrom"
    if candidate.perovskite != is_perovskite(relaxed, b_elements):
        return "is no perovskite" if candidate.perovskite else "became a perovskite"
    if not candidate.perovskite and fingerprint(start, b_elements) != fingerprint(
        relaxed, b_elements
    ):
        return "left its structure type"
    return ""
