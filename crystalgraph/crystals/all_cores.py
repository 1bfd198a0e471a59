"""The same work for many crystals, on all cores where that is faster."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import closing
from itertools import repeat
from multiprocessing.connection import wait
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_ONCE = 32
"""Items that a process takes at a time: enough to make messages cheap, few enough to stop soon."""

_work: tuple[Callable, Sequence] = (lambda item: item, ())
"""In a process of the pool: the function, and all items."""


def results_of(
    function: Callable[[Item], Result], items: Sequence[Item], enough: int
) -> Generator[Result]:
    """What a function returns for each of many items, in their order.

    What raises an error or gives a warning in another process is done again in this one: errors
    and warnings are the same as with one process.

    Args:
        function: its results can be pickled.
        items: what it is called with.
        enough: for fewer items other processes take longer to begin than they save.

    Returns:
        The results, one after the other. Closing the generator ends the other processes.
    """
    most = len(items) // AT_ONCE if len(items) >= enough else 1
    n_processes = min(_n_processes(), most) if most > 1 else 1
    with closing(_attempts(function, items, n_processes)) as attempts:
        for item, attempt in zip(items, attempts, strict=True):
            yield function(item) if attempt is None else attempt[0]


def _n_processes() -> int:
    """As many as there are cores; one where a fork may not survive, and in such a process."""
    if sys.platform != "linux" or multiprocessing.parent_process():
        return 1
    from joblib import cpu_count  # it knows the limits of containers, too

    return cpu_count()


def _attempts(
    function: Callable[[Item], Result], items: Sequence[Item], n_processes: int
) -> Generator[tuple[Result] | None]:
    """The result for each item from another process; None: to be done in this one."""
    n_done = 0
    if n_processes > 1:
        try:
            for attempt in _from_pool(function, items, n_processes):
                yield attempt
                n_done += 1
        except (BrokenExecutor, OSError):  # no memory for a process, or no room for its queue
            pass
    yield from repeat(None, len(items) - n_done)


def _from_pool(function: Callable, items: Sequence, n_processes: int) -> Generator[Any]:
    # A fork has the items already: only numbers of rows and results are sent.
    fork = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(n_processes, fork, _begin, (function, items))
    try:
        starts = range(0, len(items), AT_ONCE)
        waiting = deque(pool.submit(_attempt_some, start) for start in starts)
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(function: Callable, items: Sequence) -> None:
    """In a new process: an interruption is for the first process, which then ends this one."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.freeze()  # what is shared would be copied when it is searched for garbage
    _work = function, items


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)


def _attempt_some(start: int) -> list[tuple[Any] | None]:
    function, items = _work
    return [_attempt(function, item) for item in items[start : start + AT_ONCE]]


def _attempt(function: Callable, item: Any) -> tuple[Any] | None:
    with warnings.catch_warnings(record=True) as said:
        try:
            result = function(item)
        except Exception:
            return None
    return None if said else (result,)
