"""Right answers in other styles than the solutions."""

from __future__ import annotations

import math

import numpy as np
import torch

from crystalgraph.labs.features.columns import binned, onehot, scaled
from crystalgraph.labs.known_answers import RightAnswer, right_answers_into

RIGHT_ANSWERS: list[RightAnswer] = []
right = right_answers_into(RIGHT_ANSWERS)


@right("1.1", "comparisons with open edges")
def by_comparison(values, low, high, n):
    edges = np.linspace(low, high, n + 1)
    edges[0], edges[-1] = -np.inf, np.inf
    column = np.asarray(values)[:, None]
    return (column >= edges[:-1]) & (column < edges[1:])


@right("1.1", "digitize and the identity matrix")
def by_digitize(values, low, high, n):
    inner = np.linspace(low, high, n + 1)[1:-1]
    place = np.digitize(values, inner)
    place[np.isnan(values)] = n
    return np.eye(n + 1)[place][:, :n]


@right("1.1", "value by value, in lists")
def by_loop(values, low, high, n):
    rows = []
    for value in values:
        row = [0] * n
        if value == value:
            row[max(0, min(n - 1, math.floor((value - low) * n / (high - low))))] = 1
        rows.append(row)
    return rows


@right("1.2", "row by row")
def decode_rows(bits, low, high, n):
    step, out = (high - low) / n, []
    for row in bits:
        if not row.any():
            out.append((math.nan, math.nan))
            continue
        place = list(row).index(1)
        lower = -math.inf if place == 0 else low + place * step
        out.append((lower, math.inf if place == n - 1 else low + (place + 1) * step))
    return out


@right("1.2", "a table of intervals with a row for zeros")
def decode_by_table(bits, low, high, n):
    inner = np.linspace(low, high, n + 1)[1:-1]
    lower, upper = np.r_[-np.inf, inner, np.nan], np.r_[inner, np.inf, np.nan]
    place = np.where(bits.sum(1) > 0, bits @ np.arange(n), n).astype(int)
    return np.column_stack([lower[place], upper[place]])


@right("1.3", "a dictionary of encoders")
def table_by_dictionary(text, properties):
    encoders = {"onehot": onehot, "binned": binned, "scaled": scaled}
    rows, names = [], []
    for part in text.split(" + "):
        name, code = part.split(":")
        word, _, number = code.rstrip(")").partition("(")
        for asked, known in ((name, properties), (word, encoders)):
            if asked not in known:
                raise ValueError(f"There is no {asked}; known: {', '.join(known)}.")
        block = encoders[word](properties[name], *([int(number)] if number else []))
        rows.extend(block.T)
        names.extend([name] * len(block.T))
    return np.array(rows).T, tuple(names)


@right("1.3", "looked up, and the KeyError explained")
def table_by_key_error(text, properties):
    known = {"onehot": onehot, "binned": binned, "scaled": scaled}
    matrix, names = None, []
    for part in text.replace(" ", "").split("+"):
        name, code = part.split(":")
        number = [int(n) for n in code[code.find("(") + 1 : -1].split(",")] if "(" in code else []
        try:
            block = known[code.split("(")[0]](properties[name], *number)
        except KeyError as error:
            words = f"{sorted(known)} and {sorted(properties)}"
            raise ValueError(f"unknown word {error} in {part}, choose from {words}") from error
        matrix = block if matrix is None else np.hstack((matrix, block))
        names = names + [name for _ in range(block.shape[1])]
    return matrix, names


@right("1.4", "lists of masks")
def keep_by_lists(error_of, n):
    everything = error_of([True] * n)
    increase = [error_of([j != i for j in range(n)]) - everything for i in range(n)]
    return increase, [error_of([j == i for j in range(n)]) for i in range(n)]


@right("1.4", "rows of the identity matrix")
def keep_by_identity(error_of, n):
    rows = np.eye(n)
    alone = np.array([error_of(row) for row in rows])
    return np.array([error_of(1 - row) for row in rows]) - error_of(np.ones(n)), alone


@right("1.4", "one table with two rows")
def keep_in_one_table(error_of, n):
    everything = error_of(np.ones(n, dtype=bool))
    masks = np.eye(n, dtype=bool)
    return np.array([(error_of(~one) - everything, error_of(one)) for one in masks]).T


@right("1.5", "column by column")
def basis_by_columns(distance, kind, cutoff, n):
    step, found = cutoff / n, []
    for k in range(n):
        if kind == "bins":
            inside = (distance >= k * step) & (distance < (k + 1) * step)
            found.append(torch.where(inside, 1.0, 0.0))
        elif kind == "gaussians":
            found.append(torch.exp(-((distance / step - k - 0.5) ** 2)))
        else:
            x = math.pi * distance / cutoff
            wave = (2 / cutoff) ** 0.5 * torch.sin((k + 1) * x) / distance
            found.append(wave * torch.cos(x / 2) ** 2 * (distance <= cutoff))
    return torch.stack(found, 1)


@right("1.5", "bucketize, and a mask as a factor")
def basis_by_bucketize(distance, kind, cutoff, n):
    d = distance.unsqueeze(1)
    if kind == "bins":
        edges = torch.arange(1, n + 1, dtype=distance.dtype) * (cutoff / n)
        place = torch.bucketize(distance, edges, right=True)
        return torch.nn.functional.one_hot(place, n + 1)[:, :n]
    if kind == "gaussians":
        middle = torch.linspace(cutoff / n / 2, cutoff - cutoff / n / 2, n, dtype=distance.dtype)
        return (-((d - middle) ** 2) / (cutoff / n) ** 2).exp()
    k = torch.linspace(1, n, n, dtype=distance.dtype)
    fading = torch.where(d < cutoff, 0.5 * torch.cos(math.pi * d / cutoff) + 0.5, 0.0)
    return fading * math.sqrt(2 / cutoff) * torch.sin(math.pi * k * d / cutoff) / d


@right("1.6", "two numpy grids")
def smooth_by_two_grids(basis, low, high):
    steps = []
    for n in (2000, 16000):
        rows = np.asarray(basis(np.linspace(low, high, n)))
        steps.append(np.abs(np.diff(rows, axis=0)).max())
    return steps[1] < steps[0] / 3


@right("1.6", "the largest step is looked into, again and again")
def smooth_by_zooming(basis, low, high):
    found = []
    for _ in range(6):
        grid = torch.linspace(low, high, 4001, dtype=torch.float64)
        steps = basis(grid).diff(dim=0).abs().amax(dim=1)
        found.append(steps.max())
        place = int(steps.argmax())
        low, high = float(grid[place]), float(grid[place + 1])
    return bool(found[-1] < 0.01 * found[0])


@right("1.6", "grid halved four times")
def smooth_by_halving(basis, low, high):
    found = []
    for power in range(4):
        rows = basis(torch.linspace(low, high, 1 + 2000 * 2**power, dtype=torch.float64))
        found.append(float((rows[1:] - rows[:-1]).abs().max()))
    return found[-1] < found[0] / 2
