"""Taking single functions out of a notebook."""

import nbformat
import pytest

from crystalgraph.checking.notebook_code import load_function
from crystalgraph.errors import CrystalGraphError

CELLS = [
    "%load_ext autoreload\nimport numpy as np\nimport math\nfrom json import dumps as to_text",
    "# Text\nSCALE = 2 * math.pi\nexpensive = open('no such file').read()",
    "def helper(x):\n    return SCALE * x",
    "def task(x, expensive=None):\n    model = helper(np.float64(x))\n    return model",
    "!ls\nraise RuntimeError('a cell that nobody needs')",
    "def broken(:\n    pass",
    "def uses_missing():\n    return expensive",
    "def defined_twice():\n    return 1",
    "def defined_twice():\n    return 2",
    "%%time\nfor i in range(3):\n    print(i)",
    "x = task(1)?",
]


@pytest.fixture
def notebook(tmp_path):
    """A notebook as students write them."""
    path = tmp_path / "student.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_function_brings_what_it_needs(notebook):
    assert load_function(notebook, "task")(1.0) == pytest.approx(6.283185307)


def test_the_last_definition_counts(notebook):
    assert load_function(notebook, "defined_twice")() == 2


def test_a_variable_that_cannot_be_made_is_missed_when_needed(notebook):
    with pytest.raises(NameError, match="expensive"):
        load_function(notebook, "uses_missing")()


def test_a_cell_that_does_not_parse_is_named(notebook):
    with pytest.raises(CrystalGraphError, match="defines broken is no valid Python"):
        load_function(notebook, "broken")


def test_a_missing_function_is_named(notebook):
    with pytest.raises(CrystalGraphError, match="does not define nothing_like_it"):
        load_function(notebook, "nothing_like_it")


def test_no_notebook(tmp_path):
    path = tmp_path / "bad.ipynb"
    path.write_text("no json", encoding="utf-8")
    with pytest.raises(CrystalGraphError, match="cannot be read as a notebook"):
        load_function(path, "task")
