"""start.py: what it says, what it would install, when it installs, and one real installation."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
import start  # noqa: E402


def run_start(*arguments, folder=ROOT, **options):
    command = [sys.executable, str(folder / "start.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, **options)


# --- what it says --------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["--version"]])
def test_without_a_command_it_prints_its_usage_and_installs_nothing(arguments, monkeypatch, capsys):
    monkeypatch.setattr(start, "ensure_environment", lambda: pytest.fail("installed"))
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
        start.make_venv()


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
    assert not start.index_answers("http://127.0.0.1:9/torch/", seconds=5)
    assert time.monotonic() - begun < 6


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
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(start, "ROOT", tmp_path)
    monkeypatch.setattr(start, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(start, "STAMP", tmp_path / ".venv" / "crystalgraph.json")
    monkeypatch.setattr(start, "LOG", tmp_path / ".venv" / "install.log")
    python = start.venv_python(tmp_path / ".venv")
    monkeypatch.setattr(start, "venv_python", lambda: python)
    monkeypatch.setattr(
        start, "fingerprint", lambda: str(hash((tmp_path / "pyproject.toml").read_bytes()))
    )
    done = []

    def make_venv():
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text("")
        done.append("venv")

    monkeypatch.setattr(start, "make_venv", make_venv)
    monkeypatch.setattr(start, "install_torch", lambda: done.append("torch"))
    monkeypatch.setattr(start, "install_project", lambda: done.append("project"))
    return done


EVERYTHING = ["venv", "torch", "project"]


def calls(done):
    """What one call of ensure_environment does."""
    done.clear()
    start.ensure_environment()
    return list(done)


def test_the_second_call_does_nothing(project):
    assert calls(project) == EVERYTHING
    assert calls(project) == []


def test_a_changed_pyproject_is_installed_into_the_same_environment(project):
    calls(project)
    (start.ROOT / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert calls(project) == ["torch", "project"]
    assert calls(project) == []


def test_an_interrupted_installation_is_done_again(project, monkeypatch):
    def interrupted():
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
    def fail():
        start.LOG.write_text("many lines\nERROR: no such package\n")
        raise start.InstallError("the packages could not be installed" + start.log_tail())

    monkeypatch.setattr(start, "install_project", fail)
    assert start.main(["check"]) == 2
    said = capsys.readouterr().err
    assert str(start.LOG) in said and "ERROR: no such package" in said


def test_the_fingerprint_follows_the_content(tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text("a")
    first = start.fingerprint(file)
    file.write_text("b")
    assert start.fingerprint(file) != first
    file.write_text("a")
    assert start.fingerprint(file) == first


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
    assert start.command_line(["test", "-k", "x"], python) == ["python", "-m", "pytest", "-k", "x"]


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
    for name in ("start.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    leftovers = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "crystalgraph", folder / "crystalgraph", ignore=leftovers)
    return folder


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


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="interrupts a process group")
def test_a_bare_folder_becomes_ready_by_one_command(tmp_path):
    folder = copy_of_the_project(tmp_path / "my homework")
    assert interrupt_during_installation(folder) == 130

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "torch.py").write_text("raise SystemExit('a student named a file torch.py')")
    first = run_start("check", "--help", folder=folder, cwd=elsewhere, timeout=900)
    assert first.returncode == 0, first.stderr
    assert "usage: crystalgraph check" in first.stdout
    assert first.stderr.count("making .venv") == 1  # it started over
    assert len(first.stderr.splitlines()) < 10

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
