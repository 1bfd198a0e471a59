"""start.py: what it says, what it would install, when it installs, and one real installation."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import start  # noqa: E402

LOCKED = {"latest": False, "dev": False}
LATEST = {"latest": True, "dev": False}


def run_start(*arguments, folder=ROOT, **options):
    command = [sys.executable, str(folder / "start.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, **options)


# --- what it says --------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["--version"]])
def test_without_a_command_it_prints_its_usage_and_installs_nothing(arguments, monkeypatch, capsys):
    monkeypatch.setattr(start, "ensure_environment", lambda options: pytest.fail("installed"))
    assert start.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: python start.py COMMAND")


def test_help_is_not_an_error(capsys):
    assert start.main(["--help"]) == 0
    printed = capsys.readouterr().out
    for name in ("lab", "run", "check", "train", "predict", "test"):
        assert f"\n  {name} " in printed


def test_usage_from_any_folder(tmp_path):
    result = run_start(cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")


def test_an_old_python_gets_one_sentence(monkeypatch, capsys):
    assert start.version_problem((3, 11, 0)) == ""
    assert start.version_problem((3, 14, 1)) == ""
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    assert start.main(["lab"]) == 2
    said = capsys.readouterr().err
    assert "needs Python 3.11 or newer and this is 3.9" in said
    assert len(said.splitlines()) == 1


def test_a_python_without_ensurepip_gets_the_cure(monkeypatch):
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(start.InstallError, match="apt install python3-venv"):
        start.make_venv(LOCKED)


def test_install_takes_its_own_options_only(monkeypatch, capsys):
    monkeypatch.setattr(start, "ensure_environment", lambda options: pytest.fail("installed"))
    assert start.main(["install", "everything"]) == 2
    assert "install does not know: everything" in capsys.readouterr().err


# --- where PyTorch comes from --------------------------------------------------------------------


def attempts(system="Linux", gpu=False, local=False, answers=True):
    found = start.torch_attempts("torch>=2.3,<3", system, lambda: gpu, local, lambda: answers)
    return [" ".join(arguments) for _, arguments in found]


PLAIN = [f"torch=={start.TORCH_PIN}", "torch>=2.3,<3"]


def test_a_file_on_this_disk_comes_first():
    assert attempts(local=True) == ["--no-index --no-deps torch>=2.3,<3", *PLAIN]


@pytest.mark.parametrize("system", ["Linux", "Windows"])
def test_without_a_gpu_the_cpu_index_comes_before_the_plain_one(system):
    first, second, *rest = attempts(system)
    assert start.CPU_INDEX in first and first.endswith(f"torch=={start.TORCH_PIN}+cpu")
    assert start.CPU_INDEX in second
    assert rest == PLAIN


def test_a_cpu_index_that_does_not_answer_is_left_out_and_said():
    found = start.torch_attempts("torch>=2.3,<3", "Linux", lambda: False, False, lambda: False)
    assert [" ".join(arguments) for _, arguments in found] == PLAIN
    assert all("does not answer" in text for text, _ in found)


@pytest.mark.parametrize("machine", [{"system": "Darwin"}, {"gpu": True}])
def test_macs_and_machines_with_a_gpu_use_the_plain_index(machine):
    assert attempts(**machine) == PLAIN


def test_nothing_is_asked_that_does_not_matter():
    def fail():
        pytest.fail("asked")

    start.torch_attempts("torch", "Linux", fail, True, fail)
    start.torch_attempts("torch", "Darwin", fail, False, fail)
    start.torch_attempts("torch", "Linux", lambda: True, False, fail)


def test_an_index_that_is_not_there_is_known_soon():
    begun = time.monotonic()
    assert not start.index_answers("http://127.0.0.1:9/torch/", seconds=90)
    assert time.monotonic() - begun < 45


def test_an_index_that_never_replies_is_given_up():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:  # accepts, and says nothing
        begun = time.monotonic()
        assert not start.index_answers(f"http://127.0.0.1:{server.getsockname()[1]}/", seconds=1)
        assert time.monotonic() - begun < 5


def test_an_intel_mac_is_told_what_may_work():
    assert "conda" in start.torch_cure("Darwin", "x86_64")
    assert "conda" not in start.torch_cure("Darwin", "arm64")


def test_the_range_is_the_one_in_pyproject():
    assert start.torch_requirement().startswith("torch>=")


# --- when it installs ----------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path, monkeypatch):
    """start.py pointed at an empty project whose installation is recorded instead of done."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "requirements.lock").write_text("numpy==2.0.0\n")
    monkeypatch.setattr(start, "ROOT", tmp_path)
    monkeypatch.setattr(start, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(start, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(start, "STAMP", tmp_path / ".venv" / "crystalgraph.json")
    monkeypatch.setattr(start, "LOG", tmp_path / ".venv" / "install.log")
    python = start.venv_python(tmp_path / ".venv")
    monkeypatch.setattr(start, "venv_python", lambda: python)
    done = []

    def make_venv(options):
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text("")
        done.append("venv")

    monkeypatch.setattr(start, "make_venv", make_venv)
    monkeypatch.setattr(start, "install_torch", lambda options: done.append("torch"))
    monkeypatch.setattr(start, "install_project", lambda options: done.append("project"))
    return done


PYPROJECT = """
[build-system]
requires = ["setuptools"]

[project]
dependencies = ["numpy>=2"]
optional-dependencies.test = ["pytest"]

[tool.crystalgraph]
students = "https://github.com/YOUR-COURSE/crystalgraph"
"""
EVERYTHING = ["venv", "torch", "project"]


def calls(done, *argv):
    """What one call of start.py does before it hands over."""
    done.clear()
    start.ensure_environment(start.take_options(list(argv or ["check"]), start.read_stamp())[1])
    return list(done)


def edit(name, old, new):
    path = start.ROOT / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_the_second_call_does_nothing(project):
    assert calls(project) == EVERYTHING
    assert calls(project) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pyproject.toml", "numpy>=2", "numpy>=2.1"),
        ("pyproject.toml", '["pytest"]', '["pytest", "hypothesis"]'),
        ("requirements.lock", "2.0.0", "2.1.0"),
    ],
)
def test_changed_dependencies_are_installed_into_the_same_environment(project, name, old, new):
    calls(project)
    edit(name, old, new)
    assert calls(project) == ["torch", "project"]
    assert calls(project) == []


