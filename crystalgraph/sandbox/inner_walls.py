"""Walls of its own around each sandbox, inside the outer ones that all sandboxes of a grader share.

Behind the outer walls (walls.py) waits a process with all libraries loaded, which runs no student's
code. A sandbox is a fork of it that shuts itself in: it becomes process 1 of a world with users,
processes, network, memory and disks of its own, gives up every right, and cannot make another such
world. What it sees besides is what the outer walls show, and those stay as they are around it.

    python -P -m crystalgraph.sandbox.inner_walls BYTES KEPT CODE [ARGUMENT ...]

runs Python code there, as a student's would run; BYTES is the size of each of its disks, KEPT what
stays to be seen below them, with ":" in between.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from crystalgraph.sandbox.forbidden_calls import forbid

# linux/sched.h: mounts, users, processes, memory and queues, network, host name, cgroups
_OWN = 0x20000 | 0x10000000 | 0x20000000 | 0x08000000 | 0x40000000 | 0x04000000 | 0x02000000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_PROGRAMS = 1, 2, 4, 8  # linux/mount.h
_BIND = 4096 | 16384  # with all that is mounted below
_END_WITH_PARENT, _DUMPABLE, _DROP_FROM_BOUND, _NO_NEW_PRIVILEGES = 1, 4, 24, 38  # linux/prctl.h
_AMBIENT, _CLEAR_ALL = 47, 4
_CAPABILITIES = 0x20080522  # version of the two structures of capset, linux/capability.h

DISKS = ("/tmp", "/dev/shm")
"""Folders that each sandbox has for itself, in memory."""


def enter(disk: int, kept: Iterable[str] = ()) -> int:
    """Fork into a world of one's own; the caller stays outside, and gives up its rights too.

    Args:
        disk: bytes of each of DISKS.
        kept: folders below them that stay to be seen, as they are.

    Returns:
        0 in the new process, which has no right left; its id in the caller.

    Raises:
        OSError: the system refuses, in either of them.
    """
    user, group = os.getuid(), os.getgid()
    _call("unshare", _OWN)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")
    child = os.fork()
    if child == 0:
        _call("prctl", _END_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        _write("/proc/sys/user/max_user_namespaces", "0")
        _furnish(disk, kept)
    give_up_rights()
    return child


def _furnish(disk: int, kept: Iterable[str]) -> None:
    """Empty disks, and a list of processes with this one alone; nothing where none can be had."""
    opened = {folder: os.open(folder, os.O_PATH) for folder in kept}
    for folder in DISKS:
        _mount("tmpfs", folder, _NO_SUID | _NO_DEVICES, f"size={disk},mode=1777")
    for folder, descriptor in opened.items():
        os.makedirs(folder)
        _call("mount", f"/proc/self/fd/{descriptor}".encode(), folder.encode(), None, _BIND, None)
        os.close(descriptor)
    os.chdir("/tmp")  # which was the other one until now
    try:
        _mount("proc", "/proc", _NO_SUID | _NO_DEVICES | _NO_PROGRAMS)
    except PermissionError:  # a part of the one around us is covered
        _mount("tmpfs", "/proc", _READ_ONLY | _NO_SUID | _NO_DEVICES | _NO_PROGRAMS, "size=4k")


def give_up_rights() -> None:
    """Have no capability, for good, and no program that would give one; and be closed to others.

    Processes of the same user, as the forks of this one are, can then not write into its memory.
    """
    _call("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _call("prctl", _DUMPABLE, 0, 0, 0, 0)
    for right in range(64):
        if _libc().prctl(_DROP_FROM_BOUND, right, 0, 0, 0):
            break  # there are no more
    _call("prctl", _AMBIENT, _CLEAR_ALL, 0, 0, 0)
    _call("capset", struct.pack("Ii", _CAPABILITIES, 0), bytes(24))


def _mount(kind: str, folder: str, flags: int, options: str = "") -> None:
    _call("mount", kind.encode(), folder.encode(), kind.encode(), flags, options.encode())


def _write(path: str, text: str) -> None:
    Path(path).write_text(text, encoding="ascii")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: int | bytes | None) -> None:
    if getattr(_libc(), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def main() -> None:
    """Run Python code behind these walls."""
    _, disk, kept, code, *arguments = sys.argv
    if child := enter(int(disk), filter(None, kept.split(":"))):
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    forbid()
    sys.argv = ["-c", *arguments]
    exec(code, {"__name__": "__main__"})


if __name__ == "__main__":
    main()
