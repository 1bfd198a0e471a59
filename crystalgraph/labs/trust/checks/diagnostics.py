"""Checks of tasks 1.4 to 1.6: errors of elements, learning curves, error bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from pymatgen.core import Element

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, stored
from crystalgraph.checking.compare import as_array, shapes
from crystalgraph.checking.faults import Fault
from crystalgraph.labs.trust.advice import MISTAKES


def _went_in(case: Case) -> str:
    return shapes(case.inputs)


def _call(answer: Callable, case: Case, *names: str) -> object:
    """What the answer returns for copies of some inputs."""
    return answer(*(case.inputs[name].copy() for name in names))


def _numbers(result: object, names: Sequence[str], function: str) -> Arrays:
    """A tuple of single numbers by name."""
    if isinstance(result, np.ndarray | torch.Tensor) and result.ndim == 1:
        result = list(result)
    if not isinstance(result, tuple | list) or len(result) != len(names):
        raise Fault(f"{function} should return {len(names)} numbers: {', '.join(names)}.", "shape")
    values = [as_array(one, f"Your {name}") for name, one in zip(names, result, strict=True)]
    for name, value in zip(names, values, strict=True):
        if value.size != 1:
            raise Fault(f"Your {name} should be one number, not an array.", "shape")
    return {name: value.reshape(()) for name, value in zip(names, values, strict=True)}


# ---- 1.4 error_by_element


def crystals_of(case: Case) -> list[list[str]]:
    """The symbols of the atoms of each crystal of a case."""
    symbols = [Element.from_Z(int(z)).symbol for z in case.inputs["numbers"]]
    ends = np.cumsum(case.inputs["n_atoms"])
    return [symbols[end - n : end] for end, n in zip(ends, case.inputs["n_atoms"], strict=True)]


def _run_elements(answer: Callable, case: Case) -> Arrays:
    found = answer(crystals_of(case), case.inputs["error"].copy())
    if not isinstance(found, dict):
        raise Fault(f"error_by_element should return a dict, not a {type(found).__name__}.", "type")
    unknown = [key for key in found if key not in Element.__members__]
    if unknown:
        raise Fault(f"The keys should be symbols such as 'Na', and {unknown[0]!r} is none.", "keys")
    values = as_array(list(found.values()), "The values of your dict")
    if values.ndim != 1:
        raise Fault("The values of your dict should be single numbers.", "shape")
    numbers = np.array([Element(str(key)).Z for key in found], dtype=int)
    order = np.argsort(numbers)
    return {"elements": numbers[order], "error": values[order].astype(float)}


_ELEMENTS = Check(
    "1.4",
    _run_elements,
    (
        stored("three crystals by hand", 1.5, "paper", paper=True),
        stored("twenty crystals", 1.5, "many"),
    ),
    "for each element the mean of |error| over the crystals that contain it, each counted once.",
    {
        "paper": "NaCl off by 0.1, KCl off by -0.3, and Na2S off by 0.5 eV/atom",
        "many": "twenty crystals of up to four of eight elements",
    },
    {"elements": ("element",), "error": ("element",)},
    _went_in,
    advice=MISTAKES["1.4"],
    case_maker="crystals_with_errors",
)

# ---- 1.5 learning_exponent


def _run_exponent(answer: Callable, case: Case) -> Arrays:
    result = _call(answer, case, "sizes", "errors")
    return _numbers(result, ("exponent", "factor"), "learning_exponent")


_EXPONENT = Check(
    "1.5",
    _run_exponent,
    (
        stored("four times the data, half the error", 1, "paper", paper=True),
        stored("a learning curve with noise", 1, "curve"),
        stored("sizes at unequal distances", 1, "unequal"),
    ),
    "the slope of a straight line fitted to log(error) against log(size), and how many times the "
    "data halve the error along that line.",
    {
        "paper": "sizes 100 and 400, errors 0.2 and 0.1 eV/atom",
        "curve": "seven sizes, each twice the one before",
        "unequal": "six sizes that are far from equally spaced",
    },
    {},
    _went_in,
    advice=MISTAKES["1.5"],
    case_maker="learning_curves",
)

# ---- 1.6 calibration


def _run_calibration(answer: Callable, case: Case) -> Arrays:
    result = _call(answer, case, "error", "spread")
    return _numbers(result, ("within 1", "within 2", "factor"), "calibration")


_CALIBRATION = Check(
    "1.6",
    _run_calibration,
    (
        stored("four crystals by hand", 1.5, "paper", paper=True),
        stored("two hundred crystals", 1.5, "many"),
    ),
    "the shares of crystals with |error| up to one and up to two of their own spreads, and the "
    "root mean square of error / spread.",
    {
        "paper": "errors 1, -1, 3, -5 and spreads 2, 0.5, 2, 2",
        "many": "two hundred crystals whose spreads are too small",
    },
    {},
    _went_in,
    advice=MISTAKES["1.6"],
    case_maker="errors_with_bars",
)

CHECKS = (_ELEMENTS, _EXPONENT, _CALIBRATION)
