"""Answers with a known mistake: what the checks must reject, and name."""

import numpy as np
import torch

from crystalgraph.labs.known_answers import Mutant, mutants_into

MUTANTS: list[Mutant] = []
HELD_OUT: list[Mutant] = []
wrong, held_out = mutants_into(MUTANTS), mutants_into(HELD_OUT)

# ---- 1.1 make_swap


def _put(cell, changes):
    swapped = cell.copy()
    for site, species in changes.items():
        swapped.replace(site, species)
    return swapped


def _of(cell, element):
    return [i for i, site in enumerate(cell) if site.specie.symbol == element]


def _nearest(cell, atom, element):
    return min(_of(cell, element), key=lambda i: cell.get_distance(atom, i))


def _exchanged(cell, atom, partner):
    return _put(cell, {atom: cell[partner].specie, partner: cell[atom].specie})


@wrong("1.1", "one site changed")
def antisite_instead(cell, atom, element):
    return _put(cell, {atom: element})


@wrong("1.1", "inside the cell only")
def no_images(cell, atom, element):
    here = cell.cart_coords
    near = min(_of(cell, element), key=lambda i: np.linalg.norm(here[i] - here[atom]))
    return _exchanged(cell, atom, near)


@wrong("1.1", "fractional coordinates")
def in_fractions(cell, atom, element):
    def far(i):
        d = cell.frac_coords[i] - cell.frac_coords[atom]
        return np.linalg.norm(d - np.round(d))

    return _exchanged(cell, atom, min(_of(cell, element), key=far))


@wrong("1.1", "rounded fractions")
def nearest_by_rounding(cell, atom, element):
    def far(i):
        d = cell.frac_coords[i] - cell.frac_coords[atom]
        return np.linalg.norm((d - np.round(d)) @ cell.lattice.matrix)

    return _exchanged(cell, atom, min(_of(cell, element), key=far))


@wrong("1.1", "any other element")
def nearest_unlike(cell, atom, element):
    unlike = [i for i, site in enumerate(cell) if site.specie != cell[atom].specie]
    return _exchanged(cell, atom, min(unlike, key=lambda i: cell.get_distance(atom, i)))


@wrong("1.1", "farthest")
def farthest_partner(cell, atom, element):
    return _exchanged(cell, atom, max(_of(cell, element), key=lambda i: cell.get_distance(atom, i)))


@wrong("1.1", "first of the element")
def first_in_the_list(cell, atom, element):
    return _exchanged(cell, atom, _of(cell, element)[0])


@wrong("1.1", "in place")
def on_the_cell_itself(cell, atom, element):
    partner = _nearest(cell, atom, element)
    one, other = cell[atom].specie, cell[partner].specie
    cell.replace(atom, other)
    cell.replace(partner, one)
    return cell


@held_out("1.1", "one site changed")
def names_overwritten(cell, atom, element):
    numbers, partner = list(cell.species), _nearest(cell, atom, element)
    numbers[atom] = numbers[partner]
    numbers[partner] = numbers[atom]
    return type(cell)(cell.lattice, numbers, cell.frac_coords)


@held_out("1.1", "in place")
def another_name_for_it(cell, atom, element):
    swapped = cell
    partner = _nearest(cell, atom, element)
    old = swapped[atom].specie
    swapped[atom] = swapped[partner].specie
    swapped[partner] = old
    return swapped


# ---- 1.2 split_by_host


def _cut(order, first=0.6, second=0.75):
    a, b = round(first * len(order)), round(second * len(order))
    return order[:a], order[a:b], order[b:]


def _rows(hosts, parts):
    return tuple(np.flatnonzero(np.isin(hosts, part)) for part in parts)


def _shuffled(hosts, seed):
    return np.random.default_rng(seed).permutation(sorted(set(hosts)))


@wrong("1.2", "twins apart")
def cell_by_cell(hosts, seed):
    return _cut(np.random.default_rng(seed).permutation(len(hosts)))


