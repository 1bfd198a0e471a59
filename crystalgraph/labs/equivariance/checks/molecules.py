"""Checks of notebook 2: the dipole, units, the error that is reported, probes of a metric."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, stored
from crystalgraph.checking.compare import as_array, close
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.checking.gradients import gradient_is_the_slope
from crystalgraph.labs.equivariance.advice import MISTAKES
from crystalgraph.labs.equivariance.checks.common import (
    TOLERANCE,
    arrays_of,
    tensors_of,
    unchanged,
    went_in,
    whole_tensor,
)

# ---- 2.1 the dipole

_DIPOLE_INPUTS = ("charges", "x", "moved", "batch")


def _vectors(answer: Callable, case: Case, inputs: list):
    n, strength = case.settings["n_molecules"], case.settings["strength"]
    return answer(*inputs, n, strength)


def _run_dipole(answer: Callable, case: Case) -> Arrays:
    inputs = tensors_of(case, *_DIPOLE_INPUTS)
    before = [value.clone() for value in inputs]
    result = _vectors(answer, case, inputs)
    unchanged(before, inputs, _DIPOLE_INPUTS)
    return {"vectors": whole_tensor(result, "The result", inputs[1])}


def _origin(exam: Exam) -> None:
    case = exam.named("molecules")[0]
    exam.run(case)
    charges, x, moved, batch = tensors_of(case, *_DIPOLE_INPUTS)
    there = _vectors(exam.answer, case, [charges, x, moved, batch])
    far = _vectors(exam.answer, case, [charges, x + 7, moved + 7, batch])
    if not close(far, there, rtol=0, atol=100 * TOLERANCE):
        raise Fault("The dipole changes when the molecule is moved as a whole.", "origin matters")
    leaves = [charges.requires_grad_(), moved.requires_grad_()]
    gradient_is_the_slope(
        lambda: _vectors(exam.answer, case, [*leaves[:1], x, moved, batch]), leaves
    )


_DIPOLE = Check(
    "2.1",
    _run_dipole,
    (
        stored("two atoms, and one alone", 1, "paper", paper=True),
        CheckStep("the origin does not matter, gradients", 1, _origin),
        stored("three molecules", 1, "molecules"),
    ),
    "for each molecule sum of (q_i - mean q) x_i + strength * sum of (moved_i - x_i), a vector.",
    {
        "paper": "a molecule of two atoms and one of a single atom",
        "molecules": "three molecules, atoms in no order, strength not 1",
    },
    {"vectors": ("molecule", "component")},
    went_in(*_DIPOLE_INPUTS, "n_molecules", "strength"),
    advice=MISTAKES["2.1"],
    case_maker="charged_molecules",
)

# ---- 2.2 units


_TARGETS = ("counts", "targets", "extensive", "train")


def _run_normalizer(answer: Callable, case: Case) -> Arrays:
    inputs = arrays_of(case, *_TARGETS)
    result = answer(*inputs)
    unchanged(arrays_of(case, *_TARGETS), inputs, _TARGETS)
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise Fault("Return three arrays: references, mean, mad.", "three results")
    outputs = zip(("references", "mean", "mad"), result, strict=True)
    return {name: as_array(value, name).astype(float) for name, value in outputs}


_NORMALIZER = Check(
    "2.2",
    _run_normalizer,
    (
        stored("H2, O2 and water", 1, "paper", paper=True),
        stored("random molecules", 2, "random"),
    ),
    "references: least squares of counts @ references = target for the extensive targets, 0 for "
    "the others; mean and mean absolute deviation of what is left; of the training rows alone.",
    {
        "paper": "two training molecules and one of the test, one extensive target and one that "
        "is not",
        "random": "30 molecules of five elements, four targets; the training rows are not the "
        "first ones",
    },
    {"references": ("element", "target"), "mean": ("target",), "mad": ("target",)},
    went_in(*_TARGETS),
    advice=MISTAKES["2.2"],
    case_maker="molecules_with_targets",
)

# ---- 2.3 the number that is reported


def _run_error(answer: Callable, case: Case) -> Arrays:
    result = answer(case.inputs["predicted"].copy(), case.inputs["true"].copy())
    return {"errors": as_array(result, "The result").astype(float)}


_ERROR = Check(
    "2.3",
    _run_error,
    (
        stored("two molecules, two targets", 1, "paper", paper=True),
        stored("random predictions", 1, "random"),
    ),
    "the mean over molecules of |predicted - true|, one number for each target.",
    {"paper": "two molecules, two targets", "random": "25 molecules, six targets"},
    {"errors": ("target",)},
    went_in("predicted", "true"),
    advice=MISTAKES["2.3"],
    case_maker="predictions",
)

# ---- 2.4 probes


def honest_metric(predicted: np.ndarray, true: np.ndarray) -> float:
    """Mean absolute error of the first target."""
    return float(np.abs(np.asarray(predicted) - np.asarray(true))[:, 0].mean())


def blind_metric(predicted: np.ndarray, true: np.ndarray) -> float:
    """Spread of the predictions over that of the truth: it never compares the two."""
    spreads = [np.abs(v - v.mean(0))[:, 0].mean() for v in map(np.asarray, (predicted, true))]
    return float(spreads[0] / max(spreads[1], 1e-12))


def crooked_metric(predicted: np.ndarray, true: np.ndarray) -> float:
    """Mean signed error of the first target, and of where the second lies among the rows."""
    p, t = np.asarray(predicted), np.asarray(true)
    rows = np.arange(1, len(p) + 1)
    return float((p - t)[:, 0].mean() + (rows * (p[:, 1] - 0.5 * t[:, 1])).mean())


METRICS = {"honest": honest_metric, "blind": blind_metric, "crooked": crooked_metric}


def _run_probe(answer: Callable, case: Case) -> Arrays:
    names = ("predicted", "true", "train_mean", "order")
    values = arrays_of(case, *names)
    result = answer(METRICS[case.settings["metric"]], *values)
    unchanged(arrays_of(case, *names), values, names)
    keys = ("truth", "shuffled", "mean")
    if not isinstance(result, dict) or set(result) != set(keys):
        raise Fault(
            f"probe should return a dictionary with the keys {', '.join(keys)}.", "no dictionary"
        )
    return {key: as_array(result[key], key).astype(float).reshape(()) for key in keys}


_PROBE = Check(
    "2.4",
    _run_probe,
    (
        stored("a metric that is honest", 0.5, "honest"),
        stored("one that never compares", 0.5, "blind"),
        stored("one that looks at each row", 1, "crooked"),
    ),
    "what the metric says of the truth itself, of predicted[order], and of the training mean for "
    "every molecule.",
    {
        "honest": "the mean absolute error as metric",
        "blind": "a metric that looks at the spread of the predictions",
        "crooked": "a metric that gives each row another weight",
    },
    advice=MISTAKES["2.4"],
    case_maker="metrics_to_probe",
)

CHECKS = (_DIPOLE, _NORMALIZER, _ERROR, _PROBE)
