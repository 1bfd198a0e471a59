"""Running a function in a process of its own: it may end, hang or change whatever it likes.

The process is a fork, so that the libraries are there at once; for Linux.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crystalgraph.checking.limits import (
    ROUNDS,
    ComputerTooBusy,
    Deadline,
    Late,
    Times,
    seconds_waited,
)


def start(function: Callable[[], object]) -> int:
    """Call a function in a fork, which ends with it.

    Args:
        function: whatever it raises is dropped.

    Returns:
        The id of the process, which leads a session of its own.
    """
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.setsid()
            function()
        os._exit(0)
    return child


def wait(process: int) -> int:
    """Wait for a fork, then end what it started; returns its exit code, negative for a signal."""
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    _kill_group(process)
    return code


def stop(process: int) -> int:
    """End a fork and what it started; returns its exit code, negative for a signal."""
    _kill_group(process)
    with contextlib.suppress(ProcessLookupError):  # it may not lead its group yet
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


@dataclass(frozen=True)
class Done:
    """How a function in a fork came out.

    Attributes:
        value: what it returned; None when the process ended before.
        stopped: why it was: "too slow", or "busy" where other programs kept the processors so busy
            that nobody can tell; empty when it was not.
        exit_code: of the process, negative for a signal.
    """

    value: dict | None
    stopped: str
    exit_code: int


def run(function: Callable[[], dict], seconds: float, rounds: int = ROUNDS) -> Done:
    """Call a function in a fork that gets so much time; see Deadline for what counts as time.

    Args:
        function: returns what JSON can hold.
        seconds: of its own that it may take.
        rounds: times the seconds on the wall, at most.
    """
    source, sink = os.pipe()

    def answer() -> None:
        with open(sink, "w", encoding="utf-8") as file:
            file.write(json.dumps(function()) + "\n")

    child = start(answer)
    os.close(sink)
    line, stopped = b"", ""
    try:
        line = _read_line(source, Deadline(seconds, lambda: times_of(child), rounds=rounds))
    except Late:
        stopped = "too slow"
    except ComputerTooBusy:
        stopped = "busy"
    os.close(source)
    code = stop(child)
    with contextlib.suppress(ValueError):  # it ended before, or wrote something else
        return Done(json.loads(line), "", code)
    return Done(None, stopped, code)


def _read_line(source: int, deadline: Deadline) -> bytes:
    """What comes through a pipe up to the end of a line or of all, in time.

    Raises:
        Late, ComputerTooBusy: see Deadline.
    """
    line = b""
    while not line.endswith(b"\n"):
        if not select.select([source], [], [], deadline.left())[0]:
            continue
        more = os.read(source, 1 << 16)
        if not more:
            break
        line += more
    return line


def times_of(process: int) -> Times:
    """What clocks show for a process; of its children once they have ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        used = sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        used = 0.0
    return Times(time.monotonic(), used, seconds_waited(process))
