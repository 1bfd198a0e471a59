"""Right answers in other styles than the solution's: the checks must accept them all."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import torch
from pymatgen.core import Lattice, Structure

from crystalgraph.labs.known_answers import RightAnswer, right_answers_into
from crystalgraph.labs.symmetry.examples import fcc
from crystalgraph.labs.symmetry.instructor.mutants import distance_classes

RIGHT_ANSWERS: list[RightAnswer] = []
right = right_answers_into(RIGHT_ANSWERS)

# ---- 1.1


@right("1.1", "counters, a fixed number of rounds that is always enough")
def counters(graph):
    classes = distance_classes(graph.distance).tolist()
    colors = graph.atomic_numbers.tolist()
    for _ in range(graph.n_atoms):
        seen = [Counter() for _ in colors]
        for i, j, d in zip(graph.center, graph.neighbor, classes, strict=True):
            seen[i][d, colors[j]] += 1
        rows = [(c, tuple(sorted(one.items()))) for c, one in zip(colors, seen, strict=True)]
        known = sorted(set(rows))
        colors = [known.index(row) for row in rows]
    return colors


@right("1.1", "texts as colors, numbered at the end")
def texts(graph):
    classes = distance_classes(graph.distance)
    names = [str(z) for z in graph.atomic_numbers]
    n_before = 0
    while len(set(names)) > n_before:
        n_before = len(set(names))
        new = []
        for atom, name in enumerate(names):
            edges = np.flatnonzero(graph.center == atom)
            seen = sorted(f"{classes[e]}:{names[graph.neighbor[e]]}" for e in edges)
            new.append(f"{name}|{' '.join(seen)}")
        known = {text: str(number) for number, text in enumerate(sorted(set(new)))}
        names = [known[text] for text in new]
    return np.array([100 - 7 * int(name) for name in names])


@right("1.1", "numpy: a table of counts, and unique rows")
def table_of_counts(graph):
    classes = distance_classes(graph.distance)
    colors = np.unique(graph.atomic_numbers, return_inverse=True)[1]
    while True:
        column = classes * (colors.max() + 1) + colors[graph.neighbor]
        table = np.zeros((graph.n_atoms, column.max() + 2))
        table[:, -1] = colors
        np.add.at(table, (graph.center, column), 1)
        new = np.unique(table, axis=0, return_inverse=True)[1].reshape(-1)
        if new.max() == colors.max():
            return torch.from_numpy(new).float()
        colors = new


# ---- 1.2


@right("1.2", "dictionaries, one atom of each kind")
def dictionaries(graph, colors):
    classes = distance_classes(graph.distance)
    chosen = {}
    for atom, color in enumerate(colors.tolist()):
        chosen.setdefault(color, atom)
    kind = {color: number for number, color in enumerate(chosen)}
    count = Counter(colors.tolist())
    edges = defaultdict(list)
    for i, j, d, c in zip(graph.center, graph.neighbor, graph.distance, classes, strict=True):
        if chosen[int(colors[i])] == i:
            edges[kind[int(colors[i])], kind[int(colors[j])], c].append(d)
    return (
        [graph.atomic_numbers[atom] for atom in chosen.values()],
        [count[color] for color in chosen],
        [key[0] for key in edges],
        [key[1] for key in edges],
        [np.mean(distances) for distances in edges.values()],
        [len(distances) for distances in edges.values()],
    )


@right("1.2", "all atoms counted, then divided, kinds the other way round")
def divided(graph, colors):
    names, kind = np.unique(-colors, return_inverse=True)
    multiplicity = np.bincount(kind)
    numbers = np.zeros(len(names), dtype=int)
    numbers[kind] = graph.atomic_numbers
    classes = distance_classes(graph.distance)
    rows = np.stack([kind[graph.center], kind[graph.neighbor], classes])
    rows, first, weight = np.unique(rows, axis=1, return_index=True, return_counts=True)
    weight = weight / multiplicity[rows[0]]
    return (
        numbers,
        multiplicity,
        rows[0][::-1],
        rows[1][::-1],
        graph.distance[first][::-1],
        weight[::-1],
    )


# ---- 1.3


@right("1.3", "a loop over crystals")
def loop(atom_features, multiplicity, crystal, n_crystals):
    rows = []
    for number in range(n_crystals):
        mine = crystal == number
        share = multiplicity[mine] / multiplicity[mine].sum()
        rows.append((share[:, None] * atom_features[mine]).sum(0))
    return torch.stack(rows)


@right("1.3", "a matrix of shares")
def matrix(atom_features, multiplicity, crystal, n_crystals):
    mine = torch.nn.functional.one_hot(crystal, n_crystals).T * multiplicity
    return mine / mine.sum(1, keepdim=True) @ atom_features


@right("1.3", "each atom listed")
def listed(atom_features, multiplicity, crystal, n_crystals):
    atoms = torch.repeat_interleave(atom_features, multiplicity.long(), dim=0)
    of = torch.repeat_interleave(crystal, multiplicity.long())
    return torch.stack([atoms[of == number].mean(0) for number in range(n_crystals)])


# ---- 1.4


@right("1.4", "double hexagonal close packing")
def four_layers():
    near = 3.615 / 2**0.5
    cell = Lattice.hexagonal(near, 2 * near * (8 / 3) ** 0.5)
    coords = [[0, 0, 0], [1 / 3, 2 / 3, 0.25], [0, 0, 0.5], [2 / 3, 1 / 3, 0.75]]
    return fcc(), Structure(cell, ["Cu"] * 4, coords)


@right("1.4", "layers at two distances")
def two_distances():
    sheet = [[0, 0, 0], [1 / 3, 2 / 3, 0]]
    cells = [Lattice.hexagonal(2.5, height) for height in (6.6, 10)]
    return [Structure(cell, ["B", "N"], sheet) for cell in cells]


@right("1.4", "diamond and its hexagonal form")
def diamonds():
    near = 3.567 / 2**0.5
    cell = Lattice.hexagonal(near, near * 1.632993)
    coords = [[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0.5], [1 / 3, 2 / 3, 0.375], [2 / 3, 1 / 3, 0.875]]
    faces = Lattice(3.567 / 2 * (1 - np.eye(3)))
    return Structure(faces, ["C", "C"], [[0] * 3, [0.25] * 3]), Structure(cell, ["C"] * 4, coords)
