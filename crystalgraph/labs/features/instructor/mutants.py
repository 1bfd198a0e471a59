"""Wrong answers to the tasks of the lab."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import torch

from crystalgraph.labs.features import bases, columns
from crystalgraph.labs.known_answers import Mutant, mutants_into

MUTANTS: list[Mutant] = []
HELD_OUT: list[Mutant] = []
wrong, held_out = mutants_into(MUTANTS), mutants_into(HELD_OUT)

# ---- 1.1


def _bins(values, low, high, n, *, of=np.floor, limit=lambda place, n: place.clip(0, n - 1)):
    """The right answer with its rounding or its open ends exchanged."""
    bits = np.zeros((len(values), n))
    for row, value in zip(bits, values, strict=True):
        if not np.isnan(value):
            place = limit(of((value - low) / (high - low) * n), n)
            if place is not None:
                row[int(place)] = 1
    return bits


@wrong("1.1", "closed ends")
def only_inside(values, low, high, n):
    edges = np.linspace(low, high, n + 1)
    return ((values[:, None] >= edges[:-1]) & (values[:, None] < edges[1:])).astype(float)


@wrong("1.1", "wrapped around")
def negative_index(values, low, high, n):
    return _bins(values, low, high, n, limit=lambda place, n: max(min(place, n - 1), -n))


@wrong("1.1", "missing counted")
def missing_in_the_first(values, low, high, n):
    return _bins(np.nan_to_num(values, nan=low), low, high, n)


@wrong("1.1", "rounded")
def nearest(values, low, high, n):
    return _bins(values, low, high, n, of=np.round)


@wrong("1.1", "lower bin")
def closed_above(values, low, high, n):
    return _bins(values, low, high, n, of=lambda place: np.ceil(place) - 1)


@wrong("1.1", "edges for bins")
def one_bin_less(values, low, high, n):
    place = np.nan_to_num(np.digitize(values, np.linspace(low, high, n)[1:]))
    return np.eye(n)[place] * ~np.isnan(values)[:, None]


@wrong("1.1", "low forgotten")
def counted_from_zero(values, low, high, n):
    return _bins(values, 0, high - low, n)


@wrong("1.1", "own ends")
def from_smallest_to_largest(values, low, high, n):
    return _bins(values, np.nanmin(values), np.nanmax(values), n)


@wrong("1.1", "missing kept")
def missing_stays_missing(values, low, high, n):
    bits = _bins(values, low, high, n)
    bits[np.isnan(values)] = np.nan
    return bits


@wrong("1.1", "cumulative")
def thermometer(values, low, high, n):
    bits = _bins(values, low, high, n)
    return np.cumsum(bits[:, ::-1], axis=1)[:, ::-1]


@held_out("1.1", "low forgotten")
def divided_only(values, low, high, n):
    known = ~np.isnan(values)
    place = (values[known] // ((high - low) / n)).clip(0, n - 1).astype(int)
    bits = np.zeros((len(values), n))
    bits[known, place] = 1
    return bits


@held_out("1.1", "closed ends")
def histogram_like(values, low, high, n):
    place = np.floor((values - low) / (high - low) * n)
    return (place[:, None] == np.arange(n)).astype(int)


@held_out("1.1", "missing counted")
def missing_as_low(values, low, high, n):
    return _bins(np.where(np.isnan(values), low - 1, values), low, high, n)


# ---- 1.2


def _decoded(bits, low, high, n, edges=None):
    """The right answer with other edges."""
    if edges is None:
        edges = np.linspace(low, high, n + 1)
        edges[0], edges[-1] = -np.inf, np.inf
    place = bits.argmax(axis=1)
    ends = np.stack([edges[place], edges[place + 1]], axis=1)
    ends[bits.sum(axis=1) == 0] = np.nan
    return ends


@wrong("1.2", "closed ends")
def with_ends(bits, low, high, n):
    return _decoded(bits, low, high, n, np.linspace(low, high, n + 1))


@wrong("1.2", "missing decoded")
def first_bin_for_zeros(bits, low, high, n):
    ends = _decoded(bits, low, high, n)
    ends[np.isnan(ends[:, 0])] = -np.inf, low + (high - low) / n
    return ends


@wrong("1.2", "shifted")
def one_too_high(bits, low, high, n):
    step = (high - low) / n
    edges = np.append(low + step * np.arange(1, n + 1), np.inf)
    edges[0] = -np.inf
    return _decoded(bits, low, high, n, edges)


@wrong("1.2", "bin below")
def one_too_low(bits, low, high, n):
    edges = low + (high - low) / n * np.arange(-1, n)
    edges[:2], edges = -np.inf, np.append(edges[:-1], np.inf)
    return _decoded(bits, low, high, n, edges)


@wrong("1.2", "low forgotten")
def edges_from_zero(bits, low, high, n):
    edges = (high - low) / n * np.arange(n + 1)
    edges[0], edges[-1] = -np.inf, np.inf
    return _decoded(bits, low, high, n, edges)


@wrong("1.2", "n edges")
def one_edge_less(bits, low, high, n):
    edges = np.linspace(low, high, n)
    edges[0], edges[-1] = -np.inf, np.inf
    return _decoded(bits, low, high, n, np.append(edges, np.inf))


@wrong("1.2", "signs of infinity")
def infinities_exchanged(bits, low, high, n):
    ends = _decoded(bits, low, high, n)
    return np.where(np.isinf(ends), -ends, ends)


@wrong("1.2", "edges for bins")
def fewer_parts(bits, low, high, n):
    edges = low + (high - low) / (n - 1) * np.arange(n + 1)
    edges[0], edges[-1] = -np.inf, np.inf
    return _decoded(bits, low, high, n, edges)


@wrong("1.2", "ends exchanged")
def upper_first(bits, low, high, n):
    return _decoded(bits, low, high, n)[:, ::-1]


@wrong("1.2", "middle")
def centers(bits, low, high, n):
    ends = _decoded(bits, low, high, n, np.linspace(low, high, n + 1))
    return np.repeat(ends.mean(axis=1, keepdims=True), 2, axis=1)


@held_out("1.2", "missing decoded")
def all_values_for_zeros(bits, low, high, n):
    ends = _decoded(bits, low, high, n)
    ends[~bits.any(axis=1)] = -np.inf, np.inf
    return ends


@held_out("1.2", "missing decoded")
def zeros_for_zeros(bits, low, high, n):
    return np.nan_to_num(_decoded(bits, low, high, n), nan=0, posinf=np.inf, neginf=-np.inf)


@held_out("1.2", "closed ends")
def row_by_row(bits, low, high, n):
    step, rows = (high - low) / n, []
    for row in bits:
        place = np.flatnonzero(row)
        rows.append([low + step * (place[0] + k) if len(place) else np.nan for k in (0, 1)])
    return rows


# ---- 1.3


def _full(name, code, properties):
    unknown = code if name in properties else name
    return f"unknown {unknown}: choose one of {[*properties, 'onehot', 'binned', 'scaled']}"


def _table(
    text,
    properties,
    *,
    order: Callable = list,
    known: bool = True,
    cut: int | None = None,
    message: Callable = _full,
    looked: bool = True,
):
    """The right answer with one part exchanged."""
    blocks, names = [], []
    for part in order(text.split("+")):
        name, _, code = part.strip().partition(":")
        code, _, number = code.rstrip(")").partition("(")
        if name not in properties or (looked and code not in ("onehot", "binned", "scaled")):
            if not known:
                continue
            raise ValueError(message(name, code, properties))
        encoder = getattr(columns, code)
        blocks.append(
            encoder(properties[name], cut or int(number)) if number else encoder(properties[name])
        )
        names += [name] * blocks[-1].shape[1]
    return np.concatenate(blocks, axis=1), names


@wrong("1.3", "sorted")
def in_alphabetical_order(text, properties):
    return _table(text, properties, order=sorted)


@wrong("1.3", "first part only")
def one_part(text, properties):
    return _table(text, properties, order=lambda parts: parts[:1])


@wrong("1.3", "last part only")
def overwritten(text, properties):
    *_, last = [_table(part, properties) for part in text.split("+")]
    return last


@wrong("1.3", "number ignored")
def always_ten(text, properties):
    return _table(text, properties, cut=10)


@wrong("1.3", "one name per part")
def a_name_per_part(text, properties):
    matrix, names = _table(text, properties)
    return matrix, list(dict.fromkeys(names))


@wrong("1.3", "encoder for property")
def named_after_the_encoder(text, properties):
    matrix, names = _table(text, properties)
    code = dict(part.strip().split(":") for part in text.split("+"))
    return matrix, [code[name] for name in names]


@wrong("1.3", "unknown skipped")
def silent(text, properties):
    return _table(text, properties, known=False)


@wrong("1.3", "word not named")
def says_something_is_wrong(text, properties):
    known = f"choose one of {[*properties, 'onehot', 'binned', 'scaled']}"
    return _table(text, properties, message=lambda *_: known)


@wrong("1.3", "known not listed")
def says_the_word(text, properties):
    return _table(text, properties, message=lambda name, code, _: f"{name}:{code} is unknown")


@wrong("1.3", "encoder not checked")
def any_encoder(text, properties):
    return _table(text, properties, looked=False)


@held_out("1.3", "encoder for property")
def named_after_the_part(text, properties):
    found = [(part.strip(), _table(part, properties)) for part in text.split("+")]
    names = [part for part, (block, _) in found for _ in range(block.shape[1])]
    return np.concatenate([block for _, (block, _) in found], axis=1), names


@held_out("1.3", "unknown skipped")
def only_what_is_known(text, properties):
    parts = [part.strip() for part in text.split("+")]
    fine = [part for part in parts if part.split(":")[0] in properties]
    fine = [part for part in fine if re.search(":(onehot|scaled|binned)(\\(|$)", part)]
    return _table("+".join(fine), properties)


# ---- 1.4


def _without(n, i):
    mask = np.ones(n, dtype=bool)
    mask[i] = False
    return mask


def _kept(error_of, n, *, alone=lambda n, i: ~_without(n, i), without=_without):
    full = error_of(np.ones(n, dtype=bool))
    left = np.array([error_of(without(n, i)) for i in range(n)])
    return left - full, np.array([error_of(alone(n, i)) for i in range(n)])


@wrong("1.4", "masks exchanged")
def the_other_way_round(error_of, n):
    return _kept(error_of, n, alone=_without, without=lambda n, i: ~_without(n, i))


@wrong("1.4", "sign")
def negative(error_of, n):
    increase, alone = _kept(error_of, n)
    return -increase, alone


@wrong("1.4", "not subtracted")
def errors_themselves(error_of, n):
    increase, alone = _kept(error_of, n)
    return increase + error_of(np.ones(n, dtype=bool)), alone


@wrong("1.4", "not restored")
def one_mask(error_of, n):
    mask = np.ones(n, dtype=bool)
    full, left = error_of(mask), []
    for i in range(n):
        mask[i] = False
        left.append(error_of(mask) - full)
    return np.array(left), _kept(error_of, n)[1]


@wrong("1.4", "results exchanged")
def alone_first(error_of, n):
    increase, alone = _kept(error_of, n)
    return alone, increase


@wrong("1.4", "adds up")
def one_more_each_time(error_of, n):
    return _kept(error_of, n, alone=lambda n, i: np.arange(n) <= i)


@wrong("1.4", "alone subtracted")
def both_from_all(error_of, n):
    increase, alone = _kept(error_of, n)
    return increase, alone - error_of(np.ones(n, dtype=bool))


@wrong("1.4", "in percent")
def share(error_of, n):
    increase, alone = _kept(error_of, n)
    return increase / error_of(np.ones(n, dtype=bool)), alone


@wrong("1.4", "compared with none")
def from_nothing(error_of, n):
    none = error_of(np.zeros(n, dtype=bool))
    return np.array([error_of(_without(n, i)) - none for i in range(n)]), _kept(error_of, n)[1]


@held_out("1.4", "sign")
def gain(error_of, n):
    full = error_of([True] * n)
    out = [full - error_of([j != i for j in range(n)]) for i in range(n)]
    return out, [error_of([j == i for j in range(n)]) for i in range(n)]


# ---- 1.5


def _right(distance, kind, cutoff, n):
    return bases.KINDS[kind](distance, cutoff, n)


def _only(kind_of_mistake):
    """An answer with a mistake in one kind, the others right."""

    def wrap(mistaken):
        def bond_basis(distance, kind, cutoff, n):
            if kind == kind_of_mistake:
                return mistaken(distance, cutoff, n)
            return _right(distance, kind, cutoff, n)

        return bond_basis

    return wrap


def _numbers(distance, cutoff, n):
    """Distances as a column, the length of a bin, and 0 ... n - 1."""
    return distance[:, None], cutoff / n, torch.arange(n, dtype=distance.dtype)


@wrong("1.5", "last bin open", _only("bins"))
def clamped(distance, cutoff, n):
    place = (distance / cutoff * n).long().clamp(0, n - 1)
    return torch.nn.functional.one_hot(place, n).to(distance.dtype)


@wrong("1.5", "centers at edges", _only("gaussians"))
def at_edges(distance, cutoff, n):
    d, step, k = _numbers(distance, cutoff, n)
    return torch.exp(-(((d - k * step) / step) ** 2))


@wrong("1.5", "not squared", _only("gaussians"))
def cusps(distance, cutoff, n):
    d, step, k = _numbers(distance, cutoff, n)
    return torch.exp(-((d - (k + 0.5) * step) / step).abs())


@wrong("1.5", "factor of two", _only("gaussians"))
def normal_distribution(distance, cutoff, n):
    d, step, k = _numbers(distance, cutoff, n)
    return torch.exp(-(((d - (k + 0.5) * step) / step) ** 2) / 2)


@wrong("1.5", "cut off", _only("gaussians"))
def cut_gaussians(distance, cutoff, n):
    return bases.gaussians(distance, cutoff, n) * (distance < cutoff)[:, None]


@wrong("1.5", "sign of the exponent", _only("gaussians"))
def minus_squared(distance, cutoff, n):
    d, step, k = _numbers(distance, cutoff, n)
    return torch.exp((-(d - (k + 0.5) * step) / step) ** 2)


@wrong("1.5", "width not squared", _only("gaussians"))
def squared_too_early(distance, cutoff, n):
    d, step, k = _numbers(distance, cutoff, n)
    return torch.exp(-((d - (k + 0.5) * step) ** 2) / step)


@wrong("1.5", "cutoff ignored")
def always_eight(distance, kind, cutoff, n):
    return _right(distance, kind, 8.0, n)


@wrong("1.5", "rounded", _only("bins"))
def nearest_edge(distance, cutoff, n):
    d, step, k = _numbers(distance, cutoff, n)
    return (torch.round(d / step) == k).to(distance.dtype)


@wrong("1.5", "root forgotten", _only("waves"))
def two_over_cutoff(distance, cutoff, n):
    return _waves(distance, cutoff, n) * math.sqrt(2 / cutoff)


@wrong("1.5", "fades in", _only("waves"))
def factor_turned_around(distance, cutoff, n):
    d = distance[:, None]
    rows = _waves(distance, cutoff, n, faded=False)
    return rows * (1 - torch.cos(math.pi * d / cutoff)) / 2


@wrong("1.5", "width one", _only("gaussians"))
def one_angstrom(distance, cutoff, n):
    d, step, k = _numbers(distance, cutoff, n)
    return torch.exp(-((d - (k + 0.5) * step) ** 2))


def _waves(distance, cutoff, n, *, first=1, root=True, divided=True, faded=True, stop=True):
    """The right waves with one part left out."""
    d = distance[:, None]
    k = torch.arange(first, n + first, dtype=distance.dtype)
    rows = torch.sin(k * math.pi * d / cutoff) * (math.sqrt(2 / cutoff) if root else 1)
    rows = rows / d if divided else rows
    rows = rows * (1 + torch.cos(math.pi * d / cutoff)) / 2 if faded else rows
    return torch.where(d < cutoff, rows, 0) if stop else rows


@wrong("1.5", "wave zero", _only("waves"))
def from_zero(distance, cutoff, n):
    return _waves(distance, cutoff, n, first=0)


@wrong("1.5", "not divided", _only("waves"))
def sines(distance, cutoff, n):
    return _waves(distance, cutoff, n, divided=False)


@wrong("1.5", "no root", _only("waves"))
def without_the_root(distance, cutoff, n):
    return _waves(distance, cutoff, n, root=False)


@wrong("1.5", "hard cutoff", _only("waves"))
def not_faded(distance, cutoff, n):
    return _waves(distance, cutoff, n, faded=False)


@wrong("1.5", "comes back", _only("waves"))
def everywhere(distance, cutoff, n):
    return _waves(distance, cutoff, n, stop=False)


@wrong("1.5", "one kind")
def always_bins(distance, kind, cutoff, n):
    return bases.one_hot_bins(distance, cutoff, n)


@held_out("1.5", "hard cutoff")
def masked(distance, kind, cutoff, n):
    if kind != "waves":
        return _right(distance, kind, cutoff, n)
    columns = [torch.sin(k * math.pi * distance / cutoff) / distance for k in range(1, n + 1)]
    rows = (2 / cutoff) ** 0.5 * torch.stack(columns, dim=1)
    return rows * (distance < cutoff)[:, None]


# ---- 1.6


def _largest(basis, low, high, n, of=lambda rows: rows):
    """The largest step of a basis on an even grid."""
    rows = of(basis(torch.linspace(low, high, n, dtype=torch.float64)))
    return rows.diff(dim=0).abs().max()


@wrong("1.6", "always smooth")
def yes(basis, low, high):
    return True


@wrong("1.6", "always stepped")
def no(basis, low, high):
    return False


@held_out("1.6", "always smooth")
def mean_of_the_steps(basis, low, high):
    grids = [torch.linspace(low, high, n, dtype=torch.float64) for n in (2000, 16000)]
    coarse, fine = (basis(grid).diff(dim=0).abs().mean() for grid in grids)
    return bool(fine < coarse / 4)


@held_out("1.6", "always stepped")
def points_in_no_order(basis, low, high):
    random = torch.Generator().manual_seed(0)
    grids = [low + (high - low) * torch.rand(n, generator=random) for n in (2000, 16000)]
    coarse, fine = (basis(grid).diff(dim=0).abs().max() for grid in grids)
    return bool(fine < coarse / 4)


@wrong("1.6", "turned around")
def true_for_jumps(basis, low, high):
    return bool(_largest(basis, low, high, 16000) > _largest(basis, low, high, 2000) / 4)


@wrong("1.6", "up only")
def without_abs(basis, low, high):
    grids = [torch.linspace(low, high, n, dtype=torch.float64) for n in (2000, 16000)]
    coarse, fine = (basis(grid).diff(dim=0).max() for grid in grids)
    return bool(fine < coarse / 4)


@held_out("1.6", "fixed limit")
def below_another_limit(basis, low, high):
    return bool(_largest(basis, low, high, 20001) < 0.01)


@held_out("1.6", "sum of columns")
def added_up_strictly(basis, low, high):
    grids = [torch.linspace(low, high, n, dtype=torch.float64) for n in (2000, 16000)]
    coarse, fine = (basis(grid).sum(dim=1).diff().abs().max() for grid in grids)
    return bool(fine < coarse / 4)


@wrong("1.6", "fixed limit")
def below_a_limit(basis, low, high):
    return bool(_largest(basis, low, high, 2001) < 0.05)


@wrong("1.6", "coarse grid")
def few_points(basis, low, high):
    return bool(_largest(basis, low, high, 41) < 0.7 * _largest(basis, low, high, 21))


@wrong("1.6", "first column")
def one_column(basis, low, high):
    fine, coarse = (_largest(basis, low, high, n, lambda rows: rows[:, :1]) for n in (8001, 1001))
    return bool(fine < 0.5 * coarse)


@wrong("1.6", "sum of columns")
def added_up(basis, low, high):
    fine, coarse = (
        _largest(basis, low, high, n, lambda rows: rows.sum(1, keepdim=True)) for n in (8001, 1001)
    )
    return bool(fine < 0.5 * coarse + 1e-9)


@wrong("1.6", "flat is stepped")
def looks_for_flat_parts(basis, low, high):
    rows = basis(torch.linspace(low, high, 8001, dtype=torch.float64))
    return bool((rows.diff(dim=0) == 0).all(dim=1).double().mean() < 0.5)


@held_out("1.6", "always smooth")
def forgotten(basis, low, high):
    basis(torch.tensor([low, high]))
    return 1 < 2
