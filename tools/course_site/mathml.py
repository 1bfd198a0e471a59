"""Equations as MathML, made while the site is built: MathJax would be fetched by every page."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from crystalgraph.course.html_pages import mathml


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx write equations this way; conf.py chooses it with html_math_renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    equation = mathml(node.astext(), "block")
    translator.body.append(f'<div class="equation">{equation}</div>')
    raise nodes.SkipNode
