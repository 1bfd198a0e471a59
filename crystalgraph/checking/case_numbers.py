"""Where the numbers of cases come from: chosen by hand, or drawn.

A case maker is one function for the cases that students have, for the instructor's hidden ones and
for those that are drawn for one student. Only the source of the numbers differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

T = TypeVar("T")
MAX_TRIES = 10_000


@dataclass(frozen=True)
class CaseNumbers:
    """The numbers that a case maker works with.

    Each method is given the value `by_hand` of the cases that students have, which can be followed
    on paper and which the texts of a check speak of. All other cases get a drawn value of the same
    kind and shape. What needs no value by hand is drawn with `rng`.

    Attributes:
        rng: draws.
        by_hand: whether the values by hand are taken.
    """

    rng: np.random.Generator
    by_hand: bool = False

    @classmethod
    def of(cls, purpose: str, seed: str, by_hand: bool = False) -> CaseNumbers:
        """The numbers of one task and one seed; the same two texts give the same numbers."""
        digest = hashlib.sha256(f"{purpose}\n{seed}".encode()).digest()
        return cls(np.random.default_rng(int.from_bytes(digest, "big")), by_hand)

    def choose(self, by_hand: T, draw: Callable[[], T]) -> T:
        """The value by hand, or what `draw` gives."""
        return by_hand if self.by_hand else draw()

    def number(self, low: float, high: float, by_hand: float) -> float:
        """A number from low to high."""
        return self.choose(by_hand, lambda: float(self.rng.uniform(low, high)))

    def array(self, low: ArrayLike, high: ArrayLike, by_hand: ArrayLike) -> np.ndarray:
        """Numbers from low to high (bounds of all, or one of each), shaped like those by hand."""
        known, lowest, highest = (np.array(value, dtype=float) for value in (by_hand, low, high))
        return self.choose(known, lambda: self.rng.uniform(lowest, highest, known.shape))

    def whole(self, low: int, high: int, by_hand: int) -> int:
        """A whole number from low to high - 1."""
        return self.choose(by_hand, lambda: int(self.rng.integers(low, high)))

    def distinct(self, low: int, high: int, by_hand: Sequence[int]) -> list[int]:
        """Different whole numbers from low to high - 1, as many as by hand."""
        return [int(number) for number in self.pick(range(low, high), by_hand)]

    def pick(self, choices: Sequence[T], by_hand: Sequence[T]) -> list[T]:
        """Different ones of the choices, as many as by hand."""

        def draw() -> list[T]:
            places = self.rng.permutation(len(choices))[: len(by_hand)]
            return [choices[int(place)] for place in places]

        return self.choose(list(by_hand), draw)

    def until(self, make: Callable[[], T], fits: Callable[[T], bool]) -> T:
        """The first of many tries that fits.

        Raises:
            RuntimeError: none did.
        """
        for _ in range(MAX_TRIES):
            made = make()
            if fits(made):
                return made
        raise RuntimeError(f"None of {MAX_TRIES} tries gave numbers that fit.")
