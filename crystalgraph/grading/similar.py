"""Hand-ins that are nearly the same: something to look at, not a verdict."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """Two hand-ins that are nearly the same.

    Attributes:
        first: a student's id.
        second: another's, later in the alphabet.
        likeness: of what they wrote, from 0 to 1.
        tasks: those that they wrote alike.
    """

    first: str
    second: str
    likeness: float
    tasks: tuple[str, ...]
