"""Right answers in other styles than the solution's: the checks must accept them all."""

from collections import Counter

import numpy as np
import torch
from pymatgen.core import Structure

from crystalgraph.labs.known_answers import RightAnswer, right_answers_into

RIGHT_ANSWERS: list[RightAnswer] = []
right = right_answers_into(RIGHT_ANSWERS)


@right("1.1", "positions exchanged")
def swap_positions(cell, atom, element):
    near = sorted(cell.get_neighbors(cell[atom], 15), key=lambda site: site.nn_distance)
    partner = next(site.index for site in near if site.specie.symbol == element)
    coords = cell.frac_coords.copy()
    coords[[atom, partner]] = coords[[partner, atom]]
    return Structure(cell.lattice, cell.species, coords)


@right("1.1", "distance matrix, new list of species")
def swap_species(cell, atom, element):
    distance = cell.distance_matrix[atom].copy()
    distance[[site.specie.symbol != element for site in cell]] = np.inf
    partner, species = int(distance.argmin()), list(cell.species)
    species[atom], species[partner] = species[partner], species[atom]
    return Structure(cell.lattice, species, cell.frac_coords)


@right("1.2", "random module, sets, lists")
def split_with_random(hosts, seed):
    import random

    names = sorted(set(hosts))
    random.Random(seed).shuffle(names)
    a, b = len(names) * 60 // 100, len(names) * 75 // 100
    parts = [set(names[:a]), set(names[a:b]), set(names[b:])]
    return [[row for row, name in enumerate(hosts) if name in part] for part in parts]


@right("1.2", "a part for each host")
def split_by_part_numbers(hosts, seed):
    names, host = np.unique(hosts, return_inverse=True)
    part = np.repeat([0, 1, 2], np.round(np.array([0.6, 0.15, 0.25]) * len(names)).astype(int))
    part = np.random.RandomState(seed).permutation(part)
    return tuple(np.where(part[host] == number)[0] for number in range(3))


@right("1.3", "every size tried")
def rule_of_squares(atomic_numbers):
    counts = Counter(list(atomic_numbers)).values()
    return not any(all(count % n**2 == 0 for count in counts) for n in (2, 3, 4, 5, 6))


@right("1.3", "numpy, number for a truth value")
def rule_of_gcd(atomic_numbers):
    return np.gcd.reduce(np.bincount(atomic_numbers)) < 4


@right("1.4", "loop over cells")
def means_in_a_loop(atom_features, multiplicity, crystal):
    rows = []
    for c in crystal.unique():
        weight = multiplicity[crystal == c]
        rows.append((weight[:, None] * atom_features[crystal == c]).sum(0) / weight.sum())
    return torch.stack(rows)


@right("1.4", "matrix of shares")
def means_by_matrix(atom_features, multiplicity, crystal):
    cells = torch.arange(int(crystal[-1]) + 1)
    weight = (crystal == cells[:, None]) * multiplicity
    return (weight / weight.sum(1, keepdim=True)).to(atom_features.dtype) @ atom_features


@right("1.5", "loop over cells")
def maxima_in_a_loop(atom_features, crystal):
    return torch.stack([atom_features[crystal == c].max(0).values for c in crystal.unique()])


@right("1.5", "index_reduce")
def maxima_reduced(atom_features, crystal):
    first = torch.full((int(crystal.max()) + 1, atom_features.shape[1]), -float("inf"))
    first = first.to(atom_features.dtype)
    return first.index_reduce(0, crystal, atom_features, "amax")


@right("1.6", "loops, least squares by hand")
def dilution_in_loops(perfect, defective, n_atoms):
    shift = []
    for a, b in zip(perfect, defective):  # noqa: B905
        shift.append(np.median([np.sqrt(np.sum((q - p) ** 2)) for p, q in zip(a, b)]))  # noqa: B905
    x, y = np.log10(n_atoms), np.log10(shift)
    x = x - x.mean()
    return shift, (x @ y) / (x @ x)


@right("1.7", "loop over cells")
def hits_in_a_loop(scores, at_defect, multiplicity, crystal):
    hits, chances = [], []
    for c in np.unique(crystal):
        here = crystal == c
        hits.append(at_defect[here][np.argmax(scores[here])])
        chances.append(np.average(at_defect[here], weights=multiplicity[here]))
    return np.mean(hits), np.mean(chances)


@right("1.7", "sorted once")
def hits_sorted(scores, at_defect, multiplicity, crystal):
    order = np.lexsort((scores, crystal))
    last = np.flatnonzero(np.append(np.diff(crystal[order]) > 0, True))
    chance = np.bincount(crystal, multiplicity * at_defect) / np.bincount(crystal, multiplicity)
    return at_defect[order[last]].mean(), chance.mean()


@right("1.8", "two loops")
def contrast_in_loops(atom_features, element, multiplicity, crystal):
    result = torch.zeros_like(atom_features)
    for c in crystal.unique():
        for z in element.unique():
            here = (crystal == c) & (element == z)
            if here.any():
                share = multiplicity[here] / multiplicity[here].sum()
                mean = (share[:, None] * atom_features[here]).sum(0)
                result[here] = torch.abs(atom_features[here] - mean)
    return result


@right("1.8", "matrix of equal atoms")
def contrast_by_matrix(atom_features, element, multiplicity, crystal):
    alike = (element[:, None] == element) & (crystal[:, None] == crystal)
    weight = alike * multiplicity
    mean = (weight / weight.sum(1, keepdim=True)).to(atom_features.dtype) @ atom_features
    return (atom_features - mean).abs()
