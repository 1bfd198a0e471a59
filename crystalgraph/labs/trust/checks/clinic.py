"""Checks of tasks 1.8 and 1.9: the causes of sick trainings, and a training that is mended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep
from crystalgraph.checking.compare import as_array
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.labs.trust.advice import MISTAKES
from crystalgraph.labs.trust.causes import CAUSES
from crystalgraph.labs.trust.checks.common import mistake

# ---- 1.8 diagnose

FINGERPRINTS = {
    "A": "19aee556b84a",
    "B": "3c1702a3fba9",
    "C": "59e67f4346ec",
    "D": "0a132e1c6b43",
    "E": "73f2d7fecc63",
    "F": "fcd06067418d",
    "G": "e869b66e3893",
    "H": "eb82e60c1a1d",
    "I": "9273de6dfe37",
}
"""Of each patient's cause: whoever reads this file does not read the answers."""

CONFUSED = {
    ("B", "the learning rate is too low"): "rate too low",
    ("E", "the learning rate is too low"): "rate too low",
    ("B", "known inputs are masked"): "B and E exchanged",
    ("E", "prediction and target differ in shape"): "B and E exchanged",
    ("C", "the targets have the wrong unit"): "C has the wrong unit",
    ("F", "the last epoch is kept"): "F keeps the last epoch",
    ("A", "validation runs in training mode"): "A and H exchanged",
    ("H", "the last epoch is kept"): "A and H exchanged",
    ("G", "validation and training share formulas"): "G shares formulas",
    ("I", "graphs are built in every epoch"): "I and D exchanged",
    ("D", "a batch of one crystal"): "I and D exchanged",
}
"""Patient and wrong cause -> the mistake, as the advice calls it."""


def _cause(answer: Callable, patient: str) -> str:
    """What a student names as the cause of a patient."""
    cause = answer(patient)
    if not isinstance(cause, str) or cause not in CAUSES:
        said = f"For patient {patient} your function returned {str(cause)[:60]!r}."
        raise mistake("1.8", "not a cause of the list", said)
    return CAUSES[CAUSES.index(cause)]  # ours: a stranger's text may compare as it likes


def _named_rightly(patients: str) -> Callable[[Exam], None]:
    """A test of some patients alone, so that one not yet understood costs the others nothing."""

    def test(exam: Exam) -> None:
        named = {patient: _cause(exam.answer, patient) for patient in patients}
        wrong = [
            one for one, cause in named.items() if _fingerprint(one, cause) != FINGERPRINTS[one]
        ]
        if not wrong:
            return
        said = f"Not the cause: {', '.join(f'patient {one}' for one in wrong)}."
        for patient in wrong:
            if (patient, named[patient]) in CONFUSED:
                raise mistake("1.8", CONFUSED[patient, named[patient]], said)
        raise Fault(f"{said} Compare its program with the others, line by line.", "other cause")

    return test


def _fingerprint(patient: str, cause: str) -> str:
    return hashlib.sha256(f"{patient}: {cause}".encode()).hexdigest()[:12]


def _no_outputs(answer: Callable, case: Case) -> Arrays:
    """Nothing to be stored: the steps look for themselves."""
    return {}


_DIAGNOSE = Check(
    "1.8",
    _no_outputs,
    (
        CheckStep("three that learn nothing: B, C, E", 1.5, _named_rightly("BCE")),
        CheckStep("three that are not what they seem: A, F, H", 1.5, _named_rightly("AFH")),
        CheckStep("three whose code says it: D, G, I", 1, _named_rightly("DGI")),
    ),
    "for each patient its cause, as it stands in CAUSES.",
    advice=MISTAKES["1.8"],
)

# ---- 1.9 mended_training

LOW_ENOUGH = 0.5
"""Of the mean deviation of the targets; the right answers are far below it, what learns nothing
is at 1. Twelve test crystals alone scatter too much for it: they have to be below 0.75."""


@dataclass
class Crystals:
    """The described crystals of a case, and how often each was asked for.

    Attributes:
        inputs: (n, D) numbers that describe each.
        calls: number of calls.
    """

    inputs: np.ndarray
    calls: int = 0

    def describe(self, row: int) -> Tensor:
        """Numbers (D,) of one crystal."""
        self.calls += 1
        if self.calls > len(self.inputs):
            raise mistake("1.9", "described in every epoch", f"{self.calls} calls of describe.")
        return torch.tensor(self.inputs[int(row)], dtype=torch.get_default_dtype())


def _shown_targets(case: Case) -> np.ndarray:
    """The targets with those of the test crystals replaced: whoever returns them is far off."""
    shown = case.inputs["targets"].copy()
    shown[case.inputs["test"]] = shown[case.inputs["train"]].mean()
    return shown