def test_a_new_pin_of_pytorch_is_installed(project, monkeypatch):
    calls(project)
    monkeypatch.setattr(start, "TORCH_PIN", "2.99.0")
    assert calls(project) == ["torch", "project"]


def test_setting_the_courses_address_installs_nothing(project):
    calls(project)
    edit("pyproject.toml", "YOUR-COURSE", "physics-101")
    edit("pyproject.toml", "[tool.crystalgraph]", "[tool.ruff]\n[tool.crystalgraph]")
    assert calls(project) == []


def test_line_ends_of_the_lock_file_do_not_matter(project):
    calls(project)
    start.LOCK.write_bytes(start.LOCK.read_bytes().replace(b"\n", b"\r\n"))
    assert calls(project) == []


def test_latest_ignores_the_lock_file_until_install_is_called_again(project):
    assert calls(project, "check", "--latest") == EVERYTHING
    edit("requirements.lock", "2.0.0", "2.1.0")
    assert calls(project, "check") == []
    assert calls(project, "install", "--latest") == []
    assert calls(project, "install") == EVERYTHING  # pip would keep what fits
    assert calls(project, "check") == []
    assert calls(project, "test", "--latest") == EVERYTHING


def test_the_contributors_tools_are_added_and_stay(project):
    calls(project)
    assert calls(project, "install", "--dev") == ["torch", "project"]
    assert calls(project, "check") == calls(project, "install") == []
    edit("pyproject.toml", "numpy>=2", "numpy>=2.1")
    calls(project)
    assert start.read_stamp()["dev"]


def test_options_of_the_installation_do_not_reach_the_command():
    rest, options = start.take_options(["train", "--latest", "--dev", "--epochs", "3"], {})
    assert rest == ["train", "--dev", "--epochs", "3"] and options == LATEST
    rest, options = start.take_options(["install", "--dev"], {"latest": True})
    assert rest == ["install"] and options == {"latest": False, "dev": True}


def test_the_site_is_built_with_the_contributors_tools():
    rest, options = start.take_options(["site", "--quick"], {})
    assert rest == ["site", "--quick"] and options == {"latest": False, "dev": True}


