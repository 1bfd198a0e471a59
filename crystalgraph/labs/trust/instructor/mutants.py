"""Answers with a known mistake: what the checks must reject, and name."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import re
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.functional import relu, softplus

from crystalgraph.labs.known_answers import Mutant, mutants_into

MUTANTS: list[Mutant] = []
HELD_OUT: list[Mutant] = []
wrong, held_out = mutants_into(MUTANTS), mutants_into(HELD_OUT)

# ---- 1.1 structure_to_data


def data_with(
    keep: Callable = lambda center, distance, k: within_shell(center, distance, k),
    edges: Callable = lambda center, neighbor, image: np.full(len(center), True),
    change: Callable = lambda data: data,
) -> Callable:
    """structure_to_data with one part exchanged."""

    def structure_to_data(structure, k, radius):
        center, neighbor, image, distance = structure.get_neighbor_list(radius)
        chosen = keep(center, distance, k) & edges(center, neighbor, image)
        data = {
            "z": np.array(structure.atomic_numbers),
            "edge_index": np.stack([neighbor, center])[:, chosen],
            "distance": distance[chosen],
            "image": image[chosen],
        }
        return change(data)

    return structure_to_data


def within_shell(center, distance, k):
    """Whether each edge is one of the k shortest of its center, or as long as the k-th."""
    return distance <= kth(center, distance, k)[center] + 0.01


def kth(center, distance, k):
    """The distance of the k-th neighbor of each atom."""
    return np.array([np.sort(distance[center == i])[k - 1] for i in range(center.max() + 1)])


@wrong("1.1", "rows exchanged", lambda change: data_with(change=change))
def center_first(data):
    return data | {"edge_index": data["edge_index"][::-1]}


@wrong("1.1", "cut at k", lambda keep: data_with(keep))
def exactly_k(center, distance, k):
    chosen = np.zeros(len(center), dtype=bool)
    for i in range(center.max() + 1):
        mine = np.flatnonzero(center == i)
        chosen[mine[np.argsort(distance[mine], kind="stable")[:k]]] = True
    return chosen


@wrong("1.1", "no tolerance", lambda keep: data_with(keep))
def to_the_last_digit(center, distance, k):
    distance = distance + 1e-6 * np.random.default_rng(0).random(len(distance))  # of any computer
    return distance <= kth(center, distance, k)[center]


@wrong("1.1", "one too many", lambda keep: data_with(keep))
def the_next_one(center, distance, k):
    return within_shell(center, distance, k + 1)


@wrong("1.1", "k ignored", lambda keep: data_with(keep))
def always_twelve(center, distance, k):
    return within_shell(center, distance, 12)


@wrong("1.1", "images merged", lambda change: data_with(change=change))
def one_edge_for_two_atoms(data):
    _, first = np.unique(data["edge_index"], axis=1, return_index=True)
    return {
        name: data[name] if name == "z" else np.take(data[name], first, axis=axis)
        for name, axis in (("z", 0), ("edge_index", 1), ("distance", 0), ("image", 0))
    }


@wrong("1.1", "all within the radius", lambda keep: data_with(keep))
def everything(center, distance, k):
    return np.full(len(center), True)


@wrong("1.1", "images dropped", lambda change: data_with(change=change))
def no_images(data):
    return data | {"image": np.zeros_like(data["image"])}


@wrong("1.1", "own images left out", lambda edges: data_with(edges=edges))
def others_only(center, neighbor, image):
    return center != neighbor


@wrong("1.1", "pairs once", lambda edges: data_with(edges=edges))
def one_direction(center, neighbor, image):
    first = [tuple(one) > (0, 0, 0) for one in image.tolist()]
    return (center < neighbor) | ((center == neighbor) & first)


@wrong("1.1", "one k for all", lambda keep: data_with(keep))
def same_limit(center, distance, k):
    return distance <= np.sort(distance[center == 0])[k - 1] + 0.01


@wrong("1.1", "kinds for elements", lambda change: data_with(change=change))
def kinds(data):
    return data | {"z": np.unique(data["z"], return_inverse=True)[1]}


@held_out("1.1", "all within the radius")
def within_radius(structure, k, radius):
    rows = [
        (one.index, i, one.nn_distance, one.image)
        for i, near in enumerate(structure.get_all_neighbors(radius))
        for one in near
    ]
    source, target, distance, image = zip(*rows, strict=True)
    z = [site.specie.Z for site in structure]
    return {"z": z, "edge_index": [source, target], "distance": distance, "image": image}


@held_out("1.1", "rows exchanged", lambda change: data_with(change=change))
def images_of_the_center(data):
    return data | {"image": -data["image"]}


@held_out("1.1", "one k for all", lambda keep: data_with(keep))
def largest_limit(center, distance, k):
    return distance <= kth(center, distance, k).max() + 0.01


@held_out("1.1", "cut at k", lambda keep: data_with(keep))
def last_of_a_shell(center, distance, k):
    order = np.lexsort((-np.arange(len(center)), distance.round(6), center))
    place = np.arange(len(center)) - np.searchsorted(center[order], center[order])
    chosen = np.zeros(len(center), dtype=bool)
    chosen[order[place < k]] = True
    return chosen


# ---- 1.2 message


@wrong("1.2", "center and neighbor exchanged")
def neighbor_first(x_i, x_j, edge_attr, dense):
    gate, core = dense(torch.cat([x_j, x_i, edge_attr], dim=1)).chunk(2, dim=1)
    return torch.sigmoid(gate) * softplus(core)


@wrong("1.2", "halves exchanged")
def core_first(x_i, x_j, edge_attr, dense):
    core, gate = dense(torch.cat([x_i, x_j, edge_attr], dim=1)).chunk(2, dim=1)
    return torch.sigmoid(gate) * softplus(core)


@wrong("1.2", "no gate")
def core_alone(x_i, x_j, edge_attr, dense):
    _, core = dense(torch.cat([x_i, x_j, edge_attr], dim=1)).chunk(2, dim=1)
    return softplus(core)


@wrong("1.2", "softplus forgotten")
def raw_core(x_i, x_j, edge_attr, dense):
    gate, core = dense(torch.cat([x_i, x_j, edge_attr], dim=1)).chunk(2, dim=1)
    return torch.sigmoid(gate) * core


@wrong("1.2", "two sigmoids")
def both_halves(x_i, x_j, edge_attr, dense):
    gate, core = dense(torch.cat([x_i, x_j, edge_attr], dim=1)).chunk(2, dim=1)
    return torch.sigmoid(gate) * torch.sigmoid(core)


@wrong("1.2", "relu for softplus")
def relu_core(x_i, x_j, edge_attr, dense):
    gate, core = dense(torch.cat([x_i, x_j, edge_attr], dim=1)).chunk(2, dim=1)
    return torch.sigmoid(gate) * relu(core)


@wrong("1.2", "added")
def sum_of_both(x_i, x_j, edge_attr, dense):
    gate, core = dense(torch.cat([x_i, x_j, edge_attr], dim=1)).chunk(2, dim=1)
    return torch.sigmoid(gate) + softplus(core)


@wrong("1.2", "alternate columns")
def every_second(x_i, x_j, edge_attr, dense):
    z = dense(torch.cat([x_i, x_j, edge_attr], dim=1))
    return torch.sigmoid(z[:, ::2]) * softplus(z[:, 1::2])


@wrong("1.2", "softmax over edges")
def competing(x_i, x_j, edge_attr, dense):
    gate, core = dense(torch.cat([x_i, x_j, edge_attr], dim=1)).chunk(2, dim=1)
    return torch.softmax(gate, dim=0) * softplus(core)


@held_out("1.2", "halves exchanged")
def second_half_first(x_i, x_j, edge_attr, dense):
    z = dense(torch.hstack((x_i, x_j, edge_attr)))
    n = x_i.shape[1]
    return z[:, n:].sigmoid() * torch.log1p(z[:, :n].exp())


# ---- 1.3 step_key


def hashed(text: str) -> str:
    """A short name of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@wrong("1.3", "order matters")
