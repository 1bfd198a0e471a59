"""Handing in: what the zip holds, what is refused, what is said, what the collector makes of it.

tests/releasing/test_nbgrader.py grades zips that were made by the notebooks' own last cell.
"""

import json
import os
import re
import shutil
import time
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import nbformat
import pytest
from course_copy import edit_code, hand_in, run_hand_in_cell
from hypothesis import example, given
from hypothesis import strategies as st

from crystalgraph.checking.autograding import BOARD
from crystalgraph.checking.task import Task
from crystalgraph.course import hand_in as module
from crystalgraph.course.hand_in import checked_id
from crystalgraph.course.hand_in.archive import write_zip
from crystalgraph.course.hand_in.names import STUDENT_ID
from crystalgraph.course.hand_in.open_tasks import empty_answers, still_open
from crystalgraph.course.hand_in.parts import HandInRefused, collect_parts, copy_with_work
from crystalgraph.course.hand_in.saved import check_saved
from crystalgraph.grading.reports.gradebook import nbgrader_settings
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.nbgrader_plugins import HandInCollector, time_of_zip

HW = LABS["hw"]
FILES, NOTEBOOKS, TASKS, MODEL_FILE = HW.files, HW.notebooks, HW.tasks, HW.model_file
FIRST, SECOND, THIRD = (NOTEBOOKS[number] for number in "123")
ONE_SENTENCE = re.compile(r"No zip: [^\n]+\.")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A student's folder with a little work in every file, and the kernel's working folder."""
    home = tmp_path / "hw"
    shutil.copytree(HW.release(), home)
    for number, name in NOTEBOOKS.items():
        edit_code(home / name, f"# {number}.", f"# Mine. {number}.")
    with (home / MODEL_FILE).open("a") as handle:
        handle.write("# mine\n")
    monkeypatch.chdir(home)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return home


def age(path, minutes):
    """Let a file have been saved some minutes ago."""
    then = time.time() - 60 * minutes
    os.utime(path, (then, then))


def refusal(action, *arguments):
    """The sentence with which something is refused."""
    with pytest.raises(HandInRefused) as caught:
        action(*arguments)
    assert ONE_SENTENCE.fullmatch(str(caught.value))
    assert caught.value._render_traceback_() == [str(caught.value)]
    return str(caught.value)


def names_in(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


# --- the cell ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NOTEBOOKS)
@pytest.mark.parametrize("kind", ["solutions", "release"])
def test_every_notebook_ends_with_the_cell(kind, number):
    folder = getattr(HW, kind)()
    text, cell = nbformat.read(folder / NOTEBOOKS[number], as_version=4).cells[-2:]
    assert "id between the quotes" in text.source and "save" in text.source
    assert f'\nlab.hand_in("hw", notebook="{number}", student_id="")' in cell.source
    assert "nbgrader" not in cell.metadata  # the instructor's version must not replace the id


@pytest.mark.parametrize(("execution", "student"), [("", ""), ("autograde", "s001")])
def test_without_an_id_and_while_grading_nothing_is_done(folder, execution, student, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", execution)
    before = sorted(folder.iterdir())
    (folder / FIRST).unlink()  # would be refused
    module.hand_in(HW, "1", student)
    assert sorted(folder.iterdir()) == before[1:]


def test_nor_while_the_board_loads_functions(folder, monkeypatch):
    monkeypatch.setenv(BOARD, "1")
    before = sorted(folder.iterdir())
    module.hand_in(HW, "1", "s001")
    assert sorted(folder.iterdir()) == before


# --- the id --------------------------------------------------------------------------------------


def collector():
    """The instructor's collector, as nbgrader_config.py sets it."""
    config = nbgrader_settings(REPO)
    assert config.ZipCollectApp.collector_plugin is HandInCollector
    return HandInCollector(config=config)


@pytest.fixture(scope="module")
def collect():
    """What the collector reads from a file's place below downloaded/hw/extracted."""
    return collector().collect


@given(st.text(max_size=12) | st.from_regex(rf"\A{STUDENT_ID}\Z"))
@example("s001")
@example("jane.doe@example.org")
@example("jane-d@x-y.org")
@example("ab-101")
@example("ab-1")
@example("doe_jane_1")
@example("a_hw_b")
@example("..")
def test_an_id_is_refused_or_collected_as_it_is(name):
    try:
        student = checked_id(name)
    except HandInRefused as error:
        assert ONE_SENTENCE.fullmatch(str(error))
        return
    info = SHARED.collect(f"/c/downloaded/hw/extracted/hw_{student}/{FIRST}")
    assert (info["student_id"], info["file_id"]) == (student, FIRST.removesuffix(".ipynb"))


