"""The homework handed out again in mid-term: what a student has changed is never overwritten."""

import json
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from crystalgraph.course import hand_out as module
from crystalgraph.course.hand_out import RECORD, differences, fingerprint, hand_out
from crystalgraph.grading.reports.gradebook import nbgrader_settings
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.students_copy import write_folder

HW = LABS["hw"]
NOTEBOOKS, MODEL_FILE = HW.notebooks, HW.model_file
FIRST, SECOND = NOTEBOOKS["1"], NOTEBOOKS["2"]
NEW_FIRST, NEW_MODEL = "1_from_salt_to_graph.new.ipynb", "model_hw.new.py"


@pytest.fixture
def homework(tmp_path):
    """The real release, to be changed, and a student's copy of it."""
    release, work = HW.release(tmp_path), HW.work(tmp_path)
    shutil.copytree(HW.release(), release)
    hand_out(release, work)
    return release, work


def solve(path, text="a student's evening"):
    """A student's edit of a file."""
    if path.suffix == ".ipynb":
        notebook = nbformat.read(path, as_version=4)
        next(c for c in notebook.cells if "def atom_vectors" in c.source).source += f"\n# {text}"
        nbformat.write(notebook, path)
    else:
        path.write_text(path.read_text(encoding="utf-8") + f"# {text}\n", encoding="utf-8")


def run_only(path):
    """What opening, running and saving changes in a notebook."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata["scrolled"] = True
        if cell.cell_type == "code":
            cell.execution_count = 3
            cell.outputs = [nbformat.v4.new_output("stream", text="an hour of training")]
    notebook.cells.append(nbformat.v4.new_code_cell(""))
    notebook.metadata["kernelspec"]["display_name"] = "another"
    nbformat.write(notebook, path)


def correct(release, name, text="a correction"):
    """The instructor corrects a released file."""
    path = release / name
    if path.suffix == ".ipynb":
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[0].source += f"\n\n{text}"
        nbformat.write(notebook, path)
    else:
        path.write_text(f"# {text}\n" + path.read_text(encoding="utf-8"), encoding="utf-8")


def contents(folder):
    """Every file's bytes, without the record."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# --- one file at a time --------------------------------------------------------------------------


def test_edited_files_stay_and_the_new_ones_lie_beside_them(homework):
    release, work = homework
    for name in (FIRST, MODEL_FILE):
        solve(work / name)
    before = contents(work)
    for name in (FIRST, MODEL_FILE):
        correct(release, name)
    done = hand_out(release, work)
    after = contents(work)
    assert {name: after[name] for name in before} == before
    assert done.beside == {FIRST: NEW_FIRST, MODEL_FILE: NEW_MODEL}
    assert after.keys() - before.keys() == {NEW_FIRST, NEW_MODEL}
    assert after[NEW_FIRST] == (release / FIRST).read_bytes()
    assert after[NEW_MODEL] == (release / MODEL_FILE).read_bytes()
    said = done.sentence(see="see")
    assert f"kept, as you have changed them: {FIRST}, {MODEL_FILE}; the course's new" in said
    assert f"{NEW_FIRST}, {NEW_MODEL} (see)" in said


def test_untouched_files_are_replaced_even_if_they_were_run(homework):
    release, work = homework
    run_only(work / FIRST)
    for name in (FIRST, SECOND, MODEL_FILE):
        correct(release, name)
    done = hand_out(release, work)
    assert done.updated == [FIRST, SECOND, MODEL_FILE] and not done.beside
    assert contents(work) == contents(release)


def test_without_news_nothing_is_written(homework):
    release, work = homework
    run_only(work / FIRST)
    solve(work / MODEL_FILE)
    before = contents(work)
    done = hand_out(release, work)
    assert contents(work) == before
    assert done.sentence("see") == "nothing is new, and your files are as you left them"


def test_deleted_files_come_back(homework):
    release, work = homework
    (work / FIRST).unlink()
    (work / MODEL_FILE).unlink()
    correct(release, MODEL_FILE)
    assert hand_out(release, work).new == [FIRST, MODEL_FILE]
    assert contents(work) == contents(release)


def test_a_new_notebook_is_added(homework):
    release, work = homework
    solve(work / FIRST)
    before = contents(work)
    shutil.copyfile(release / SECOND, release / "5_later.ipynb")
    done = hand_out(release, work)
    assert done.new == ["5_later.ipynb"] and not (done.updated or done.beside)
    assert contents(work) == before | {"5_later.ipynb": (release / SECOND).read_bytes()}


