"""The check of the three bases of distances."""

from __future__ import annotations

from collections.abc import Callable

import torch

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, stored
from crystalgraph.checking.compare import as_tensor
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.gradients import gradient_is_the_slope
from crystalgraph.labs.features.advice import MISTAKES


def _basis(answer: Callable, case: Case, distance: torch.Tensor) -> torch.Tensor:
    settings = case.settings
    result = answer(distance, settings["kind"], settings["cutoff"], settings["n"])
    return as_tensor(result, "The result")


def _run(answer: Callable, case: Case) -> Arrays:
    distance = torch.from_numpy(case.inputs["distance"].copy())
    rows = _basis(answer, case, distance).detach().numpy()
    return {"rows": rows.astype(float)}


def _slope(exam: Exam) -> None:
    """Forces are slopes: the gradient has to arrive at the distance."""
    for case in exam.named("gaussians", "waves"):
        inside = case.inputs["distance"] < 0.95 * case.settings["cutoff"]
        distance = torch.from_numpy(case.inputs["distance"][inside]).requires_grad_()
        gradient_is_the_slope(lambda d=distance, c=case: _basis(exam.answer, c, d), [distance])


def _went_in(case: Case) -> str:
    settings = case.settings
    shape = case.inputs["distance"].shape
    return (
        f'distance {shape}, "{settings["kind"]}", cutoff={settings["cutoff"]:g}, n={settings["n"]}'
    )


CHECKS = (
    Check(
        "1.5",
        _run,
        (
            stored("bins, by hand and at random", 1, "paper", "bins"),
            stored("Gaussians", 1, "gaussians"),
            stored("waves that end smoothly", 1.5, "waves"),
            CheckStep("the slope arrives at the distance", 0.5, _slope),
        ),
        "(E, n): the bin; exp(-((d - middle) / length of a bin)^2) at all distances; or "
        "sqrt(2 / c) sin(k pi d / c) / d times the factor. Behind the cutoff bins and waves are 0.",
        {
            "paper": "0.5, 1, 2.5, 3 and 4.5 angstrom, four bins up to 4 angstrom",
            "bins": "30 distances, some behind the cutoff",
            "gaussians": "30 distances, some behind the cutoff",
            "waves": "30 distances, some behind the cutoff",
        },
        {"rows": ("bond", "column")},
        _went_in,
        advice=MISTAKES["1.5"],
        case_maker="distances",
    ),
)