SHARED = collector()


@pytest.mark.parametrize(
    "wrong", ["jane doe", "a_hw_b", "hw_1", "-a", "jürgen", "..", "../x", "a/b", " ", "a" * 65, 7]
)
def test_a_wrong_id_is_refused_in_one_sentence(folder, wrong):
    assert repr(wrong) in refusal(module.hand_in, HW, "1", wrong)
    assert not list(folder.glob("*.zip"))


def test_another_number_for_the_notebook_is_refused(folder):
    assert "no notebook '7'" in refusal(module.hand_in, HW, "7", "s001")


def test_blanks_around_an_id_do_no_harm():
    assert checked_id(" s001 ") == "s001"


# --- what is in the zip --------------------------------------------------------------------------


def test_the_zip_holds_the_homework_and_nothing_else(folder):
    (folder / "torch.py").write_text("")
    (folder / "metrics.csv").write_text("")
    (folder / "hw_other.zip").write_bytes(b"")
    (folder / "4711.ipynb").write_text(json.dumps({"cells": []}))
    checkpoints = folder / ".ipynb_checkpoints"
    checkpoints.mkdir()
    shutil.copyfile(folder / FIRST, checkpoints / FIRST)
    path = write_zip(folder / "hw_s001.zip", collect_parts(HW, [folder]))
    assert names_in(path) == [*NOTEBOOKS.values(), MODEL_FILE]
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for name in FILES:
            assert archive.read(name) == (folder / name).read_bytes()
    assert time.time() - time_of_zip(path).timestamp() < 60


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_left_out(folder, name):
    old = folder / "hw_s001.zip"
    old.write_bytes(b"old")
    (folder / name).unlink()
    said = refusal(module.hand_in, HW, "1", "s001")
    assert f"{name} is not in {folder}" in said and "crystalgraph lab" in said
    assert old.read_bytes() == b"old"


def test_all_that_is_missing_is_named(folder):
    (folder / FIRST).unlink()
    (folder / MODEL_FILE).unlink()
    assert f"{FIRST}, {MODEL_FILE} are not in" in refusal(collect_parts, HW, [folder])


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"cells": 3}', '{"cells": [7]}'])
def test_an_unreadable_notebook_is_refused(folder, content):
    (folder / SECOND).write_text(content)
    assert f"{folder / SECOND} cannot be read as a notebook" in refusal(collect_parts, HW, [folder])


def test_a_notebook_that_cannot_be_graded_is_refused(folder):
    notebook = nbformat.read(folder / SECOND, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)
    nbformat.write(notebook, folder / SECOND)
    assert f"{folder / SECOND} have lost the marks" in refusal(collect_parts, HW, [folder])


def test_a_notebook_under_the_name_of_another_is_not_taken_for_it(folder):
    (folder / SECOND).unlink()
    shutil.copyfile(folder / FIRST, folder / SECOND)
    assert f"{SECOND} is not in" in refusal(collect_parts, HW, [folder])


RENAMED = ["Copy of {}", "Copy of Copy of {}", "{} (1)", "Copy of {} (2)", "Kopie von {}"]


@pytest.mark.parametrize("pattern", RENAMED)
def test_copies_come_under_their_right_name(folder, pattern):
    for name in NOTEBOOKS.values():
        stem = name.removesuffix(".ipynb")
        (folder / name).rename(folder / f"{pattern.format(stem)}.ipynb")
    (folder / MODEL_FILE).rename(folder / "model_hw (1).py")
    parts = collect_parts(HW, [folder])
    assert names_in(write_zip(folder / "hw_s001.zip", parts)) == [*FILES]
    assert f"{FIRST}, from '{pattern.format(FIRST[:-6])}.ipynb', saved " in parts[0].describe()


def test_work_in_a_copy_of_the_model_file_is_said_loudly(folder):
    assert copy_with_work(HW, collect_parts(HW, [folder])) == ""
    (folder / MODEL_FILE).rename(folder / "model_hw - Kopie.py")
    shutil.copyfile(HW.release() / MODEL_FILE, folder / MODEL_FILE)
    shutil.copyfile(HW.release() / MODEL_FILE, folder / "old model_hw.py")
    said = copy_with_work(HW, collect_parts(HW, [folder]))
    assert said.startswith("CAREFUL: model_hw.py") and "work in 'model_hw - Kopie.py'. If" in said


