"""Sandboxes, and the process from which they are forked.

That process has its libraries loaded before the first hand-in comes, which takes seconds; a sandbox
more takes hundredths of one.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from crystalgraph.checking.limits import (
    ComputerTooBusy,
    Late,
    OwnClock,
    Times,
    seconds_waited,
)
from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import PACKAGE
from crystalgraph.sandbox.walls import Walls, cure, environment, python_on_disks
from crystalgraph.sandbox.wire import Gone, Malformed, Wire

_CREDENTIALS = struct.Struct("iii")  # of the process that wrote: its id, its user's, its group's
SECONDS_TO_END = 5.0


class OutOfMemory(Exception):
    """All processes of a sandbox together took too much."""


@dataclass(frozen=True)
class ProcessorTime:
    """Seconds that processors have worked.

    Attributes:
        user: on the code itself.
        system: in the kernel, for that code.
        waited: that the code was ready to go on, and processors worked on something else; None
            where the system does not tell.
    """

    user: float
    system: float
    waited: float | None = None

    @property
    def total(self) -> float:
        """For the code, of user and system."""
        return self.user + self.system

    def beside(self, own: OwnClock) -> Times:
        """What clocks show for the code, while a thread of ours waits for it.

        Args:
            own: of that thread; what kept it from seeing an answer is not the code's either.
        """
        waited = None if self.waited is None else self.waited + own.waited()
        return Times(own.seconds(), self.total, waited)


class SandboxServer:
    """A process behind the outer walls that forks sandboxes, and is importing its libraries.

    Args:
        walls: around it.
        checks: module of a lab's checks, to be imported there.
    """

    def __init__(self, walls: Walls, checks: str) -> None:
        self.walls = walls
        known = {"checks": checks, "limits": walls.resource_limits(), "disk": walls.limits.disk}
        known |= {"unsafe": walls.unsafe, "alone": walls.alone, "kept": python_on_disks()}
        worker = [sys.executable, "-P", "-m", "crystalgraph.sandbox.worker", json.dumps(known)]
        variables = os.environ | environment(str(PACKAGE.parent)) if walls.unsafe else None
        self.door, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                walls.command(worker),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=variables,
                start_new_session=True,
            )
        self._ready = False

    def sandbox(self) -> Sandbox:
        """A new sandbox, ready.

        Raises:
            CrystalGraphError: there can be none; the message says how to correct that.
            ComputerTooBusy: it had no chance to start.
        """
        if not self._ready:
            self._wait_for_word(Wire(self.door.fileno(), self.door.fileno()), self.process.pid)
            self._ready = True
        sandbox = self._fork()
        try:
            self._wait_for_word(sandbox.wire, self.process.pid)
            sandbox.learn_its_process()
        except BaseException:
            sandbox.close()
            raise
        return sandbox

    def _fork(self) -> Sandbox:
        """Hand three channels to the process; its fork answers on them."""
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        status, theirs = socket.socketpair()
        if not self.walls.unsafe:
            status.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with contextlib.suppress(OSError), theirs:  # whoever waits for an answer sees that it died
            socket.send_fds(self.door, [b"."], [theirs_in, theirs_out, theirs.fileno()])
        os.close(theirs_in)
        os.close(theirs_out)
        return Sandbox(self, ours_in, ours_out, status)

    def _wait_for_word(self, wire: Wire, pid: int) -> None:
        """Wait until a process says that it is ready."""
        own = OwnClock()
        said: object = None
        try:
            with own.running():
                message, _ = wire.receive(
                    self.walls.limits.seconds_to_start,
                    lambda: processor_time(pid).beside(own),
                )
            said = message.get("say")
        except (Malformed, Gone, Late, OSError):
            pass
        except ComputerTooBusy:
            self.close()
            raise
        if said != "ready":
            raise CrystalGraphError(cure(self._complaint()))

    def exit_code(self) -> int | None:
        """Of bubblewrap, negative for a signal; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(SECONDS_TO_END)
        return None

    def _complaint(self) -> str:
        """What it said on standard error; it is over."""
        self.process.kill()
        stream = self.process.stderr
        assert stream is not None
        os.set_blocking(stream.fileno(), False)
        self.process.wait()
        said = stream.read() or b""
        self.close()
        return said.decode(errors="replace")

    def close(self) -> None:
        """End it, and with it all sandboxes that are left."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.door.close()
        if self.process.stderr is not None:
            self.process.stderr.close()


class Sandbox:
    """One sandbox with a worker in it.

    Args:
        server: that forked it.
        source, sink: pipes from and to the worker.
        status: on which first the worker says that it is there, and then a process that watches it
            how it has ended.

    Attributes:
        wire: to the worker.
        pid: of the worker; 0 until it is known.
        memory: bytes that all processes together took when that was last measured.
    """

    def __init__(
        self, server: SandboxServer, source: int, sink: int, status: socket.socket
    ) -> None:
        self.server, self.limits, self.unsafe = server, server.walls.limits, server.walls.unsafe
        self.wire = Wire(source, sink, self._look)
        self.pid = self.memory = 0
        self._status = status
        self._status.settimeout(SECONDS_TO_END)
        self._handle = -1

    def learn_its_process(self) -> None:
        """Hear which process the worker is; the system tells, or it says so itself."""
        said, told, *_ = self._status.recvmsg(16, socket.CMSG_SPACE(_CREDENTIALS.size))
        self.pid = _CREDENTIALS.unpack(told[0][2])[0] if told else int(said)
        if not self.unsafe:
            self._handle = os.pidfd_open(self.pid)

    def _look(self) -> None:
        """Raise OutOfMemory when all processes together take too much."""
        if self.pid:
            self.memory = _memory(self.pid)
            if self.memory > 1.5 * self.limits.memory:
                raise OutOfMemory

    def processor_time(self) -> ProcessorTime:
        """What the processor has done for all that runs or ran in here."""
        return processor_time(self.pid)

    def was_ended_from_outside(self) -> bool:
        """Whether a signal has ended what no code in here can send one to.

        That is the worker, process 1 behind its walls; without inner ones it is bubblewrap.
        """
        if self.unsafe:
            return False
        code = self.server.exit_code() if self.server.walls.alone else self._exit_code()
        return code is None or code < 0

    def _exit_code(self) -> int | None:
        """Of the worker, negative for a signal; None when nobody was left to tell."""
        with contextlib.suppress(OSError, ValueError):
            return int(self._status.recv(16))
        return None

    def was_starved(self, killed: int) -> bool:
        """Whether the system was short of memory and ended processes, and not for what is in here.

        Args:
            killed: that many it had ended before, see `killed_for_memory`.
        """
        return killed_for_memory() > killed and self.memory < self.limits.memory

    def close(self) -> None:
        """End everything in here."""
        if self._status.fileno() < 0:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._handle >= 0:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            elif self.pid:
                os.killpg(self.pid, signal.SIGKILL)
        for descriptor in (self.wire.source, self.wire.sink):
            os.close(descriptor)
        self._exit_code()  # by then all is gone
        self._status.close()
        if self._handle >= 0:
            os.close(self._handle)
        if self.server.walls.alone:
            self.server.close()


def processor_time(pid: int) -> ProcessorTime:
    """What the processor has done for a process and all that it started.

    Args:
        pid: of the process.
    """
    user = system = 0.0
    waited = []
    for process in _family(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            user += times.user + times.children_user
            system += times.system + times.children_system
            waited.append(seconds_waited(process.pid))
    known = [seconds for seconds in waited if seconds is not None]
    return ProcessorTime(user, system, sum(known) if known else None)


def killed_for_memory(counters: Path = Path("/proc/vmstat")) -> int:
    """Processes that the system has ended so far since it had no memory left; 0 if not told.

    Args:
        counters: the system's.
    """
    with contextlib.suppress(OSError, ValueError):
        lines = map(str.split, counters.read_text(encoding="ascii").splitlines())
        return sum(int(count) for name, count in lines if name == "oom_kill")
    return 0


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def _memory(pid: int) -> int:
    """Bytes of their own that a process and all it started take; there are no shared ones, except
    in files, whose size is limited (see forbidden_calls)."""
    total = 0
    for process in _family(pid):
        with contextlib.suppress(psutil.Error):
            used = process.memory_info()
            total += used.rss - getattr(used, "shared", 0)  # which only Linux knows
    return total
