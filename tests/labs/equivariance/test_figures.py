"""The lab's figures say what they show, with units."""

import numpy as np
import pytest

from crystalgraph.figures.alt_text import describe
from crystalgraph.labs.equivariance.figures import motion


def test_panels_of_moves_have_one_scale_and_units():
    x = np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0]])
    turn = motion.rotation_in_plane(90.0)
    figure = motion.plot_moves([(x, x + 0.1, "as it is"), (x @ turn.T, x @ turn.T, "turned")])
    first, second = figure.axes
    assert first.get_xlim() == second.get_xlim() and first.get_ylim() == second.get_ylim()
    assert np.ptp(first.get_xlim()) == pytest.approx(np.ptp(first.get_ylim()))
    assert "x (angstrom)" in describe(figure) and "turned" in describe(figure)


def test_a_turn_in_the_plane_is_one():
    turn = motion.rotation_in_plane(30.0)
    assert turn @ turn.T == pytest.approx(np.eye(3))
    assert turn @ [1, 0, 0] == pytest.approx([np.sqrt(3) / 2, 0.5, 0])


def test_the_table_of_symmetries_shouts_where_one_is_missing():
    table = motion.symmetry_table({"a layer": {"rotation": True, "moves": False}})
    assert table.loc["a layer"].tolist() == ["yes", "NO"]


def test_learning_curves_name_baselines_and_numbers_of_examples():
    errors = {"moving": {50: 0.41, 3000: 0.29}, "plain": {50: 0.62, 3000: 0.51}}
    figure = motion.plot_learning(errors, {"straight line": 0.76}, "RMS error (A)", "systems")
    said = describe(figure)
    for words in ("moving", "plain", "straight line", "RMS error (A)", "systems", "0.62"):
        assert words in said
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["50", "3,000"]


def test_the_way_home_gives_each_root_mean_square():
    off = [np.tile([0.3, 0.0, 0.0], (50, 1)), np.tile([0.0, 0.04, 0.03], (50, 1))]
    said = describe(motion.plot_way_home(off, ["shaken", "moved once"]))
    assert "shaken: RMS 0.300 angstrom" in said and "moved once: RMS 0.050 angstrom" in said