@wrong("1.2", "seed ignored")
def always_zero(hosts, seed):
    return _rows(hosts, _cut(_shuffled(hosts, 0)))


@wrong("1.2", "not repeatable")
def global_generator(hosts, seed):
    return _rows(hosts, _cut(np.random.permutation(sorted(set(hosts)))))


@wrong("1.2", "order of a set")
def as_a_set(hosts, seed):
    return _rows(hosts, _cut(np.random.default_rng(seed).permutation(list(set(hosts)))))


@wrong("1.2", "hosts for cells")
def numbers_of_hosts(hosts, seed):
    return _cut(np.random.default_rng(seed).permutation(len(set(hosts))))


@wrong("1.2", "validation and test exchanged")
def larger_validation(hosts, seed):
    return _rows(hosts, _cut(_shuffled(hosts, seed), 0.6, 0.85))


@wrong("1.2", "no validation")
def two_parts(hosts, seed):
    train, val, test = _cut(_shuffled(hosts, seed))
    rest = np.concatenate([val, test])
    return _rows(hosts, (train, rest, rest))


@wrong("1.2", "one cell of each host")
def first_cell_of_each(hosts, seed):
    parts = _cut(_shuffled(hosts, seed))
    return tuple(np.array([list(hosts).index(name) for name in part]) for part in parts)


@held_out("1.2", "twins apart")
def shuffled_list_of_cells(hosts, seed):
    rows = list(range(len(hosts)))
    np.random.default_rng(seed).shuffle(rows)
    return _cut(rows)


@held_out("1.2", "seed ignored")
def unshuffled(hosts, seed):
    return _rows(hosts, _cut(sorted(set(hosts))))


# ---- 1.3 counting_rule


def _counts(atomic_numbers):
    return np.unique(atomic_numbers, return_counts=True)[1]


@wrong("1.3", "odd number of atoms")
def parity(atomic_numbers):
    return len(atomic_numbers) % 2 == 1


@wrong("1.3", "common divisor above one")
def divisor_is_one(atomic_numbers):
    return bool(np.gcd.reduce(_counts(atomic_numbers)) == 1)


@wrong("1.3", "even sizes only")
def multiples_of_four(atomic_numbers):
    return bool((_counts(atomic_numbers) % 4 != 0).any())


@wrong("1.3", "rare element")
def fewer_than_four(atomic_numbers):
    return bool(_counts(atomic_numbers).min() < 4)


@wrong("1.3", "turned round")
def is_perfect(atomic_numbers):
    return bool(np.gcd.reduce(_counts(atomic_numbers)) >= 4)


@wrong("1.3", "smallest cell")
def four_is_a_defect(atomic_numbers):
    return bool(np.gcd.reduce(_counts(atomic_numbers)) <= 4)


@wrong("1.3", "exactly n squared")
def one_of_five(atomic_numbers):
    return int(np.gcd.reduce(_counts(atomic_numbers))) not in (4, 9, 16, 25, 36)


@wrong("1.3", "odd count")
def any_odd(atomic_numbers):
    return bool((_counts(atomic_numbers) % 2).any())


@held_out("1.3", "exactly n squared")
def root_is_whole(atomic_numbers):
    divisor = np.gcd.reduce(_counts(atomic_numbers))
    return bool(divisor < 4 or round(divisor**0.5) ** 2 != divisor)


@held_out("1.3", "odd number of atoms")
def not_even(atomic_numbers):
    return bool(np.size(atomic_numbers) & 1)


# ---- 1.4 mean_pool


def _sums(rows, crystal):
    n = int(crystal.max()) + 1
    return rows.new_zeros(n, rows.shape[1]).index_add(0, crystal, rows)


@wrong("1.4", "multiplicity ignored")
def each_kind_once(atom_features, multiplicity, crystal):
    one = torch.ones_like(multiplicity)
    return _sums(atom_features, crystal) / _sums(one[:, None], crystal)


