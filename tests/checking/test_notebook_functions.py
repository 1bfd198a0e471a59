"""Taking single functions out of a notebook."""

import time

import nbformat
import pytest

from crystalgraph.checking import limits, notebook_code
from crystalgraph.checking.limits import ComputerTooBusy, Deadline
from crystalgraph.checking.notebook_code import function_of, load_function
from crystalgraph.errors import CrystalGraphError

CELLS = [
    "%load_ext autoreload\nimport numpy as np\nimport math\nfrom json import dumps as to_text",
    "# Text\nSCALE = 2 * math.pi\nexpensive = open('no such file').read()",
    "def helper(x):\n    return SCALE * x",
    "def task(x, expensive=None):\n    model = helper(np.float64(x))\n    return model",
    "!ls\nraise RuntimeError('a cell that nobody needs')",
    "def broken(:\n    pass",
    "class Broken(:\n    pass",
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
    for name in ("broken", "Broken"):
        with pytest.raises(CrystalGraphError, match=f"defines {name} is no valid Python"):
            load_function(notebook, name)


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

STUB = "def task():\n    raise NotImplementedError"


def write(path, *sources):
    """A notebook of code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


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
    check = 'points("1", task)'
    write(handed_out, STUB, check)
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


def test_who_prints_does_not_need_what_is_printed_elsewhere(tmp_path):
    """A line that a student adds to see a number must not run the demonstrations."""
    seen = tmp_path / "seen"
    shown = f"table = open({str(seen)!r}, 'w').write('x')\nprint(table)"
    handed_out = (shown, "def task():\n    raise NotImplementedError")
    own = (shown, "def task():\n    print('here')\n    return 1")
    assert function_of(own, "task", "student.ipynb", handed_out)() == 1
    assert not seen.exists()
    own = (shown, "def task():\n    print('here')\n    return table")
    assert function_of(own, "task", "student.ipynb", handed_out)() == 1 and seen.exists()


# --- too slow: only the statement that is ---------------------------------------------------------

ENDLESS = "while True:\n    pass"
AFTER_A_SLOW_CELL = {
    "a decorator that registers": (
        "register = {}\ndef reg(g):\n    register[g.__name__] = g\n    return g",
        ENDLESS,
        "@reg\ndef one():\n    return 1",
        "def task():\n    return register['one']()",
    ),
    "a function that fills": (
        "T = {}\ndef fill(t):\n    t['a'] = 1",
        ENDLESS,
        "fill(T)",
        "def task():\n    return T['a']",
    ),
    "another name": ("T = {}", ENDLESS, "U = T\nU['a'] = 1", "def task():\n    return T['a']"),
    "a function of a library": (
        "import numpy as np\nT = np.zeros(2)",
        ENDLESS,
        "np.put(T, [0], [1])",
        "def task():\n    return T[0]",
    ),
    "several slow ones": (
        "T = []",
        *[ENDLESS] * 5,
        "def fill(t):\n    t.append(1)",
        "[fill(T)]",
        "def task():\n    return T[0]",
    ),
    "in one cell": (f"T = [0]\n{ENDLESS}\nU = T\nU[0] = 1", "def task():\n    return T[0]"),
}


@pytest.mark.parametrize("cells", AFTER_A_SLOW_CELL.values(), ids=AFTER_A_SLOW_CELL)
def test_only_what_is_too_slow_is_given_up(cells, monkeypatch):
    monkeypatch.setattr(notebook_code, "SECONDS", 0.4)
    assert run(*cells) == 1


def test_what_was_handed_out_and_is_too_slow_costs_nothing_else(monkeypatch):
    monkeypatch.setattr(notebook_code, "SECONDS", 0.2)
    slow = "while True:\n    U = 1"
    handed_out = ("T = {}\ndef fill(t):\n    t['a'] = 1", slow, "fill(T)", STUB)
    own = (*handed_out[:3], "def task():\n    return T['a'] * U")
    assert function_of(own, "task", "student.ipynb", handed_out)() == 1


def test_waiting_for_a_processor_is_not_charged(monkeypatch):
    monkeypatch.setattr(limits, "seconds_waited", time.monotonic)  # it waits all the time
    monkeypatch.setattr(notebook_code, "SECONDS", 0.2)
    cell = "import time\ndef waits(name):\n    time.sleep(0.3)\n    return name"
    handed_out = (cell, *[f"{name} = waits('{name}')" for name in "ABC"], STUB)
    own = (*handed_out[:-1], "def task():\n    return A + B + C")
    assert function_of(own, "task", "student.ipynb", handed_out)() == "ABC"


def test_a_busy_computer_is_not_a_missing_name(monkeypatch):
    def busy(self):
        raise ComputerTooBusy("busy")

    monkeypatch.setattr(Deadline, "left", busy)
    handed_out = ("import time\nA = time.sleep(5)", STUB)
    with pytest.raises(ComputerTooBusy):
        function_of(
            (handed_out[0], "def task():\n    return A"), "task", "student.ipynb", handed_out
        )


# --- as in Jupyter --------------------------------------------------------------------------------

IN_JUPYTER = {
    "await": ("import asyncio\nawait asyncio.sleep(0)\nA = 1", "def task():\n    return A"),
    "a value that is awaited": (
        "import asyncio\nasync def one():\n    await asyncio.sleep(0.01)\n    return 1",
        "queue = asyncio.Queue()\nawait queue.put(await one())",
        "A = await queue.get()",
        "def task():\n    return A",
    ),
    "async for": (
        "async def ones():\n    yield 1",
        "async for A in ones():\n    pass\nB = [a async for a in ones()]",
        "def task():\n    return A * B[0]",
    ),
    "the value of the cell before": ("0", "1", "A = _", "def task():\n    return A"),
    "no value yet": ("A = 1 if _ == '' else 0", "def task():\n    return A"),
    "annotations that are not looked at": (
        "from __future__ import annotations",
        "def task(x: Nope = 1):\n    return x",
    ),
    "what stood above a return": ("def task():\n    return 1\nreturn 5",),
    "a cell that is interrupted": ("raise KeyboardInterrupt", "def task():\n    return 1"),
    "a cell that ends in an error of its own": (
        "class Stop(BaseException):\n    pass\nraise Stop",
        "def task():\n    return 1",
    ),
}


@pytest.mark.parametrize("cells", IN_JUPYTER.values(), ids=IN_JUPYTER)
def test_a_cell_does_what_it_does_in_jupyter(cells):
    assert run(*cells) == 1


def test_annotations_are_looked_at():
    with pytest.raises(NameError, match="Nope"):
        run("def task(x: Nope = 1):\n    return x")


CHECKS = {
    "assigned": 'p = points("1", task)',
    "printed": "print(points('1', task))",
    "in a block": 'if True:\n    points("1", task)',
    "timed": '%time points("1", task)',
    "below a magic": '%%time\npoints("1", task)',
    "over lines": 'points(\n    "1",\n    task,\n)',
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_what_stands_below_the_check_does_not_count(check, tmp_path):
    handed_out, student = tmp_path / "released.ipynb", tmp_path / "student.ipynb"
    write(handed_out, STUB, 'points("1", task)')
    write(student, "A = 1\ndef task():\n    return A", check, "A = 2")
    assert load_function(student, "task", "1", handed_out)() == 1


def test_a_check_that_is_no_more_than_a_remark_is_none(tmp_path):
    write(tmp_path / "released.ipynb", STUB)
    remark = '# points("1", task)\ntext = \'points("1", task)\''
    write(tmp_path / "student.ipynb", "A = 1\ndef task():\n    return A", remark, "A = 2")
    found = load_function(tmp_path / "student.ipynb", "task", "1", tmp_path / "released.ipynb")
    assert found() == 2