def test_a_students_own_file_of_the_new_name_stays(homework):
    release, work = homework
    (work / "5_later.ipynb").write_text("mine")
    shutil.copyfile(release / SECOND, release / "5_later.ipynb")
    assert hand_out(release, work).beside == {"5_later.ipynb": "5_later.new.ipynb"}
    assert (work / "5_later.ipynb").read_text() == "mine"


def test_a_second_correction_replaces_the_first_unless_it_was_edited(homework):
    release, work = homework
    solve(work / MODEL_FILE)
    correct(release, MODEL_FILE, "first")
    hand_out(release, work)
    correct(release, MODEL_FILE, "second")
    assert hand_out(release, work).beside == {MODEL_FILE: NEW_MODEL}
    assert (work / NEW_MODEL).read_bytes() == (release / MODEL_FILE).read_bytes()
    solve(work / NEW_MODEL, "work went on in here")
    edited = contents(work)
    correct(release, MODEL_FILE, "third")
    assert hand_out(release, work).beside == {MODEL_FILE: "model_hw.new2.py"}
    assert {name: contents(work)[name] for name in edited} == edited


def test_a_new_version_is_offered_once(homework):
    release, work = homework
    solve(work / MODEL_FILE)
    correct(release, MODEL_FILE)
    hand_out(release, work)
    (work / NEW_MODEL).unlink()
    assert MODEL_FILE in hand_out(release, work).kept
    assert not (work / NEW_MODEL).exists()


def test_a_new_version_taken_over_counts_as_untouched(homework):
    release, work = homework
    solve(work / MODEL_FILE)
    correct(release, MODEL_FILE)
    hand_out(release, work)
    (work / NEW_MODEL).replace(work / MODEL_FILE)
    correct(release, MODEL_FILE, "another")
    assert hand_out(release, work).updated == [MODEL_FILE]


# --- when things go wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("record", [None, "", '{"model_hw.py": ["', "[]", '{"model_hw.py": 1}'])
def test_without_a_readable_record_nothing_is_overwritten(homework, record):
    release, work = homework
    solve(work / FIRST)
    (work / RECORD).unlink() if record is None else (work / RECORD).write_text(record)
    before = contents(work)
    for name in (FIRST, MODEL_FILE):
        correct(release, name)
    done = hand_out(release, work)
    assert set(done.beside) == {FIRST, MODEL_FILE}
    assert {name: contents(work)[name] for name in before} == before
    assert json.loads((work / RECORD).read_text()).keys() >= {FIRST, MODEL_FILE}


