"""Answers that are no answers: wrong kinds, no numbers, too many."""

from hostile.submission import Submission, untouched

POOLS = """
import numpy as np, torch
def mean_pool(atom_features, crystal, n_crystals):
    return {tensor}
def max_pool(atom_features, crystal, n_crystals):
    return {tensor}
"""
TASKS = ("1.3", "2.3", "2.4", "3.3", "4.3", "4.5")


def _all(tensor: str, array: str, number: str):
    """Six tasks that give the same kind of thing."""

    def make():
        work = untouched().model(POOLS.format(tensor=tensor))
        expansion = "def gaussian_expansion(distance, centers, width):\n    return "
        work.cell("1.3", expansion + array.replace("SHAPE", "(len(distance), len(centers))"))
        confusion = "def confusion_matrix(labels, predicted):\n    return "
        work.cell("4.3", confusion + array.replace("SHAPE", "(2, 2)"))
        normalizer = "def fit_normalizer(targets, train_index):\n    return "
        work.cell("3.3", f"{normalizer}{number}, {number}")
        return work.cell("4.5", f"def roc_auc(labels, scores):\n    return {number}").hand_in()

    return make


ROWS = "(n_crystals, atom_features.shape[1])"


def _values(name: str, tries: str, tensor: str, array: str, number: str) -> Submission:
    wrong = dict.fromkeys(TASKS, "WRONG")
    return Submission(name, tries, _all(tensor, array, number), "WRONG", 0, wrong)


def _nested():
    build = "NESTED = []\nfor _ in range(1_000_000):\n    NESTED = [NESTED]\n"
    work = untouched().model(build + POOLS.format(tensor="NESTED"))
    body = "    nested = {}\n    nested['me'] = nested\n    return nested\n"
    work.cell("1.3", "def gaussian_expansion(distance, centers, width):\n" + body)
    work.cell("4.3", "def confusion_matrix(labels, predicted):\n" + body)
    deep = "    nested = []\n    for _ in range(1_000_000):\n        nested = [nested]\n"
    work.cell(
        "3.3", f"def fit_normalizer(targets, train_index):\n{deep}    return nested, nested\n"
    )
    return work.cell("4.5", f"def roc_auc(labels, scores):\n{deep}    return nested\n").hand_in()


SUBMISSIONS = [
    _values(
        "NaN",
        "not a number, everywhere",
        f"torch.full({ROWS}, float('nan'))",
        "np.full(SHAPE, np.nan)",
        "float('nan')",
    ),
    _values(
        "infinity",
        "infinity, everywhere",
        f"torch.full({ROWS}, float('inf'))",
        "np.full(SHAPE, np.inf)",
        "float('inf')",
    ),
    _values(
        "complex numbers",
        "complex ones",
        f"torch.ones({ROWS}, dtype=torch.complex128)",
        "np.ones(SHAPE, dtype=complex)",
        "1j",
    ),
    _values(
        "0-d",
        "a single number where an array belongs, an empty array where a number does",
        "torch.tensor(1.0)",
        "np.array(1.0)",
        "np.ones(0)",
    ),
    _values(
        "other dtypes",
        "half precision, text, truth values, objects",
        f"torch.ones({ROWS}, dtype=torch.float16)",
        "np.full(SHAPE, 'one')",
        "np.array([True, None, 'x'], dtype=object)",
    ),
    _values(
        "sparse and huge",
        "a sparse tensor, a record array, whole numbers of 10 000 digits",
        "torch.eye(3).to_sparse()",
        "np.zeros(SHAPE, dtype=[('a', float), ('b', 'U9')])",
        "10**10000",
    ),
    _values(
        "things",
        "a generator, a set that holds itself in a list, a function",
        "(x for x in atom_features)",
        "{1, 2, (lambda x: x)}",
        "print",
    ),
    Submission(
        "nested",
        "a list in a list in a list, a million deep; a dictionary that holds itself",
        _nested,
        "WRONG",
        0,
        dict.fromkeys(TASKS, "WRONG"),
    ),
]
