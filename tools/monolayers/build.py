"""Relax the layers of data/monolayers again, and write or compare.

    python tools/monolayers/build.py relax   --out FOLDER [--only ID ...] [--first N]
    python tools/monolayers/build.py compare --out FOLDER

`relax` starts from the geometry of a prototype and skips what the journal in FOLDER has: stop it
at any time and start it again. `compare` writes data/monolayers/recomputed.csv: how far a layer
ended from the one that is shipped. An id is prototype and elements: "1T:Ti-S" is started from
layer_prototypes.octahedron("Ti", "S"). See README.md beside this file for what to install.
"""

import argparse
import csv
import json
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "data" / "monolayers"
sys.path.append(str(Path(__file__).resolve().parents[1] / "perovskites"))

from journal import BuilderError, Journal  # noqa: E402
from stages import run_command, run_stage  # noqa: E402

VACUUM = 16.0  # angstrom, added to the thickness of a layer
LARGEST_FORCE, MAX_STEPS = 0.05, 80  # eV/angstrom
ACCEPTED_FORCE = 0.1  # eV/angstrom
STRAIN, THICKNESS = 0.25, (0.6, 1.6)  # how far a layer may move from its start
SHORTEST, LOOSEST = 0.75, 1.3  # nearest neighbors, in sums of covalent radii