def as_written(settings, before=""):
    return hashed(f"{settings} {before}")


@wrong("1.3", "nested order matters")
def top_sorted(settings, before=""):
    return hashed(f"{sorted(settings.items())} {before}")


@wrong("1.3", "values ignored")
def names_alone(settings, before=""):
    names = re.sub(r": [^,{}]+", "", json.dumps(settings, sort_keys=True))
    return hashed(names + before)


@wrong("1.3", "names ignored")
def values_alone(settings, before=""):
    flat = re.sub(r'"\w+": ', "", json.dumps(settings, sort_keys=True))
    return hashed("".join(sorted(flat)) + before)


@wrong("1.3", "step before ignored")
def settings_alone(settings, before=""):
    return hashed(json.dumps(settings, sort_keys=True))


@wrong("1.3", "digits lost")
def few_digits(settings, before=""):
    rounded = json.loads(json.dumps(settings), parse_float=lambda text: round(float(text), 3))
    return hashed(json.dumps(rounded, sort_keys=True) + before)


@wrong("1.3", "no file name")
def the_text_itself(settings, before=""):
    return json.dumps(settings, sort_keys=True) + before


_numbers = itertools.count()


@wrong("1.3", "not repeatable")
def counted(settings, before=""):
    return hashed(f"{json.dumps(settings, sort_keys=True)} {before} {next(_numbers)}")


