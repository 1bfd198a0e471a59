"""The check of the test that the student writes: smooth bases pass it, stepped ones do not.

The student's test sees of a planted basis what it gives, and nothing else. Their order and the
numbers in their formulas are those of the case, which the grader draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep
from crystalgraph.checking.compare import as_array
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.labs.features.advice import MISTAKES

LOW, HIGH = 2.0, 4.0
"""Distances that are looked at, in angstrom."""
MAX_CALLS, MAX_DISTANCES = 60, 60_000

Formula = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(numbers (4,) between 0 and 1, distances (E, 1)) -> rows (E, K)."""


def _places(p: np.ndarray, n: int) -> np.ndarray:
    """n places from LOW to HIGH, moved a little."""
    return LOW + (HIGH - LOW) * (np.arange(n) + 0.2 + 0.6 * p[0]) / n


def _bumps(p: np.ndarray, d: np.ndarray, width: float = 0.25) -> np.ndarray:
    return np.exp(-(((d - _places(p, 5)) / width) ** 2))


def _cells(p: np.ndarray, d: np.ndarray, n: int) -> np.ndarray:
    return (np.floor((d - LOW) / (HIGH - LOW) * n + p[1]) % 6 == np.arange(6)).astype(float)


def _one_jump(p: np.ndarray, d: np.ndarray, height: float = 0.03) -> np.ndarray:
    return _bumps(p, d) + height * (d > LOW + 0.3 + p[2]) * (np.arange(5) == 3)


def _side_by_side(p: np.ndarray, d: np.ndarray) -> np.ndarray:
    return np.concatenate([_bumps(p, d), _cells(p, d, 6)], axis=1)


def _one_bump(p: np.ndarray, d: np.ndarray) -> np.ndarray:
    x = (d - 2.7 - 0.6 * p[2]) / 0.35
    return np.where(np.abs(x) < 1, (1 + np.cos(np.pi * x)) / 2, 0.0)


@dataclass(frozen=True)
class Planted:
    """A basis given to the student's test.

    Attributes:
        about: what it does, for messages.
        rows: its formula.
        smooth: what the test should say.
        against: the mistake that it is planted for, if one.
    """

    about: str
    rows: Formula
    smooth: bool
    against: str = ""


PLANTED = (
    Planted("has five wide Gaussians", _bumps, True),
    Planted("is the distance itself", lambda p, d: d + p[0], True),
    Planted("has one column for each of six bins", lambda p, d: _cells(p, d, 6), False),
    Planted("has bins of 0.02 angstrom", lambda p, d: _cells(p, d, 100), False),
    Planted(
        "has Gaussians, times a thousand", lambda p, d: 1000 * _bumps(p, d), True, "fixed limit"
    ),
    Planted("has narrow Gaussians", lambda p, d: _bumps(p, d, 0.03), True, "coarse grid"),
    Planted("has waves", lambda p, d: np.sin((4 + p[0]) * np.arange(1, 7) * d) / d, True),
    Planted(
        "has bins, times a thousandth", lambda p, d: 1e-3 * _cells(p, d, 9), False, "fixed limit"
    ),
    Planted("has Gaussians, and one of them jumps at one place", _one_jump, False, "first column"),
    Planted("rounds the distance to 0.05 angstrom", lambda p, d: np.round(20 * d + p[3]), False),
    Planted(
        "has one smooth bump, and is zero on both sides of it", _one_bump, True, "flat is stepped"
    ),
    Planted(
        "has Gaussians, and one of them drops at one place",
        lambda p, d: _one_jump(p, d, -0.03),
        False,
        "up only",
    ),
    Planted("has Gaussians and bins side by side", _side_by_side, False, "sum of columns"),
)
PLAIN = (0, 1, 2, 3)
SUBTLE = tuple(range(len(PLAIN), len(PLANTED)))


@dataclass
class Recorder:
    """Stands between the student's test and a planted basis, and counts.

    Attributes:
        planted: the basis.
        numbers: in its formula.
    """

    planted: Planted
    numbers: np.ndarray
    calls: int = field(default=0)

    def __call__(self, distance: object) -> torch.Tensor:
        """Rows (E, K) of distances (E,)."""
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise Fault(f"Your test calls the basis more than {MAX_CALLS} times; 2 can do.")
        d = as_array(distance, "What the basis is given").astype(float)
        if d.ndim != 1 or d.size > MAX_DISTANCES:
            text = f"Give the basis one tensor (E,) of at most {MAX_DISTANCES:,} distances."
            raise Fault(text, "too many distances")
        return torch.from_numpy(self.planted.rows(self.numbers, d[:, None]).astype(float))


def _run(answer: Callable, case: Case) -> Arrays:
    """What the test says of each planted basis, in the order of PLANTED."""
    said = np.zeros(len(PLANTED), dtype=int)
    for place in case.inputs["order"]:
        basis = Recorder(PLANTED[int(place)], case.inputs["numbers"][int(place)])
        result = answer(basis, LOW, HIGH)
        result = result.item() if getattr(result, "shape", None) == () else result
        if not isinstance(result, bool | np.bool_):
            raise Fault("is_smooth should return True or False.", "no truth value")
        said[int(place)] = result
    return {"said": said}


def _judge(places: tuple[int, ...]) -> Callable[[Exam], None]:
    def test(exam: Exam) -> None:
        for case in exam.named("bases"):
            said = exam.run(case)["said"]
            for place in places:
                if said[place] != PLANTED[place].smooth:
                    raise _fault(exam, case, PLANTED[place])

    return test


def _fault(exam: Exam, case: Case, planted: Planted) -> Fault:
    cause, _ = exam.likely_mistake(case)
    how = "Likely" if cause else "Possible"  # possible: what this basis was planted for
    cause = cause or planted.against
    lines = [f"{how} mistake: {exam.check.advice_on(cause)}"] if cause else []
    lines.append(f"Input: a basis that {planted.about}, from {LOW:g} to {HIGH:g} angstrom.")
    lines.append(f"Your test says {not planted.smooth}, expected {planted.smooth}.")
    return Fault("\n".join(lines), cause)


CHECKS = (
    Check(
        "1.6",
        _run,
        (
            CheckStep("smooth bases and plain bins are told apart", 2, _judge(PLAIN)),
            CheckStep("large, narrow, small and hidden ones too", 2, _judge(SUBTLE)),
        ),
        "",
        {"bases": "a basis, and the distances between which it is looked at"},
        advice=MISTAKES["1.6"],
        case_maker="bases_to_judge",
    ),
)