def start(identifier: str) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Lattice (3, 3) in angstrom, symbols and fractional coordinates before relaxation."""
    from layer_prototypes import PROTOTYPES

    prototype, _, elements = identifier.partition(":")
    if prototype not in PROTOTYPES:
        raise BuilderError(f"no prototype is called {prototype}: see layer_prototypes.py.")
    plane, atoms = PROTOTYPES[prototype](*elements.split("-"))
    z = np.array([atom[3] for atom in atoms])
    z -= (z.max() + z.min()) / 2
    thick = np.ptp(z) + VACUUM
    coords = [[u % 1, v % 1, h / thick + 0.5] for (_, u, v, _), h in zip(atoms, z, strict=True)]
    return np.array([*plane, [0, 0, thick]], float), [a[0] for a in atoms], np.array(coords)


def relax(identifier: str) -> dict:
    """Relax a layer, its symmetry kept; the record of it, or the reason why it is left out."""
    from ase import Atoms
    from ase.constraints import FixSymmetry
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS

    warnings.filterwarnings("ignore")
    lattice, symbols, coords = start(identifier)
    layer = Atoms(symbols, scaled_positions=coords, cell=lattice, pbc=True)
    layer.calc = calculator()
    layer.set_constraint(FixSymmetry(layer, symprec=1e-3))
    in_plane = FrechetCellFilter(layer, mask=[1, 1, 0, 0, 0, 1])
    BFGS(in_plane, logfile=None, maxstep=0.1).run(fmax=LARGEST_FORCE, steps=MAX_STEPS)
    record = {
        "prototype": identifier.partition(":")[0],
        "symbols": symbols,
        "lattice": np.round(layer.cell.array, 4).tolist(),
        "frac_coords": np.round(layer.get_scaled_positions(wrap=False), 5).tolist(),
        "distinct_sites": distinct_sites(layer),
        "max_force": round(float(np.abs(layer.get_forces()).max()), 3),
    }
    reason = why_not(record, lattice, coords)
    return {**record, "dropped": reason} if reason else record


@cache
def calculator():
    """The pretrained potential, loaded once."""
    import torch
    from chgnet.model import CHGNet
    from chgnet.model.dynamics import CHGNetCalculator

    torch.set_num_threads(1)
    return CHGNetCalculator(CHGNet.load(verbose=False), use_device="cpu")


def distinct_sites(layer) -> list[int]:
    """One atom of each kind of site that no symmetry maps onto another."""
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    analyzer = SpacegroupAnalyzer(AseAtomsAdaptor.get_structure(layer), symprec=0.02)
    return [int(atoms[0]) for atoms in analyzer.get_symmetrized_structure().equivalent_indices]


def why_not(record: dict, lattice: np.ndarray, coords: np.ndarray) -> str:
    """Why a relaxed layer is left out; empty if it is not."""
    relaxed, places = np.array(record["lattice"]), np.array(record["frac_coords"])
    nearest = near_neighbors(record["symbols"], relaxed, places)
    thick = [np.ptp(c[:, 2]) * cell[2, 2] for c, cell in ((places, relaxed), (coords, lattice))]
    if record["max_force"] > ACCEPTED_FORCE:
        return "forces are left"
    if nearest.min() < SHORTEST:
        return "a bond is too short"
    if nearest.max() > LOOSEST:
        return "an atom has no bond"
    if abs(np.linalg.norm(relaxed[0]) / np.linalg.norm(lattice[0]) - 1) > STRAIN:
        return "the lattice moved too far"
    if thick[1] > 0.7 and not THICKNESS[0] < thick[0] / thick[1] < THICKNESS[1]:
        return "the thickness changed too much"
    return ""


def near_neighbors(symbols: list[str], lattice: np.ndarray, coords: np.ndarray) -> np.ndarray:
    """Distance to the nearest neighbor of each atom, in sums of covalent radii."""
    from ase import Atoms
    from ase.data import covalent_radii

    patch = Atoms(symbols, scaled_positions=coords, cell=lattice, pbc=[1, 1, 0]).repeat((3, 3, 1))
    distance = patch.get_all_distances(mic=True)
    np.fill_diagonal(distance, np.inf)
    radius = covalent_radii[patch.numbers]
    return (distance / (radius[:, None] + radius)).min(axis=1)


# ---- stages


def shipped() -> dict[str, dict]:
    """The records of the dataset by id."""
    lines = (DATA / "monolayers.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["id"]: record for record in map(json.loads, lines)}


def do_relax(options: argparse.Namespace) -> int:
    """Relax layers that the journal does not have."""
    known = list(np.random.default_rng(0).permutation(list(shipped())))
    wanted = options.only or known[: options.first]
    work = [(str(one), lambda one=one: relax(str(one))) for one in wanted]
    return run_stage(Journal(options.out / "relaxed.jsonl"), work)


def do_compare(options: argparse.Namespace) -> int:
    """Write how far the layers of the journal are from those that are shipped."""
    before, rows = shipped(), []
    for key, record in sorted(Journal(options.out / "relaxed.jsonl").successes().items()):
        if key in before and "dropped" not in record:
            rows.append([key, *differences(before[key], record)])
    with (DATA / "recomputed.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "length in the plane (angstrom)", "position (angstrom)"])
        writer.writerows(rows)
    largest = np.max([row[1:] for row in rows], axis=0)
    print(f"{len(rows)} layers; largest difference of a length {largest[0]:.4f} angstrom, of a "
          f"position {largest[1]:.4f} angstrom")  # fmt: skip
    return 0


def differences(one: dict, other: dict) -> tuple[float, float]:
    """Largest difference of an in-plane vector's length, and of an atom's place, in angstrom."""
    lattices = [np.array(record["lattice"]) for record in (one, other)]
    lengths = [np.linalg.norm(lattice[:2], axis=1) for lattice in lattices]
    shift = np.array(one["frac_coords"]) - np.array(other["frac_coords"])
    places = np.linalg.norm((shift - np.round(shift)) @ lattices[0], axis=1)
    length = np.abs(lengths[0] - lengths[1]).max()
    return round(float(length), 4), round(float(places.max()), 4)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    stages = top.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for name, action in STAGES.items():
        stage = stages.add_parser(name, help=action.__doc__)
        stage.add_argument("--out", type=Path, required=True, help="folder of the journal")
    relax_stage = stages.choices["relax"]
    relax_stage.add_argument("--only", nargs="+", metavar="ID", help="these and no others")
    relax_stage.add_argument("--first", type=int, help="so many of those shipped, in random order")
    return top


STAGES = {"relax": do_relax, "compare": do_compare}


if __name__ == "__main__":
    sys.exit(run_command(parser(), STAGES))
