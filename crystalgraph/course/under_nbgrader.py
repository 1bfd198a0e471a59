"""Notebooks while nbgrader grades them: nothing trains, and nothing takes longer than it must."""

from __future__ import annotations

import gc

from crystalgraph.checking.slow_imports import leave_out_grammars


def save_seconds() -> None:
    """Leave out what takes seconds in every notebook and does nothing for its grade.

    The seconds were measured on one core with IPython 9.
    """
    from IPython.extensions import autoreload

    # 1 s or more of imports: they make many objects, and none of them is garbage.
    gc.set_threshold(100_000, 50, 50)
    # 0.03 s a cell, 1 s a notebook: autoreload asks for the age of thousands of files that stay.
    autoreload.ModuleReloader.check = lambda *_, **__: None
    leave_out_grammars()  # plotly imports nbformat
