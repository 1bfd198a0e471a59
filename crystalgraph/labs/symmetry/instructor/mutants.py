"""Answers with a known mistake: what the checks must reject, and name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from pymatgen.core import Lattice, Structure

from crystalgraph.crystals.graphs import CrystalGraph
from crystalgraph.labs.known_answers import Mutant, mutants_into
from crystalgraph.labs.symmetry.examples import fcc, hcp, wurtzite, zincblende

MUTANTS: list[Mutant] = []
HELD_OUT: list[Mutant] = []
wrong, held_out = mutants_into(MUTANTS), mutants_into(HELD_OUT)


def distance_classes(distance: np.ndarray, tolerance: float = 1e-3) -> np.ndarray:
    """As it is given in the notebook."""
    order = np.argsort(distance)
    classes = np.zeros(len(distance), dtype=int)
    classes[order[1:]] = np.cumsum(np.diff(distance[order]) > tolerance)
    return classes


# ---- 1.1 refine_colors


def refined(
    row: Callable = lambda color, seen: (color, *sorted(seen)),
    start: Callable = lambda graph: graph.atomic_numbers,
    classes: Callable = distance_classes,
    neighbor: Callable = lambda distance, color: (distance, color),
    most_rounds: int = 100,
    center_first: bool = True,
) -> Callable:
    """refine_colors with one part exchanged."""

    def refine_colors(graph: CrystalGraph) -> np.ndarray:
        colors = np.unique(start(graph), return_inverse=True)[1]
        distances = classes(graph.distance)
        ends = (graph.center, graph.neighbor) if center_first else (graph.neighbor, graph.center)
        for _ in range(most_rounds):
            seen: list[list] = [[] for _ in colors]
            for i, j, distance in zip(*ends, distances, strict=True):
                seen[i].append(neighbor(distance, colors[j]))
            rows = [row(color, one) for color, one in zip(colors, seen, strict=True)]
            names = {one: number for number, one in enumerate(dict.fromkeys(rows))}
            before, colors = len(set(colors)), np.array([names[one] for one in rows])
            if len(names) == before:
                break
        return colors

    return refine_colors


@wrong("1.1", "not refined")
def only_elements(graph):
    return graph.atomic_numbers


@wrong("1.1", "one round", lambda rounds: refined(most_rounds=rounds()))
def one_round():
    return 1


@wrong("1.1", "fixed number of rounds", lambda rounds: refined(most_rounds=rounds()))
def three_rounds():
    return 3


@wrong("1.1", "distance ignored", lambda answer: refined(neighbor=answer))
def colors_alone(distance, color):
    return color


@wrong("1.1", "neighbor's color ignored", lambda answer: refined(neighbor=answer))
def distances_alone(distance, color):
    return distance


@wrong("1.1", "set for multiset", lambda answer: refined(row=answer))
def as_a_set(color, seen):
    return color, frozenset(seen)


@wrong("1.1", "own color forgotten", lambda answer: refined(row=answer))
def neighbors_alone(color, seen):
    return tuple(sorted(seen))


@wrong("1.1", "elements forgotten", lambda answer: refined(start=answer))
def one_color_for_all(graph):
    return np.zeros(graph.n_atoms, dtype=int)


@wrong("1.1", "exact distances", lambda answer: refined(classes=answer))
def distances_as_they_are(distance):
    return distance


@wrong("1.1", "rounded distances", lambda answer: refined(classes=answer))
def three_digits(distance):
    return distance.round(3)


@wrong("1.1", "classes too wide", lambda answer: refined(classes=answer))
def one_digit(distance):
    return distance.round(1)


@wrong("1.1", "neighbor for center", lambda answer: answer())
def edges_reversed():
    return refined(center_first=False)


@wrong("1.1", "order of edges", lambda answer: refined(row=answer))
def as_they_are_listed(color, seen):
    return color, *seen


@held_out("1.1", "rounded distances", lambda answer: refined(classes=answer))
def two_digits(distance):
    return (distance * 100).round()


@held_out("1.1", "classes too wide", lambda answer: refined(classes=answer))
def wide_classes(distance):
    return distance_classes(distance, tolerance=0.05)


@held_out("1.1", "set for multiset", lambda answer: refined(row=answer))
def as_a_sorted_set(color, seen):
    return color, *sorted(set(seen))


@held_out("1.1", "one round")
def once(graph):
    rows = [
        (z, *sorted(zip(classes[mine], graph.atomic_numbers[graph.neighbor[mine]], strict=True)))
        for classes in [distance_classes(graph.distance)]
        for z, mine in ((z, graph.center == i) for i, z in enumerate(graph.atomic_numbers))
    ]
    return [rows.index(row) for row in rows]


@held_out("1.1", "distance ignored")
def counted_colors(graph):
    colors = list(map(int, graph.atomic_numbers))
    for _ in range(graph.n_atoms):
        seen = [
            Counter(colors[j] for j in graph.neighbor[graph.center == i])
            for i in range(graph.n_atoms)
        ]
        rows = [(color, *sorted(one.items())) for color, one in zip(colors, seen, strict=True)]
        colors = [sorted(set(rows)).index(row) for row in rows]
    return np.array(colors)


# ---- 1.2 quotient


def quotient_with(
    classes: Callable = distance_classes,
    far_end: Callable = lambda graph, kind: kind[graph.neighbor],
    one_atom: bool = True,
) -> Callable:
    """quotient with one part exchanged."""

    def quotient(graph: CrystalGraph, colors: np.ndarray) -> list[np.ndarray]:
        _, atom, kind, multiplicity = np.unique(
            colors, return_index=True, return_inverse=True, return_counts=True
        )
        chosen = np.isin(graph.center, atom) if one_atom else slice(None)
        distance, number = graph.distance[chosen], classes(graph.distance)[chosen]
        rows = np.stack([kind[graph.center[chosen]], far_end(graph, kind)[chosen], number], axis=1)
        rows, edge, weight = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
        mean = np.bincount(edge.reshape(-1), distance) / weight
        return [graph.atomic_numbers[atom], multiplicity, rows[:, 0], rows[:, 1], mean, weight]

    return quotient


right_quotient = quotient_with()


@wrong("1.2", "edges of all atoms", lambda answer: quotient_with(one_atom=answer()))
def edges_of_all():
    return False


@wrong("1.2", "distances put together", lambda answer: quotient_with(classes=answer))
def one_edge_for_two_kinds(distance):
    return np.zeros(len(distance), dtype=int)


@wrong("1.2", "exact distances", lambda answer: quotient_with(classes=answer))
def distances_as_numbers(distance):
    return np.unique(distance, return_inverse=True)[1]


@wrong("1.2", "not put together", lambda answer: quotient_with(classes=answer))
def one_by_one(distance):
    return np.arange(len(distance))


@wrong("1.2", "atoms for kinds", lambda answer: quotient_with(far_end=answer))
def neighbor_is_an_atom(graph, kind):
    return graph.neighbor


@wrong("1.2", "weight one")
def weights_of_one(graph, colors):
    *columns, weight = right_quotient(graph, colors)
    return *columns, np.ones_like(weight)


@wrong("1.2", "multiplicity one")
def each_kind_once(graph, colors):
    numbers, multiplicity, *columns = right_quotient(graph, colors)
    return numbers, np.ones_like(multiplicity), *columns


@wrong("1.2", "share for multiplicity")
def shares(graph, colors):
    numbers, multiplicity, *columns = right_quotient(graph, colors)
    return numbers, multiplicity / multiplicity.sum(), *columns


@wrong("1.2", "first atoms")
def numbers_of_the_first(graph, colors):
    numbers, *columns = right_quotient(graph, colors)
    return graph.atomic_numbers[: len(numbers)], *columns


@held_out("1.2", "edges of all atoms")
def counted_over_all(graph, colors):
    numbers, multiplicity, center, neighbor, distance, weight = right_quotient(graph, colors)
    return numbers, multiplicity, center, neighbor, distance, weight * multiplicity[center]


@held_out("1.2", "multiplicity one")
def list_of_ones(graph, colors):
    numbers, _, *columns = right_quotient(graph, colors)
    return list(numbers), [1] * len(numbers), *columns


# ---- 1.3 weighted_mean_pool


def _sums(features, crystal, n_crystals):
    return features.new_zeros(n_crystals, features.shape[1]).index_add(0, crystal, features)


def _counts(weights, crystal, n_crystals):
    return weights.new_zeros(n_crystals).index_add(0, crystal, weights)[:, None]


@wrong("1.3", "multiplicity ignored")
def each_kind_alike(atom_features, multiplicity, crystal, n_crystals):
    n_kinds = _counts(multiplicity * 0 + 1, crystal, n_crystals)
    return _sums(atom_features, crystal, n_crystals) / n_kinds


@wrong("1.3", "sum for mean")
def weighted_sum(atom_features, multiplicity, crystal, n_crystals):
    return _sums(atom_features * multiplicity[:, None], crystal, n_crystals)


@wrong("1.3", "divided by kinds")
def over_kinds(atom_features, multiplicity, crystal, n_crystals):
    n_kinds = _counts(multiplicity * 0 + 1, crystal, n_crystals)
    return _sums(atom_features * multiplicity[:, None], crystal, n_crystals) / n_kinds


@wrong("1.3", "whole batch")
def one_mean_for_all(atom_features, multiplicity, crystal, n_crystals):
    total = (atom_features * multiplicity[:, None]).sum(0) / multiplicity.sum()
    return total.expand(n_crystals, -1)


@wrong("1.3", "atoms of the batch")
def over_all_atoms(atom_features, multiplicity, crystal, n_crystals):
    weighted = atom_features * multiplicity[:, None]
    return _sums(weighted, crystal, n_crystals) / multiplicity.sum()


@held_out("1.3", "multiplicity ignored")
def mean_of_each(atom_features, multiplicity, crystal, n_crystals):
    rows = [atom_features[crystal == number].mean(0) for number in range(n_crystals)]
    return atom_features.new_tensor([row.tolist() for row in rows])


# ---- 1.4 my_pair


@wrong("1.4", "no two crystals")
def only_one():
    return fcc()


@wrong("1.4", "cell refused")
def in_nanometers():
    return fcc(0.3615), hcp(0.3615)


@wrong("1.4", "lonely atom")
def far_apart():
    return Structure(Lattice.hexagonal(7, 8.5), ["Ne"], [[0] * 3]), _two_lonely()


def _two_lonely():
    return Structure(Lattice.cubic(9.7), ["Ne", "Ne"], [[0] * 3, [0.5] * 3])


@wrong("1.4", "other elements")
def silver_and_gold():
    return fcc(4.08, "Ag"), hcp(4.08, "Au")


@wrong("1.4", "another size")
def salt_of_two_sizes():
    return _salt(5.64), _salt(6.0)


def _salt(edge):
    cell = Lattice(edge / 2 * (1 - np.eye(3)))
    return Structure(cell, ["Na", "Cl"], [[0] * 3, [0.5] * 3])


@wrong("1.4", "rounded coordinates")
def a_third_in_three_digits():
    sheet = [[0, 0, 0], [0.333, 0.667, 0]]
    moved = [[0, 0, 0.5], [0.667, 0.333, 0.5]]
    return (
        Structure(Lattice.hexagonal(2.46, 6.71), ["C"] * 2, [[0] * 3, [1 / 3, 2 / 3, 0]]),
        Structure(Lattice.hexagonal(2.46, 13.42), ["C"] * 4, sheet + moved),
    )


@wrong("1.4", "told apart")
def salt_and_cesium_chloride():
    return _salt(5.64), Structure(Lattice.cubic(3.26), ["Na", "Cl"], [[0] * 3, [0.5] * 3])


@wrong("1.4", "same crystal")
def cell_and_supercell():
    return _salt(5.64), _salt(5.64) * (2, 1, 1)


@wrong("1.4", "a pair of the notebook")
def as_shown():
    return fcc(), hcp()


@held_out("1.4", "a pair of the notebook")
def silicon_carbide():
    return wurtzite(4.36, ("Si", "C")), zincblende(4.36, ("Si", "C"))


@held_out("1.4", "a pair of the notebook")
def gold_in_larger_cells():
    return hcp(4.08, "Au") * (2, 1, 1), fcc(4.08, "Au") * 2


@held_out("1.4", "same crystal")
def left_and_right_quartz():
    cell = Lattice.hexagonal(4.913, 5.405)
    sites = [[0.4697, 0, 1 / 3], [0.4135, 0.2669, 0.7858]]
    right = Structure.from_spacegroup("P3_121", cell, ["Si", "O"], sites)
    return right, Structure(cell, right.species, -right.frac_coords)


@held_out("1.4", "no two crystals")
def numbers():
    return 1, 2
