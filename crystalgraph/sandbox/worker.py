"""What runs in the sandbox: the student's functions and layers, on inputs from outside.

    python -P -m crystalgraph.sandbox.worker REQUEST

Everything is imported before any code of a student's arrives, by a process that never runs any: a
sandbox is a fork of it behind inner walls. There each task runs in a further fork, so that one
which ends, hangs or changes whatever it likes leaves the others alone. Nothing in here is secret,
and nothing that comes out of here is believed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import json
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from crystalgraph.checking.cases import Case
from crystalgraph.checking.check import Check
from crystalgraph.checking.faults import Fault, explain
from crystalgraph.checking.notebook_code import function_of
from crystalgraph.checking.notebook_statements import study
from crystalgraph.checking.quiet import double_precision
from crystalgraph.checking.slow_imports import leave_out_compiler
from crystalgraph.errors import CrystalGraphError
from crystalgraph.sandbox import forks, inner_walls
from crystalgraph.sandbox.arguments import Arguments
from crystalgraph.sandbox.forbidden_calls import forbid
from crystalgraph.sandbox.packing import pack, unpack
from crystalgraph.sandbox.student_code import StudentCode
from crystalgraph.sandbox.wire import Gone, TooLarge, Wire

FOREVER = 1e9
KEPT = 4  # results whose gradient may still be asked for


def main() -> None:
    """Load the libraries, then fork a sandbox whenever one is asked for."""
    request = json.loads(sys.argv[1])
    door = socket.socket(fileno=os.dup(0))
    _drop_what_is_printed(0, 1)
    checks = import_all(request["checks"])
    gc.collect()
    gc.freeze()  # forks share what nobody writes to
    Wire(door.fileno(), door.fileno()).send({"say": "ready"})
    door.setblocking(True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    while True:
        _, descriptors, *_ = socket.recv_fds(door, 1, 3)
        if len(descriptors) != 3:
            return
        if os.fork() == 0:
            door.close()
            _start_sandbox(request, checks, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _start_sandbox(
    request: dict, checks: dict[str, Check], source: int, sink: int, status: int
) -> NoReturn:
    """Fork into a sandbox; what is left outside waits, and says how that has ended."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        shared = not (request["unsafe"] or request["alone"])
        if shared:
            child = inner_walls.enter(request["disk"], request["kept"])
        else:
            child = os.fork()
        if child:
            os.close(source)
            os.close(sink)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            os.write(status, str(code).encode())
            os._exit(0)
        os.setsid()
        os.write(status, str(os.getpid()).encode())
        os.close(status)
        _set_limits(request["limits"])
        if not request["unsafe"]:
            inner_walls.give_up_rights()
            forbid()
        _serve_tasks(Wire(source, sink), checks)
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def _serve_tasks(wire: Wire, checks: dict[str, Check]) -> None:
    """Serve one task after the other, each in a fork."""
    _drop_what_is_printed(2)
    wire.send({"say": "ready"})
    while True:
        try:
            _, arrays = wire.receive(FOREVER)
        except Gone:
            os._exit(0)
        code = StudentCode.from_array(arrays[0])
        study(code.released)  # once for the tasks of a notebook
        wire.send(_run(wire, code, checks))
        with contextlib.suppress(ChildProcessError):  # orphans of the task
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _run(wire: Wire, code: StudentCode, checks: dict[str, Check]) -> dict:
    """Serve one task in a fork, in a folder of its own; returns what to say when it has ended.

    What an earlier task has done to the disk is not this one's fault: whoever hears "spoilt" takes
    another sandbox.
    """
    try:
        folder = tempfile.mkdtemp(prefix="work-")
        if code.model_file is not None and code.model is not None:
            Path(folder, code.model_file).write_text(code.model, encoding="utf-8")
        os.chdir(folder)
    except OSError:
        return {"say": "spoilt"}
    sys.path.append(folder)  # last, so that no file there stands in for a library
    code_of_end = forks.wait(forks.start(partial(serve, wire, code, checks)))
    sys.path.remove(folder)
    with contextlib.suppress(Exception):
        shutil.rmtree(folder, ignore_errors=True)
    return {"say": "ended", "code": code_of_end}


