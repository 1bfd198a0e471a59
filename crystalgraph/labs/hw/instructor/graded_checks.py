"""Steps of checks that the grader takes differently, since it cannot look into the sandbox."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from crystalgraph.checking.cases import Case
from crystalgraph.checking.check import Check, CheckStep
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.checking.limits import TimeUp
from crystalgraph.labs.hw.checks.network import build, not_faster
from crystalgraph.labs.hw.checks.own_tests import Judge
from crystalgraph.sandbox.stand_ins import RemoteModule, timed_call

SIGNS = (1, -1)  # each model is judged with both, so that it rises once where it falls once

# --- 2.6 and 2.7: tests that the student wrote


def shuffled_models(check: Check, seed: str, right_answers: Mapping[str, object]) -> Check:
    """The check of a student's test with all planted models mixed, scaled and repeated.

    A test cannot know which model it is given from the order, from the numbers, or from what it
    was asked before: of the crystal as it was given all models say numbers of one distribution.

    Args:
        check: of a test that the student wrote.
        seed: of the order.
        right_answers: of all tasks; not needed here.
    """
    shuffled = _ShuffledModels(check.steps, random.Random(seed))
    steps = [replace(step, test=shuffled.test_of(place)) for place, step in enumerate(check.steps)]
    return replace(check, steps=tuple(steps))


class _ShuffledModels:
    """Asks for all verdicts when the first step is taken; each step looks at its own.

    Args:
        steps: of the check, each with a Judge.
        rng: for order and scales.
    """

    def __init__(self, steps: Sequence[CheckStep], rng: random.Random) -> None:
        self.judges = [cast(Judge, step.test) for step in steps]
        models = [(n, model) for n, judge in enumerate(self.judges) for model in judge.models]
        self.models = [(*one, sign * rng.uniform(1, 4)) for one in models for sign in SIGNS]
        rng.shuffle(self.models)
        self.rng = rng
        self.wrong: dict[int, BaseException] | None = None

    def test_of(self, place: int) -> Callable[[Exam], None]:
        """What the step at a place does."""

        def test(exam: Exam) -> None:
            if self.wrong is None:
                self.wrong = self._judge_all(exam)
            if place in self.wrong:
                raise self.wrong[place]

        return test

    def _judge_all(self, exam: Exam) -> dict[int, BaseException]:
        """Place of a step -> why it is lost."""
        (case,) = exam.named("example")
        wrong: dict[int, BaseException] = {}
        for place, model, value in self.models:
            try:
                verdict = self.judges[place].ask(exam.answer, model, case, value, self.rng)
            except (Exception, TimeUp) as error:
                wrong.setdefault(place, error)
                if _stopped(exam.answer, error):  # by us: once is enough
                    return {n: error for n in range(len(self.judges))} | wrong
                continue
            if not (verdict.founded and verdict.says == model.right):
                wrong.setdefault(place, Fault("Your test is wrong about a model.", "verdict"))
        return wrong


def _stopped(answer: object, error: BaseException) -> bool:
    """Whether the grader has ended the process of the student's code."""
    running = getattr(getattr(answer, "session", None), "running", True)
    return isinstance(error, TimeUp) or (isinstance(error, Fault) and not running)


# --- 2.8: the same numbers, faster

WIDTH, EDGES, ATOMS = 700, 3000, 12
TRIES = 3
SHARE = 0.36
"""Of ConvLayer's processor time. Measured, on idle and on busy computers: right answers take a
tenth to a fifth, and what multiplies one of the two blocks of atom features per edge a half."""


def timed_layer(check: Check, seed: str, right_answers: Mapping[str, object]) -> Check:
    """The check of FastConvLayer, whose last step looks at the processor's time.

    In the notebook the step counts multiplications; a count made in the student's process can be
    forged. The layer is so wide that multiplications take most of the time. Of several tries the
    fastest counts; each has a graph of its own, so that results kept from before are of no use.

    Args:
        check: of the layer.
        seed: not needed here.
        right_answers: of all tasks; ConvLayer's and FastConvLayer's are used.
    """
    layers = cast("Mapping[str, type[nn.Module]]", right_answers)
    slow, fast = layers["2.1"], layers[check.task]
    *others, last = check.steps
    steps = (*others, replace(last, test=lambda exam: _takes_less_time(exam, slow, fast)))
    advice = {**check.advice, "not faster": not_faster().message}
    return replace(check, steps=steps, advice=advice)


def _takes_less_time(exam: Exam, slow: type[nn.Module], fast: type[nn.Module]) -> None:
    """Raise Fault unless the layer is right on large graphs, and faster than ConvLayer."""
    wide = _wide_layer(slow, fast)
    layer = cast(RemoteModule, build(cast(type, exam.answer), wide.case))
    with torch.no_grad():
        layer(*wide.small)
    for number, (graph, expected) in enumerate(zip(wide.graphs, wide.expected, strict=True)):
        value, seconds = timed_call(layer, graph)
        if not _same(value, expected):
            raise Fault("The numbers are wrong for a graph of many edges.", "large graph")
        if seconds < wide.most_seconds(again=number > 0):
            return
    raise not_faster()


def _same(value: object, expected: Tensor) -> bool:
    return (
        isinstance(value, Tensor)
        and value.shape == expected.shape
        and value.dtype == expected.dtype
        and torch.allclose(value, expected, rtol=1e-9, atol=1e-9)
    )


@cache
def _wide_layer(slow: type[nn.Module], fast: type[nn.Module]) -> _WideLayer:
    """Made once per process."""
    return _WideLayer(slow, fast)


class _WideLayer:
    """A layer of many features, graphs for it, and how long it may take for one of them.

    Args:
        slow: the right ConvLayer.
        fast: the right FastConvLayer.
    """

    def __init__(self, slow: type[nn.Module], fast: type[nn.Module]) -> None:
        rng = np.random.default_rng()
        weights = slow(WIDTH, 1, batch_norm=False).double().state_dict()
        arrays = {f"weights/{name}": value.numpy() for name, value in weights.items()}
        options = {"batch_norm": False, "activation": "relu"}  # what takes the least time
        self.case = Case("wide", arrays, {"sizes": [WIDTH, 1], "options": options})
        self.small = _graph(rng, 8)
        self.graphs = [_graph(rng, EDGES) for _ in range(TRIES)]
        self.slow, layer = build(slow, self.case), build(fast, self.case)
        with torch.no_grad():
            self.slow(*self.small)
            self.expected = [layer(*graph) for graph in self.graphs]
        self.seconds = min(self._measure() for _ in range(2))

    def most_seconds(self, again: bool) -> float:
        """Processor seconds that FastConvLayer may take.

        Args:
            again: look once more how long ConvLayer takes now, on a computer that may be busy.
        """
        return SHARE * (max(self.seconds, self._measure()) if again else self.seconds)

    def _measure(self) -> float:
        """Processor seconds of ConvLayer."""
        before = os.times().user
        with torch.no_grad():
            self.slow(*self.graphs[0])
        return os.times().user - before


def _graph(rng: np.random.Generator, n_edges: int) -> list[Tensor]:
    """The inputs of a layer."""
    ends = rng.integers(0, ATOMS, (2, n_edges))
    arrays = rng.normal(size=(ATOMS, WIDTH)), rng.uniform(size=(n_edges, 1)), *ends
    return [torch.from_numpy(array) for array in arrays]
