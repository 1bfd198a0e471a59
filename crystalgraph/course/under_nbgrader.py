"""Notebooks while nbgrader grades them: nothing trains, and nothing takes longer than it must."""

from __future__ import annotations

import gc
import sys


def save_seconds() -> None:
    """Leave out what takes seconds in every notebook and does nothing for its grade.

    The seconds were measured on one core with IPython 9, plotly 7 and jsonschema 4.
    """
    from IPython.extensions import autoreload

    # 1 s or more of imports: they make many objects, and none of them is garbage.
    gc.set_threshold(100_000, 50, 50)
    # 0.03 s a cell, 1 s a notebook: autoreload asks for the age of thousands of files that stay.
    autoreload.ModuleReloader.check = lambda *_, **__: None
    # 2 s: plotly imports nbformat, which imports jsonschema, which with this package compiles 39
    # grammars of internet addresses; without it jsonschema does not look at addresses.
    sys.modules.setdefault("rfc3987_syntax", None)  # pyright: ignore[reportArgumentType]
