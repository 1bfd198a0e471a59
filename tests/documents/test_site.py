"""The course as a site: what is on it, what must not be, and how it works in a browser."""

import html
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urljoin

import pytest
from browser import BROWSERS, find_program, running_browser
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from crystalgraph.labs import LABS
from crystalgraph.paths import DATA, REPO
from crystalgraph.releasing.leaks import MARKERS, find_leaks, secret_lines

BUILD = "import sys, pathlib, build_site as b; sys.exit(b.main(sys.argv[1:], pathlib.Path('.')))"
PHONE = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
LANDING = "index.html"
TOO_WIDE = "return document.documentElement.scrollWidth - window.innerWidth"

EXECUTED = pytest.param((), id="executed", marks=pytest.mark.nightly)
pytestmark = pytest.mark.slow  # the site is built once, in half a minute


@pytest.fixture(scope="module", params=[pytest.param(("--quick",), id="quick"), EXECUTED])
def site(request, tmp_path_factory):
    """The site without figures, at night also with them; built with warnings as errors."""
    if importlib.util.find_spec("myst_nb") is None:
        pytest.skip("the extra docs is not installed (`python start.py install --dev`)")
    out = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "PYTHONPATH": str(REPO / "tools")}
    command = [sys.executable, "-c", BUILD, *request.param]
    result = subprocess.run(command, cwd=out, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    return out / "html"


def pages(site):
    """The pages, without what Sphinx and the theme bring along."""
    return [page for page in sorted(site.rglob("*.html")) if "_static" not in page.parts]


@cache
def source(page):
    return page.read_text(encoding="utf-8")


def text_of(page):
    """What can be read on a page, `code` in a sentence as in Markdown."""
    text = re.sub("</?code[^>]*>", "`", source(page))
    return html.unescape(re.sub("<[^>]*>", "", text))


def addresses(page):
    """(tag, address) of everything that a page loads or leads to."""
    found = re.findall(r"""<(\w+)\b[^>]*?\b(?:href|src)="([^"]*)\"""", source(page))
    return [(tag, html.unescape(address)) for tag, address in found]


@cache
def names_in(page):
    """Where links can lead on a page."""
    return set(re.findall(r'\bid="([^"]*)"', source(page)))


def test_every_notebook_data_set_and_guide_has_its_page(site):
    for lab in LABS.values():
        for name in lab.notebooks.values():
            assert (site / "labs" / lab.id / name).with_suffix(".html").is_file()
    for readme in DATA.glob("*/README.md"):
        assert (site / "data" / f"{readme.parent.name}.html").is_file()
    for name in ("instructors", "grading", "jupyterhub", "contributing", "architecture"):
        assert (site / "guides" / f"{name}.html").is_file()
    landing = source(site / LANDING)
    assert landing.count('class="door ') == 3 and landing.count("<img ") >= 3


def written_answers():
    """The long lines of the pages for instructors."""
    for name in ("docs/commentary.md", "docs/rubric.md"):
        lines = (REPO / name).read_text(encoding="utf-8").splitlines()
        yield from (" ".join(line.split()) for line in lines if len(line) > 100)


def test_nothing_of_the_solutions_is_on_the_site(site):
    secrets = {lab.id: secret_lines(lab, REPO) for lab in LABS.values()}
    answers = set(written_answers())
    every = set().union(answers, *secrets.values())
    assert len(every) > 300
    for page in pages(site):
        # What one lab asks for may be given in another: each is released by its own lines.
        forbidden = secrets.get(page.parent.name, every) | answers
        said = MARKERS if page.parent.name == "guides" else ()  # how to write a solution
        assert not set(find_leaks(text_of(page), forbidden)) - set(said), page
    assert not [page for page in pages(site) if re.search("rubric|commentary|solution", page.name)]
    assert not list(site.rglob("*.ipynb")) and not list(site.rglob("*.npz"))


def test_no_page_needs_the_network(site):
    for page in pages(site):
        loaded = [address for tag, address in addresses(page) if tag != "a"]
        assert not [one for one in loaded if re.match(r"(https?:)?//", one)], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:", style.read_text(encoding="utf-8")), style


def test_no_page_says_where_it_was_made(site):
    for page in pages(site):
        for folder in (str(REPO), tempfile.gettempdir() + "/", str(Path.home()) + "/"):
            assert folder not in source(page), page


def test_links_lead_to_pages_and_headings_that_exist(site):
    wrong, tried = [], 0
    for page in pages(site):
        for tag, address in addresses(page):
            if re.match(r"[a-z]+:", address):
                continue
            target, _, anchor = address.partition("#")
            path = Path(unquote(urljoin(f"{page}", target.partition("?")[0]))) if target else page
            tried += 1
            if not path.is_file():
                wrong.append((page.name, tag, address))
            elif anchor and path.suffix == ".html" and unquote(anchor) not in names_in(path):
                wrong.append((page.name, tag, address))
    assert not wrong and tried > 1000


def test_every_picture_has_a_description(site):
    pictures = [one for page in pages(site) for one in re.findall("<img [^>]*>", source(page))]
    assert len(pictures) >= 3
    assert not [one for one in pictures if not re.search(r'\balt="[^"]*\w', one)]


def test_a_figure_is_a_picture_and_not_its_name(site):
    for page in pages(site):
        assert not re.search(r"<Figure size|Figure\(\d+x\d+\)", text_of(page)), page


def test_equations_are_mathml(site):
    page = site / "labs" / "hw" / "1_from_salt_to_graph.html"
    assert source(page).count('<div class="equation"><math ') >= 2
    assert "$$" not in text_of(page)


def test_the_reference_is_made_of_docstrings(site):
    page = site / "reference" / "crystals" / "graphs.html"
    assert "neighbors within a radius are directed edges" in text_of(page)
    assert "crystalgraph.crystals.graphs.build_graph" in names_in(page)
    assert not list((site / "reference").rglob("*engine*"))


def test_in_a_browser_a_word_is_found_and_a_phone_is_wide_enough(site, tmp_path):
    names = find_program(*BROWSERS), find_program("chromedriver")
    with running_browser(*names, tmp_path / "profile") as chrome:
        chrome.get(f"{site.as_uri()}/search.html?q=octahedron")
        found = WebDriverWait(chrome, 60).until(
            lambda page: page.find_elements(By.CSS_SELECTOR, "#search-results li a")
        )
        assert any("1. From salt to graph" in one.text for one in found)
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        for name in (LANDING, "labs/hw/1_from_salt_to_graph.html", "data/perovskites.html"):
            chrome.get(f"{site.as_uri()}/{name}")
            assert chrome.execute_script(TOO_WIDE) <= 0, name
