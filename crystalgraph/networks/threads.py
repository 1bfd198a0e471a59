"""How many threads PyTorch works on: one, or all that it takes by itself, whichever is faster.

Where other programs use the processors too, threads wait for each other after each operation, and
a training step on two threads can take a hundred times as long as on one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.nn.functional import batch_norm, softplus

from crystalgraph.networks.training import pick_device

STEPS = 3  # timed on one thread, and at most so many on all
CLEARLY = 0.8
"""All threads must need less than this share of the time: they change the last digits of results,
and where both are equally fast chance would decide."""


def keep_faster() -> int:
    """Time a training step on one thread and on all, and keep the faster of the two.

    A number that was set to one stays. On a graphics card nothing is timed. Takes about as long as
    a dozen training steps: the threads are given up once they have taken longer than one alone.

    Returns:
        The number of threads kept.
    """
    if torch.get_num_threads() == 1 or pick_device().type != "cpu":
        return torch.get_num_threads()
    return _keep_faster_for(make_step())


@contextmanager
def faster_threads_for(make_step: Callable[[], Callable[[], object]]) -> Iterator[int]:
    """One thread or as many as there are now, whichever does a step faster; restored after.

    Args:
        make_step: makes what is timed; not called where there is one thread only.
    """
    before = torch.get_num_threads()
    try:
        yield before if before == 1 else _keep_faster_for(make_step())
    finally:
        torch.set_num_threads(before)


def _keep_faster_for(step: Callable[[], object]) -> int:
    n_all = torch.get_num_threads()
    torch.set_num_threads(1)
    _seconds(step)  # the first one allocates memory
    limit = CLEARLY * sum(_seconds(step) for _ in range(STEPS))
    torch.set_num_threads(n_all)
    if _seconds(step) > limit or not _within(limit, step):  # the first one starts the threads
        torch.set_num_threads(1)
    return torch.get_num_threads()


def _within(limit: float, step: Callable[[], object]) -> bool:
    spent = 0.0
    for _ in range(STEPS):
        spent += _seconds(step)
        if spent > limit:
            return False
    return True


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def make_step() -> Callable[[], None]:
    """A gated convolution forward and backward, as large as for a batch of 64 small crystals.

    It stands for the network, which may not be written yet. It takes its numbers from a generator
    of its own, so that whatever is drawn afterwards is the same.
    """
    n_atoms, n_neighbors, width = 320, 13, 64
    generator = torch.Generator().manual_seed(0)
    edges = torch.randn(n_atoms * n_neighbors, 2 * width + 41, generator=generator)
    weight = torch.randn(edges.shape[1], 2 * width, generator=generator, requires_grad=True)
    center = torch.arange(n_atoms).repeat_interleave(n_neighbors)

    def step() -> None:
        with torch.enable_grad():
            both = batch_norm(edges @ weight, None, None, training=True)
            gate, core = both.chunk(2, dim=1)
            messages = torch.sigmoid(gate) * softplus(core)
            atoms = torch.zeros(n_atoms, width).index_add(0, center, messages)
            atoms.square().mean().backward()

    return step
