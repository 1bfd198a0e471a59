"""What is plugged into nbgrader: scores of checks, and which files are collected."""

import re

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbgrader.apps import ZipCollectApp
from nbgrader.coursedir import CourseDirectory

from crystalgraph.grading.reports.gradebook import nbgrader_settings
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.nbgrader_plugins import DropWidgets, HandInCollector, NumberOrNothing

# --- what Colab leaves in a notebook -------------------------------------------------------------


@pytest.mark.parametrize("state", [{"application/vnd.jupyter.widget-state+json": {}}, {}, "x", [1]])
def test_feedback_survives_widgets_without_a_state(state):
    output = nbformat.v4.new_output("display_data", data={"text/plain": "a picture"})
    cell = nbformat.v4.new_code_cell("bar()", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": state})
    settings = nbgrader_settings(REPO)
    for stage in ("GenerateFeedback.preprocessors", "Autograde.autograde_preprocessors"):
        app, _, name = stage.partition(".")
        assert settings[app][name][0] is DropWidgets
    shown = HTMLExporter(preprocessors=[DropWidgets]).from_notebook_node(notebook)[0]
    assert "a picture" in shown


# --- the last value of a check -------------------------------------------------------------------


def graded(text, *, stream=None, error=False):
    """Outputs of a 4-point check after NumberOrNothing: types, and the streams' names."""
    cell = nbformat.v4.new_code_cell(
        "points('2.3', f)",
        metadata={
            "nbgrader": {
                "grade": True,
                "solution": False,
                "locked": True,
                "points": 4,
                "grade_id": "x",
            }
        },
    )
    if stream:
        cell.outputs.append(nbformat.v4.new_output("stream", name=stream, text="42"))
    if text is not None:
        data = {"text/plain": text}
        cell.outputs.append(nbformat.v4.new_output("execute_result", data=data))
    if error:
        cell.outputs.append(nbformat.v4.new_output("error", ename="E", evalue="", traceback=[]))
    cell, _ = NumberOrNothing().preprocess_cell(cell, {}, 0)
    return [output.get("name", output.output_type) for output in cell.outputs]


@pytest.mark.parametrize("text", ["4.0", "0.5", "4", "0.0"])
def test_a_number_within_the_points_counts(text):
    assert graded(text) == ["execute_result"]


@pytest.mark.parametrize("text", [None, "np.float64(1.0)", "'4.0'", "-1.0", "4.1", "nan", "inf"])
def test_anything_else_is_an_error(text):
    assert graded(text)[-1] == "error"


def test_stderr_costs_nothing_and_an_error_stays_one():
    assert graded("4.0", stream="stderr") == ["stdout", "execute_result"]
    assert graded(None, error=True) == ["error"]


# --- the settings, computed from the labs --------------------------------------------------------


@pytest.fixture(scope="module")
def config():
    return nbgrader_settings(REPO)


def test_the_settings_know_every_lab(config):
    models = {lab.id: [lab.model_file] for lab in LABS.values() if lab.model_file}
    assert config.Autograde.exclude_overwriting == models
    pattern = config.FileNameCollectorPlugin.named_regexp
    for lab in LABS.values():
        for name in lab.files:
            found = re.match(pattern, f"/course/downloaded/{lab.id}/extracted/{lab.id}_s1/{name}")
            assert found and found["file_id"] == name.rpartition(".")[0]
            assert (found["assignment"], found["student_id"]) == (lab.id, "s1")


def test_only_hand_ins_of_the_assignment_that_is_collected_are_taken(config):
    lab = next(iter(LABS.values()))
    path = f"/course/downloaded/{lab.id}/extracted/{lab.id}_s1/{lab.files[0]}"
    for assignment, expected in ((lab.id, "s1"), ("another", None)):
        app = ZipCollectApp()
        app.coursedir = CourseDirectory(assignment_id=assignment)
        collected = HandInCollector(parent=app, config=config).collect(path)
        assert (collected and collected["student_id"]) == expected
