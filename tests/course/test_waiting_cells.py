"""What an open task leaves undone further down in a notebook says so in one line."""

import nbformat
import pytest
from nbclient import NotebookClient

from crystalgraph.course.waiting_cells import names_made_by

CELLS = {
    "points": "from crystalgraph.course import lab\npoints = lab.points_for('hw')",
    "stub": "def fit(x):\n    raise NotImplementedError('Task 3.3: fill in fit_normalizer')",
    "open": "for mean, std in fit(3):\n    other = mean",
    "later": "shown = other + 1",
    "last": "shown",
    "in a function": "(lambda: std)()",
    "own": "raise NotImplementedError('my own')",
    "typo": "print(no_such_name)",
    "define": "def mine(x):\n    return std + x\nshort = lambda x: std + x",
    "typo in a function": "mine(1)",
    "typo in a lambda of another cell": "short(1)",
    "typo in a function of the cell": "def mine(x):\n    return std + x\nmine(1)",
    "in an expression": "[x + std for x in (1,)]",
    "plain": "from crystalgraph.errors import ShownPlainly\n"
    "def ask():\n    raise ShownPlainly('It waits.\\nSecond line')",
    "asks": "answer = ask()",
    "needs it": "answer",
    "done": "mean = 1\nmean",
}
WAITS = "This cell waits for task 3.3: fill in fit_normalizer."


@pytest.fixture(scope="module")
def errors():
    """What each cell ended in: (kind of error, lines shown); None where it ran."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, allow_errors=True, kernel_name="python3").execute()
    found = {}
    for name, cell in zip(CELLS, cells, strict=True):
        error = next((out for out in cell.outputs if out.output_type == "error"), None)
        found[name] = error and (error.ename, error.traceback)
    return found


def test_a_stub_ends_in_one_line(errors):
    assert errors["open"] == ("NotImplementedError", [WAITS])


@pytest.mark.parametrize("cell", ["later", "last", "in a function", "in an expression"])
def test_what_it_would_have_made_waits_for_the_same_task(errors, cell):
    assert errors[cell] == ("NameError", [WAITS])


def test_a_message_that_is_shown_plainly_is_repeated_by_its_first_line(errors):
    assert errors["asks"] == ("ShownPlainly", ["It waits.", "Second line"])
    assert errors["needs it"] == ("NameError", ["It waits."])


TYPOS = [name for name in CELLS if name.startswith("typo")]


@pytest.mark.parametrize(
    ("cell", "kind"), [("own", "NotImplementedError"), *((typo, "NameError") for typo in TYPOS)]
)
def test_other_errors_keep_their_traceback(errors, cell, kind):
    name, shown = errors[cell]
    assert name == kind and "Traceback" in "\n".join(shown) and len("\n".join(shown)) > 100


def test_what_is_made_after_all_no_longer_waits(errors):
    assert errors["done"] is None


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a, (b, *c) = 1, (2, 3)\nd += 1", {"a", "b", "c", "d"}),
        ("for a in x:\n    b = a\nwith y as z: pass", {"a", "b", "z"}),
        ("def f():\n    inner = 1\nclass C: pass", {"f", "C"}),
        ("print(a)\n[b for b in a]", set()),
        ("%time a = 1", set()),
    ],
)
def test_names_that_a_cell_makes(source, names):
    assert names_made_by(source) == names
