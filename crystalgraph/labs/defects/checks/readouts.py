"""Checks of tasks 1.4 to 1.8: pooling, dilution, localization, contrast."""

from collections.abc import Callable

import numpy as np
import torch

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, stored
from crystalgraph.checking.compare import as_array, as_tensor, close, shapes
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.checking.gradients import gradient_is_the_slope
from crystalgraph.labs.defects.advice import MISTAKES

POOL = ("atom_features", "multiplicity", "crystal")
MAX = ("atom_features", "crystal")
CONTRAST = ("atom_features", "element", "multiplicity", "crystal")


def _tensors(case: Case, names: tuple[str, ...]) -> list[torch.Tensor]:
    return [torch.from_numpy(case.inputs[name].copy()) for name in names]


def _run_on_tensors(names: tuple[str, ...]) -> Callable[[Callable, Case], Arrays]:
    """Give a function the tensors of these names; it must leave them as they are."""

    def run(answer: Callable, case: Case) -> Arrays:
        inputs = _tensors(case, names)
        result = as_tensor(answer(*inputs), "The result")
        for name, value in zip(names, inputs, strict=True):
            if not np.array_equal(value.numpy(), case.inputs[name]):
                raise Fault(f"Your function changes `{name}`: leave it as it is.", "in place")
        return {"result": as_array(result, "The result")}

    return run


def _went_in(case: Case) -> str:
    return shapes(case.inputs)


def _trains(names: tuple[str, ...]) -> Callable[[Exam], None]:
    """The result has a gradient, which is its slope."""

    def test(exam: Exam) -> None:
        case = exam.named("random")[0]
        exam.run(case)
        features, *rest = _tensors(case, names)
        features.requires_grad_()
        gradient_is_the_slope(lambda: exam.answer(features, *rest), [features])

    return test


# ---- 1.4 mean_pool


def _listed_one_by_one(exam: Exam) -> None:
    """A kind of m atoms is the same as m kinds of one atom."""
    case = exam.named("random")[0]
    features, count, crystal = _tensors(case, POOL)
    counted = exam.run(case)["result"]
    times = count.long()
    listed = [column.repeat_interleave(times, dim=0) for column in (features, crystal)]
    other = exam.answer(listed[0], torch.ones_like(listed[0][:, 0]), listed[1])
    if not close(other, counted):
        raise Fault(
            "Atoms listed one by one give another mean than the same atoms counted.",
            guess="A kind of atoms counts as often as it occurs.",
        )


_MEAN = Check(
    "1.4",
    _run_on_tensors(POOL),
    (
        stored("two cells by hand", 1.5, "paper", paper=True),
        stored("a batch of cells", 1, "random"),
        CheckStep("atoms counted or listed: the same", 0.5, _listed_one_by_one),
        CheckStep("a tensor with a gradient", 1, _trains(POOL)),
    ),
    "for each cell and feature the sum of multiplicity times feature, divided by the sum of the "
    "multiplicities of this cell.",
    {
        "paper": "a cell of kinds with 3 and 1 atoms, features 1 and 5, and a cell of one kind",
        "random": "five cells with one to six kinds of atoms",
    },
    {"result": ("crystal", "feature")},
    _went_in,
    advice=MISTAKES["1.4"],
    case_maker="kinds_to_average",
)

# ---- 1.5 max_pool

_MAX = Check(
    "1.5",
    _run_on_tensors(MAX),
    (
        stored("two cells by hand", 1, "paper", paper=True),
        stored("a batch of cells, also with negative features", 1, "random", "negative"),
        CheckStep("a tensor with a gradient", 1, _trains(MAX)),
    ),
    "for each cell and feature the largest value among the rows of this cell.",
    {
        "paper": "a cell of two kinds with the features (1, 5) and (4, 2), and a cell of one kind",
        "random": "five cells with one to six kinds of atoms",
        "negative": "three cells with negative features only",
    },
    {"result": ("crystal", "feature")},
    _went_in,
    advice=MISTAKES["1.5"],
    case_maker="kinds_to_compare",
)

# ---- 1.6 dilution


def _run_dilution(answer: Callable, case: Case) -> Arrays:
    inputs = {name: value.copy() for name, value in case.inputs.items()}
    result = answer(*(inputs[name] for name in ("perfect", "defective", "n_atoms")))
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Fault("dilution should return two things: the shifts, and the slope.", "shape")
    slope = as_array(result[1], "Your slope")
    return {"shift": as_array(result[0], "Your shift"), "slope": slope.reshape(slope.shape or ())}


