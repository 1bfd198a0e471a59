"""Whether a split depends on the order of a set of texts, which differs from process to process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

SEEDS = (5, 6)
GROUPS = [f"group {number}" for number in range(300)]
"""So many that some of them meet in the table of any set."""


def follows_a_set(split: Callable[[list[str], int], Sequence[Any]]) -> bool:
    """Whether groups are put into parts in the order of a set.

    That order depends on the texts, and where two of them meet on which came first. An order by the
    alphabet or by first appearance does not depend on the texts as long as the alphabet puts them
    in the same order; one by a fingerprint of the texts does not depend on which came first.

    Args:
        split: group of each row, seed -> rows of each part; whole groups.
    """

    def parts(groups: list[str], before: str = "") -> list[list[set[str]]]:
        texts = [before + group for group in groups]
        return [
            [{texts[row].removeprefix(before) for row in part} for part in split(texts, seed)]
            for seed in SEEDS
        ]

    first = parts(GROUPS)
    return first not in (parts(GROUPS[::-1]), parts(GROUPS, before="renamed "))