@wrong("1.4", "divided by kinds")
def sum_by_kinds(atom_features, multiplicity, crystal):
    weighted = _sums(atom_features * multiplicity[:, None], crystal)
    return weighted / torch.bincount(crystal)[:, None]


@wrong("1.4", "not divided")
def weighted_sum(atom_features, multiplicity, crystal):
    return _sums(atom_features * multiplicity[:, None], crystal)


@wrong("1.4", "over the batch")
def one_mean(atom_features, multiplicity, crystal):
    mean = (atom_features * multiplicity[:, None]).sum(0) / multiplicity.sum()
    return mean.expand(int(crystal.max()) + 1, -1)


@wrong("1.4", "divided by all atoms")
def by_all_atoms(atom_features, multiplicity, crystal):
    return _sums(atom_features * multiplicity[:, None], crystal) / multiplicity.sum()


@wrong("1.4", "one row kept")
def assigned(atom_features, multiplicity, crystal):
    total = atom_features.new_zeros(int(crystal.max()) + 1, atom_features.shape[1])
    total[crystal] += atom_features * multiplicity[:, None]
    return total / _sums(multiplicity[:, None], crystal)


@held_out("1.4", "multiplicity ignored")
def plain_means(atom_features, multiplicity, crystal):
    n = int(crystal.max()) + 1
    return torch.stack([atom_features[crystal == c].mean(0) for c in range(n)])


# ---- 1.5 max_pool


def _each(atom_features, crystal, pool):
    n = int(crystal.max()) + 1
    return torch.stack([pool(atom_features[crystal == c]) for c in range(n)])


@wrong("1.5", "over the batch")
def one_maximum(atom_features, crystal):
    return atom_features.amax(0).expand(int(crystal.max()) + 1, -1)


@wrong("1.5", "starts at zero")
def from_zero(atom_features, crystal):
    return _each(atom_features, crystal, lambda v: v.amax(0).clamp(min=0))


@wrong("1.5", "mean")
def mean_of_rows(atom_features, crystal):
    return _each(atom_features, crystal, lambda v: v.mean(0))


@wrong("1.5", "minimum")
def smallest(atom_features, crystal):
    return _each(atom_features, crystal, lambda v: v.amin(0))


@wrong("1.5", "one row for all features")
def largest_row(atom_features, crystal):
    return _each(atom_features, crystal, lambda v: v[v.sum(1).argmax()])


@wrong("1.5", "absolute value")
def farthest_from_zero(atom_features, crystal):
    return _each(atom_features, crystal, lambda v: v.gather(0, v.abs().argmax(0, keepdim=True))[0])


@held_out("1.5", "starts at zero")
def zeros_first(atom_features, crystal):
    start = atom_features.new_zeros(int(crystal.max()) + 1, atom_features.shape[1])
    rows = crystal[:, None].expand_as(atom_features)
    return start.scatter_reduce(0, rows, atom_features, "amax")


# ---- 1.6 dilution


def _fitted(x, y):
    return float(np.polyfit(x, y, 1)[0])


def _lengths(perfect, defective):
    return np.linalg.norm(defective - perfect, axis=2)


def _with_slope(shift, n_atoms):
    return shift, _fitted(np.log(n_atoms), np.log(shift))


@wrong("1.6", "norm without squares")
def sum_of_differences(perfect, defective, n_atoms):
    return _with_slope(np.median(np.abs(defective - perfect).sum(2), 1), n_atoms)


@wrong("1.6", "root missing")
def squared_length(perfect, defective, n_atoms):
    return _with_slope(np.median(((defective - perfect) ** 2).sum(2), 1), n_atoms)


@wrong("1.6", "averaged before the norm")
def hosts_cancel(perfect, defective, n_atoms):
    return _with_slope(np.linalg.norm(np.median(defective - perfect, 1), axis=1), n_atoms)


