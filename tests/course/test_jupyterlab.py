"""The homework in JupyterLab and a browser: each notebook solved by hand, and run from the top."""

import ast
import base64
import io
import re
import shutil
import textwrap
import zipfile

import numpy as np
import pytest
from browser import Lab, running_lab
from course_copy import answer, fill_in
from IPython.core.inputtransformer2 import TransformerManager
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.support.color import Color

from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.holes import POINTS_CALL, stub_line

HW = LABS["hw"]
NOTEBOOKS, TASKS, MODEL_FILE = HW.notebooks, HW.tasks, HW.model_file
GREEN = "#2e7d32"
PLOTLY, PNG = "application/vnd.plotly.v1+json", "image/png"
DRAWS = re.compile(r"(draw|plot|target)_\w+|side_by_side")
WARNS = re.compile(r"\w*Warning\b|Traceback")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One JupyterLab and one browser for all tests."""
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def lab(request, running, tmp_path):
    """A notebook as released, opened; the other three are solved."""
    number, work = request.param, running[2]
    for path in HW.release().iterdir():
        if path.is_file():
            shutil.copyfile(path, work / path.name)
    fill_in(work, REPO, {task.id for task in TASKS.values() if task.id[0] != number})
    lab = Lab(*running, tmp_path)
    lab.open(NOTEBOOKS[number])
    lab.number = number
    yield lab
    lab.close()


@pytest.mark.slow
@pytest.mark.parametrize("lab", ["1"], indirect=True)
def test_a_check_turns_green(lab):
    first, *_ = cells = lab.cells()
    check = next(cell for cell in cells if POINTS_CALL.findall(cell["source"]))
    lab.run_range(first["name"], check["name"])
    solve(lab, TASKS[POINTS_CALL.findall(check["source"])[0]], check["name"])


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("lab", NOTEBOOKS, indirect=True)
def test_a_notebook_is_solved_by_hand(lab):
    first = None
    for cell in lab.cells():
        first = first or cell["name"]
        if checked := POINTS_CALL.findall(cell["source"]):
            lab.run_range(first, cell["name"])
            solve(lab, TASKS[checked[0]], cell["name"])
            first = None
    write_id(lab)
    lab.restart_and_run_all("hand-in-zip")
    assert_quiet(lab)
    assert_figures(lab)
    assert_board_is_green(lab)
    assert_zip(lab)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "%load_ext autoreload\n%autoreload 2\n"
            "from crystalgraph.figures.common import plot_curves",
            False,
        ),
        ("%matplotlib inline\nplots.plot_curves(run)", True),
        ("!ls\nside_by_side(draw_graph(salt), points(1))", True),
        ("figure = target_shells()", True),
        ("def my_own():\n    plot_curves(run)", False),
        ("if REPEAT:\n    plot_curves(run)", False),
        ("drawing = 1", False),
    ],
)
def test_cells_that_draw_are_known(source, expected):
    assert draws(source) is expected


# --- solving -------------------------------------------------------------------------------------


def solve(lab, task, check):
    """See the check of a stub fail, write the answer, see it pass; in one and the same kernel."""
    assert_not_implemented(lab, check, task.id)
    lab.picture(f"{task.id}_not_implemented")
    before = lab.count(check)
    if task.where == MODEL_FILE:
        edit_model(lab, task)
    else:
        edit_cell(lab, task)
        before += 1
    lab.run(check)
    assert_green(lab, check, task)
    lab.picture(f"{task.id}_green")
    assert lab.count(check) == before + 1  # a restarted kernel counts from 1


def edit_cell(lab, task):
    """Write the answer to a task into its cell, and run that."""
    name = f"task_{task.id.replace('.', '_')}"
    stub = lab.source(name)
    lab.replace_line(name, "raise NotImplementedError", indented(task, stub))
    assert lab.source(name) == stub.replace(stub_line(task), indented(task, stub))
    lab.run(name)


def edit_model(lab, task):
    """Write the answer to a task into model_hw.py in a second tab, and save that."""
    file = lab.work / MODEL_FILE
    stub = file.read_text(encoding="utf-8")
    if not lab.is_open(MODEL_FILE):
        lab.open_file(MODEL_FILE)
    lab.show(MODEL_FILE)
    lab.replace_line_of_file(stub_line(task), indented(task, stub))
    lab.save()
    assert file.read_text(encoding="utf-8") == stub.replace(stub_line(task), indented(task, stub))
    lab.show(task.notebook)


def indented(task, stub):
    """The answer to a task with the indentation of its stub line, the first line without."""
    (line,) = (line for line in stub.split("\n") if stub_line(task) in line)
    return textwrap.indent(answer(task), line[: line.index("raise")]).strip()


def write_id(lab):
    """Write a student's id into the last cell, and save the notebook."""
    new = f'lab.hand_in("hw", notebook="{lab.number}", student_id="s001")'
    lab.replace_line("hand-in-zip", 'lab.hand_in("hw"', new)
    lab.save()