def _twice_the_difference(exam: Exam) -> None:
    """Differences twice as large: shifts twice as large, and the slope as it was."""
    case = exam.named("random")[0]
    perfect, defective, n_atoms = (
        case.inputs[name].copy() for name in ("perfect", "defective", "n_atoms")
    )
    got = exam.run(case)
    doubled = exam.answer(perfect, perfect + 2 * (defective - perfect), n_atoms)
    if not (close(doubled[0], 2 * got["shift"]) and close(doubled[1], got["slope"], atol=1e-7)):
        raise Fault(
            "Differences that are twice as large should give shifts twice as large, and the same "
            "slope.",
            "not a length",
            guess="Take the length of the difference of the two vectors.",
        )


_DILUTION = Check(
    "1.6",
    _run_dilution,
    (
        stored("one host, two sizes, by hand", 1.5, "paper", paper=True),
        CheckStep("differences twice as large", 0.5, _twice_the_difference),
        stored("seven sizes of many hosts", 2, "random", "flat"),
    ),
    "for each size the median over the hosts of the length of the difference vector, and the slope "
    "of a straight line fitted to log shift against log N.",
    {
        "paper": "differences (3, 4) at N = 10 and (0.3, 0.4) at N = 100",
        "random": "differences that fall with N, and one host that is unusual",
        "flat": "differences that do not depend on N",
    },
    {"shift": ("size",)},
    _went_in,
    advice=MISTAKES["1.6"],
    case_maker="pooled_twins",
)

# ---- 1.7 hit_rate

HIT = ("scores", "at_defect", "multiplicity", "crystal")


def _run_hits(answer: Callable, case: Case) -> Arrays:
    inputs = [case.inputs[name].copy() for name in HIT]
    result = answer(*inputs)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Fault("hit_rate should return two numbers: the hit rate, and chance.", "shape")
    values = [as_array(one, "Your result") for one in result]
    if any(one.size != 1 for one in values):
        raise Fault("hit_rate should return two numbers, not arrays: take means.", "shape")
    return {name: one.reshape(()) for name, one in zip(("hit rate", "chance"), values, strict=True)}


def _only_the_order_counts(exam: Exam) -> None:
    case = exam.named("random")[0]
    scores, *rest = (case.inputs[name].copy() for name in HIT)
    got = exam.run(case)
    shifted = exam.answer(np.exp(scores) - 5, *rest)
    if not close(np.array(shifted, dtype=float), np.array([got["hit rate"], got["chance"]])):
        raise Fault(
            "The result changes when all scores go through exp(s) - 5, which keeps their order.",
            "threshold",
            guess="Only the highest score of a cell counts.",
        )


_HITS = Check(
    "1.7",
    _run_hits,
    (
        stored("two cells by hand", 2, "paper", paper=True),
        CheckStep("only the order of the scores counts", 0.5, _only_the_order_counts),
        stored("batches of cells", 2.5, "random", "shares"),
    ),
    "hit rate: the mean over cells of the share at the defect of the kind with the highest score; "
    "chance: the mean over cells of the share of atoms that are at the defect.",
    {
        "paper": "a cell of 8 atoms, 2 of them at the defect, found; and one of 4 atoms, 1 of them "
        "at the defect, missed",
        "random": "six cells with two to six kinds of atoms",
        "shares": "kinds of which some atoms are at the defect and others are not",
    },
    {},
    _went_in,
    advice=MISTAKES["1.7"],
    case_maker="scored_cells",
)

# ---- 1.8 contrast


def _perfect_atoms_have_none(exam: Exam) -> None:
    """Where all atoms of an element are of one kind, the contrast is exactly 0."""
    case = exam.named("random")[0]
    features, element, multiplicity, crystal = _tensors(case, CONTRAST)
    _, first = np.unique(crystal.numpy() * 1000 + element.numpy(), return_index=True)
    rows = torch.from_numpy(np.sort(first))
    alone = exam.answer(features[rows], element[rows], multiplicity[rows], crystal[rows])
    if not close(alone, torch.zeros_like(features[rows]), atol=1e-9):
        raise Fault(
            "In a cell in which each element is on one kind of site, every atom agrees with its "
            "own kind: the contrast should be 0.",
            "not its own kind",
        )


_CONTRAST = Check(
    "1.8",
    _run_on_tensors(CONTRAST),
    (
        stored("one cell by hand", 1.5, "paper", paper=True),
        stored("a batch of cells", 1.5, "random"),
        CheckStep("a perfect layer has no contrast", 1, _perfect_atoms_have_none),
        CheckStep("a tensor with a gradient", 1, _trains(CONTRAST)),
    ),
    "the absolute difference between each row and the mean over the atoms of the same element in "
    "the same cell, each counted with its multiplicity.",
    {
        "paper": "one cell: 3 S atoms with feature 1, one S with 5, and 2 Mo with 4",
        "random": "four cells that share elements",
    },
    {"result": ("kind", "feature")},
    _went_in,
    advice=MISTAKES["1.8"],
    case_maker="kinds_to_contrast",
)

CHECKS = (_MEAN, _MAX, _DILUTION, _HITS, _CONTRAST)
