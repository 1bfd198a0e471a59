"""The labs as pages: what students get, with the outputs of a finished notebook, no solutions."""

import re
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_site.executed import executed_solutions
from course_site.pages import public_files, relinked, section, table_of_contents
from crystalgraph.course.html_pages import (
    PLOTLY,
    drop_widgets,
    embed_alt_texts,
    embed_equations,
    embed_plotly_figures,
    outputs_with,
)
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import Lab
from crystalgraph.releasing.leaks import find_leaks, secret_lines

PLOTLY_LIBRARY = "../../_static/plotly.min.js"
_BADGE = re.compile(r"\[!\[([^\]]*)\]\(https?://[^)]*\)\]\(([^)]*)\)")
_ABOUT_LAB = re.compile(r"\blab\.(set_up|show_board|hand_in)\(")  # say where files lie


def stage_labs(folder: Path, execute: bool) -> None:
    """Write a page for each notebook of each lab, and a list of them.

    Args:
        folder: of the site's sources.
        execute: whether figures are shown; executing all solutions takes minutes.

    Raises:
        CrystalGraphError: a notebook does not run, or a page would give a solution away.
    """
    (folder / "labs").mkdir(exist_ok=True)
    (folder / "labs" / "index.md").write_text(all_labs(), encoding="utf-8")
    for lab in LABS.values():
        stage_lab(lab, folder / "labs" / lab.id, executed_solutions(lab) if execute else {})


def all_labs() -> str:
    """The page of all labs: what the README says about them, and links."""
    files = public_files() | {"README.md": "labs/index.md"}
    about = relinked(section("README.md", "## The labs"), "README.md", files)
    links = table_of_contents([*(f"{lab.id}/index" for lab in LABS.values()), "tasks"])
    return "\n\n".join(["(labs-page)=\n# Labs", about, links])


def stage_lab(lab: Lab, folder: Path, executed: Mapping[str, NotebookNode]) -> None:
    """Write the pages of one lab.

    Args:
        lab: whose.
        folder: for its pages.
        executed: file of a notebook -> the executed solution; none for pages without figures.

    Raises:
        CrystalGraphError: a page would give a solution away.
    """
    folder.mkdir()
    secrets = secret_lines(lab, lab.solutions().parents[1])
    for name in lab.notebooks.values():
        page = nbformat.read(lab.release() / name, as_version=4)
        add_outputs(page, executed.get(name))
        make_fit_for_the_site(page, lab, with_outputs=name in executed)
        if leaks := find_leaks(shown_text(page), secrets):
            raise CrystalGraphError(
                f"The page of {name} would give away {leaks[0]!r}: change what the notebook prints."
            )
        (folder / name).write_text(nbformat.writes(page), encoding="utf-8")
    (folder / "index.md").write_text(overview(lab), encoding="utf-8")


def shown_text(page: NotebookNode) -> str:
    """All that can be read on a page: its cells, and what they have printed."""
    outputs = [one for cell in page.cells for one in cell.get("outputs", ())]
    data = [text for one in outputs for text in one.get("data", {}).values()]
    printed = [one.get("text", "") for one in outputs]
    return "\n".join(map(str, [*(cell.source for cell in page.cells), *printed, *data]))


def add_outputs(page: NotebookNode, executed: NotebookNode | None) -> None:
    """Give the cells that students do not edit the outputs that they have in a finished notebook.

    Args:
        page: the released notebook; is changed.
        executed: the solution, executed.
    """
    finished = {} if executed is None else {cell.id: cell for cell in executed.cells}
    for cell in page.cells:
        if cell.cell_type == "code":
            other = finished.get(cell.id)
            same = other is not None and other.source == cell.source
            show = same and not _ABOUT_LAB.search(cell.source)
            cell.outputs = _shown(other) if show else []
            cell.execution_count = None


def _shown(cell: NotebookNode) -> list[NotebookNode]:
    """The outputs of a cell, without warnings and without the bare number below a check."""
    is_check = cell.metadata.get("nbgrader", {}).get("grade", False)
    kinds = ("display_data", "stream") if is_check else ("display_data", "stream", "execute_result")
    outputs = (one for one in cell.outputs if one.output_type in kinds)
    return [one for one in outputs if one.get("name") != "stderr"]


def make_fit_for_the_site(page: NotebookNode, lab: Lab, with_outputs: bool) -> None:
    """Replace what needs the network or a kernel, and say on the page what it is.

    Args:
        page: a notebook; is changed.
        lab: that it belongs to.
        with_outputs: whether it has been executed.
    """
    page.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    drop_widgets(page)
    for _, output in outputs_with(page, PLOTLY):
        output.data[PLOTLY].get("layout", {}).pop("width", None)  # as wide as the page, on a phone
    embed_plotly_figures(page, PLOTLY_LIBRARY)
    embed_alt_texts(page)
    embed_equations(page)
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = _BADGE.sub(r"[\1](\2)", cell.source)
    how = f"`python3 start.py lab {lab.id}` opens it. What you are to write is left open here"
    how += "; figures and numbers are those of a finished notebook." if with_outputs else "."
    note = f":::{{note}}\nThis is the notebook as students get it: {how}\n:::"
    page.cells.insert(1, nbformat.v4.new_markdown_cell(note, id="about-this-page"))


def overview(lab: Lab) -> str:
    """The page of a lab: points, minutes and notebooks."""
    minutes = sum(task.minutes for task in lab.tasks.values() if not task.bonus)
    return "\n".join(
        [
            f"# {lab.title}",
            "",
            f"{len(lab.tasks)} tasks, which take about {minutes} minutes, and {len(lab.questions)} "
            f"questions answered in words; together {lab.total_points} points. "
            f"[What each task asks](../tasks.md). Open it with",
            "",
            f"```console\npython3 start.py lab {lab.id}\n```",
            "",
            table_of_contents([name.removesuffix(".ipynb") for name in lab.notebooks.values()]),
        ]
    )
