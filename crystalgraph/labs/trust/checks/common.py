"""What several checks of the lab use."""

import numpy as np

from crystalgraph.checking.faults import Fault
from crystalgraph.labs.trust.advice import MISTAKES


def mistake(task: str, cause: str, said: str = "") -> Fault:
    """A known mistake that shows in another way than by wrong numbers.

    Args:
        task: its id.
        cause: as the advice calls it.
        said: what was found.
    """
    return Fault(f"Likely mistake: {MISTAKES[task][cause]}\n{said}".rstrip(), cause)


def unchanged(name: str, before: object, after: object) -> None:
    """Raise Fault when the student's code changed what it was given.

    Args:
        name: of the argument.
        before, after: arrays, or what can be compared with ==.
    """
    arrays = hasattr(before, "shape")
    if not (np.array_equal(before, after) if arrays else before == after):  # pyright: ignore
        raise Fault(
            f"Your code changes its input `{name}` in place, so that the cells below go on with "
            f"the changed one: make a new object.",
            "in place",
        )
