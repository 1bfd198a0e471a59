"""What the checks are tried on."""

import numpy as np

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import ON_PAPER, Case


def atoms(numbers: CaseNumbers) -> list[Case]:
    """Water, and a longer list of atoms."""
    drawn = numbers.rng.integers(1, 5, 20)
    return [
        Case(ON_PAPER, {"atomic_numbers": np.array([8, 1, 1])}, {"atomic_number": 8}),
        Case("long", {"atomic_numbers": drawn}, {"atomic_number": int(drawn[0])}),
    ]
