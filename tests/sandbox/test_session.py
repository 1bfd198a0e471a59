"""One task in a sandbox: who is stopped, what else can end it, and what is said then."""

import time

import pytest
from answers import HW

from crystalgraph.checking.limits import Limits, TimeUp
from crystalgraph.sandbox.ending import Ending
from crystalgraph.sandbox.session import CurrentSandbox, Ended, RemoteError, Session
from crystalgraph.sandbox.student_code import StudentCode
from crystalgraph.sandbox.walls import OutOfMemory, ProcessorTime
from crystalgraph.sandbox.wire import Gone, Late, Malformed

USUAL = Limits()
LOADED = {"say": "loaded", "kind": "function"}


class FakeSandbox:
    """A sandbox that gives prepared replies, or raises; each takes some rounds of waiting.

    Args:
        replies: one for each message that is received.
        rounds: that each takes.
        used: processor seconds in a round.
        seconds: that a reply really takes.
    """

    def __init__(self, *replies, rounds=0, used=0.0, seconds=0.0, limits=USUAL):
        self.replies, self.rounds, self.used = list(replies), rounds, used
        self.seconds, self.limits = seconds, limits
        self.wire, self.sent, self.spent, self.closed = self, [], 0.0, 0

    def send(self, message, arrays=(), seconds=0.0):
        """As a wire does it."""
        self.sent.append(message)

    def receive(self, seconds, make_judge):
        """As a wire does it."""
        judge = make_judge()
        for _ in range(self.rounds):
            self.spent += self.used
            if judge.is_over():
                raise Late
        time.sleep(self.seconds)
        self.spent += self.used
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply, []

    def processor_time(self):
        """Spent so far."""
        return ProcessorTime(self.spent, 0.0)

    def take(self):
        """As a pool does it."""
        return self

    def close(self):
        """Counted."""
        self.closed += 1


def session_in(sandbox):
    return Session(CurrentSandbox(sandbox), StudentCode(HW.tasks["1.1"]))


# --- time


def test_slow_for_want_of_a_processor_is_waited_for():
    session = session_in(FakeSandbox(LOADED, rounds=4, used=0.5))
    session.begin()
    assert session.kind == "function" and session.ending is None
    more = USUAL.seconds_per_task + 3 * USUAL.seconds_per_call
    assert session._seconds_left > more  # the task has not lost that time


@pytest.mark.parametrize(
    ("rounds", "used"),
    [(1, 10.0), (1, 0.0), (99, 0.3)],
    ids=["a loop", "asleep", "without end"],
)
def test_all_others_are_stopped(rounds, used):
    session = session_in(FakeSandbox(LOADED, rounds=rounds, used=used))
    with pytest.raises(TimeUp):
        session.begin()
    assert session.ending is Ending.TIMEOUT and not session.running
    assert session.what_happened == "it was stopped, since it took too long"


def ask(session, times, wait=0.0):
    """Ask several times; returns how often there was an answer."""
    session.begin()
    for number in range(times):
        time.sleep(wait)
        try:
            session.ask({"do": "call"}, [])
        except TimeUp:
            return number
    return times


LITTLE = Limits(seconds_per_task=0.2)
DONE = [LOADED, *[{"say": "done"}] * 50]


def test_many_calls_that_take_long_together_are_stopped():
    session = session_in(FakeSandbox(*DONE, seconds=0.02, used=0.02, limits=LITTLE))
    assert ask(session, 30) < 30
    assert session.ending is Ending.TIMEOUT


def test_but_not_when_they_wait_for_a_processor():
    session = session_in(FakeSandbox(*DONE, seconds=0.02, used=0.001, limits=LITTLE))
    assert ask(session, 30) == 30


def test_what_the_grader_does_in_between_costs_the_task_nothing():
    session = session_in(FakeSandbox(*DONE, used=0.1, limits=LITTLE))
    assert ask(session, 4, wait=0.1) == 4


# --- other ends


ENDS = {
    Gone(): (Ending.CRASHED, "it ended the whole sandbox"),
    OutOfMemory(): (Ending.OUT_OF_MEMORY, "its processes took too much memory"),
    Malformed("a malformed array"): (
        Ending.TAMPERED,
        "the grader's channel carried a malformed array",
    ),
}


@pytest.mark.parametrize(("error", "end"), ENDS.items(), ids=lambda one: type(one).__name__)
def test_harm_done_to_the_sandbox_is_named_and_the_sandbox_renewed(error, end):
    sandbox = FakeSandbox(LOADED, error)
    session = session_in(sandbox)
    session.begin()
    with pytest.raises(Ended):
        session.ask({"do": "call"}, [])
    assert (session.ending, session.what_happened) == end
    assert sandbox.closed == 1 and not session.running


def test_a_process_that_ends_leaves_the_sandbox_to_the_next_task():
    sandbox = FakeSandbox(LOADED, {"say": "ended", "code": 7})
    session = session_in(sandbox)
    session.begin()
    with pytest.raises(Ended, match=r"exit code 7\): look for exit"):
        session.ask({"do": "call"}, [])
    assert session.ending is Ending.CRASHED and sandbox.closed == 0


@pytest.mark.parametrize("reply", [{"say": "points: 4"}, {}, {"say": "predict"}])
def test_a_reply_that_is_none_is_tampering(reply):
    session = session_in(FakeSandbox(LOADED, reply))
    session.begin()
    with pytest.raises(Ended):
        session.ask({"do": "call"}, [])
    assert session.ending is Ending.TAMPERED


def test_an_error_of_the_student_s_keeps_its_name_and_little_else():
    raised = {"say": "raised", "error": "Odd<b>Error", "text": "x" * 10_000, "line": "f, line 3"}
    session = session_in(FakeSandbox(LOADED, raised))
    session.begin()
    with pytest.raises(RemoteError) as caught:
        session.ask({"do": "call"}, [])
    assert type(caught.value).__name__ == "OddbError"
    assert caught.value.student_line == "f, line 3" and len(str(caught.value)) < 2_000
    assert session.ending is None


def test_errors_that_checks_look_for_are_what_they_look_for():
    raised = {"say": "raised", "error": "ZeroDivisionError", "text": "division by zero"}
    session = session_in(FakeSandbox(LOADED, raised))
    session.begin()
    with pytest.raises(ZeroDivisionError):
        session.ask({"do": "call"}, [])
