"""One task in a sandbox: who is stopped, what else can end it, and what is said then."""

import time

import numpy as np
import pytest
from answers import HW

from crystalgraph.checking.limits import ComputerTooBusy, Late, Limits, TimeUp
from crystalgraph.sandbox import server
from crystalgraph.sandbox import session as module
from crystalgraph.sandbox.ending import Ending, SandboxFailed
from crystalgraph.sandbox.server import OutOfMemory, ProcessorTime, Sandbox
from crystalgraph.sandbox.session import CurrentSandbox, Ended, RemoteError, Session
from crystalgraph.sandbox.student_code import StudentCode
from crystalgraph.sandbox.wire import Gone, Malformed

USUAL = Limits()
LOADED = {"say": "loaded", "kind": "function"}


class FakeSandbox:
    """A sandbox that gives prepared replies, or raises.

    Args:
        replies: one for each message that is received.
        seconds: that each reply takes.
        used, waited: processor seconds in a reply.
        limits: on the session.
    """

    unsafe, killed, memory = False, False, 0

    def __init__(self, *replies, seconds=0.0, used=0.0, waited=0.0, limits=USUAL):
        self.replies, self.seconds, self.limits = list(replies), seconds, limits
        self.in_a_reply, self.spent = (used, waited), [0.0, 0.0]
        self.wire, self.closed, self.sent = self, 0, []

    def send(self, message, arrays=(), seconds=0.0, times=None):
        """Kept."""
        self.sent.append((message, list(arrays)))

    def receive(self, seconds, times):
        """As a wire does it."""
        time.sleep(self.seconds)
        self.spent = [sum(one) for one in zip(self.spent, self.in_a_reply, strict=True)]
        reply = self.replies.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        return reply, []

    def processor_time(self):
        """Spent so far."""
        return ProcessorTime(self.spent[0], 0.0, self.spent[1])

    def was_ended_from_outside(self):
        """As said."""
        return self.killed

    def was_starved(self, killed):
        """As a sandbox does it."""
        return Sandbox.was_starved(self, killed)

    def take(self):
        """As a pool does it."""
        return self

    def close(self):
        """Counted."""
        self.closed += 1


def session_in(sandbox):
    return Session(CurrentSandbox(sandbox), StudentCode(HW.tasks["1.1"]))


# --- time


def test_who_is_late_is_stopped():
    session = session_in(FakeSandbox(Late()))
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


def test_so_is_sleep_in_many_calls():
    session = session_in(FakeSandbox(*DONE, seconds=0.02, limits=LITTLE))
    assert ask(session, 30) < 30
    assert session.ending is Ending.TIMEOUT


def test_but_not_when_they_wait_for_a_processor():
    session = session_in(FakeSandbox(*DONE, seconds=0.02, used=0.001, waited=0.02, limits=LITTLE))
    assert ask(session, 30) == 30
    session.end()
    assert session.charged < 0.2


def test_a_process_that_follows_another_has_the_rest_of_the_time():
    ended = {"say": "ended", "code": 7}
    session = session_in(FakeSandbox(*[LOADED, ended] * 30, seconds=0.02, used=0.02, limits=LITTLE))
    crashes = 0
    with pytest.raises(TimeUp):
        while crashes < 30:
            with pytest.raises(Ended):
                session.ask({"do": "call"}, [])
            crashes += 1
    assert 0 < crashes < 15


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


# --- what is not the student's


SPOILT, FAILED = {"say": "spoilt"}, {"say": "failed", "error": "ImportError", "text": "kept"}
ENDED = {"say": "ended", "code": 0}


@pytest.mark.parametrize("reply", [SPOILT, FAILED])
def test_where_loading_fails_after_a_call_a_fresh_sandbox_is_tried(reply):
    sandbox = FakeSandbox(LOADED, {"say": "done"}, ENDED, reply, LOADED)
    current = CurrentSandbox(sandbox)
    first, second = (Session(current, StudentCode(HW.tasks[task])) for task in ("1.1", "1.2"))
    first.ask({"do": "call"}, [])
    first.end()
    second.begin()
    assert second.running and sandbox.closed == 1


def test_what_fails_in_a_fresh_sandbox_is_the_student_s():
    sandbox = FakeSandbox(FAILED, ENDED)
    with pytest.raises(RemoteError, match="kept"):
        session_in(sandbox).begin()
    assert sandbox.closed == 0


