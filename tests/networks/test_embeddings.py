"""Embeddings: vectors of crystals and atoms, the same for every cell of a crystal."""

import numpy as np
import pytest
import torch
from equivalent_cells import CHANGES, crystals, make_network, permuted
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure
from small_crystals import salt

from crystalgraph import paths
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import GraphSettings, batch_graphs, build_graph
from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.embeddings import embed

FEATURES = published_features()
RELATIVE = 1e-10
POOLINGS = ("mean", "max", "softmax")

pytestmark = pytest.mark.filterwarnings("ignore::crystalgraph.errors.CrystalGraphWarning")


def embedded(network, structures, **graphs):
    return embed(network, structures, FEATURES, GraphSettings(**graphs))


@settings(max_examples=20, derandomize=True)
@given(
    crystals(),
    st.integers(0, 1000),
    st.sampled_from(("gated", "shared")),
    st.sampled_from(POOLINGS),
)
def test_equivalent_cells_have_one_vector(crystal, seed, conv, pooling):
    network, rng = make_network(conv, pooling, seed), np.random.default_rng(seed)
    changed = [change(crystal, rng) for change in CHANGES]
    before, *after = embedded(network, [crystal, *changed]).crystals
    for vector in after:
        np.testing.assert_allclose(vector, before, rtol=RELATIVE, atol=1e-12)


@settings(max_examples=15, derandomize=True)
@given(crystals(), st.integers(0, 1000))
def test_the_vectors_of_atoms_go_where_their_atoms_go(crystal, seed):
    network = make_network()
    [before] = embedded(network, [crystal]).atoms
    order = np.random.default_rng(seed).permutation(len(crystal))
    [after] = embedded(network, [permuted(crystal, np.random.default_rng(seed))]).atoms
    np.testing.assert_allclose(after, before[order], rtol=RELATIVE, atol=1e-12)
    [doubled] = embedded(network, [crystal * (2, 1, 1)]).atoms
    np.testing.assert_allclose(doubled, np.repeat(before, 2, axis=0), rtol=RELATIVE, atol=1e-12)


def test_another_crystal_has_another_vector():
    longer = salt()
    longer.scale_lattice(longer.volume * 1.1)
    for pooling in POOLINGS:
        first, second = embedded(make_network(pooling=pooling), [salt(), longer]).crystals
        assert np.abs(second - first).max() > 1e-3 * np.abs(first).max()


def test_a_cut_shell_makes_vectors_depend_on_the_order_of_atoms():
    """Why the settings of the graphs matter here: the published ones cut at 12 neighbors."""
    crystal = Structure.from_file(paths.DATA / "crystals" / "SrTiO3.cif")
    pair = [crystal, Structure.from_sites(crystal[::-1])]
    cut, kept = (embedded(make_network(), pair, ties=ties).crystals for ties in ("cut", "keep"))
    assert np.ptp(cut, axis=0).max() > 1e-4 and np.ptp(kept, axis=0).max() < 1e-10


def test_pooling_of_the_atoms_is_the_crystal():
    chosen = [salt(), salt((1, 1, 2))]
    for pooling, pool in (("mean", np.mean), ("max", np.max)):
        found = embedded(make_network(pooling=pooling), chosen)
        assert [len(rows) for rows in found.atoms] == [8, 16]
        pooled = [pool(rows, axis=0) for rows in found.atoms]
        np.testing.assert_allclose(found.crystals, pooled, rtol=RELATIVE)


@torch.no_grad()
def test_the_head_makes_predictions_of_the_vectors():
    """The embedding is what the rest of the network reads, and the network is left as it was."""
    network = make_network().float()
    vectors = embedded(network, [salt()]).crystals
    assert vectors.dtype == np.float64 and "pool" not in vars(network)
    assert next(network.parameters()).dtype == torch.float32
    network.double()
    activated = network.activation(torch.as_tensor(vectors))
    predicted = network.readout(network.activation(network.conv_to_fc(activated)))
    batch = batch_graphs([build_graph(salt())], FEATURES, torch.float64)
    assert predicted.item() == pytest.approx(network(*batch.inputs()).item(), rel=RELATIVE)


def test_chunks_and_nothing(monkeypatch):
    network, five = make_network(), [salt((1, 1, n)) for n in (1, 2, 1, 1, 3)]
    whole = embedded(network, five)
    monkeypatch.setattr("crystalgraph.networks.embeddings.CHUNK", 2)
    parts = embedded(network, five)
    np.testing.assert_allclose(parts.crystals, whole.crystals, rtol=RELATIVE)
    assert [len(rows) for rows in parts.atoms] == [8, 16, 8, 8, 24]
    assert not len(embedded(network, []).crystals)


def test_a_network_that_pools_elsewhere_is_refused():
    network = make_network()
    network.forward = lambda *inputs: torch.zeros(1)
    with pytest.raises(CrystalGraphError, match="does not call self.pool in forward"):
        embedded(network, [salt()])
