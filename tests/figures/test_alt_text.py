"""Figures in words: what is written on them, and no more than somebody wants to hear."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from pymatgen.core import Structure

from crystalgraph.figures import structure as draw
from crystalgraph.figures.alt_text import LONGEST, describe, describe_plotly
from crystalgraph.paths import DATA


@pytest.fixture
def figure():
    """Two panels: a curve with a legend, and bars of two things."""
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 2], label="a curve")
    left.set(xlabel="distance (Å)", ylabel="energy (eV)", title="left one")
    left.legend()
    right.barh(["ridge", "network"], [1, 2])
    right.text(1, 0, "0.17")
    right.set_title("right one")
    figure.suptitle("Both")
    return figure


def test_what_is_written_on_a_figure_is_told(figure):
    assert describe(figure) == (
        "Both. panel 1: left one; x axis: distance (Å); y axis: energy (eV); shown: a curve. "
        "panel 2: right one; along the y axis: ridge, network; written: 0.17"
    )


def test_a_figure_without_axes_is_told_by_its_label_and_texts(figure):
    figure.axes[1].remove()
    figure.axes[0].axis("off")
    figure.set_label("A label")
    assert describe(figure) == "A label. Both. left one; shown: a curve"


def test_a_long_text_ends(figure):
    for number in range(500):
        figure.axes[0].text(0, 0, f"atom {number}")
    assert len(describe(figure)) == LONGEST and describe(figure).endswith(" ...")


def test_a_picture_of_a_crystal_is_told():
    nacl = Structure.from_file(DATA / "crystals" / "NaCl.cif")
    plotly = json.loads(draw.draw_cell(nacl).to_json())
    assert describe_plotly(plotly).startswith("crystal in three dimensions. NaCl, 8 atoms per cell")
    both = draw.side_by_side(draw.draw_cell(nacl, "left"), draw.draw_cell(nacl, "right"))
    assert "left. right" in describe_plotly(json.loads(both.to_json()))


def test_a_graph_is_told():
    graph = np.array([11, 17]), np.array([0, 1]), np.array([1, 0]), np.ones(2)
    said = describe(draw.draw_graph(*graph))
    assert said.startswith("Crystal graph") and "1.00 Å: 1 edge each way" in said and "Na 0" in said
