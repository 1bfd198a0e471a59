"""Encoders: one property of an element as numbers, and back to words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crystalgraph.errors import CrystalGraphError


@dataclass(frozen=True)
class OneHot:
    """One number per category, 1 for the element's own and 0 for the others.

    Attributes:
        categories: the values that can occur, in the order of the numbers.
    """

    categories: tuple

    def __post_init__(self) -> None:
        object.__setattr__(self, "categories", tuple(self.categories))

    @property
    def size(self) -> int:
        """How many numbers one value becomes."""
        return len(self.categories)

    def fitted(self, values: Sequence) -> OneHot:
        """Return itself: nothing is learned from the elements' values."""
        return self

    def encode(self, value: object) -> np.ndarray:
        """Encode one value.

        Args:
            value: a category, or None where there is no value.

        Returns:
            (size,) zeros and one 1; all zeros for None.

        Raises:
            CrystalGraphError: the value is not one of the categories.
        """
        bits = np.zeros(self.size)
        if value is not None:
            if value not in self.categories:
                raise CrystalGraphError(
                    f"The value {value!r} is not among the {self.size} categories of this one-hot "
                    "encoder: add it to its categories."
                )
            bits[self.categories.index(value)] = 1.0
        return bits

    def describe(self, numbers: np.ndarray, unit: str = "", decimals: int = 0) -> str:
        """Say in words what encoded numbers mean.

        Args:
            numbers: (size,) encoded value.
            unit: text put behind the value.
            decimals: unused, so that all encoders are called alike.

        Returns:
            The category, "unknown" for zeros, or what is wrong with the numbers.
        """
        return _describe_bits(numbers, [f"{category}{unit}" for category in self.categories])


@dataclass(frozen=True)
class Binned:
    """One number per bin of an interval cut into equal parts, 1 for the bin the value falls into.

    bin = floor((v - low) / (high - low) * n), clipped to 0 ... n-1, where v is the value or, with
    log=True, its natural logarithm (low and high are then logarithms too).

    Attributes:
        low: lower end of the first bin.
        high: upper end of the last bin.
        n: number of bins.
        log: cut the logarithm of the value instead of the value.
    """

    low: float
    high: float
    n: int
    log: bool = False

    def __post_init__(self) -> None:
        if self.n < 1 or not self.low < self.high:
            raise CrystalGraphError(
                f"Binned(low={self.low}, high={self.high}, n={self.n}) has no bins: "
                "give low < high and at least one bin."
            )

    @property
    def size(self) -> int:
        """How many numbers one value becomes."""
        return self.n

    def fitted(self, values: Sequence) -> Binned:
        """Return itself: nothing is learned from the elements' values."""
        return self

    def encode(self, value: float | None) -> np.ndarray:
        """Encode one value.

        Args:
            value: a number in the property's unit, or None where there is no value.

        Returns:
            (size,) zeros and one 1; all zeros for None.

        Raises:
            CrystalGraphError: the logarithm of a value that has none.
        """
        bits = np.zeros(self.n)
        if value is not None:
            # Divide first: values that sit on an edge then round as in the published table.
            position = (_transform(value, self.log) - self.low) / (self.high - self.low)
            bits[min(max(math.floor(position * self.n), 0), self.n - 1)] = 1.0
        return bits

    def edges(self) -> np.ndarray:
        """Give the limits between bins in the property's own unit.

        Returns:
            (n + 1,) from the lower end of the first bin to the upper end of the last.
        """
        edges = np.linspace(self.low, self.high, self.n + 1)
        return np.exp(edges) if self.log else edges

    def describe(self, numbers: np.ndarray, unit: str = "", decimals: int = 2) -> str:
        """Say in words what encoded numbers mean.

        Args:
            numbers: (size,) encoded value.
            unit: text put behind the interval.
            decimals: digits shown after the point.

        Returns:
            The bin's limits, "unknown" for zeros, or what is wrong with the numbers.
        """
        edges = [f"{edge:.{decimals}f}" for edge in self.edges()]
        joined = " to " if edges[0].startswith("-") else "-"  # a minus sign is no dash
        names = [f"{low}{joined}{high}{unit}" for low, high in zip(edges, edges[1:], strict=False)]
        return _describe_bits(numbers, names)