def test_students_have_no_site_to_build(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(start, "SITE", tmp_path / "build_site.py")
    monkeypatch.setattr(start, "ensure_environment", lambda options: pytest.fail("installed"))
    assert start.main(["site"]) == 2
    assert "instructor's copy" in capsys.readouterr().err


def test_a_missing_lock_file_is_named_with_the_cure(project, capsys):
    start.LOCK.unlink()
    assert start.main(["check"]) == 2
    said = capsys.readouterr().err
    assert "requirements.lock is missing" in said and "--latest" in said
    assert calls(project, "check", "--latest") == EVERYTHING


def test_pip_is_given_the_lock_file_as_constraints(monkeypatch):
    asked = []
    monkeypatch.setattr(start, "pip", lambda *arguments, silent=False: asked.append(arguments) or 0)
    start.install_project(LOCKED)
    start.install_project({"latest": True, "dev": True})
    assert asked == [
        ("install", "-c", str(start.LOCK), "-e", ".[test,published]"),
        ("install", "-e", ".[test,published,docs,dev]"),
    ]


def test_without_the_published_checkpoints_all_else_is_installed(monkeypatch):
    asked = []
    monkeypatch.setattr(
        start, "pip", lambda *arguments, silent=False: asked.append(arguments[-1]) or len(asked) % 2
    )
    start.install_project({"latest": False, "dev": True})
    assert asked == [".[test,published,docs,dev]", ".[test,docs,dev]"]


def test_an_interrupted_installation_is_done_again(project, monkeypatch):
    def interrupted(options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(start, "install_project", interrupted)
        assert start.main(["check"]) == 130
    assert json.loads(start.STAMP.read_text())["state"] == "installing"
    assert calls(project) == EVERYTHING


def test_a_moved_folder_is_installed_anew(project):
    calls(project)
    stamp = json.loads(start.STAMP.read_text())
    start.STAMP.write_text(json.dumps({**stamp, "root": "/elsewhere"}))
    assert calls(project) == EVERYTHING


def test_an_environment_whose_python_is_gone_is_made_anew(project):
    calls(project)
    start.venv_python().unlink()
    assert calls(project) == EVERYTHING


def test_a_spoilt_stamp_is_no_stamp(project):
    calls(project)
    start.STAMP.write_text("{")
    assert calls(project) == ["torch", "project"]


def test_a_failed_installation_names_the_log_and_shows_its_end(project, monkeypatch, capsys):
    def fail(options):
        start.LOG.write_text("many lines\nERROR: no such package\n")
        raise start.InstallError("the packages could not be installed" + start.log_tail())

    monkeypatch.setattr(start, "install_project", fail)
    assert start.main(["check"]) == 2
    said = capsys.readouterr().err
    assert str(start.LOG) in said and "ERROR: no such package" in said


# --- what is seen of it --------------------------------------------------------------------------


def test_without_a_terminal_a_step_is_named_now_and_then(capsys):
    begun = time.monotonic()
    with start.Progress(pause=0.05, longest=0.4) as progress:
        for number in range(100):  # many steps at once: one line
            progress.note(f"Collecting package-{number}\n")
            progress.note("  Using cached something\n")
        time.sleep(0.2)
        progress.note("Installing collected packages: package-0, package-1\n")
        time.sleep(0.8)
    passed = time.monotonic() - begun
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("start.py:   Collecting package-99 (")
    assert lines[1].startswith("start.py:   Installing them (")
    assert 3 <= len(lines) <= 2 + passed / 0.4, "a long step is named again, but not at each pause"


def test_without_a_terminal_nobody_waits_long_for_a_line():
    """A download of PyTorch is one step and takes minutes."""
    progress = start.Progress()
    assert progress.pause <= 5 and progress.longest <= 15


def test_a_short_or_silent_step_says_nothing(capsys):
    with start.Progress() as progress:
        progress.note("Collecting package\n")
    with start.Progress(silent=True, pause=0.01) as progress:
        progress.note("Collecting package\n")
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_one_line_changes(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with start.Progress(pause=0.01) as progress:
        progress.note("Collecting one\n")
        progress.note("Collecting two\n")
        time.sleep(0.1)
    said = capsys.readouterr().err
    assert "\n" not in said
    assert [part.strip() for part in said.split("\r")] == [
        "",
        "Collecting one",
        "Collecting two",
        "",
        "",
    ]


# --- handing over --------------------------------------------------------------------------------


def test_where_the_interpreter_lies():
    venv = Path("somewhere")
    assert start.venv_python(venv, windows=True) == venv / "Scripts" / "python.exe"
    assert start.venv_python(venv, windows=False) == venv / "bin" / "python"


def test_commands_and_tests_are_run_by_the_environments_python():
    python = Path("python")
    assert start.command_line(["train", "--epochs", "3"], python) == [
        *("python", "-P", "-m", "crystalgraph", "train", "--epochs", "3")
    ]
    assert start.command_line(["test", "--nightly", "-k", "x"], python) == [
        *("python", "-m", "pytest", "-n", "2", "--nightly", "-k", "x")
    ]
    assert start.command_line(["site", "--quick"], python) == [
        *("python", str(ROOT / "tools" / "build_site.py"), "--quick")
    ]


def test_the_environment_is_as_if_activated(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/somewhere")
    variables = start.environment(Path("/p/.venv"))
    assert variables["VIRTUAL_ENV"] == str(Path("/p/.venv"))
    assert variables["PATH"].startswith(str(start.venv_python(Path("/p/.venv")).parent))
    assert "PYTHONHOME" not in variables


# --- one real installation -----------------------------------------------------------------------


def copy_of_the_project(folder):
    """What an installation needs, in a folder of its own (with a space in its name)."""
    folder.mkdir()
    for name in ("start.py", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    leftovers = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "crystalgraph", folder / "crystalgraph", ignore=leftovers)
    return folder


def locked_versions():
    """ "name==version" of every line of the lock file."""
    lines = start.LOCK.read_text(encoding="utf-8").splitlines()
    return {normalized(line.split(" ;")[0].strip()) for line in lines if "==" in line}


def normalized(requirement):
    name, _, version = requirement.partition("==")
    return "{}=={}".format(re.sub(r"[-_.]+", "-", name).lower(), version)


def versions_in(venv):
    """ "name==version" of what was installed, but for the project, pip and PyTorch."""
    command = [str(start.venv_python(venv)), "-m", "pip", "list", "--format=freeze"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    apart = ("crystalgraph==", "pip==", "torch==", "triton==", "nvidia-", "cuda-")
    return {normalized(line) for line in listed if not line.startswith(apart)}


def interrupt_during_installation(folder):
    """Start an installation, press Ctrl-C while pip is at the packages, return the exit code."""
    process = subprocess.Popen(
        [sys.executable, str(folder / "start.py"), "install"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        for line in process.stderr:
            if "installing crystalgraph" in line:
                time.sleep(2)
                os.killpg(process.pid, signal.SIGINT)
    return process.returncode


@pytest.mark.nightly
@pytest.mark.skipif(os.name == "nt", reason="interrupts a process group")
def test_a_bare_folder_becomes_ready_by_one_command(tmp_path):
    folder = copy_of_the_project(tmp_path / "my course")
    assert interrupt_during_installation(folder) == 130

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "torch.py").write_text("raise SystemExit('a student named a file torch.py')")
    first = run_start("check", "--help", folder=folder, cwd=elsewhere, timeout=900)
    assert first.returncode == 0, first.stderr
    assert "usage: crystalgraph check" in first.stdout
    assert first.stderr.count("making .venv") == 1  # it started over
    said = first.stderr.splitlines()
    assert len([line for line in said if not line.startswith("start.py:   ")]) < 10
    assert len(said) > 10, "without a terminal the steps of the installation are named"

    begun = time.monotonic()
    again = run_start("no-such", folder=folder), run_start("check", "--nonsense", folder=folder)
    assert time.monotonic() - begun < 10  # 0.3 s on an idle machine
    assert [result.returncode for result in again] == [2, 2]
    assert "making" not in again[1].stderr

    installed = {path.name.lower() for path in folder.glob(".venv/lib/python*/site-packages/*")}
    assert {"torch", "pymatgen", "nbgrader", "pytest"} <= installed
    if not start.has_nvidia_device():
        assert not [name for name in installed if name.startswith("nvidia")]
    assert not [path for path in elsewhere.iterdir() if path.name != "torch.py"]
    assert versions_in(folder / ".venv") <= locked_versions()
