"""What the numerical settings matter: energies again with tighter ones, beside the shipped.

    /usr/bin/python3 tools/perovskites/convergence.py Ba-Ti-O Na-Be-F Sr-Ru-O

Cutoff is left out on purpose: its error sits in the atoms and mostly cancels against references
computed at the same cutoff, so a single crystal cannot tell.
"""

import sys

from assemble import read_dataset
from build import SHIPPED
from dft import SMEARING, single_point

FINER_MESH = {
    "ABX3": {"size": (8, 8, 8), "gamma": False},
    "A2BB'X6": {"size": (6, 6, 6), "gamma": True},
}


def changes(kind: str) -> dict[str, dict]:
    """GPAW's keywords to try instead of the dataset's, by name.

    Args:
        kind: `ABX3` or `A2BB'X6`.
    """
    return {
        "criteria 1000 times tighter": {"convergence": {"energy": 1e-6, "density": 1e-6}},
        "mesh twice as fine": {"kpts": FINER_MESH[kind]},
        "smearing 0.01 eV": {"occupations": SMEARING | {"width": 0.01}},
    }


def main(ids: list[str]) -> None:
    """Print by how much the energy and the gap move with each change."""
    shipped = read_dataset(SHIPPED)[0]
    print(f"{'crystal':14} {'setting':28} {'meV/atom':>9} {'gap, eV':>8}")
    for key in ids:
        record = shipped[key]
        for name, change in changes(record["kind"]).items():
            found = single_point(record, **change)
            shift = (found["energy_total"] - record["energy_total"]) / record["n_atoms"]
            gap = found["gap_mesh"] - record["gap_mesh"]
            print(f"{key:14} {name:28} {1000 * shift:+9.2f} {gap:+8.3f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
