"""Notebooks while nbgrader grades them: nothing trains, and nothing takes longer than it must."""

from __future__ import annotations

import gc
import os
import sys


def autograding() -> bool:
    """Whether nbgrader is grading this notebook; then nothing trains."""
    return os.environ.get("NBGRADER_EXECUTION") == "autograde"


def make_haste() -> None:
    """Leave out what takes seconds in every notebook and does nothing for its grade."""
    from IPython.extensions import autoreload

    gc.set_threshold(100_000, 50, 50)  # imports make many objects, and none of them is garbage
    # Before each cell it asks for the age of some four thousand files; none changes here.
    autoreload.ModuleReloader.check = lambda *_, **__: None
    # plotly imports nbformat, which imports jsonschema, which with this package compiles 39
    # grammars of internet addresses; without it jsonschema does not look at addresses.
    sys.modules.setdefault("rfc3987_syntax", None)
