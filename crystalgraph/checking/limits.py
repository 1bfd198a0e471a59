"""How much time and memory a student's code gets, and the one rule for when time is up."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MEGABYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """What a student's code may take; handed down to whoever runs it.

    Attributes:
        seconds_per_step: of one step of a check, in a notebook.
        seconds_per_call: of one call into the sandbox.
        seconds_per_task: of all calls of a task; on the board, of the task.
        seconds_per_hand_in: of all tasks together.
        seconds_to_start: until the libraries are imported, from a cold disk of a busy computer.
        seconds_of_processor: of one process in the sandbox.
        memory: bytes that one process may ask for on top of the libraries; together they may use
            half as much again.
        disk: bytes in the sandbox's memory disk.
        file_size: bytes of one file.
        processes, open_files: at most.
    """

    seconds_per_step: float = 10.0
    seconds_per_call: float = 10.0
    seconds_per_task: float = 30.0
    seconds_per_hand_in: float = 600.0
    seconds_to_start: float = 120.0
    seconds_of_processor: int = 120
    memory: int = 3 * 1024 * MEGABYTE
    disk: int = 64 * MEGABYTE
    file_size: int = 16 * MEGABYTE
    processes: int = 32
    open_files: int = 128


class TimeUp(BaseException):
    """The time limit was reached; no Exception, so that `except Exception` does not stop it."""


@dataclass
class Patience:
    """Tells code that is too slow from code on a computer that is busy.

    Code gets `seconds` by the clock. When they are over it is too slow if it has used half of them
    on the processor, or nearly nothing in the last round (it sleeps). Otherwise something else
    keeps the processor busy, and the code gets as many seconds once more.

    Attributes:
        seconds: of one round.
        used: processor seconds that the code has used so far, of a clock that starts anywhere.
        rounds: at most.
    """

    seconds: float
    used: Callable[[], float]
    rounds: int = 10

    def __post_init__(self) -> None:
        self._at_start = self._before = self.used()
        self._round = 1

    def is_over(self) -> bool:
        """Whether the time is up; to be asked at the end of each round."""
        now = self.used()
        sleeps = now - self._before < self.seconds / 50
        over = sleeps or now - self._at_start > self.seconds / 2 or self._round >= self.rounds
        self._before, self._round = now, self._round + 1
        return over


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeUp in the block when its time is up, where the system can do that."""
    main_thread = threading.current_thread() is threading.main_thread()
    if not (main_thread and hasattr(signal, "setitimer") and math.isfinite(seconds)):
        yield
        return
    patience = Patience(seconds, time.process_time)

    def ring(signum: int, frame: object) -> None:
        if patience.is_over():
            raise TimeUp
        signal.setitimer(signal.ITIMER_REAL, seconds)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
