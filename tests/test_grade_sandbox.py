"""The sandbox: what code in it can do, and what is said where there can be none."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading import sandbox
from crystalgraph.paths import REPO


def inside(code, *arguments):
    """Run Python code in a sandbox; returns what it printed."""
    inner = [sys.executable, "-I", "-c", code, *map(str, arguments)]
    done = subprocess.run(sandbox.command(inner), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_holds():
    sandbox.prove()


def test_the_course_is_not_there():
    for path in ("model.py", "solutions", "tests", "submitted", "gradebook.db", ".git"):
        assert inside("import os, sys; print(os.path.exists(sys.argv[1]))", REPO / path) == "False"


def test_the_answers_of_the_visible_cases_are_not_there():
    cases = f"{sandbox.COURSE}/crystalgraph/checks/cases"
    assert inside("import os, sys; print(os.listdir(sys.argv[1]))", cases) == "[]"


def test_nobody_is_who_runs():
    status = inside("import os; print(os.getuid(), open('/proc/self/status').read())")
    assert status.split()[0] == sandbox.NOBODY
    lines = dict(line.split(":\t", 1) for line in status.split("\n")[1:] if ":\t" in line)
    assert int(lines["CapEff"], 16) == int(lines["CapBnd"], 16) == 0
    assert lines["NoNewPrivs"] == "1"


def test_no_further_user_namespace():
    code = "import ctypes; print(ctypes.CDLL(None).unshare(0x10000000))"
    assert inside(code) == "-1"


@pytest.mark.parametrize("path", ["/", "/usr", "/course", "/dev", "/etc", "/root", sys.prefix])
def test_nothing_is_written_outside(path):
    code = "import sys, os\ntry: open(sys.argv[1] + '/x', 'w'); print('written')\n"
    assert inside(code + "except OSError: print('no')", path) == "no"


@pytest.mark.parametrize("path", ["/tmp", "/dev/shm"])
def test_the_disk_is_small(path):
    code = (
        "import sys\nwritten = 0\n"
        "try:\n with open(sys.argv[1] + '/x', 'wb', 0) as file:\n"
        "  while True: written += file.write(bytes(2**20))\n"
        "except OSError: print(written)"
    )
    assert int(inside(code, path)) <= sandbox.DISK


def test_no_network_and_no_other_process():
    assert inside("import socket; print(len(socket.if_nameindex()))") == "1"
    count = inside("import os; print(sum(name.isdigit() for name in os.listdir('/proc')))")
    assert int(count) <= sandbox.PROCESSES


def test_the_environment_is_ours(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_INSTRUCTOR", "1")
    assert "SECRET" not in inside("import os; print(dict(os.environ))")


GRADER = """
import sys, time
from crystalgraph.grading.sandbox import Sandbox
one = Sandbox()
one.wait_until_ready()
print(one.process.pid, flush=True)
time.sleep(600)
"""


def test_a_killed_grader_takes_its_sandboxes_along():
    grader = subprocess.Popen([sys.executable, "-c", GRADER], stdout=subprocess.PIPE, cwd=REPO)
    outside = psutil.Process(int(grader.stdout.readline()))
    family = [outside, *outside.children(recursive=True)]
    assert len(family) >= 2
    os.kill(grader.pid, signal.SIGKILL)
    grader.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive


def test_closing_ends_everything_in_it():
    one = sandbox.Sandbox()
    family = sandbox._family(one.process.pid)
    time.sleep(0.5)
    family += sandbox._family(one.process.pid)
    one.close()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive


# --- where there can be none


def test_bubblewrap_missing(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(CrystalGraphError, match="apt install bubblewrap.*WSL2.*--unsafe"):
        sandbox.command(["true"])


@pytest.mark.parametrize(
    ("complaint", "cure"),
    [
        ("bwrap: setting up uid map: Permission denied", "unprivileged_userns_clone"),
        ("bwrap: No permissions to create a new namespace", "apparmor_restrict"),
        ("bwrap: Unknown option --disable-userns", "0.8 or newer"),
        ("Segmentation fault", "Segmentation fault"),
    ],
)
def test_bubblewrap_that_does_not_work(complaint, cure, monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text(f"#!/bin/sh\necho '{complaint}' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: str(fake))
    sandbox.prove.cache_clear()
    with pytest.raises(CrystalGraphError, match=cure):
        sandbox.prove()
    sandbox.prove.cache_clear()


def test_a_sandbox_that_does_not_hold_is_refused(monkeypatch):
    monkeypatch.setattr(sandbox, "command", lambda inner, unsafe=False: inner)
    sandbox.prove.cache_clear()
    with pytest.raises(CrystalGraphError, match="does not hold: code in it can .*see the course"):
        sandbox.prove()
    sandbox.prove.cache_clear()
