"""`crystalgraph check`: the board, its exit codes, and code that takes the process down."""

import json
import resource
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


NEEDED = sum(task.points for task in TASKS.values() if not task.bonus)
BONUS = sum(task.points for task in TASKS.values() if task.bonus)


def processor_seconds():
    """Of all processes that this one has started and that have ended: no clock, so no neighbors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_right_folder_passes_within_15_seconds(folder):
    before, start = processor_seconds(), time.monotonic()
    result = check(cwd=folder)
    seconds, wall = processor_seconds() - before, time.monotonic() - start
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("passed") == len(TASKS)
    assert f"{NEEDED + BONUS} of {NEEDED} points" in result.stdout
    print(f"board of a right folder: {seconds:.1f} s of the processor, {wall:.1f} s here and now")
    assert seconds < 15


def test_the_release_is_all_to_do():
    result = check(REPO / "assignments" / "hw", "--json")
    assert result.returncode == 1
    board = json.loads(result.stdout)
    assert {task["status"] for task in board["tasks"]} == {"not implemented"}
    assert board["points"] == 0 and board["max_points"] == NEEDED
    assert board["next"].startswith("Next: task 1.1, fill in atom_vectors")
    minutes = sum(task.minutes for task in TASKS.values() if not task.bonus)
    assert board["minutes_left"] == minutes


@pytest.mark.parametrize("fork", [True, False], ids=["fork", "one process"])
def test_faults_stay_in_their_task(folder, monkeypatch, fork):
    monkeypatch.setattr(board_module, "FORK", fork)
    monkeypatch.setattr(board_module, "SECONDS_PER_TASK", 12.0)
    monkeypatch.setattr(board_module, "SECONDS_PER_STEP", 4.0)
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


IGNORES_THE_ALARM = """
    import time
    while True:
        try:
            time.sleep(0.1)
        except BaseException:
            pass
"""
HOSTILE = {  # in 1.1 to 1.4 and 3.1 to 3.4, and what the board says
    "atom_vectors": ("    import os; os._exit(3)", "exit code 3"),
    "find_neighbors": ("    import ctypes; ctypes.string_at(0)", "exit code -11"),
    "gaussian_expansion": ("    while True: pass", "endless loop"),
    "batch_crystals": ("    full = [np.zeros(2**27) for _ in range(999)]", "too much memory"),
    "formation_energy": ("    import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "code -9"),
    "site_fractions": (IGNORES_THE_ALARM, "endless loop"),
    "fit_normalizer": ("    return np.zeros((10**7, 10**7)).sum(), 1.0", "too much memory"),
    "training_step": ("    import os; os.closerange(0, 256); os.fork(); 1 / 0", "Python itself"),
}
REPLACES = """    import numpy, torch
    from crystalgraph.checks import compare, exam
    numpy.allclose = torch.allclose = lambda *a, **k: True
    exam.first_difference = compare.same = lambda *a, **k: None
    1 / 0
"""


def put_first(path, function, body):
    """Begin a notebook's function with other lines."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and source.startswith(f"def {function}("):
            head, rest = source.split("):\n", 1)
            cell["source"] = f"{head}):\n{body}\n{rest}"
    path.write_text(json.dumps(notebook), encoding="utf-8")


def test_hostile_code_hides_nothing(folder, monkeypatch):
    """Eight tasks that end, hang, starve or break their process, all at once."""
    monkeypatch.setattr(board_module, "SECONDS_PER_TASK", 12.0)
    monkeypatch.setattr(board_module, "SECONDS_PER_STEP", 4.0)
    for function, (body, _) in HOSTILE.items():
        for name in (NOTEBOOKS["1"], NOTEBOOKS["3"]):
            put_first(folder / name, function, body)
    start = time.monotonic()
    rows = {row.task.name: row for row in make_board(folder, folder / MODEL_FILE).rows}
    print(f"board with eight hostile tasks: {time.monotonic() - start:.1f} s")
    for name, row in rows.items():
        if name in HOSTILE:
            assert row.status == "failed" and HOSTILE[name][1] in row.message, row
        else:
            assert row.status == "passed", row


def test_a_task_cannot_change_the_checks_of_another(folder):
    put_first(folder / NOTEBOOKS["1"], "atom_vectors", REPLACES)
    put_first(
        folder / NOTEBOOKS["1"], "gaussian_expansion", "    return distance[:, None] * centers"
    )
    status = {row.task.id: row.status for row in make_board(folder, folder / MODEL_FILE).rows}
    assert [name for name, found in status.items() if found != "passed"] == ["1.1", "1.3"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("while True: pass", "endless loop"),
        ("def f(:", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("import os; os._exit(3)", "exit code 3"),
    ],
)
def test_a_model_file_that_cannot_be_loaded_leaves_the_notebooks_alone(
    folder, text, words, monkeypatch
):
    monkeypatch.setattr(board_module, "SECONDS_PER_TASK", 12.0)
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
    assert f"{NEEDED} of {NEEDED} points" in result.stdout
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


# --- in a notebook -------------------------------------------------------------------------------


def test_show_reads_what_is_saved(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    put_first(folder / NOTEBOOKS["1"], "atom_vectors", "    raise NotImplementedError")
    (folder / NOTEBOOKS["2"]).unlink()
    board_module.show(notebook="1")
    said = capsys.readouterr().out
    times = said.splitlines()[0]
    assert f"save first (Ctrl+S): {NOTEBOOKS['1']} " in times and NOTEBOOKS["2"] not in times
    assert "1.1   atom_vectors                 to do" in said
    assert "1.2   find_neighbors               passed" in said
    assert "Next: task 1.1, fill in atom_vectors" in said


def test_no_board_while_grading(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    board_module.show(notebook="1")
    assert capsys.readouterr().out == "No board while grading.\n"


def test_the_board_as_html_is_escaped():
    task = TASKS["2.1"]
    row = board_module.Row(task, "failed", 1.0, "Likely mistake: <script> & more\nand so on")
    page = board_module.Board(REPO, REPO / MODEL_FILE, (row,))._repr_html_()
    assert "&lt;script&gt; &amp; more" in page and "<script>" not in page
    assert f"about {task.minutes} minutes" in page and "1 of 10" in page


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_every_notebook_shows_the_board_before_handing_in(number):
    notebook = json.loads((REPO / "assignments" / "hw" / NOTEBOOKS[number]).read_text("utf-8"))
    cells = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    assert f'board.show(notebook="{number}")' in cells["board"]
    assert list(cells)[-4:] == ["board-text", "board", "hand-in-text", "hand-in-zip"]
    assert "as they are saved" in cells["board-text"]
