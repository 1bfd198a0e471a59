"""Markdown in exported pages: folded hints stay folded, nothing comes from the network."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crystalgraph.course.html_pages import PLOTLY, embed_plotly_figures, notebook_to_html

HINT = "<details><summary>Hint</summary>\n\nUse `np.sort` for $d_k$.\n\n</details>\n\nGo on."
ANSWER = "### BEGIN SOLUTION\n**Model answer.** Yes.\n### END SOLUTION"
BADGE = "[![Open in Colab](https://example.org/badge.svg)](https://example.org/notebook.ipynb)"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    notebook = new_notebook(cells=[new_markdown_cell(text) for text in (HINT, ANSWER, BADGE)])
    return notebook_to_html(notebook, "title", tmp_path_factory.mktemp("folder"))


def test_the_text_of_a_folded_hint_stays_inside_it(page):
    hint = page[page.index("<details>") : page.index("</details>")]
    assert "<code>np.sort</code>" in hint
    assert "<math" in hint
    assert "Go on." not in hint


def test_the_markers_of_a_solution_are_no_headings(page):
    assert "Model answer." in page
    assert "SOLUTION" not in page


def test_a_badge_becomes_a_plain_link(page):
    assert "badge.svg" not in page
    assert 'href="https://example.org/notebook.ipynb"' in page
    assert "Open in Colab</a>" in page


@pytest.mark.parametrize("library", [None, "../plotly.min.js"], ids=["in the page", "shared"])
def test_the_first_figure_brings_its_library(library):
    figure = {"data": [], "layout": {"title": {"text": "salt"}}}
    outputs = [new_output("display_data", {PLOTLY: figure}) for _ in range(2)]
    notebook = new_notebook(cells=[new_code_cell(outputs=outputs)])
    embed_plotly_figures(notebook, library)
    first, second = (output.data["text/html"] for output in notebook.cells[0].outputs)
    assert (len(first) > 1_000_000) == (library is None)
    assert ('src="../plotly.min.js"' in first) == (library is not None)
    assert len(second) < 10_000 and ".min.js" not in second and "salt" in second
