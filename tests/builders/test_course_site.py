"""tools/course_site: links between pages, outputs of finished notebooks, tables of results."""

from copy import deepcopy

import nbformat
import pytest
from course_site.executed import key
from course_site.lab_pages import (
    PLOTLY_LIBRARY,
    add_outputs,
    make_fit_for_the_site,
    stage_lab,
)
from course_site.pages import public_files, relinked, section
from course_site.results import group_section

from crystalgraph.course.html_pages import PLOTLY
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments import GROUPS
from crystalgraph.experiments.verdicts import summary, verdicts
from crystalgraph.labs import LABS
from crystalgraph.labs.hw.figures.energy import plot_bars
from crystalgraph.paths import REPO
from crystalgraph.releasing.leaks import secret_lines

FILES = {"docs/a.md": "guides/a.md", "CONTRIBUTING.md": "guides/b.md", "docs/p/x.png": "p/x.png"}
LAB = LABS["hw"]
NOTEBOOK = LAB.notebooks["1"]


@pytest.mark.parametrize(
    ("written", "on_the_site"),
    [
        ("[how](../CONTRIBUTING.md)", "[how](b.md)"),
        ("[how](../CONTRIBUTING.md#add-a-task)", "[how](b.md#add-a-task)"),
        ("![a [b] c](p/x.png)", "![a [b] c](../p/x.png)"),
        ("see [answers](rubric.md), too", "see answers, too"),
        ("[a site](https://example.org/a.md)", "[a site](https://example.org/a.md)"),
        ("[below](#here)", "[below](#here)"),
    ],
)
def test_links_lead_to_where_the_page_is_on_the_site(written, on_the_site):
    assert relinked(written, "docs/a.md", FILES) == on_the_site


def test_a_part_of_a_page_ends_at_the_next_heading():
    part = section("README.md", "## The labs")
    assert part.startswith("| lab |") and "## " not in part
    with pytest.raises(CrystalGraphError, match="README.md has no heading '## Nothing'"):
        section("README.md", "## Nothing")


def test_nothing_that_gives_answers_away_is_listed_as_public():
    files = public_files()
    assert len(files) == len(set(files.values())) and all((REPO / name).is_file() for name in files)
    assert not [name for name in files if "rubric" in name or "commentary" in name]
    assert all(name.startswith(("docs/", "data/")) or "/" not in name for name in files)


def shown(text):
    """What a cell prints, as a notebook has it."""
    return nbformat.v4.new_output("stream", name="stdout", text=text)


@pytest.fixture
def finished():
    """The solution of a notebook, in which each cell has printed its own id."""
    notebook = nbformat.read(LAB.solutions() / NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            warning = nbformat.v4.new_output("stream", name="stderr", text="a warning")
            points = nbformat.v4.new_output("execute_result", {"text/plain": "4.0"})
            cell.outputs = [warning, shown(cell.id), points]
    return notebook


@pytest.fixture
def released():
    return nbformat.read(LAB.release() / NOTEBOOK, as_version=4)


def test_a_page_has_the_outputs_of_cells_that_students_do_not_edit(finished, released):
    add_outputs(released, finished)
    printed = {
        cell.id: [one.get("text", "4.0") for one in cell.get("outputs", ())]
        for cell in released.cells
    }
    assert printed["load-nacl"] == ["load-nacl", "4.0"] and printed["check-1-1"] == ["check-1-1"]
    for hidden in ("task-1-1", "task-1-4", "set-up", "board", "hand-in-zip"):
        assert printed[hidden] == [], hidden


def test_figures_are_as_wide_as_the_page(released):
    cell = next(cell for cell in released.cells if cell.id == "load-nacl")
    figure = {"data": [], "layout": {"width": 987, "height": 400}}
    cell.outputs = [nbformat.v4.new_output("display_data", {PLOTLY: figure})]
    make_fit_for_the_site(released, LAB, with_outputs=True)
    page = cell.outputs[0].data["text/html"]
    assert "987" not in page and "width:100%" in page and PLOTLY_LIBRARY in page


def test_a_page_needs_neither_the_network_nor_a_kernel(released):
    badge = released.cells[0].source
    assert "badge.svg" in badge
    add_outputs(released, None)
    make_fit_for_the_site(released, LAB, with_outputs=False)
    assert "[Open in Colab](https://colab" in released.cells[0].source
    assert "badge.svg" not in released.cells[0].source
    assert "as students get it" in released.cells[1].source


def test_a_solution_that_a_cell_prints_is_not_published(finished, tmp_path):
    executed = {NOTEBOOK: finished}
    stage_lab(LAB, tmp_path / "fine", executed)
    line = max(secret_lines(LAB, REPO), key=len)
    leaking = deepcopy(finished)
    next(cell for cell in leaking.cells if cell.id == "load-nacl").outputs = [shown(f"  {line}")]
    with pytest.raises(CrystalGraphError, match="1_from_salt_to_graph"):
        stage_lab(LAB, tmp_path / "leaking", {NOTEBOOK: leaking})


def test_a_change_of_what_notebooks_read_makes_them_run_again(monkeypatch, tmp_path):
    assert key(LAB) == key(LAB) != key(LABS["symmetry"])
    before = key(LAB)
    (tmp_path / "runs").mkdir()
    (tmp_path / "SHA256SUMS").write_text("other data\n")
    monkeypatch.setattr("crystalgraph.paths.DATA", tmp_path)
    assert key(LAB) != before


def test_results_are_those_of_the_finished_runs(tmp_path):
    figure = plot_bars(GROUPS["layers"], "layers")
    heading, picture, table, said = group_section("layers", figure, "MAE (eV/atom)", tmp_path)
    assert heading == "## Which layer?" and (tmp_path / "layers.png").is_file()
    assert picture.startswith("![layers; x axis: test MAE") and picture.endswith("](layers.png)")
    assert said.splitlines() == [f"- {sentence}" for sentence in verdicts("layers")]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()]
    assert rows[0] == ["MAE (eV/atom)", "parameters", "train", "val", "test", "standard error"]
    for row, (name, *numbers) in zip(rows[2:], summary(GROUPS["layers"]).itertuples(), strict=True):
        assert row == [name, f"{numbers[0]:,.0f}", *(f"{number:.3f}" for number in numbers[1:])]