@wrong("1.3", "grows")
def one_behind_the_other(settings, before=""):
    return before + hashed(json.dumps(settings, sort_keys=True))


@wrong("1.3", "keys meet")
def short(settings, before=""):
    return hashed(json.dumps([settings, before], sort_keys=True))[:3]


@held_out("1.3", "keys meet")
def sorted_characters(settings, before=""):
    return hashed("".join(sorted(json.dumps(settings, sort_keys=True))) + before)


@held_out("1.3", "step before ignored")
def only_settings(settings, before=None):
    return hashlib.md5(json.dumps(settings, sort_keys=True, indent=1).encode()).hexdigest()


# ---- 1.4 error_by_element


def by_element(weight: Callable, mean: Callable) -> Callable:
    """error_by_element with another way to count crystals, or to average."""

    def error_by_element(symbols, error):
        found = {}
        for element in set().union(*symbols):
            count = np.array([weight(atoms, element) for atoms in symbols], dtype=float)
            found[element] = mean(error, count)
        return found

    return error_by_element


def once(atoms, element):
    """A crystal with the element counts once."""
    return element in atoms


def averaged(error, count):
    """Mean of |error|, weighted."""
    return (np.abs(error) * count).sum() / count.sum()


@wrong("1.4", "signs kept", lambda mean: by_element(once, mean))
def signed(error, count):
    return (error * count).sum() / count.sum()


@wrong("1.4", "absolute value too late", lambda mean: by_element(once, mean))
def late(error, count):
    return abs((error * count).sum() / count.sum())


@wrong("1.4", "last one kept", lambda mean: by_element(once, mean))
def of_the_last(error, count):
    return np.abs(error)[count > 0][-1]


@wrong("1.4", "median", lambda mean: by_element(once, mean))
def middle(error, count):
    return np.median(np.abs(error)[count > 0])


@wrong("1.4", "each atom counted", lambda weight: by_element(weight, averaged))
def number_of_atoms(atoms, element):
    return atoms.count(element)


@wrong("1.4", "root mean square", lambda mean: by_element(once, mean))
def rms(error, count):
    return np.sqrt((error**2 * count).sum() / count.sum())


@wrong("1.4", "summed", lambda mean: by_element(once, mean))
def total(error, count):
    return (np.abs(error) * count).sum()


