"""One task at work in a sandbox: its requests, its time limits, and how it ends.

What comes back is from a stranger: text is cut to a length, and whatever breaks the rules ends the
session as tampering.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from crystalgraph.checking.faults import Fault
from crystalgraph.checking.limits import (
    ComputerTooBusy,
    Deadline,
    Late,
    Limits,
    OwnClock,
    Times,
    TimeUp,
)
from crystalgraph.sandbox.ending import Ending, SandboxFailed
from crystalgraph.sandbox.packing import pack, unpack
from crystalgraph.sandbox.server import (
    OutOfMemory,
    ProcessorTime,
    Sandbox,
    SandboxServer,
    killed_for_memory,
)
from crystalgraph.sandbox.student_code import StudentCode
from crystalgraph.sandbox.walls import Walls
from crystalgraph.sandbox.wire import Gone, Malformed

MAX_MESSAGE = 1500

Arrays = list[np.ndarray]
Predict = Callable[..., object]


class RemoteError(Exception):
    """What the student's code raised; its class is named like that of the error.

    Attributes:
        student_line: place in the student's code.
        explained: the error in words.
        memory: whether memory was short.
    """

    student_line = ""
    explained = ""
    memory = False


class Ended(RemoteError):
    """The process of the student's code is gone."""


_NAMED: dict[str, type[RemoteError]] = {  # checks look for these
    kind.__name__: type(kind.__name__, (RemoteError, kind), {})
    for kind in (ZeroDivisionError, NotImplementedError)
}


@dataclass
class SandboxPool:
    """Sandboxes of a lab, forked from a process that has its libraries loaded.

    Attributes:
        walls: around each.
        checks: module of the lab's checks, imported in each.
    """

    walls: Walls
    checks: str
    _server: SandboxServer | None = None

    @property
    def limits(self) -> Limits:
        """What the code in a sandbox may take."""
        return self.walls.limits

    def start(self) -> SandboxServer:
        """Let the libraries be loaded, if that was not begun yet."""
        if self._server is None:
            self._server = SandboxServer(self.walls, self.checks)
        return self._server

    def take(self) -> Sandbox:
        """A new one, ready.

        Raises:
            CrystalGraphError, ComputerTooBusy: see SandboxServer.sandbox.
        """
        server = self.start()
        try:
            sandbox = server.sandbox()
        except BaseException:
            self.close()
            raise
        if self.walls.alone:  # there may be no second one in it
            self._server = None
            self.start()
        return sandbox

    def close(self) -> None:
        """End all of them."""
        if self._server is not None:
            self._server.close()
        self._server = None


