"""A place where strangers' code can do no harm: a process of ours inside bubblewrap.

It sees the Python installation, this library and the data that students have, read-only, and a
small disk in memory; not the course, not the network, no other process. Started as root, a first
bubblewrap arranges what is to be seen and a second one runs as nobody; started as anybody else, one
does both. These are the outer walls. In them each sandbox has walls of its own (inner_walls.py);
where the system forbids those, each has outer walls to itself.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from crystalgraph.checking.limits import Limits
from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import DATA, PACKAGE, REPO
from crystalgraph.sandbox.inner_walls import DISKS

COURSE = "/course"
NOBODY = "65534"


@dataclass(frozen=True)
class Walls:
    """What code in a sandbox sees of this computer, and how much of it it may take.

    Attributes:
        hidden: folders of the library that are empty in there.
        limits: of time, memory and disk.
        unsafe: no walls at all.
        alone: no inner walls, so that only one sandbox may be in the outer ones.
    """

    hidden: tuple[Path, ...] = ()
    limits: Limits = Limits()
    unsafe: bool = False
    alone: bool = False

    def script(self, code: str, *arguments: object) -> list[str]:
        """What runs Python code as a student's is run.

        Args:
            code: of Python.
            arguments: sys.argv behind the first.
        """
        inner = [code, *map(str, arguments)]
        if self.unsafe or self.alone:
            return self.command([sys.executable, "-I", "-c", *inner])
        module = ["-P", "-m", "crystalgraph.sandbox.inner_walls"]
        disks = [str(self.limits.disk), ":".join(python_on_disks())]
        return self.command([sys.executable, *module, *disks, *inner])

    def command(self, inner: list[str]) -> list[str]:
        """What starts a program behind the outer walls.

        Args:
            inner: the program and its arguments.

        Raises:
            CrystalGraphError: there is no bubblewrap.
        """
        if self.unsafe:
            return inner
        bubblewrap = _bubblewrap()
        lock = ["--unshare-user", *["--disable-userns"] * self.alone, "--cap-drop", "ALL"]
        processes = ["--unshare-pid", "--proc", "/proc"]
        if os.geteuid() != 0:
            lock += ["--uid", NOBODY, "--gid", NOBODY]
            return [bubblewrap, *lock, *self._what_is_seen(processes), *inner]
        nobody = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
        nobody += ["--bounding-set=-all"]
        again = ["bwrap", *lock, "--die-with-parent", "--bind", "/", "/"]
        again += ["--dev-bind", "/dev", "/dev", *processes]
        # root would cover parts of /proc, and then nobody could have another one inside; the one
        # of the computer disappears below that of the second bubblewrap
        whole = ["--unshare-pid", "--bind", "/proc", "/proc"]
        return [bubblewrap, *self._what_is_seen(whole), *nobody, *again, *inner]

    def _what_is_seen(self, processes: list[str]) -> list[str]:
        """What is to be seen from inside, and nothing else."""
        walls = ["--unshare-ipc", "--unshare-net", "--unshare-uts", *processes]
        walls += ["--unshare-cgroup-try", "--die-with-parent", "--new-session"]
        disk = ["--perms", "1777", "--size", str(self.limits.disk), "--tmpfs"]
        walls += ["--hostname", "sandbox", "--dev", "/dev"]
        # a shared map of /dev/zero is memory that no limit counts: it is empty here
        walls += ["--dev-bind", "/dev/null", "/dev/zero"]
        walls += [*disk, "/dev/shm", "--remount-ro", "/dev", *disk, "/tmp"]
        walls += _the_system() + _python() + self._the_library()
        walls += ["--remount-ro", "/", "--chdir", "/tmp", "--clearenv"]
        for name, value in environment(COURSE).items():
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


def python_on_disks() -> list[str]:
    """Folders of Python and its packages that lie where a sandbox has its disks, as in /tmp."""
    return [one for one in _python_folders() if any(Path(one).is_relative_to(d) for d in DISKS)]


def _python_folders() -> list[str]:
    """Where Python and its packages are, unless below /usr; none inside another."""
    folders = {sys.prefix, sys.base_prefix, *site.getsitepackages()}
    folders |= {os.path.realpath(folder) for folder in folders}
    kept: list[str] = []
    for folder in sorted(folder for folder in folders if os.path.isdir(folder)):
        if not any(Path(folder).is_relative_to(around) for around in ("/usr", *kept)):
            kept.append(folder)
    return kept


def environment(course: str) -> dict[str, str]:
    """Variables of a worker's environment.

    Args:
        course: folder that has the library in it.
    """
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONPATH": course,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",  # for crystals of five atoms more threads only wait
        "OPENBLAS_NUM_THREADS": "1",
        # memory in few large pages, so that a fork takes 4 ms in place of 15
        "PYTHONMALLOC": "malloc",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        "MPLCONFIGDIR": "/tmp",
        "MPLBACKEND": "agg",
    }


def cure(complaint: str) -> str:
    """Why a sandbox did not start, and what to do about it.

    Args:
        complaint: what was said on standard error.
    """
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


TRIES = 2
SECONDS_TO_PROVE = 60.0


@cache
def usable(walls: Walls) -> Walls:
    """The walls that can be had here: without inner ones where the system forbids them.

    Args:
        walls: as wanted.
    """
    if walls.unsafe or walls.alone:
        return walls
    for _ in range(TRIES):  # a busy machine may fail once
        with suppress(subprocess.TimeoutExpired):
            how = {"capture_output": True, "check": False, "timeout": SECONDS_TO_PROVE}
            if subprocess.run(walls.script("pass"), **how).returncode == 0:
                return walls
    return replace(walls, alone=True)


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
PROCESSES = 6  # of the sandbox's own, at most


@cache
def prove(walls: Walls) -> None:
    """Run a sandbox and try to break out of it, once per process.

    Args:
        walls: to be proved.

    Raises:
        CrystalGraphError: it cannot be made here, or does not hold; the message says what to do.
    """
    command = walls.script(_PROBE, PACKAGE, PROCESSES, *map(inside, walls.hidden))
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
        raise CrystalGraphError(cure(done.stderr)) from None
    if open_doors:
        raise CrystalGraphError(
            f"the sandbox does not hold: code in it can {', '.join(open_doors)}; grade on another "
            "computer, or accept the risk with --unsafe."
        )