@pytest.mark.parametrize("n_writes", range(9))
def test_interrupted_anywhere_and_called_again(homework, monkeypatch, n_writes):
    """Each write, of a file or of the record, is cut off half way once."""
    release, work = homework
    solve(work / MODEL_FILE)
    mine = (work / MODEL_FILE).read_bytes()
    old = contents(release)
    for name in (FIRST, SECOND, MODEL_FILE):
        correct(release, name)
    left = [n_writes]

    def cut_off(path, content):
        if not left[0]:
            (path.parent / (path.name + ".part")).write_bytes(content[: len(content) // 2])
            raise KeyboardInterrupt
        left[0] -= 1
        real(path, content)

    real = module.write_atomically
    monkeypatch.setattr(module, "write_atomically", cut_off)
    try:
        hand_out(release, work)
    except KeyboardInterrupt:
        for name in (FIRST, SECOND):
            assert (work / name).read_bytes() in (old[name], (release / name).read_bytes())
    else:
        assert n_writes >= 6  # three files and three records
    assert (work / MODEL_FILE).read_bytes() == mine
    monkeypatch.setattr(module, "write_atomically", real)
    hand_out(release, work)
    new = contents(release)
    wanted = new | {MODEL_FILE: mine, NEW_MODEL: new[MODEL_FILE]}
    assert contents(work) == wanted  # and no half file is left


def test_a_damaged_notebook_counts_as_the_students(homework):
    release, work = homework
    (work / FIRST).write_text('{"cells": [{"cell_type": "code"', encoding="utf-8")
    correct(release, FIRST)
    assert hand_out(release, work).beside == {FIRST: NEW_FIRST}


# --- what counts as a change ---------------------------------------------------------------------


def edit(notebook, what):
    """One small change of a notebook."""
    if what == "a letter":
        notebook.cells[-1].source += "x"
    elif what == "a pasted picture":
        notebook.cells[0]["attachments"] = {"a.png": {"image/png": "AAAA"}}
    elif what == "a new cell":
        notebook.cells.append(nbformat.v4.new_code_cell("1 + 1"))
    elif what == "a deleted cell":
        del notebook.cells[-1]
    elif what == "points":
        cell = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade"))
        cell.metadata["nbgrader"]["points"] += 1
    elif what == "code to text":
        cell = next(c for c in notebook.cells if c.cell_type == "code")
        cell.cell_type = "raw"


CHANGES = ("a letter", "a pasted picture", "a new cell", "a deleted cell", "points", "code to text")


@pytest.mark.parametrize("what", CHANGES)
def test_each_change_of_a_notebook_is_seen(homework, what):
    path = homework[1] / FIRST
    before = fingerprint(path)
    notebook = nbformat.read(path, as_version=4)
    edit(notebook, what)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert fingerprint(path) != before


def test_line_ends_and_outputs_are_no_change(homework):
    _, work = homework
    before = [fingerprint(work / name) for name in (FIRST, MODEL_FILE)]
    run_only(work / FIRST)
    text = (work / MODEL_FILE).read_bytes()
    (work / MODEL_FILE).write_bytes(text.replace(b"\n", b"\r\n"))
    assert [fingerprint(work / name) for name in (FIRST, MODEL_FILE)] == before


# --- the ways it is handed out -------------------------------------------------------------------


def test_the_difference_is_shown(homework):
    release, work = homework
    assert "no new version lies beside" in differences(work)
    for name in (FIRST, MODEL_FILE):
        solve(work / name)
        correct(release, name)
    hand_out(release, work)
    shown = differences(work).splitlines()
    assert {f"--- yours: {FIRST}", f"+++ new: {NEW_FIRST}"} <= set(shown)
    assert {f"--- yours: {MODEL_FILE}", f"+++ new: {NEW_MODEL}"} <= set(shown)
    changed = [line for line in shown if re.match(r"[+-][^+-]", line)]
    assert "-# a student's evening" in changed and "+a correction" in changed
    assert len(changed) == 4


@pytest.mark.parametrize("name", [NEW_FIRST, NEW_MODEL, "1_from_salt_to_graph.new2.ipynb"])
def test_a_new_version_beside_is_no_part_of_a_hand_in(name):
    config = nbgrader_settings(REPO)
    pattern = config.FileNameCollectorPlugin.named_regexp
    assert re.match(pattern, f"/x/extracted/hw_s001/{FIRST}")
    assert not re.match(pattern, f"/x/extracted/hw_s001/{name}")


def lab(course, *options):
    """`lab` of a students' copy of the course, as its student calls it."""
    command = [sys.executable, "-P", "-m", "crystalgraph", "lab", *options]
    path = {"PYTHONPATH": str(course), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=course, env=path, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert done.stdout.count("\n") == 1 or "--diff" in options
    return done.stdout


def test_a_new_copy_of_the_course_over_the_old_one(tmp_path):
    course = tmp_path / "course"
    write_folder(REPO, course)
    release, work = HW.release(course), HW.work(course)
    fourth = release / NOTEBOOKS["4"]
    fourth.rename(tmp_path / fourth.name)  # as at the beginning of the term
    assert f"is in {work}; copied: {FIRST}" in lab(course, "--prepare-only")
    solve(work / FIRST)
    run_only(work / SECOND)
    mine = (work / FIRST).read_bytes()

    for name in (FIRST, SECOND):
        correct(release, name)
    (tmp_path / fourth.name).rename(fourth)
    said = lab(course, "hw", "--prepare-only")
    assert (work / FIRST).read_bytes() == mine
    assert "a correction" in (work / NEW_FIRST).read_text(encoding="utf-8")
    assert "a correction" in (work / SECOND).read_text(encoding="utf-8")
    assert f"updated, as you had not changed them: {SECOND}; kept" in said
    assert f"changed them: {FIRST}; the course's new version of each lies beside it: " in said
    assert f"copied: {fourth.name}" in said and (work / fourth.name).exists()
    assert "+a correction" in lab(course, "--diff")
    assert "nothing is new" in lab(course, "--prepare-only")
