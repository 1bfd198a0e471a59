"""The tasks of the homework: what a student does, where, for how many points."""

from crystalgraph.checking.task import Task, by_id
from crystalgraph.labs.lab import Question

MODEL_FILE = "model_hw.py"
SALT = "1_from_salt_to_graph.ipynb"
NETWORK = "2_build_the_network.ipynb"
ENERGY = "3_predict_the_energy.ipynb"
OXIDES = "4_perovskite_or_not.ipynb"
NOTEBOOKS = {"1": SALT, "2": NETWORK, "3": ENERGY, "4": OXIDES}
"""What is handed out; a notebook that is taken out here takes its tasks and questions along."""

_ROWS = (  # the second notebook begins with the poolings
    Task("1.1", "atom_vectors", SALT, SALT, 4, 10, "Feature vectors of a crystal's atoms."),
    Task("1.2", "find_neighbors", SALT, SALT, 6, 20, "Nearest neighbors in whole shells."),
    Task("1.3", "gaussian_expansion", SALT, SALT, 4, 10, "Distances as bond features."),
    Task("1.4", "batch_crystals", SALT, SALT, 6, 15, "Several crystals as one graph."),
    Task(
        "2.1", "ConvLayer.forward", MODEL_FILE, NETWORK, 10, 25, "The gated convolution, Eq. (5)."
    ),
    Task(
        "2.2",
        "SharedConvLayer.forward",
        MODEL_FILE,
        NETWORK,
        6,
        10,
        "The shared convolution, Eq. (4).",
        order=-1,
    ),
    Task("2.3", "mean_pool", MODEL_FILE, NETWORK, 4, 8, "Atoms to crystals by the mean.", order=-3),
    Task(
        "2.4", "max_pool", MODEL_FILE, NETWORK, 4, 8, "Atoms to crystals by the maximum.", order=-2
    ),
    Task(
        "2.5", "CrystalGraphConvNet.forward", MODEL_FILE, NETWORK, 8, 15, "The parts put together."
    ),
    Task(
        "2.6",
        "is_permutation_invariant",
        NETWORK,
        NETWORK,
        6,
        12,
        "A test: does atom order matter?",
    ),
    Task(
        "2.7",
        "is_supercell_invariant",
        NETWORK,
        NETWORK,
        6,
        10,
        "A test: does the unit cell matter?",
    ),
    Task(
        "2.8",
        "FastConvLayer.forward",
        MODEL_FILE,
        NETWORK,
        4,
        15,
        "The same numbers, faster.",
        bonus=True,
    ),
    Task("3.1", "formation_energy", ENERGY, ENERGY, 4, 10, "Total energy to eV per atom."),
    Task("3.2", "site_fractions", ENERGY, ENERGY, 4, 10, "Features of the baseline to beat."),
    Task("3.3", "fit_normalizer", ENERGY, ENERGY, 4, 5, "Mean and deviation of the target."),
    Task("3.4", "training_step", ENERGY, ENERGY, 8, 15, "One gradient step."),
    Task("3.5", "mean_absolute_error", ENERGY, ENERGY, 6, 10, "The number to report."),
    Task("4.1", "log_softmax", OXIDES, OXIDES, 4, 8, "Scores to log-probabilities."),
    Task("4.2", "negative_log_likelihood", OXIDES, OXIDES, 4, 6, "The loss of a classifier."),
    Task("4.3", "confusion_matrix", OXIDES, OXIDES, 4, 8, "Who is taken for what."),
    Task("4.4", "precision_and_recall", OXIDES, OXIDES, 4, 6, "Two ways to be wrong."),
    Task("4.5", "roc_auc", OXIDES, OXIDES, 6, 15, "One number without a threshold."),
    Task("4.6", "shortest_distance", OXIDES, OXIDES, 4, 10, "A baseline of one number."),
)

TASKS = by_id(task for task in _ROWS if task.notebook in NOTEBOOKS.values())

_NUMBER_OF_QUESTIONS = {SALT: 3, NETWORK: 3, ENERGY: 6, OXIDES: 3}
QUESTIONS = tuple(
    Question(f"q{number}_{one}", notebook, points=3)
    for number, notebook in NOTEBOOKS.items()
    for one in range(1, _NUMBER_OF_QUESTIONS[notebook] + 1)
)

_ENGINE = (
    *("QuotientNetwork", "GatedLayer", "SharedLayer", "gated_forward", "head_forward"),
    *("network_by_hand", "sum_over_edges", "weighted_sums", "add_rows"),
)
"""Of networks/engine, which gives the numbers of all the layers."""

LIBRARY_ANSWERS = {
    "1.1": ("matrix",),
    "1.2": ("build_graph",),
    "1.3": ("gaussian_expansion", "make_bond_features"),
    "1.4": ("batch_graphs",),
    **dict.fromkeys(("2.1", "2.2", "2.3", "2.4", "2.5", "2.8"), _ENGINE),
    "3.2": ("site_fractions",),
    "3.3": ("Normalizer", "StandardScaler"),
    "3.4": ("training_step",),
    "3.5": ("outputs", "validation_error", "mean_absolute_error"),
    "4.1": (
        *("log_softmax", "LogSoftmax", "Categorical", "OneHotCategorical"),
        *("cross_entropy", "CrossEntropyLoss"),
    ),
    "4.2": ("nll_loss", "NLLLoss", "cross_entropy", "CrossEntropyLoss", "log_loss"),
    "4.3": ("confusion_matrix", "multilabel_confusion_matrix", "class_scores"),
    "4.4": (
        *("precision_score", "recall_score", "precision_recall_fscore_support"),
        *("precision_recall_curve", "classification_report", "class_scores"),
    ),
    "4.5": ("roc_auc_score", "roc_curve", "auc", "RocCurveDisplay", "wins", "mannwhitneyu"),
    "4.6": ("nearest", "geometry"),
}
"""Functions of libraries that are a task's answer, or nearly; the report names who calls one."""
