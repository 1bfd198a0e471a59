"""A place where strangers' code can do no harm: a process of ours inside bubblewrap.

It sees the Python installation, this library and the data that students have, read-only, and a
small disk in memory; not the course, not the network, no other process. Started as root, a first
bubblewrap arranges what is to be seen and a second one, as nobody, locks the door; started as
anybody else, one does both.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import site
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from crystalgraph.checking.limits import (
    ComputerTooBusy,
    Late,
    Limits,
    OwnClock,
    Times,
    seconds_waited,
)
from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import DATA, PACKAGE, REPO
from crystalgraph.sandbox.wire import Gone, Malformed, Wire

COURSE = "/course"
NOBODY = "65534"


class OutOfMemory(Exception):
    """All processes of a sandbox together took too much."""


@dataclass(frozen=True)
class Walls:
    """What code in a sandbox sees of this computer, and how much of it it may take.

    Attributes:
        hidden: folders of the library that are empty in there.
        limits: of time, memory and disk.
        unsafe: no walls at all.
    """

    hidden: tuple[Path, ...] = ()
    limits: Limits = Limits()
    unsafe: bool = False

    def command(self, inner: list[str]) -> list[str]:
        """What starts a program behind the walls.

        Args:
            inner: the program and its arguments.

        Raises:
            CrystalGraphError: there is no bubblewrap.
        """
        if self.unsafe:
            return inner
        bubblewrap = _bubblewrap()
        lock = ["--unshare-user", "--disable-userns", "--cap-drop", "ALL"]
        if os.geteuid() != 0:
            identity = ["--uid", NOBODY, "--gid", NOBODY]
            return [bubblewrap, *lock, *identity, *self._what_is_seen(), *inner]
        nobody = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
        nobody += ["--bounding-set=-all"]
        again = ["bwrap", *lock, "--die-with-parent", "--bind", "/", "/"]
        again += ["--dev-bind", "/dev", "/dev"]
        return [bubblewrap, *self._what_is_seen(), *nobody, *again, *inner]

    def _what_is_seen(self) -> list[str]:
        """What is to be seen from inside, and nothing else."""
        walls = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        walls += ["--unshare-cgroup-try", "--die-with-parent", "--new-session"]
        disk = ["--perms", "1777", "--size", str(self.limits.disk), "--tmpfs"]
        walls += ["--hostname", "sandbox", "--proc", "/proc", "--dev", "/dev"]
        # a shared map of /dev/zero is memory that no limit counts: it is empty here
        walls += ["--dev-bind", "/dev/null", "/dev/zero"]
        walls += [*disk, "/dev/shm", "--remount-ro", "/dev", *disk, "/tmp"]
        walls += _the_system() + _python() + self._the_library()
        walls += ["--remount-ro", "/", "--chdir", "/tmp", "--clearenv"]
        for name, value in _environment(COURSE).items():
            walls += ["--setenv", name, value]
        return walls

    def _the_library(self) -> list[str]:
        """This library without what is hidden, and the data that students have as well."""
        walls = ["--perms", "0755", "--dir", COURSE]
        walls += ["--ro-bind", str(PACKAGE), inside(PACKAGE)]
        for folder in self.hidden:
            walls += ["--tmpfs", inside(folder), "--remount-ro", inside(folder)]
        walls += ["--perms", "0755", "--dir", f"{COURSE}/data"]
        for name in sorted(os.listdir(REPO / "data")):  # DATA may be a folder with more in it
            walls += ["--ro-bind-try", str(DATA / name), f"{COURSE}/data/{name}"]
        return walls

    def resource_limits(self) -> dict[str, int]:
        """Limits that the worker sets for itself, by the names that `resource` has for them."""
        if self.unsafe and sys.platform != "linux":
            return {}
        return {
            "RLIMIT_AS": self.limits.memory,  # on top of what the libraries take
            "RLIMIT_CPU": self.limits.seconds_of_processor,
            "RLIMIT_NPROC": self.limits.processes,
            "RLIMIT_FSIZE": self.limits.file_size,
            "RLIMIT_NOFILE": self.limits.open_files,
            "RLIMIT_CORE": 0,
        }


def inside(path: Path) -> str:
    """Where a file or folder of the library is in a sandbox."""
    return f"{COURSE}/crystalgraph/{path.relative_to(PACKAGE).as_posix()}".removesuffix("/.")


def _bubblewrap() -> str:
    found = shutil.which("bwrap")
    if found is None:
        raise CrystalGraphError(
            "there is no bubblewrap, in which students' code is run: install it (Debian, Ubuntu: "
            "apt install bubblewrap; Fedora: dnf install bubblewrap); on Windows grade in WSL2, on "
            "a Mac in a Linux container, or accept the risk with --unsafe."
        )
    return found


def _the_system() -> list[str]:
    """Programs and libraries of the system."""
    walls = ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib64"):
        if os.path.islink(name):
            walls += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            walls += ["--ro-bind", name, name]
    for name in ("/etc/ld.so.cache", "/etc/alternatives", "/sys/devices/system/cpu"):
        walls += ["--ro-bind-try", name, name]
    return walls


def _python() -> list[str]:
    """Python and its packages."""
    walls = []
    for folder in _python_folders():
        for parent in reversed(Path(folder).parents[:-1]):  # passable, unlike /root may be
            walls += ["--perms", "0755", "--dir", str(parent)] if str(parent) != "/tmp" else []
        walls += ["--ro-bind", folder, folder]
    return walls


def _python_folders() -> list[str]:
    """Where Python and its packages are, unless below /usr; none inside another."""
    folders = {sys.prefix, sys.base_prefix, *site.getsitepackages()}
    folders |= {os.path.realpath(folder) for folder in folders}
    kept: list[str] = []
    for folder in sorted(folder for folder in folders if os.path.isdir(folder)):
        if not any(Path(folder).is_relative_to(around) for around in ("/usr", *kept)):
            kept.append(folder)
    return kept


def _environment(course: str) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONPATH": course,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",  # for crystals of five atoms more threads only wait
        "OPENBLAS_NUM_THREADS": "1",
        "MPLCONFIGDIR": "/tmp",
        "MPLBACKEND": "agg",
    }


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


class Sandbox:
    """One sandbox with a worker in it, which is importing its libraries.

    Args:
        walls: around the worker.
        checks: module of a lab's checks, to be imported there.
    """

    def __init__(self, walls: Walls, checks: str) -> None:
        self.limits, self.unsafe = walls.limits, walls.unsafe
        known = {"limits": walls.resource_limits(), "checks": checks, "unsafe": walls.unsafe}
        request = json.dumps(known)
        worker = [sys.executable, "-P", "-m", "crystalgraph.sandbox.worker", request]
        environment = os.environ | _environment(str(PACKAGE.parent)) if walls.unsafe else None
        self.process = subprocess.Popen(
            walls.command(worker),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self.streams = [self.process.stdin, self.process.stdout, self.process.stderr]
        sink, source, self._complaints = (stream.fileno() for stream in self.streams if stream)
        self.wire = Wire(source, sink, self._look)
        self.ready = False
        self.memory = 0
        """Bytes that all processes together took when that was last measured."""

    def wait_until_ready(self) -> None:
        """Wait for the worker.

        Raises:
            CrystalGraphError: it did not start; the message says how to correct that.
            ComputerTooBusy: it had no chance to.
        """
        if self.ready:
            return
        own = OwnClock()
        try:
            with own.running():
                message, _ = self.wire.receive(
                    self.limits.seconds_to_start, lambda: self.processor_time().beside(own)
                )
            self.ready = message.get("say") == "ready"
        except (Malformed, Gone, Late):
            pass
        except ComputerTooBusy:
            self.close()
            raise
        if not self.ready:
            self.process.kill()
            with open(self._complaints, "rb", closefd=False) as stream:
                complaint = stream.read().decode(errors="replace")
            self.close()
            raise CrystalGraphError(_cure(complaint))

    def _look(self) -> None:
        """Raise OutOfMemory when all processes together take too much."""
        if self.ready:
            self.memory = _memory(self.process.pid)
            if self.memory > 1.5 * self.limits.memory:
                raise OutOfMemory

    def processor_time(self) -> ProcessorTime:
        """What the processor has done for all that runs or ran in here."""
        user = system = 0.0
        waited = []
        for process in _family(self.process.pid):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                user += times.user + times.children_user
                system += times.system + times.children_system
                waited.append(seconds_waited(process.pid))
        known = [seconds for seconds in waited if seconds is not None]
        return ProcessorTime(user, system, sum(known) if known else None)

    def was_ended_from_outside(self) -> bool:
        """Whether a signal has ended bubblewrap itself, which no code in it can send."""
        if self.unsafe:
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(timeout=5) < 0
        return False

    def was_starved(self, killed: int) -> bool:
        """Whether the system was short of memory and ended processes, and not for what is in here.

        Args:
            killed: that many it had ended before, see `killed_for_memory`.
        """
        return killed_for_memory() > killed and self.memory < self.limits.memory

    def close(self) -> None:
        """End everything in here."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        for stream in self.streams:
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()


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


