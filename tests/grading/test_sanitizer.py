"""What students write can be read, and does nothing in the browser of the person who grades it.

The texts go through the real steps of formgrader: nbconvert's Markdown and nbgrader's template.
"""

import json
import re
import time

import nbformat
import pytest
from bs4 import BeautifulSoup
from hand_in_builder import files_of, hand_in_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nbconvert.filters.strings import strip_files_prefix
from nbformat.v4 import new_markdown_cell, new_notebook
from shown_page import ACTING_TAGS, NAMES_ON_THE_PAGE, Contents, apart, formgrader_page, rendered

from crystalgraph.grading.intake.answers import read_answers
from crystalgraph.grading.intake.sanitizer import (
    ATTRIBUTES,
    MOST_RENDERED,
    PICTURES,
    TAGS,
    Room,
    shown_outputs,
    text_as_html,
)
from crystalgraph.labs import LABS

HW = LABS["hw"]
FIRST = HW.notebooks["1"]
PNG = "iVBORw0KGgo="
PICTURE = {"image/png": PNG}

# --- nothing acts --------------------------------------------------------------------------------

EVIL = "<script>steal()</script>"
EVIL_TEXTS = [
    EVIL,
    "<SCRIPT >steal()</SCRIPT >",
    "<\u0000script>steal()</script>",
    f"`{EVIL}`",
    f"```html\n{EVIL}\n```",
    f"$$ {EVIL} $$ and $a{EVIL}b$",
    "<!--[if IE]><script>steal()</script><![endif]-->",
    "<?php steal() ?> <![CDATA[ <script>steal()</script> ]]> <!DOCTYPE x>",
    "<img src=x onerror=steal()>",
    '<img src="x" onerror="steal()">',
    '<b onclick="steal()" style="position:fixed" class="btn" id="q1_1">x</b>',
    "a < b <IMG SRC='javascript:steal()'> `<b>`",
    "<svg/onload=steal()>",
    "<svg><a xlink:href='javascript:steal()'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img src onerror=steal()></mglyph></math>",
    "<form action='https://evil'><button formaction='javascript:steal()'>Resolve</button></form>",
    "<iframe src='javascript:steal()'></iframe><object data='x'></object><embed src='x'>",
    "<meta http-equiv='refresh' content='0;url=https://evil'><base href='https://evil'>",
    "<style>* { display: none }</style><link rel=stylesheet href='https://evil'>",
    "<textarea class='comment'>x</textarea><input class='score' value='3'>",
    "</div></div></body><div class='navbar-fixed-top'>Submission 1 / 1</div>",
    "<details><summary>x</summary>\n\n</div></div>\n\n</details>",
    "[x](javascript:steal())",
    "[x](<javascript:steal()>)",
    "[x](JavaScript\\:steal())",
    "[x](java&#115;cript:steal())",
    "[x](java\tscript:steal()) [x](%6aavascript:steal()) [x](&#1;javascript:steal())",
    "[x](vbscript:steal())",
    "[x](data:text/html;base64,c3RlYWwoKQ==)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=) ![x](data:text/html;base64,PHN2Zz4=)",
    "![x](javascript:steal())",
    "[x](/formgrader/manage_submissions) [x](//evil.example) [x](#q1_1) [x](\\\\evil)",
    "[x]: javascript:steal()\n\n[x] [y][x]",
    "<javascript:steal()>",
    "<a href=javascript:steal()>x</a> <a href=' javascript:steal()'>x</a>",
    '[x](https://a "onmouseover=steal()") ![x](https://a \'"onerror="steal()\')',
    "![x](https://evil.example/who-looks.png)",
    "![x](attachment:a.png) ![x](attachment:missing.png) ![x](&#97;ttachment:b.png)",
    '![x](attachment:b") [x](attachment:a.png)',
    "```mermaid\ngraph TD; A[<script>steal()</script>]\n```",
    "# <script>steal()</script> heading {#q1_1}",
    "| a | <script>steal()</script> |\n|---|:-:|\n| <img src=x onerror=steal()> | b |",
    "- [x] <script>steal()</script>\n- [ ] b",
    "term\n: <script>steal()</script>",
    "src='files/x' <img alt=\"src='/files/\" src='files/x'> ![a](files/b)",
]
EVIL_ATTACHMENTS = {
    "a.png": {"image/png": f'x" onerror="steal()">{EVIL}', "text/html": EVIL},
    "b.svg": {"image/svg+xml": "PHN2Zz4="},
    'b"': PICTURE,
    EVIL: {},
    "c": 7,
}


def cell(source, kind="markdown", **more):
    """A new cell, as JSON."""
    known = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **known, **more}


