"""An executed notebook as one HTML file that needs nothing from the network.

nbconvert's own export fetches MathJax, require.js and the widget manager when it is opened, and
leaves plotly figures out unless the notebook chose a renderer for them. Here equations become
MathML, plotly figures carry their library (once a file), and progress bars are left out.
"""

from __future__ import annotations

import html
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import pass_context
from jinja2.runtime import Context
from latex2mathml.converter import convert as latex_to_mathml
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from crystalgraph.figures.alt_text import describe_plotly

PLOTLY = "application/vnd.plotly.v1+json"
PNG = "image/png"
LATEX = "text/latex"
WIDGET = "application/vnd.jupyter.widget-view+json"
EXTERNAL_SCRIPT = re.compile(r"<script\b[^>]*\bsrc=\"https?://[^\"]*\"[^>]*>\s*</script>")
MARKER = re.compile(r"^### (?:BEGIN|END) SOLUTION[ \t]*$\n?", re.M)  # would be headings
MATHJAX = re.compile(r"<!-- Load mathjax -->.*?<!-- End of mathjax configuration -->", re.S)


def notebook_to_html(notebook: nbformat.NotebookNode, title: str, folder: Path) -> str:
    """Render an executed notebook.

    Args:
        notebook: left as it is; a copy is changed.
        title: the page's title.
        folder: where pictures named in its Markdown are looked up.

    Returns:
        The page; nothing in it is loaded from elsewhere.
    """
    page_notebook = deepcopy(notebook)
    drop_markers(page_notebook)
    embed_plotly_figures(page_notebook)
    embed_alt_texts(page_notebook)
    embed_equations(page_notebook)
    drop_widgets(page_notebook)
    resources = {"metadata": {"name": title, "path": str(folder)}}
    page, _ = OneFileExporter(embed_images=True).from_notebook_node(page_notebook, resources)
    return EXTERNAL_SCRIPT.sub("", MATHJAX.sub("", page))


def outputs_with(notebook: nbformat.NotebookNode, mime_type: str) -> list[tuple[list, Any]]:
    """Every output that has data of a type, with the list it is in (to remove it from)."""
    return [
        (cell.outputs, output)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in list(cell.outputs)
        if mime_type in output.get("data", {})
    ]


def embed_plotly_figures(notebook: nbformat.NotebookNode, library: str | None = None) -> None:
    """Give every plotly figure an HTML form; the first brings plotly's library along.

    Args:
        notebook: is changed.
        library: address of plotly.min.js, where pages share it; by default it is in the page.
    """
    import plotly.io

    for number, (_, output) in enumerate(outputs_with(notebook, PLOTLY)):
        figure = output.data.pop(PLOTLY)
        picture = plotly.io.to_html(
            figure,
            include_plotlyjs=(library or True) if number == 0 else False,
            include_mathjax=False,
            full_html=False,
            validate=False,
        )
        alt = html.escape(describe_plotly(figure))
        output.data["text/html"] = f'<div role="img" aria-label="{alt}">{picture}</div>'


def embed_alt_texts(notebook: nbformat.NotebookNode) -> None:
    """Give every picture that has a description an HTML form with it; nbconvert leaves it out."""
    for _, output in outputs_with(notebook, PNG):
        alt = output.metadata.get(PNG, {}).get("alt")
        if alt:
            source = f"data:{PNG};base64,{output.data.pop(PNG).strip()}"
            output.data["text/html"] = f'<img alt="{html.escape(alt)}" src="{source}">'


def embed_equations(notebook: nbformat.NotebookNode) -> None:
    """Give every output that is LaTeX (display(Math(...))) an HTML form."""
    for _, output in outputs_with(notebook, LATEX):
        if "text/html" not in output.data:
            output.data["text/html"] = mathml(output.data[LATEX].strip().strip("$"), "block")


def drop_markers(notebook: nbformat.NotebookNode) -> None:
    """Take the lines that enclose a model answer out of the text; in code they are comments."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = MARKER.sub("", cell.source)


def drop_widgets(notebook: nbformat.NotebookNode) -> None:
    """Take live widgets out: what else the output shows stays, a bare progress bar goes."""
    notebook.metadata.pop("widgets", None)
    for outputs, output in outputs_with(notebook, WIDGET):
        del output.data[WIDGET]
        if not set(output.data) - {"text/plain"}:
            outputs.remove(output)


def mathml(latex: str, display: str = "inline") -> str:
    """An equation as MathML; one that cannot be converted stays readable as LaTeX.

    Args:
        latex: without dollar signs.
        display: "inline" or "block".
    """
    # The converter knows align* and split but takes aligned for text.
    source = re.sub(r"\\(begin|end)\{(aligned|gathered)\}", r"\\\1{align*}", latex)
    try:
        return latex_to_mathml(source, display=display)
    except Exception:  # its errors have no common base, and a page must not fail for one equation
        return f"<code>{html.escape(latex)}</code>"


class MathMLRenderer(IPythonRenderer):
    """nbconvert's Markdown renderer, with the equations converted instead of left to MathJax."""

    def _html_embed_images(self, html: str) -> str:
        """Only where there is an image: nbconvert's parser closes tags that end further down, and
        the text of a folded hint (<details>) would stand open below it."""
        return super()._html_embed_images(html) if "<img" in html else html

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """A picture; one from the network (the Colab badge) is replaced by its description."""
        if url.startswith(("http://", "https://")):
            return html.escape(text)
        return super().image(text, url, title)

    def inline_math(self, body: str) -> str:
        """$...$"""
        return mathml(body)

    def block_math(self, body: str) -> str:
        """$$...$$"""
        return mathml(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        r"""\begin{name}...\end{name}"""
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


class OneFileExporter(HTMLExporter):
    """HTMLExporter (the lab template) that uses MathMLRenderer for Markdown."""

    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        """Markdown to HTML; the exporter registers it as the filter of that name."""
        renderer = MathMLRenderer(
            escape=False,
            embed_images=True,
            attachments=context.get("cell", {}).get("attachments", {}),
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
            anchor_link_text=self.anchor_link_text,
        )
        return MarkdownWithMath(renderer=renderer).render(source)
