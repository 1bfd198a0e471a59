"""A place where strangers' code can do no harm: a process of ours inside bubblewrap.

It sees the Python installation and this library, read-only, and a small disk in memory; not the
course, not the network, no other process. Started as root, a first bubblewrap arranges what is to
be seen and a second one, as nobody, locks the door; started as anybody else, one does both.
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
from functools import cache
from pathlib import Path

import psutil

from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading.wire import Garbled, Gone, Late, Wire
from crystalgraph.paths import DATA

PACKAGE = Path(__file__).resolve().parents[1]
COURSE = "/course"
NOBODY = "65534"
SECONDS_TO_START = 120.0  # the libraries, from a cold disk of a busy computer
DISK = 64 * 2**20
MEMORY = 3 * 2**30
"""Bytes that all processes of a sandbox may use together, and one may ask for."""

LIMITS = {
    "RLIMIT_AS": MEMORY,  # on top of what the libraries take
    "RLIMIT_CPU": 120,  # seconds, of one process
    "RLIMIT_NPROC": 32,
    "RLIMIT_FSIZE": 16 * 2**20,
    "RLIMIT_NOFILE": 128,
    "RLIMIT_CORE": 0,
}


class OutOfMemory(Exception):
    """All processes of a sandbox together took too much."""


def command(inner: list[str], unsafe: bool = False) -> list[str]:
    """What starts a program in a sandbox.

    Args:
        inner: the program and its arguments.
        unsafe: start it without any protection.
    """
    if unsafe:
        return inner
    bubblewrap = _bubblewrap()
    lock = ["--unshare-user", "--disable-userns", "--cap-drop", "ALL"]
    if os.geteuid() != 0:
        identity = ["--uid", NOBODY, "--gid", NOBODY]
        return [bubblewrap, *lock, *identity, *_walls(), *inner]
    nobody = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
    again = ["bwrap", *lock, "--die-with-parent", "--bind", "/", "/", "--dev-bind", "/dev", "/dev"]
    return [bubblewrap, *_walls(), *nobody, "--bounding-set=-all", *again, *inner]


def _bubblewrap() -> str:
    found = shutil.which("bwrap")
    if found is None:
        raise CrystalGraphError(
            "there is no bubblewrap, in which students' code is run: install it (Debian, Ubuntu: "
            "apt install bubblewrap; Fedora: dnf install bubblewrap); on Windows grade in WSL2, on "
            "a Mac in a Linux container, or accept the risk with --unsafe."
        )
    return found


def _walls() -> list[str]:
    """What is to be seen from inside, and nothing else."""
    walls = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    walls += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--hostname", "sandbox"]
    disk = ["--perms", "1777", "--size", str(DISK), "--tmpfs"]
    walls += ["--proc", "/proc", "--dev", "/dev", *disk, "/dev/shm", "--remount-ro", "/dev"]
    walls += [*disk, "/tmp", "--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib64"):
        if os.path.islink(name):
            walls += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            walls += ["--ro-bind", name, name]
    for name in ("/etc/ld.so.cache", "/etc/alternatives", "/sys/devices/system/cpu"):
        walls += ["--ro-bind-try", name, name]
    for folder in _python_folders():
        for parent in reversed(Path(folder).parents[:-1]):  # passable, unlike /root may be
            walls += ["--perms", "0755", "--dir", str(parent)] if str(parent) != "/tmp" else []
        walls += ["--ro-bind", folder, folder]
    for folder in (COURSE, f"{COURSE}/data"):
        walls += ["--perms", "0755", "--dir", folder]
    walls += ["--ro-bind", str(PACKAGE), f"{COURSE}/crystalgraph"]
    walls += ["--tmpfs", f"{COURSE}/crystalgraph/checks/cases"]  # the visible cases' answers
    walls += ["--remount-ro", f"{COURSE}/crystalgraph/checks/cases"]
    walls += ["--ro-bind", str(DATA / "elements"), f"{COURSE}/data/elements"]
    walls += ["--remount-ro", "/", "--chdir", "/tmp", "--clearenv"]
    for name, value in _environment(COURSE).items():
        walls += ["--setenv", name, value]
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


class Sandbox:
    """One sandbox with a worker in it, which is importing its libraries.

    Args:
        unsafe: without the sandbox around the worker.
    """

    def __init__(self, unsafe: bool = False) -> None:
        limits = {} if unsafe and sys.platform != "linux" else LIMITS
        worker = [sys.executable, "-P", "-m", "crystalgraph.grading.worker", json.dumps(limits)]
        environment = os.environ | _environment(str(PACKAGE.parent)) if unsafe else None
        self.process = subprocess.Popen(
            command(worker, unsafe),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        source, sink = self.process.stdout.fileno(), self.process.stdin.fileno()
        self.wire = Wire(source, sink, self._look)
        self.ready = False

    def wait_until_ready(self) -> None:
        """Wait for the worker.

        Raises:
            CrystalGraphError: it did not start; the message says how to mend that.
        """
        if self.ready:
            return
        try:
            message, _ = self.wire.receive(SECONDS_TO_START)
            self.ready = message.get("say") == "ready"
        except (Garbled, Gone, Late):
            pass
        if not self.ready:
            self.process.kill()
            complaint = self.process.stderr.read().decode(errors="replace")
            self.close()
            raise CrystalGraphError(_cure(complaint))

    def _look(self) -> None:
        """Raise OutOfMemory when all processes together take too much."""
        if self.ready and _memory(self.process.pid) > 1.5 * MEMORY:
            raise OutOfMemory

    def processor_seconds(self) -> float:
        """Time that the processor has spent on all that runs or ran in here."""
        total = 0.0
        for process in _family(self.process.pid):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
                total += times.children_user + times.children_system
        return total

    def wants_to_run(self) -> bool:
        """Whether something in here is running, or would if the processor were free."""
        for process in _family(self.process.pid):
            with contextlib.suppress(psutil.Error):
                if process.status() in (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP):
                    return True
        return False

    def close(self) -> None:
        """End everything in here."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                stream.close()


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def _memory(pid: int) -> int:
    """Bytes that a process and all it started take; memory shared by forks counts once."""
    total = 0
    for process in _family(pid):
        with contextlib.suppress(psutil.Error):
            used = process.memory_info()
            total += used.rss - used.shared
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
secret, processes = sys.argv[1:]
print(json.dumps({
    "reach the network": can(lambda: socket.create_connection(("198.51.100.1", 80), 1))
        or len(socket.if_nameindex()) > 1,
    "see the course": os.path.exists(secret),
    "write outside": can(lambda: open("/usr/x", "w")) or can(lambda: open("/x", "w")),
    "be root": os.geteuid() == 0,
    "see other processes": sum(name.isdigit() for name in os.listdir("/proc")) > int(processes),
}))
"""
PROCESSES = 6  # of the sandbox's own


@cache
def prove() -> None:
    """Run a sandbox and try to break out of it, once per process.

    Raises:
        CrystalGraphError: it cannot be made here, or does not hold; the message says what to do.
    """
    probe = [sys.executable, "-I", "-c", _PROBE, str(PACKAGE), str(PROCESSES)]
    done = subprocess.run(command(probe), capture_output=True, text=True, timeout=60, check=False)
    try:
        open_doors = [what for what, could in json.loads(done.stdout).items() if could]
    except ValueError:
        raise CrystalGraphError(_cure(done.stderr)) from None
    if open_doors:
        raise CrystalGraphError(
            f"the sandbox does not hold: code in it can {', '.join(open_doors)}; grade on another "
            "computer, or accept the risk with --unsafe."
        )
