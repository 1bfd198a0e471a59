"""`crystalgraph check`: the board, its exit codes, and code that takes the process down."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from processor_time import processor_seconds

from crystalgraph.checking.autograding import BOARD
from crystalgraph.checking.limits import BUSY, ComputerTooBusy, Limits, Times
from crystalgraph.commands import check as command
from crystalgraph.course.board import (
    Board,
    Row,
    find_folder,
    lab_in,
    make_board,
    process,
    show,
    worker,
)
from crystalgraph.course.board.process import board_limits
from crystalgraph.course.board.rendering import page
from crystalgraph.course.board.rows import QuestionRow
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.sandbox import forks

HW = LABS["hw"]
NOTEBOOKS, TASKS, MODEL_FILE = HW.notebooks, HW.tasks, HW.model_file
NEEDED = sum(task.points for task in TASKS.values() if not task.bonus)
BONUS = sum(task.points for task in TASKS.values() if task.bonus)
SHORT = Limits(seconds_per_step=2.0, seconds_per_task=6.0, memory=4 * 2**30)
"""So that what hangs is stopped soon."""


def only(*tasks):
    """The homework with a few of its tasks."""
    return replace(HW, tasks={name: TASKS[name] for name in tasks})


def check(*arguments, cwd=None):
    """The command as a user runs it."""
    command = [sys.executable, "-P", "-m", "crystalgraph", "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300)


def correct_hand_in(folder):
    """Fill a folder; returns it."""
    for name in NOTEBOOKS.values():
        shutil.copyfile(HW.solutions() / name, folder / name)
    shutil.copyfile(REPO / HW.reference, folder / MODEL_FILE)
    return folder


@pytest.fixture
def folder(tmp_path):
    """A correct hand-in."""
    return correct_hand_in(tmp_path)


def edit(path, old, new):
    """Replace a text that is there, once."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def put_first(path, function, body):
    """Begin a notebook's function with other lines."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and source.startswith(f"def {function}("):
            head, rest = source.split("):\n", 1)
            cell["source"] = f"{head}):\n{body}\n{rest}"
    path.write_text(json.dumps(notebook), encoding="utf-8")


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """The command on a correct hand-in: (finished process, processor seconds)."""
    folder, before = correct_hand_in(tmp_path_factory.mktemp("right")), processor_seconds()
    start = time.monotonic()
    result = check(cwd=folder)
    seconds, wall = processor_seconds() - before, time.monotonic() - start
    print(f"board of a right folder: {seconds:.1f} s of the processor, {wall:.1f} s here and now")
    return result, seconds


def test_a_right_folder_passes(right):
    result, _ = right
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("passed") == len(TASKS)
    assert result.stdout.count("answered ") == len(HW.questions)
    assert f"{NEEDED + BONUS} of {NEEDED} points" in result.stdout


@pytest.mark.nightly
def test_a_right_folder_takes_at_most_15_seconds(right):
    assert right[1] < 15


def test_the_release_is_all_to_do():
    result = check(HW.release(), "--json")
    assert result.returncode == 1
    board = json.loads(result.stdout)
    assert {task["status"] for task in board["tasks"]} == {"not implemented"}
    assert board["points"] == 0 and board["max_points"] == NEEDED
    assert board["lab"] == "hw" and board["model"] == str(HW.release() / MODEL_FILE)
    assert board["next"].startswith("Next: task 1.1, fill in atom_vectors")
    assert [one["name"] for one in board["questions"]] == [one.name for one in HW.questions]
    assert {one["status"] for one in board["questions"]} == {"empty"}
    minutes = sum(task.minutes for task in TASKS.values() if not task.bonus)
    assert board["minutes_left"] == minutes


MEDDLES = """
from pathlib import Path
TABLE = Path("parts/table.txt").read_text()
Path("first.txt").rename("second.txt")
Path("helper.py").write_text("HALF = 0.5")
with open("log.txt", "a") as log:
    log.write("again")
