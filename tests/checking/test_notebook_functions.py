"""Taking single functions out of a notebook."""

import nbformat
import pytest

from crystalgraph.checking import notebook_code
from crystalgraph.checking.notebook_code import function_of, load_function
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


# --- a student's notebook, which is run ----------------------------------------------------------

RELEASED = (
    "import math\nSCALE = 2\ncostly = open('no such file')",
    "def task():\n    raise Missing",
)


def run(*cells):
    """What the function of a student's cells gives."""
    return function_of(cells, "task", "student.ipynb", RELEASED)()


def test_what_was_handed_out_is_run_where_it_is_needed():
    assert run(RELEASED[0], "def task():\n    return SCALE * math.pi") == pytest.approx(6.28, 1e-2)


def test_an_error_ends_the_students_cell_and_what_it_bound_stays():
    assert run("A = 1\n1 / 0\nA = 2", "def task():\n    return A") == 1
    assert run("A = 1", "exit()\nA = 2", "def task():\n    return A") == 1


def test_a_definition_that_could_not_be_made_says_why():
    with pytest.raises(ZeroDivisionError):
        run("1 / 0\ndef task():\n    return 1")
    with pytest.raises(ModuleNotFoundError, match="nobody_has_it"):
        run("import nobody_has_it\ndef task():\n    return 1")


def test_trials_without_end_cost_the_function_nothing(monkeypatch):
    monkeypatch.setattr(notebook_code, "SECONDS", 0.2)
    table = ("T = {}", "while True:\n    pass", "T['one'] = 1", "T.update(two=2)")
    assert run(*table, "def task():\n    return T") == {"one": 1, "two": 2}


def test_above_the_check_counts_else_below(tmp_path):
    handed_out, student = tmp_path / "released.ipynb", tmp_path / "student.ipynb"
    stub, check = "def task():\n    raise NotImplementedError", 'points("1", task)'

    def write(path, *sources):
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)

    write(handed_out, stub, check)
    write(student, "A = 1", "def task():\n    return A", check, "A = 2")
    assert load_function(student, "task", "1", handed_out)() == 1
    write(student, "A = 1", check, "A = 2", "task = lambda: A")
    assert load_function(student, "task", "1", handed_out)() == 2


def test_a_stub_and_what_was_handed_out_take_no_time(monkeypatch):
    monkeypatch.setattr(notebook_code, "SECONDS", 0.2)
    endless = "while True:\n    table = 1"
    handed_out = (endless, "def task():\n    raise NotImplementedError(table)")
    with pytest.raises(NameError):  # not even tried
        function_of(handed_out, "task", "student.ipynb", handed_out)()
    own = (endless, "def task():\n    return table")
    assert function_of(own, "task", "student.ipynb", handed_out)() == 1
