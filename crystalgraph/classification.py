"""Perovskite or not: scores of a classifier, how sure they are, and simple classifiers beside it.

Scores come from scikit-learn. What is uncertain about them is found by drawing *formulas* with
replacement, not crystals: crystals of one formula are alike, and the split keeps them together, so
the formula is what was drawn to make a test set.

The simple classifiers are fitted on the training crystals only; what there is to choose is chosen
on the validation crystals; the test crystals are only predicted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pymatgen.core import Structure

from crystalgraph.baselines import PARTS, element_fractions
from crystalgraph.datasets import CrystalDataset, Split
from crystalgraph.features import scaled_features

THRESHOLD = 0.5
DRAWS = 2000  # of the bootstrap: its standard error is then known to 2 %
COVERAGE = 0.95

MAJORITY = "majority class"
COMPOSITION = "composition only"
DISTANCE = "shortest B-B distance"
RATIO = "B-B distance / B-O distance"


# ---- scores


def class_scores(
    labels: np.ndarray, probability: np.ndarray, threshold: float = THRESHOLD
) -> dict[str, float]:
    """How well probabilities agree with labels.

    Args:
        labels: (C,) 0 or 1.
        probability: (C,) of class 1.
        threshold: from which on class 1 is predicted.

    Returns:
        "auc" (left out where all labels are the same), "accuracy", "precision" and "recall" of
        class 1 (0 where there is nothing to divide by).
    """
    from sklearn import metrics

    labels, predicted = np.asarray(labels).astype(int), np.asarray(probability) >= threshold
    both = 0 < labels.sum() < len(labels)
    auc = {"auc": float(metrics.roc_auc_score(labels, probability))} if both else {}
    return auc | {
        "accuracy": float(metrics.accuracy_score(labels, predicted)),
        "precision": float(metrics.precision_score(labels, predicted, zero_division=0)),
        "recall": float(metrics.recall_score(labels, predicted, zero_division=0)),
    }


@dataclass(frozen=True)
class Interval:
    """An AUC and how far it can be trusted.

    Attributes:
        value: on the crystals there are.
        low, high: 95 % of the draws of formulas lie between them.
        error: standard deviation of the draws.
    """

    value: float
    low: float
    high: float
    error: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def auc_interval(
    labels: np.ndarray,
    scores: np.ndarray,
    formulas: Sequence[str],
    n: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The ROC-AUC with its 95 % bootstrap interval, formulas drawn with replacement.

    Args:
        labels: (C,) 0 or 1, both occurring.
        scores: (C,), higher means more like class 1; or (S, C), one row per seed, whose AUCs are
            averaged.
        formulas: C formulas.
        n: number of draws.
        seed: of the draws.

    Returns:
        The interval.
    """
    wins = _wins(labels, scores)
    draws = _drawn(wins, labels, _weights(formulas, n, seed))
    low, high = np.quantile(draws, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Interval(float(wins.mean()), float(low), float(high), float(draws.std(ddof=1)))


def auc_difference(
    labels: np.ndarray,
    scores_a: np.ndarray,
    scores_b: np.ndarray,
    formulas: Sequence[str],
    n: int = DRAWS,
    seed: int = 0,
) -> tuple[float, float]:
    """How much larger the AUC of A is than that of B on the same crystals, and how sure that is.

    The same formulas are drawn for both, so what makes a crystal hard for A and B alike cancels.

    Args:
        labels: (C,) 0 or 1, both occurring.
        scores_a, scores_b: (C,) each, or (S, C) with one row per seed.
        formulas: C formulas.
        n: number of draws.
        seed: of the draws.

    Returns:
        AUC of A minus AUC of B, and its standard error.
    """
    difference = _wins(labels, scores_a) - _wins(labels, scores_b)
    draws = _drawn(difference, labels, _weights(formulas, n, seed))
    return float(difference.mean()), float(draws.std(ddof=1))


def _wins(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Who has the higher score, class 1 (rows) or class 0 (columns): 1, 0, or 1/2 for a tie."""
    scores, is_one = np.atleast_2d(scores), np.asarray(labels) == 1
    signs = np.sign(scores[:, is_one, None] - scores[:, None, ~is_one])
    return (1 + signs.mean(axis=0)) / 2


def _weights(formulas: Sequence[str], n: int, seed: int) -> np.ndarray:
    """How often each crystal is in each draw of as many formulas as there are, (n, C)."""
    unique, which = np.unique(np.asarray(formulas), return_inverse=True)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(unique), np.full(len(unique), 1 / len(unique)), size=n)
    return counts[:, which].astype(float)


def _drawn(pairs: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over pairs in each draw; draws in which a class is missing are left out."""
    is_one = np.asarray(labels) == 1
    ones, others = weights[:, is_one], weights[:, ~is_one]
    n_pairs = ones.sum(axis=1) * others.sum(axis=1)
    sums = np.einsum("np,np->n", ones, others @ pairs.T)
    return sums[n_pairs > 0] / n_pairs[n_pairs > 0]


# ---- simple classifiers


@dataclass(frozen=True)
class ClassBaseline:
    """What a simple classifier says about every crystal.

    Attributes:
        name: of the classifier.
        how: which of the tried ones it is.
        probability: (C,) of class 1, for all crystals of the dataset; a score where the classifier
            knows no probability, with 0.5 as its threshold.
        measures: class_scores of each part ("train", "val", "test").
    """

    name: str
    how: str
    probability: np.ndarray
    measures: dict[str, dict[str, float]]


def fit_class_baselines(
    dataset: CrystalDataset,
    split: Split,
    column: str,
    numbers: Mapping[str, np.ndarray] | None = None,
) -> dict[str, ClassBaseline]:
    """Fit all simple classifiers that a dataset allows.

    Args:
        dataset: C crystals.
        split: rows to fit on, to choose on, and to report on.
        column: label column, 0 or 1.
        numbers: geometric baselines, name -> (C,) one number per crystal; default geometry(dataset)
            where all records say which elements sit on B.

    Returns:
        {name: ClassBaseline}: the majority class, the composition, and each of the numbers.
    """
    labels = dataset.target(column)
    if numbers is None:
        numbers = geometry(dataset) if has_b_elements(dataset) else {}
    share = labels[split.train].mean()
    candidates = {MAJORITY: [("constant", np.full(len(labels), share))]}
    candidates[COMPOSITION] = _from_composition(dataset, labels, split)
    candidates |= {name: _from_number(values, labels, split) for name, values in numbers.items()}
    return {name: _best(name, tried, labels, split) for name, tried in candidates.items()}


def _best(
    name: str, tried: Iterable[tuple[str, np.ndarray]], labels: np.ndarray, split: Split
) -> ClassBaseline:
    """The candidate with the highest validation AUC, the first of equals."""

    def part_scores(probability: np.ndarray) -> dict[str, dict[str, float]]:
        rows = {part: getattr(split, part) for part in PARTS}
        return {part: class_scores(labels[row], probability[row]) for part, row in rows.items()}

    fitted = [ClassBaseline(name, how, p, part_scores(p)) for how, p in tried]
    return max(fitted, key=lambda one: one.measures["val"].get("auc", 0.0))


def composition_features(dataset: CrystalDataset) -> np.ndarray:
    """All that a formula says, in numbers.

    Args:
        dataset: C crystals.

    Returns:
        (C, number of columns): share of each element; the shares in falling order, which tell the
        stoichiometry; and of nine properties of the elements (electronegativity, radius ...) the
        mean, the spread, the smallest and the largest value.
    """
    fractions = element_fractions(dataset)
    shares = -np.sort(-fractions, axis=1)[:, :6]
    properties = scaled_features()
    tables = [properties.matrix([s.specie.Z for s in crystal]) for crystal in dataset.structures]
    summaries = (np.mean, np.std, np.min, np.max)
    statistics = [[summary(table, axis=0) for summary in summaries] for table in tables]
    return np.hstack([fractions, shares, np.reshape(statistics, (len(tables), -1))])


def _from_composition(
    dataset: CrystalDataset, labels: np.ndarray, split: Split
) -> list[tuple[str, np.ndarray]]:
    """Probabilities of classifiers that see the composition only."""
    from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifiers = {
        f"logistic regression, C = {c:g}": make_pipeline(
            StandardScaler(), LogisticRegression(C=c, max_iter=5000)
        )
        for c in (0.01, 0.1, 1.0, 10.0)
    }
    for leaf in (1, 3):
        classifiers[f"extra trees, {leaf} or more in a leaf"] = ExtraTreesClassifier(
            300, min_samples_leaf=leaf, random_state=0
        )
    classifiers["gradient boosting"] = GradientBoostingClassifier(random_state=0)
    return _fitted(classifiers, composition_features(dataset), labels, split)


def _fitted(classifiers, inputs, labels, split) -> list[tuple[str, np.ndarray]]:
    """Probabilities of class 1 of scikit-learn classifiers, fitted on train."""
    return [
        (how, one.fit(inputs[split.train], labels[split.train]).predict_proba(inputs)[:, 1])
        for how, one in classifiers.items()
    ]


# ---- one number per crystal


def has_b_elements(dataset: CrystalDataset) -> bool:
    """Whether every record names the elements on B, and every crystal is an oxide."""
    named = bool(dataset.records) and all(record.get("b_elements") for record in dataset.records)
    return named and all("O" in crystal.symbol_set for crystal in dataset.structures)


def geometry(dataset: CrystalDataset) -> dict[str, np.ndarray]:
    """Distances that tell how octahedra are joined: by corners, edges or faces.

    Args:
        dataset: C oxides; records hold "b_elements".

    Returns:
        Shortest B-B distance in angstrom, and the same in units of the shortest B-O distance,
        (C,) each.
    """
    pairs = list(zip(dataset.structures, dataset.records, strict=True))
    b_b = np.array([nearest(crystal, r["b_elements"], r["b_elements"]) for crystal, r in pairs])
    b_o = np.array([nearest(crystal, r["b_elements"], ["O"]) for crystal, r in pairs])
    return {DISTANCE: b_b, RATIO: b_b / b_o}


def nearest(structure: Structure, these: Sequence[str], others: Sequence[str]) -> float:
    """Shortest distance from a site that holds one of `these` to one that holds one of `others`.

    Args:
        structure: the crystal; periodic images count, a site's own among them.
        these, others: element symbols.

    Returns:
        The distance in angstrom; infinite where there is no such site.
    """
    symbols = np.array([site.specie.symbol for site in structure])
    if not (np.isin(symbols, these).any() and np.isin(symbols, others).any()):
        return np.inf
    radius = 2.0
    while True:
        center, neighbor, _, distance = structure.get_neighbor_list(radius)
        found = np.isin(symbols[center], these) & np.isin(symbols[neighbor], others)
        if found.any():
            return float(distance[found].min())
        radius *= 1.5


def _from_number(
    values: np.ndarray, labels: np.ndarray, split: Split
) -> list[tuple[str, np.ndarray]]:
    """A number as a score: the larger (or the smaller) the better; or cut into intervals.

    Direction, threshold and cuts are those of the training crystals.
    """
    from sklearn.tree import DecisionTreeClassifier

    tried = [_monotone(values, labels, split.train)]
    trees = {
        f"tree of {n} intervals": DecisionTreeClassifier(max_leaf_nodes=n, random_state=0)
        for n in (3, 4, 6, 8)
    }
    return tried + _fitted(trees, values[:, None], labels, split)


def _monotone(values: np.ndarray, labels: np.ndarray, train: np.ndarray) -> tuple[str, np.ndarray]:
    known, truth = values[train], labels[train] == 1
    sign = 1.0 if _wins(truth, known).mean() >= 0.5 else -1.0
    steps = np.unique(sign * known)
    cuts = np.append(steps[0] - 1, (steps[:-1] + steps[1:]) / 2)
    right = [((sign * known >= cut) == truth).mean() for cut in cuts]
    threshold = cuts[int(np.argmax(right))]
    how = f"{'above' if sign > 0 else 'below'} {sign * threshold:.3f}"
    with np.errstate(over="ignore"):
        return how, 1 / (1 + np.exp(threshold - sign * values))
