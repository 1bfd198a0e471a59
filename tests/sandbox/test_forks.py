"""A function in a fork: its value comes back, or what became of it."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from crystalgraph.checking.limits import Times
from crystalgraph.sandbox import forks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are used on Linux alone")


def forever():
    while True:
        pass


def test_the_value_of_a_function_comes_back():
    done = forks.run(lambda: {"points": 4.0, "message": "é" * 100_000}, 20)
    assert done.value == {"points": 4.0, "message": "é" * 100_000}
    assert not done.stopped


@pytest.mark.parametrize("work", [forever, lambda: time.sleep(60)], ids=["a loop", "asleep"])
def test_what_does_not_come_to_an_end_is_stopped(work):
    done = forks.run(work, 0.3)
    assert (done.value, done.stopped, done.exit_code) == (None, "too slow", -signal.SIGKILL)


def test_what_gets_no_processor_is_not_too_slow(monkeypatch):
    """It is as ready to go on as can be, and something else runs all the time."""

    def always_waiting(child):
        return Times(time.monotonic(), 0.0, time.monotonic())

    monkeypatch.setattr(forks, "times_of", always_waiting)
    done = forks.run(forever, 0.1, rounds=3)
    assert (done.value, done.stopped, done.exit_code) == (None, "busy", -signal.SIGKILL)


@pytest.mark.parametrize(
    ("work", "codes"),
    [
        (lambda: os._exit(7), {7}),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), {-signal.SIGTERM}),
        (lambda: 1 / 0, {0, -signal.SIGKILL}),  # nothing comes any more: it may be stopped
        (lambda: sys.exit(3), {0, -signal.SIGKILL}),
        (lambda: {"no": object()}, {0, -signal.SIGKILL}),
    ],
    ids=["an end", "a signal", "an error", "an exit", "no JSON"],
)
def test_what_ends_without_a_value(work, codes):
    done = forks.run(work, 20)
    assert (done.value, done.stopped) == (None, "")
    assert done.exit_code in codes


def leave_behind():
    """A process that would go on for long."""
    return {"pid": subprocess.Popen(["sleep", "600"]).pid}


def is_gone(pid):
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(20)
    return not psutil.pid_exists(pid)


def test_what_a_function_started_goes_with_it():
    assert is_gone(forks.run(leave_behind, 20).value["pid"])


def test_so_it_does_when_a_fork_is_waited_for(tmp_path):
    note = tmp_path / "pid"
    child = forks.start(lambda: note.write_text(str(leave_behind()["pid"])))
    assert forks.wait(child) == 0
    assert is_gone(int(note.read_text()))


def test_the_fork_leaves_this_process_as_it_was():
    known = []
    forks.run(lambda: known.append(1) or {}, 20)
    assert known == []
