"""The student's functions and layers as the checks on this side see them.

A check calls what it is given; here that is a stand-in, which sends the arguments into the sandbox
and brings back a value, what became of the arguments, and gradients when they are asked for.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from crystalgraph.checks.guard import Fault, TimeUp
from crystalgraph.checks.network import ACTIVATIONS, is_prepared
from crystalgraph.checks.tasks import Task
from crystalgraph.grading.arguments import pack_argument, restore
from crystalgraph.grading.replay import Replay
from crystalgraph.grading.result import Status
from crystalgraph.grading.sandbox import OutOfMemory, Sandbox
from crystalgraph.grading.values import pack, unpack
from crystalgraph.grading.wire import Garbled, Gone, Late

SECONDS_PER_CALL = 10.0
SECONDS_PER_TASK = 30.0
ROUNDS = 6  # so often a task gets more time, where the computer is busy with other things
MAX_MESSAGE = 1500


class RemoteError(Exception):
    """What the student's code raised; its class is named like that of the error.

    Attributes:
        student_line: place in the student's code.
    """

    student_line = ""


_KNOWN = {  # checks look for these
    kind.__name__: type(kind.__name__, (RemoteError, kind), {})
    for kind in (ZeroDivisionError, NotImplementedError)
}


class Ended(RemoteError):
    """The process of the student's code is gone."""


@dataclass
class Sandboxes:
    """Warm sandboxes, one to work in and others that are importing.

    Attributes:
        unsafe: make them without protection.
        spare: how many wait.
    """

    unsafe: bool = False
    spare: int = 1
    _waiting: list[Sandbox] = field(default_factory=list)

    def take(self) -> Sandbox:
        """The one that has waited longest, ready."""
        while len(self._waiting) < self.spare + 1:
            self._waiting.append(Sandbox(self.unsafe))
        sandbox = self._waiting.pop(0)
        sandbox.wait_until_ready()
        return sandbox

    def close(self) -> None:
        """End all that wait."""
        while self._waiting:
            self._waiting.pop().close()


