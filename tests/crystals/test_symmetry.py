"""Quotient graphs: kinds of atoms and edges, which a network cannot tell from the crystal."""

import numpy as np
import pytest
import torch
from bundled import bundled_structures, model
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from small_crystals import chain, salt

from crystalgraph.crystals.datasets import load_oxides, load_perovskites
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import CrystalGraph, batch_graphs, build_graph
from crystalgraph.crystals.symmetry import (
    quotient,
    quotients,
    refine_colors,
    same_quotient,
    with_distance_classes,
)
from crystalgraph.errors import CrystalGraphError

CUBIC_PEROVSKITE = Structure.from_spacegroup(
    "Pm-3m", Lattice.cubic(3.905), ["Sr", "Ti", "O"], [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0]]
)

UNEVEN_CHAIN = chain([1.0, 2.0, 1.0, 2.0, 3.0, 2.0])

pytestmark = pytest.mark.filterwarnings("ignore::crystalgraph.errors.CrystalGraphWarning")


# --- crystals on paper ---------------------------------------------------------------------------


def test_salt_has_two_kinds_of_atoms_and_four_of_edges():
    found = quotient(build_graph(salt(), "NaCl"))
    assert found.name == "NaCl" and found.n_nodes == 2 and found.n_edges == 4
    assert found.atomic_numbers.tolist() == [11, 17] and found.multiplicity.tolist() == [4, 4]
    assert found.center.tolist() == [0, 0, 1, 1] and found.neighbor.tolist() == [1, 0, 0, 1]
    assert found.weight.tolist() == [6, 12, 6, 12]
    assert found.distance == pytest.approx([2.82, 2.82 * 2**0.5] * 2)
    assert found.largest_move < 1e-12


def test_the_five_atoms_of_a_cubic_perovskite_are_three_kinds():
    found = quotient(build_graph(CUBIC_PEROVSKITE))
    assert found.atomic_numbers.tolist() == [8, 22, 38]
    assert found.multiplicity.tolist() == [3, 1, 1]


def test_one_round_sees_neighbors_and_two_their_neighbors():
    """Six equal atoms on a line, k = 2; the line looks the same from its other end."""
    graph = build_graph(UNEVEN_CHAIN, k=2)
    assert refine_colors(graph, rounds=0).tolist() == [0, 0, 0, 0, 0, 0]
    assert refine_colors(graph, rounds=1).tolist() == [0, 0, 0, 0, 1, 1]
    assert refine_colors(graph, rounds=2).tolist() == [1, 0, 0, 1, 2, 2]
    assert refine_colors(graph).tolist() == [1, 0, 0, 1, 2, 2]


def test_distances_closer_than_the_tolerance_are_one_class():
    graph = build_graph(chain([2.0, 2.0006, 2.0012, 2.1]), k=1, tolerance=0.5)
    found = quotient(graph)
    assert sorted(set(found.distance.round(6))) == pytest.approx([2.0006, 2.1])
    assert found.largest_move == pytest.approx(0.0006)
    exact = quotient(graph, tolerance=1e-9)
    assert len(set(exact.distance.round(6))) == 4 and exact.largest_move < 1e-12
    moved = with_distance_classes(graph)
    assert set(moved.distance.round(6)) == {2.0006, 2.1} and moved.n_edges == graph.n_edges


def test_fcc_and_hcp_have_one_quotient_until_more_neighbors_are_seen():
    fcc = Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.61), ["Cu"], [[0] * 3])
    near = 3.61 / 2**0.5
    hexagonal = Lattice.hexagonal(near, near * (8 / 3) ** 0.5)
    hcp = Structure(hexagonal, ["Cu", "Cu"], [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]])
    for k, equal in ((12, True), (18, True), (19, False)):
        pair = [quotient(build_graph(crystal, k=k)) for crystal in (fcc, hcp)]
        assert same_quotient(*pair) == equal


def test_other_crystals_have_other_quotients():
    first = quotient(build_graph(salt()))
    potassium, larger = salt(), salt()
    potassium.replace_species({"Na": "K"})
    larger.scale_lattice(larger.volume * 1.01)
    assert same_quotient(first, first)
    assert not same_quotient(first, quotient(build_graph(potassium)))
    assert not same_quotient(first, quotient(build_graph(larger)))
    assert not same_quotient(first, quotient(build_graph(CUBIC_PEROVSKITE)))


def test_equal_nodes_in_other_proportions_are_other_quotients():
    found = quotient(build_graph(salt()))
    other = quotient(build_graph(salt()))
    other.multiplicity[0] = 8
    assert not same_quotient(found, other)


def test_no_round_at_all_is_refused():
    with pytest.raises(CrystalGraphError, match="0 rounds of refinement see no edge"):
        quotient(build_graph(salt()), rounds=0)


def test_no_crystal_at_all_gives_no_quotient():
    assert quotients([]) == []


def test_many_crystals_at_once_are_as_one_by_one(monkeypatch):
    monkeypatch.setattr("crystalgraph.crystals.symmetry.AT_ONCE", 3)
    graphs = load_perovskites().graphs()[::100] + load_oxides().graphs()[::200]
    for graph, found in zip(graphs, quotients(graphs), strict=True):
        alone = quotient(graph)
        assert found.name == alone.name and found.largest_move == alone.largest_move
        assert same_quotient(found, alone, tolerance=0)
        assert np.array_equal(found.multiplicity, alone.multiplicity)


# --- any crystal ---------------------------------------------------------------------------------


