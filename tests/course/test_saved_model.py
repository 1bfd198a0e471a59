"""A check looks at the model file as it is saved, whatever the kernel still holds."""

import sys

import nbformat
import pytest
from answers import HW
from nbclient import NotebookClient

from crystalgraph.checking.python_file import load_python_file
from crystalgraph.checking.report import CheckFailed
from crystalgraph.course import lab
from crystalgraph.paths import REPO

points = lab.points_for("hw")
RIGHT = (REPO / HW.reference).read_text(encoding="utf-8")
STUBS = (HW.release() / HW.model_file).read_text(encoding="utf-8")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A model file with all answers; `load` gives the module as a notebook imports it."""
    path = tmp_path / HW.model_file
    path.write_text(RIGHT, encoding="utf-8")
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.delitem(sys.modules, "model_hw", raising=False)
    yield path
    sys.modules.pop("model_hw", None)


def load(path):
    return load_python_file(path, "model_hw")


BROKEN = {
    "syntax": ("    sums = atom", "    sums = = atom", "SyntaxError.*line"),
    "indentation": ("    sums = atom", "   sums = atom", "IndentationError"),
    "import": ("import torch\n", "import torch\nimport no_such_thing\n", "no_such_thing"),
    "renamed": ("def mean_pool(", "def pool_by_mean(", "does not define mean_pool"),
    "default": ("import torch\n", "import torch\nnot_there\n", "'not_there' is not defined"),
    "exit": ("import torch\n", "import torch\nraise SystemExit(3)\n", "SystemExit"),
    "wrong since": ("    sums = atom", "    return 0\n    sums = atom", "0 of 4 points"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_code_that_is_not_in_the_file_gets_no_points(file, how):
    module = load(file)
    assert points("2.3", module.mean_pool) == 4.0
    old, new, said = BROKEN[how]
    assert old in RIGHT
    file.write_text(RIGHT.replace(old, new), encoding="utf-8")
    with pytest.raises(CheckFailed, match=rf"(?s)0 of 4 points.*{said}|{said}"):
        points("2.3", module.mean_pool)
    assert sys.modules["model_hw"] is module


def test_a_file_that_is_gone_gets_no_points(file):
    module = load(file)
    file.unlink()
    with pytest.raises(CheckFailed, match=r"(?s)2.1.*model_hw.py, as it is saved"):
        points("2.1", module.ConvLayer)


def test_what_the_kernel_has_not_read_yet_counts(file):
    file.write_text(STUBS, encoding="utf-8")
    module = load(file)
    with pytest.raises(CheckFailed, match="not implemented yet"):
        points("2.3", module.mean_pool)
    file.write_text(RIGHT, encoding="utf-8")
    assert points("2.3", module.mean_pool) == 4.0
    assert points("2.1", module.ConvLayer) == 10.0


def test_a_function_of_the_notebook_is_not_in_the_file(file):
    module = load(file)
    mine = module.mean_pool
    mine.__module__ = "__main__"
    with pytest.raises(CheckFailed, match=r"graded in model_hw.py.* give model_hw.mean_pool"):
        points("2.3", mine)


def test_what_was_called_by_mistake_is_still_told(file):
    layer = load(file).ConvLayer(3, 2)
    with pytest.raises(CheckFailed, match="Give the class itself"):
        points("2.1", layer)


@pytest.mark.parametrize("answer", ["functools.partial(_mean)", "lambda *a: _mean(*a)", "_mean"])
def test_right_answers_in_other_forms_keep_their_points(file, answer):
    renamed = RIGHT.replace("def mean_pool(", "def _mean(")
    text = renamed.replace("import torch\n", "import functools\nimport torch\n", 1)
    file.write_text(f"{text}\n\nmean_pool = {answer}\n", encoding="utf-8")
    assert points("2.3", load(file).mean_pool) == 4.0


DECORATED = """

def deco(function):
    def wrapper(*arguments):
        return function(*arguments)
    return wrapper


mean_pool = deco(mean_pool)
"""


@pytest.mark.parametrize("more", [DECORATED, "\n\n_m = mean_pool\nmean_pool = lambda *a: _m(*a)\n"])
def test_a_function_without_a_name_older_than_the_module_keeps_its_points(file, more):
    file.write_text(RIGHT + more, encoding="utf-8")
    older = load(file).mean_pool
    load(file)
    assert points("2.3", older) == 4.0


def test_while_nbgrader_grades_the_file_is_not_read_again(file, monkeypatch):
    module = load(file)
    file.unlink()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert points("2.3", module.mean_pool) == 4.0


CELLS = (
    "%load_ext autoreload\n%autoreload 2\nfrom crystalgraph.course import lab\n"
    "points = lab.points_for('hw')\nimport model_hw\npoints('2.3', model_hw.mean_pool)",
    "from pathlib import Path\nfile = Path('model_hw.py')\nright = file.read_text()\n"
    "_ = file.write_text(right.replace('def mean_pool(', 'def mean_pool(:'))",
    "points('2.3', model_hw.mean_pool)",
    "_ = file.write_text(right)",
    "points('2.3', model_hw.mean_pool)",
)


def test_a_syntax_error_in_a_notebook_with_autoreload(file):
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, CELLS)))
    place = {"metadata": {"path": str(file.parent)}}
    NotebookClient(notebook, timeout=120, allow_errors=True, resources=place).execute()
    before, _, broken, _, after = (cell.outputs for cell in notebook.cells)
    assert before[-1].data["text/plain"] == after[-1].data["text/plain"] == "4.0"
    assert broken[-1].ename == "CheckFailed"
    assert "SyntaxError" in broken[-1].evalue and "model_hw.py, line" in broken[-1].evalue
