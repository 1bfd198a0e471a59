"""How much time and memory a student's code gets, and the one rule for when time is up."""

from __future__ import annotations

import contextlib
import glob
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MEGABYTE = 2**20
ROUNDS = 30
"""Times its seconds on the wall, after which code that waits for a processor is given up."""


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


class Late(Exception):
    """An answer did not come in time."""


class ComputerTooBusy(BaseException):
    """Other programs kept the processors so busy that nobody can tell whether code is too slow.

    No Exception: a check must not take it for an error of the student's code.
    """


BUSY = (
    "Not checked: other programs keep this computer so busy that nobody can tell whether your code "
    "is too slow. Close some of them, and check again."
)
"""What a student is told then."""


@dataclass(frozen=True)
class Times:
    """Seconds that clocks show for some code; each clock may begin anywhere.

    Attributes:
        clock: on the wall.
        used: that processors have worked on the code.
        waited: that the code was ready to go on, and processors worked on something else; None
            where the system does not tell.
    """

    clock: float
    used: float
    waited: float | None = None

    def charged_since(self, before: Times) -> float:
        """The seconds that are the code's own: it computed or slept, and did not wait for others.

        Args:
            before: what the clocks showed at the beginning.
        """
        passed, used = self.clock - before.clock, self.used - before.used
        if self.waited is not None and before.waited is not None:
            waited = self.waited - before.waited
        else:  # who computes at all is taken to have computed whenever that was possible
            waited = passed - used if used > passed / 50 else 0.0
        return min(passed, max(used, passed - waited))


class Deadline:
    """Until when code is waited for: the one rule for "too slow, or is the computer busy?".

    Code has so many seconds of its own. What it waits for a processor is not charged.

    Args:
        seconds: of its own that the code may take.
        times: what clocks show for the code. Asked for the first time when a fiftieth of the
            seconds is over, so that an answer which comes at once costs nothing; None charges
            the time on the wall.
        clock: what shows the time on the wall.
        rounds: times the seconds on the wall, after which nobody can tell any more.
    """

    def __init__(
        self,
        seconds: float,
        times: Callable[[], Times] | None = None,
        clock: Callable[[], float] = time.monotonic,
        rounds: float = ROUNDS,
    ) -> None:
        self.seconds, self.times, self.clock, self.rounds = seconds, times, clock, rounds
        self._first: Times | None = None
        self._begun = clock()
        self._end = self._begun + seconds

    def charged(self) -> float:
        """Seconds that the code has taken of its own."""
        if self._first is None or self.times is None:
            return self.clock() - self._begun
        return self.times().charged_since(self._first)

    def left(self) -> float:
        """Seconds on the wall after which to ask again.

        Raises:
            Late: the code has had its time.
            ComputerTooBusy: nobody can tell.
        """
        now = self.clock()
        if self._first is None and self.times and now > self._begun + self.seconds / 50:
            self._first = self.times()
        if now >= self._end:
            more = self.seconds - self.charged()
            if more <= 0:
                raise Late
            if now > self._begun + self.rounds * self.seconds:
                raise ComputerTooBusy("other programs keep the processors of this computer busy")
            self._end = now + max(more, self.seconds / 50)
        return self._end - now


# --- what the system tells


def seconds_waited(process: int | str = "self", thread: str = "*") -> float | None:
    """How long the threads of a process were ready, while processors worked on something else.

    Args:
        process: its id.
        thread: id of one; all that run now are added up.

    Returns:
        Seconds; None where the system does not tell, and for a process that is gone.
    """
    ran, waited = 0, 0
    for path in glob.glob(f"/proc/{process}/task/{thread}/schedstat"):
        with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
            worked, ready = file.read().split()[:2]
            ran, waited = ran + int(worked), waited + int(ready)
    return waited / 1e9 if ran else None


class OwnClock:
    """Time of the thread that uses it, on the wall, as far as it is spent in `running` blocks."""

    def __init__(self) -> None:
        self._seconds = self._waited = 0.0
        self._begun: tuple[float, float] | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Let the clock run."""
        self._begun = self._now()
        try:
            yield
        finally:
            self._seconds, self._waited = self.seconds(), self.waited()
            self._begun = None

    def seconds(self) -> float:
        """On the wall."""
        return self._seconds + (self._now()[0] - self._begun[0] if self._begun else 0.0)

    def waited(self) -> float:
        """That this thread was kept from a processor, so that it could not see an answer."""
        return self._waited + (self._now()[1] - self._begun[1] if self._begun else 0.0)

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.monotonic(), seconds_waited(thread=str(threading.get_native_id())) or 0.0


@contextlib.contextmanager
def time_limit(seconds: float, rounds: float = ROUNDS) -> Iterator[Callable[[], float]]:
    """End the block when its time is up, where the system can do that.

    Args:
        seconds: of its own that the block may take.
        rounds: times the seconds on the wall, at most; infinity where somebody else watches.

    Yields:
        What tells the seconds that the block has taken of its own; 0 where there is no limit.

    Raises:
        TimeUp: in the block, when it has had its time.
        ComputerTooBusy: in the block, when nobody can tell.
    """
    main_thread = threading.current_thread() is threading.main_thread()
    if not (main_thread and hasattr(signal, "setitimer") and math.isfinite(seconds)):
        yield lambda: 0.0
        return
    begun = _of_this_process()
    deadline = Deadline(seconds, _of_this_process, rounds=rounds)

    def ring(signum: int, frame: object) -> None:
        try:
            signal.setitimer(signal.ITIMER_REAL, deadline.left())
        except Late:
            raise TimeUp from None

    before = signal.signal(signal.SIGALRM, ring)
    around, _ = signal.setitimer(signal.ITIMER_REAL, seconds / 40)  # of a limit around this one
    try:
        yield lambda: _of_this_process().charged_since(begun)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, around)


def _of_this_process() -> Times:
    return Times(time.monotonic(), time.process_time(), seconds_waited())