class Session:
    """The code of one task at work in a sandbox.

    Args:
        desk: gives sandboxes; one that came to harm is thrown away.
        task: in question.
        code: "model", "cells" and "at", as the worker's `load` wants them.

    Attributes:
        fate: the gravest thing that happened to the process, if any.
        seen: a sentence on that.
    """

    def __init__(self, desk: Desk, task: Task, code: dict) -> None:
        self.desk, self.task, self.code = desk, task, code
        self.fate: Status | None = None
        self.seen = ""
        self.kind = ""
        self.running = False
        self.number = 0
        self.until = time.monotonic() + SECONDS_PER_TASK
        self.used_before, self.rounds = 0.0, 0

    def begin(self) -> None:
        """Load the code; raises what loading it raised."""
        self.used_before = self.desk.sandbox.processor_seconds()
        request = json.dumps({"task": self.task.id, **self.code}).encode()
        reply, _ = self._exchange({"do": "task"}, [np.frombuffer(request, np.uint8)], None)
        self.running = reply["say"] == "loaded"
        if not self.running:
            self._ended()
            raise _error(reply)
        self.kind = str(reply.get("kind"))[:20]

    def end(self) -> None:
        """Let the process of the task go."""
        if self.running:
            with contextlib.suppress(Ended, TimeUp):
                self._send({"do": "end"})
                self._ended()
        self.running = False

    def _ended(self) -> None:
        """Wait until the sandbox is ready for the next task."""
        reply, _ = self._receive()
        if reply.get("say") != "ended":
            raise self._harm(Status.TAMPERED, "it wrote into the grader's channel")

    def ask(self, message: dict, arrays: list, predict: Callable | None = None) -> tuple:
        """Send a request; returns the reply, raises what the student's code raised."""
        if not self.running:
            self.begin()
        reply, arrays = self._exchange(message, arrays, predict)
        if reply.get("say") == "raised":
            raise _error(reply)
        if reply.get("say") != "done":
            raise self._harm(Status.TAMPERED, "it wrote into the grader's channel")
        return reply, arrays

    def _exchange(self, message: dict, arrays: list, predict: Callable | None) -> tuple:
        self._send(message, arrays)
        while True:
            reply, arrays = self._receive()
            if reply.get("say") == "ended":
                self.running = False
                raise self._crashed(reply.get("code"))
            if reply.get("say") != "predict":
                return reply, arrays
            self._answer(reply, arrays, predict)

    def _answer(self, reply: dict, arrays: list, predict: Callable | None) -> None:
        if predict is None:
            raise self._harm(Status.TAMPERED, "it asked for a model where there is none")
        try:
            crystal = unpack(reply.get("crystal"), arrays)
            answer = {"value": float(predict(crystal))}
        except (Fault, Garbled):
            self.drop()
            raise
        except Exception as error:  # no crystal, or one that the model cannot read
            answer = {"refused": f"predict: {type(error).__name__}: {str(error)[:200]}"}
        self._send(answer)

    def _send(self, message: dict, arrays: list | tuple = ()) -> None:
        with self._mishaps():
            self.desk.sandbox.wire.send(message, arrays, self._seconds())

    def _receive(self) -> tuple[dict, list]:
        with self._mishaps():
            return self.desk.sandbox.wire.receive(self._seconds(), self._is_starved)

    def _is_starved(self) -> bool:
        """Whether the code runs, but slowly, since the computer is busy: then it gets more time."""
        sandbox = self.desk.sandbox
        used = sandbox.processor_seconds() - self.used_before
        starved = used < SECONDS_PER_CALL / 2 and sandbox.wants_to_run()
        self.rounds += 1
        self.until += SECONDS_PER_CALL if starved else 0.0
        return starved and self.rounds < ROUNDS

    def _seconds(self) -> float:
        return min(SECONDS_PER_CALL, max(0.0, self.until - time.monotonic()))

    @contextlib.contextmanager
    def _mishaps(self) -> Iterator[None]:
        try:
            yield
        except Late:
            self._harm(Status.TIMEOUT, "it was stopped, since it took too long")
            raise TimeUp from None
        except Gone:
            raise self._harm(Status.CRASHED, "it ended the whole sandbox") from None
        except OutOfMemory:
            raise self._harm(Status.OUT_OF_MEMORY, "its processes took too much memory") from None
        except Garbled as error:
            raise self._harm(Status.TAMPERED, f"the grader's channel carried {error}") from None

    def _harm(self, status: Status, seen: str) -> Ended:
        self.fate, self.seen = status, seen
        self.drop()
        return Ended(seen)

    def _crashed(self, code: object) -> Ended:
        self.fate, self.seen = Status.CRASHED, f"its process ended by itself (exit code {code})"
        return Ended(
            f"Python itself ended (exit code {code}): look for exit() or quit(), for indices far "
            "out of range, for a function that calls itself, or for far too much memory."
        )

    def drop(self) -> None:
        """Throw the sandbox away; the next request gets a fresh one."""
        self.running = False
        self.desk.renew()


@dataclass
class Desk:
    """Where one hand-in is graded: its sandbox, exchanged when it comes to harm.

    Attributes:
        sandboxes: to take one from.
    """

    sandboxes: Sandboxes
    _sandbox: Sandbox | None = None

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox in use."""
        if self._sandbox is None:
            self._sandbox = self.sandboxes.take()
        return self._sandbox

    def renew(self) -> None:
        """Close the sandbox in use."""
        if self._sandbox is not None:
            self._sandbox.close()
        self._sandbox = None


def _error(reply: dict) -> Exception:
    """The error that a reply tells of: text from a stranger, cut to a length."""

    def text(name: str) -> str:
        return str(reply.get(name) or "")[:MAX_MESSAGE]

    if reply.get("error") == "Fault":
        return Fault(text("message"), text("cause")[:60], text("line"), text("guess"))
    name = "".join(c for c in str(reply.get("error"))[:60] if c.isalnum() or c == "_")
    error = _KNOWN.get(name) or type(name or "Error", (RemoteError,), {})
    raised = error(text("text"))
    raised.student_line = text("line")
    raised.explained = text("message")
    raised.memory = reply.get("memory") is True
    return raised


# --- stand-ins


class RemoteFunction:
    """Stands for a function in the sandbox.

    Args:
        session: in which it is loaded.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    def __call__(self, *arguments: object, **options: float) -> object:
        """Call the student's function; its side effects on the arguments happen here too."""
        session, sent = self.session, []
        session.number += 1
        packed = [pack(argument, sent, pack_argument) for argument in arguments]
        message = {"do": "call", "number": session.number, "arguments": packed, "options": options}
        predict = next((a for a in arguments if _is_predict(a)), None)
        reply, arrays = session.ask(message, sent, predict)
        leaves = [a for a in arguments if isinstance(a, Tensor) and a.requires_grad]
        value = _value(session, reply, arrays, leaves)
        _restore(session, arguments, reply, arrays)
        return value


