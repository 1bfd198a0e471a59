"""Write the stored cases of the checks: inputs, right outputs, outputs of known mistakes.

    python tools/make_cases.py            # crystalgraph/checks/cases and tests/hidden_cases

Right outputs come from model.py and from the solution cells of the notebooks in solutions/hw, wrong
ones from tests/mutants/. The same seed gives the same files; tests/test_cases.py compares them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import numpy as np
from pymatgen.core import Lattice, Structure

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "tests")]

from crystalgraph.checks import all_checks  # noqa: E402
from crystalgraph.checks.cases import FOLDER, Case, save_cases  # noqa: E402
from crystalgraph.checks.guard import double_precision, quiet_stderr  # noqa: E402
from crystalgraph.checks.tasks import task_table  # noqa: E402
from crystalgraph.grading.draw import fill, load_model, right_answers  # noqa: E402
from crystalgraph.grading.inputs import (  # noqa: E402
    batch_case,
    confusion_case,
    crystal_inputs,
    distance_case,
    double_perovskite,
    formation_case,
    layer_cases,
    likelihood_case,
    line_graph,
    network_cases,
    perovskite,
    pool_case,
    probe_case,
    random_structure,
    rock_salt,
    small_graph,
)

SEED, HIDDEN_SEED = 11, 2024
HIDDEN_FOLDER = REPO / "tests" / "hidden_cases"
NO_CASES = ("2.6", "2.7")  # their checks plant models instead
LINE = np.array([[1.0], [2.0], [4.0]])  # features of three atoms, done by hand

# ---- notebook 1


def _vector_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    double = perovskite(3.9, ["Ba", "Ti", "O", "O", "O"], (1, 1, 2))
    double.replace(2 if hidden else 3, "Zr")
    mixed = random_structure(rng, ["O", "Sr", "O", "Nb", "Li", "O"], Lattice.orthorhombic(4, 5, 6))
    mixed_inputs = crystal_inputs(mixed)
    table_numbers = np.array([3, 8, 38, 41])
    table = {"table_numbers": table_numbers, "table": rng.normal(size=(4, 7)).round(3)}
    return [
        Case("rock_salt", crystal_inputs(rock_salt(5.6))),
        Case("perovskite", crystal_inputs(double)),
        Case("other_table", mixed_inputs | table),
    ]


def _neighbor_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    cubic = perovskite(3.905 + 0.1 * hidden, ["Sr", "Ti", "O", "O", "O"])
    # A rock salt pressed along one axis: the 12th neighbor is one of 8, and 4 are 0.004 A further.
    near = rock_salt(5.64)
    near.lattice = Lattice.tetragonal(5.64, 5.6288 - 0.001 * hidden)
    sparse = Structure(Lattice.cubic(6.0), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    symbols = ["Sr", "Ti", "O", "O", "O", "F"]
    odd = random_structure(rng, symbols, Lattice.from_parameters(4.4, 5, 5.6, 85, 95, 103))
    few = {"arguments": {"k": 12, "radius": 5.5, "tolerance": 0.01}}
    other = {"arguments": {"k": 5, "radius": 4.5, "tolerance": 0.2}}
    return [
        Case("rock_salt", crystal_inputs(rock_salt(5.64 + 0.2 * hidden, primitive=True))),
        Case("perovskite", crystal_inputs(cubic)),
        Case("near_tie", crystal_inputs(near)),
        Case("sparse", crystal_inputs(sparse), few),
        Case("arguments", crystal_inputs(odd), other),
    ]


def _expansion_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    by_hand = {"distance": np.array([1.0, 2.0, 3.0]), "centers": np.array([1.0, 2.0])}
    course = {"distance": rng.uniform(1.5, 7.5, 8), "centers": np.arange(41) * 0.2}
    wide = {"distance": rng.uniform(0, 5, 5), "centers": rng.uniform(0, 5, 6)}
    return [
        Case("paper", by_hand, {"width": 0.5}),
        Case("course", course, {"width": 0.2}),
        Case("wide", wide, {"width": 0.7}),
    ]


def _batch_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    same = small_graph(rng, 3, 5)
    return [
        batch_case("paper", [line_graph([11, 17]), line_graph([8, 22, 8])]),
        batch_case("three", [small_graph(rng, *size) for size in ((4, 9), (2, 5), (5, 11))]),
        batch_case("one", [small_graph(rng, 3, 7)]),
        batch_case("equal", [same, same, same]),
    ]


# ---- model_hw.py


def _layer_cases(cls: type, rng: np.random.Generator) -> list[Case]:
    bonds = np.array([[0.5], [0.5], [0.25], [0.25]])
    return layer_cases(cls, rng, LINE, bonds)


def _pool_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    two = np.array([[1.0, -2.0], [3.0, -4.0], [-1.0, 5.0], [2.0, 2.0], [5.0, -1.0]])
    sizes = rng.permutation([1, 3, 5, 6])
    mixed = rng.permutation(np.repeat(np.arange(4), sizes))
    negative = rng.permutation(np.repeat(np.arange(3), [2, 4, 3]))
    return [
        pool_case("paper", two, np.array([0, 0, 1, 1, 1])),
        pool_case("random", rng.normal(size=(15, 4)), mixed),
        pool_case("negative", -rng.uniform(0.5, 3, (9, 3)), negative),
        pool_case("one", rng.normal(size=(5, 3)), np.zeros(5, dtype=int)),
    ]


# ---- notebook 3


def _formation_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    names = ["Sr", "Ti", "O", "Ba", "Zr", "Si"]
    table = {name: round(rng.uniform(-9, -1), 3) for name in names}
    by_hand = {"Na": -1.0, "Cl": -2.0}
    double = ["Ba", "Ba", "Ti", "Zr"] + ["O"] * 6
    return [
        formation_case("paper", -1.5, ["Na", "Cl"], by_hand),
        formation_case("perovskite", -3.2, ["Sr", "Ti", "O", "O", "O"], table),
        formation_case("double", -2.9, double, table),
        formation_case("element", 0.0, ["Si"] * 4, table),
    ]


def _fraction_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    elements = ["Ba", "F", "O", "Sr", "Ti", "Zr"]
    order = list(rng.permutation(elements)) if hidden else elements

    def case(name: str, *sites: str, known: Iterable[str] = order) -> Case:
        return Case(name, {}, {"sites": list(sites), "elements": [str(e) for e in known]})

    return [
        case("paper", "Sr", "Ti", "O", known=["O", "Sr", "Ti"]),
        case("double", "Ba", "Ti", "Zr", "F"),
        case("twice", "Sr", "Zr", "Zr", "O"),
    ]


def _normalizer_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    four = {"targets": np.array([1.0, 2.0, 6.0, 100.0]), "train_index": np.array([0, 1, 2])}
    train = rng.permutation(30)[:20]
    return [
        Case("paper", four),
        Case("random", {"targets": rng.normal(-2, 1.3, 30), "train_index": train}),
    ]


def _step_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    short = {"atoms": (1, 2), "slope": 0.1, "learning_rate": 0.01}
    return [
        probe_case("paper", rng, [3], 1.0, learning_rate=0.1),
        probe_case("steep", rng, [4, 3, 4], 8.0, learning_rate=0.3),
        probe_case("gentle", rng, [6, 4, 5], 1.0, **short),
    ]


def _error_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    scale = {"mean": -2.25, "std": 1.5}
    return [
        probe_case("paper", rng, [3], 3.0, train=False, **scale),
        probe_case("training", rng, [3, 3], 3.0, train=True, **scale),
        probe_case("evaluating", rng, [4, 4], 3.0, train=False, **scale),
        probe_case("uneven", rng, [5, 1], 3.0, train=False, **scale),
    ]


# ---- notebook 4


def _score_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    large = [[1000.0, -1000], [-1000, 1000], [1000, 998.5], [-999, -1000], [3, 500]]
    large += [[700.0, 1.5]] * hidden
    return [
        Case("paper", {"scores": np.array([[0, 0], [np.log(3), 0], [0, np.log(3)]])}),
        Case("random", {"scores": rng.normal(0, 1, (7, 2))}),
        Case("large", {"scores": np.array(large)}),
    ]


def _likelihood_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    certain = np.array([[-1e-9, -800], [-700.0, 0], [-50, -1e-12], [-2.5 - hidden, -0.1]])
    labels = np.array([0, 0, 1, 1])
    many = rng.permutation(np.repeat([0, 1], [9, 5]))
    return [
        likelihood_case("paper", np.array([0.5, 0.75, 0.75]), np.array([0, 1, 0])),
        likelihood_case("random", rng.uniform(0.02, 0.98, 14), many),
        Case("certain", {"log_probabilities": certain, "labels": labels}),
    ]


def _confusion_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    random = rng.permutation(np.arange(5, 30))[:4].reshape(2, 2)
    return [
        confusion_case("paper", [[3, 2], [1, 4]], rng),
        confusion_case("random", random, rng),
        confusion_case("all_predicted", [[0, 4 + hidden], [0, 6]], rng),
        confusion_case("all_true", [[0, 0], [0, 5 + hidden]], rng),
    ]


def _matrix_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    random = rng.permutation(np.arange(5, 40))[:4].reshape(2, 2)
    matrices = {
        "paper": [[50, 10], [20, 20]],
        "random": random,
        "perfect": [[8 + hidden, 0], [0, 5]],
        "none_predicted": [[7, 0], [3 + hidden, 0]],
        "none_true": [[4, 2 + hidden], [0, 0]],
    }
    return [Case(name, {"confusion": np.array(matrix)}) for name, matrix in matrices.items()]


def _auc_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    def case(name: str, n_others: int, n_perovskites: int, digits: int = 8) -> Case:
        labels = rng.permutation(np.repeat([0, 1], [n_others, n_perovskites]))
        scores = rng.normal(1.1 * labels, 1.0).round(digits)
        return Case(name, {"labels": labels, "scores": scores})

    by_hand = {
        "labels": np.array([1, 0, 1, 0, 0]),
        "scores": np.array([0.9, 0.8, 0.7, 0.3, 0.2]),
    }
    constant = {"labels": np.array([0, 1, 1, 0, 1]), "scores": np.full(5, 0.25 + 0.5 * hidden)}
    return [
        Case("paper", by_hand),
        case("random", 14, 18),
        case("rare", 25, 4),
        case("ties", 15, 12, digits=0),
        Case("constant", constant),
    ]


def _distance_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    titanate = ["Sr", "Ti", "O", "O", "O"]
    oblong = perovskite(4.0, titanate)
    oblong.lattice = Lattice.orthorhombic(4.4, 3.7 + 0.1 * hidden, 5.2)
    chain = Structure(
        Lattice.orthorhombic(5.1, 9.0, 8.5 + hidden),
        ["Ti", "Ti", "Mn", "O", "C", "O"],
        [
            [0.5, 0.1, 0.1],
            [0.5, 0.4, 0.1],
            [0.2, 0.6, 0.6],
            *[[0.1, y, 0.1] for y in (0.25, 0.7, 0.83)],
        ],
    )
    skewed = Structure(
        Lattice.from_parameters(6.0, 6.4, 7.1 + 0.2 * hidden, 75, 110, 120),
        ["Nb", "Nb", "Li", "O", "O"],
        [[0.04, 0.5, 0.95], [0.93, 0.45, 0.06], [0.5, 0.1, 0.5], [0.3, 0.5, 0.2], [0.1, 0.6, 0.1]],
    )
    return [
        distance_case("paper", perovskite(3.9, titanate), "Ti"),
        distance_case("one_site", oblong, "Ti"),
        distance_case(
            "two_elements", double_perovskite(3.95 + 0.1 * hidden, ["Ba", "Mg", *"OOO"]), "Mg", "W"
        ),
        distance_case("like", chain, "Mn", "Ti"),
        distance_case("skewed", skewed, "Nb"),
    ]


# ---- all together


def all_inputs(seed: int, hidden: bool, model: ModuleType) -> dict[str, list[Case]]:
    """Inputs of all cases by task; hidden ones leave out those that are done by hand."""

    def layer(cls: type):
        return lambda rng, hidden: _layer_cases(cls, rng)

    makers = {
        "1.1": _vector_cases,
        "1.2": _neighbor_cases,
        "1.3": _expansion_cases,
        "1.4": _batch_cases,
        "2.1": layer(model.ConvLayer),
        "2.2": layer(model.SharedConvLayer),
        "2.3": _pool_cases,
        "2.4": _pool_cases,
        "2.5": lambda rng, hidden: network_cases(model.CrystalGraphConvNet, rng, LINE),
        "2.8": layer(model.FastConvLayer),
        "3.1": _formation_cases,
        "3.2": _fraction_cases,
        "3.3": _normalizer_cases,
        "3.4": _step_cases,
        "3.5": _error_cases,
        "4.1": _score_cases,
        "4.2": _likelihood_cases,
        "4.3": _confusion_cases,
        "4.4": _matrix_cases,
        "4.5": _auc_cases,
        "4.6": _distance_cases,
    }
    cases = {}
    for number, (task, make) in enumerate(makers.items()):
        made = make(np.random.default_rng([seed, number]), hidden)
        cases[task] = [case for case in made if not (hidden and case.name == "paper")]
    return cases


def make(seed: int, folder: Path, hidden: bool) -> None:
    """Write all cases of one seed into a folder."""
    from mutants import stored_mutants

    model = load_model(REPO / "model.py")
    checks, right = all_checks(), right_answers(model)
    with quiet_stderr(), double_precision():
        for task, cases in all_inputs(seed, hidden, model).items():
            wrong = {mutant.cause: mutant.make() for mutant in stored_mutants(task)}
            for case in cases:
                fill(checks[task], case, right[task], wrong)
            save_cases(task, cases, folder)


def main() -> None:
    """Write visible and hidden cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for the visible cases")
    parser.add_argument("--hidden-folder", type=Path, default=HIDDEN_FOLDER)
    args = parser.parse_args()
    make(SEED, args.folder, hidden=False)
    make(HIDDEN_SEED, args.hidden_folder, hidden=True)
    (REPO / "docs").mkdir(exist_ok=True)
    (REPO / "docs" / "tasks.md").write_text(task_table(), encoding="utf-8")


if __name__ == "__main__":
    main()
