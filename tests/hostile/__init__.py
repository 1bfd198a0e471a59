"""Submissions that cheat, harm, are damaged or unusual, each made by code.

One module per theme with SUBMISSIONS; tests/test_grade_hostile.py grades them, and
tools/grading_security.py writes the table of docs/grading_security.md from them.
"""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [folder for folder in (str(TESTS.parent), str(TESTS)) if folder not in sys.path]

from hostile import cheats, files, harm, honest, values  # noqa: E402
from hostile.submission import ALL, Submission, correct  # noqa: E402

THEMES = {
    "Points for work that is not done": cheats,
    "Code that takes, breaks or floods": harm,
    "Answers that are none": values,
    "Files, zips and notebooks": files,
    "Right, but unusual": honest,
}
SUBMISSIONS = [one for theme in THEMES.values() for one in theme.SUBMISSIONS]

__all__ = ["ALL", "SUBMISSIONS", "THEMES", "Submission", "correct"]
