"""The tasks of the lab: what a student does, where, for how many points."""

from crystalgraph.checking.task import Task, by_id
from crystalgraph.labs.lab import Question

KNOW = "1_what_it_needs_to_know.ipynb"
NOTEBOOKS = {"1": KNOW}

_ROWS = (
    Task("1.1", "bins", KNOW, KNOW, 3, 8, "A number becomes one of n intervals."),
    Task("1.2", "decode", KNOW, KNOW, 3, 7, "And back: what do the bits still say?"),
    Task("1.3", "feature_table", KNOW, KNOW, 4, 12, "Features chosen by a line of text."),
    Task("1.4", "keep_one_out", KNOW, KNOW, 2, 6, "What does one property add?"),
    Task("1.5", "bond_basis", KNOW, KNOW, 4, 12, "A distance as bins, Gaussians or waves."),
    Task("1.6", "is_smooth", KNOW, KNOW, 4, 12, "A test of your own: smooth, or in steps?"),
)

TASKS = by_id(_ROWS)

QUESTIONS = (Question("q1_1", KNOW, points=3), Question("q1_2", KNOW, points=3))

LIBRARY_ANSWERS = {
    "1.1": ("Binned", "binned", "digitize", "one_hot_bins"),
    "1.2": ("Binned", "describe"),
    "1.3": ("read_features", "AtomFeatures"),
    "1.5": ("gaussian_expansion", "make_bond_features", "one_hot_bins", "gaussians", "waves"),
}
"""Functions of libraries that are a task's answer, or nearly; the report names who calls one."""
