"""Calls of the system that give memory which no limit counts: they fail for want of memory.

System V shared memory, semaphores and queues, memory files, shared anonymous memory and keys belong
to no process: they are in no limit of a process, and may stay when the process that asked for them
is gone; keys are even seen by other sandboxes. What libraries need is left: files in /dev/shm,
whose size is limited, and memory of one's own.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

_NUMBERS = {  # of mmap; of shmget, semget, msgget, memfd_create, memfd_secret, the three of keys
    "x86_64": (0xC000003E, 9, (29, 64, 68, 319, 447, 248, 249, 250)),
    "aarch64": (0xC00000B7, 222, (194, 190, 186, 279, 447, 217, 218, 219)),
}
_SHARED_ANONYMOUS = 0x01 | 0x20

# instructions of the kernel's filter (linux/bpf_common.h), and where a call's number, its
# architecture and the flags of mmap are (linux/seccomp.h)
_LOAD, _AND, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_CALL, _ARCHITECTURE, _FLAGS = 0, 4, 40
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000 | errno.ENOMEM
_OTHER_NUMBERS = 0x40000000  # the same calls, numbered for programs of 32 bits
_NO_NEW_PRIVILEGES, _SET_FILTER, _BY_FILTER = 38, 22, 2


def forbid() -> None:
    """Make these calls fail in this thread and in all that it starts, for good.

    On processors whose calls have other numbers nothing is forbidden.

    Raises:
        OSError: the system refuses.
    """
    if platform.machine() not in _NUMBERS:
        return
    steps = _filter(*_NUMBERS[platform.machine()])
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SET_FILTER, _BY_FILTER, program, 0, 0)):
        if libc.prctl(*call):
            raise OSError(ctypes.get_errno(), "the filter of system calls was refused")


def _filter(architecture: int, mmap: int, forbidden: tuple[int, ...]) -> list[tuple]:
    """Instructions: (what, steps to skip if true, steps to skip if false, number)."""
    calls = [(_IF_EQUAL, number) for number in forbidden]
    tests = [(_IF_AT_LEAST, _OTHER_NUMBERS), *calls]
    left = len(tests) + 4  # steps from the first of them to the one that fails
    jumps = [(what, left - place, 0, number) for place, (what, number) in enumerate(tests)]
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 0, left + 2, architecture),
        (_LOAD, 0, 0, _CALL),
        *jumps,
        (_IF_EQUAL, 0, 3, mmap),
        (_LOAD, 0, 0, _FLAGS),
        (_AND, 0, 0, _SHARED_ANONYMOUS),
        (_IF_EQUAL, 1, 0, _SHARED_ANONYMOUS),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _FAIL),
    ]