def _train(answer: Callable, case: Case, **changed: np.ndarray) -> Arrays:
    """The outputs of one training with the crystals of a case."""
    inputs = case.inputs | {"targets": _shown_targets(case)} | changed
    crystals = Crystals(inputs["inputs"])
    rows = [torch.from_numpy(inputs[part].copy()) for part in ("train", "val", "test")]
    targets = torch.tensor(inputs["targets"], dtype=torch.get_default_dtype())
    result = answer(crystals.describe, targets, *rows, case.settings["seed"])
    return _curve_and_prediction(result, len(targets))


def _curve_and_prediction(result: object, n_crystals: int) -> Arrays:
    """What a training returned, as arrays of the right shapes."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Fault("mended_training should return two things: curve and prediction.", "shape")
    curve, prediction = (
        as_array(one, f"Your {name}").astype(float)
        for one, name in zip(result, ("curve", "prediction"), strict=True)
    )
    if prediction.shape != (n_crystals,) or curve.ndim != 1 or len(curve) < 2:
        raise Fault(
            f"curve {curve.shape} should have a number for each epoch, and prediction "
            f"{prediction.shape} one for each of the {n_crystals} crystals.",
            "shape",
        )
    return {"curve": curve, "prediction": prediction}


def _trained(exam: Exam, case: Case) -> Arrays:
    """What the training with a case gives, run once."""
    if id(case) not in exam.outputs:
        try:
            exam.outputs[id(case)] = _train(exam.answer, case)
        except Exception as error:  # of the sandbox, or torch's ValueError
            if "more than 1 value per channel" not in str(error):
                raise
            raise mistake("1.9", "batch of one", exam.input_line(case)) from None
    return exam.outputs[id(case)]


def _runs(exam: Exam) -> None:
    for case in exam.named():
        _trained(exam, case)


@dataclass(frozen=True)
class Outcome:
    """What one training gave, beside what is known of its crystals; all errors in eV/atom.

    Attributes:
        case: the crystals.
        curve: (epochs,) as it was returned.
        prediction: (C,) as it was returned.
    """

    case: Case
    curve: np.ndarray
    prediction: np.ndarray

    def error(self, *parts: str, shown: bool = False) -> float:
        """Mean absolute error in parts of the crystals; of the targets as they were shown."""
        targets = _shown_targets(self.case) if shown else self.case.inputs["targets"]
        return float(np.abs(self.prediction - targets)[self._rows(parts)].mean())

    def mean_alone(self, *parts: str) -> float:
        """Mean absolute error of the mean of the training targets."""
        targets = self.case.inputs["targets"]
        mean = targets[self.case.inputs["train"]].mean()
        return float(np.abs(targets - mean)[self._rows(parts)].mean())

    def beats_the_mean(self, share: float, *parts: str) -> bool:
        """Whether the error is below a share of that of the mean."""
        return self.error(*parts) <= share * self.mean_alone(*parts)

    def _rows(self, parts: Sequence[str]) -> np.ndarray:
        return np.concatenate([self.case.inputs[part] for part in parts])


def _learns(exam: Exam) -> None:
    for case in exam.named():
        it = Outcome(case, **_trained(exam, case))
        if np.isnan(it.curve[0]):
            raise mistake("1.9", "unknown left in", "The curve begins with NaN.")
        if not np.isfinite(it.prediction).all():
            raise mistake("1.9", "rate too high", "The predictions hold NaN or infinity.")
        if np.ptp(it.prediction) < 1e-6:
            raise mistake("1.9", "inputs masked", "All crystals have the same prediction.")
        if it.beats_the_mean(0.75, "test") and it.beats_the_mean(LOW_ENOUGH, "val", "test"):
            continue
        error, alone = it.error("val", "test"), it.mean_alone("val", "test")
        said = f"Error on validation and test crystals {error:.3g} eV/atom; the mean of the "
        said += f"training targets has {alone:.3g}."
        cause = _why_it_does_not_learn(it)
        raise mistake("1.9", cause, said) if cause else Fault(said, "does not learn")


def _why_it_does_not_learn(it: Outcome) -> str:
    """The mistake behind predictions that are far off; empty when it cannot be told."""
    targets, train = it.case.inputs["targets"], it.case.inputs["train"]
    if np.abs(it.prediction - targets.mean()).max() > 10 * np.ptp(targets):
        return "rate too high"
    other_epoch = _other_epoch(it)
    if other_epoch in ("test used", "curve of training"):
        return other_epoch
    if _has_another_zero(it.prediction[train], targets[train]):
        return "normalized unit"
    if it.beats_the_mean(LOW_ENOUGH, "train"):
        return "test used" if it.error("test", shown=True) < LOW_ENOUGH * it.error("test") else ""
    if other_epoch:
        return other_epoch
    half = it.curve[len(it.curve) // 2 :]
    falls = len(it.curve) < 10 or np.mean(np.diff(half) < 0) > 0.7
    if falls or np.std(it.prediction) > 0.2 * np.std(targets):
        return "hardly learned"
    return "shapes differ"


def _has_another_zero(prediction: np.ndarray, targets: np.ndarray) -> bool:
    """Whether numbers follow the targets from another zero, as in another unit."""
    follows = np.corrcoef(prediction, targets)[0, 1] > 0.8
    return bool(follows and abs(np.mean(prediction - targets)) > 0.5 * np.std(targets))


def _other_epoch(it: Outcome, rtol: float = 1e-3) -> str:
    """Why the returned network is not the one with the lowest error of the curve; empty if it is.

    The curve may be of other crystals, or the network may be another one.
    """
    lowest = it.curve.min()

    def is_lowest(error: float) -> bool:
        return bool(np.isclose(error, lowest, rtol=rtol))

    if is_lowest(it.error("val")):
        return ""
    if is_lowest(it.error("test", shown=True)):
        return "test used"
    if is_lowest(it.error("train")):
        return "curve of training"
    is_last = np.isclose(it.error("val"), it.curve[-1], rtol=rtol)
    return "last epoch" if is_last else "curve and prediction differ"


def _keeps_the_best(exam: Exam) -> None:
    """The returned network is the one with the lowest error of the curve."""
    for case in exam.named():
        it = Outcome(case, **_trained(exam, case))
        cause = _other_epoch(it)
        if cause:
            said = f"Validation error of the predictions {it.error('val'):.4f}, lowest of the curve"
            raise mistake("1.9", cause, f"{said} {it.curve.min():.4f}.")


def _learns_from_training_crystals_alone(exam: Exam) -> None:
    (case, *_) = exam.named()
    _test_changes_nothing(exam, case)
    _validation_only_chooses(exam, case)


def _validation_only_chooses(exam: Exam, case: Case) -> None:
    """Validation targets far above all others pull no prediction; another epoch is the best."""
    targets, train = _shown_targets(case), case.inputs["train"]
    spread = np.std(targets[train])
    targets[case.inputs["val"]] += 1000 * spread
    far = replace(case, inputs=case.inputs | {"targets": targets})
    it = Outcome(far, **_train(exam.answer, far))
    if not np.abs(it.prediction - targets[train].mean()).max() < 20 * spread:
        raise mistake("1.9", "learns from validation")
    if cause := _other_epoch(it, rtol=1e-5):
        raise mistake("1.9", cause)


def _test_changes_nothing(exam: Exam, case: Case) -> None:
    """Other test targets, and other inputs of all test crystals but one, change nothing else."""
    before, (first, *others) = _trained(exam, case)["prediction"], case.inputs["test"]
    targets, inputs = _shown_targets(case), case.inputs["inputs"].copy()
    targets[case.inputs["test"]] += 3 * np.std(targets)
    inputs[others] *= 3

    def moved(**changed: np.ndarray) -> np.ndarray:
        return np.abs(_train(exam.answer, case, **changed)["prediction"] - before)

    nothing = 1e-5 + 1e-4 * abs(before[first])
    if moved(targets=targets, inputs=inputs)[first] <= nothing:
        return
    if not moved()[first] <= nothing:
        raise mistake("1.9", "not repeatable")
    by_targets = moved(targets=targets)
    if by_targets[first] <= nothing:
        raise mistake("1.9", "training mode")
    pulled = by_targets[case.inputs["test"]].mean()  # by targets three spreads higher; another
    follows = pulled > 0.25 * np.std(case.inputs["targets"])  # normalizer moves it a tenth
    raise mistake("1.9", "test used" if follows else "normalizer of all")


_MENDED = Check(
    "1.9",
    _no_outputs,
    (
        CheckStep("it runs, and describes each crystal once", 1.5, _runs),
        CheckStep("it learns", 2, _learns),
        CheckStep("the epoch with the lowest validation error is kept", 1, _keeps_the_best),
        CheckStep("only training crystals teach it", 1.5, _learns_from_training_crystals_alone),
    ),
    "the curve of validation errors, and the predictions for all crystals of the network with the "
    "lowest of them, which has learned from the training crystals alone.",
    {"odd": "a number of training crystals that no batch size divides without one left"},
    {"prediction": ("crystal",), "curve": ("epoch",)},
    lambda case: ", ".join(f"{len(case.inputs[part])} {part}" for part in ("train", "val", "test")),
    advice=MISTAKES["1.9"],
    case_maker="crystals_to_train_on",
)

CHECKS = (_DIAGNOSE, _MENDED)
