"""Cases drawn for one student: the kinds of the stored ones, with numbers of this student's own.

What is learned from the visible cases, or from a neighbor's, is of no use here. The same seed gives
the same cases. Expected outputs come from model.py and the solution notebooks of this clone.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from pymatgen.core import Element, Lattice, Structure

from crystalgraph import paths
from crystalgraph.checks import all_checks
from crystalgraph.checks.cases import Case
from crystalgraph.checks.compare import all_same
from crystalgraph.checks.energy import batches_of, probe_of
from crystalgraph.checks.exam import Check
from crystalgraph.checks.guard import double_precision
from crystalgraph.checks.tasks import MODEL_FILE, TASKS
from crystalgraph.grading.inputs import (
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
from crystalgraph.graphs import CrystalGraph
from crystalgraph.notebooks import load_functions

SOLUTIONS = paths.REPO / "solutions" / "hw"
METALS = ("Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr", "Ba", "Y", "La", "Ti", "Zr", "Hf", "Nb")
METALS += ("V", "Ta", "Cr", "Mo", "W", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Al", "Ga", "In", "Sn")
ANIONS = ("O", "F", "S", "Cl", "N", "Se", "Br", "I")
MARGIN = 1e-4  # angstrom, between any distance and a limit that decides about it

Rng = np.random.Generator
Maker = Callable[[Rng], list[Case]]

# ---- right answers


def load_model(path: Path, name: str = "model") -> ModuleType:
    """A model file as a module of a given name."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def right_answers(model: ModuleType) -> dict[str, object]:
    """The right answer of every task: classes of model.py, functions of the notebooks."""
    functions = load_functions(SOLUTIONS, model)
    return {
        task.id: getattr(model, task.object_name)
        if task.where == MODEL_FILE
        else functions[task.object_name]
        for task in TASKS.values()
    }


@cache
def _model() -> ModuleType:
    return load_model(paths.REPO / "model.py", "crystalgraph_reference_model")


@cache
def solutions() -> dict[str, object]:
    """The right answers by task, loaded once per process."""
    return right_answers(_model())


def fill(check: Check, case: Case, solution: object, wrong: dict[str, object]) -> None:
    """Run the solution and the known mistakes on one case and keep what they give."""
    case.expected.update(check.run(solution, case))
    for name, answer in wrong.items():
        try:
            outputs = check.run(answer, case)
        except Exception:  # an answer that raises here is explained by its error
            continue
        if not all_same(outputs, case.expected):
            case.wrong[name] = outputs


def draw_cases(task_id: str, seed: str) -> list[Case]:
    """Cases of a task for one student.

    Args:
        task_id: "2.1".
        seed: any text; the same gives the same cases.

    Returns:
        Cases with the names and kinds of the stored ones, in their order; none for the tasks whose
        checks plant models instead (own_test_examples).
    """
    if task_id not in _MAKERS:
        return []
    with double_precision():
        made = _MAKERS[task_id](_generator(task_id, seed))
        cases = [replace(case, hidden=True) for case in made]
        for case in cases:
            fill(_check(task_id), case, solutions()[task_id], {})
    return cases


@cache
def _check(task_id: str) -> Check:
    return all_checks()[task_id]