def evil_outputs():
    """Outputs that would run when they are shown."""
    data = {"text/html": EVIL, "image/svg+xml": f"<svg>{EVIL}</svg>", "text/plain": EVIL}
    data |= {"application/javascript": "steal()", "text/latex": EVIL, "text/markdown": EVIL}
    picture = {"image/png": f'"onerror="steal()">{EVIL}', "image/jpeg": [f"x'>{EVIL}"]}
    stream = {"output_type": "stream", "name": EVIL, "text": EVIL}
    error = {"output_type": "error", "ename": EVIL, "evalue": EVIL, "traceback": [EVIL, 7]}
    shown = {"output_type": "display_data", "metadata": {"image/png": {"width": EVIL}}}
    return [stream, error, shown | {"data": data}, shown | {"data": picture}, 7, {}]


def first_notebook():
    return json.loads(files_of()[FIRST])


def shown(loaded):
    """The first notebook of a hand-in, as it is shown."""
    files = files_of() | {FIRST: json.dumps(loaded).encode()}
    notebook = nbformat.from_dict(read_answers(hand_in_of(files), HW).notebooks[FIRST])
    nbformat.validate(notebook)
    return notebook


def with_texts(texts, kind, attachments):
    """The first notebook with these texts below each other, in the student's own cells."""
    loaded = first_notebook()
    loaded["cells"] += [cell(text, kind, attachments=attachments) for text in texts]
    return loaded


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_nothing_acts_in_the_browser_of_the_grader(kind):
    calm, page_as_it_is = apart(formgrader_page(shown(with_texts("x" * len(EVIL_TEXTS), kind, {}))))
    texts, page = apart(formgrader_page(shown(with_texts(EVIL_TEXTS, kind, EVIL_ATTACHMENTS))))
    assert page == page_as_it_is, "something got out of its place"
    assert len(texts) == len(calm)
    for source, text in zip(EVIL_TEXTS, texts[-len(EVIL_TEXTS) :], strict=True):
        assert Contents(text).acting == [], source


@pytest.mark.parametrize("source", EVIL_TEXTS)
def test_a_written_answer_is_as_harmless_as_any_text(source):
    line = text_as_html(source, {})
    assert Contents(rendered(line)).acting == []
    assert text_as_html(line) == line


def test_these_act_unless_something_is_done():
    texts = [text for text in EVIL_TEXTS if "ttachment" not in text]
    assert sum(bool(Contents(rendered(text)).acting) for text in texts) > 25


def test_outputs_and_metadata_do_not_act():
    loaded = first_notebook()
    solved = next(c for c in loaded["cells"] if c["metadata"].get("nbgrader", {}).get("solution"))
    solved["outputs"] = evil_outputs()
    loaded["cells"].append(cell("1", "code") | {"outputs": evil_outputs(), "metadata": {"x": EVIL}})
    loaded["metadata"] = {"title": EVIL, "widgets": {"x": EVIL}}
    page = formgrader_page(shown(loaded))
    assert "steal()" in page and EVIL not in page
    harmful = re.compile(r"<[a-z][^>]*[\s/\"']on\w+\s*=\s*[\"']?steal|[\"']\s*javascript:", re.I)
    assert not harmful.search(page)


ANYTHING = st.text(
    st.characters() | st.sampled_from("<>[]()!`$\\&:;\"'#*_-=/|~ \n\t\r"), max_size=80
)
PARTS = """<script> </script> <b </b> <img src= onerror= > <a href= javascript: &#106; &lt; </div>
<div> <!-- --> ![ ]( ) attachment:a.png data:image/png;base64, $ $$ \\href \\\\( \\) \\begin{a}
\\end{a} ``` ` | |-|-| - # > <svg <math <style> <details> <pre> <p " ' = / 1. [x]: <x> <? &
<table><tr><td> <![CDATA[ \\ ; text files/""".split()
PIECES = st.lists(st.sampled_from([*PARTS, "\n", "\n\n"]), max_size=14).map(" ".join)
PIECES |= st.lists(st.sampled_from(EVIL_TEXTS), max_size=3).map("".join)


@given(ANYTHING | PIECES)
@settings(max_examples=400, deadline=None)
@example("<div>\n\n</div>")
@example("<div>$$</div>$$")
def test_any_text_gives_allowed_tags_alone_and_the_same_again(text):
    line = text_as_html(text, {"a.png": PICTURE})
    assert "\n" not in line and text_as_html(line) == line
    page = rendered(line)
    unchanged = str(BeautifulSoup(strip_files_prefix(line), features="html.parser"))
    assert page.strip("\n") == unchanged.strip("\n")
    contents = Contents(page)
    assert contents.acting == [] and contents.tags <= TAGS
    assert not re.search(r"\\(href|class|style|cssId|unicode|require|bbox)\b", contents.text)


