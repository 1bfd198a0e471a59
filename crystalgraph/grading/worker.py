"""What runs in the sandbox: the student's functions and layers, on inputs from outside.

    python -P -m crystalgraph.grading.worker LIMITS

Everything is imported before any code of a student's arrives. Each task runs in a fork of this
process, so that one which ends, hangs or changes whatever it likes leaves the others alone. Nothing
in here is secret, and nothing that comes out of here is believed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from crystalgraph.checks import all_checks
from crystalgraph.checks.cases import Case
from crystalgraph.checks.guard import Fault, double_precision, explain
from crystalgraph.checks.network import build
from crystalgraph.checks.tasks import MODEL_FILE, TASKS, Task
from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading.arguments import Arguments
from crystalgraph.grading.replay import record
from crystalgraph.grading.values import pack, unpack
from crystalgraph.grading.wire import Gone, TooLarge, Wire
from crystalgraph.notebooks import function_of

FOREVER = 1e9
KEPT = 4  # results whose gradient may still be asked for
HOME = Path("/tmp/work")


def main() -> None:
    """Serve one task after the other, each in a fork."""
    limits = json.loads(sys.argv[1])
    wire = _take_the_wire()
    _import_the_rest()
    _set_limits(limits)
    gc.collect()
    gc.freeze()  # forks share what nobody writes to
    wire.send({"say": "ready"})
    while True:
        try:
            message, arrays = wire.receive(FOREVER)
        except Gone:
            return
        child = os.fork()
        if child == 0:
            os.setsid()
            with contextlib.suppress(BaseException):
                serve(wire, message, arrays)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        wire.send({"say": "ended", "code": code})


def _take_the_wire() -> Wire:
    """Standard input and output; what the student's code prints goes nowhere."""
    wire = Wire(os.dup(0), os.dup(1))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return wire


def _import_the_rest() -> None:
    """What libraries import when they are first used, which takes a second."""
    all_checks()
    sys.modules.setdefault("torch._dynamo", _NothingCompiled("torch._dynamo"))
    layer = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).eval()
    torch.autograd.grad(layer(torch.ones(1, 2)).sum(), [*layer.parameters()])
    torch.optim.Adam(layer.parameters()).step()
    record(layer, [torch.ones(1, 2)], [])
    torch.set_num_threads(1)


class _NothingCompiled(ModuleType):
    """Stands for torch._dynamo, whose import takes longer than a hand-in's tasks.

    Optimizers import it to keep compilers away, and nothing is compiled here. Whoever asks for
    anything else gets the real one.
    """

    @staticmethod
    def disable(function: Callable, *_: object, **__: object) -> Callable:
        """The function as it is."""
        return function

    @staticmethod
    def graph_break() -> None:
        """Nothing to break."""

    def __getattr__(self, name: str) -> object:
        if sys.modules.get("torch._dynamo") is self:
            del sys.modules["torch._dynamo"]
        return getattr(importlib.import_module("torch._dynamo"), name)


def _set_limits(limits: dict[str, int]) -> None:
    if not limits:
        return
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limits = limits | {"RLIMIT_AS": limits["RLIMIT_AS"] + pages * resource.getpagesize()}
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))


# --- one task, in a fork


def serve(wire: Wire, message: dict, arrays: list[np.ndarray]) -> None:
    """Load the answer to a task and call it as often as asked for."""
    request = json.loads(arrays[0].tobytes())
    task = TASKS[request["task"]]
    torch.manual_seed(0)
    with double_precision():
        try:
            answer = load(task, request)
        except BaseException as error:
            wire.send({"say": "failed"} | _told(error, f"Loading {task.where}"))
            return
        kind = "class" if inspect.isclass(answer) else "function" if callable(answer) else "other"
        wire.send({"say": "loaded", "kind": kind})
        desk = Desk(wire, task, answer)
        while True:
            message, arrays = wire.receive(FOREVER)
            if message["do"] == "end":
                return
            desk.do(message, arrays)


def load(task: Task, request: dict) -> object:
    """The student's function or class.

    Args:
        task: which.
        request: "model" holds the text of model_hw.py, "cells" those of the notebook, "at" the
            place of the task's own.
    """
    HOME.mkdir(parents=True, exist_ok=True)
    if request["model"] is not None:
        (HOME / MODEL_FILE).write_text(request["model"], encoding="utf-8")
    os.chdir(HOME)
    sys.path.append(str(HOME))  # last, so that no file there stands in for a library
    if task.where != MODEL_FILE:
        return function_of(request["cells"], task.name, task.where, request["at"])
    module = importlib.import_module(Path(MODEL_FILE).stem)
    if not hasattr(module, task.object_name):
        raise CrystalGraphError(f"{MODEL_FILE} does not define {task.object_name}.")
    return getattr(module, task.object_name)


