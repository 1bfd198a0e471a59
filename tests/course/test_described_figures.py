"""A figure in a notebook carries its description along, up to the exported page."""

import nbformat
import pytest
from nbclient import NotebookClient

from crystalgraph.course.html_pages import notebook_to_html

CELLS = (
    "from crystalgraph.course import lab\n"
    "points = lab.points_for('hw')\npoints = lab.points_for('hw')  # a cell may be run twice",
    "from matplotlib.figure import Figure\nfigure = Figure()\n"
    "figure.subplots().set_title('volume')\nfigure  # pyplot knows nothing of it",
    "import matplotlib.pyplot as plt\nfigure, ax = plt.subplots()\n"
    "ax.set_title('energy')\nplt.close(figure)\nfigure",
    "_ = plt.plot([1, 2])\nplt.xlabel('distance')\nplt.show()",
    "import plotly.graph_objects as go\ngo.Figure(layout={'title': {'text': 'NaCl'}})",
)


@pytest.fixture(scope="module")
def notebook():
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


@pytest.mark.parametrize(("cell", "text"), [(1, "volume"), (2, "energy"), (3, "x axis: distance")])
def test_pictures_say_what_they_show(notebook, cell, text):
    (output,) = (out for out in notebook.cells[cell].outputs if "image/png" in out.get("data", {}))
    assert output.metadata["image/png"]["alt"] == text


def test_an_exported_page_has_them_as_alt_texts(notebook, tmp_path):
    page = notebook_to_html(notebook, "title", tmp_path)
    assert '<img alt="energy" src="data:image/png;base64,' in page
    assert '<img alt="x axis: distance"' in page
    assert 'aria-label="crystal in three dimensions. NaCl"' in page
    assert "No description has been provided" not in page