# --- what is to be seen --------------------------------------------------------------------------


def assert_not_implemented(lab, check, task):
    """A check of an untouched stub says so, in two lines."""
    (output,) = lab.outputs(check)
    assert output["ename"] == "CheckFailed", "\n".join(output["traceback"])
    shown = lab.cell(check).find_element(By.CSS_SELECTOR, ".jp-OutputArea").text
    assert f"Task {task} is not implemented yet: fill in" in shown
    assert len(shown.strip().splitlines()) == 2, shown


def assert_green(lab, check, task):
    """A check shows its report in green, with all points, and then the number for nbgrader."""
    report = lab.cell(check).find_element(By.CSS_SELECTOR, ".jp-RenderedHTMLCommon > div")
    color = report.value_of_css_property("border-left-color")
    assert Color.from_string(color).hex == GREEN
    assert report.text.startswith(f"Task {task.id}, ")
    assert f"{task.points} of {task.points} points" in report.text and "✗" not in report.text
    assert lab.outputs(check)[-1]["data"]["text/plain"] == f"{task.points:.1f}"


def assert_quiet(lab):
    """No cell of the notebook warns or fails, nor prints a warning."""
    assert not lab.noise(checks=True)
    for cell in lab.cells():
        assert cell["execution_count"], cell["name"]
        for output in cell["outputs"]:
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            assert not WARNS.search("".join(text)), (cell["name"], text)


def assert_figures(lab):
    """Every cell that draws shows a figure, and there is something in it."""
    drawing = [cell for cell in lab.cells() if draws(cell["source"])]
    assert len(drawing) >= 3
    for number, cell in enumerate(drawing):
        bundles = [output["data"] for output in cell["outputs"] if "data" in output]
        figures = [bundle for bundle in bundles if {PLOTLY, PNG} & bundle.keys()]
        assert figures, cell["name"]
        for figure in figures:
            assert is_filled(figure), cell["name"]
        lab.wait(lambda name=cell["name"]: is_drawn(lab, name), f"the figure of {cell['name']}")
        lab.picture(f"figure_{number:02d}_{cell['name']}")


def draws(source):
    """Whether a cell calls a function that makes a figure, whatever its own functions do."""
    if not DRAWS.search(source):
        return False
    body = ast.parse(TransformerManager().transform_cell(source)).body  # %magics are not Python
    statements = [s for s in body if not isinstance(s, ast.FunctionDef | ast.If)]
    calls = [n for s in statements for n in ast.walk(s) if isinstance(n, ast.Call)]
    names = (getattr(call.func, "attr", getattr(call.func, "id", "")) for call in calls)
    return any(DRAWS.fullmatch(name) for name in names)


def is_filled(bundle):
    """Whether a figure holds data, or an image more than one color."""
    if PLOTLY in bundle:
        return any(len(trace) > 1 for trace in bundle[PLOTLY]["data"])
    picture = Image.open(io.BytesIO(base64.b64decode(bundle[PNG]))).convert("RGB")
    return np.asarray(picture).std() > 1


def is_drawn(lab, name):
    """Whether the figures under a cell are on the screen."""
    area = lab.cell(name).find_element(By.CSS_SELECTOR, ".jp-OutputArea")
    assert "WebGL is not supported" not in area.text
    images = area.find_elements(By.CSS_SELECTOR, ".jp-RenderedImage img")
    plots = area.find_elements(By.CSS_SELECTOR, ".jp-OutputArea .js-plotly-plot")
    loaded = [lab.ask("return arguments[0].naturalWidth > 100", image) for image in images]
    drawn = "return [...arguments[0].querySelectorAll('.gl-container canvas, .plot path, .bars')]"
    loaded += [bool(lab.ask(drawn + ".length", plot)) for plot in plots]
    return bool(loaded) and all(loaded)


def assert_board_is_green(lab):
    """The board lists every task as passed, in green."""
    marks = lab.cell("board").find_elements(By.CSS_SELECTOR, "tbody tr td:nth-child(3) span")
    lab.picture("board")
    assert [mark.text for mark in marks] == ["passed"] * len(TASKS)
    colors = {mark.value_of_css_property("color") for mark in marks}
    assert {Color.from_string(color).hex for color in colors} == {GREEN}


def assert_zip(lab):
    """The last cell makes the zip, with all files, and finds no task open."""
    (said,) = lab.outputs("hand-in-zip")
    lab.cell("hand-in-zip")
    lab.picture("zip")
    wanted = sum(task.points for task in TASKS.values() if not task.bonus)
    text = "".join(said["text"])
    assert f"{wanted} of {wanted} points" in text and "Still open" not in text
    with zipfile.ZipFile(lab.work / "hw_s001.zip") as archive:
        assert set(archive.namelist()) == set(HW.files)
        packed = archive.read(NOTEBOOKS[lab.number]) + archive.read(MODEL_FILE)
    assert not any(f"Task {task}: fill in".encode() in packed for task in TASKS)