def test_a_fresh_sandbox_without_room_is_not():
    with pytest.raises(SandboxFailed, match="cannot be written"):
        session_in(FakeSandbox(SPOILT)).begin()


def test_a_sandbox_that_cannot_be_had_is_no_error_of_the_code(monkeypatch):
    sandbox = FakeSandbox(LOADED, Gone(), LOADED)
    session = session_in(sandbox)
    session.begin()
    with pytest.raises(Ended):
        session.ask({"do": "call"}, [])
    no_more = OSError("no process can be started")
    monkeypatch.setattr(sandbox, "take", lambda: (_ for _ in ()).throw(no_more))
    with pytest.raises(SandboxFailed, match="no process can be started"):
        session.ask({"do": "call"}, [])


@pytest.mark.parametrize(
    ("error", "killed"),
    [(Gone(), True), (OSError("too many open files"), False)],
    ids=["killed from outside", "no descriptor"],
)
def test_nor_is_one_that_fails_from_outside(error, killed):
    sandbox = FakeSandbox(LOADED, error)
    sandbox.killed = killed
    session = session_in(sandbox)
    session.begin()
    with pytest.raises(SandboxFailed):
        session.ask({"do": "call"}, [])
    assert session.ending is None and sandbox.closed == 1 and not session.running


KILLED = {"say": "ended", "code": -9}


@pytest.mark.parametrize("end", [Gone(), KILLED], ids=["the sandbox", "the process"])
@pytest.mark.parametrize(
    ("kills", "memory", "blamed"),
    [([7, 8], 1, False), ([7, 7], 1, True), ([7, 8], USUAL.memory, True)],
    ids=["no memory left", "killed itself", "took it all"],
)
def test_nor_one_that_the_system_ends_for_want_of_memory(kills, memory, blamed, end, monkeypatch):
    counts = iter(kills)
    for place in (module, server):
        monkeypatch.setattr(place, "killed_for_memory", lambda: next(counts))
    sandbox = FakeSandbox(LOADED, end)
    session = session_in(sandbox)
    session.begin()
    sandbox.memory = memory
    with pytest.raises(Ended if blamed else SandboxFailed):
        session.ask({"do": "call"}, [])
    assert session.ending is (Ending.CRASHED if blamed else None)


def test_nor_a_computer_that_is_too_busy():
    sandbox = FakeSandbox(LOADED, ComputerTooBusy())
    session = session_in(sandbox)
    session.begin()
    with pytest.raises(ComputerTooBusy):
        session.ask({"do": "call"}, [])
    assert session.ending is None and sandbox.closed == 1 and not session.running


# --- replies


@pytest.mark.parametrize("reply", [{"say": "points: 4"}, {}, {"say": "predict"}])
def test_a_reply_that_is_none_is_tampering(reply):
    session = session_in(FakeSandbox(LOADED, reply))
    session.begin()
    with pytest.raises(Ended):
        session.ask({"do": "call"}, [])
    assert session.ending is Ending.TAMPERED


def asked(function):
    """What a student's code is answered when it calls function(2, times=3)."""
    call = {"say": "predict", "arguments": [2], "options": {"times": 3}}
    sandbox = FakeSandbox(LOADED, call, {"say": "done"})
    session = session_in(sandbox)
    session.begin()
    session.ask({"do": "call"}, [], function)
    return sandbox.sent[-1]


def test_a_function_given_to_the_student_may_take_and_give_several_values():
    message, arrays = asked(lambda start, times: (np.arange(start, start + times), 0.5))
    (first, second), (array,) = message["value"]["items"], arrays
    assert first == {"is": "array", "at": 0} and second == 0.5
    assert array.tolist() == [2, 3, 4]


def test_what_it_cannot_answer_is_refused():
    message, arrays = asked(lambda start: start)
    assert message["refused"].startswith("predict: TypeError") and not arrays


@pytest.mark.parametrize("code", ["what was drawn", 0.731, 10**9, None])
def test_so_is_an_exit_code_that_is_none(code):
    session = session_in(FakeSandbox(LOADED, {"say": "ended", "code": code}))
    session.begin()
    with pytest.raises(Ended):
        session.ask({"do": "call"}, [])
    assert session.ending is Ending.TAMPERED and str(code) not in session.in_words


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