@wrong("1.4", "divided by all", lambda mean: by_element(once, mean))
def over_all(error, count):
    return (np.abs(error) * count).mean()


@wrong("1.4", "shared", lambda weight: by_element(weight, over_crystals))
def share(atoms, element):
    return atoms.count(element) / len(atoms)


def over_crystals(error, share):
    """Shares of |error|, averaged over the crystals that have one."""
    return (np.abs(error) * share).sum() / (share > 0).sum()


@held_out("1.4", "signs kept")
def sums_of_signed(symbols, error):
    found = {}
    for atoms, one in zip(symbols, error, strict=True):
        for element in set(atoms):
            found.setdefault(element, []).append(one)
    return {element: sum(ones) / len(ones) for element, ones in found.items()}


# ---- 1.5 learning_exponent


@wrong("1.5", "size not logarithmic")
def log_of_error(sizes, errors):
    slope = np.polyfit(sizes, np.log(errors), 1)[0]
    return slope, 2 ** (-1 / slope)


@wrong("1.5", "error not logarithmic")
def log_of_size(sizes, errors):
    slope = np.polyfit(np.log(sizes), errors, 1)[0]
    return slope, 2 ** (-1 / slope)


@wrong("1.5", "neither logarithmic")
def plain_line(sizes, errors):
    slope = np.polyfit(sizes, errors, 1)[0]
    return slope, 2 ** (-1 / slope)


@wrong("1.5", "two logarithms")
def ten_and_e(sizes, errors):
    slope = np.polyfit(np.log10(sizes), np.log(errors), 1)[0]
    return slope, 2 ** (-1 / slope)


@wrong("1.5", "intercept")
def second_of_polyfit(sizes, errors):
    level = np.polyfit(np.log(sizes), np.log(errors), 1)[1]
    return level, 2 ** (-1 / level)


@wrong("1.5", "order exchanged")
def factor_first(sizes, errors):
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    return 2 ** (-1 / slope), slope


@wrong("1.5", "exponent not inverted")
def without_inverse(sizes, errors):
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    return slope, 2**-slope


@wrong("1.5", "axes exchanged")
def size_of_error(sizes, errors):
    slope = np.polyfit(np.log(errors), np.log(sizes), 1)[0]
    return slope, 2 ** (-1 / slope)


@wrong("1.5", "sign lost")
def positive(sizes, errors):
    slope = -np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    return slope, 2 ** (1 / slope)


@wrong("1.5", "ends only")
def two_points(sizes, errors):
    slope = np.log(errors[-1] / errors[0]) / np.log(sizes[-1] / sizes[0])
    return slope, 2 ** (-1 / slope)


@wrong("1.5", "factor upside down")
def fewer(sizes, errors):
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    return slope, 2 ** (1 / slope)


@wrong("1.5", "twice for half")
def of_twice(sizes, errors):
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    return slope, 2**slope


