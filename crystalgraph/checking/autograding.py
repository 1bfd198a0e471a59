"""Whether nbgrader is grading: then nothing trains."""

import os


def autograding() -> bool:
    """Whether nbgrader is grading this notebook; then nothing trains."""
    return os.environ.get("NBGRADER_EXECUTION") == "autograde"
