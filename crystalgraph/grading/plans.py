"""Steps of checks that the grader takes differently, since it cannot look into the sandbox."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from crystalgraph.checks.exam import Check, Exam, Plan
from crystalgraph.checks.guard import Fault, TimeUp
from crystalgraph.checks.own_tests import Plant
from crystalgraph.grading.draw import solutions

REPEATS = 2
N_ATOM, N_BOND, ATOMS, EDGES = 256, 4, 40, 6000
AS_FAST = 2.2  # times the solution's processor time; ConvLayer takes more than 4 times as much
TRIES = 3

# --- 2.6 and 2.7: tests that the student wrote


def shuffled_plans(check: Check, example: object, seed: str) -> Check:
    """The check of a student's test with all planted models mixed, scaled and repeated.

    A test cannot know which model it is given from the order, from the numbers, or from what it
    was asked before.

    Args:
        check: of task 2.6 or 2.7.
        example: the crystal that the test is given.
        seed: of the order.
    """
    jury = _Jury(check.steps, lambda: copy.deepcopy(example), random.Random(seed))
    steps = [replace(plan, test=jury.verdict_on(place)) for place, plan in enumerate(check.steps)]
    return replace(check, steps=tuple(steps))


class _Jury:
    def __init__(self, plans: tuple[Plan, ...], example: Callable, rng: random.Random) -> None:
        self.plans, self.example = plans, example
        jobs = [(place, plant) for place, plan in enumerate(plans) for plant in plan.test.plants]
        self.jobs = [(place, _scaled(plant, rng)) for place, plant in jobs * REPEATS]
        rng.shuffle(self.jobs)
        self.wrong: dict[int, BaseException] | None = None

    def verdict_on(self, place: int) -> Callable[[Exam], None]:
        def test(exam: Exam) -> None:
            if self.wrong is None:
                self.wrong = self._judge_all(exam.answer)
            if place in self.wrong:
                raise self.wrong[place]

        return test

    def _judge_all(self, answer: Callable) -> dict[int, BaseException]:
        wrong: dict[int, BaseException] = {}
        for place, plant in self.jobs:
            try:
                right = self.plans[place].test.is_right(answer, plant, self.example)
            except (Exception, TimeUp) as error:
                wrong.setdefault(place, error)
                if isinstance(error, TimeUp):
                    return wrong | {n: error for n in range(len(self.plans)) if n not in wrong}
                continue
            if not right:
                wrong.setdefault(place, Fault("Your test is wrong about a model.", "verdict"))
        return wrong


def _scaled(plant: Plant, rng: random.Random) -> Plant:
    """The same model in another unit."""
    factor = rng.choice((-1, 1)) * rng.uniform(0.5, 2.0)
    return replace(plant, predict=lambda crystal: factor * plant.predict(crystal))


# --- 2.8: the same numbers, faster


def faster_plan(check: Check) -> Check:
    """The check of FastConvLayer, its last step by the processor's time, taken from outside.

    Multiplications are counted in the process that does them, where a stranger could miscount.
    """
    return replace(check, steps=(*check.steps[:-1], replace(check.steps[-1], test=_less_time)))


def _less_time(exam: Exam) -> None:
    torch.manual_seed(0)
    inputs = _large_inputs()
    ours = solutions()["2.8"](N_ATOM, N_BOND).double().eval()
    theirs = exam.answer(N_ATOM, N_BOND).double().eval()
    desk = exam.answer.session.desk
    for _ in range(TRIES):
        begun = time.thread_time()
        ours(*inputs)
        needed = time.thread_time() - begun
        before = desk.sandbox.processor_seconds()
        theirs(*inputs)
        if desk.sandbox.processor_seconds() - before < AS_FAST * needed:
            return
    raise Fault(
        "The numbers are right, but it takes as long as ConvLayer: multiply the atom features by "
        "their two blocks of the weight once per atom, and pick the products per edge afterwards.",
        "not faster",
    )


def _large_inputs() -> list[Tensor]:
    atoms, bonds = torch.randn(ATOMS, N_ATOM), torch.rand(EDGES, N_BOND)
    return [atoms, bonds, *torch.randint(ATOMS, (2, EDGES))]
