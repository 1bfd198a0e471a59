"""The notebook end to end: the solution runs through, and its cells print what the texts say."""

import re

import pytest
from executed import error_of, executed

from crystalgraph.labs import LABS

pytestmark = pytest.mark.slow

LAB = LABS["features"]
(NAME,) = LAB.notebooks.values()


@pytest.fixture(scope="module")
def solution(tmp_path_factory):
    """The code cells of the solution after it has run past every error."""
    folder = tmp_path_factory.mktemp("solution")
    (folder / NAME).write_bytes((LAB.solutions() / NAME).read_bytes())  # the board reads it
    notebook = executed(LAB.solutions() / NAME, folder)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def text(solution):
    """Cell -> all that it prints."""
    return {
        cell.id: "".join(out.text for out in cell.outputs if out.output_type == "stream")
        for cell in solution
    }


def test_the_solution_runs_from_top_to_bottom(solution):
    errors = {cell.id: str(error_of(cell)) for cell in solution if error_of(cell)}
    assert errors == {}
    shown = {cell.id: str(cell.outputs) for cell in solution}
    for task in LAB.tasks.values():
        line = f"Task {task.id}, {task.name}: {task.points} of {task.points} points"
        assert line in shown[f"check-{task.id.replace('.', '-')}"]
    assert f"{LAB.max_points} of {LAB.max_points} points" in shown["board"]


def test_nothing_is_written_to_stderr(solution):
    """A warning in a graded cell would cost its points; elsewhere it is in the way."""
    said = [o.text for cell in solution for o in cell.outputs if o.get("name") == "stderr"]
    assert [one for one in said if "TCP without encryption" not in one] == []


def percent(found):
    return [float(number) / 100 for number in re.findall(r"([\d.]+)%", found)]


def test_bins_give_stairs_and_gaussians_a_smooth_line(text):
    bins, gaussians = text["scan"].splitlines()
    assert percent(bins)[0] > 0.8 and percent(gaussians)[0] < 0.1
    largest = [float(re.search(r"is (\d+) meV", line)[1]) for line in (bins, gaussians)]
    assert largest[0] > 3 * largest[1]
    slopes = [float(number) for number in re.findall(r"gradient: ([\d.]+) eV", text["slopes"])]
    assert slopes[0] == 0 and slopes[1] > 0.1


def test_the_cure_finds_the_minimum_and_the_curvature(text):
    before, _, after, _ = text["strained"].splitlines()
    assert percent(before)[0] > 0.03 and percent(after)[0] < 0.015
    curvature = [float(re.search(r"curvature (-?[\d.]+)", line)[1]) for line in (before, after)]
    assert curvature[0] < 0.3 and 0.6 < curvature[1] < 1.2


def test_the_groups_of_the_periodic_table_are_found_again(text):
    hit, chance = percent(text["table-again"])
    assert chance < 0.1 and hit > 2.5 * chance