def _generator(purpose: str, seed: str) -> Rng:
    digest = hashlib.sha256(f"{purpose}\n{seed}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def _until(draw: Callable[[], object], fits: Callable[[object], bool]) -> object:
    """The first of many draws that fits."""
    return next(found for found in iter(draw, None) if fits(found))


def _metals(rng: Rng, count: int) -> list[str]:
    return [str(symbol) for symbol in rng.permutation(METALS)[:count]]


def _anion(rng: Rng) -> str:
    return str(rng.choice(ANIONS))


def _distinct(rng: Rng, low: int, high: int, count: int) -> np.ndarray:
    """Different whole numbers from low to high - 1."""
    return rng.permutation(np.arange(low, high))[:count]


# ---- notebook 1


def _vector_cases(rng: Rng) -> list[Case]:
    a, b, c, d = _metals(rng, 4)
    x = _anion(rng)
    pair = sorted((a, x), key=lambda symbol: Element(symbol).Z)
    double = perovskite(rng.uniform(3.8, 4.2), [a, b, x, x, x], (1, 1, 2))
    double.replace(int(rng.integers(2, 4)), c)
    sides = rng.uniform((3.8, 4.8, 5.8), (4.2, 5.2, 6.2))
    mixed = random_structure(rng, [x, a, x, b, d, x], Lattice.orthorhombic(*sides))
    numbers = np.array(sorted(Element(symbol).Z for symbol in (a, b, d, x)))
    table = {"table_numbers": numbers, "table": rng.normal(size=(4, 7)).round(3)}
    return [
        Case("rock_salt", crystal_inputs(rock_salt(rng.uniform(5, 6.2), pair=pair))),
        Case("perovskite", crystal_inputs(double)),
        Case("other_table", crystal_inputs(mixed) | table),
    ]


def _neighbor_cases(rng: Rng) -> list[Case]:
    a, b = _metals(rng, 2)
    x = _anion(rng)
    cubic = perovskite(rng.uniform(3.8, 4.2), [a, b, x, x, x])
    # As in the stored case, the 12th neighbor is one of 8, and 4 are about 0.004 A further.
    side = rng.uniform(5.4, 5.9)
    near = rock_salt(side, pair=(a, x))
    near.lattice = Lattice.tetragonal(side, side - rng.uniform(0.009, 0.0125))
    sparse = Structure(Lattice.cubic(rng.uniform(5.7, 6.2)), [a, x], [[0] * 3, [0.5] * 3])
    few = {"arguments": {"k": 12, "radius": 5.5, "tolerance": 0.01}}
    return [
        Case("rock_salt", crystal_inputs(rock_salt(rng.uniform(5.2, 6), True, (b, x)))),
        Case("perovskite", crystal_inputs(cubic)),
        Case("near_tie", crystal_inputs(near)),
        Case("sparse", crystal_inputs(sparse), few),
        _arguments_case(rng, [a, b, x, x, x, _anion(rng)]),
    ]


def _arguments_case(rng: Rng, symbols: list[str]) -> Case:
    arguments = {"k": 5, "radius": 4.5, "tolerance": 0.2}
    middle = np.array([4.4, 5, 5.6, 85, 95, 103])

    def draw() -> Structure:
        lattice = Lattice.from_parameters(*middle * rng.uniform(0.97, 1.03, 6))
        return random_structure(rng, symbols, lattice)

    crystal = _until(draw, lambda structure: _well_apart(structure, **arguments))
    return Case("arguments", crystal_inputs(crystal), {"arguments": arguments})


def _well_apart(structure: Structure, k: int, radius: float, tolerance: float) -> bool:
    """Whether k and tolerance matter, and no distance lies so close to a limit that digits do."""
    center, _, _, distance = structure.get_neighbor_list(radius + 1)
    atoms = [np.sort(distance[center == atom]) for atom in range(len(structure))]

    def n_edges(k: int, radius: float, tolerance: float) -> int:
        inside = [atom[atom < radius] for atom in atoms]
        return sum(int((d <= d[:k][-1] + tolerance).sum()) for d in inside)

    exact = n_edges(k, radius, tolerance)
    nearby = [(k, radius + s, tolerance + t) for s in (-MARGIN, MARGIN) for t in (-MARGIN, MARGIN)]
    others = [(12, radius, tolerance), (k, radius, 0.01)]
    return all(n_edges(*limits) == exact for limits in nearby) and all(
        n_edges(*limits) != exact for limits in others
    )


def _expansion_cases(rng: Rng) -> list[Case]:
    few = {"distance": rng.uniform(0.5, 3.5, 3), "centers": rng.uniform(0.5, 3, 2)}
    course = {"distance": rng.uniform(1.5, 7.5, 8), "centers": np.arange(41) * 0.2}
    wide = {"distance": rng.uniform(0, 5, 5), "centers": rng.uniform(0, 5, 6)}
    return [
        Case("paper", few, {"width": rng.uniform(0.4, 0.8)}),
        Case("course", course, {"width": 0.2}),
        Case("wide", wide, {"width": rng.uniform(0.6, 0.9)}),
    ]


def _batch_cases(rng: Rng) -> list[Case]:
    two, three = _distinct(rng, 1, 90, 2), _distinct(rng, 1, 90, 3)
    lines = [line_graph(numbers, rng.uniform(1.8, 3)) for numbers in (two, three)]
    sizes = zip(_distinct(rng, 2, 7, 3), _distinct(rng, 7, 14, 3), strict=True)
    same = small_graph(rng, 3, 5)
    return [
        batch_case("paper", lines),
        batch_case("three", [small_graph(rng, *size) for size in sizes]),
        batch_case("one", [small_graph(rng, 3, 7)]),
        batch_case("equal", [same, same, same]),
    ]


# ---- model_hw.py


def _layer_maker(name: str) -> Maker:
    def make(rng: Rng) -> list[Case]:
        atoms = rng.uniform(-1.5, 1.5, (3, 1))
        bonds = rng.uniform(0.2, 0.8, (2, 1)).repeat(2, axis=0)  # the same there and back
        return layer_cases(getattr(_model(), name), rng, atoms, bonds)

    return make


def _pool_cases(rng: Rng) -> list[Case]:
    two = rng.uniform(-5, 5, (5, 2))
    two[:2, 1] = rng.uniform(-4, -1, 2)  # one crystal has only negative values in a column
    mixed = rng.permutation(np.repeat(np.arange(4), rng.permutation([1, 3, 5, 6])))
    negative = rng.permutation(np.repeat(np.arange(3), rng.permutation([2, 4, 3])))
    return [
        pool_case("paper", two, np.array([0, 0, 1, 1, 1])),
        pool_case("random", rng.normal(size=(15, 4)), mixed),
        pool_case("negative", -rng.uniform(0.5, 3, (9, 3)), negative),
        pool_case("one", rng.normal(size=(5, 3)), np.zeros(5, dtype=int)),
    ]


def _network_cases(rng: Rng) -> list[Case]:
    return network_cases(_model().CrystalGraphConvNet, rng, rng.uniform(-1.5, 1.5, (3, 1)))


# ---- notebook 3


def _formation_cases(rng: Rng) -> list[Case]:
    a, b, c, d, e = _metals(rng, 5)
    x = _anion(rng)
    table = {name: round(rng.uniform(-9, -1), 3) for name in (a, b, x, c, d, e)}
    pair = {name: round(rng.uniform(-4, -1), 2) for name in (a, x)}
    energy = rng.uniform(-3.5, -1, 3)
    return [
        formation_case("paper", energy[0], [a, x], pair),
        formation_case("perovskite", energy[1], [a, b, x, x, x], table),
        formation_case("double", energy[2], [c, c, b, d] + [x] * 6, table),
        formation_case("element", 0.0, [e] * int(rng.integers(3, 7)), table),
    ]


def _fraction_cases(rng: Rng) -> list[Case]:
    a, b, c, d, e = _metals(rng, 5)
    x = _anion(rng)
    order = [str(symbol) for symbol in rng.permutation([a, b, c, d, e, x])]
    turned = [[x, a, b], [b, x, a]][rng.integers(2)]

    def case(name: str, sites: list[str], known: list[str]) -> Case:
        return Case(name, {}, {"sites": sites, "elements": known})

    return [
        case("paper", [a, b, x], turned),
        case("double", [c, d, e, x], order),
        case("twice", [b, a, a, x], order),
    ]


def _normalizer_cases(rng: Rng) -> list[Case]:
    few = {"targets": rng.uniform((1, 1, 1, 50), (7, 7, 7, 100)), "train_index": np.arange(3)}
    many = {"targets": rng.normal(-2, 1.3, 30), "train_index": rng.permutation(30)[:20]}
    return [Case("paper", few), Case("random", many)]


def _step_cases(rng: Rng) -> list[Case]:
    short = {"atoms": (1, 2), "slope": 0.1, "learning_rate": 0.01}

    def gradients(fits: Callable[[float], bool], name: str, *arguments, **settings) -> Case:
        return _until(
            lambda: probe_case(name, rng, *arguments, **settings),
            lambda case: all(fits(length) for length in _gradient_lengths(case)),
        )

    return [
        probe_case("paper", rng, [3], 1.0, learning_rate=0.1),
        gradients(lambda length: length > 1.2, "steep", [4, 3, 4], 8.0, learning_rate=0.3),
        gradients(lambda length: length < 0.9, "gentle", [6, 4, 5], 1.0, **short),
    ]


def _gradient_lengths(case: Case) -> list[float]:
    """Of the loss of each batch, at the weights the case begins with."""
    model = probe_of(case).train()
    lengths = []
    for batch, target in batches_of(case):
        loss = torch.nn.functional.l1_loss(model(*batch.inputs()), target)
        slopes = torch.autograd.grad(loss, list(model.parameters()))
        lengths.append(float(torch.cat([slope.flatten() for slope in slopes]).norm()))
    return lengths


def _error_cases(rng: Rng) -> list[Case]:
    return [
        _error_case(rng, "paper", [3], train=False, above=True),
        _error_case(rng, "training", [3, 3], train=True, witness=rng.uniform(0.1, 0.2)),
        _error_case(rng, "evaluating", [4, 4], train=False, witness=rng.uniform(0.1, 0.2)),
        _error_case(rng, "uneven", [5, 1], train=False),
    ]


def _error_case(
    rng: Rng, name: str, crystals: list[int], above: bool = False, **settings: float
) -> Case:
    """Targets far from the predictions: all above them, or above and below, not evenly."""
    scale = {"mean": rng.uniform(-3, -1.5), "std": rng.uniform(1.3, 2)}
    case = probe_case(name, rng, crystals, 1.0, **settings, **scale)
    model = probe_of(case).eval()
    for number, (batch, target) in enumerate(batches_of(case)):
        predicted = model(*batch.inputs()).detach().numpy() * scale["std"] + scale["mean"]
        signs = 3 if above else np.where((number + np.arange(len(target))) % 3, 1.0, -1.0)
        case.inputs[f"{number}/target"] = predicted + signs * rng.uniform(0.5, 4, len(target))
    return case


# ---- notebook 4


def _score_cases(rng: Rng) -> list[Case]:
    few = rng.uniform(-1, 1, (3, 1)) + np.array([[0, 0], [1, 0], [0, 1]]) * rng.uniform(0.8, 1.8)
    large = np.array([[1000.0, -1000], [-1000, 1000], [1000, 1000], [-999, -999], [3, 500]])
    large *= rng.uniform(0.8, 1.2, (5, 1))
    large += rng.uniform(0.5, 2, (5, 2)) * [1, -1]
    return [
        Case("paper", {"scores": few}),
        Case("random", {"scores": rng.normal(0, 1, (7, 2))}),
        Case("large", {"scores": large}),
    ]


def _likelihood_cases(rng: Rng) -> list[Case]:
    certain = np.array([[-1e-9, -800], [-700.0, 0], [-50, -1e-12], [-2.5, -0.1]])
    certain *= rng.uniform(0.8, 1.2, (4, 2))
    sure, order = rng.uniform(0.6, 0.95), rng.permutation(np.repeat([0, 1], [9, 5]))
    return [
        likelihood_case("paper", np.array([0.5, sure, sure]), np.array([0, 1, 0])),
        likelihood_case("random", rng.uniform(0.02, 0.98, 14), order),
        Case("certain", {"log_probabilities": certain, "labels": np.array([0, 0, 1, 1])}),
    ]


def _confusion_cases(rng: Rng) -> list[Case]:
    others, found, few = rng.integers(3, 60), rng.integers(61, 400), rng.integers(5, 600)
    return [
        confusion_case("paper", _distinct(rng, 1, 12, 4).reshape(2, 2), rng),
        confusion_case("random", _distinct(rng, 5, 30, 4).reshape(2, 2), rng),
        confusion_case("all_predicted", [[0, others], [0, found]], rng),
        confusion_case("all_true", [[0, 0], [0, few]], rng),
    ]


def _matrix_cases(rng: Rng) -> list[Case]:
    a, b, c, d, e, f = (int(count) for count in _distinct(rng, 3, 500, 6))
    matrices = {
        "paper": _distinct(rng, 5, 60, 4).reshape(2, 2),
        "random": _distinct(rng, 5, 90, 4).reshape(2, 2),
        "perfect": [[a, 0], [0, b]],
        "none_predicted": [[c, 0], [d, 0]],
        "none_true": [[e, f], [0, 0]],
    }
    return [Case(name, {"confusion": np.array(matrix)}) for name, matrix in matrices.items()]


def _auc_cases(rng: Rng) -> list[Case]:
    def case(name: str, n_others: int, n_perovskites: int, digits: int = 8) -> Case:
        labels = rng.permutation(np.repeat([0, 1], [n_others, n_perovskites]))
        scores = rng.normal(1.1 * labels, 1.0).round(digits)
        return Case(name, {"labels": labels, "scores": scores})

    falling = case("paper", 7, 6).inputs
    falling = {name: value[np.argsort(-falling["scores"])] for name, value in falling.items()}
    constant = {"labels": rng.permutation([0, 1, 1, 0, 1]), "scores": np.full(5, rng.uniform())}
    return [
        Case("paper", falling),
        case("random", 14, 18),
        case("rare", 25, 4),
        case("ties", 15, 12, digits=0),
        Case("constant", constant),
    ]


def _distance_cases(rng: Rng) -> list[Case]:
    a, b, c, d = _metals(rng, 4)
    x = _anion(rng)
    cubic, oblong = (perovskite(rng.uniform(3.7, 4.2), [a, b, x, x, x]) for _ in range(2))
    oblong.lattice = Lattice.orthorhombic(*rng.uniform((4.2, 3.6, 5.0), (4.5, 3.9, 5.4)))
    double = double_perovskite(rng.uniform(3.8, 4.2), [a, b, x, x, x], c)
    return [
        distance_case("paper", cubic, b),
        distance_case("one_site", oblong, b),
        distance_case("two_elements", double, b, c),
        distance_case("like", _chain(rng, [c, c, d, x, a, x]), d, c),
        distance_case("skewed", _skewed(rng, [b, b, a, x, x]), b),
    ]


def _chain(rng: Rng, symbols: list[str]) -> Structure:
    """The first two atoms are the nearest of all that count."""
    sides = np.array([5.1, 9.0, 9.0]) * rng.uniform(0.97, 1.03, 3)
    first = [[0.5, 0.1, 0.1], [0.5, 0.4, 0.1], [0.2, 0.6, 0.6]]
    rest = [[0.1, y, 0.1] for y in (0.25, 0.7, 0.83)]
    coords = np.array(first + rest) + rng.uniform(-0.01, 0.01, (6, 3))
    return Structure(Lattice.orthorhombic(*sides), symbols, coords)


def _skewed(rng: Rng, symbols: list[str]) -> Structure:
    """The first two atoms are neighbors across corners of the cell."""
    sides = np.array([6.0, 6.4, 7.2, 75, 110, 120]) * rng.uniform(0.98, 1.02, 6)
    first = [[0.04, 0.5, 0.95], [0.93, 0.45, 0.06]]
    rest = [[0.5, 0.1, 0.5], [0.3, 0.5, 0.2], [0.1, 0.6, 0.1]]
    coords = np.array(first + rest) + rng.uniform(-0.01, 0.01, (5, 3))
    return Structure(Lattice.from_parameters(*sides), symbols, coords)


_MAKERS: dict[str, Maker] = {
    "1.1": _vector_cases,
    "1.2": _neighbor_cases,
    "1.3": _expansion_cases,
    "1.4": _batch_cases,
    "2.1": _layer_maker("ConvLayer"),
    "2.2": _layer_maker("SharedConvLayer"),
    "2.3": _pool_cases,
    "2.4": _pool_cases,
    "2.5": _network_cases,
    "2.8": _layer_maker("FastConvLayer"),
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

# ---- crystals for the student's own tests


def own_test_examples(seed: str) -> tuple[CrystalGraph, Structure]:
    """What the student's tests of tasks 2.6 and 2.7 are tried on.

    Args:
        seed: any text; the same gives the same crystals.

    Returns:
        A graph of 12 different atoms with 60 edges, atomic numbers rising, and a small orthorhombic
        structure, as those of crystalgraph.checks.own_tests.
    """
    rng = _generator("own tests", seed)
    return _rising_graph(rng), _orthorhombic(rng)


def _rising_graph(rng: Rng) -> CrystalGraph:
    numbers = np.array([rng.integers(low, low + 6) for low in range(3, 87, 7)])
    center, neighbor = np.repeat(np.arange(12), 5), rng.integers(0, 12, 60)
    distance = rng.uniform(1.8, 4.0, 60)
    return CrystalGraph("example", numbers, center, neighbor, distance, np.zeros((60, 3), int))


def _orthorhombic(rng: Rng) -> Structure:
    a, b = _metals(rng, 2)
    x = _anion(rng)
    lattice = Lattice.orthorhombic(*rng.uniform((3.7, 4.2, 5.0), (4.1, 4.6, 5.4)))
    coords = np.array([[0, 0, 0], [0.5, 0.5, 0.48], [0.5, 0.02, 0.5], [0, 0.5, 0.5]])
    return Structure(lattice, [a, b, x, x], coords + rng.uniform(-0.02, 0.02, (4, 3)))
