"""Where a network is trained: on a graphics card if a step is faster there, else on the CPU.

The graphs of small crystals are small, and starting hundreds of small operations on a card takes
longer than the CPU takes to do them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from crystalgraph.networks.training import pick_device

WARM_UP, TIMED = 3, 5
"""Steps; the first ones load what the card needs."""

StepOn = Callable[[torch.device], Callable[[], object]]
"""Makes a training step on a device; the step ends when its numbers are there."""


def fastest_device(step_on: StepOn) -> torch.device:
    """Time a step on the graphics card and on the CPU; without a card nothing is timed.

    Args:
        step_on: makes the step.

    Returns:
        The faster of the two; the CPU where the card cannot do the step.
    """
    cpu, card = torch.device("cpu"), pick_device()
    if card.type == "cpu":
        return cpu
    try:
        on_card = _seconds(step_on(card))
    except (RuntimeError, TypeError, NotImplementedError):  # no such operation, or out of memory
        return cpu
    return card if on_card < _seconds(step_on(cpu)) else cpu


def _seconds(step: Callable[[], object]) -> float:
    """Shortest time of a step."""
    for _ in range(WARM_UP):
        step()
    times = []
    for _ in range(TIMED):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return min(times)
