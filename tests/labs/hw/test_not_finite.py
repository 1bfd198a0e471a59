"""Answers with NaN, infinity or no gradient pass no step of a check, whichever way it compares."""

import itertools
import math

import numpy as np
import pytest
import torch
from answers import HW, solution
from hand_in_builder import HandInBuilder
from marked_tasks import TaskMarker

# --- gradients ----------------------------------------------------------------------------------

IN_MODEL_FILE = ("2.1", "2.2", "2.3", "2.4", "2.5", "2.8")
IN_NOTEBOOK = ("4.1", "4.2")
STEP = "gradient"  # in the name of the step that looks at it

SPOILED = """
import torch


class Spoiled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, result):
        return result.clone()

    @staticmethod
    def backward(ctx, gradient):
        return {backward}


def spoil(result):
    return {result}


def spoiled(right):
    return lambda *arguments: spoil(right(*arguments))


"""
CHANGES = {
    "NaN": {"backward": "gradient * torch.nan", "result": "Spoiled.apply(result)"},
    "infinite": {"backward": "gradient * torch.inf", "result": "Spoiled.apply(result)"},
    "one NaN": {
        "backward": "gradient + torch.nan * (gradient == gradient.max())",
        "result": "Spoiled.apply(result)",
    },
    "none": {"backward": "None", "result": "Spoiled.apply(result)"},
    "detached": {"backward": "None", "result": "result.detach()"},
    "one of its own": {"backward": "None", "result": "result.detach().requires_grad_()"},
}


def spoiled_answer(task, change):
    names = {}
    exec(SPOILED.format(**CHANGES[change]), names)
    right = solution(task)
    if isinstance(right, type):
        return type(right.__name__, (right,), {"forward": names["spoiled"](right.forward)})
    return names["spoiled"](right)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("task", IN_MODEL_FILE + IN_NOTEBOOK)
def test_a_notebook_refuses_it(task, change):
    report = HW.run_check(task, spoiled_answer(task, change))
    assert not report.passed
    assert STEP in report.failure.name, report.text()


def spoiled_hand_in(change):
    work, code = HandInBuilder(), SPOILED.format(**CHANGES[change])
    lines = []
    for name in (HW.tasks[task].object_name for task in IN_MODEL_FILE):
        attribute = f"{name}.forward" if name[0].isupper() else name
        lines.append(f"{attribute} = spoiled({attribute})\n")
    work.model(code + "".join(lines))
    for task in IN_NOTEBOOK:
        name = HW.tasks[task].name
        right = work.source_of(task).replace(f"def {name}(", f"def right_{name}(")
        last = f"\n\ndef {name}(*arguments):\n    return spoil(right_{name}(*arguments))\n"
        work.cell(task, code + right + last)
    return work.hand_in()


@pytest.fixture(scope="module")
def marker():
    made = TaskMarker(HW)
    yield made
    made.close()


@pytest.mark.parametrize("change", CHANGES)
def test_the_grader_refuses_it(change, marker):
    result, log = marker.mark(spoiled_hand_in(change), IN_MODEL_FILE + IN_NOTEBOOK)
    for task in result.tasks:
        assert STEP in task.step and task.points < HW.tasks[task.task].points, log


# --- results ------------------------------------------------------------------------------------

NUMBERS = ("1.3", "2.1", "2.2", "2.3", "2.4", "2.5", "3.1", "3.2", "3.3", "3.4", "3.5")
NUMBERS += ("4.1", "4.2", "4.3", "4.4", "4.5", "4.6")


def with_one_bad_result(task, bad, which):
    """The right answer, whose results are right but for one call."""
    right, calls = solution(task), itertools.count()

    def spoil(result, *arguments):
        whole = any(isinstance(x, torch.Tensor) and x.dtype == torch.int64 for x in arguments[:1])
        if whole or next(calls) != which:  # 4.1 asks of whole numbers only how they are refused
            return result
        spoil.done = True
        if isinstance(result, tuple):
            return (result[0], bad)
        return result * 0.0 + bad

    spoil.done = False
    if not isinstance(right, type):
        return lambda *arguments: spoil(right(*arguments), *arguments), spoil
    changed = {"forward": lambda *arguments: spoil(right.forward(*arguments))}
    return type(right.__name__, (right,), changed), spoil


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("task", NUMBERS)
def test_every_result_that_a_check_asks_for_has_to_be_a_number(task, bad):
    with np.errstate(all="ignore"), torch.random.fork_rng():
        for which in itertools.count():
            answer, spoil = with_one_bad_result(task, bad, which)
            report = HW.run_check(task, answer, hidden=None)
            if not spoil.done:
                assert report.passed and which > 3
                return
            assert not report.passed, f"call {which}"
