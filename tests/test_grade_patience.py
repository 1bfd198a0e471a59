"""Who is stopped: code that loops or sleeps, not code that waits for a busy computer."""

import time

import pytest

from crystalgraph.checks.guard import TimeUp
from crystalgraph.checks.tasks import TASKS
from crystalgraph.grading import remote
from crystalgraph.grading.result import Status
from crystalgraph.grading.wire import Late


class Slow:
    """A sandbox in which an answer takes some periods, while this much processor time is used."""

    def __init__(self, periods, used, runs):
        self.wire, self.periods, self.used, self.runs = self, periods, used, runs
        self.spent = 0.0

    def send(self, *_):
        """Taken."""

    def receive(self, seconds, again):
        """As Wire does it."""
        while self.periods:
            self.periods, self.spent = self.periods - 1, self.spent + self.used
            if not again():
                raise Late
        return {"say": "loaded", "kind": "function"}, []

    def processor_seconds(self):
        """Spent so far."""
        return self.spent

    def wants_to_run(self):
        """Whether it would run, if it could."""
        return self.runs

    def take(self):
        """As Sandboxes does it."""
        return self

    def close(self):
        """Nothing to close."""


def begin(periods, used, runs):
    session = remote.Session(remote.Desk(Slow(periods, used, runs)), TASKS["1.1"], {})
    session.begin()
    return session


def test_slow_for_want_of_a_processor_is_waited_for():
    session = begin(periods=4, used=0.5, runs=True)
    assert session.kind == "function" and session.fate is None
    more = remote.SECONDS_PER_TASK + 3 * remote.SECONDS_PER_CALL
    assert session.until > time.monotonic() + more  # the task has not lost that time


@pytest.mark.parametrize(
    ("periods", "used", "runs"),
    [(1, remote.SECONDS_PER_CALL, True), (1, 0.0, False), (99, 0.1, True)],
    ids=["a loop", "asleep", "without end"],
)
def test_all_others_are_stopped(periods, used, runs):
    session = remote.Session(remote.Desk(Slow(periods, used, runs)), TASKS["1.1"], {})
    with pytest.raises(TimeUp):
        session.begin()
    assert session.fate is Status.TIMEOUT
