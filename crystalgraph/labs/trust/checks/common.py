"""What several checks of the lab use."""

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
