"""The check of task 1.7: a split in which groups stay together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep
from crystalgraph.checking.compare import RTOL, as_array, first_difference
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.checking.set_order import follows_a_set
from crystalgraph.labs.trust.advice import MISTAKES
from crystalgraph.labs.trust.checks.common import mistake

PARTS = ("train", "validation", "test")


def groups_of(case: Case) -> list[str]:
    """The formula of each crystal of a case."""
    return [f"formula {number}" for number in case.inputs["group"]]


def _parts(answer: Callable, groups: Sequence[str], seed: int) -> list[np.ndarray]:
    result = answer(list(groups), seed)
    if not isinstance(result, tuple | list) or len(result) != len(PARTS):
        raise Fault("split_by_group should return three arrays: train, validation, test.", "shape")
    parts = [as_array(part, f"Your {name}") for name, part in zip(PARTS, result, strict=True)]
    for name, part in zip(PARTS, parts, strict=True):
        if part.ndim != 1 or (len(part) and part.dtype.kind not in "iu"):
            raise Fault(f"{name} should be a list of numbers of crystals, from 0.", "dtype")
        if len(part) and not (0 <= part.min() and part.max() < len(groups)):
            raise Fault(f"{name} has a crystal that is not there: 0 to {len(groups) - 1}.")
    return [part.astype(int) for part in parts]


def _run(answer: Callable, case: Case) -> Arrays:
    """What can be counted of a split, whatever the order of the groups."""
    groups = np.array(groups_of(case))
    parts = _parts(answer, groups.tolist(), case.settings["seed"])
    of_part = [set(groups[part]) for part in parts]
    uses = np.bincount(np.concatenate(parts), minlength=len(groups))
    shared = [of_part[a] & of_part[b] for a, b in ((0, 1), (0, 2), (1, 2))]
    return {
        "crystals in no part": np.array(int((uses == 0).sum())),
        "crystals named twice": np.array(int((uses > 1).sum())),
        "groups in two parts": np.array(len(set().union(*shared))),
        "groups of each part": np.array([len(one) for one in of_part]),
    }


def _together(name: str) -> Callable[[Exam], None]:
    """Compare; how many groups a random split tears apart cannot be stored."""

    def test(exam: Exam) -> None:
        for case in exam.named(name):
            got = exam.run(case)
            complete = got["crystals in no part"] == got["crystals named twice"] == 0
            if complete and got["groups in two parts"] > 0:
                raise mistake("1.7", "groups apart", exam.input_line(case))
        exam.compare(name)

    return test


def _any_sizes(exam: Exam) -> None:
    """As many groups in each part whatever the sizes of the groups, so with any seed.

    With groups of one size the numbers were right, or this step would not be taken.
    """
    for case in exam.named("mixed"):
        for more in (0, 1, 2, 3):
            another = replace(case, settings={"seed": case.settings["seed"] + more})
            wrong = first_difference(_run(exam.answer, another), case.expected, RTOL)
            if wrong == "groups of each part":
                raise mistake("1.7", "crystals counted", exam.input_line(case))
    _together("mixed")(exam)


def _seeds_matter(exam: Exam) -> None:
    groups = groups_of(exam.named("pairs")[0])
    first, again, *others = (_parts(exam.answer, groups, seed) for seed in (5, 5, 6, 7, 8))
    if not _same(first, again):
        raise mistake("1.7", "not repeatable")
    if all(_same(first, other) for other in others):
        raise mistake("1.7", "seed ignored")
    if follows_a_set(partial(_parts, exam.answer)):
        raise mistake("1.7", "order of a set")


def _same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(set(a) == set(b) for a, b in zip(one, other, strict=True))


CHECKS = (
    Check(
        "1.7",
        _run,
        (
            CheckStep("thirty formulas, two crystals each", 1.5, _together("pairs")),
            CheckStep("the seed decides", 1, _seeds_matter),
            CheckStep("formulas of one to twelve crystals, in any order", 1.5, _any_sizes),
        ),
        "every crystal in exactly one part, all crystals of a group in the same, and 70 %, 10 % "
        "and 20 % of the groups in train, validation and test.",
        {
            "pairs": "thirty formulas with two crystals each, one behind the other",
            "mixed": "fifty formulas with one to twelve crystals each, in any order",
        },
        {"groups of each part": ("part",)},
        lambda case: (
            f"{len(case.inputs['group'])} crystals, {len(set(case.inputs['group']))} formulas"
        ),
        advice=MISTAKES["1.7"],
        case_maker="formulas_to_split",
    ),
)
