"""`crystalgraph run`: notebooks become pages that need no network, and their numbers one table."""

import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crystalgraph import cli
from crystalgraph.commands.run import Solutions, choose, execute_all, page_name
from crystalgraph.course.html_pages import mathml, notebook_to_html
from crystalgraph.course.metrics import Metric, format_metrics, read_metrics, record_metric

# --- numbers that notebooks report ---------------------------------------------------------------


def test_metrics_are_kept_in_order_and_replaced_by_name(tmp_path):
    record_metric("3", "gated, test MAE", 0.0681234, "eV/atom", folder=tmp_path)
    record_metric("3", "ridge, test MAE", "0.171 ± 0.004", "eV/atom", folder=tmp_path)
    record_metric("2", "parameters", 42, folder=tmp_path)
    record_metric("2", "parameters", 43, folder=tmp_path)
    assert read_metrics(tmp_path / "metrics.csv") == [
        Metric("3", "gated, test MAE", "0.06812", "eV/atom"),
        Metric("3", "ridge, test MAE", "0.171 ± 0.004", "eV/atom"),
        Metric("2", "parameters", "43", ""),
    ]


def test_the_table_is_aligned():
    rows = [Metric("3", "gated", "0.0681", "eV/atom"), Metric("2", "number of x", "7", "")]
    header, _, first, second = format_metrics(rows).splitlines()
    assert header.index("value") + 5 == first.index("0.0681") + 6 == second.index("7") + 1
    assert header.index("unit") == first.index("eV/atom")


# --- pages ---------------------------------------------------------------------------------------

TEXT = r"""# Title

The gate $\sigma(z)$, the update

$$v_i' = v_i + \sum_j \sigma(z_{ij}) \odot g(z_{ij})$$

and $$\begin{aligned} a &= \frac{1}{2} \\ b &= c \end{aligned}$$ cost \$5.
"""
FIGURE = {"data": [{"type": "scatter", "x": [1, 2], "y": [3, 4]}], "layout": {}}


@pytest.fixture
def executed():
    """A notebook as an execution leaves it: equations, two figures, a progress bar, a widget."""
    plotly, widget = "application/vnd.plotly.v1+json", "application/vnd.jupyter.widget-view+json"
    figures = [new_output("display_data", data={plotly: FIGURE}) for _ in range(2)]
    bar = new_output("display_data", data={widget: {"model_id": "1"}, "text/plain": "BAR 0/10"})
    table = new_output("display_data", data={widget: {"model_id": "2"}, "text/html": "<b>CELL</b>"})
    equation = new_output("display_data", data={"text/latex": r"$\displaystyle x^2$"})
    notebook = new_notebook(metadata={"widgets": {"x": {"state": {}}}})
    notebook.cells = [
        new_markdown_cell(TEXT),
        new_code_cell("1 + 1", outputs=[*figures, bar, table, equation]),
    ]
    return notebook


def test_a_page_loads_nothing_from_elsewhere(executed, tmp_path):
    page = notebook_to_html(executed, "1_page", tmp_path)
    assert "<title>1_page</title>" in page
    assert not re.findall(r"<(?:script|link|img)\b[^>]*(?:src|href)=\"https?:", page)


def test_equations_are_mathml(executed, tmp_path):
    page = notebook_to_html(executed, "1_page", tmp_path)
    assert page.count("<math ") == 4  # inline, block, aligned, and the output
    assert "<mtable" in page and "<mfrac>" in page
    written = page[page.index("The gate") : page.index("</p>", page.index("cost"))]
    assert "$$" not in written and "cost $5" in written


def test_figures_bring_their_library_once_and_progress_bars_go(executed, tmp_path):
    page = notebook_to_html(executed, "1_page", tmp_path)
    assert page.count("Plotly.newPlot(") == 2
    assert page.count("plotly.js v") == 1
    assert "<b>CELL</b>" in page
    assert "BAR 0/10" not in page


def test_the_notebook_itself_is_left_as_it_is(executed, tmp_path):
    before = nbformat.writes(executed)
    notebook_to_html(executed, "1_page", tmp_path)
    assert nbformat.writes(executed) == before


@pytest.mark.parametrize("broken", ["a_", "", r"\frac"])
def test_an_equation_that_cannot_be_converted_stays_readable(broken):
    assert mathml(broken) == f"<code>{broken}</code>" or mathml(broken).startswith("<math")


