"""Markdown in exported pages: folded hints stay folded, nothing comes from the network."""

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from crystalgraph.export import notebook_to_html

HINT = "<details><summary>Hint</summary>\n\nUse `np.sort` for $d_k$.\n\n</details>\n\nGo on."
BADGE = "[![Open in Colab](https://example.org/badge.svg)](https://example.org/notebook.ipynb)"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    notebook = new_notebook(cells=[new_markdown_cell(HINT), new_markdown_cell(BADGE)])
    return notebook_to_html(notebook, "title", tmp_path_factory.mktemp("folder"))


def test_the_text_of_a_folded_hint_stays_inside_it(page):
    hint = page[page.index("<details>") : page.index("</details>")]
    assert "<code>np.sort</code>" in hint
    assert "<math" in hint
    assert "Go on." not in hint


def test_a_badge_becomes_a_plain_link(page):
    assert "badge.svg" not in page
    assert 'href="https://example.org/notebook.ipynb"' in page
    assert "Open in Colab</a>" in page