@held_out("1.5", "sign lost")
def by_least_squares(sizes, errors):
    x, y = np.log10(sizes), np.log10(errors)
    slope = abs(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    return slope, 2 ** (1 / slope)


# ---- 1.6 calibration


def bars(size: Callable = np.abs, spread: Callable = lambda spread: spread, times: float = 1):
    """Shares within one and two spreads, and the factor, with one part exchanged."""

    def calibration(error, given):
        ratio = size(error) / spread(given)
        factor = np.sqrt(np.mean((error / spread(given)) ** 2))
        return times * (ratio <= 1).mean(), times * (ratio <= 2).mean(), factor

    return calibration


@wrong("1.6", "signs kept", lambda size: bars(size=size))
def with_sign(error):
    return error


@wrong("1.6", "edge left out")
def shorter(error, spread):
    ratio = np.abs(error) / spread
    return (ratio < 1).mean(), (ratio < 2).mean(), np.sqrt(np.mean(ratio**2))


@wrong("1.6", "root forgotten")
def mean_square(error, spread):
    one, two, factor = bars()(error, spread)
    return one, two, factor**2


@wrong("1.6", "counts")
def how_many(error, spread):
    one, two, factor = bars()(error, spread)
    return one * len(error), two * len(error), factor


@wrong("1.6", "means before the ratio")
def ratio_of_means(error, spread):
    one, two, _ = bars()(error, spread)
    return one, two, np.sqrt(np.mean(error**2) / np.mean(spread**2))


@wrong("1.6", "between one and two")
def second_ring(error, spread):
    one, two, factor = bars()(error, spread)
    return one, two - one, factor


@wrong("1.6", "one spread for all", lambda spread: bars(spread=spread))
def mean_spread(spread):
    return np.full_like(spread, spread.mean())


@wrong("1.6", "percent", lambda times: bars(times=times()))
def hundred():
    return 100


@wrong("1.6", "variance for spread", lambda spread: bars(spread=spread))
def squared(spread):
    return spread**2


@wrong("1.6", "upside down")
def spread_over_error(error, spread):
    one, two, _ = bars()(error, spread)
    return one, two, np.sqrt(np.mean((spread / error) ** 2))


@wrong("1.6", "mean for root mean square")
def mean_ratio(error, spread):
    one, two, _ = bars()(error, spread)
    return one, two, np.mean(np.abs(error) / spread)


@wrong("1.6", "outside")
def beyond(error, spread):
    one, two, factor = bars()(error, spread)
    return 1 - one, 1 - two, factor


@held_out("1.6", "signs kept")
def below(error, spread):
    ratio = error / spread
    return (error <= spread).mean(), (error <= 2 * spread).mean(), (ratio**2).mean() ** 0.5


# ---- 1.7 split_by_group


def cut(items, shares=(0.7, 0.1)):
    """Three pieces of a list."""
    first = round(shares[0] * len(items))
    return np.split(items, [first, first + round(shares[1] * len(items))])


def split_with(
    shuffled: Callable = lambda names, seed: np.random.default_rng(seed).permutation(names),
    pieces: Callable = cut,
    members: Callable = lambda groups, piece: np.flatnonzero(np.isin(groups, piece)),
) -> Callable:
    """split_by_group with one part exchanged."""

    def split_by_group(groups, seed):
        names = shuffled(np.unique(groups), seed)
        return [members(groups, piece) for piece in pieces(names)]

    return split_by_group


@wrong("1.7", "groups apart")
def at_random(groups, seed):
    return cut(np.random.default_rng(seed).permutation(len(groups)))


@wrong("1.7", "crystals of chosen groups only once", lambda members: split_with(members=members))
def first_of_each(groups, piece):
    return np.array([list(groups).index(name) for name in piece], dtype=int)


@wrong("1.7", "shares exchanged", lambda pieces: split_with(pieces=pieces))
def twenty_and_ten(names):
    return cut(names, (0.7, 0.2))


@wrong("1.7", "crystals counted", lambda make: make())
def by_crystals():
    def split_by_group(groups, seed):
        parts, sizes = ([], [], []), (0.7 * len(groups), 0.1 * len(groups), np.inf)
        for name in np.random.default_rng(seed).permutation(np.unique(groups)):
            mine = [i for i, group in enumerate(groups) if group == name]
            place = next(p for p in range(3) if len(parts[p]) + len(mine) <= sizes[p])
            parts[place].extend(mine)
        return [np.array(part, dtype=int) for part in parts]

    return split_by_group


@wrong("1.7", "groups lost", lambda pieces: split_with(pieces=pieces))
def two_tenths_at_most(names):
    train, val, test = cut(names)
    return train[:-1], val, test


@wrong("1.7", "groups returned", lambda make: make())
def numbers_of_groups():
    return lambda groups, seed: cut(np.random.default_rng(seed).permutation(len(np.unique(groups))))


@wrong("1.7", "seed ignored", lambda shuffled: split_with(shuffled))
def always_the_same(names, seed):
    return np.random.default_rng(0).permutation(names)


@wrong("1.7", "not repeatable", lambda shuffled: split_with(shuffled))
def another_each_time(names, seed):
    return np.random.default_rng().permutation(names)


@wrong("1.7", "order of a set")
def as_a_set(groups, seed):
    names = np.random.default_rng(seed).permutation(list(set(groups)))
    return [np.flatnonzero(np.isin(groups, piece)) for piece in cut(names)]


@held_out("1.7", "crystals counted", lambda make: make())
def until_full():
    def split_by_group(groups, seed):
        parts = ([], [], [])
        for name in np.random.default_rng(seed).permutation(np.unique(groups)):
            share = sum(map(len, parts)) / len(groups)
            place = 0 if share < 0.7 else 1 if share < 0.8 else 2
            parts[place].extend(np.flatnonzero(np.isin(groups, name)).tolist())
        return [np.array(part, dtype=int) for part in parts]

    return split_by_group


@held_out("1.7", "groups apart")
def shuffled_crystals(groups, seed):
    order = np.arange(len(groups))
    np.random.default_rng(seed).shuffle(order)
    n = len(groups)
    return order[: round(0.7 * n)], order[round(0.7 * n) : round(0.8 * n)], order[round(0.8 * n) :]


# ---- 1.8 diagnose

RIGHT = {
    "A": "the last epoch is kept",
    "B": "prediction and target differ in shape",
    "C": "the learning rate grows",
    "D": "graphs are built in every epoch",
    "E": "known inputs are masked",
    "F": "validation and training share formulas",
    "G": "the normalizer is fitted on all crystals",
    "H": "validation runs in training mode",
    "I": "a batch of one crystal",
}


def diagnosed(changed: Callable[[], dict[str, str]]) -> Callable[[str], str]:
    """diagnose with some causes exchanged."""
    return (RIGHT | changed()).__getitem__


def exchanged(one: str, other: str) -> dict[str, str]:
    """Two patients with each other's cause."""
    return {one: RIGHT[other], other: RIGHT[one]}


@wrong("1.8", "not a cause of the list", diagnosed)
def own_words():
    return {"B": "a bug"}


@wrong("1.8", "rate too low", diagnosed)
def slow_learners():
    return {"B": "the learning rate is too low"}


@wrong("1.8", "B and E exchanged", diagnosed)
def flat_ones():
    return exchanged("B", "E")


@wrong("1.8", "C has the wrong unit", diagnosed)
def wrong_unit():
    return {"C": "the targets have the wrong unit"}


@wrong("1.8", "F keeps the last epoch", diagnosed)
def overfitted():
    return {"F": RIGHT["A"]}


@wrong("1.8", "A and H exchanged", diagnosed)
def last_and_mode():
    return exchanged("A", "H")


@wrong("1.8", "G shares formulas", diagnosed)
def leaky():
    return {"G": RIGHT["F"]}


@wrong("1.8", "I and D exchanged", diagnosed)
def slow_and_stopped():
    return exchanged("I", "D")


@held_out("1.8", "not a cause of the list", diagnosed)
def nothing_said():
    return {"E": None}


# ---- 1.9 mended_training


def training_with(
    split: Callable = lambda rows: rows[torch.randperm(len(rows))].tensor_split(5),
    rows_for_mean: Callable = lambda targets, train, val: targets[train],
    table: Callable = lambda inputs: inputs.nan_to_num(0),
    shape: Callable = lambda output: output.squeeze(1),
    rate: float = 0.01,
    again: bool = False,
    mode: bool = False,
    keep_best: bool = True,
    begin: Callable = torch.manual_seed,
    keep: Callable = copy.deepcopy,
    learn: Callable = lambda train, val, test: train,
    look: Callable = lambda train, val, test: val,
    unit: Callable = lambda output, mean, std: output * std + mean,
) -> Callable:
    """mended_training with one fault left in it."""

    def mended_training(describe, targets, train, val, test, seed):
        begin(seed)
        known = rows_for_mean(targets, train, val)
        mean, std = known.mean(), known.std()
        inputs = table(torch.stack([describe(row) for row in range(len(targets))]))
        network = nn.Sequential(
            nn.Linear(inputs.shape[1], 32), nn.BatchNorm1d(32), nn.Softplus(), nn.Linear(32, 1)
        )
        optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9)
        goal, curve, kept = (targets - mean) / std, [], None
        for _ in range(40):
            if again:
                inputs = torch.stack([describe(row) for row in range(len(targets))])
            network.train()
            for rows in split(learn(train, val, test)):
                loss = (shape(network(inputs[rows])) - goal[rows]).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            network.train(mode)
            with torch.no_grad():
                predicted = unit(network(inputs).squeeze(1), mean, std)
            curve.append((predicted - targets)[look(train, val, test)].abs().mean().item())
            if not keep_best or curve[-1] == min(curve):
                kept = keep(network.state_dict())
        if kept is not None:
            network.load_state_dict(kept)
        with torch.no_grad():
            return curve, unit(network(inputs).squeeze(1), mean, std)

    return mended_training


