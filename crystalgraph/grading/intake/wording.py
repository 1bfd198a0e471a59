"""Strangers' names and texts as they may stand in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_SHOWN = 80


def shown(text: str) -> str:
    """A stranger's text, quoted, short, on one line."""
    return repr(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "...")


def listed(names: Sequence[str], most: int) -> str:
    """The first few of some names; there may be thousands.

    Args:
        names: in order.
        most: that are named.
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
