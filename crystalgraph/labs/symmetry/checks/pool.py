"""The check of the weighted mean pool."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, stored
from crystalgraph.checking.compare import as_tensor, close, shapes
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.labs.symmetry.advice import MISTAKES

_INPUTS = ("atom_features", "multiplicity", "crystal")


def _tensors(case: Case) -> list[Tensor]:
    return [torch.from_numpy(case.inputs[name].copy()) for name in _INPUTS]


def _run(answer: Callable, case: Case) -> Arrays:
    result = as_tensor(answer(*_tensors(case), case.settings["n_crystals"]), "Your result")
    return {"result": result.detach().numpy()}


def _supercell_is_the_same(exam: Exam) -> None:
    for case in exam.named("random"):
        features, multiplicity, crystal = _tensors(case)
        n_crystals = case.settings["n_crystals"]
        once = as_tensor(exam.answer(features, multiplicity, crystal, n_crystals), "Your result")
        twice = as_tensor(exam.answer(features, 8 * multiplicity, crystal, n_crystals), "Its twin")
        if not close(twice, once):
            raise Fault("A supercell, 8 times each atom, gives another result.", "supercell")


CHECKS = (
    Check(
        "1.3",
        _run,
        (
            stored("two crystals by hand", 1, "paper", paper=True),
            stored("five crystals", 1.5, "random"),
            CheckStep("a supercell gives the same", 0.5, _supercell_is_the_same),
        ),
        "for each crystal the mean of the features over its atoms.",
        {
            "paper": "features 1 and 5 with multiplicities 3 and 1, and another crystal with "
            "features 2 and 4 and multiplicities 1 and 1",
            "random": "five crystals of one to four kinds, three features",
        },
        {"result": ("crystal", "feature")},
        lambda case: f"{shapes(case.inputs)}, n_crystals={case.settings['n_crystals']}",
        advice=MISTAKES["1.3"],
        case_maker="kinds_to_pool",
    ),
)
