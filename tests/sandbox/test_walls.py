"""The sandbox: what code in it can do, and what is said where there can be none."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest

from crystalgraph.checking.limits import Limits
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import hidden_in_sandbox
from crystalgraph.paths import PACKAGE, REPO
from crystalgraph.sandbox import server
from crystalgraph.sandbox import walls as sandbox
from crystalgraph.sandbox.server import SandboxServer
from crystalgraph.sandbox.walls import Walls

SHARED = Walls(hidden_in_sandbox(), Limits(disk=2**20))
ALONE = replace(SHARED, alone=True)
CHECKS = [f"{lab.package}.checks" for lab in LABS.values()]

walls = pytest.mark.parametrize("walls", [SHARED, ALONE], ids=["inner walls", "outer walls alone"])


def inside(walls, code, *arguments):
    """Run Python code in a sandbox; returns what it printed."""
    done = subprocess.run(
        walls.script(code, *arguments), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_students_code_needs_is_loaded_without_what_is_hidden():
    """A module that imports the engine, which is hidden, would let no sandbox of its lab start."""
    modules = [*CHECKS, "crystalgraph.experiments"]
    assert inside(SHARED, f"import {', '.join(modules)}; print('loaded')") == "loaded"


def test_inner_walls_can_be_had_here():
    assert sandbox.usable(SHARED) == SHARED


def test_where_the_system_forbids_them_each_sandbox_is_alone():
    class Refused(Walls):
        def command(self, inner):
            return super().command(inner) if self.alone else ["false"]

    assert sandbox.usable(Refused()) == Refused(alone=True)


def test_inner_walls_that_never_answer_are_not_waited_for(monkeypatch):
    class Silent(Walls):
        def command(self, inner):
            return super().command(inner) if self.alone else ["sleep", "60"]

    monkeypatch.setattr(sandbox, "SECONDS_TO_PROVE", 0.1)
    assert sandbox.usable(Silent()) == Silent(alone=True)


def test_a_failure_that_passes_changes_nothing(tmp_path):
    failed_before = tmp_path / "failed"

    class AtSecondTry(Walls):
        def command(self, inner):
            if not failed_before.exists():
                failed_before.touch()
                return ["false"]
            return super().command(inner)

    assert sandbox.usable(AtSecondTry()) == AtSecondTry()


@walls
def test_it_holds(walls):
    sandbox.prove(walls)


@walls
def test_the_course_is_not_there(walls):
    for path in ("model.py", "solutions", "tests", "submitted", "gradebook.db", ".git"):
        code = "import os, sys; print(os.path.exists(sys.argv[1]))"
        assert inside(walls, code, REPO / path) == "False"


@walls
@pytest.mark.parametrize("lab", LABS.values(), ids=LABS.keys())
def test_what_is_secret_of_a_lab_is_not_there(lab, walls):
    """The instructor's folder, and the stored cases, which hold what a right answer gives."""
    for folder in (lab.home / "instructor", lab.cases_folder):
        assert any(folder.iterdir()) and folder in walls.hidden
        there = sandbox.inside(folder)
        assert inside(walls, "import os, sys; print(os.listdir(sys.argv[1]))", there) == "[]"
    code = "import sys; sys.path[:0] = sys.argv[1:2]; import importlib; importlib.import_module("
    module = f"{lab.package}.instructor.reference"
    done = subprocess.run(
        walls.script(f"{code}sys.argv[2])", sandbox.COURSE, module),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "ModuleNotFoundError" in done.stderr


@walls
def test_the_engine_is_not_there(walls):
    """It has layers that give what students' layers are to give."""
    code = "import sys; sys.path[:0] = sys.argv[1:]\n"
    code += "try: from crystalgraph.networks.engine.layers import GatedLayer; print('there')\n"
    assert inside(walls, code + "except ImportError: print('no')", sandbox.COURSE) == "no"


def test_secrets_are_found_without_a_list_of_labs():
    """A folder that is no lab yet, or no more, is hidden like all others."""
    folders = {path for path in (PACKAGE / "labs").glob("*/instructor") if path.is_dir()}
    assert folders and folders <= set(SHARED.hidden)


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
    assert server.killed_for_memory(counters) == 3
    assert server.killed_for_memory(tmp_path / "nowhere") == 0
    assert server.killed_for_memory() >= 0


RIGHTS = """
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
rights = ctypes.create_string_buffer(24)
assert libc.capget(struct.pack("Ii", 0x20080522, 0), rights) == 0
bound = [libc.prctl(23, right, 0, 0, 0) for right in range(64)]
known = [any(rights.raw), max(bound), libc.prctl(39, 0, 0, 0, 0)]
print(os.getuid(), os.getgid(), *map(int, known), libc.unshare(0x10000000))
"""


@walls
def test_nobody_is_who_runs_and_gets_no_rights(walls):
    """No capability, none that a program could bring, and no further namespace of users."""
    nobody = sandbox.NOBODY
    assert inside(walls, RIGHTS).split() == [nobody, nobody, "0", "0", "1", "-1"]


FURTHER = """
import ctypes, os
libc = ctypes.CDLL(None)
print(sum(libc.unshare(kind) == 0 for kind in (0x20000, 0x10000000, 0x20000000, 0x08000000)))
print(sum(libc.mount(b"x", b"/tmp", kind, 0, None) == 0 for kind in (b"tmpfs", b"proc")))
print(sum(libc.umount2(path, 2) == 0 for path in (b"/tmp", b"/proc", b"/dev/shm", b"/")))
"""


@walls
def test_nobody_changes_the_walls(walls):
    assert inside(walls, FURTHER).split() == ["0", "0", "0"]


@walls
@pytest.mark.parametrize("path", ["/", "/usr", "/course", "/dev", "/etc", "/root", sys.prefix])
def test_nothing_is_written_outside(path, walls):
    code = "import sys, os\ntry: open(sys.argv[1] + '/x', 'w'); print('written')\n"
    assert inside(walls, code + "except OSError: print('no')", path) == "no"


@walls
@pytest.mark.parametrize("path", ["/tmp", "/dev/shm"])
def test_the_disk_is_small(path, walls):
    code = (
        "import sys\nwritten = 0\n"
        "try:\n with open(sys.argv[1] + '/x', 'wb', 0) as file:\n"
        "  while True: written += file.write(bytes(2**20))\n"
        "except OSError: print(written)"
    )
    assert int(inside(walls, code, path)) <= walls.limits.disk


@walls
def test_no_network_and_no_other_process(walls):
    assert inside(walls, "import socket; print(len(socket.if_nameindex()))") == "1"
    count = inside(walls, "import os; print(sum(name.isdigit() for name in os.listdir('/proc')))")
    assert int(count) <= sandbox.PROCESSES


def test_behind_inner_walls_one_is_the_first_process():
    assert inside(SHARED, "import os; print(os.getpid(), os.getppid())") == "1 0"


@walls
def test_the_environment_is_ours(walls, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_INSTRUCTOR", "1")
    assert "SECRET" not in inside(walls, "import os; print(dict(os.environ))")


GRADER = """
import sys, time
from crystalgraph.sandbox.server import SandboxServer
from crystalgraph.sandbox.walls import Walls
server = SandboxServer(Walls(alone=bool(sys.argv[2:])), sys.argv[1])
one = server.sandbox()
print(server.process.pid, one.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("alone", [[], ["alone"]], ids=["inner walls", "outer walls alone"])
def test_a_killed_grader_takes_its_sandboxes_along(alone):
    command = [sys.executable, "-c", GRADER, CHECKS[0], *alone]
    grader = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPO)
    outside, worker = map(psutil.Process, map(int, grader.stdout.readline().split()))
    family = [outside, *outside.children(recursive=True)]
    assert worker in family
    os.kill(grader.pid, signal.SIGKILL)
    grader.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive


@walls
def test_closing_a_sandbox_ends_everything_in_it(walls):
    server = SandboxServer(walls, CHECKS[0])
    one = server.sandbox()
    family = [psutil.Process(one.pid), *psutil.Process(one.pid).parents()[:1]]
    one.close()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    assert (server.process.poll() is None) != walls.alone
    server.close()


@walls
def test_a_worker_is_closed_to_its_own_forks(walls):
    """They have its user; what belongs to nobody's user is written by none of them."""
    server = SandboxServer(walls, CHECKS[0])
    one = server.sandbox()
    assert os.stat(f"/proc/{one.pid}/mem").st_uid != int(sandbox.NOBODY)
    one.close()
    server.close()


def test_a_sandbox_that_was_killed_from_outside_is_known():
    for walls, kill in ((SHARED, lambda one: one.pid), (ALONE, lambda one: one.server.process.pid)):
        server = SandboxServer(walls, CHECKS[0])
        one = server.sandbox()
        os.kill(kill(one), signal.SIGKILL)
        assert one.was_ended_from_outside()
        one.close()
        server.close()


def test_two_sandboxes_of_a_server_know_nothing_of_each_other():
    """What one leaves on its disks and in its network is not there for the next one, nor are the
    processes of the first; both were forked from the same process."""
    server = SandboxServer(SHARED, CHECKS[0])
    first, second = server.sandbox(), server.sandbox()
    spaces = ("user", "mnt", "pid", "ipc", "net", "uts", "cgroup")
    watcher, forker, *_ = psutil.Process(first.pid).parents()
    assert watcher.parent() == forker and forker in psutil.Process(second.pid).parents()
    for space in spaces:
        pids = (first.pid, second.pid, forker.pid, os.getpid())
        assert len({os.readlink(f"/proc/{pid}/ns/{space}") for pid in pids}) == 4, space
    opened = f"/proc/{first.pid}/fd"
    kinds = {os.readlink(f"{opened}/{name}") for name in os.listdir(opened)}
    assert not [kind for kind in kinds if kind.startswith("socket")], "no way to the server"
    server.close()


# --- where there can be none


def test_bubblewrap_missing(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(CrystalGraphError, match="apt install bubblewrap.*WSL2.*--unsafe"):
        SHARED.command(["true"])


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
        sandbox.prove(SHARED)


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
    server = SandboxServer(Walls(hidden_in_sandbox(), Limits(seconds_to_start=0.05)), CHECKS[0])
    with pytest.raises(CrystalGraphError, match="did not start; it said"):
        server.sandbox()
    assert server.process.poll() is not None


def test_a_sandbox_that_does_not_start_is_a_sentence():
    """The process that forks is there, and what it forks cannot shut itself in."""

    class Locked(Walls):
        def command(self, inner):
            return ALONE.command(inner)

    server = SandboxServer(Locked(), CHECKS[0])
    with pytest.raises(CrystalGraphError, match="did not start; it said.* unshare: No space left"):
        server.sandbox()
    assert server.process.poll() is not None
