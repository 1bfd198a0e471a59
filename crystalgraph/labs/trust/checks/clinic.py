"""Checks of tasks 1.8 and 1.9: the causes of sick trainings, and a training that is mended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

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


def _run_diagnose(answer: Callable, case: Case) -> Arrays:
    """The number in the list of the cause of each patient."""
    found = {}
    for patient in FINGERPRINTS:
        cause = answer(patient)
        if not isinstance(cause, str) or cause not in CAUSES:
            said = f"For patient {patient} your function returned {str(cause)[:60]!r}."
            raise mistake("1.8", "not a cause of the list", said)
        found[patient] = np.array(CAUSES.index(cause))
    return found


_NO_INPUT = Case("all patients", {})


def _named_rightly(patients: str) -> Callable[[Exam], None]:
    """A test of some patients; it says which of them are not understood."""

    def test(exam: Exam) -> None:
        found = exam.run(_NO_INPUT)
        named = {patient: CAUSES[int(found[patient])] for patient in patients}
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


_DIAGNOSE = Check(
    "1.8",
    _run_diagnose,
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
is at 1."""


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
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Fault("mended_training should return two things: curve and prediction.", "shape")
    curve, prediction = (
        as_array(one, f"Your {name}").astype(float)
        for one, name in zip(result, ("curve", "prediction"), strict=True)
    )
    if prediction.shape != (len(targets),) or curve.ndim != 1 or len(curve) < 2:
        raise Fault(
            f"curve {curve.shape} should have a number for each epoch, and prediction "
            f"{prediction.shape} one for each of the {len(targets)} crystals.",
            "shape",
        )
    return {"curve": curve, "prediction": prediction}


def _no_outputs(answer: Callable, case: Case) -> Arrays:
    """Nothing to be stored: another computer rounds otherwise, and training makes that large."""
    return {}


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


def _learns(exam: Exam) -> None:
    for case in exam.named():
        prediction, targets = _trained(exam, case)["prediction"], case.inputs["targets"]
        if not np.isfinite(prediction).all():
            raise mistake("1.9", "rate too high", "The predictions hold NaN or infinity.")
        if np.ptp(prediction) < 1e-6:
            raise mistake("1.9", "inputs masked", "All crystals have the same prediction.")
        test = case.inputs["test"]
        error = np.abs(prediction - targets)[test].mean()
        alone = np.abs(targets - targets[case.inputs["train"]].mean())[test].mean()
        if error > LOW_ENOUGH * alone:
            said = f"Test error {error:.3f}; the mean of the training targets has {alone:.3f}."
            near = np.std(prediction) < LOW_ENOUGH * np.std(targets)
            raise mistake("1.9", "shapes differ" if near else "rate too high", said)


def _keeps_the_best(exam: Exam) -> None:
    """The returned network is the one with the lowest error of the curve."""
    for case in exam.named():
        got, val = _trained(exam, case), case.inputs["val"]
        own = np.abs(got["prediction"] - case.inputs["targets"])[val].mean()
        curve = got["curve"]
        if np.isclose(own, curve.min(), rtol=1e-3):
            continue
        is_last = np.isclose(own, curve[-1], rtol=1e-3)
        said = f"Validation error of the predictions {own:.4f}, lowest of the curve "
        raise mistake(
            "1.9", "last epoch" if is_last else "training mode", said + f"{min(curve):.4f}."
        )


def _learns_from_the_others_alone(exam: Exam) -> None:
    """Other test targets, and other inputs of all test crystals but one, change nothing else."""
    (case, *_) = exam.named()
    before, (first, *others) = _trained(exam, case)["prediction"], case.inputs["test"]
    targets, inputs = _shown_targets(case), case.inputs["inputs"].copy()
    targets[case.inputs["test"]] += 3 * np.std(targets)
    inputs[others] *= 3

    def as_before(**changed: np.ndarray) -> bool:
        after = _train(exam.answer, case, **changed)["prediction"]
        return bool(np.isclose(after[first], before[first], rtol=1e-4, atol=1e-5))

    if as_before(targets=targets, inputs=inputs):
        return
    if not as_before():
        raise mistake("1.9", "not repeatable")
    raise mistake("1.9", "training mode" if as_before(targets=targets) else "normalizer of all")


_MENDED = Check(
    "1.9",
    _no_outputs,
    (
        CheckStep("it runs, and describes each crystal once", 1.5, _runs),
        CheckStep("it learns", 2, _learns),
        CheckStep("the epoch with the lowest validation error is kept", 1, _keeps_the_best),
        CheckStep("test crystals change nothing", 1.5, _learns_from_the_others_alone),
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
