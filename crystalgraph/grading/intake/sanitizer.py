"""What strangers wrote, fit to be shown to the person who grades it: text and pictures.

nbgrader's formgrader shows HTML and links of a text as they are, beside buttons that run things on
the instructor's computer. So a student's Markdown is rendered here, by nbconvert's own renderer,
and cleaned by nh3 with the allow lists below. The result is one line of HTML, which that renderer
passes on unchanged: a page holds what nh3 let through, and nothing else.

MathJax turns formulas into HTML in the browser; the commands by which it makes links, styles and
names there are broken by a blank. Of outputs, text and pictures are kept.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import nh3
from mistune import HTMLRenderer
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from crystalgraph.grading.intake.notebook_text import clean

TAGS = frozenset(
    "a b blockquote br center code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd "
    "li mark ol p pre q s samp small span strike strong sub summary sup table tbody td tfoot th "
    "thead tr tt u ul var".split()
)
ATTRIBUTES = {
    "a": {"href", "title"},
    "details": {"open"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
LINKS = ("http", "https", "mailto")
PICTURES = ("image/png", "image/jpeg", "image/gif")
MATH_COMMANDS = (
    "FormInput|bbox|class|cssId|data|href|html[A-Za-z]*|includegraphics|mathtip|mmlToken|require|"
    "style|texttip|toggle|unicode|url"
)
"""Commands of MathJax that make something else than a formula."""

MOST_SHOWN = 16 * 2**20
"""Characters of a notebook's pictures, outputs and rendered texts."""
MOST_RENDERED = 10_000
"""Characters of one text, pictures not counted; a longer one is shown as plain text. The renderer
needs the square of the time for twice the text, when the text was made for that."""
MOST_TAGS = 10_000
"""In lines of HTML that may be our own; to clean tags in tags takes the square of the time."""
MOST_RENDERED_IN_ALL = 100_000
"""The same of all texts of a notebook."""