@wrong("1.6", "mean over hosts")
def mean_length(perfect, defective, n_atoms):
    return _with_slope(_lengths(perfect, defective).mean(1), n_atoms)


@wrong("1.6", "one axis not logarithmic")
def half_logarithmic(perfect, defective, n_atoms):
    shift = np.median(_lengths(perfect, defective), 1)
    return shift, _fitted(n_atoms, np.log(shift))


@wrong("1.6", "axes exchanged")
def slope_of_the_other(perfect, defective, n_atoms):
    shift = np.median(_lengths(perfect, defective), 1)
    return shift, _fitted(np.log(shift), np.log(n_atoms))


@wrong("1.6", "two ends only")
def from_end_to_end(perfect, defective, n_atoms):
    shift = np.median(_lengths(perfect, defective), 1)
    return shift, float(np.log(shift[-1] / shift[0]) / np.log(n_atoms[-1] / n_atoms[0]))


@wrong("1.6", "length of the shift in the norm")
def difference_of_lengths(perfect, defective, n_atoms):
    norms = [np.linalg.norm(pooled, axis=2) for pooled in (perfect, defective)]
    return _with_slope(np.median(np.abs(norms[1] - norms[0]), 1), n_atoms)


@wrong("1.6", "no logarithm")
def straight_axes(perfect, defective, n_atoms):
    shift = np.median(_lengths(perfect, defective), 1)
    return shift, _fitted(n_atoms, shift)


@wrong("1.6", "offset")
def second_number(perfect, defective, n_atoms):
    shift = np.median(_lengths(perfect, defective), 1)
    return shift, float(np.polyfit(np.log(n_atoms), np.log(shift), 1)[1])


@wrong("1.6", "slope of each host")
def median_slope(perfect, defective, n_atoms):
    lengths = _lengths(perfect, defective)
    slopes = np.polyfit(np.log(n_atoms), np.log(lengths), 1)[0]
    return np.median(lengths, 1), float(np.median(slopes))


@held_out("1.6", "root missing")
def root_forgotten(perfect, defective, n_atoms):
    difference = defective - perfect
    return _with_slope(np.median(np.einsum("shf,shf->sh", difference, difference), 1), n_atoms)


# ---- 1.7 hit_rate


def _flagged(scores, crystal):
    rows = [np.flatnonzero(crystal == c) for c in range(crystal.max() + 1)]
    return np.array([one[scores[one].argmax()] for one in rows])


def _chance(at_defect, multiplicity, crystal):
    atoms = np.bincount(crystal, multiplicity)
    return float((np.bincount(crystal, multiplicity * at_defect) / atoms).mean())


@wrong("1.7", "highest of the batch")
def one_flag(scores, at_defect, multiplicity, crystal):
    return float(at_defect[scores.argmax()]), _chance(at_defect, multiplicity, crystal)


@wrong("1.7", "place within the cell")
def not_raised(scores, at_defect, multiplicity, crystal):
    places = [int(scores[crystal == c].argmax()) for c in range(crystal.max() + 1)]
    return float(at_defect[places].mean()), _chance(at_defect, multiplicity, crystal)


@wrong("1.7", "chance per kind")
def every_kind_alike(scores, at_defect, multiplicity, crystal):
    hit = at_defect[_flagged(scores, crystal)].mean()
    return float(hit), _chance(at_defect, np.ones_like(multiplicity), crystal)


@wrong("1.7", "chance over all atoms")
def pooled_atoms(scores, at_defect, multiplicity, crystal):
    hit = at_defect[_flagged(scores, crystal)].mean()
    return float(hit), float((at_defect * multiplicity).sum() / multiplicity.sum())


@wrong("1.7", "rounded")
def yes_or_no(scores, at_defect, multiplicity, crystal):
    hit = at_defect[_flagged(scores, crystal)] > 0
    return float(hit.mean()), _chance(at_defect, multiplicity, crystal)


