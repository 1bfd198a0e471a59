"""The sandbox: what code in it can do, and what is said where there can be none."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from crystalgraph.checking.limits import Limits
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import hidden_in_sandbox
from crystalgraph.paths import PACKAGE, REPO
from crystalgraph.sandbox import walls as sandbox
from crystalgraph.sandbox.walls import Sandbox, Walls

WALLS = Walls(hidden_in_sandbox(), Limits(disk=2**20))
CHECKS = [f"{lab.package}.checks" for lab in LABS.values()]


def inside(code, *arguments):
    """Run Python code in a sandbox; returns what it printed."""
    inner = [sys.executable, "-I", "-c", code, *map(str, arguments)]
    done = subprocess.run(WALLS.command(inner), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_holds():
    sandbox.prove(WALLS)


def test_the_course_is_not_there():
    for path in ("model.py", "solutions", "tests", "submitted", "gradebook.db", ".git"):
        assert inside("import os, sys; print(os.path.exists(sys.argv[1]))", REPO / path) == "False"


@pytest.mark.parametrize("lab", LABS.values(), ids=LABS.keys())
def test_what_is_secret_of_a_lab_is_not_there(lab):
    """The instructor's folder, and the stored cases, which hold what a right answer gives."""
    for folder in (lab.home / "instructor", lab.cases_folder):
        assert any(folder.iterdir()) and folder in WALLS.hidden
        there = sandbox.inside(folder)
        assert inside("import os, sys; print(os.listdir(sys.argv[1]))", there) == "[]"
    code = "import sys; sys.path[:0] = sys.argv[1:2]; import importlib; importlib.import_module("
    inner = [sys.executable, "-I", "-c", f"{code}sys.argv[2])", sandbox.COURSE]
    done = subprocess.run(
        WALLS.command([*inner, f"{lab.package}.instructor.reference"]),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "ModuleNotFoundError" in done.stderr


def test_secrets_are_found_without_a_list_of_labs():
    """A folder that is no lab yet, or no more, is hidden like all others."""
    folders = {path for path in (PACKAGE / "labs").glob("*/instructor") if path.is_dir()}
    assert folders and folders <= set(WALLS.hidden)


def test_walls_that_hide_too_little_are_refused():
    class Forgetful(Walls):
        def command(self, inner):
            return Walls().command(inner)

    with pytest.raises(CrystalGraphError, match="does not hold: code in it can see the course"):
        sandbox.prove(Forgetful(hidden_in_sandbox()))


def test_walls_that_take_too_long_are_a_sentence(monkeypatch):
    class Slow(Walls):
        def command(self, inner):
            return [sys.executable, "-c", "import time; time.sleep(60)"]

    monkeypatch.setattr(sandbox, "SECONDS_TO_PROVE", 0.1)
    with pytest.raises(CrystalGraphError, match="gave no answer within 0.1 s.*try again"):
        sandbox.prove(Slow())


def test_what_the_system_has_ended_for_memory_is_counted(tmp_path):
    counters = tmp_path / "vmstat"
    counters.write_text("pgfault 12\noom_kill 3\noom_killer 9\n")
    assert sandbox.killed_for_memory(counters) == 3
    assert sandbox.killed_for_memory(tmp_path / "nowhere") == 0
    assert sandbox.killed_for_memory() >= 0


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
    assert int(inside(code, path)) <= WALLS.limits.disk


def test_no_network_and_no_other_process():
    assert inside("import socket; print(len(socket.if_nameindex()))") == "1"
    count = inside("import os; print(sum(name.isdigit() for name in os.listdir('/proc')))")
    assert int(count) <= sandbox.PROCESSES


def test_the_environment_is_ours(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_INSTRUCTOR", "1")
    assert "SECRET" not in inside("import os; print(dict(os.environ))")


GRADER = """
import sys, time
from crystalgraph.sandbox.walls import Sandbox, Walls
one = Sandbox(Walls(), sys.argv[1])
one.wait_until_ready()
print(one.process.pid, flush=True)
time.sleep(600)
"""


def test_a_killed_grader_takes_its_sandboxes_along():
    command = [sys.executable, "-c", GRADER, CHECKS[0]]
    grader = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPO)
    outside = psutil.Process(int(grader.stdout.readline()))
    family = [outside, *outside.children(recursive=True)]
    assert len(family) >= 2
    os.kill(grader.pid, signal.SIGKILL)
    grader.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive


def test_closing_ends_everything_in_it():
    one = Sandbox(WALLS, CHECKS[0])
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
        WALLS.command(["true"])


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
    sandbox.prove.cache_clear()  # it is true of the bubblewrap that was there before
    with pytest.raises(CrystalGraphError, match=cure):
        sandbox.prove(WALLS)


def test_a_sandbox_that_does_not_hold_is_refused():
    with pytest.raises(CrystalGraphError, match="does not hold: code in it can .*see the course"):
        sandbox.prove(Walls(unsafe=True))


# --- limits


def test_limits_are_handed_down():
    limits = Limits(memory=7, file_size=8, processes=9, open_files=10, seconds_of_processor=11)
    known = Walls((), limits).resource_limits()
    assert known == {
        "RLIMIT_AS": 7,
        "RLIMIT_FSIZE": 8,
        "RLIMIT_NPROC": 9,
        "RLIMIT_NOFILE": 10,
        "RLIMIT_CPU": 11,
        "RLIMIT_CORE": 0,
    }


def test_a_worker_that_does_not_start_in_time_is_given_up():
    one = Sandbox(Walls(hidden_in_sandbox(), Limits(seconds_to_start=0.05)), CHECKS[0])
    with pytest.raises(CrystalGraphError, match="did not start; it said"):
        one.wait_until_ready()
    assert one.process.poll() is not None
