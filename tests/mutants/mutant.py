"""What a mutant is."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A wrong answer.

    Attributes:
        task: "2.1".
        cause: the mistake, as crystalgraph.checks.mistakes calls it.
        make: gives the function or class.
    """

    task: str
    cause: str
    make: Callable[[], object]


def collector(mutants: list[Mutant]) -> Callable:
    """A decorator that appends what it decorates to a list.

    Args:
        mutants: the list.

    Returns:
        wrong(task, cause), to put above a function.
    """

    def wrong(task: str, cause: str, wrap: Callable = lambda answer: answer) -> Callable:
        def keep(answer: Callable) -> Callable:
            mutants.append(Mutant(task, cause, lambda: wrap(answer)))
            return answer

        return keep

    return wrong
