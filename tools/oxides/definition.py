"""What a perovskite is, as a test on a crystal.

Every B has six oxygens around it (counted up to 1.35 times the shortest distance), each of the six
is shared with one other octahedron, a different one each time, and the net of the octahedra is the
simple cubic one; there are three oxygens for each B.
"""

from collections import Counter
from collections.abc import Sequence

from pymatgen.core import Structure

LONGEST_BOND = 1.35  # times the shortest: also the long bonds of polar P4mm count
SIMPLE_CUBIC = (6, 18, 38, 66)  # B atoms one, two, three, four steps away: 4 n^2 + 2
Polyhedron = list[tuple[int, tuple[int, int, int]]]


def coordination(structure: Structure, b_elements: Sequence[str]) -> dict[int, Polyhedron]:
    """The oxygens of each B: row of the B atom -> (row, image) of its oxygens."""
    polyhedra = {}
    for row, site in enumerate(structure):
        if site.specie.symbol not in b_elements:
            continue
        near = structure.get_neighbors(site, 5.0)
        near = [other for other in near if other.specie.symbol == "O"]
        shortest = min(other.nn_distance for other in near)
        polyhedra[row] = [
            (other.index, tuple(int(n) for n in other.image))
            for other in near
            if other.nn_distance <= LONGEST_BOND * shortest
        ]
    return polyhedra


def shared_oxygens(polyhedra: dict[int, Polyhedron]) -> dict[int, Counter]:
    """How many oxygens each B shares with which other B: row -> {(row, image): number}."""
    owners: dict[int, list] = {}
    for b, oxygens in polyhedra.items():
        for oxygen, image in oxygens:
            owners.setdefault(oxygen, []).append((b, image))
    shared = {}
    for b, oxygens in polyhedra.items():
        shared[b] = Counter(
            (other, tuple(i - j for i, j in zip(image, other_image, strict=True)))
            for oxygen, image in oxygens
            for other, other_image in owners[oxygen]
        )
        del shared[b][(b, (0, 0, 0))]
    return shared


def is_perovskite(structure: Structure, b_elements: Sequence[str]) -> bool:
    """Whether a crystal is a perovskite in the sense of this course.

    Args:
        structure: an oxide.
        b_elements: symbols of the cations in the octahedra.
    """
    polyhedra = coordination(structure, b_elements)
    if structure.composition["O"] != 3 * len(polyhedra):
        return False
    if any(len(oxygens) != 6 for oxygens in polyhedra.values()):
        return False
    shared = shared_oxygens(polyhedra)
    corners_only = all(
        len(others) == 6 and set(others.values()) == {1} for others in shared.values()
    )
    return corners_only and all(
        coordination_sequence(shared, b, len(SIMPLE_CUBIC)) == SIMPLE_CUBIC for b in shared
    )


def coordination_sequence(net: dict[int, Counter], start: int, n_shells: int) -> tuple[int, ...]:
    """Numbers of B atoms that are one, two, ... steps away in the net of shared oxygens."""
    home = (start, (0, 0, 0))
    seen, shell, sequence = {home}, {home}, []
    for _ in range(n_shells):
        shell = {
            (other, tuple(i + j for i, j in zip(image, step, strict=True)))
            for b, image in shell
            for other, step in net[b]
        } - seen
        seen |= shell
        sequence.append(len(shell))
    return tuple(sequence)


def fingerprint(structure: Structure, b_elements: Sequence[str]) -> tuple:
    """How the polyhedra of B are and how they are linked: equal in crystals of one type.

    Returns:
        For each kind of B: the number of oxygens, the numbers of others it shares one, two, three
        ... oxygens with, and its share of all B atoms.
    """
    polyhedra = coordination(structure, b_elements)
    shared = shared_oxygens(polyhedra)
    kinds = Counter(
        (len(polyhedra[b]), tuple(sorted(Counter(shared[b].values()).items()))) for b in polyhedra
    )
    return tuple(sorted((kind, n / len(polyhedra)) for kind, n in kinds.items()))
