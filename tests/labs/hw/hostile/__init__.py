"""Submissions that cheat, harm, are damaged or unusual, each made by code.

One module per theme with SUBMISSIONS; tests/labs/hw/test_hostile.py grades them, and
tools/grading_security.py writes the table of docs/grading_security.md from them.
"""

from hostile import cheats, files, harm, honest, values
from hostile.submission import ALL, HW, Submission, correct, untouched

THEMES = {
    "Points for work that is not done": cheats,
    "Code that takes, breaks or floods": harm,
    "Answers that are none": values,
    "Files, zips and notebooks": files,
    "Right, but unusual": honest,
}
SUBMISSIONS = [one for theme in THEMES.values() for one in theme.SUBMISSIONS]

__all__ = ["ALL", "HW", "SUBMISSIONS", "THEMES", "Submission", "correct", "untouched"]