def test_the_page_in_a_browser_without_network(executed, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(notebook_to_html(executed, "1_page", tmp_path), encoding="utf-8")
    program = find_browser()
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=8000"]
    command += ["--dump-dom", page.as_uri()]
    drawn = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    assert drawn.count('class="main-svg"') >= 2  # plotly has drawn
    assert "</math>" in drawn


def find_browser():
    """A Chromium; where CI=true a missing one is a failure, elsewhere a skip."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return name
    if os.environ.get("CI") == "true":
        pytest.fail("no Chromium: on Debian `apt install chromium` brings it")
    pytest.skip("no Chromium")


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Three small solution notebooks, the middle one broken, and a model; in an empty folder."""
    source = tmp_path / "solutions"
    source.mkdir()
    cells = {
        "1_first": [
            "from pathlib import Path",
            "from model_hw import ANSWER\n"
            "from crystalgraph.course.metrics import record_metric\n"
            "assert Path('picture.txt').exists()\n"
            "record_metric('1', 'answer', ANSWER, 'eV')",
        ],
        "2_broken": ["print('so far so good')", "1 / 0", "print('never')"],
        "3_last": [
            "from crystalgraph.course.metrics import record_metric\n"
            "record_metric('3', 'last', 3.0)",
            "import os\nassert 'CI' not in os.environ",
        ],
    }
    for name, codes in cells.items():
        notebook = new_notebook(cells=[new_code_cell(code) for code in codes])
        nbformat.write(notebook, source / f"{name}.ipynb")
    (source / "picture.txt").write_text("beside the notebooks")
    (source / "metrics.csv").write_text("left over,from an,earlier,run")
    model = tmp_path / "model.py"
    model.write_text("ANSWER = 41.5\n")
    monkeypatch.chdir(tmp_path)
    return ["run", "--source", str(source), "--model", str(model)]


@pytest.fixture
def two_labs(course):
    """The solutions of that lab and of one without a model file, both with a 1_first.ipynb."""
    first = Path(course[2])
    second = first.with_name("second")
    second.mkdir()
    for name in ("1_first", "2_more"):
        nbformat.write(new_notebook(cells=[new_code_cell(SECOND)]), second / f"{name}.ipynb")
    return [
        Solutions(("hw", "hw"), first, Path(course[4]), "model_hw.py"),
        Solutions(("ps2", "symmetry"), second, None, None),
    ]


SECOND = """
from crystalgraph.course.metrics import record_metric
record_metric("1", "of the second lab", 2.0)
"""


@pytest.mark.parametrize(
    ("wanted", "stems"),
    [
        ([], ["1_first", "2_broken", "3_last", "1_first", "2_more"]),
        (["ps2"], ["1_first", "2_more"]),
        (["symmetry", "3"], ["3_last", "1_first", "2_more"]),
        (["1"], ["1_first", "1_first"]),
        (["2_m"], ["2_more"]),
    ],
)
def test_labs_and_notebooks_are_chosen_by_name(two_labs, wanted, stems):
    assert [path.stem for _, paths in choose(two_labs, wanted) for path in paths] == stems


def test_several_labs_are_told_apart(two_labs, tmp_path):
    chosen = choose(two_labs, ["1"])
    stems = Counter(path.stem for lab in two_labs for path in lab.notebooks())
    outcomes, metrics = execute_all(chosen, stems, tmp_path, timeout=60)
    pages = [tmp_path / "hw_1_first.html", tmp_path / "ps2_1_first.html"]
    assert [(one.page, one.error) for one in outcomes] == [(page, "") for page in pages]
    assert [metric[:2] for metric in metrics] == [
        ("hw 1", "answer"),
        ("ps2 1", "of the second lab"),
    ]
    assert page_name(two_labs[1], Path("2_more.ipynb"), stems) == "2_more.html"


def test_run_goes_on_after_a_failure_and_says_so(course, capsys, monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert cli.main(course) == 1
    printed = capsys.readouterr().out
    assert re.search(r"2_broken +\d+ s  FAILED: ZeroDivisionError: division by zero", printed)
    assert re.search(r"1 +answer +41.5 +eV", printed) and re.search(r"3 +last +3", printed)

    out = Path("results")
    assert {path.name for path in out.iterdir()} == {
        *("1_first.html", "2_broken.html", "3_last.html", "results.csv")
    }
    assert read_metrics(out / "results.csv") == [
        Metric("1", "answer", "41.5", "eV"),
        Metric("3", "last", "3", ""),
    ]
    broken = (out / "2_broken.html").read_text(encoding="utf-8")
    assert "so far so good" in broken and "ZeroDivisionError" in broken


def test_run_can_do_some_of_them_elsewhere(course, capsys):
    assert cli.main([*course, "1", "3_l", "--out", "pages/new"]) == 0
    assert sorted(path.name for path in Path("pages/new").glob("*.html")) == [
        *("1_first.html", "3_last.html")
    ]


def test_a_cell_that_takes_too_long_is_stopped(course, capsys):
    source = Path(course[2])
    slow = new_notebook(cells=[new_code_cell("import time; time.sleep(60)")])
    nbformat.write(slow, source / "4_slow.ipynb")
    assert cli.main([*course, "4", "--timeout", "2"]) == 1
    assert "a cell took longer than 2 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change, sentence",
    [
        (["9"], "no notebook begins with '9': there are 1_first, 2_broken, 3_last"),
        (["--model", "missing.py"], "there is no missing.py"),
        (["--source", "missing"], "there are no notebooks in missing"),
    ],
)
def test_wrong_usage(course, capsys, change, sentence):
    assert cli.main([*course, *change]) == 2
    assert sentence in capsys.readouterr().err
    assert not Path("results").exists()
