"""`crystalgraph check`: the board, its exit codes, and code that takes the process down."""

import json
import shutil
import subprocess
import sys
import time

import pytest

from crystalgraph import board as board_module
from crystalgraph.board import find_folder, make_board
from crystalgraph.checks.tasks import MODEL_FILE, NOTEBOOKS, TASKS
from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import REPO


def check(*arguments, cwd=None):
    """The command as a user runs it."""
    command = [sys.executable, "-P", "-m", "crystalgraph", "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300)


@pytest.fixture
def folder(tmp_path):
    """A correct hand-in."""
    for name in NOTEBOOKS.values():
        shutil.copyfile(REPO / "solutions" / "hw" / name, tmp_path / name)
    shutil.copyfile(REPO / "model.py", tmp_path / MODEL_FILE)
    return tmp_path


def edit(path, old, new):
    """Replace a text that is there, once."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_right_folder_passes_within_15_seconds(folder):
    start = time.monotonic()
    result = check(cwd=folder)
    seconds = time.monotonic() - start
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("passed") == len(TASKS)
    assert "120 of 116 points" in result.stdout
    assert seconds < 15 * 3  # 15 s on two cores that do nothing else
    print(f"board of a right folder: {seconds:.1f} s")


def test_the_release_is_all_to_do():
    result = check(REPO / "assignments" / "hw", "--json")
    assert result.returncode == 1
    board = json.loads(result.stdout)
    assert {task["status"] for task in board["tasks"]} == {"not implemented"}
    assert board["points"] == 0 and board["max_points"] == 116
    assert board["next"].startswith("Next: task 1.1, fill in atom_vectors")


def test_faults_stay_in_their_task(folder, monkeypatch):
    monkeypatch.setattr(board_module, "SECONDS_PER_TASK", 12.0)
    model = folder / MODEL_FILE
    edit(
        model, "    sums = atom_features.new_zeros(", "    import os\n    os._exit(7)\n    sums = ("
    )
    edit(model, "    largest = ", "    import ctypes; ctypes.string_at(0)\n    largest = ")
    edit(
        model, "        pairs = torch.cat(", "        while True: pass\n        pairs = torch.cat("
    )
    edit(model, "self.activation(core)", "core")
    (folder / NOTEBOOKS["3"]).unlink()
    board = make_board(folder, model)
    status = {row.task.id: row.status for row in board.rows}
    assert [name for name, found in status.items() if found == "failed"] == [
        "2.1",
        "2.2",
        "2.3",
        "2.4",
    ]
    assert [name[0] for name, found in status.items() if found == "missing"] == ["3"] * 5
    messages = {row.task.id: row.message for row in board.rows}
    assert "activation" in messages["2.1"]
    assert "endless loop" in messages["2.2"]
    assert "exit code 7" in messages["2.3"]
    assert "Python itself ended" in messages["2.4"]
    assert not board.passed
    assert board.next_thing().startswith("Next: task 2.3, mend mean_pool in model_hw.py")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(:", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("import os; os._exit(3)", "exit code 3"),
    ],
)
def test_a_model_file_that_cannot_be_loaded_leaves_the_notebooks_alone(folder, text, words):
    (folder / MODEL_FILE).write_text(text, encoding="utf-8")
    rows = make_board(folder, folder / MODEL_FILE).rows
    for row in rows:
        if row.task.where == MODEL_FILE:
            assert row.status == "failed" and words in row.message
        else:
            assert row.status == "passed", row


def test_another_model_file(folder):
    (folder / MODEL_FILE).unlink()
    result = check(folder, "--model", REPO / "model.py")
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_cell_that_is_no_python(folder):
    edit(folder / NOTEBOOKS["1"], "def atom_vectors(", "def atom_vectors(:")
    rows = {row.task.id: row for row in make_board(folder, folder / MODEL_FILE).rows}
    assert "atom_vectors is no valid Python" in rows["1.1"].message
    assert rows["1.2"].status == "passed"


def test_a_file_named_like_a_library_does_no_harm(folder):
    (folder / "torch.py").write_text("raise SystemExit('shadowed')", encoding="utf-8")
    assert make_board(folder, folder / MODEL_FILE).passed


def test_prints_and_stderr_of_the_student_do_no_harm(folder):
    (folder / MODEL_FILE).write_text(
        'import sys\nprint("{}")\nprint("noise", file=sys.stderr)\n'
        + (folder / MODEL_FILE).read_text(encoding="utf-8").replace('"""', "'''", 2),
        encoding="utf-8",
    )
    assert make_board(folder, folder / MODEL_FILE).passed


def test_the_bonus_may_be_left_out(folder):
    edit(
        folder / MODEL_FILE,
        "        n_atom, n_bond = ",
        "        raise NotImplementedError\n        n_atom, n_bond = ",
    )
    result = check(folder)
    assert result.returncode == 0
    assert "116 of 116 points" in result.stdout
    assert "bonus task 2.8" in result.stdout


def test_nothing_there_exits_with_2(tmp_path):
    assert check(tmp_path / "nowhere").returncode == 2
    result = check(tmp_path)
    assert result.returncode == 2
    assert "crystalgraph lab" in result.stderr and "Traceback" not in result.stderr
    assert check(tmp_path, "--model", tmp_path / "no.py").returncode == 2


def test_default_folder(tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    (work / MODEL_FILE).write_text("", encoding="utf-8")
    monkeypatch.setattr(board_module, "WORK", work)
    monkeypatch.chdir(tmp_path)
    assert find_folder(None, None)[0] == work.resolve()
    (tmp_path / NOTEBOOKS["1"]).write_text("{}", encoding="utf-8")
    assert find_folder(None, None)[0] == tmp_path.resolve()
    monkeypatch.setattr(board_module, "WORK", tmp_path / "none")
    (tmp_path / NOTEBOOKS["1"]).unlink()
    with pytest.raises(CrystalGraphError, match="crystalgraph lab"):
        find_folder(None, None)