def _cure(complaint: str) -> str:
    """Why a sandbox did not start, and what to do about it."""
    said = " ".join(complaint.split())[-300:] or "it said nothing"
    if "nknown option" in complaint:
        return f"this bubblewrap is too old, 0.8 or newer is needed: update it. It said: {said}"
    spaces = ("namespace", "uid map", "Operation not permitted", "Permission denied")
    if any(word in complaint for word in spaces):
        return (
            "bubblewrap may not make a sandbox here, since the system forbids user namespaces: "
            "allow them (sysctl kernel.unprivileged_userns_clone=1; Ubuntu 24.04 also "
            "kernel.apparmor_restrict_unprivileged_userns=0; in a container start that with "
            "--security-opt seccomp=unconfined or --privileged), grade in WSL2 or a virtual "
            f"machine, or accept the risk with --unsafe. It said: {said}"
        )
    return f"the sandbox for students' code did not start; it said: {said}"


# --- proof

_PROBE = """
import json, os, socket, sys
def can(action):
    try:
        action()
        return True
    except Exception:
        return False
course, processes, *hidden = sys.argv[1:]
print(json.dumps({
    "reach the network": can(lambda: socket.create_connection(("198.51.100.1", 80), 1))
        or len(socket.if_nameindex()) > 1,
    "see the course": os.path.exists(course) or any(map(os.listdir, hidden)),
    "write outside": can(lambda: open("/usr/x", "w")) or can(lambda: open("/x", "w")),
    "be root": os.geteuid() == 0,
    "see other processes": sum(name.isdigit() for name in os.listdir("/proc")) > int(processes),
}))
"""
PROCESSES = 6  # of the sandbox's own
SECONDS_TO_PROVE = 60.0


@cache
def prove(walls: Walls) -> None:
    """Run a sandbox and try to break out of it, once per process.

    Args:
        walls: to be proved.

    Raises:
        CrystalGraphError: it cannot be made here, or does not hold; the message says what to do.
    """
    hidden = [inside(folder) for folder in walls.hidden]
    probe = [sys.executable, "-I", "-c", _PROBE, str(PACKAGE), str(PROCESSES), *hidden]
    command = walls.command(probe)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_TO_PROVE, check=False
        )
    except subprocess.TimeoutExpired:
        raise CrystalGraphError(
            f"the sandbox for students' code gave no answer within {SECONDS_TO_PROVE:g} s: other "
            "programs keep this computer busy; try again when they are done."
        ) from None
    try:
        open_doors = [what for what, could in json.loads(done.stdout).items() if could]
    except ValueError:
        raise CrystalGraphError(_cure(done.stderr)) from None
    if open_doors:
        raise CrystalGraphError(
            f"the sandbox does not hold: code in it can {', '.join(open_doors)}; grade on another "
            "computer, or accept the risk with --unsafe."
        )
