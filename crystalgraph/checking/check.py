"""How one task is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.compare import RTOL, RTOL_ON_PAPER

if TYPE_CHECKING:
    from torch import nn

    from crystalgraph.checking.examine import Exam


@dataclass(frozen=True)
class CheckStep:
    """One step of a check.

    Attributes:
        name: what is tried, for the report.
        points: for passing.
        test: raises Fault when the answer is wrong.
    """

    name: str
    points: float
    test: Callable[[Exam], None]


@dataclass(frozen=True)
class ModuleForm:
    """How the module of a class that a student writes is made, here and in the sandbox.

    Attributes:
        build: (class, case) -> the module with the weights of the case.
        settings: (arguments of the class, its options, module) -> settings of a case of which
            `build` makes the same module again; plain values.
    """

    build: Callable[[type, Case], nn.Module]
    settings: Callable[[tuple, dict, nn.Module], dict]


@dataclass(frozen=True)
class Check:
    """How one task is checked.

    Attributes:
        task: its id.
        run: (answer, case) -> outputs.
        steps: in order; their points add up to the task's.
        expected: in words, what the answer should be.
        describe: case -> what goes in, in words.
        axes: output -> names of its axes.
        went_in: case -> names and shapes of the inputs.
        advice: known mistake -> cause and cure, never code or numbers.
        case_maker: name of the function in the lab's instructor/case_makers that makes its
            cases; empty for a check that needs none.
        graded_form: name of the function in the lab's instructor/graded_checks.py that makes of
            this check the one that the grader uses; empty where both are the same.
        module: how the student's class becomes a module; None for functions.
    """

    task: str
    run: Callable[[Any, Case], Arrays]
    steps: tuple[CheckStep, ...]
    expected: str
    describe: Mapping[str, str] = field(default_factory=dict)
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    went_in: Callable[[Case], str] = lambda case: ""
    advice: Mapping[str, str] = field(default_factory=dict)
    case_maker: str = ""
    graded_form: str = ""
    module: ModuleForm | None = None

    @property
    def kind(self) -> str:
        """What the student writes: "function" or "class"."""
        return "function" if self.module is None else "class"

    def advice_on(self, cause: str) -> str:
        """Cause and cure of a mistake, in a sentence or two."""
        return self.advice.get(cause, f"{cause}.")


def stored(name: str, points: float, *cases: str, paper: bool = False) -> CheckStep:
    """A step that compares with stored cases.

    Args:
        name: of the step.
        points: for passing.
        cases: names of the cases.
        paper: computed by hand, so with the tolerance of a hand.
    """
    rtol = RTOL_ON_PAPER if paper else RTOL
    return CheckStep(name, points, lambda exam: exam.compare(*cases, rtol=rtol))
