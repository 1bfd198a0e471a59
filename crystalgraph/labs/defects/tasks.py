"""The tasks of the lab: what a student does, for how many points."""

from crystalgraph.checking.task import Task, by_id
from crystalgraph.labs.lab import Question

ATOM = "1_find_the_wrong_atom.ipynb"
NOTEBOOKS = {"1": ATOM}

TASKS = by_id(
    Task(number, name, ATOM, ATOM, points, minutes, summary)
    for number, name, points, minutes, summary in (
        ("1.1", "make_swap", 4, 8, "The defect that no count can see."),
        ("1.2", "split_by_host", 4, 8, "Twins stay in one part."),
        ("1.3", "counting_rule", 4, 8, "Four kinds found without a position."),
        ("1.4", "mean_pool", 4, 6, "A mean over atoms that are counted, not listed."),
        ("1.5", "max_pool", 3, 5, "The largest value of each feature."),
        ("1.6", "dilution", 4, 8, "How a defect fades as the cell grows."),
        ("1.7", "hit_rate", 5, 10, "Is the flagged atom at the defect?"),
        ("1.8", "contrast", 5, 10, "Atoms compared with their own kind."),
    )
)

QUESTIONS = tuple(Question(f"q1_{number}", ATOM, points=3) for number in range(1, 5))

LIBRARY_ANSWERS = {
    "1.1": ("make_defect", "exchange"),
    "1.2": ("split_by_groups", "GroupShuffleSplit", "GroupKFold", "StratifiedGroupKFold"),
    "1.4": ("weighted_sums", "mean_pool"),
    "1.5": ("max_pool",),
}
"""Functions of libraries that are a task's answer, or nearly; the report names who calls one."""
