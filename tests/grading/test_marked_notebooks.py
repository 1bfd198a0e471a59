"""Notebooks for formgrader: the student's work, and our report under each check."""

import json

import nbformat
import pytest
from hand_in_builder import files_of, hand_in_of
from shown_page import Contents, apart, formgrader_page

from crystalgraph.grading.intake.answers import read_answers
from crystalgraph.grading.reports.marked_notebooks import marked
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.labs import LABS

HW = LABS["hw"]
FIRST = HW.notebooks["1"]
EVIL = "<script>evil()</script>"
CHECKS = {"check_1_1": "1.1", "check_1_2": "1.2"}


def loaded():
    """The first notebook of a hand-in, as JSON with each source as one string."""
    notebook = json.loads(files_of(())[FIRST])
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def named(notebook, name):
    return next(
        cell
        for cell in notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name
    )


RELEASED = loaded()
NAMES = {
    cell["metadata"]["nbgrader"]["grade_id"]
    for cell in RELEASED["cells"]
    if "nbgrader" in cell["metadata"]
}


def page_of(notebook):
    """What formgrader shows of a hand-in with this notebook, put in order and marked."""
    files = files_of(()) | {FIRST: json.dumps(notebook).encode()}
    hand_in = hand_in_of(files)
    tasks = [TaskResult(task.id, Status.OK, float(task.points)) for task in HW.tasks.values()]
    tasks[1] = TaskResult("1.2", Status.WRONG, 0.0, "rock salt", EVIL)
    result = Result.of(hand_in, HW, tasks)
    answers = read_answers(hand_in, HW)
    shown = marked(answers.notebooks[FIRST], result, HW, NAMES, CHECKS)
    nbformat.validate(shown)
    return formgrader_page(shown)


@pytest.fixture(scope="module")
def as_released():
    return page_of(loaded())


def test_the_report_stands_under_its_check(as_released):
    assert "Task 1.1, atom_vectors: 4 of 4 points (right)" in as_released
    assert "Task 1.2, find_neighbors: 0 of 6 points (not right)" in as_released
    assert "evil()" in as_released and EVIL not in as_released


def test_what_was_handed_out_is_shown_as_it_is(as_released):
    texts = [cell["source"] for cell in RELEASED["cells"] if cell["cell_type"] == "markdown"]
    shown = apart(as_released)[0]
    assert len(shown) == len(texts)
    assert sum("<details>" in text for text in texts) == sum("<details>" in one for one in shown)


def test_a_written_answer_is_rendered():
    notebook = loaded()
    named(notebook, "q1_1")["source"] = f"Because of **symmetry**, $a<b$. {EVIL}"
    page = page_of(notebook)
    assert "Because of <strong>symmetry</strong>, $a&lt;b$. " in page and EVIL not in page


PNG = "iVBORw0KGgo="


def test_the_students_outputs_are_shown_but_not_under_a_check():
    notebook = loaded()
    text = {"output_type": "stream", "name": "stdout", "text": "what I saw"}
    picture = {"image/png": PNG, "text/html": EVIL, "text/plain": f"<Figure> {EVIL}"}
    figure = {"output_type": "display_data", "metadata": {}, "data": picture}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    plain = next(cell for cell in code if "nbgrader" not in cell["metadata"])
    plain["outputs"] = [text, figure]
    named(notebook, "task_1_1")["outputs"] = [text, figure]
    named(notebook, "check_1_1")["outputs"] = [{**text, "text": "4 of 4, says the student"}]
    page = page_of(notebook)
    assert page.count("what I saw") == page.count(f"data:image/png;base64,{PNG}") == 2
    assert "says the student" not in page and EVIL not in page


def test_cells_of_the_students_own_do_not_act_and_are_no_checks():
    notebook = loaded()
    for kind in ("code", "raw", "markdown"):
        settings = {"grade_id": EVIL, "grade": True, "points": 99, "solution": False}
        cell = {"cell_type": kind, "source": EVIL, "metadata": {"nbgrader": settings}}
        more = {"outputs": [], "execution_count": 7} if kind == "code" else {}
        notebook["cells"].append(cell | more)
    page = page_of(notebook)
    assert EVIL not in page and "/ 99" not in page
    assert all(Contents(text).acting == [] for text in apart(page)[0][-2:])


def test_a_second_cell_of_the_same_name_is_the_students_own():
    notebook = loaded()
    notebook["cells"].append(named(notebook, "check_1_1") | {"id": "another"})
    assert page_of(notebook).count("4 of 4 points") == 1
