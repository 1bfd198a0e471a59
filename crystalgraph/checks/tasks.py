"""The table of tasks: the one place that says what a student does, where, for how many points."""

from dataclasses import dataclass

MODEL_FILE = "model_hw.py"
NOTEBOOKS = {
    "1": "1_from_salt_to_graph.ipynb",
    "2": "2_build_the_network.ipynb",
    "3": "3_predict_the_energy.ipynb",
    "4": "4_perovskite_or_not.ipynb",
}


@dataclass(frozen=True)
class Task:
    """One hole that a student fills.

    Attributes:
        id: notebook and number, "2.1".
        name: of the function or method to fill in.
        where: file that holds it.
        points: at most.
        minutes: a student should plan for it.
        summary: one sentence.
        bonus: not needed for the full score.
    """

    id: str
    name: str
    where: str
    points: int
    minutes: int
    summary: str
    bonus: bool = False

    @property
    def object_name(self) -> str:
        """What is given to `points`: the function, or the class whose method is filled in."""
        return self.name.split(".")[0]

    @property
    def notebook(self) -> str:
        """Notebook in which the task is explained and checked."""
        return NOTEBOOKS[self.id[0]]

    @property
    def turn(self) -> tuple[str, int, str]:
        """Sorts tasks as the notebooks take them: the second begins with the poolings."""
        early = ("2.3", "2.4", "2.2")
        return self.id[0], early.index(self.id) if self.id in early else len(early), self.id


_ROWS = (
    Task("1.1", "atom_vectors", NOTEBOOKS["1"], 4, 10, "Feature vectors of a crystal's atoms."),
    Task("1.2", "find_neighbors", NOTEBOOKS["1"], 6, 20, "Nearest neighbors in whole shells."),
    Task("1.3", "gaussian_expansion", NOTEBOOKS["1"], 4, 10, "Distances as bond features."),
    Task("1.4", "batch_crystals", NOTEBOOKS["1"], 6, 15, "Several crystals as one graph."),
    Task("2.1", "ConvLayer.forward", MODEL_FILE, 10, 25, "The gated convolution, Eq. (5)."),
    Task("2.2", "SharedConvLayer.forward", MODEL_FILE, 6, 10, "The shared convolution, Eq. (4)."),
    Task("2.3", "mean_pool", MODEL_FILE, 4, 8, "Atoms to crystals by the mean."),
    Task("2.4", "max_pool", MODEL_FILE, 4, 8, "Atoms to crystals by the maximum."),
    Task("2.5", "CrystalGraphConvNet.forward", MODEL_FILE, 8, 15, "The parts put together."),
    Task(
        "2.6", "is_permutation_invariant", NOTEBOOKS["2"], 6, 12, "A test: does atom order matter?"
    ),
    Task(
        "2.7", "is_supercell_invariant", NOTEBOOKS["2"], 6, 10, "A test: does the unit cell matter?"
    ),
    Task(
        "2.8", "FastConvLayer.forward", MODEL_FILE, 4, 15, "The same numbers, faster.", bonus=True
    ),
    Task("3.1", "formation_energy", NOTEBOOKS["3"], 4, 10, "Total energy to eV per atom."),
    Task("3.2", "site_fractions", NOTEBOOKS["3"], 4, 10, "Features of the baseline to beat."),
    Task("3.3", "fit_normalizer", NOTEBOOKS["3"], 4, 5, "Mean and deviation of the target."),
    Task("3.4", "training_step", NOTEBOOKS["3"], 8, 15, "One gradient step."),
    Task("3.5", "mean_absolute_error", NOTEBOOKS["3"], 6, 10, "The number to report."),
    Task("4.1", "log_softmax", NOTEBOOKS["4"], 4, 8, "Scores to log-probabilities."),
    Task("4.2", "negative_log_likelihood", NOTEBOOKS["4"], 4, 6, "The loss of a classifier."),
    Task("4.3", "confusion_matrix", NOTEBOOKS["4"], 4, 8, "Who is taken for what."),
    Task("4.4", "precision_and_recall", NOTEBOOKS["4"], 4, 6, "Two ways to be wrong."),
    Task("4.5", "roc_auc", NOTEBOOKS["4"], 6, 15, "One number without a threshold."),
    Task("4.6", "shortest_distance", NOTEBOOKS["4"], 4, 10, "A baseline of one number."),
)

TASKS: dict[str, Task] = {task.id: task for task in _ROWS}


def task_table() -> str:
    """The table as Markdown, for docs/tasks.md.

    Returns:
        A page with one row per task and the sums.
    """
    rows = [
        f"| {task.id} | `{task.name}`{' (bonus)' if task.bonus else ''} | {task.where} "
        f"| {task.points} | {task.minutes} | {task.summary} |"
        for task in TASKS.values()
    ]
    needed = [task for task in TASKS.values() if not task.bonus]
    bonus = sum(task.points for task in TASKS.values() if task.bonus)
    total, minutes = sum(t.points for t in needed), sum(t.minutes for t in needed)
    head = ["| task | function | where | points | minutes | what |", "|---|---|---|---|---|---|"]
    origin = "Written by `python tools/make_cases.py` from `crystalgraph/checks/tasks.py`."
    title = ["# Tasks checked automatically", "", origin, ""]
    sums = ["", f"Together {total} points in about {minutes} minutes; {bonus} bonus points.", ""]
    return "\n".join(title + head + rows + sums)