from helper import HALF
ONE = 1.0 if len(Path("log.txt").read_text()) == 5 else 0.0
lab.hand_in("hw", notebook="1", student_id="s001")
lab.show_board("hw", notebook="1")
raise KeyboardInterrupt
"""


def files_in(folder):
    """What is in a folder."""
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


@pytest.mark.parametrize("fork", [True, False], ids=["fork", "one process"])
def test_cells_run_in_a_copy_that_is_fresh_for_each_task(folder, fork):
    (folder / "parts").mkdir()
    (folder / "parts" / "table.txt").write_text("1")
    (folder / "first.txt").write_text("first")
    path = folder / NOTEBOOKS["1"]
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code[1]["source"] = "".join(code[1]["source"]) + MEDDLES
    for cell in code:
        cell["source"] = "".join(cell["source"]).replace("points(", "print(")
    path.write_text(json.dumps(notebook), encoding="utf-8")
    for name in ("atom_vectors", "gaussian_expansion"):
        put_first(path, name, "    assert int(TABLE) == ONE == 2 * HALF")
    before = files_in(folder)
    rows = make_board(only("1.1", "1.3"), folder, fork=fork).rows
    assert [row.status for row in rows] == ["passed"] * 2, rows
    assert files_in(folder) == before


def test_the_board_is_not_made_for_a_cell_of_its_own(folder, monkeypatch):
    monkeypatch.setenv(BOARD, "1")
    with pytest.raises(CrystalGraphError, match="in a terminal, not in a cell"):
        make_board(only("1.1"), folder)


def test_what_is_large_is_not_copied_but_code_is(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "MOST_BYTES", 10)
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "parts").mkdir(parents=True)
    sizes = {"a.ipynb": 99, "b.csv": 4, "c.csv": 99, ".d": 1, "parts/e.csv": 4}
    for name, size in sizes.items():
        (here / name).write_bytes(bytes(size))
    process.copy_files(here, there)
    assert {path.name for path in there.rglob("*")} == {"a.ipynb", "b.csv", "parts"}


@pytest.mark.parametrize("fork", [True, False], ids=["fork", "one process"])
def test_faults_stay_in_their_task(folder, fork):
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
    lab = only("1.1", "2.1", "2.2", "2.3", "2.4", "2.5", "3.1", "3.5")
    board = make_board(lab, folder, limits=SHORT, fork=fork)
    status = {row.task.id: row.status for row in board.rows}
    passed, failed, missing = ["passed"], ["failed"], ["missing"]
    assert list(status.values()) == passed + 4 * failed + passed + 2 * missing
    messages = {row.task.id: row.message for row in board.rows}
    assert "activation" in messages["2.1"]
    assert "endless loop" in messages["2.2"]
    assert "exit code 7" in messages["2.3"]
    assert "Python itself ended" in messages["2.4"]
    assert not board.passed
    assert board.next_thing().startswith("Next: task 2.3, correct mean_pool in model_hw.py")
    assert {row.status for row in board.questions if row.question.notebook[0] == "3"} == {"missing"}
    assert {row.status for row in board.questions if row.question.notebook[0] != "3"} == {
        "answered"
    }


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
    from crystalgraph.checking import compare, examine
    numpy.allclose = torch.allclose = lambda *a, **k: True
    examine.first_difference = compare.same = lambda *a, **k: None
    1 / 0
"""


def test_hostile_code_hides_nothing(folder):
    """Eight tasks that end, hang, starve or break their process, all at once."""
    for function, (body, _) in HOSTILE.items():
        for name in (NOTEBOOKS["1"], NOTEBOOKS["3"]):
            put_first(folder / name, function, body)
    start = time.monotonic()
    rows = {row.task.name: row for row in make_board(HW, folder, limits=SHORT).rows}
    print(f"board with eight hostile tasks: {time.monotonic() - start:.1f} s")
    for name, row in rows.items():
        if name in HOSTILE:
            assert row.status == "failed" and HOSTILE[name][1] in row.message, row
        else:
            assert row.status == "passed", row


