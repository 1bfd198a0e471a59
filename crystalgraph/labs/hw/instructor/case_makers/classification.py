"""Cases of notebook 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pymatgen.core import Lattice, Structure

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.labs.hw.instructor.case_makers.crystals import (
    anion,
    crystal_inputs,
    double_perovskite,
    metals,
    perovskite,
)


def scores(numbers: CaseNumbers) -> list[Case]:
    """Scores of both classes, also very large ones."""
    gap = numbers.number(0.8, 1.8, by_hand=float(np.log(3)))
    few = numbers.array(-1, 1, by_hand=np.zeros((3, 1))) + gap * np.array([[0, 0], [1, 0], [0, 1]])
    large = np.array([[1000.0, -1000], [-1000, 1000], [1000, 1000], [-999, -999], [3, 500]])
    large *= numbers.array(0.8, 1.2, by_hand=np.ones((5, 1)))
    by_hand = [[0, 0], [0, 0], [0, 1.5], [0, 1], [0, 0]]
    large += numbers.array(0.5, 2, by_hand=by_hand) * [1, -1]
    return [
        Case("paper", {"scores": few}),
        Case("random", {"scores": numbers.rng.normal(0, 1, (7, 2))}),
        Case("large", {"scores": large}),
    ]


def log_probabilities(numbers: CaseNumbers) -> list[Case]:
    """Log-probabilities of both classes, with labels."""
    certain = np.array([[-1e-9, -800], [-700.0, 0], [-50, -1e-12], [-2.5, -0.1]])
    certain *= numbers.array(0.8, 1.2, by_hand=np.ones((4, 2)))
    sure = numbers.array((0.1, 0.6, 0.8), (0.3, 0.75, 0.95), by_hand=(0.25, 0.75, 0.875))
    rng = numbers.rng
    labels = rng.permutation(np.repeat([0, 1], [9, 5]))
    return [
        _likelihood_case("paper", sure, np.array([0, 1, 0])),
        _likelihood_case("random", rng.uniform(0.02, 0.98, 14), labels),
        Case("certain", {"log_probabilities": certain, "labels": np.array([0, 0, 1, 1])}),
    ]


def _likelihood_case(name: str, probability: np.ndarray, labels: np.ndarray) -> Case:
    """Log-probabilities of both classes from the probability of class 1."""
    values = np.log(np.stack([1 - probability, probability], axis=1))
    return Case(name, {"log_probabilities": values, "labels": labels.astype(np.int64)})


def crystals_of_two_classes(numbers: CaseNumbers) -> list[Case]:
    """Labels and predictions."""
    rng = numbers.rng
    paper = numbers.distinct(1, 12, by_hand=(3, 2, 1, 4))
    random = rng.choice(np.arange(5, 30), 4, replace=False).tolist()
    others, found = numbers.whole(3, 60, by_hand=4), numbers.whole(61, 400, by_hand=6)
    few = numbers.whole(5, 600, by_hand=5)
    return [
        _counted_case("paper", paper, rng),
        _counted_case("random", random, rng),
        _counted_case("all_predicted", [0, others, 0, found], rng),
        _counted_case("all_true", [0, 0, 0, few], rng),
    ]


def _counted_case(name: str, counts: Sequence[int], rng: np.random.Generator) -> Case:
    """Crystals in any order that give these counts, row after row of the matrix."""
    pairs = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], counts, axis=0)
    labels, predicted = rng.permutation(pairs).T
    return Case(name, {"labels": labels.copy(), "predicted": predicted.copy()})


def confusion_matrices(numbers: CaseNumbers) -> list[Case]:
    """Confusion matrices, also with nothing predicted and with nothing there."""
    a, b, c, d, e, f = numbers.distinct(3, 500, by_hand=(8, 5, 7, 3, 4, 2))
    matrices = {
        "paper": numbers.distinct(5, 60, by_hand=(50, 10, 20, 20)),
        "random": numbers.rng.choice(np.arange(5, 90), 4, replace=False),
        "perfect": [a, 0, 0, b],
        "none_predicted": [c, 0, d, 0],
        "none_true": [e, f, 0, 0],
    }
    return [
        Case(name, {"confusion": np.array(counts).reshape(2, 2)})
        for name, counts in matrices.items()
    ]


def ranked_crystals(numbers: CaseNumbers) -> list[Case]:
    """Labels and scores, also with ties."""
    by_hand = {
        "labels": np.array([1, 0, 1, 0, 0]),
        "scores": np.array([0.9, 0.8, 0.7, 0.3, 0.2]),
    }
    rng = numbers.rng

    def scored(n_others: int, n_perovskites: int, digits: int = 8) -> Arrays:
        labels = rng.permutation(np.repeat([0, 1], [n_others, n_perovskites]))
        return {"labels": labels, "scores": rng.normal(1.1 * labels, 1.0).round(digits)}

    def falling() -> Arrays:
        found = scored(7, 6)  # more pairs than by hand, so that no answer is guessed
        return {name: value[np.argsort(-found["scores"])] for name, value in found.items()}

    same = np.full(5, numbers.number(0, 1, by_hand=0.25))
    return [
        Case("paper", numbers.choose(by_hand, falling)),
        Case("random", scored(14, 18)),
        Case("rare", scored(25, 4)),
        Case("ties", scored(15, 12, digits=0)),
        Case("constant", {"labels": rng.permutation([0, 1, 1, 0, 1]), "scores": same}),
    ]


def shortest_distances(numbers: CaseNumbers) -> list[Case]:
    """Crystals and the elements whose sites are looked at."""
    a, b = metals(numbers, "Sr", "Ti")
    x = anion(numbers, "O")
    cubic = perovskite(numbers.number(3.7, 4.2, by_hand=3.9), [a, b, x, x, x])
    oblong = cubic.copy()
    sides = numbers.array((4.2, 3.6, 5.0), (4.5, 3.9, 5.4), by_hand=(4.4, 3.7, 5.2))
    oblong.lattice = Lattice.orthorhombic(*sides)
    c, d, e = metals(numbers, "Ba", "Mg", "W")
    side = numbers.number(3.8, 4.2, by_hand=3.95)
    return [
        _distance_case("paper", cubic, b),
        _distance_case("one_site", oblong, b),
        _distance_case("two_elements", double_perovskite(side, [c, d, x, x, x], e), d, e),
        _chain(numbers),
        _skewed(numbers),
    ]


def _chain(numbers: CaseNumbers) -> Case:
    """The nearest of all that count are two atoms of one element, neither first nor last."""
    a, b, c = metals(numbers, "Ti", "Mn", "Ca")
    x = anion(numbers, "O")
    sides = numbers.array((4.95, 8.7, 8.7), (5.25, 9.3, 9.3), by_hand=(5.1, 9.0, 8.5))
    nearest = [[0.5, 0.1, 0.1], [0.5, 0.4, 0.1]]
    chosen = [[0.2, 0.1, 0.6], *nearest, [0.5, 0.6, 0.45], [0.8, 0.75, 0.85]]
    rest = [[0.1, y, 0.1] for y in (0.25, 0.7, 0.83)]
    coords = np.array(chosen + rest) + numbers.array(-0.01, 0.01, by_hand=np.zeros((8, 3)))
    crystal = Structure(Lattice.orthorhombic(*sides), [a, a, a, b, a, x, c, x], coords)
    return _distance_case("like", crystal, b, a)


def _skewed(numbers: CaseNumbers) -> Case:
    """The first two atoms are neighbors across corners of the cell.

    An atom's nearest image lies across a diagonal of the cell, nearer than along its edges.
    """
    a, b = metals(numbers, "Li", "Nb")
    x = anion(numbers, "O")
    middle = np.array([6.0, 6.4, 7.1, 75, 110, 128])
    cell = numbers.array(0.98 * middle, 1.02 * middle, by_hand=middle)
    first = [[0.04, 0.5, 0.95], [0.93, 0.45, 0.06]]
    rest = [[0.5, 0.1, 0.5], [0.3, 0.5, 0.2], [0.1, 0.6, 0.1]]
    coords = np.array(first + rest) + numbers.array(-0.01, 0.01, by_hand=np.zeros((5, 3)))
    crystal = Structure(Lattice.from_parameters(*cell), [b, b, a, x, x], coords)
    return _distance_case("skewed", crystal, b)


def _distance_case(name: str, structure: Structure, *elements: str) -> Case:
    return Case(name, crystal_inputs(structure), {"elements": list(elements)})
