"""What the cells of notebooks handed out before December 2026 call; kept until January 2028.

They name no lab: at that time there was one.
"""

from __future__ import annotations

from crystalgraph.course import lab

_LAB = "hw"

points = lab.points_for(_LAB)


def set_up(keep_on_drive: bool = False) -> None:
    """What crystalgraph.colab.set_up did."""
    lab.set_up(_LAB, keep_on_drive)


def show(notebook: str) -> None:
    """What crystalgraph.board.show did."""
    lab.show_board(_LAB, notebook)


def hand_in(student_id: str, notebook: str) -> None:
    """What crystalgraph.hand_in.hand_in did."""
    lab.hand_in(_LAB, notebook, student_id)