def test_a_task_cannot_change_the_checks_of_another(folder):
    """Nor does a cell that is no Python take along more than its own task."""
    put_first(folder / NOTEBOOKS["1"], "atom_vectors", REPLACES)
    put_first(
        folder / NOTEBOOKS["1"], "gaussian_expansion", "    return distance[:, None] * centers"
    )
    edit(folder / NOTEBOOKS["1"], "def batch_crystals(", "def batch_crystals(:")
    lab = only("1.1", "1.2", "1.3", "1.4", "4.1")
    rows = {row.task.id: row for row in make_board(lab, folder).rows}
    assert [name for name, row in rows.items() if row.status != "passed"] == ["1.1", "1.3", "1.4"]
    assert "batch_crystals is no valid Python" in rows["1.4"].message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("while True: pass", "endless loop"),
        ("def f(:", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("import os; os._exit(3)", "exit code 3"),
    ],
)
def test_a_model_file_that_cannot_be_loaded_leaves_the_notebooks_alone(folder, text, words):
    (folder / MODEL_FILE).write_text(text, encoding="utf-8")
    in_model, in_notebook = make_board(only("2.3", "4.1"), folder, limits=SHORT).rows
    assert in_model.status == "failed" and words in in_model.message
    assert in_notebook.status == "passed", in_notebook