def _is_predict(argument: object) -> bool:
    return callable(argument) and not isinstance(argument, nn.Module)


def _value(session: Session, reply: dict, arrays: list, leaves: list[Tensor]) -> object:
    """The value in a reply; with a gradient, if it had one in the sandbox."""
    with _told(session):
        value = unpack(reply["value"], arrays)
    if isinstance(value, Tensor) and value.requires_grad and leaves:
        return _Through.apply(session, session.number, value.detach(), *leaves)
    return value


def _restore(session: Session, arguments: tuple, reply: dict, arrays: list) -> None:
    with _told(session), torch.no_grad():
        for place, after in list(reply["changes"].items()):
            restore(arguments[int(place)], unpack(after, arrays))


@contextlib.contextmanager
def _told(session: Session) -> Iterator[None]:
    """What is read here comes from a stranger: whatever is wrong with it is tampering."""
    try:
        yield
    except Exception as error:
        raise session._harm(Status.TAMPERED, "a reply of the sandbox made no sense") from error


class _Through(torch.autograd.Function):
    """A value whose gradient is computed in the sandbox."""

    @staticmethod
    def forward(ctx, session, number, value, *leaves):  # noqa: D102
        ctx.session, ctx.number = session, number
        ctx.shapes = [leaf.shape for leaf in leaves]
        return value.clone()

    @staticmethod
    def backward(ctx, gradient):  # noqa: D102
        message = {"do": "backward", "number": ctx.number}
        reply, arrays = ctx.session.ask(message, [gradient.contiguous().numpy()])
        with _told(ctx.session):
            gradients = [unpack(one, arrays) for one in reply["gradients"]]
            for shape, one in zip(ctx.shapes, gradients, strict=True):
                if one is not None and one.shape != shape:
                    raise ValueError("a gradient of another shape")
        return None, None, None, *gradients


def remote_class(session: Session, reference: type[nn.Module]) -> type[nn.Module]:
    """Stands for a layer or network in the sandbox.

    Its parameters are made by the reference's __init__, which the students were given; the forward
    pass is the student's, on a module made in the sandbox with the same weights.

    Args:
        session: in which it is loaded.
        reference: class of the same name in model.py.
    """

    class Remote(reference):
        def __init__(self, *sizes: int, **options: object) -> None:
            super().__init__(*sizes, **options)
            named = {function: name for name, function in ACTIVATIONS.items()}
            if "activation" in options:
                options = options | {"activation": named[options["activation"]]}
            self.settings = {"sizes": list(sizes), "options": options}

        def forward(self, *inputs: object) -> object:
            return _module_call(session, self, inputs)

    Remote.session = session
    Remote.__name__ = Remote.__qualname__ = reference.__name__
    return Remote


def operations(module: nn.Module, inputs: list[Tensor]) -> Replay:
    """The elementary operations of a stand-in for a layer, to be repeated here.

    Raises:
        Garbled: they cannot be.
    """
    message, sent = _module_message("record", module, inputs)
    reply, arrays = module.session.ask(message, sent)
    return Replay(reply.get("nodes"), reply.get("result"), arrays)


def _module_message(what: str, module: nn.Module, inputs: tuple | list) -> tuple[dict, list]:
    sent: list[np.ndarray] = []
    state = module.state_dict().items()
    weights = {f"weights/{name}": pack(value.numpy(), sent) for name, value in state}
    settings = module.settings | {"train": module.training, "network": is_prepared(module)}
    message = {"do": what, "number": module.session.number, "case": weights}
    packed = [pack(value, sent) for value in inputs]
    return message | {"settings": settings, "arguments": packed}, sent


def _module_call(session: Session, module: nn.Module, inputs: tuple) -> object:
    session.number += 1
    reply, arrays = session.ask(*_module_message("module", module, inputs))
    leaves = [*module.parameters(), *(i for i in inputs if _needs_gradient(i))]
    value = _value(session, reply, arrays, leaves)
    _restore(session, inputs, reply, arrays)
    if module.training:
        with _told(session), torch.no_grad():
            for name, buffer in module.named_buffers():
                buffer.copy_(unpack(reply["buffers"][name], arrays))
    return value


def _needs_gradient(value: object) -> bool:
    return isinstance(value, Tensor) and value.requires_grad