# --- what is written can be read -----------------------------------------------------------------


def read_text(source, attachments=None):
    """What a person reads, in one line."""
    return " ".join(Contents(rendered(text_as_html(source, attachments))).text.split())


@pytest.mark.parametrize(
    "text",
    [
        "plain text, 3 & 4, 50 % & more",
        "a < b and b > c",
        "a<b and c>d, x<y>z, vector<float>, i<n",
        "For $d < r$ and $a<1$: $\\frac{1}{2}$",
        "<script>alert(1)</script> is what I found",
        "</body> closes it",
        "[1] says so, and so does [2](see below)",
        "<!-- a comment -->",
        "<p the pressure is lower",
        "C:\\temp and $\\alpha_i$",
        "grüße, 你好, שלום, 👩‍🔬",
    ],
)
def test_a_line_is_read_as_it_was_written(text):
    assert read_text(text) == text


@pytest.mark.parametrize(
    ("source", "tags", "text"),
    [
        (
            "**bold**, *thin*, ~~gone~~, `a<b`",
            {"strong", "em", "del", "code"},
            "bold, thin, gone, a<b",
        ),
        ("# Head\n\ntext", {"h1", "p"}, "Head text"),
        ("- a\n- b\n\n1. c\n2. d", {"ul", "ol", "li"}, "a b c d"),
        ("3. c\n4. d", {"ol", "li"}, "c d"),
        ("- [x] done\n- [ ] open", {"ul", "li"}, "☑ done ☐ open"),
        ("> said\n\n---", {"blockquote", "hr"}, "said"),
        ("| a | b |\n|---|:-:|\n| 1 | x<y |", {"table", "thead", "tr", "th", "td"}, "a b 1 x<y"),
        (
            "```python\nfor a in b:\n\n    print(a < b)\n```",
            {"pre", "code"},
            "for a in b: print(a < b)",
        ),
        ("    indented\n\n    <b>", {"pre", "code"}, "indented <b>"),
        ("H<sub>2</sub>O<br>and<br/>ice", {"sub", "br"}, "H2Oandice"),
        (
            "<details><summary>More</summary>\n\n**b**\n\n</details>",
            {"details", "strong"},
            "More b",
        ),
        ("[paper](https://doi.org/10.1103/x) <me@x.org>", {"a"}, "paper me@x.org"),
        ("see https://x.org/a?b=1&c=2", {"a"}, "see https://x.org/a?b=1&c=2"),
    ],
)
def test_markdown_looks_as_it_should(source, tags, text):
    contents = Contents(rendered(text_as_html(source)))
    assert tags <= contents.tags
    assert " ".join(contents.text.split()) == text


def test_code_keeps_its_lines_and_lists_their_numbers():
    page = rendered(text_as_html("```\nfor a in b:\n\n    a += 1\n```\n\n3. c"))
    assert (
        "<pre><code>for a in b:\n\n    a += 1\n</code></pre>" in page and '<ol start="3">' in page
    )


def test_links_to_the_web_stay_and_others_are_text():
    source = "[a](https://x.org/?b=1&c=%20d) [b](mailto:x@y.org) [c](notes.md) [d](ftp://x.org)"
    page = rendered(text_as_html(source))
    assert re.findall(r'href="([^"]*)"', page) == [
        "https://x.org/?b=1&amp;c=%20d",
        "mailto:x@y.org",
    ]
    assert Contents(page).text.split() == list("abcd")


@pytest.mark.parametrize(
    "formula",
    [
        "$a_i * b_j * c$",
        "$$\\begin{matrix} a & b \\\\ c & d \\end{matrix}$$",
        "\\begin{align} a &= b \\\\ c &< d \\end{align}",
        "$x^{*}_{<}$ and $y^*$",
    ],
)
def test_formulas_reach_mathjax_as_they_were_written(formula):
    assert formula in read_text(formula)


def test_commands_of_mathjax_that_make_more_than_a_formula_are_broken():
    source = "$\\href{javascript:steal()}{x} \\class{btn}{y}$ &#36;\\hre&#102;{a}{b}&#36; `\\style`"
    text = read_text(source + " $\\hat x \\classical \\alpha$")
    assert "\\ href{javascript:steal()}{x} \\ class{btn}{y}" in text and "\\ href{a}{b}" in text
    assert "\\hat x \\classical \\alpha" in text


# --- pictures ------------------------------------------------------------------------------------


def sources_in(page):
    return re.findall(r'<img[^>]*? src="([^"]*)"', page)


