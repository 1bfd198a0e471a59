"""Names in the notebooks: cells around a task leave nothing behind that a stub would pick up."""

import ast
import re
import symtable

import nbformat
import pytest

from crystalgraph.course.waiting_cells import names_made_by
from crystalgraph.labs import LABS
from crystalgraph.releasing.holes import BEGIN

HW = LABS["hw"]
NOTEBOOKS = HW.notebooks.values()


def code_of(name):
    notebook = nbformat.read(HW.solutions() / name, as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def returned_locals(source):
    """Names of a task's function that its given lines return or use and the student makes."""
    head, rest = source.split(BEGIN, 1)
    given = rest.split("### END SOLUTION", 1)[1]
    (function,) = symtable.symtable(source, "cell", "exec").get_children()
    mine = {s.get_name() for s in function.get_symbols() if s.is_local() and not s.is_parameter()}
    used = (
        {
            node.id
            for node in ast.walk(ast.parse(given.strip().replace("return", "_ =", 1)))
            if isinstance(node, ast.Name)
        }
        if given.strip()
        else set()
    )
    return mine & used


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_cell_makes_what_a_task_has_to_make(name):
    tasks, others = set(), set()
    for source in code_of(name):
        if BEGIN in source:
            tasks |= returned_locals(source)
        else:
            others |= names_made_by(re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.M))
    assert not tasks & others


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_words_have_one_spelling(name):
    text = (HW.solutions() / name).read_text(encoding="utf-8")
    assert not re.findall(r"\w*(?:neighbour|normalis|colour|idealis|recognis|minimis)\w*", text)
