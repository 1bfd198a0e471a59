"""Answers that an instructor knows: right ones in other styles, wrong ones with a known mistake.

A lab has them in instructor/right_answers (RIGHT_ANSWERS) and instructor/mutants: MUTANTS, whose
outputs are stored in the cases, and HELD_OUT, the same mistakes in other words, stored nowhere.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Answer = TypeVar("Answer", bound=Callable)


@dataclass(frozen=True)
class Mutant:
    """A wrong answer, which a check must reject and name.

    Attributes:
        task: its id.
        cause: the mistake, as the lab's advice calls it.
        make: gives the function or class.
    """

    task: str
    cause: str
    make: Callable[[], object]


def mutants_into(mutants: list[Mutant]) -> Callable[..., Callable[[Answer], Answer]]:
    """A decorator that appends what it decorates to a list.

    Args:
        mutants: the list.

    Returns:
        wrong(task, cause), to put above a function; a third argument makes the answer of it.
    """

    def wrong(
        task: str, cause: str, wrap: Callable[[Callable], object] = lambda answer: answer
    ) -> Callable[[Answer], Answer]:
        def keep(answer: Answer) -> Answer:
            mutants.append(Mutant(task, cause, lambda: wrap(answer)))
            return answer

        return keep

    return wrong


@dataclass(frozen=True)
class RightAnswer:
    """A right answer, which a check must accept.

    Attributes:
        task: its id.
        style: how it is written.
        answer: the function or class.
        source: its text.
    """

    task: str
    style: str
    answer: object
    source: str


def right_answers_into(answers: list[RightAnswer]) -> Callable[..., Callable[[Answer], Answer]]:
    """A decorator that appends what it decorates to a list.

    Args:
        answers: the list.

    Returns:
        right(task, style), to put above a function; with a third argument, a class, the function
        is the `forward` of a class derived from it.
    """

    def right(task: str, style: str, base: type | None = None) -> Callable[[Answer], Answer]:
        def keep(answer: Answer) -> Answer:
            made = type(base.__name__, (base,), {"forward": answer}) if base else answer
            source = inspect.getsource(answer)
            answers.append(RightAnswer(task, style, made, source[source.index("def ") :]))
            return answer

        return keep

    return right
