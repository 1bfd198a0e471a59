"""What is known of the elements, which share a vector, and what a network learned of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from crystalgraph.crystals.elements import load_elements
from crystalgraph.crystals.features import AtomFeatures, TableFeatures, published_features
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.features.study import Data, Trained

BLOCKS = "spdf"
PROPERTIES = tuple(name for name, _ in published_features().columns)
"""The nine of the published table."""


def properties() -> dict[str, np.ndarray]:
    """Raw values of the elements 1 to 100.

    Returns:
        Property -> (100,), NaN where no value is known; block as 0, 1, 2, 3 for s, p, d, f.
    """
    found = {}
    for name in PROPERTIES:
        values = [getattr(element, name) for element in load_elements().values()]
        if name == "block":
            values = [BLOCKS.index(value) for value in values]
        found[name] = np.array([np.nan if value is None else value for value in values], float)
    return found


def as_features(table: np.ndarray, name: str = "my table") -> AtomFeatures:
    """A table (100, K) of numbers of the elements 1 to 100 as atom features."""
    return TableFeatures(dict(enumerate(np.asarray(table, dtype=float), start=1)), name)


def published_with(symbol: str, name: str, value: float | None) -> AtomFeatures:
    """The published table with one value exchanged.

    Args:
        symbol: of the element.
        name: of the property.
        value: in its place, in the property's unit; None for a missing one.

    Raises:
        CrystalGraphError: there is no such element or property.
    """
    table = dict(load_elements())
    numbers = {element.symbol: z for z, element in table.items()}
    if symbol not in numbers:
        raise CrystalGraphError(f"There is no element {symbol!r}: write a symbol such as O.")
    if name not in PROPERTIES:
        known = ", ".join(PROPERTIES)
        raise CrystalGraphError(f"There is no property {name!r}: choose one of {known}.")
    number = numbers[symbol]
    changed: dict[str, Any] = {name: value}
    table[number] = replace(table[number], **changed)
    return AtomFeatures(published_features().columns, table, f"{symbol} changed")


def shared(features: AtomFeatures) -> list[str]:
    """Elements that a network cannot tell apart, "La = Ce", because their vectors are equal."""
    groups: dict[bytes, list[str]] = {}
    for number, element in load_elements().items():
        groups.setdefault(features.vector(number).tobytes(), []).append(element.symbol)
    return [" = ".join(symbols) for symbols in groups.values() if len(symbols) > 1]


def learned_vectors(trained: Trained, data: Data) -> dict[str, np.ndarray]:
    """What the first layer makes of each element.

    Args:
        trained: on these data.
        data: whose training crystals say which elements were seen.

    Returns:
        Symbol -> (F,).
    """
    layer = trained.network.embedding
    seen = [data.graphs[row].atomic_numbers for row in data.train]
    numbers = sorted(set(np.concatenate(seen).tolist()))
    vectors = trained.inputs.atoms.matrix(numbers) @ layer.weight.detach().numpy().T
    symbols = [load_elements()[number].symbol for number in numbers]
    return dict(zip(symbols, vectors, strict=True))


def two_dimensions(vectors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The two directions in which vectors differ most: symbol -> (2,)."""
    rows = np.stack(list(vectors.values()))
    centered = rows - rows.mean(axis=0)
    _, _, directions = np.linalg.svd(centered, full_matrices=False)
    return dict(zip(vectors, centered @ directions[:2].T, strict=True))


def nearest_of_own_group(vectors: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """How often an element's nearest one is of its own group, and how often chance would find one.

    Args:
        vectors: symbol -> (F,). Elements that are alone in their group do not count.
    """
    group = {e.symbol: e.group for e in load_elements().values()}
    symbols, rows = list(vectors), np.stack(list(vectors.values()))
    of = np.array([group[symbol] for symbol in symbols])
    same = (of[:, None] == of) & ~np.eye(len(of), dtype=bool)
    apart = np.linalg.norm(rows[:, None] - rows, axis=2)
    np.fill_diagonal(apart, np.inf)
    counted = same.any(axis=1)
    hit = same[np.arange(len(of)), apart.argmin(axis=1)]
    chance = same.sum(axis=1) / (len(of) - 1)
    return float(hit[counted].mean()), float(chance[counted].mean())
