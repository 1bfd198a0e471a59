"""The tasks of the lab: what a student does, where, for how many points."""

from crystalgraph.checking.task import Task, by_id
from crystalgraph.labs.lab import Question

TRUE = "1_is_this_number_true.ipynb"
NOTEBOOKS = {"1": TRUE}

TASKS = by_id(
    [
        Task("1.1", "structure_to_data", TRUE, TRUE, 5, 12, "The arrays of a crystal graph."),
        Task("1.2", "message", TRUE, TRUE, 3, 6, "What one neighbor tells an atom."),
        Task("1.3", "step_key", TRUE, TRUE, 3, 7, "The name under which a result is kept."),
        Task("1.4", "error_by_element", TRUE, TRUE, 3, 6, "The error of each element's crystals."),
        Task("1.5", "learning_exponent", TRUE, TRUE, 3, 6, "How fast more data help."),
        Task("1.6", "calibration", TRUE, TRUE, 3, 6, "Whether error bars are as long as errors."),
        Task("1.7", "split_by_group", TRUE, TRUE, 4, 8, "Polymorphs stay in one part."),
        Task("1.8", "diagnose", TRUE, TRUE, 4, 12, "The cause of each sick training."),
        Task("1.9", "mended_training", TRUE, TRUE, 6, 15, "A training without its seven faults."),
    ]
)

QUESTIONS = tuple(Question(f"q1_{number}", TRUE, points=3) for number in (1, 2, 3, 4))

LIBRARY_ANSWERS = {
    "1.1": ("build_graph", "build_graphs"),
    "1.6": ("calibration",),
    "1.7": ("split_by_groups", "make_split"),
}
"""Functions of the library that are a task's answer, or nearly; the report names who calls one."""
