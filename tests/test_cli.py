"""The command line: exit codes, help without waiting, and `lab`, which never overwrites."""

import os
import subprocess
import sys
import time
import types

import pytest

from crystalgraph import cli
from crystalgraph.commands import lab
from crystalgraph.errors import CrystalGraphError


def crystalgraph(*arguments, **options):
    """Run the command as a user would."""
    command = [sys.executable, "-P", "-m", "crystalgraph", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


# --- usage and exit codes ------------------------------------------------------------------------


def test_help_lists_every_command():
    begun = time.monotonic()
    result = crystalgraph("--help")
    assert time.monotonic() - begun < 5  # 0.1 s on an idle machine
    assert result.returncode == 0
    for name in cli.COMMANDS:
        assert f"\n    {name} " in result.stdout


@pytest.mark.parametrize("arguments", [[], *[[name] for name in cli.COMMANDS]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys\n"
        "from crystalgraph.cli import main\n"
        "try:\n"
        f"    main({[*arguments, '--help']!r})\n"
        "except SystemExit as exit:\n"
        "    print('CODE', exit.code)\n"
        "print('HEAVY', [m for m in ('torch', 'pymatgen', 'matplotlib') if m in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.endswith("CODE 0\nHEAVY []\n"), result.stdout + result.stderr


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["check", "--no-such-option"]])
def test_wrong_usage_exits_with_2(arguments):
    result = crystalgraph(*arguments)
    assert result.returncode == 2
    assert "usage: crystalgraph" in result.stderr
    assert not result.stdout


def pretend_command(monkeypatch, main, **attributes):
    """Put a module with this main() in the place of `check`."""
    module = types.ModuleType("crystalgraph.commands.check")
    module.add_arguments = lambda parser: parser.add_argument("--known")
    module.main = main
    vars(module).update(attributes)
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.parametrize("returned, code", [(0, 0), (1, 1), (None, 0), (True, 1)])
def test_the_exit_code_is_what_the_command_returns(monkeypatch, returned, code):
    pretend_command(monkeypatch, lambda args: returned)
    assert cli.main(["check"]) == code


def test_bad_input_is_one_sentence_and_2(monkeypatch, capsys):
    def main(args):
        raise CrystalGraphError("no such file: a.cif; give the path of a CIF file")

    pretend_command(monkeypatch, main)
    assert cli.main(["check"]) == 2
    expected = "crystalgraph check: no such file: a.cif; give the path of a CIF file\n"
    assert capsys.readouterr() == ("", expected)


def test_other_errors_keep_their_traceback(monkeypatch):
    def main(args):
        raise ZeroDivisionError

    pretend_command(monkeypatch, main)
    with pytest.raises(ZeroDivisionError):
        cli.main(["check"])


def test_interrupted_is_130(monkeypatch, capsys):
    def main(args):
        raise KeyboardInterrupt

    pretend_command(monkeypatch, main)
    assert cli.main(["check"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_extra_arguments_reach_only_commands_that_ask_for_them(monkeypatch):
    seen = []
    pretend_command(monkeypatch, lambda args: seen.append(args), EXTRA_ARGUMENTS=True)
    assert cli.main(["check", "--known", "1", "--port", "8890"]) == 0
    assert seen[0].known == "1"
    assert seen[0].extra == ["--port", "8890"]
    pretend_command(monkeypatch, lambda args: seen.append(args))
    with pytest.raises(SystemExit) as stopped:
        cli.main(["check", "--port", "8890"])
    assert stopped.value.code == 2


# --- lab -----------------------------------------------------------------------------------------


@pytest.fixture
def homework(tmp_path, monkeypatch):
    """A small release and an empty place for the student's copy."""
    release, work = tmp_path / "assignments" / "hw", tmp_path / "work" / "hw"
    (release / "pictures").mkdir(parents=True)
    (release / ".ipynb_checkpoints").mkdir()
    (release / ".ipynb_checkpoints" / "1-checkpoint.ipynb").write_text("leftover")
    (release / "1.ipynb").write_text("released 1")
    (release / "model_hw.py").write_text("released stubs")
    (release / "pictures" / "cell.png").write_bytes(b"\x89PNG")
    monkeypatch.setattr(lab, "RELEASE", release)
    monkeypatch.setattr(lab, "WORK", work)
    return release, work


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_lab_copies_the_release_once(homework, capsys):
    _, work = homework
    assert cli.main(["lab", "--prepare-only"]) == 0
    assert names(work) == [".handed_out.json", "1.ipynb", "model_hw.py", "pictures/cell.png"]
    assert "copied: 1.ipynb, model_hw.py, pictures/cell.png." in capsys.readouterr().out


def test_lab_never_overwrites_and_adds_what_is_new(homework, capsys):
    release, work = homework
    cli.main(["lab", "--prepare-only"])
    (work / "model_hw.py").write_text("a student's evening")
    (work / "notes.txt").write_text("mine")
    (release / "model_hw.py").write_text("released again")
    (release / "2.ipynb").write_text("released 2")
    capsys.readouterr()

    assert cli.main(["lab", "--prepare-only"]) == 0
    assert (work / "model_hw.py").read_text() == "a student's evening"
    assert (work / "notes.txt").read_text() == "mine"
    assert (work / "2.ipynb").read_text() == "released 2"
    assert (work / "model_hw.new.py").read_text() == "released again"
    said = capsys.readouterr().out
    assert "copied: 2.ipynb; kept, as you have changed them: model_hw.py;" in said
    assert "lies beside it: model_hw.new.py (`lab --diff` shows what differs)" in said
    assert said.endswith("your other files are as you left them.\n")

    assert cli.main(["lab", "--prepare-only"]) == 0
    assert "nothing is new" in capsys.readouterr().out


def test_lab_without_a_release_says_what_to_do(homework, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(lab, "RELEASE", tmp_path / "nothing")
    assert cli.main(["lab", "--prepare-only"]) == 2
    assert "nbgrader generate_assignment hw --force" in capsys.readouterr().err
    assert not homework[1].exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows starts JupyterLab as a child process")
def test_lab_opens_jupyterlab_in_the_students_folder(homework, monkeypatch):
    started = []
    monkeypatch.setattr(os, "chdir", lambda folder: started.append(folder))
    monkeypatch.setattr(os, "execv", lambda program, command: started.append(command))
    cli.main(["lab", "--no-browser", "--port", "8890"])
    assert started[0] == homework[1]
    assert started[1] == [sys.executable, "-m", "jupyterlab", "--no-browser", "--port", "8890"]