def _told(error: BaseException, call: str) -> dict:
    """An error as JSON: its class, its text, the student's line."""
    if isinstance(error, Fault):
        known = {"message": error.message, "cause": error.cause, "guess": error.guess}
        return {"error": "Fault", "line": error.line} | known
    fault = explain(error, call)
    text = str(error) if isinstance(error, CrystalGraphError) else fault.message
    said = {"error": type(error).__name__, "message": text, "line": fault.line}
    return said | {"text": str(error)} | {"memory": _is_memory(error)}


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


class Desk:
    """Answers what the grader asks about one function or class.

    Args:
        wire: to the grader.
        task: in question.
        answer: the student's function or class.
    """

    def __init__(self, wire: Wire, task: Task, answer: object) -> None:
        self.wire, self.task, self.answer = wire, task, answer
        self.results: dict[int, tuple[Tensor, list[Tensor]]] = {}

    def do(self, message: dict, arrays: list[np.ndarray]) -> None:
        """One request, one reply."""
        work = {"call": self.call, "module": self.module, "backward": self.backward}
        work["record"] = self.record
        out: list[np.ndarray] = []
        try:
            reply = {"say": "done"} | work[message["do"]](message, arrays, out)
        except BaseException as error:
            reply, out = {"say": "raised"} | _told(error, self.task.name), []
        try:
            self.wire.send(reply, out)
        except TooLarge as error:
            self.wire.send({"say": "raised", "error": "TooLarge", "text": str(error)})

    def call(self, message: dict, arrays: list[np.ndarray], out: list) -> dict:
        """A function: its value, and what it did to its arguments."""
        arguments = Arguments(message["arguments"], arrays, self.predict)
        value = self.answer(*arguments.values, **message["options"])
        leaves = [v for v in arguments.values if isinstance(v, Tensor) and v.requires_grad]
        return self._value(value, leaves, message["number"], out) | {
            "changes": arguments.changes(out)
        }

    def module(self, message: dict, arrays: list[np.ndarray], out: list) -> dict:
        """A layer or network, made anew with the weights given: its value and its buffers."""
        module = self._made(message, arrays)
        arguments = Arguments(message["arguments"], arrays, self.predict)
        value = module(*arguments.values)
        floats = [v for v in arguments.values if isinstance(v, Tensor) and v.requires_grad]
        known = self._value(value, [*module.parameters(), *floats], message["number"], out)
        buffers = {name: pack(buffer, out) for name, buffer in module.named_buffers()}
        return known | {"buffers": buffers, "changes": arguments.changes(out)}

    def _made(self, message: dict, arrays: list[np.ndarray]) -> nn.Module:
        inputs = {name: unpack(value, arrays) for name, value in message["case"].items()}
        return build(self.answer, Case("", inputs, message["settings"]))

    def record(self, message: dict, arrays: list[np.ndarray], out: list) -> dict:
        """The elementary operations of a layer."""
        inputs = [unpack(value, arrays) for value in message["arguments"]]
        return record(self._made(message, arrays), inputs, out)

    def _value(self, value: object, leaves: list[Tensor], number: int, out: list) -> dict:
        if isinstance(value, Tensor) and value.requires_grad:
            self.results[number] = (value, leaves)
            self.results.pop(number - KEPT, None)
        return {"value": pack(value, out)}

    def backward(self, message: dict, arrays: list[np.ndarray], out: list) -> dict:
        """The gradient of an earlier value in its inputs and parameters."""
        value, leaves = self.results[message["number"]]
        given = torch.from_numpy(arrays[0])
        # of a number, since torch imports sympy to look at the shape of anything larger
        gradients = torch.autograd.grad(
            (value * given).sum(), leaves, retain_graph=True, allow_unused=True
        )
        return {"gradients": [pack(gradient, out) for gradient in gradients]}

    def predict(self, crystal: object) -> object:
        """The model given to a test that the student wrote; the grader answers."""
        out: list[np.ndarray] = []
        self.wire.send({"say": "predict", "crystal": pack(crystal, out)}, out)
        message, arrays = self.wire.receive(FOREVER)
        if "refused" in message:
            raise RuntimeError(message["refused"])
        return unpack(message["value"], arrays)


if __name__ == "__main__":
    main()