def other_version(folder, name, copy):
    """A second version of a notebook, with other work in it."""
    shutil.copyfile(folder / name, folder / copy)
    edit_code(folder / copy, "# Mine.", "# Other.")
    return folder / copy


def test_an_older_copy_stays_behind_and_is_named(folder):
    copy = other_version(folder, FIRST, "backup.ipynb")
    age(copy, 130)
    part = collect_parts(HW, [folder])[0]
    assert part.path == folder / FIRST and part.others == (copy,)
    assert f"not '{copy}', which is older" in part.describe()


def test_a_newer_copy_is_asked_about(folder):
    copy = other_version(folder, FIRST, f"Copy of {FIRST}")
    age(folder / FIRST, 5)
    said = refusal(collect_parts, HW, [folder])
    assert repr(str(copy)) in said and repr(str(folder / FIRST)) in said
    assert f"{FIRST} is there in 2 versions" in said


def test_two_copies_without_the_original_are_asked_about(folder):
    (folder / FIRST).rename(folder / f"Copy of {FIRST}")
    other_version(folder, f"Copy of {FIRST}", FIRST.replace(".", " (1)."))
    assert "2 versions" in refusal(collect_parts, HW, [folder])


def test_a_copy_with_the_same_work_in_it_is_no_other_version(folder):
    shutil.copyfile(folder / FIRST, folder / f"Copy of {FIRST}")
    age(folder / FIRST, 5)
    part = collect_parts(HW, [folder])[0]
    assert part.name == FIRST and part.others == ()


def test_untouched_files_do_not_stand_in_the_way_of_work(folder):
    copy = folder / f"Copy of {FIRST}"
    (folder / FIRST).rename(copy)
    shutil.copyfile(HW.release() / FIRST, folder / FIRST)
    new = FIRST.replace(".ipynb", ".new.ipynb")  # as an update of the homework puts it beside
    edited = HW.release() / FIRST
    (folder / new).write_text(edited.read_text().replace("salt", "pepper"))
    age(copy, 60)
    part = collect_parts(HW, [folder])[0]
    assert (part.path, part.others) == (copy, ())


def test_an_untouched_homework_can_be_handed_in(folder):
    shutil.copytree(HW.release(), folder, dirs_exist_ok=True)
    assert [part.name for part in collect_parts(HW, [folder])] == [*FILES]


def test_a_lab_without_a_model_file(folder):
    lab = replace(HW, notebooks={"1": FIRST}, model_file=None, reference=None, tasks={})
    parts = collect_parts(lab, [folder])
    assert [part.name for part in parts] == [FIRST]
    said = still_open(lab, parts)
    assert said.splitlines()[0] == "0 of 0 points from the checks." and "q1.1, q1.2, q1.3" in said


def test_an_interrupted_zip_leaves_the_old_one(folder, monkeypatch):
    old = folder / "hw_s001.zip"
    old.write_bytes(b"old")
    before = sorted(folder.iterdir())
    write, written = zipfile.ZipFile.writestr, []

    def full_disk(self, *arguments):
        written.append(arguments)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        write(self, *arguments)

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full_disk)
    said = refusal(write_zip, old, collect_parts(HW, [folder]))
    assert "No space left on device" in said and str(old) in said
    assert old.read_bytes() == b"old" and sorted(folder.iterdir()) == before


# --- saved or not --------------------------------------------------------------------------------

HAND_IN = (
    'from crystalgraph.course import lab\n\nlab.hand_in("hw", notebook="1", student_id="s001")'
)


def saved(folder, *runs):
    """Check the first notebook against cells that were run, the last first."""
    check_saved(HW, collect_parts(HW, [folder]), FIRST, runs)


def cell_with(path, text):
    """The source of the one cell that has a text in it."""
    cells = nbformat.read(path, as_version=4).cells
    (found,) = (cell.source for cell in cells if text in cell.source and cell.cell_type == "code")
    return found


def test_a_notebook_as_it_was_run_is_saved(folder):
    edit_code(folder / FIRST, 'student_id=""', 'student_id="s001"')
    call = cell_with(folder / FIRST, "hand_in(")
    run = cell_with(folder / FIRST, "def find_neighbors(")
    saved(folder, call + "\n", run, "def find_neighbors(an, earlier, version): ...", "1 + 1")
    saved(folder)  # outside of a kernel nothing was run


