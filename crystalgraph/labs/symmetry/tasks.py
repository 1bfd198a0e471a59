"""The tasks of the lab: what a student does, where, for how many points."""

from crystalgraph.checking.task import Task, by_id
from crystalgraph.labs.lab import Question

KINDS = "1_what_it_cannot_see.ipynb"
NOTEBOOKS = {"1": KINDS}

TASKS = by_id(
    [
        Task("1.1", "refine_colors", KINDS, KINDS, 6, 15, "The kind of each atom."),
        Task("1.2", "quotient", KINDS, KINDS, 5, 12, "Each kind of atoms and edges once."),
        Task("1.3", "weighted_mean_pool", KINDS, KINDS, 3, 6, "A mean that counts atoms."),
        Task("1.4", "my_pair", KINDS, KINDS, 4, 12, "Two crystals that no network tells apart."),
    ]
)

QUESTIONS = (Question("q1_1", KINDS, points=3), Question("q1_2", KINDS, points=3))

LIBRARY_ANSWERS = {
    "1.1": ("refine_colors", "quotient", "quotients"),
    "1.2": ("quotient", "quotients"),
    "1.3": ("weighted_sums", "mean_pool"),
}
"""Functions of the library that are a task's answer, or nearly; the report names who calls one."""