def test_another_model_file_and_the_bonus_left_out(folder):
    shutil.move(folder / MODEL_FILE, folder / "mine.py")
    edit(
        folder / "mine.py",
        "        n_atom, n_bond = ",
        "        raise NotImplementedError\n        n_atom, n_bond = ",
    )
    result = check(folder, "--model", "mine.py", cwd=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{NEEDED} of {NEEDED} points" in result.stdout
    assert "bonus task 2.8" in result.stdout


def test_a_file_named_like_a_library_and_prints_do_no_harm(folder):
    (folder / "torch.py").write_text("raise SystemExit('shadowed')", encoding="utf-8")
    (folder / MODEL_FILE).write_text(
        'import sys\nprint("{}")\nprint("noise", file=sys.stderr)\n'
        + (folder / MODEL_FILE).read_text(encoding="utf-8").replace('"""', "'''", 2),
        encoding="utf-8",
    )
    assert make_board(only("1.1", "2.3", "2.4", "2.5"), folder).passed


def test_a_lab_without_a_model_file(folder):
    (folder / MODEL_FILE).unlink()
    lab = replace(only("4.1", "4.2"), model_file=None, reference=None, questions=())
    board = make_board(lab, folder)
    assert board.passed and board.model is None and board.as_dict()["model"] is None
    assert board.next_thing() == "All done." and "bonus" not in repr(board)


def test_what_is_not_answered_is_not_done():
    first, second, *others = HW.questions
    rows = tuple(Row(task, "passed", task.points) for task in HW.tasks.values())
    answered = tuple(QuestionRow(one, "answered") for one in others)
    empty = (QuestionRow(first, "empty"), QuestionRow(second, "missing"))
    board = Board(HW, Path(), None, rows, (*empty, *answered))
    about = f"question {first.name} in {first.notebook} in words"
    assert board.next_thing() == f"Next: answer {about} (2 are open); all tasks pass."
    board = replace(board, questions=(empty[0], *answered))
    assert board.next_thing() == f"Next: answer {about}; all tasks pass."
    assert "All done" in replace(board, questions=answered).next_thing()


def test_limits_follow_those_of_the_lab():
    assert (board_limits(HW).seconds_per_step, board_limits(HW).seconds_per_task) == (8.0, 20.0)
    slow = replace(HW, own_limits=Limits(seconds_per_step=60.0))
    assert board_limits(slow).seconds_per_step > 40 and board_limits(slow).seconds_per_task > 100


def test_written_questions_are_answered_or_empty(folder):
    lab = only()
    stub = (HW.release() / NOTEBOOKS["2"]).read_bytes()
    (folder / NOTEBOOKS["2"]).write_bytes(stub)
    (folder / NOTEBOOKS["3"]).write_text("{}")
    status = {row.question.id: row.status for row in make_board(lab, folder).questions}
    assert status.keys() == {question.id for question in HW.questions}
    known = {"1": "answered", "2": "empty", "3": "missing", "4": "answered"}
    assert all(found == known[name[1]] for name, found in status.items())


# --- which folder --------------------------------------------------------------------------------


def test_nothing_there_exits_with_2(tmp_path):
    assert check(tmp_path / "nowhere").returncode == 2
    result = check(tmp_path)
    assert result.returncode == 2
    assert "crystalgraph lab" in result.stderr and "Traceback" not in result.stderr
    assert check(tmp_path, "--model", tmp_path / "no.py").returncode == 2


def test_a_model_file_where_the_lab_has_none_is_refused(folder, monkeypatch):
    monkeypatch.setitem(LABS, "hw", replace(HW, model_file=None))
    args = argparse.Namespace(folder=folder, model=folder / MODEL_FILE, json=False)
    with pytest.raises(CrystalGraphError, match="hw has no model file; leave --model out"):
        command.main(args)


def test_default_folder(tmp_path, monkeypatch):
    work = HW.work(tmp_path)
    work.mkdir(parents=True)
    (work / MODEL_FILE).write_text("", encoding="utf-8")
    here = tmp_path / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    assert find_folder(None, course=tmp_path) == (HW, work)
    (here / NOTEBOOKS["1"]).write_text("{}", encoding="utf-8")
    assert find_folder(None, course=tmp_path) == (HW, here)
    (here / NOTEBOOKS["1"]).unlink()
    with pytest.raises(CrystalGraphError, match="crystalgraph lab"):
        find_folder(None, course=tmp_path / "none")


def test_in_the_courses_folder_the_board_takes_the_students_copy(tmp_path, monkeypatch):
    work = HW.work(tmp_path)
    work.mkdir(parents=True)
    for place in (work, tmp_path):  # the zip has a model file in the course's folder too
        (place / MODEL_FILE).write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert find_folder(None, course=tmp_path) == (HW, work)
    shutil.rmtree(work)
    assert find_folder(None, course=tmp_path) == (HW, tmp_path)


def test_the_files_of_a_folder_tell_the_lab(tmp_path):
    other = replace(HW, id="ps2", notebooks={"1": "1_other.ipynb"}, model_file=None, tasks={})
    labs = [HW, other]
    assert lab_in(tmp_path, labs) is None
    (tmp_path / "1_other.ipynb").write_text("{}", encoding="utf-8")
    assert lab_in(tmp_path, labs) is other
    for name in HW.files[:2]:
        (tmp_path / name).write_text("{}", encoding="utf-8")
    assert lab_in(tmp_path, labs) is HW
    model = tmp_path / MODEL_FILE
    model.write_text("", encoding="utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert find_folder(empty, model, labs[::-1]) == (HW, empty)


def test_of_several_copies_the_one_saved_last_is_checked(tmp_path, monkeypatch):
    other = replace(HW, id="ps2", notebooks={"1": "1_other.ipynb"}, model_file=None, tasks={})
    monkeypatch.chdir(tmp_path)
    for lab, then in ((HW, 2000), (other, 1000)):
        path = lab.work(tmp_path) / lab.files[0]
        path.parent.mkdir(parents=True)
        path.write_text("{}", encoding="utf-8")
        os.utime(path, (then, then))
    assert find_folder(None, None, [HW, other], tmp_path)[0] is HW
    os.utime(other.work(tmp_path) / "1_other.ipynb", (3000, 3000))
    assert find_folder(None, None, [HW, other], tmp_path)[0] is other


# --- in a notebook -------------------------------------------------------------------------------


def test_show_reads_what_is_saved(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    put_first(folder / NOTEBOOKS["1"], "atom_vectors", "    raise NotImplementedError")
    (folder / NOTEBOOKS["2"]).unlink()
    show(only("1.1", "1.2"), notebook="1")
    said = capsys.readouterr().out
    times = said.splitlines()[0]
    assert f"save first (Ctrl+S): {NOTEBOOKS['1']} " in times and NOTEBOOKS["2"] not in times
    assert "1.1   atom_vectors                 to do" in said
    assert "1.2   find_neighbors               passed" in said
    assert "Next: task 1.1, fill in atom_vectors" in said


def test_no_board_while_grading(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    show(HW, notebook="1")
    assert capsys.readouterr().out == "No board while grading.\n"


def test_in_colab_the_screen_counts_and_the_current_folder_before_drive(
    folder, colab, monkeypatch, capsys
):
    monkeypatch.chdir(folder)
    colab.answer["ipynb"] = json.loads((folder / NOTEBOOKS["4"]).read_text(encoding="utf-8"))
    (folder / NOTEBOOKS["4"]).unlink()  # never saved
    shutil.copyfile(folder / NOTEBOOKS["1"], colab.drive / NOTEBOOKS["1"])
    put_first(colab.drive / NOTEBOOKS["1"], "atom_vectors", "    raise NotImplementedError")
    shutil.move(folder / NOTEBOOKS["3"], colab.drive / NOTEBOOKS["3"])
    show(only("1.1", "3.1", "4.1"), notebook="4", content=colab.content)
    said = capsys.readouterr().out
    assert said.count("passed") == 3, said


def test_the_board_as_html_is_escaped():
    task = TASKS["2.1"]
    row = Row(task, "failed", 1.0, "Likely mistake: <script> & more\nand so on")
    shown = page(Board(HW, REPO, REPO / MODEL_FILE, (row,)))
    assert "&lt;script&gt; &amp; more" in shown and "<script>" not in shown
    assert f"about {task.minutes} minutes" in shown and "1 of 10" in shown


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_every_notebook_shows_the_board_before_handing_in(number):
    notebook = json.loads((HW.solutions() / NOTEBOOKS[number]).read_text("utf-8"))
    cells = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    assert f'lab.show_board("hw", notebook="{number}")' in cells["board"]
    assert list(cells)[-4:] == ["board-text", "board", "hand-in-text", "hand-in-zip"]
    assert "as they are saved" in cells["board-text"]


def test_a_task_that_got_no_processor_is_not_the_students_fault(monkeypatch):
    def always_waiting(child):
        return Times(time.monotonic(), 0.0, time.monotonic())

    monkeypatch.setattr(forks, "times_of", always_waiting)
    result = worker._in_a_fork(lambda: time.sleep(60), Limits(seconds_per_task=0.1))
    task = TASKS["1.1"]
    others = [Row(one, "passed", one.points) for one in TASKS.values() if one is not task]
    board = Board(HW, Path("here"), None, (Row(task, **result), *others))
    assert (result["status"], result["message"]) == ("not checked", BUSY)
    assert not board.passed and board.minutes_left == task.minutes
    assert board.next_thing() == "Next: check task 1.1 again when this computer is less busy."
    assert "busy" in repr(board) and "Close some of them" in repr(board)
    assert "Close some of them" in page(board) and "endless loop" not in page(board)


def busy(*_):
    raise ComputerTooBusy


@pytest.mark.parametrize("where", ["load_function", "check"])
def test_a_computer_that_is_too_busy_inside_the_fork(where, monkeypatch, folder):
    answer = busy if where == "check" else None
    monkeypatch.setattr(worker, "load_function", busy if answer is None else lambda *_: answer)
    result = worker._result(HW, TASKS["1.1"], folder, None)
    assert (result["status"], result["message"], result["points"]) == ("not checked", BUSY, 0.0)