@dataclass(frozen=True)
class Scaled:
    """One number: how many standard deviations a value lies above the mean over the elements.

    A missing value becomes 0, the mean; AtomFeatures.missing says for which elements.

    Attributes:
        log: scale the logarithm of the value instead of the value.
        order: names turned into 0, 1, 2 ... first, for a property that is a word (the block).
        mean: mean over the elements; None until fitted.
        deviation: population standard deviation over the elements; None until fitted.
    """

    log: bool = False
    order: tuple = ()
    mean: float | None = None
    deviation: float | None = None

    size = 1

    def fitted(self, values: Sequence) -> Scaled:
        """Learn mean and deviation, unless both were given.

        Args:
            values: one per element, None where there is no value.

        Returns:
            A fitted copy.

        Raises:
            CrystalGraphError: fewer than two different values.
        """
        if self.mean is not None and self.deviation is not None:
            return self
        numbers = [self._number(value) for value in values if value is not None]
        if len(set(numbers)) < 2:
            raise CrystalGraphError(
                "Scaled needs a property with at least two different values: "
                "use OneHot or leave the property out."
            )
        return replace(self, mean=float(np.mean(numbers)), deviation=float(np.std(numbers)))

    def encode(self, value: float | str | None) -> np.ndarray:
        """Encode one value (after fitting).

        Args:
            value: a number in the property's unit, a name from `order`, or None without one.

        Returns:
            (1,) the z-score; 0 for None.
        """
        if value is None:
            return np.zeros(1)
        mean, deviation = self._scale()
        return np.array([(self._number(value) - mean) / deviation])

    def describe(self, numbers: np.ndarray, unit: str = "", decimals: int = 2) -> str:
        """Say in words what an encoded number means.

        Args:
            numbers: (1,) z-score.
            unit: text put behind the value.
            decimals: digits shown after the point.

        Returns:
            The value in its own unit; an exact 0 is called "unknown or average".
        """
        number = float(numbers[0])
        if number == 0.0:
            return "unknown or average"
        mean, deviation = self._scale()
        value = number * deviation + mean
        if self.order:
            return f"{self.order[min(max(round(value), 0), len(self.order) - 1)]}{unit}"
        return f"{math.exp(value) if self.log else value:.{decimals}f}{unit}"

    def _scale(self) -> tuple[float, float]:
        """Mean and deviation."""
        if self.mean is None or self.deviation is None:
            raise CrystalGraphError("This Scaled encoder knows no values yet: call fitted first.")
        return self.mean, self.deviation

    def _number(self, value: Any) -> float:
        """Turn a raw value into the number that is scaled."""
        if not self.order:
            return _transform(value, self.log)
        if value not in self.order:
            raise CrystalGraphError(
                f"The value {value!r} is not in the order {self.order} of this scaled encoder: "
                "add it there."
            )
        return float(self.order.index(value))


Encoder = OneHot | Binned | Scaled


def _transform(value: float, log: bool) -> float:
    """Give the value or its natural logarithm."""
    if log and not value > 0:
        raise CrystalGraphError(
            f"The value {value} has no logarithm: use an encoder with log=False for this property."
        )
    return math.log(value) if log else float(value)


def _describe_bits(numbers: np.ndarray, names: Sequence[str]) -> str:
    """Name the one bit that is set, or say why there is no such bit."""
    rounded = np.round(numbers, 6)
    if not np.isin(rounded, (0.0, 1.0)).all():
        return "not zeros and ones"
    chosen = [name for name, bit in zip(names, rounded, strict=True) if bit]
    return " and ".join(chosen) + (" at once" if len(chosen) > 1 else "") if chosen else "unknown"
