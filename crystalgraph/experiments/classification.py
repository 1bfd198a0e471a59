"""Simple classifiers to compare a network with: the composition, or one distance.

The simple classifiers are fitted on the training crystals only; what there is to choose is chosen
on the validation crystals; the test crystals are only predicted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pymatgen.core import Structure

from crystalgraph.crystals.datasets import CrystalDataset, Split
from crystalgraph.crystals.features import scaled_features
from crystalgraph.experiments.baselines import element_fractions
from crystalgraph.networks.scores import auc_interval as auc_interval  # notebooks call it here
from crystalgraph.networks.scores import class_scores, wins

MAJORITY = "majority class"
COMPOSITION = "composition only"
DISTANCE = "shortest B-B distance"
RATIO = "B-B distance / B-O distance"


# ---- simple classifiers


@dataclass(frozen=True)
class ClassBaseline:
    """What a simple classifier says about every crystal.

    Attributes:
        name: of the classifier.
        how: which of the tried ones it is.
        probability: (C,) of class 1, for all crystals of the dataset; a score where the classifier
            knows no probability, with 0.5 as its threshold.
        measures: class_scores of each part that has crystals.
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
    """The candidate with the highest validation AUC, the first of equals.

    Where the validation crystals are all of one class there is no AUC, and the accuracy decides.
    """

    def part_scores(probability: np.ndarray) -> dict[str, dict[str, float]]:
        rows = {part: getattr(split, part) for part in split.parts}
        return {part: class_scores(labels[row], probability[row]) for part, row in rows.items()}

    fitted = [ClassBaseline(name, how, p, part_scores(p)) for how, p in tried]
    measure = "auc" if "auc" in fitted[0].measures["val"] else "accuracy"
    return max(fitted, key=lambda one: one.measures["val"][measure])


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
    sign = 1.0 if wins(truth, known).mean() >= 0.5 else -1.0
    steps = np.unique(sign * known)
    cuts = np.append(steps[0] - 1, (steps[:-1] + steps[1:]) / 2)
    right = [((sign * known >= cut) == truth).mean() for cut in cuts]
    threshold = cuts[int(np.argmax(right))]
    how = f"{'above' if sign > 0 else 'below'} {sign * threshold:.3f}"
    with np.errstate(over="ignore"):
        return how, 1 / (1 + np.exp(threshold - sign * values))