def test_the_cell_itself_tells_that_nothing_was_saved(folder):
    said = refusal(saved, folder, HAND_IN, "1 + 1")
    assert f"{folder / FIRST} is not saved" in said and "Ctrl+S" in said


def test_a_function_that_was_run_and_not_saved_is_named(folder):
    run = cell_with(folder / FIRST, "def find_neighbors(")
    call = cell_with(folder / FIRST, "hand_in(")
    said = refusal(saved, folder, call, run + "\n    # changed", run)
    assert "find_neighbors of task 1.2" in said and str(folder / FIRST) in said


def test_so_is_a_class(folder):
    layer = "class Layer:\n    def forward(self): ..."
    task = Task("1.9", "Layer.forward", FIRST, FIRST, 1, 1, "A method.")
    lab = replace(HW, tasks={task.id: task})
    parts = collect_parts(HW, [folder])
    call = cell_with(folder / FIRST, "hand_in(")
    said = refusal(check_saved, lab, parts, FIRST, [call, layer])
    assert "Layer.forward of task 1.9 is not what you ran last" in said


# --- what is said --------------------------------------------------------------------------------


def test_empty_answers_are_those_without_a_word(folder):
    def empty():
        return empty_answers(HW, collect_parts(HW, [folder])[0])

    assert empty() == ["q1.1", "q1.2", "q1.3"]
    notebook = nbformat.read(folder / FIRST, as_version=4)
    by_id = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    by_id["q1_1"].source += "\n\nBecause of its shells."
    by_id["q1_2"].source = "  \n"
    notebook.cells.remove(by_id["q1_3"])
    nbformat.write(notebook, folder / FIRST)
    assert empty() == ["q1.2", "q1.3"]


@pytest.mark.slow
def test_what_is_open_is_said_task_by_task_and_a_crash_hides_nothing(course_folder):
    edit_code(course_folder / MODEL_FILE, "class ConvLayer(", "import os\n\n\nclass ConvLayer(")
    edit_code(course_folder / MODEL_FILE, "    largest = ", "    os._exit(7)\n    largest = ")
    parts = collect_parts(HW, [course_folder])
    said = still_open(HW, parts)  # its seconds are those of the board: tests/test_board.py
    tasks = re.findall(r"^  (\d\.\d)  (\S+) in (\S+): (.*)$", said, re.M)
    assert [(one[0], one[3]) for one in tasks] == [
        ("1.2", "not implemented, 0 of 6 points"),
        ("2.4", "failed, 0 of 4 points"),
        ("2.8", "not implemented, 0 of 4 points, bonus"),
    ]
    assert tasks[0][1:3] == ("find_neighbors", FIRST)
    assert "q1.1, q1.2" in said and "You may hand it in as it is" in said


@pytest.fixture
def course_folder(tmp_path):
    """A hand-in that lacks tasks 1.2 and 2.8."""
    for part in (HW.solutions, HW.release):
        shutil.copytree(part(), part(tmp_path))
    shutil.copyfile(REPO / HW.reference, tmp_path / HW.reference)
    return hand_in(tmp_path, "s001", set(TASKS) - {"1.2", "2.8"})


@pytest.mark.slow
def test_the_cell_in_a_kernel(course_folder):
    """Typed in and run before saving, with a wrong id, and at last as it should be."""
    path = course_folder / "hw_s001.zip"
    error, printed = run_hand_in_cell(course_folder, "s001", save=False)
    assert f"{course_folder / FIRST} is not saved" in error and len(error.splitlines()) == 1
    error, printed = run_hand_in_cell(course_folder, "jane doe")
    assert "'jane doe' does not fit" in error and len(error.splitlines()) == 1
    assert not printed and not path.exists()
    error, printed = run_hand_in_cell(course_folder, "s001")
    assert not error and f"{path} is ready to be handed in" in printed
    assert "1.2  find_neighbors" in printed and names_in(path) == [*FILES]


# --- Colab ---------------------------------------------------------------------------------------


@pytest.fixture
def on_drive(folder, colab, monkeypatch):
    """Colab with the notebooks on Drive, the first of them open and not saved."""
    for name in NOTEBOOKS.values():
        (folder / name).rename(colab.drive / f"Copy of {name}")
    screen = nbformat.read(colab.drive / f"Copy of {FIRST}", as_version=4)
    screen.cells[0].source += " on the screen"
    colab.answer["ipynb"] = screen
    monkeypatch.setattr(module, "still_open", lambda lab, parts: "(open)")
    return colab


