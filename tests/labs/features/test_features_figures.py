"""Figures show what their titles say, and nothing covers anything."""

import numpy as np
import pytest

from crystalgraph.labs.features import bases, figures


def test_every_column_of_a_basis_is_drawn_but_of_waves_some():
    panels = figures.plot_bases(bases.KINDS).axes
    assert [panel.get_title() for panel in panels] == [
        "bins, n = 12",
        "gaussians, n = 12",
        "waves, the first 5 of n = 12",
    ]
    drawn = [sum(len(line.get_xdata()) > 2 for line in panel.lines) for panel in panels]
    assert drawn == [12, 12, 5]


def test_the_legend_of_errors_stands_outside_and_means_are_written():
    errors = {"a": [0.1, 0.12], "b": [0.2]}
    figure = figures.plot_errors(errors, {"baseline": 0.21}, "three seeds")
    (axes,) = figure.axes
    assert axes.get_legend() is None and len(figure.legends) == 1
    assert [text.get_text() for text in axes.texts] == ["0.110 ± 0.010", "0.200"]
    low, high = sorted(axes.get_ylim())
    assert low <= -0.5 and high >= 1.5  # no point on the frame


def test_slopes_have_one_axis_to_be_compared_on():
    strain = np.linspace(-0.08, 0.08, 5)
    slopes = {"bins": (0 * strain, 0 * strain), "Gaussians": (60 * strain, 60 * strain)}
    limits = [panel.get_ylim() for panel in figures.plot_slopes(strain, slopes).axes]
    assert limits[0] == limits[1]


def test_labels_of_elements_do_not_cover_each_other():
    rng = np.random.default_rng(0)
    places = np.concatenate([rng.normal(size=(30, 2)), np.full((3, 2), 0.1)])
    places[-1] += 1e-4
    places[-2] -= 1e-4
    moved = figures._moved_apart(places) / (np.ptp(places, axis=0) * (0.7, 1.0))
    apart = np.linalg.norm(moved[:, None] - moved, axis=2) + np.eye(len(moved))
    assert apart.min() > 0.04


@pytest.mark.parametrize("symbols", [("Li", "Na", "F"), ("Ce", "Ti")])
def test_the_legend_of_elements_names_the_blocks_that_are_there(symbols):
    places = {symbol: np.array([number, number**2.0]) for number, symbol in enumerate(symbols)}
    (axes,) = figures.plot_elements(places).axes
    named = {text.get_text()[0] for text in axes.get_legend().get_texts()}
    assert named == ({"s", "p"} if "F" in symbols else {"f", "d"})