@wrong("1.9", "batch of one", lambda split: training_with(split=split))
def pieces_of_eight(rows):
    return rows[torch.randperm(len(rows))].split(8)


@wrong("1.9", "described in every epoch", lambda again: training_with(again=again()))
def every_epoch():
    return True


@wrong("1.9", "inputs masked", lambda table: training_with(table=table))
def known_to_zero(inputs):
    return torch.where(inputs.isfinite(), torch.zeros_like(inputs), inputs).nan_to_num(0)


@wrong("1.9", "unknown left in", lambda table: training_with(table=table))
def as_described(inputs):
    return inputs


@wrong("1.9", "hardly learned", lambda rate: training_with(rate=rate()))
def far_too_low():
    return 1e-5


@wrong("1.9", "normalized unit", lambda unit: training_with(unit=unit))
def network_s_own(output, mean, std):
    return output


@wrong("1.9", "test used", lambda learn: training_with(learn=learn))
def learn_all(train, val, test):
    return torch.cat([train, val, test])


@wrong("1.9", "curve of training", lambda look: training_with(look=look))
def look_at_train(train, val, test):
    return train


@wrong("1.9", "learns from validation", lambda learn: training_with(learn=learn))
def learn_more(train, val, test):
    return torch.cat([train, val])


@wrong("1.9", "curve and prediction differ", lambda look: training_with(look=look))
def look_at_both(train, val, test):
    return torch.cat([train, val])


