"""A small dataset of oxides for tests: perovskites, and chains of octahedra that share faces."""

from itertools import product

import numpy as np
from pymatgen.core import Lattice, Structure

from crystalgraph.crystals.datasets import CrystalDataset, Split

CORNERS = [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]


def perovskite(a, b, length):
    """ABO3 with octahedra that share corners: B-B is as long as the cell."""
    return Structure(Lattice.cubic(length), [a, b, "O", "O", "O"], CORNERS)


def chains(a, b, length):
    """ABO3 of the 2H type: octahedra share faces, B-B is 0.61 of that."""
    lattice = Lattice.hexagonal(1.42 * length, 1.22 * length)
    sites = [[1 / 3, 2 / 3, 0.75], [0, 0, 0], [0.147, 0.294, 0.25]]
    return Structure.from_spacegroup("P6_3/mmc", lattice, [a, b, "O"], sites)


def fake_oxides() -> tuple[CrystalDataset, Split]:
    """Twelve formulas, each once as a perovskite and once as chains, and a split by formula."""
    ids, structures, records = [], [], []
    for number, (a, b) in enumerate(product(["Ca", "Sr", "Ba"], ["Ti", "Zr", "Mn", "Ni"])):
        for label, build in ((1, perovskite), (0, chains)):
            ids.append(f"{a}{b}O3-{build.__name__}")
            structures.append(build(a, b, 3.8 + 0.03 * number))
            records.append({"id": ids[-1], "b_elements": [b], "perovskite": label})
    labels = np.array([float(record["perovskite"]) for record in records])
    dataset = CrystalDataset("oxides", ids, structures, {"perovskite": labels}, records)
    rows = np.arange(24)
    return dataset, Split("formula", rows[:12], rows[12:18], rows[18:])
