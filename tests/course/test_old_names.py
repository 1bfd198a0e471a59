"""Notebooks handed out before December 2026 go on working: their cells as they were, in a kernel.

The module paths that they import are kept until January 2028; with them goes this file, and
data/cells_handed_out_in_november_2026.json.
"""

import importlib
import json
import os
import shutil
import sys
import zipfile

import nbformat
import pytest
from course_copy import fill_in
from nbclient import NotebookClient

import crystalgraph
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import HIDDEN
from crystalgraph.old_names import MOVED
from crystalgraph.paths import REPO

HW = LABS["hw"]
DATA = REPO / "tests" / "data" / "cells_handed_out_in_november_2026.json"
CELLS = {
    notebook: {name: "\n".join(lines) for name, lines in cells.items()}
    for notebook, cells in json.loads(DATA.read_text(encoding="utf-8")).items()
}
FROM_NOTEBOOK = """
from pathlib import Path
from crystalgraph.checking.notebook_code import load_function
points("{task}", load_function(Path("{notebook}"), "{name}"))
"""
CHECKS = {
    "1": FROM_NOTEBOOK.format(task="1.2", notebook=HW.notebooks["1"], name="find_neighbors"),
    "2": 'points("2.3", model_hw.mean_pool)',
    "3": FROM_NOTEBOOK.format(task="3.5", notebook=HW.notebooks["3"], name="mean_absolute_error"),
    "4": FROM_NOTEBOOK.format(task="4.5", notebook=HW.notebooks["4"], name="roc_auc"),
}
"""A check of each notebook; each of these tasks is worth the points of POINTS."""
POINTS = {"1": "6.0", "2": "4.0", "3": "6.0", "4": "6.0"}
OLD_ID = 'hand_in(student_id=""'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A student's folder with all tasks solved, and the cells as they were handed out."""
    home = tmp_path_factory.mktemp("handed-out") / "hw"
    shutil.copytree(HW.release(), home)
    fill_in(home, REPO, HW.tasks)
    for name, old in CELLS.items():
        notebook = nbformat.read(home / name, as_version=4)
        for cell in notebook.cells:
            cell.source = old.get(cell.id, cell.source)
        with_id = notebook.cells[-1].source.replace(OLD_ID, OLD_ID[:-1] + 's001"')
        assert with_id != notebook.cells[-1].source
        notebook.cells[-1].source = with_id
        nbformat.write(notebook, home / name)
    return home


def execute(folder, *sources):
    """Execute cells in a kernel of their own; gives what each put out, in text."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    place = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources=place)
    unset = ("NBGRADER_EXECUTION", HIDDEN)
    client.execute(env={name: value for name, value in os.environ.items() if name not in unset})
    for cell in cells:
        assert all(out.get("name") != "stderr" for out in cell.outputs), cell.outputs
    return ["".join(map(in_text, cell.outputs)) for cell in cells]


def in_text(output):
    return output.get("text") or output.get("data", {}).get("text/plain", "")


@pytest.mark.slow
@pytest.mark.parametrize("number", HW.notebooks)
def test_set_up_imports_and_points(folder, number):
    cells = CELLS[HW.notebooks[number]]
    ready, imports, points = execute(folder, cells["set-up"], cells["imports"], CHECKS[number])
    assert ready.startswith("Ready: Python") and not imports
    assert points.endswith(POINTS[number])


@pytest.mark.nightly
def test_board_and_hand_in(folder):
    """Of the first notebook; the other cells differ in a number."""
    name = HW.notebooks["1"]
    hand_in = nbformat.read(folder / name, as_version=4).cells[-1].source
    board, said = execute(folder, CELLS[name]["board"], hand_in)
    needed = HW.max_points
    assert f"{name} " in board.splitlines()[0] and board.count("passed") == len(HW.tasks)
    assert f"{needed} of {needed} points from the checks" in said
    with zipfile.ZipFile(folder / "hw_s001.zip") as archive:
        assert archive.namelist() == list(HW.files)
    others = [cells["board"] + cells["hand-in-zip"] for cells in CELLS.values()]
    assert len({text.replace(f'"{n}"', "") for n, text in enumerate(others, 1)}) == 1


def test_what_an_update_in_place_left_behind_does_no_harm(tmp_path, monkeypatch):
    (tmp_path / "checks").mkdir()
    (tmp_path / "board.py").write_text("raise RuntimeError('of last term')")
    monkeypatch.setattr(crystalgraph, "__path__", [str(tmp_path), *crystalgraph.__path__])
    for name in ("checks", "board"):
        monkeypatch.delitem(sys.modules, f"crystalgraph.{name}", raising=False)
        assert importlib.import_module(f"crystalgraph.{name}").points


@pytest.mark.parametrize("old", MOVED)
def test_each_old_path_holds_what_the_new_one_holds(old):
    """Some are named by nobody's cell, but students look into the library too."""
    new = importlib.import_module(f"crystalgraph.{MOVED[old]}")
    names = [name for name in vars(new) if not name.startswith("__")]
    module = importlib.import_module(f"crystalgraph.{old}")
    assert names and all(getattr(module, name) is getattr(new, name) for name in names)