@dataclass
class CurrentSandbox:
    """The sandbox in which one hand-in is graded, exchanged when it comes to harm.

    Attributes:
        pool: to take one from.
        used: whether a student's code was called in it.
    """

    pool: SandboxPool
    used: bool = False
    _sandbox: Sandbox | None = None

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox in use.

        Raises:
            SandboxFailed: none can be had; the message says why.
            ComputerTooBusy: none is ready in time.
        """
        if self._sandbox is None:
            try:
                self._sandbox = self.pool.take()
            except Exception as error:  # whatever it is, it is not the student's
                raise SandboxFailed(f"{type(error).__name__}: {error}") from error
        return self._sandbox

    def renew(self) -> None:
        """Close the sandbox in use; the next request gets another one."""
        if self._sandbox is not None:
            self._sandbox.close()
        self._sandbox, self.used = None, False


class Session:
    """The code of one task at work in a sandbox.

    Args:
        current: the sandbox; it is renewed when it comes to harm.
        code: to load.

    Attributes:
        ending: the gravest thing that happened to the process, if any.
        what_happened: a sentence on that, for the instructor.
        in_words: the same for the student.
        kind: of what was loaded: "function", "class" or "other".
        running: whether the process is there.
        calls: number of calls so far.
        charged: seconds of its own that the task has taken, without those of the process that is
            there now.
    """

    def __init__(self, current: CurrentSandbox, code: StudentCode) -> None:
        self.current, self.code = current, code
        self.limits = current.pool.limits
        self.ending: Ending | None = None
        self.what_happened = self.in_words = ""
        self.kind = ""
        self.running = False
        self.calls = 0
        self.charged = 0.0
        self._killed = 0
        self._clock = OwnClock()
        self._deadline: Deadline | None = None

    def begin(self) -> None:
        """Load the code; raises what loading it raised.

        Where that fails in a sandbox that was used it is tried once more in a fresh one: an earlier
        call may have spoilt the disk, or kept an input there that must not come back in a message.
        """
        used = self.current.used
        reply = self._load()
        if used and reply.get("say") != "loaded":
            self.drop()
            reply = self._load()
        self.running = reply.get("say") == "loaded"
        if reply.get("say") == "spoilt":
            self.drop()
            raise SandboxFailed("the code cannot be written into a fresh sandbox")
        if not self.running:
            self._wait_for_end()
            raise _error(reply)
        self.kind = str(reply.get("kind"))[:20]

    def _load(self) -> dict:
        self._charge()
        self._killed = killed_for_memory()
        left = max(0.0, self.limits.seconds_per_task - self.charged)
        self._deadline = Deadline(left, self._times, self._clock.seconds)
        return self._exchange({"do": "load"}, [self.code.to_array()])[0]

    def end(self) -> None:
        """Let the process of the task go."""
        if self.running:
            with contextlib.suppress(Ended, TimeUp, SandboxFailed, ComputerTooBusy):
                self._charge()
                self._send({"do": "end"})
                self._wait_for_end()
        self.running = False

    def ask(self, message: dict, arrays: Arrays, predict: Predict | None = None) -> tuple:
        """Send a request; returns the reply, raises what the student's code raised.

        Args:
            message: the request.
            arrays: that belong to it.
            predict: the function that the student's code was given and may call.
        """
        if not self.running:
            self.begin()
        self.current.used = True
        message["single"] = torch.get_default_dtype() == torch.float32  # there as here
        reply, arrays = self._exchange(message, arrays, predict)
        if reply.get("say") == "raised":
            raise _error(reply)
        if reply.get("say") != "done":
            raise self._wrote_into_the_channel()
        return reply, arrays

    def processor_time(self) -> ProcessorTime:
        """What the processor has done so far for all that runs or ran in the sandbox."""
        return self.current.sandbox.processor_time()

    @contextlib.contextmanager
    def reading_a_reply(self) -> Iterator[None]:
        """A reply comes from a stranger: whatever is wrong with it is tampering."""
        try:
            yield
        except Exception as error:
            raise self._harmed(Ending.TAMPERED, "a reply of the sandbox was malformed") from error

    # --- messages

    def _exchange(self, message: dict, arrays: Arrays, predict: Predict | None = None) -> tuple:
        self._send(message, arrays)
        while True:
            reply, arrays = self._receive()
            if reply.get("say") == "ended":
                self.running = False
                raise self._crashed(reply.get("code"))
            if reply.get("say") != "predict":
                return reply, arrays
            self._predict(reply, arrays, predict)

    def _predict(self, reply: dict, arrays: Arrays, predict: Predict | None) -> None:
        """Answer what the student's code asks a function of ours."""
        if predict is None:
            raise self._harmed(Ending.TAMPERED, "it asked for a model where there is none")
        sent: Arrays = []
        try:
            given = [unpack(one, arrays) for one in reply["arguments"]]
            named = {str(name): unpack(one, arrays) for name, one in reply["options"].items()}
            answer = {"value": pack(predict(*given, **named), sent)}
        except (Fault, Malformed):
            self.drop()
            raise
        except Exception as error:  # arguments that the function cannot read
            answer = {"refused": f"predict: {type(error).__name__}: {str(error)[:200]}"}
        self._send(answer, sent if "value" in answer else ())

    def _wait_for_end(self) -> None:
        """Wait until the sandbox is ready for the next task."""
        reply, _ = self._receive()
        if reply.get("say") != "ended":
            raise self._wrote_into_the_channel()

    def _send(self, message: dict, arrays: Arrays | tuple = ()) -> None:
        with self._mishaps():
            wire = self.current.sandbox.wire
            with self._task_time():
                wire.send(message, arrays, self.limits.seconds_per_call, self._times)

    def _receive(self) -> tuple[dict, Arrays]:
        with self._mishaps(), self._task_time():
            return self.current.sandbox.wire.receive(self.limits.seconds_per_call, self._times)

    # --- time

    def _times(self) -> Times:
        return self.processor_time().beside(self._clock)

    def _charge(self) -> None:
        """Add what the process that is there has taken; its successor has the rest."""
        if self._deadline is not None:
            self.charged += self._deadline.charged()
        self._deadline = None

    @contextlib.contextmanager
    def _task_time(self) -> Iterator[None]:
        """Raise Late when the task has had its time; what the grader takes for itself is free."""
        if self._deadline is not None:
            self._deadline.left()
        with self._clock.running():
            yield

    # --- what can go wrong

    @contextlib.contextmanager
    def _mishaps(self) -> Iterator[None]:
        try:
            yield
        except Late:
            self._harmed(Ending.TIMEOUT, "it was stopped, since it took too long")
            raise TimeUp from None
        except Gone:
            self._look_for_starvation()
            if self.current.sandbox.was_ended_from_outside():
                self.drop()
                raise SandboxFailed("something outside has ended the sandbox") from None
            raise self._harmed(Ending.CRASHED, "it ended the whole sandbox") from None
        except OutOfMemory:
            problem = "its processes took too much memory"
            raise self._harmed(Ending.OUT_OF_MEMORY, problem) from None
        except Malformed as error:
            problem = f"the grader's channel carried {error}"
            raise self._harmed(Ending.TAMPERED, problem) from None
        except ComputerTooBusy:
            self.drop()
            raise
        except OSError as error:
            self.drop()
            raise SandboxFailed(f"the grader's end of the channel failed: {error}") from error

    def _look_for_starvation(self) -> None:
        """Raise SandboxFailed when the system may have ended a process for want of memory."""
        if self.current.sandbox.was_starved(self._killed):
            self.drop()
            raise SandboxFailed("the system had no memory left and ended processes")

    def _harmed(self, ending: Ending, what_happened: str) -> Ended:
        """Throw the sandbox away, and remember why; returns the error to raise."""
        self.ending, self.what_happened, self.in_words = ending, what_happened, what_happened
        self.drop()
        return Ended(what_happened)

    def _wrote_into_the_channel(self) -> Ended:
        return self._harmed(Ending.TAMPERED, "it wrote into the grader's channel")

    def _crashed(self, code: object) -> Ended:
        if type(code) is not int or not -64 <= code < 256:  # no system gives such a code
            return self._wrote_into_the_channel()
        if code == -signal.SIGKILL:
            self._look_for_starvation()
        self.ending = Ending.CRASHED
        self.what_happened = f"its process ended by itself (exit code {code})"
        self.in_words = (
            f"Python itself ended (exit code {code}): look for exit() or quit(), for indices far "
            "out of range, for a function that calls itself, or for far too much memory."
        )
        return Ended(self.in_words)

    def drop(self) -> None:
        """Throw the sandbox away; the next request gets a fresh one."""
        self._charge()
        self.running = False
        self.current.renew()


def _error(reply: dict) -> Exception:
    """The error in a reply: text from a stranger, cut to a length."""

    def text(name: str) -> str:
        return str(reply.get(name) or "")[:MAX_MESSAGE]

    if reply.get("error") == "Fault":
        return Fault(text("message"), text("cause")[:60], text("line"), text("guess"))
    name = "".join(c for c in str(reply.get("error"))[:60] if c.isalnum() or c == "_")
    raised = (_NAMED.get(name) or type(name or "Error", (RemoteError,), {}))(text("text"))
    raised.student_line = text("line")
    raised.explained = text("message")
    raised.memory = reply.get("memory") is True
    return raised
