"""Strangers' names and texts as they may stand in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_SHOWN = 80
FORMULA = tuple("=+-@\t\r")
"""What makes a spreadsheet compute a cell that begins with it."""


def readable(text: str) -> str:
    """A stranger's text without characters that act or cannot be written.

    Half characters stop a file from being written, ESC sets the terminal, others reverse the line.
    Ends of lines and tabs stay.
    """
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def table_cell(text: str) -> str:
    """A text for a table: where a spreadsheet would compute it, a quote comes before it."""
    return f"'{text}" if text.startswith(FORMULA) else text


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