@wrong("1.7", "lowest score")
def least_suspicious(scores, at_defect, multiplicity, crystal):
    hit = at_defect[_flagged(-scores, crystal)].mean()
    return float(hit), _chance(at_defect, multiplicity, crystal)


@wrong("1.7", "above zero")
def all_above_zero(scores, at_defect, multiplicity, crystal):
    return float(at_defect[scores > 0].mean()), _chance(at_defect, multiplicity, crystal)


@wrong("1.7", "chance first")
def exchanged(scores, at_defect, multiplicity, crystal):
    hit = at_defect[_flagged(scores, crystal)].mean()
    return _chance(at_defect, multiplicity, crystal), float(hit)


@wrong("1.7", "hits by number of atoms")
def weighted_hits(scores, at_defect, multiplicity, crystal):
    rows = _flagged(scores, crystal)
    hit = np.average(at_defect[rows], weights=multiplicity[rows])
    return float(hit), _chance(at_defect, multiplicity, crystal)


@wrong("1.7", "sums")
def added_up(scores, at_defect, multiplicity, crystal):
    n_cells = crystal.max() + 1
    hit = at_defect[_flagged(scores, crystal)].sum()
    return float(hit), n_cells * _chance(at_defect, multiplicity, crystal)


@held_out("1.7", "chance per kind")
def unweighted(scores, at_defect, multiplicity, crystal):
    cells = range(crystal.max() + 1)
    chance = np.mean([at_defect[crystal == c].mean() for c in cells])
    return at_defect[_flagged(scores, crystal)].mean(), chance


# ---- 1.8 contrast


def _means(atom_features, multiplicity, group):
    weighted = _sums(atom_features * multiplicity[:, None], group)
    return (weighted / _sums(multiplicity[:, None], group))[group]


def _groups(*columns):
    return torch.unique(torch.stack(columns, 1), dim=0, return_inverse=True)[1]


@wrong("1.8", "over the whole batch")
def element_everywhere(atom_features, element, multiplicity, crystal):
    return (atom_features - _means(atom_features, multiplicity, _groups(element))).abs()


@wrong("1.8", "over elements")
def whole_cell(atom_features, element, multiplicity, crystal):
    return (atom_features - _means(atom_features, multiplicity, crystal)).abs()


@wrong("1.8", "multiplicity ignored")
def kinds_alike(atom_features, element, multiplicity, crystal):
    one = torch.ones_like(multiplicity)
    return (atom_features - _means(atom_features, one, _groups(crystal, element))).abs()


@wrong("1.8", "pairs that meet")
def cell_plus_element(atom_features, element, multiplicity, crystal):
    return (atom_features - _means(atom_features, multiplicity, _groups(crystal + element))).abs()


@wrong("1.8", "runs in the list")
def consecutive(atom_features, element, multiplicity, crystal):
    key = crystal * 1000 + element
    group = torch.unique_consecutive(key, return_inverse=True)[1]
    return (atom_features - _means(atom_features, multiplicity, group)).abs()


@wrong("1.8", "sign kept")
def signed(atom_features, element, multiplicity, crystal):
    return atom_features - _means(atom_features, multiplicity, _groups(crystal, element))


@wrong("1.8", "squared")
def squares(atom_features, element, multiplicity, crystal):
    return signed(atom_features, element, multiplicity, crystal) ** 2


@wrong("1.8", "one number per atom")
def norms(atom_features, element, multiplicity, crystal):
    return signed(atom_features, element, multiplicity, crystal).norm(dim=1)


@wrong("1.8", "means returned")
def the_means(atom_features, element, multiplicity, crystal):
    return _means(atom_features, multiplicity, _groups(crystal, element))


@held_out("1.8", "over elements")
def mean_of_all(atom_features, element, multiplicity, crystal):
    result = torch.zeros_like(atom_features)
    for c in crystal.unique():
        here = crystal == c
        share = multiplicity[here] / multiplicity[here].sum()
        result[here] = (atom_features[here] - share @ atom_features[here]).abs()
    return result
