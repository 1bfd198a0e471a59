"""The notebook end to end: as nbgrader executes it (nothing trains); at night it trains."""

import re

import pytest
from executed import code_cells, error_of
from open_tasks import failures_for_no_reason

from crystalgraph.experiments.verdicts import compare_errors
from crystalgraph.labs import LABS
from crystalgraph.labs.features import measure, measured
from crystalgraph.releasing.holes import POINTS_CALL

pytestmark = pytest.mark.slow

LAB = LABS["features"]
(NAME,) = LAB.notebooks.values()


def test_the_solution_scores_full_points_while_nothing_trains(tmp_path):
    scores = {}
    for cell in code_cells(LAB.solutions() / NAME, tmp_path, NBGRADER_EXECUTION="autograde"):
        assert error_of(cell) is None, (cell.id, error_of(cell))
        said = [out.text for out in cell.outputs if out.get("name") == "stderr"]
        assert [text for text in said if "TCP without encryption" not in text] == [], cell.id
        for task in POINTS_CALL.findall(cell.source):
            (value,) = [out.data["text/plain"] for out in cell.outputs if "execution_count" in out]
            scores[task] = float(value)
        if "figures." in cell.source:  # they are shown, not named
            assert any("image/png" in out.get("data", {}) for out in cell.outputs), cell.id
    assert scores == {task.id: task.points for task in LAB.tasks.values()}


@pytest.mark.nightly
def test_a_released_notebook_fails_only_where_a_task_is_open(tmp_path):
    cells = code_cells(LAB.release() / NAME, tmp_path, NBGRADER_EXECUTION="autograde")
    assert failures_for_no_reason(cells, LAB.tasks.values()) == []


# --- what the texts say, on the finished runs ---------------------------------------------------


def judged(name, group):
    """What finished runs on strained crystals gave, one dictionary for each seed."""
    runs = [r for run, r in measure.read().items() if (run.group, run.name) == (group, name)]
    return [record["judged"] for record in runs]


def test_every_finished_run_is_there_with_three_seeds():
    assert set(measure.read()) == set(measure.wanted())
    for group in ("bonds", "bins", "left out", "without", "alone"):
        assert {len(seeds) for seeds in measured.errors(group).values()} == {3}, group


@pytest.mark.parametrize("basis", [name for name in measure.BASES if name != "no distance"])
def test_no_basis_is_told_from_no_distance_at_all(basis):
    assert not measured.compare("bonds", basis, "no distance").told_apart


def test_leaving_out_any_property_is_not_told_from_all_nine():
    everything = measured.of_seeds("bonds")["40 Gaussians"]
    for name, found in measured.of_seeds("without").items():
        assert not compare_errors(name, "all nine", found, everything).told_apart, name


@pytest.mark.parametrize(
    ("more", "fewer", "told"),
    [("5", "2", True), ("20", "5", True), ("20", "10", False), ("20", "40", False)],
)
def test_how_many_bins_are_enough(more, fewer, told):
    found = measured.compare("bins", more, fewer)
    assert found.told_apart == told and (found.difference < 0 or not told)


def test_the_cure_finds_the_minimum_and_the_curvature():
    before = judged("40 Gaussians", "curves, energies")
    after = judged("40 wide Gaussians", "curves, differences")
    assert len(before) == len(after) == 3
    assert min(run["minimum_off"] for run in before) > 0.05
    assert max(run["minimum_off"] for run in after) < 0.015
    assert max(run["curvature"] for run in before) < 0.2
    assert min(run["curvature"] for run in after) > 0.6


@pytest.mark.parametrize("better", ["bits", "floats"])
def test_chemistry_counts_for_a_new_element(better):
    found = measured.compare("left out", better, "one-hot Z")
    assert found.difference < 0 and found.told_apart


def test_longer_training_on_plain_energies_is_no_cure():
    for name in ("40 Gaussians", "40 wide Gaussians"):
        runs = judged(name, "curves, energies for 120 epochs")
        assert len(runs) == 3 and max(run["curvature"] for run in runs) < 0.3


# --- at night, trained --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Cell -> all that it prints when everything is trained."""
    cells = code_cells(LAB.solutions() / NAME, tmp_path_factory.mktemp("solution"))
    assert {cell.id: error_of(cell) for cell in cells if error_of(cell)} == {}
    return {
        cell.id: "".join(out.text for out in cell.outputs if out.output_type == "stream")
        for cell in cells
    }


def percent(found):
    return [float(number) / 100 for number in re.findall(r"([\d.]+)%", found)]


@pytest.mark.nightly
def test_bins_give_stairs_and_gaussians_a_smooth_line(text):
    bins, gaussians, _ = text["scan"].splitlines()
    assert percent(bins)[0] > 0.8 and percent(gaussians)[0] < 0.1
    largest = [float(re.search(r"is (\d+) meV", line)[1]) for line in (bins, gaussians)]
    assert largest[0] > 3 * largest[1]
    slopes = [float(number) for number in re.findall(r"gradient: ([\d.]+) eV", text["slopes"])]
    assert slopes[0] == 0 and slopes[1] > 0.1


@pytest.mark.nightly
def test_the_cure_works_live(text):
    before, _, after, _ = text["strained"].splitlines()
    assert percent(before)[0] > 0.03 and percent(after)[0] < 0.015
    curvature = [float(re.search(r"curvature (-?[\d.]+)", line)[1]) for line in (before, after)]
    assert curvature[0] < 0.3 and 0.6 < curvature[1] < 1.2


@pytest.mark.nightly
def test_the_groups_of_the_periodic_table_are_found_again(text):
    hit, chance = percent(text["table-again"])
    assert chance < 0.1 and hit > 2.5 * chance


@pytest.mark.nightly
def test_a_missing_value_changes_less_than_a_typing_error(text):
    right, missing, wrong = map(float, re.findall(r"([\d.]+) eV", text["wrong"]))
    assert abs(missing - right) < 0.02 and wrong > right
