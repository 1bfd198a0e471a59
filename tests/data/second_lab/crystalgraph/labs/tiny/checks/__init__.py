"""How the task is checked."""

from collections.abc import Callable

import numpy as np

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, stored
from crystalgraph.labs.tiny.advice import MISTAKES


def _run(answer: Callable, case: Case) -> Arrays:
    numbers = case.inputs["atomic_numbers"].tolist()
    return {"count": np.array(answer(numbers, case.settings["atomic_number"]))}


CHECKS = (
    Check(
        "1.1",
        _run,
        (stored("water", 1, "paper", paper=True), stored("more atoms", 3, "long")),
        "the number of atoms with this atomic number.",
        {"paper": "H2O, and oxygen", "long": "a list of 20 atoms"},
        advice=MISTAKES["1.1"],
        case_maker="atoms",
    ),
)
