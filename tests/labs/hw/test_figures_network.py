"""Pictures of notebook 2: what they show is what they were given."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from bundled import model
from legends import covered

from crystalgraph.labs.hw.figures import network as draw


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_messages_show_every_number_in_its_place():
    figure = draw.draw_messages([1, -2, 0], [7, 8], [11, 12, 13, 14], [21, 22, 23], [31, 32, 33])
    shown = [[t.get_text() for t in axis.texts] for axis in figure.axes]
    assert {"1", "-2", "0", "u = 7", "u = 8", "atom 2"} <= set(shown[0])
    assert {"11", "12", "13", "14", "21", "22", "23"} <= set(shown[1])
    assert {"31", "32", "33"} <= set(shown[2])
    place = {t.get_text(): t.get_position() for t in figure.axes[1].texts}
    assert place["12"][0] == 0.5 and place["12"][1] > 0 > place["11"][1]  # to the right: above


def test_pooling_colors_atoms_by_their_crystal():
    figure = draw.draw_pooling(np.eye(3), [0, 1, 0], {"mean_pool": np.ones((2, 3))})
    atoms, pooled = ([box.get_facecolor() for box in axis.patches] for axis in figure.axes)
    assert atoms[0] == atoms[6] == pooled[0] != atoms[3] == pooled[3]
    assert "atom 1, crystal 1" in texts(figure)


def test_gates_are_those_of_the_layer():
    torch.manual_seed(0)
    layer = model.ConvLayer(3, 2).eval()
    atoms, bonds = torch.randn(2, 3), torch.rand(4, 2)
    center, neighbor = torch.tensor([0, 0, 1, 1]), torch.tensor([1, 0, 0, 1])
    gates = draw.catch_gates(layer, atoms, bonds, center, neighbor)
    z = torch.cat([atoms[center], atoms[neighbor], bonds], dim=1)
    expected = torch.sigmoid(layer.bn1(layer.fc_full(z))[:, :3]).detach().numpy()
    np.testing.assert_allclose(gates, expected)
    assert not layer.bn1._forward_hooks


def test_gates_picture_has_a_panel_for_each_neighbor():
    distance = np.linspace(1, 3, 5)
    curves = {"near": np.full((5, 2), 0.2), "far": np.full((5, 2), 0.8)}
    figure = draw.plot_gates(distance, curves, {"near": [2.0], "far": [2.5]}, "title")
    assert [axis.get_title() for axis in figure.axes] == ["near", "far"]
    assert "angstrom" in figure.axes[0].get_xlabel()


def test_legends_of_gates_cover_no_curve():
    distance, everywhere = np.linspace(1, 3, 5), np.tile(np.linspace(0, 1, 30), (5, 1))
    curves = {"near": everywhere, "far": everywhere}
    figure = draw.plot_gates(distance, curves, {"near": [2.0], "far": [2.5]}, "title")
    assert not covered(figure) and len(figure.axes[1].get_legend().get_texts()) == 1


def test_network_picture_names_every_step():
    figure = draw.draw_network([("atoms", "(N, 92)"), ("pool", "(C, F)"), ("out", "(C,)")])
    assert {"atoms", "(N, 92)", "pool", "(C, F)", "out", "(C,)"} <= set(texts(figure))


def test_dilution_and_spread():
    figure = draw.plot_dilution([5, 40], {"mean_pool": [0.1, 0.01], "max_pool": [1, 1]})
    assert figure.axes[0].get_xscale() == figure.axes[0].get_yscale() == "log"
    figure = draw.plot_spread({"keep": {"orders": [1.0, 1.0]}, "cut": {"orders": [2.0, 2.5]}})
    assert [axis.get_title() for axis in figure.axes] == ["keep", "cut"]
    np.testing.assert_allclose(figure.axes[1].collections[0].get_offsets()[:, 0], [0, 0.5])
