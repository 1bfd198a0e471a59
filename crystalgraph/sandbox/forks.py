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

from crystalgraph.checking.limits import Patience


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
        too_slow: whether it was stopped.
        exit_code: of the process, negative for a signal.
    """

    value: dict | None
    too_slow: bool
    exit_code: int


def run(function: Callable[[], dict], seconds: float, rounds: int = Patience.rounds) -> Done:
    """Call a function in a fork that gets so much time; see Patience for what counts as time.

    Args:
        function: returns what JSON can hold.
        seconds: of one round.
        rounds: at most.
    """
    source, sink = os.pipe()

    def answer() -> None:
        with open(sink, "w", encoding="utf-8") as file:
            file.write(json.dumps(function()) + "\n")

    child = start(answer)
    os.close(sink)
    patience = Patience(seconds, lambda: processor_seconds(child), rounds)
    line = _read_line(source, seconds, patience)
    os.close(source)
    code = stop(child)
    with contextlib.suppress(ValueError):  # it ended before, or wrote something else
        return Done(json.loads(line or b""), False, code)
    return Done(None, line is None, code)


def _read_line(source: int, seconds: float, patience: Patience) -> bytes | None:
    """What comes through a pipe up to the end of a line or of all; None when time is up before."""
    line, end = b"", time.monotonic() + seconds
    while not line.endswith(b"\n"):
        left = max(0.0, end - time.monotonic())
        if not select.select([source], [], [], left)[0]:
            if patience.is_over():
                return None
            end += seconds
            continue
        more = os.read(source, 1 << 16)
        if not more:
            break
        line += more
    return line


def processor_seconds(process: int) -> float:
    """How long the processor has worked for a process; for its children once they have ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")
