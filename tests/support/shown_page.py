"""What formgrader shows of a student's texts, and what in it could act, found by HTML parsers."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser

from bs4 import BeautifulSoup
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.filters.strings import strip_files_prefix
from nbformat import NotebookNode
from nbgrader.server_extensions.formgrader.handlers import template_path
from traitlets.config import Config

ACTING_TAGS = {"base", "button", "embed", "form", "frame", "frameset", "iframe", "input", "link"}
ACTING_TAGS |= {"math", "meta", "object", "script", "style", "svg", "template", "textarea"}
URLS = {"action", "background", "cite", "data", "formaction", "href", "poster", "src", "srcset"}
HARMLESS_URL = re.compile(
    r"(?:https?|mailto):\S*|data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*", re.I
)
NAMES_ON_THE_PAGE = {"class", "id", "name", "style"}
"""Attributes by which formgrader's own programs and styles find things."""


class Contents(HTMLParser):
    """What is in a piece of HTML.

    Attributes:
        tags: names of its tags.
        acting: (tag, attribute, value) of what is not harmless.
        text: what is read.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.acting: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        if tag in ACTING_TAGS:
            self.acting.append((tag, "", ""))
        for name, value in attrs:
            is_url = name in URLS and not HARMLESS_URL.fullmatch(value or "")
            if is_url or name.startswith("on") or name in NAMES_ON_THE_PAGE:
                self.acting.append((tag, name, value or ""))

    def handle_decl(self, decl: str) -> None:
        """Note a declaration."""
        self.acting.append((decl, "", ""))

    def handle_comment(self, data: str) -> None:
        """Note a comment; some browsers read conditions in them."""
        self.acting.append(("comment", "", data))

    def handle_pi(self, data: str) -> None:
        """Note an instruction."""
        self.acting.append(("instruction", "", data))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data


def rendered(source: str) -> str:
    """One text as formgrader renders it, by the same steps."""
    html = MarkdownWithMath(renderer=IPythonRenderer(escape=False)).render(source)
    return str(BeautifulSoup(strip_files_prefix(html), features="html.parser"))


@cache
def _exporter() -> HTMLExporter:
    settings = Config()
    settings.HTMLExporter.template_name = "formgrade"
    settings.HTMLExporter.extra_template_basedirs = [template_path]
    return HTMLExporter(config=settings)


def formgrader_page(notebook: NotebookNode) -> str:
    """What formgrader shows of a notebook."""
    names = ("assignment_id", "notebook_id", "submission_id", "base_url", "student", "last_name")
    resources: dict[str, object] = dict.fromkeys((*names, "first_name", "notebook_path"), "x")
    resources |= {"index": 0, "total": 1}
    page, _ = _exporter().from_notebook_node(notebook, resources=resources)
    return page


def apart(page: str) -> tuple[list[str], str]:
    """The texts of formgrader's page, and the page without them."""
    soup = BeautifulSoup(page, features="html.parser")
    texts = []
    for place in soup.select("div.text_cell_render"):
        texts.append(place.decode_contents())
        place.clear()
    return texts, str(soup)