def pack(colab):
    """The last cell of the first notebook, in Colab."""
    module.hand_in(HW, "1", "s001", content=colab.content)


def test_in_colab_the_screen_counts_and_the_zip_is_downloaded(folder, on_drive, capsys):
    (on_drive.drive / f"Copy of {FIRST}").unlink()  # never saved
    pack(on_drive)
    path = folder / "hw_s001.zip"
    assert on_drive.downloads == [str(path)] and names_in(path) == [*FILES]
    with zipfile.ZipFile(path) as archive:
        first = json.loads(archive.read(FIRST))
        assert "".join(first["cells"][0]["source"]).endswith(" on the screen")
    printed = capsys.readouterr().out
    assert f"{FIRST}, as it is on your screen" in printed
    assert f"{SECOND}, from 'Copy of {SECOND}' in {on_drive.drive}, saved" in printed


def test_in_colab_without_an_answer_the_file_counts(folder, on_drive):
    on_drive.answer.clear()
    pack(on_drive)
    with zipfile.ZipFile(folder / "hw_s001.zip") as archive:
        assert archive.read(FIRST) == (on_drive.drive / f"Copy of {FIRST}").read_bytes()


def test_in_colab_what_is_missing_belongs_on_drive(folder, on_drive):
    (on_drive.drive / f"Copy of {SECOND}").unlink()
    said = refusal(pack, on_drive)
    assert f"{SECOND} is not in {folder} or {on_drive.drive}" in said and "to Drive" in said
    assert not on_drive.downloads


def test_in_colab_the_model_file_that_is_imported_counts(folder, on_drive):
    shutil.copyfile(folder / MODEL_FILE, on_drive.drive / MODEL_FILE)  # newer, but elsewhere
    edit_code(on_drive.drive / MODEL_FILE, "# mine", "# other")
    age(folder / MODEL_FILE, 60)
    part = collect_parts(HW, [folder, on_drive.drive])[-1]
    assert (part.path, part.others) == (folder / MODEL_FILE, ())


# --- the collector -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        f"hw_s001/{FIRST}",
        f"hw_s001 (1)/{FIRST}",
        f"doejane_4711_8012_hw_s001-2/hw/{FIRST}",
        f"doejane_LATE_4711_hw_s001/{FIRST}",
        f"Jane Doe_4711_assignsubmission_file_/hw_s001/{FIRST}",
        f"hw_s001/hw/Copy of Copy of {FIRST}",
        f"hw_s001/{FIRST[:-6]} (1).ipynb",
    ],
)
def test_names_of_platforms_and_browsers_are_understood(collect, place):
    info = collect(f"/c/downloaded/hw/extracted/{place}")
    assert info == {"student_id": "s001", "file_id": FIRST.removesuffix(".ipynb")}


@pytest.mark.parametrize(
    "place", [f"hw_../{FIRST}", f"hw_a b/{FIRST}", "hw_s001/torch.py", "hw_s001/1_a.new.ipynb"]
)
def test_other_names_are_not_collected(collect, place):
    assert collect(f"/c/downloaded/hw/extracted/{place}") is None


def test_the_time_comes_from_the_zip_or_from_its_name(collect, tmp_path, monkeypatch):
    archive, extracted = (tmp_path / "downloaded" / "hw" / n for n in ("archive", "extracted"))
    for path in (archive / "hw_a.zip", extracted / "term" / "hw_b.zip", archive / "hw_c.zip"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as zipped:
            zipped.comment = b"" if path.stem == "hw_c" else b"handed in 2026-12-01T10:30:00Z"
    made = datetime(2026, 12, 1, 10, 30, tzinfo=UTC).isoformat()
    assert collect(str(extracted / "hw_a" / FIRST))["timestamp"] == made
    assert collect(str(extracted / "term" / "hw_b" / "hw" / FIRST))["timestamp"] == made
    assert "timestamp" not in collect(str(extracted / "hw_c" / FIRST))
    monkeypatch.setenv("TZ", "Europe/Vienna")
    time.tzset()
    try:
        info = collect(str(extracted / "s001_attempt_2026-12-01-11-30-00_hw_a" / FIRST))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert info["timestamp"] == "2026-12-01T11:30:00+01:00" and info["student_id"] == "a"
