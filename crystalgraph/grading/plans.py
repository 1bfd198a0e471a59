"""Steps of checks that the grader takes differently, since it cannot look into the sandbox."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import replace

import torch

from crystalgraph.checks.exam import Check, Exam, Plan
from crystalgraph.checks.guard import Fault, TimeUp
from crystalgraph.checks.network import (
    LAYER_INPUTS,
    build,
    fewer_than,
    not_faster,
    tensors_of,
)
from crystalgraph.checks.own_tests import Plant
from crystalgraph.grading.draw import solutions
from crystalgraph.grading.remote import operations
from crystalgraph.grading.wire import Garbled

REPEATS = 2

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
                stopped = isinstance(error, Fault) and not answer.session.running
                if stopped or isinstance(error, TimeUp):  # by us: once is enough
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
    """The check of FastConvLayer, whose last step counts multiplications on this side."""
    return replace(check, steps=(*check.steps[:-1], replace(check.steps[-1], test=_fewer)))


def _fewer(exam: Exam) -> None:
    """Raise Fault unless the layer's own operations, repeated here, are right and few."""
    case = exam.named("random")[0]
    layer, (atoms, *edges) = build(exam.answer, case), tensors_of(case, LAYER_INPUTS)
    many = [column.repeat(6, *[1] * (column.ndim - 1)) for column in edges]
    try:
        replay = operations(layer, [atoms, *many])
        right = solutions()["2.1"](*case.settings["sizes"]).double().eval()
        others = [torch.randn_like(atoms), torch.rand_like(many[0]), *many[1:]]
        with torch.no_grad():
            honest = torch.allclose(
                replay(*right.state_dict().values(), *others), right(*others), 1e-6
            )
    except Garbled as error:
        honest, replay = False, error
    if not honest:
        raise Fault(
            f"The numbers are right, but how they are made could not be followed ({replay}): use "
            "torch's functions on whole tensors.",
            "not followed",
        )
    if replay.multiplications > fewer_than(atoms, many[0]):
        raise not_faster()
