"""How many bundled crystals have neighbors just beyond the last shell, where the tolerance decides.

A graph holds the k nearest neighbors of an atom and every further one up to 0.01 angstrom beyond
the k-th. Crystals with a neighbor between 0.005 and 0.02 angstrom beyond it are those whose graph
would change if the tolerance were halved or doubled.

    python benchmarks/shell_gaps.py [--json FILE]
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from pymatgen.core import Structure

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "tests" / "support")]

from bundled import bundled_structures  # noqa: E402

from crystalgraph.crystals.graphs import GraphSettings  # noqa: E402

NEAR, FAR = 0.005, 0.02  # angstrom
GRAPHS = GraphSettings()


def gaps_beyond_last_shell(structure: Structure) -> np.ndarray:
    """Distances beyond the k-th neighbor, over all atoms of a crystal.

    Args:
        structure: a crystal.

    Returns:
        Distance of every further neighbor minus that of the k-th of the same atom, in angstrom,
        those below 1 angstrom only.
    """
    center, _, _, distance = structure.get_neighbor_list(GRAPHS.radius + 2 * FAR)
    gaps = []
    for atom in range(len(structure)):
        mine = np.sort(distance[center == atom])
        kth = mine[: GRAPHS.k][-1]
        gaps.append(mine[GRAPHS.k :] - kth)
    gaps = np.concatenate(gaps)
    return gaps[gaps < 1.0]


def count(structures: dict[str, Structure]) -> dict[str, object]:
    """Count crystals near the tolerance and find the closest call.

    Args:
        structures: crystals by name.

    Returns:
        structures, near_tolerance (their number), names, and closest_to_tolerance in angstrom.
    """
    gaps = {name: gaps_beyond_last_shell(structure) for name, structure in structures.items()}
    names = [name for name, gap in gaps.items() if ((gap > NEAR) & (gap < FAR)).any()]
    closest = min(np.abs(gap - GRAPHS.tolerance).min(initial=np.inf) for gap in gaps.values())
    return {
        "structures": len(structures),
        "near_tolerance": len(names),
        "names": names,
        "closest_to_tolerance": float(closest),
    }


def main() -> None:
    """Print the counts; --json also writes them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file to write the counts to")
    args = parser.parse_args()
    result = count(bundled_structures())
    print(
        f"{result['near_tolerance']} of {result['structures']} bundled crystals have a neighbor "
        f"{NEAR} to {FAR} angstrom beyond the {GRAPHS.k}th; the tolerance is {GRAPHS.tolerance}. "
        f"The closest call is {result['closest_to_tolerance']:.2g} angstrom away from it."
    )
    for name in result["names"]:
        print(f"  {name}")
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
