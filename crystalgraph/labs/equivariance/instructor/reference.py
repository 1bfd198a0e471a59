"""The lab's own right answers, taken from the solution notebooks."""

from collections.abc import Callable
from functools import cache
from typing import cast

from torch import nn

from crystalgraph import paths
from crystalgraph.checking.notebook_code import load_function
from crystalgraph.labs.equivariance.tasks import LAYER, TASKS

SOLUTIONS = paths.REPO / "solutions" / "equivariance"

EGCL = cast("type[nn.Module]", load_function(SOLUTIONS / LAYER, "EGCL"))
"""The layer's class."""


@cache
def solution(task_id: str) -> Callable:
    """The right answer to a task.

    Args:
        task_id: of the task.
    """
    task = TASKS[task_id]
    return cast(Callable, load_function(SOLUTIONS / task.where, task.object_name))
