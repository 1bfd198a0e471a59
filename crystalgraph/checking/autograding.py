"""Who runs a notebook's cells: nbgrader, the board, or a person at a screen."""

import os

BOARD = "CRYSTALGRAPH_BOARD"
"""Set in the board's process, which runs cells to load the functions in them."""


def autograding() -> bool:
    """Whether nbgrader is grading this notebook; then nothing trains."""
    return os.environ.get("NBGRADER_EXECUTION") == "autograde"


def on_the_board() -> bool:
    """Whether the board is loading functions of this notebook."""
    return bool(os.environ.get(BOARD))
