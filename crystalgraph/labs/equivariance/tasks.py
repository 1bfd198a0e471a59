"""The tasks of the lab: what a student does, where, for how many points."""

from crystalgraph.checking.task import Task, by_id
from crystalgraph.labs.lab import Question

LAYER = "1_does_it_move.ipynb"
MOLECULES = "2_molecules_and_fakes.ipynb"
CRYSTALS = "3_back_to_the_sites.ipynb"
NOTEBOOKS = {"1": LAYER, "2": MOLECULES, "3": CRYSTALS}

_ROWS = (
    Task("1.1", "edges_within", LAYER, LAYER, 4, 10, "Who is near whom, molecule by molecule."),
    Task("1.2", "EGCL.forward", LAYER, LAYER, 7, 20, "The layer that moves atoms."),
    Task("1.3", "random_orthogonal", LAYER, LAYER, 3, 8, "Rotations and reflections at random."),
    Task("1.4", "check_symmetries", LAYER, LAYER, 6, 15, "A test of your own: does it turn along?"),
    Task("2.1", "dipole_vector", MOLECULES, MOLECULES, 3, 8, "A readout that is a vector."),
    Task("2.2", "fit_normalizer", MOLECULES, MOLECULES, 3, 10, "Units, fitted on training alone."),
    Task("2.3", "mae_per_target", MOLECULES, MOLECULES, 2, 4, "The number to report."),
    Task("2.4", "probe", MOLECULES, MOLECULES, 2, 6, "What does a metric measure?"),
    Task("2.5", "name_the_fake", MOLECULES, MOLECULES, 4, 15, "Which report is honest?"),
    Task("3.1", "neighbors_with_images", CRYSTALS, CRYSTALS, 4, 12, "Neighbors across the cell."),
    Task("3.2", "send_home", CRYSTALS, CRYSTALS, 2, 6, "The layer applied again and again."),
)

TASKS = by_id(_ROWS)

QUESTIONS = tuple(
    Question(f"q{number}_1", notebook, points=3) for number, notebook in NOTEBOOKS.items()
)

LIBRARY_ANSWERS = {
    "1.1": ("radius_graph", "cKDTree", "KDTree"),
    "1.3": ("random_rotation", "ortho_group", "special_ortho_group", "Rotation"),
    "2.3": ("mean_absolute_error", "l1_loss", "L1Loss"),
    "3.1": ("periodic_neighbors", "get_neighbor_list", "get_all_neighbors"),
}
"""Functions of libraries that are a task's answer, or nearly; the report names who calls one."""
