"""Notebooks for formgrader: the report is there, and nothing of the student's acts in a browser."""

import re

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader.server_extensions.formgrader.handlers import template_path
from traitlets.config import Config

from crystalgraph.checks.tasks import NOTEBOOKS, TASKS
from crystalgraph.grading.autograded import marked, without_html
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.paths import REPO

RELEASED = nbformat.read(REPO / "assignments" / "hw" / NOTEBOOKS["1"], as_version=4)
TEXTS = {cell.source for cell in RELEASED.cells if cell.cell_type == "markdown"}
NAMES = {c.metadata.nbgrader.grade_id for c in RELEASED.cells if "nbgrader" in c.metadata}
CHECKS = {"check_1_1": "1.1", "check_1_2": "1.2"}
ACTS = re.compile(
    r"""<script\s*>evil|<[a-z][^>]*[\s/]on\w+\s*=\s*["']?evil|<a[^>]*href\s*=\s*["']?\s*java""",
    re.I,
)
HOSTILE = [
    "<script>evil()</script>",
    '<img src=x onerror="evil()">',
    "<svg/onload=evil()>",
    "<SCRIPT >evil()</SCRIPT >",
    "[click](javascript:evil())",
    "[click](<javascript:evil()>)",
    "[click]( java&#115;cript:evil())",
    "[click](java\\script:evil())",
    "[click]\n\n[click]: javascript:evil()",
    "![click](javascript:evil())",
    "<javascript:evil()>",
    "<a href=javascript:evil()>click</a>",
    "`<script>evil()</script>`",
    "$a<script>evil()</script>$",
]


def page(*cells, **metadata):
    """What formgrader makes of a notebook with these cells."""
    tasks = [TaskResult(task, Status.OK, TASKS[task].points) for task in TASKS]
    tasks[1] = TaskResult("1.2", Status.WRONG, 0.0, "rock salt", "<script>evil()</script>")
    result = Result("s001", "hw", "", tuple(tasks))
    shown = marked(new_notebook(cells=[*cells], metadata=metadata), result, NAMES, CHECKS, TEXTS)
    nbformat.validate(shown)
    settings = Config()
    settings.HTMLExporter.template_name = "formgrade"
    settings.HTMLExporter.extra_template_basedirs = [template_path]
    names = ("assignment_id", "notebook_id", "submission_id", "base_url", "student", "last_name")
    resources = dict.fromkeys((*names, "first_name", "notebook_path"), "x")
    resources |= {"index": 0, "total": 1}
    html, _ = HTMLExporter(config=settings).from_notebook_node(shown, resources=resources)
    return html


def answer(source):
    """A written answer."""
    cell = next(c for c in RELEASED.cells if c.metadata.get("nbgrader", {}).get("points") == 3)
    return nbformat.from_dict({**cell, "source": source})


def check(name):
    return next(
        nbformat.from_dict(cell)
        for cell in RELEASED.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == name
    )


def test_these_act_unless_something_is_done():
    plain = new_notebook(cells=[new_markdown_cell(text) for text in HOSTILE])
    html, _ = HTMLExporter().from_notebook_node(plain)
    assert len(ACTS.findall(html)) > 5


@pytest.mark.parametrize("source", HOSTILE)
def test_nothing_acts_in_the_browser_of_the_grader(source):
    picture = {"a.svg": {"image/svg+xml": "PHN2Zz4="}, 'x" onerror="evil()': {"image/png": "AA=="}}
    own = new_markdown_cell(source, attachments=picture)
    code = new_code_cell(source, outputs=[new_output("display_data", data={"text/html": source})])
    forged = new_code_cell(source, metadata={"nbgrader": {"grade_id": source, "grade": True}})
    raw = new_raw_cell(source, metadata={"raw_mimetype": "text/html"})
    html = page(own, answer(source), code, forged, raw, check("check_1_2"), title=source)
    assert not ACTS.search(html), ACTS.search(html)


def test_honest_texts_stay_what_they_are():
    for text in ("a < b and $x<2$", "[paper](https://doi.org/x)", "*so* `x <- 1`\n\n> quote"):
        assert without_html(text) == text
    assert "<strong>symmetry</strong>" in page(answer("Because of **symmetry**."))
    page(answer("![p](attachment:missing.png)"))  # formgrader fails on that
    picture = answer("![p](attachment:p.png)")
    picture["attachments"] = {"p.png": {"image/png": "iVBORw0KGgo="}}
    assert "data:image/png;base64,iVBORw0KGgo=" in page(picture)


def test_what_was_handed_out_is_shown_as_it_is():
    text = next(cell for cell in RELEASED.cells if "<details>" in cell.source)
    assert "<details>" in page(nbformat.from_dict(text))


def test_the_report_stands_under_its_check():
    html = page(check("check_1_1"), check("check_1_2"))
    assert "Task 1.1, atom_vectors: 4 of 4 points (right)" in html
    assert "Task 1.2, find_neighbors: 0 of 6 points (not right)" in html


def test_a_second_cell_of_the_same_name_is_the_students_own():
    first, second = check("check_1_1"), check("check_1_1")
    second.id = "another"
    assert page(first, second).count("4 of 4 points") == 1