def _drop_what_is_printed(*descriptors: int) -> None:
    """Let what is written there go nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def import_all(checks: str) -> dict[str, Check]:
    """The checks of a lab by task, and what libraries import when they are first used.

    Args:
        checks: module that holds them as CHECKS.
    """
    found = {check.task: check for check in importlib.import_module(checks).CHECKS}
    leave_out_compiler()
    for name in ("IPython.core.interactiveshell", "matplotlib.pyplot", "pandas"):
        importlib.import_module(name)
    layer = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).eval()
    torch.autograd.grad(layer(torch.ones(1, 2)).sum(), [*layer.parameters()])
    torch.optim.Adam(layer.parameters()).step()
    torch.set_num_threads(1)
    return found


def _set_limits(limits: dict[str, int]) -> None:
    if not limits:
        return
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limits = limits | {"RLIMIT_AS": limits["RLIMIT_AS"] + pages * resource.getpagesize()}
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))


# --- one task, in a fork


def serve(wire: Wire, code: StudentCode, checks: dict[str, Check]) -> None:
    """Load the answer to a task and call it as often as asked for."""
    torch.manual_seed(0)
    with double_precision():
        try:
            answer = load(code)
        except BaseException as error:
            wire.send({"say": "failed"} | error_as_json(error, f"Loading {code.task.where}"))
            return
        kind = "class" if inspect.isclass(answer) else "function" if callable(answer) else "other"
        wire.send({"say": "loaded", "kind": kind})
        loaded = StudentAnswer(wire, checks[code.task.id], code.task.name, answer)
        while True:
            message, arrays = wire.receive(FOREVER)
            if message["do"] == "end":
                return
            loaded.do(message, arrays)


def load(code: StudentCode) -> object:
    """The student's function or class."""
    task = code.task
    if task.in_notebook:
        return function_of(code.cells, task.object_name, task.where, code.released)
    module = importlib.import_module(Path(task.where).stem)
    if not hasattr(module, task.object_name):
        raise CrystalGraphError(f"{task.where} does not define {task.object_name}.")
    return getattr(module, task.object_name)


def error_as_json(error: BaseException, call: str) -> dict:
    """Class and text of an error, and the student's line."""
    if isinstance(error, Fault):
        known = {"message": error.message, "cause": error.cause, "guess": error.guess}
        return {"error": "Fault", "line": error.line} | known
    fault = explain(error, call)
    text = str(error) if isinstance(error, CrystalGraphError) else fault.message
    known = {"error": type(error).__name__, "message": text, "line": fault.line}
    return known | {"text": str(error)} | {"memory": _is_memory(error)}


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


class StudentAnswer:
    """The student's function or class, doing what the grader asks for.

    Args:
        wire: to the grader.
        check: of the task.
        name: of the function, for messages.
        answer: the function or class.
    """

    def __init__(self, wire: Wire, check: Check, name: str, answer: Any) -> None:
        self.wire, self.check, self.name, self.answer = wire, check, name, answer
        self.latest: nn.Module | None = None
        self.results: dict[int, tuple[Tensor, list[Tensor]]] = {}

    def do(self, message: dict, arrays: list[np.ndarray]) -> None:
        """One request, one reply."""
        work = {
            "call": self.call,
            "module": self.module,
            "again": self.again,
            "backward": self.backward,
        }
        out: list[np.ndarray] = []
        torch.set_default_dtype(torch.float32 if message["single"] else torch.float64)
        try:
            reply = {"say": "done"} | work[message["do"]](message, arrays, out)
        except BaseException as error:
            reply, out = {"say": "raised"} | error_as_json(error, self.name), []
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
        weights = {name: unpack(value, arrays) for name, value in message["weights"].items()}
        form = self.check.module
        assert form is not None, "the task asks for a function"
        self.latest = module = form.build(self.answer, Case("", weights, message["settings"]))
        arguments = Arguments(message["arguments"], arrays, self.predict)
        value = module(*arguments.values)
        floats = [v for v in arguments.values if isinstance(v, Tensor) and v.requires_grad]
        known = self._value(value, [*module.parameters(), *floats], message["number"], out)
        buffers = {name: pack(buffer, out) for name, buffer in module.named_buffers()}
        return known | {"buffers": buffers, "changes": arguments.changes(out)}

    def again(self, message: dict, arrays: list[np.ndarray], out: list) -> dict:
        """The value of the module made last, without gradient."""
        assert self.latest is not None, "no module was made"
        with torch.no_grad():
            inputs = [unpack(value, arrays) for value in message["arguments"]]
            return {"value": pack(self.latest(*inputs), out)}

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

    def predict(self, *arguments: object, **options: object) -> object:
        """The function given to one that the student wrote; the grader answers."""
        out: list[np.ndarray] = []
        packed = [pack(argument, out) for argument in arguments]
        named = {name: pack(option, out) for name, option in options.items()}
        self.wire.send({"say": "predict", "arguments": packed, "options": named}, out)
        message, arrays = self.wire.receive(FOREVER)
        if "refused" in message:
            raise RuntimeError(message["refused"])
        return unpack(message["value"], arrays)


if __name__ == "__main__":
    main()