@st.composite
def crystals(draw):
    """Crystals with and without symmetry: sides may be equal, atoms may lie on a coarse grid."""
    sides = draw(st.lists(st.sampled_from([3.0, 4.0, 4.5]), min_size=3, max_size=3))
    angle = draw(st.sampled_from([90.0, 80.0]))
    steps = draw(st.sampled_from([2, 3, 1000]))
    places = draw(
        st.lists(st.tuples(*[st.integers(0, steps - 1)] * 3), min_size=1, max_size=5, unique=True)
    )
    symbols = draw(
        st.lists(st.sampled_from(["O", "Ti"]), min_size=len(places), max_size=len(places))
    )
    lattice = Lattice.from_parameters(*sides, 90, angle, 90)
    return Structure(lattice, symbols, np.array(places) / steps)


def permuted(structure, rng):
    return Structure.from_sites([structure[int(n)] for n in rng.permutation(len(structure))])


def repeated(structure, rng):
    return structure * [int(n) for n in rng.integers(1, 3, size=3)]


def other_cell(structure, rng):
    shear = np.eye(3, dtype=int)
    shear[0, 1], shear[2, 0] = rng.integers(-1, 2, size=2)
    return structure * shear.tolist()


def colliding(structure):
    """Whether two atoms are on top of each other."""
    return (structure.distance_matrix + np.eye(len(structure)) * 9).min() < 0.5


@settings(max_examples=60, derandomize=True)
@given(crystals(), st.integers(0, 999), st.sampled_from([permuted, repeated, other_cell]))
def test_the_quotient_does_not_depend_on_how_the_crystal_is_described(crystal, seed, change):
    assume(not colliding(crystal))
    changed = change(crystal, np.random.default_rng(seed))
    for rounds in (None, 1):
        first, second = (quotient(build_graph(c), rounds=rounds) for c in (crystal, changed))
        assert same_quotient(first, second, tolerance=1e-9)
        assert first.multiplicity.sum() == len(crystal)
        assert second.multiplicity.sum() == len(changed)


@settings(max_examples=60, derandomize=True)
@given(crystals(), st.one_of(st.none(), st.integers(1, 3)))
def test_multiplicities_and_weights_count_atoms_and_edges(crystal, rounds):
    assume(not colliding(crystal))
    graph = build_graph(crystal)
    found = quotient(graph, rounds=rounds)
    assert found.multiplicity.sum() == graph.n_atoms
    assert (found.weight * found.multiplicity[found.center]).sum() == graph.n_edges
    colors = refine_colors(graph, rounds=rounds)
    assert np.array_equal(np.bincount(colors), found.multiplicity)
    for color, number in enumerate(found.atomic_numbers):
        assert (graph.atomic_numbers[colors == color] == number).all()
    finer = found.n_nodes if rounds is None else quotient(graph, rounds=rounds + 1).n_nodes
    assert finer >= found.n_nodes


# --- the network's numbers -----------------------------------------------------------------------


def as_graph(found) -> CrystalGraph:
    """A quotient as an ordinary graph: each edge as often as its weight says."""
    edge = np.repeat(np.arange(found.n_edges), found.weight)
    columns = (found.center[edge], found.neighbor[edge], found.distance[edge])
    return CrystalGraph(found.name, found.atomic_numbers, *columns, np.zeros((len(edge), 3)))


@torch.no_grad()
def largest_difference(graphs, conv, rounds=None) -> float:
    """Between what a network gives for crystals and for their quotients, relative."""
    torch.manual_seed(0)
    network = model.CrystalGraphConvNet(92, 41, width=16, n_conv=3, head=16, conv=conv)
    network = network.double().eval()
    found = quotients(graphs, rounds=rounds)
    whole = batch_graphs([with_distance_classes(g) for g in graphs], published_features())
    small = batch_graphs([as_graph(one) for one in found], published_features())
    # Mean pooling has to count atoms, which an ordinary graph cannot: so the sums are taken here.
    outputs = []
    for batch, times in ((whole, None), (small, np.concatenate([q.multiplicity for q in found]))):
        batch, state = batch.double(), network.embedding(batch.double().atom_features)
        for conv_layer in network.convs:
            state = conv_layer(state, *batch.inputs()[1:4])
        weight = torch.ones(len(state)) if times is None else torch.as_tensor(times)
        sums = torch.zeros(batch.n_crystals, state.shape[1]).double()
        outputs.append(sums.index_add(0, batch.crystal, state * weight[:, None].double()))
    return ((outputs[0] - outputs[1]).abs() / outputs[0].abs()).max().item()


@pytest.mark.parametrize("rounds", [None, 3])
@pytest.mark.parametrize("conv", ["gated", "shared"])
def test_a_sample_of_shipped_crystals_gives_the_same_numbers(conv, rounds):
    graphs = load_perovskites().graphs()[::35] + load_oxides().graphs()[::35]
    assert largest_difference(graphs, conv, rounds) < 1e-10


def test_too_few_rounds_give_other_numbers():
    """What the test above can see: kinds after one round are too coarse for three convolutions."""
    graph = build_graph(UNEVEN_CHAIN, k=2)
    assert largest_difference([graph], "gated", rounds=3) < 1e-10
    assert largest_difference([graph], "gated", rounds=1) > 1e-6


def test_all_shipped_crystals_give_the_same_numbers():
    graphs = [build_graph(structure) for structure in bundled_structures().values()]
    assert len(graphs) > 1400
    for conv in ("gated", "shared"):
        parts = [graphs[first : first + 200] for first in range(0, len(graphs), 200)]
        assert max(largest_difference(part, conv) for part in parts) < 1e-10
