"""The message of the lab in torch-geometric and in the stand-in: the course's numbers."""

import importlib.util
import os

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

from crystalgraph.checking.python_file import load_python_file
from crystalgraph.crystals.bond_features import BondSettings, make_bond_features
from crystalgraph.labs import LABS
from crystalgraph.labs.trust import message_passing as geometric
from crystalgraph.paths import REPO
from crystalgraph.releasing.right_answers import right_answers

RIGHT = right_answers(LABS["trust"])
needs_library = pytest.mark.skipif(
    importlib.util.find_spec("torch_geometric") is None and "CI" not in os.environ,
    reason="needs torch-geometric",
)
BASES = [geometric.StandIn, pytest.param(geometric.MessagePassing, marks=needs_library)]


@pytest.fixture(scope="module")
def inputs():
    """x (7, F), edge_index (2, E), bond features (E, K) of a crystal."""
    crystal = geometric.seven_atoms()
    data = RIGHT["1.1"](crystal)
    bonds = torch.as_tensor(make_bond_features(data["distance"], BondSettings()))
    x = torch.randn(7, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return crystal, x, torch.as_tensor(data["edge_index"]), bonds


def gated(base, layer):
    class GatedConv(base):
        def __init__(self):
            super().__init__(aggr="add")

        def forward(self, x, edge_index, edge_attr):
            heard = self.propagate(edge_index, x=x, edge_attr=edge_attr)
            return softplus(x + geometric.update_of(layer)(heard))

        def message(self, x_i, x_j, edge_attr):
            return RIGHT["1.2"](x_i, x_j, edge_attr, geometric.dense_of(layer))

    return GatedConv()


@pytest.mark.parametrize("base", BASES)
def test_the_layer_gives_the_numbers_of_the_textbooks_and_of_the_engines(base, inputs):
    crystal, x, edge_index, bonds = inputs
    layer = geometric.random_layer(16, 41)
    textbook = load_python_file(REPO / "model.py", "textbook").ConvLayer(16, 41).double().eval()
    textbook.load_state_dict(layer.state_dict())
    with torch.no_grad():
        mine = gated(base, layer)(x, edge_index, bonds)
        source, target = edge_index
        assert (mine - textbook(x, bonds, target, source)).abs().max() < 1e-10
        assert (mine - geometric.engine_output(layer, x, [crystal])).abs().max() < 1e-10
    assert mine.std() > 0.1


@needs_library
def test_cgconv_is_the_layer_without_norms_and_last_activation(inputs):
    _, x, edge_index, bonds = inputs
    layer = geometric.random_layer(16, 41)
    with torch.no_grad():
        theirs = geometric.cgconv(layer)(x, edge_index, bonds)
        source, target = edge_index
        heard = RIGHT["1.2"](x[target], x[source], bonds, layer.fc_full)
        assert (theirs - x.index_add(0, target, heard)).abs().max() < 1e-10
        assert (theirs - gated(geometric.StandIn, layer)(x, edge_index, bonds)).abs().max() > 0.1


def test_without_the_library_there_is_no_cgconv(monkeypatch):
    monkeypatch.setattr(geometric, "library", None)
    assert geometric.cgconv(geometric.random_layer(4, 5)) is None


def test_images_do_not_change_what_is_computed_but_tell_edges_apart(inputs):
    data = RIGHT["1.1"](inputs[0])
    rows = np.column_stack([data["edge_index"].T, data["image"]])
    assert len(np.unique(rows, axis=0)) == len(rows) > len(np.unique(rows[:, :2], axis=0))