_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_PICTURE_URL = re.compile(rf"data:(?:{'|'.join(PICTURES)});base64,[A-Za-z0-9+/=]*", re.I)
_LINK_URL = re.compile(rf"(?:{'|'.join(LINKS)}):[^\s\x00-\x1f]*", re.I)
_ATTACHMENT = "attachment:"
_MATH_COMMAND = re.compile(rf"\\(?=(?:{MATH_COMMANDS})(?![A-Za-z]))")
_AS_ENTITIES = str.maketrans({"\n": "&#10;", "\r": "&#13;", "[": "&#91;"})
"""Lines end an HTML block; at a bracket nbconvert looks for a link in all that follows."""
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that reverse the order of what follows."""
_VALUE = r"""(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=`]+)"""
_NO_TAG = re.compile(
    rf"<(?!/?(?:{'|'.join(sorted(TAGS))})(?:\s+(?:open|[A-Za-z-]+\s*=\s*{_VALUE}))*\s*/?>)", re.I
)
"""The beginning of what is no tag of ours: `<y and z>`, `<script>`. It is shown as text; nh3 would
leave it out."""


@dataclass
class Room:
    """How much of a notebook may still be shown.

    Attributes:
        characters: of anything.
        rendered: of Markdown.
        tags: in lines that may have been made here before.
    """

    characters: int = MOST_SHOWN
    rendered: int = MOST_RENDERED_IN_ALL
    tags: int = MOST_TAGS

    def takes(self, size: int) -> bool:
        """Whether there is room for something; if so it is taken."""
        if size > self.characters:
            return False
        self.characters -= size
        return True


# --- texts ---------------------------------------------------------------------------------------


def text_as_html(
    text: str, attachments: Mapping[str, Mapping[str, str]] | None = None, room: Room | None = None
) -> str:
    """A student's Markdown as one line of harmless HTML, which Markdown leaves unchanged.

    Args:
        text: anything.
        attachments: name -> form -> content, from pictures_attached_to.
        room: what the rest of the notebook has left; what does not fit in is left out.

    Returns:
        One `<div>`; the text itself if it is such a line already, nothing if it is blank.
    """
    room = Room() if room is None else room
    text = _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", clean(text).replace("\r\n", "\n"))
    if not text.strip() or _is_clean_line(text, room):
        return text.strip()
    short, written = _with_short_addresses(text)
    if len(short) <= min(MOST_RENDERED, room.rendered):
        room.rendered -= len(short)
        pictures = partial(_attached, dict(attachments or {}) | written, room)
        rendered = MarkdownWithMath(_Renderer()).render(short).strip()
        line = _clean_line(f"<div>{rendered}</div>", pictures)
        if room.takes(len(line)):
            return line
    return _clean_line(f"<div><pre>{html.escape(text, quote=False)}</pre></div>")


def _with_short_addresses(text: str) -> tuple[str, dict[str, dict[str, str]]]:
    """A text whose pictures are attached in place of written into it, and these pictures.

    The renderer looks at the same characters many times, and a picture has millions.
    """
    written: dict[str, dict[str, str]] = {}

    def attach(found: re.Match) -> str:
        name = f"picture.in.the.text.{len(written)}"
        form, _, content = found[0].removeprefix("data:").partition(";base64,")
        written[name] = {form.lower(): content}
        return _ATTACHMENT + name

    return _PICTURE_URL.sub(attach, text), written


def _is_clean_line(text: str, room: Room) -> bool:
    """Whether it is a line that was made here; where there is no room to find out, it is none."""
    if not text.startswith("<div>") or "\n" in text or text.count("<") > room.tags:
        return False
    room.tags -= text.count("<")
    return _clean_line(text) == text


def _clean_line(text: str, picture: Callable[[str], str | None] = lambda url: None) -> str:
    """HTML with nothing in it that acts, on one line.

    Args:
        text: HTML.
        picture: address of a picture that is attached -> the picture as an address, or None.
    """

    def allowed(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "href":
            return value if _LINK_URL.fullmatch(value) else None
        if attribute == "src":
            return value if _PICTURE_URL.fullmatch(value) else picture(value)
        return value

    cleaned = nh3.clean(
        text,
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes={*LINKS, "data", _ATTACHMENT.rstrip(":")},
        url_relative="deny",
        attribute_filter=allowed,
    )
    return _MATH_COMMAND.sub(r"\\ ", cleaned).translate(_AS_ENTITIES)


def _attached(attachments: Mapping[str, Mapping[str, str]], room: Room, address: str) -> str | None:
    """A picture as an address, when it is attached and fits in."""
    forms = attachments.get(address.removeprefix(_ATTACHMENT), {})
    for form in PICTURES:
        if form in forms and room.takes(len(forms[form])):
            return f"data:{form};base64,{''.join(forms[form].split())}"
    return None


class _Renderer(IPythonRenderer):
    """nbconvert's renderer, which shows what would not be allowed as text."""

    def __init__(self) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)

    def block_code(self, code: str, info: str | None = None) -> str:
        return HTMLRenderer.block_code(self, code)  # colors would need classes

    def inline_html(self, html: str) -> str:
        return _NO_TAG.sub("&lt;", html)

    def block_html(self, html: str) -> str:
        return _NO_TAG.sub("&lt;", html) + "\n"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """A picture; a link where it is elsewhere, since loading it tells that somebody looks."""
        if url.startswith(_ATTACHMENT) or _PICTURE_URL.fullmatch(url):
            return HTMLRenderer.image(self, text, url, title)
        return self.link(text or html.escape(url), url, title)

    def task_list_item(self, text: str, checked: bool = False) -> str:
        box = "\N{BALLOT BOX WITH CHECK} " if checked else "\N{BALLOT BOX} "
        inside = text.replace("<p>", f"<p>{box}", 1) if text.startswith("<p>") else box + text
        return f"<li>{inside}</li>\n"


# --- pictures and outputs ------------------------------------------------------------------------


def pictures_attached_to(cells: list[dict]) -> dict[str, dict[str, str]]:
    """The pictures that were pasted into texts.

    Args:
        cells: of notebook_text.cells_of.

    Returns:
        Name -> form -> content in base64.
    """
    found = {}
    for cell in cells:
        for name, data in cell.get("attachments", {}).items():
            pictures = _pictures(data) if isinstance(data, dict) else {}
            if re.fullmatch(r"[\w.-]+", name) and pictures:
                found[name] = pictures
    return found


def shown_outputs(cell: dict, room: Room) -> list[dict]:
    """The outputs of a cell that can be shown without being run: texts and pictures.

    Args:
        cell: of notebook_text.cells_of.
        room: what the notebook has left; what does not fit in is left out.
    """
    kept = [output for output in map(_output, cell.get("outputs", [])) if output]
    return [output for output in kept if room.takes(len(json.dumps(output)))]


def _output(output: object) -> dict | None:
    known = output if isinstance(output, dict) else {}
    form = known.get("output_type")
    if form == "stream" and (text := _string(known.get("text"))) is not None:
        name = "stderr" if known.get("name") == "stderr" else "stdout"
        return {"output_type": form, "name": name, "text": text}
    if form == "error":
        lines = known.get("traceback")
        parts = {part: _string(known.get(part)) or "" for part in ("ename", "evalue")}
        lines = lines if isinstance(lines, list) else []
        lines = [clean(line) for line in lines if isinstance(line, str)]
        return {"output_type": form, **parts, "traceback": lines}
    if form in ("display_data", "execute_result") and isinstance(known.get("data"), dict):
        data = _pictures(known["data"])
        if (text := _string(known["data"].get("text/plain"))) is not None:
            data["text/plain"] = text
        return {"output_type": "display_data", "metadata": {}, "data": data} if data else None
    return None


def _string(value: object) -> str | None:
    """A string, or a list of its lines, as notebooks have them."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    return clean(value) if isinstance(value, str) else None


def _pictures(data: dict) -> dict[str, str]:
    """The pictures in something that is to be shown, if they are nothing else."""
    texts = {form: _string(data.get(form)) for form in PICTURES}
    return {form: text for form, text in texts.items() if text and _BASE64.fullmatch(text)}