def test_pictures_pasted_in_jupyter_and_in_colab_are_shown():
    in_jupyter = "![image.png](attachment:a.png) <img src='attachment:a.png' width=300>"
    in_colab = f"![image.png](data:image/png;base64,{PNG}) <img src='data:image/gif;base64,R0lG'>"
    page = rendered(
        text_as_html(f"{in_jupyter}\n\n{in_colab}", {"a.png": {"image/png": PNG + "\n"}})
    )
    png = f"data:image/png;base64,{PNG}"
    assert sources_in(page) == [png, png, png, "data:image/gif;base64,R0lG"]
    assert 'alt="image.png"' in page and 'width="300"' in page


def test_pictures_elsewhere_become_links_and_missing_ones_words():
    page = rendered(text_as_html("![plot](https://x.org/a.png) ![here](plot.png) ![](b.png)"))
    assert not sources_in(page) and 'href="https://x.org/a.png"' in page
    assert Contents(page).text.split() == ["plot", "here", "b.png"]
    missing = rendered(text_as_html("![gone](attachment:gone.png)"))  # formgrader fails on that
    assert not sources_in(missing) and 'alt="gone"' in missing


def test_pictures_and_texts_of_a_hand_in_are_kept():
    picture = {"image/png": f"{PNG}\n", "text/html": EVIL}
    output = {"output_type": "display_data", "metadata": {}, "data": picture}
    stream = {"output_type": "stream", "text": ["a", "b"]}
    solved = cell("x", "code") | {"outputs": [output, stream]}
    assert shown_outputs(solved, Room()) == [
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": f"{PNG}\n"}},
        {"output_type": "stream", "name": "stdout", "text": "ab"},
    ]
    loaded = first_notebook()
    loaded["cells"].append(cell("![a](attachment:a.png)", attachments={"a.png": picture}))
    page = formgrader_page(shown(loaded))
    assert f'src="data:image/png;base64,{PNG}"' in page


# --- texts made to be too much -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["[" * 10**5, "\\\\[" * 10**5, "0.\n" * 10**5, "<b>" * 10**5, "> " * 10**5, "![" * 10**5],
    ids=["brackets", "formulas", "lists", "tags", "quotes", "pictures"],
)
def test_a_text_without_end_is_shown_as_it_is_in_no_time(text):
    begun = time.process_time()
    page = rendered(text_as_html(text))
    assert Contents(page).text.strip() == text.strip()
    assert time.process_time() - begun < 20


@pytest.mark.parametrize(
    "piece", ["[", "\\\\[", "\\\\(", "0.\n", "<b>", "<div>", "> ", "*a_", "$a "]
)
def test_the_longest_text_that_is_rendered_takes_seconds_at_most(piece):
    begun = time.process_time()
    rendered(text_as_html((piece * MOST_RENDERED)[:MOST_RENDERED]))
    assert time.process_time() - begun < 5


def test_a_picture_shown_a_thousand_times_does_not_fill_the_memory():
    large = {"a.png": {"image/png": "A" * 100_000}}
    line = text_as_html("![x](attachment:a.png)\n" * 200, large, Room(characters=1_000_000))
    assert len(line) < 2_000_000


def test_many_texts_are_rendered_up_to_a_limit():
    room = Room(rendered=50)
    assert "<strong>" in text_as_html("**bold** " + "x" * 30, room=room)
    assert "**bold**" in text_as_html("**bold** " + "x" * 30, room=room)


def test_a_colab_picture_does_not_make_a_text_too_long():
    picture = f"data:image/png;base64,{'A' * 10 * MOST_RENDERED}"
    assert text_as_html(f"**bold** ![x]({picture})").startswith(
        f'<div><p><strong>bold</strong> <img src="{picture}"'
    )


# --- the lists -----------------------------------------------------------------------------------


def test_the_lists_hold_nothing_that_acts():
    names = {name for allowed in ATTRIBUTES.values() for name in allowed}
    assert not TAGS & ACTING_TAGS and not names & NAMES_ON_THE_PAGE
    assert not any(name.startswith("on") for name in names)
    assert not any("svg" in form for form in PICTURES)


def test_a_new_notebook_without_our_work_would_act():
    page = formgrader_page(new_notebook(cells=[new_markdown_cell(EVIL)]))
    assert any("script" in Contents(text).tags for text in apart(page)[0])


SLOW = {
    "blank lines in a picture": f"data:image/png;base64,{'a' * 2 + chr(10) * 2}" * 100_000,
    "pictures that do not end": f"![](data:image/png;base64,{'a' * 2000}" * 1000,
    "tags in tags": "<div>" * 100_000 + "<p>" * 100_000,
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_no_text_takes_the_square_of_its_time(text):
    """Each took minutes, and many times more for a text of the size that is read."""
    begun = time.process_time()
    text_as_html(text)
    assert time.process_time() - begun < 20
