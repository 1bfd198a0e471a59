"""The command line: exit codes, help without waiting, and `lab`, which never overwrites."""

import os
import subprocess
import sys
import time
import types

import pytest

from crystalgraph import cli
from crystalgraph.commands.lab import split_extra
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS


def crystalgraph(*arguments, **options):
    """Run the command as a user would."""
    command = [sys.executable, "-P", "-m", "crystalgraph", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


# --- usage and exit codes ------------------------------------------------------------------------


@pytest.mark.nightly
def test_help_answers_at_once():
    begun = time.monotonic()
    assert crystalgraph("--help").returncode == 0
    assert time.monotonic() - begun < 5  # 0.1 s on an idle machine


def test_help_lists_every_command():
    result = crystalgraph("--help")
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
def homework(tmp_path):
    """A small release, an empty place for the student's copy, and the command for them."""
    release, work = tmp_path / "assignments" / "hw", tmp_path / "work" / "hw"
    (release / "pictures").mkdir(parents=True)
    (release / ".ipynb_checkpoints").mkdir()
    (release / ".ipynb_checkpoints" / "1-checkpoint.ipynb").write_text("leftover")
    (release / "1.ipynb").write_text("released 1")
    (release / "model_hw.py").write_text("released stubs")
    (release / "pictures" / "cell.png").write_bytes(b"\x89PNG")
    return release, work, ["lab", "--source", str(release), "--folder", str(work)]


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_lab_copies_the_release_once(homework, capsys):
    _, work, command = homework
    assert cli.main([*command, "--prepare-only"]) == 0
    assert names(work) == [".handed_out.json", "1.ipynb", "model_hw.py", "pictures/cell.png"]
    said = capsys.readouterr().out
    assert said.startswith(f"your copy of hw is in {work}; copied: 1.ipynb, model_hw.py, pictures/")


def test_lab_never_overwrites_and_adds_what_is_new(homework, capsys):
    release, work, command = homework
    cli.main([*command, "--prepare-only"])
    (work / "model_hw.py").write_text("a student's evening")
    (work / "notes.txt").write_text("mine")
    (release / "model_hw.py").write_text("released again")
    (release / "2.ipynb").write_text("released 2")
    capsys.readouterr()

    assert cli.main([*command, "hw", "--prepare-only"]) == 0
    assert (work / "model_hw.py").read_text() == "a student's evening"
    assert (work / "notes.txt").read_text() == "mine"
    assert (work / "2.ipynb").read_text() == "released 2"
    assert (work / "model_hw.new.py").read_text() == "released again"
    said = capsys.readouterr().out
    assert "copied: 2.ipynb; kept, as you have changed them: model_hw.py;" in said
    assert "lies beside it: model_hw.new.py (`lab hw --diff` shows what differs)" in said
    assert said.endswith("your other files are as you left them.\n")

    assert cli.main([*command, "--prepare-only"]) == 0
    assert "nothing is new" in capsys.readouterr().out


def test_lab_without_a_release_says_what_to_do(homework, capsys, tmp_path):
    _, work, command = homework
    command[2] = str(tmp_path / "nothing" / "hw")
    assert cli.main([*command, "--prepare-only"]) == 2
    assert "nbgrader generate_assignment hw --force" in capsys.readouterr().err
    assert not work.exists()


@pytest.mark.parametrize("name", LABS)
def test_lab_is_the_first_one_or_the_one_named(name):
    lab = LABS[name]
    assert split_extra([lab.id, "--port", "8890"]) == (lab, ["--port", "8890"])
    assert split_extra([name, "1.ipynb"]) == (lab, ["1.ipynb"])
    first = next(iter(LABS.values()))
    assert split_extra(["--no-browser"]) == (first, ["--no-browser"])
    assert split_extra([]) == (first, [])


def test_another_lab_is_refused_in_one_sentence(capsys):
    assert cli.main(["lab", "no-such-lab", "--prepare-only"]) == 2
    assert "There is no lab 'no-such-lab'; choose one of hw" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows starts JupyterLab as a child process")
def test_lab_opens_jupyterlab_in_the_students_folder(homework, monkeypatch):
    _, work, command = homework
    started = []

    def execute(program, arguments):  # it takes the place of this process
        started.append(arguments)
        raise SystemExit

    monkeypatch.setattr(os, "chdir", started.append)
    monkeypatch.setattr(os, "execv", execute)
    with pytest.raises(SystemExit):
        cli.main([*command, "--no-browser", "--port", "8890"])
    jupyterlab = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port", "8890"]
    assert started == [work, jupyterlab]
