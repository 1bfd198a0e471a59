"""Memory that no limit counts cannot be had; what libraries need can."""

import json
import platform
import subprocess
import sys

import pytest

from crystalgraph.labs.lab import hidden_in_sandbox
from crystalgraph.sandbox import forbidden_calls
from crystalgraph.sandbox.walls import Walls

pytestmark = pytest.mark.skipif(
    platform.machine() not in forbidden_calls._NUMBERS, reason="calls have other numbers here"
)

TRIES = """
import ctypes, errno, json, mmap, os, platform
KEYS = {"x86_64": 248, "aarch64": 217}
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    return 0 if getattr(libc, name)(*arguments) >= 0 else ctypes.get_errno()
def python(what, *arguments, **options):
    try:
        what(*arguments, **options)
    except (OSError, ValueError) as error:
        return getattr(error, "errno", None) or -1
    return 0
child, parent = os.pipe()
if os.fork() == 0:
    os.write(parent, b"%03d" % call("shmget", 0, 4096, 0o1600))
    os._exit(0)
with open("/dev/zero", "r+b", 0) as zero, open("/dev/shm/x", "w+b") as file:
    file.truncate(4096)
    print(json.dumps({
        "shmget": call("shmget", 0, 4096, 0o1600),
        "semget": call("semget", 0, 1, 0o1600),
        "msgget": call("msgget", 0, 0o1600),
        "memfd": python(os.memfd_create, "x"),
        "key": call("syscall", KEYS[platform.machine()], b"user", b"x", b"y", 1, -3),
        "shared": python(mmap.mmap, -1, 4096),
        "validated": python(mmap.mmap, -1, 4096, flags=3 | mmap.MAP_ANONYMOUS),
        "in a fork": int(os.read(child, 3)),
        "zero": python(mmap.mmap, zero.fileno(), 4096),
        "private": python(mmap.mmap, -1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS),
        "file": python(mmap.mmap, file.fileno(), 4096),
    }))
"""
ENOMEM = 12
FORBIDDEN = ("shmget", "semget", "msgget", "memfd", "key", "shared", "validated", "in a fork")


def answers(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_no_limit_counts_fails_for_want_of_memory():
    got = answers(Walls(hidden_in_sandbox()).script(TRIES))
    assert {name: got[name] for name in FORBIDDEN} == dict.fromkeys(FORBIDDEN, ENOMEM)
    assert got["zero"] != 0  # /dev/zero is /dev/null there
    assert (got["private"], got["file"]) == (0, 0)


def test_without_it_they_are_to_be_had():
    """So the test above sees what was forbidden, and not what is missing on this computer."""
    got = answers(Walls(hidden_in_sandbox()).command([sys.executable, "-c", TRIES]))
    assert {got[name] for name in FORBIDDEN if name != "validated"} == {0}


def test_calls_numbered_for_other_programs_fail_too():
    """The filter itself, step by step, on calls that this Python cannot make."""
    for architecture, mmap, forbidden in forbidden_calls._NUMBERS.values():
        steps = forbidden_calls._filter(architecture, mmap, forbidden)

        def verdict(call, flags=0, on=architecture, steps=steps):
            seen, at, value = {0: call, 4: on, 40: flags}, 0, 0
            while True:
                what, if_true, if_false, number = steps[at]
                tests = {0x15: value == number, 0x35: value >= number}
                if what == 0x06:
                    return number
                value = {0x20: seen.get(number), 0x54: value & number}.get(what, value)
                at += 1 + (if_true if tests.get(what, False) else if_false if what in tests else 0)

        fail, allow = forbidden_calls._FAIL, forbidden_calls._ALLOW
        assert {verdict(number) for number in forbidden} == {fail}
        assert verdict(1) == verdict(mmap, 0x22) == verdict(mmap, 0x01) == allow
        assert verdict(mmap, 0x21) == verdict(mmap, 0x23) == fail
        assert verdict(1, on=0x40000003) == verdict(0x40000001) == fail