@wrong("1.9", "shapes differ", lambda shape: training_with(shape=shape))
def one_column(output):
    return output


@wrong("1.9", "rate too high", lambda rate: training_with(rate=rate()))
def far_too_high():
    return 10


@wrong("1.9", "last epoch", lambda best: training_with(keep_best=best()))
def the_last():
    return False


@wrong("1.9", "training mode", lambda mode: training_with(mode=mode()))
def always_training():
    return True


@wrong("1.9", "normalizer of all", lambda rows: training_with(rows_for_mean=rows))
def all_targets(targets, train, val):
    return targets


@wrong("1.9", "not repeatable", lambda begin: training_with(begin=begin))
def never_seeded(seed):
    torch.seed()


@held_out("1.9", "batch of one", lambda split: training_with(split=split))
def loader(rows):
    return torch.utils.data.DataLoader(rows, batch_size=16, shuffle=True)


@held_out("1.9", "test used", lambda look: training_with(look=look))
def look_at_test(train, val, test):
    return test


@held_out("1.9", "learns from validation", lambda rows: training_with(rows_for_mean=rows))
def mean_of_both(targets, train, val):
    return targets[torch.cat([train, val])]


@held_out("1.9", "last epoch", lambda keep: training_with(keep=keep))
def no_copy(state):
    return state
