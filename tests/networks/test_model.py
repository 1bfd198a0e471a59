"""The mathematics of model.py, on small graphs, random crystals and every crystal in data/."""

import re

import numpy as np
import pytest
import torch
from bundled import bundled_structures, model
from equivalent_cells import CHANGES, crystals, make_network, shake_batch_norms
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from torch.nn.functional import softplus

from crystalgraph import paths
from crystalgraph.checking.python_file import load_python_file
from crystalgraph.crystals.features import published_features, random_features
from crystalgraph.crystals.graphs import CrystalBatch, batch_graphs, build_graph

RELATIVE = 1e-10
CONVS = ("gated", "shared", "fast", "none")
POOLINGS = ("mean", "max", "softmax")
FEATURES = published_features()


@pytest.fixture(autouse=True)
def float64():
    """Run every test in double precision."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@torch.no_grad()
def predict(network, structures, **graph_settings):
    """Predictions for structures, in batches."""
    graphs = [build_graph(structure, **graph_settings) for structure in structures]
    return torch.cat([network(*batch.inputs()) for batch in batches(graphs)]).numpy()


def batches(graphs, size=100):
    return [
        batch_graphs(graphs[i : i + size], FEATURES, torch.float64)
        for i in range(0, len(graphs), size)
    ]


# ---- every crystal in data/


@pytest.fixture(scope="module")
def shipped():
    return list(bundled_structures().values())


@pytest.fixture(scope="module")
def shipped_batches(shipped):
    return batches([build_graph(structure) for structure in shipped])


@pytest.fixture(scope="module", params=CHANGES)
def changed_batches(request, shipped):
    rng = np.random.default_rng(1)
    return batches([build_graph(request.param(structure, rng)) for structure in shipped])


@pytest.mark.slow
@torch.no_grad()
def test_every_shipped_crystal_keeps_its_prediction(shipped_batches, changed_batches):
    for conv in CONVS:
        for pooling in POOLINGS:
            network = make_network(conv, pooling)
            before = torch.cat([network(*batch.inputs()) for batch in shipped_batches])
            after = torch.cat([network(*batch.inputs()) for batch in changed_batches])
            assert before.std() > 1e-5 * before.abs().mean(), "a constant would pass as well"
            torch.testing.assert_close(after, before, rtol=RELATIVE, atol=0)


@pytest.mark.parametrize("repeats", [(1, 3, 1), (2, 2, 2)])
def test_a_sample_in_larger_supercells(shipped, repeats):
    sample = shipped[:: max(1, len(shipped) // 30)]
    for pooling in POOLINGS:
        network = make_network(pooling=pooling)
        before = predict(network, sample)
        after = predict(network, [structure * repeats for structure in sample])
        np.testing.assert_allclose(after, before, rtol=RELATIVE)


def test_no_shipped_crystal_is_near_the_tolerance(shipped, capsys):
    """A neighbor just at the tolerance would be left to rounding; benchmarks/ prints this too."""
    benchmark = load_python_file(paths.REPO / "benchmarks" / "shell_gaps.py", "shell_gaps")
    result = benchmark.count(dict(enumerate(shipped)))
    with capsys.disabled():
        print(
            f"\n{result['near_tolerance']} of {result['structures']} bundled crystals have a gap "
            "of 0.005 to 0.02 angstrom beyond the last shell"
        )
    assert result["closest_to_tolerance"] > 1e-6


def test_a_cell_with_skewed_axes(shipped):
    """The same crystal described by other lattice vectors."""
    network = make_network()
    sample = shipped[:: max(1, len(shipped) // 30)]
    skewed = [structure * [[1, 1, 0], [0, 1, 0], [0, 1, 1]] for structure in sample]
    np.testing.assert_allclose(predict(network, skewed), predict(network, sample), rtol=RELATIVE)


def test_the_published_cut_does_depend_on_the_cell():
    """What the whole shells are for: the same network with the neighbors cut at 12."""
    crystal = Structure.from_spacegroup(
        "Pm-3m", Lattice.cubic(3.905), ["Sr", "Ti", "O"], [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0]]
    )
    orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [3, 0, 4, 1, 2], [2, 4, 1, 0, 3]]
    listed = [Structure.from_sites([crystal[i] for i in order]) for order in orders]
    network = make_network()
    assert np.ptp(predict(network, listed, ties="keep")) < 1e-10
    assert np.ptp(predict(network, listed, ties="cut")) > 1e-4


# ---- random crystals


@settings(max_examples=25, deadline=None, derandomize=True)
@given(crystals(), st.integers(0, 1000), st.sampled_from(CONVS), st.sampled_from(POOLINGS))
def test_random_crystals_keep_their_prediction(crystal, seed, conv, pooling):
    network, rng = make_network(conv, pooling), np.random.default_rng(seed)
    [before] = predict(network, [crystal])
    after = predict(network, [change(crystal, rng) for change in CHANGES])
    np.testing.assert_allclose(after, before, rtol=RELATIVE)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(crystals(), min_size=2, max_size=4), st.sampled_from(POOLINGS))
def test_batch_mates_do_not_matter_in_eval_mode(structures, pooling):
    network = make_network(pooling=pooling)
    together = predict(network, structures)
    alone = [predict(network, [structure])[0] for structure in structures]
    np.testing.assert_allclose(together, alone, rtol=RELATIVE)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(crystals(), st.integers(0, 1000))
def test_the_order_of_edges_does_not_matter(crystal, seed):
    batch = batch_graphs([build_graph(crystal)], FEATURES, torch.float64)
    order = torch.as_tensor(np.random.default_rng(seed).permutation(len(batch.center)))
    edges = batch.bond_features[order], batch.center[order], batch.neighbor[order]
    for conv in ("gated", "shared", "fast"):
        network = make_network(conv)
        before = network(*batch.inputs())
        after = network(batch.atom_features, *edges, batch.crystal, 1)
        torch.testing.assert_close(after, before, rtol=RELATIVE, atol=0)


# ---- sensitivity: a constant passes everything above


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("conv", CONVS)
def test_other_crystals_get_other_predictions(conv, pooling):
    network = make_network(conv, pooling)
    cubic = Lattice.cubic(4.0)
    one = Structure(cubic, ["Sr", "Ti"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    other_element = Structure(cubic, ["Sr", "Zr"], one.frac_coords)
    other_place = Structure(cubic, ["Sr", "Ti"], [[0, 0, 0], [0.5, 0.5, 0.4]])
    other_size = Structure(Lattice.cubic(4.2), ["Sr", "Ti"], one.frac_coords)
    values = predict(network, [one, other_element, other_place, other_size])
    assert abs(values[1] - values[0]) > 1e-5
    sees_geometry = np.abs(values[2:] - values[0]) > 1e-9  # softmax pooling changes least
    assert (sees_geometry == (conv != "none")).all()


def test_only_the_gated_layer_knows_which_neighbor_is_near():
    """Eq. (4) adds elements and distances up apart; Eq. (5) keeps them together."""
    atoms, center, neighbor = torch.randn(3, 4), torch.tensor([0, 0]), torch.tensor([1, 2])
    near_far = torch.rand(2, 5)
    torch.manual_seed(0)
    shared, gated = (
        make(4, 5).double().eval() for make in (model.SharedConvLayer, model.ConvLayer)
    )
    swapped = near_far.flip(0)
    same = shared(atoms, near_far, center, neighbor) - shared(atoms, swapped, center, neighbor)
    other = gated(atoms, near_far, center, neighbor) - gated(atoms, swapped, center, neighbor)
    assert same.abs().max() < 1e-14
    assert other.abs().max() > 1e-4


# ---- layers on paper


def line(layer_class, **options):
    """Three atoms in a line, one feature, all weights 1: the example of notebook 2."""
    layer = layer_class(1, 1, batch_norm=False, **options)
    for name, parameter in layer.named_parameters():
        torch.nn.init.constant_(parameter, 0.0 if name.endswith("bias") else 1.0)
    atoms = torch.tensor([[1.0], [-2.0], [0.0]])
    bonds = torch.tensor([[1.0], [1.0], [0.0], [0.0]])
    return layer(atoms, bonds, torch.tensor([0, 1, 1, 2]), torch.tensor([1, 0, 2, 1])).flatten()


def test_the_gated_layer_on_paper():
    open_half, nearly_closed = np.log(2) / 2, 1 / (1 + np.exp(2)) * np.log1p(np.exp(-2))
    sums = np.array([open_half, open_half + nearly_closed, nearly_closed])
    expected = np.log1p(np.exp(np.array([1.0, -2.0, 0.0]) + sums))
    for layer in (model.ConvLayer, model.FastConvLayer):
        np.testing.assert_allclose(line(layer).detach(), expected, rtol=1e-12)
    np.testing.assert_allclose(expected, [1.5778, 0.1776, 0.7007], atol=5e-5)
    without = np.log1p(np.exp(sums))
    np.testing.assert_allclose(line(model.ConvLayer, residual=False).detach(), without, rtol=1e-12)


def test_the_shared_layer_on_paper():
    before_activation = np.array([0.0, 0.0, -2.0])  # sums over edges -1, 2, -2, plus the atom's own
    expected = np.log1p(np.exp(before_activation))
    np.testing.assert_allclose(line(model.SharedConvLayer).detach(), expected, rtol=1e-12)
    with_residual = np.log1p(np.exp(before_activation + [1.0, -2.0, 0.0]))
    result = line(model.SharedConvLayer, residual=True).detach()
    np.testing.assert_allclose(result, with_residual, rtol=1e-12)


def test_the_gated_layer_atom_by_atom():
    """Loops in place of index_add, batch norms written out."""
    layer, batch = torch_layer(model.ConvLayer), random_batch()
    z = [
        torch.cat([batch.atom_features[i], batch.atom_features[j], u])
        for i, j, u in zip(batch.center, batch.neighbor, batch.bond_features, strict=True)
    ]
    sums = torch.zeros_like(batch.atom_features)
    for i, row in zip(batch.center, z, strict=True):
        gate, core = normalized(layer.bn1, layer.fc_full.weight @ row + layer.fc_full.bias).chunk(2)
        sums[i] += gate.sigmoid() * softplus(core)
    expected = softplus(batch.atom_features + normalized(layer.bn2, sums))
    torch.testing.assert_close(layer(*batch.inputs()[:4]), expected, rtol=1e-12, atol=1e-12)


def normalized(norm, x):
    return (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias


def torch_layer(layer_class, width=6, seed=0, **options):
    torch.manual_seed(seed)
    layer = layer_class(width, 41, **options)
    shake_batch_norms(layer)
    return layer.double().eval()


def random_batch(n_atoms=9, n_edges=40, width=6, seed=0) -> CrystalBatch:
    """Two crystals; the last atom has no edge at all."""
    rng = np.random.default_rng(seed)
    ends = torch.as_tensor(rng.integers(0, n_atoms - 1, size=(2, n_edges)))
    crystal = torch.arange(n_atoms) // 5
    return CrystalBatch(
        torch.as_tensor(rng.normal(size=(n_atoms, width))),
        torch.as_tensor(rng.uniform(size=(n_edges, 41))),
        *ends,
        crystal,
        2,
    )


@pytest.mark.parametrize("options", [{}, {"batch_norm": False}, {"residual": False}])
@pytest.mark.parametrize("training", [False, True])
def test_fast_layer_equals_the_gated_layer(options, training):
    batch, plain = random_batch(), torch_layer(model.ConvLayer, **options).train(training)
    fast = torch_layer(model.FastConvLayer, seed=1, **options).train(training)
    fast.load_state_dict(plain.state_dict())
    results = []
    for layer in (plain, fast):
        atoms, bonds = batch.atom_features.clone(), batch.bond_features.clone()
        out = layer(atoms.requires_grad_(), bonds.requires_grad_(), batch.center, batch.neighbor)
        (out**2).sum().backward()
        gradients = [parameter.grad for parameter in layer.parameters()]
        results.append([out, atoms.grad, bonds.grad, *gradients, *layer.buffers()])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=RELATIVE, atol=1e-10)


def test_fast_network_equals_the_gated_network():
    batch, plain = random_batch(width=92), make_network("gated")
    fast = make_network("fast", seed=1)
    fast.load_state_dict(plain.state_dict())
    torch.testing.assert_close(fast(*batch.inputs()), plain(*batch.inputs()), rtol=RELATIVE, atol=0)


@pytest.mark.parametrize("layer", ["ConvLayer", "SharedConvLayer", "FastConvLayer"])
def test_inputs_are_left_as_they_were(layer):
    batch = random_batch()
    before = [column.clone() for column in batch.inputs()[:4]]
    torch_layer(getattr(model, layer))(*batch.inputs()[:4])
    for one, other in zip(before, batch.inputs(), strict=False):
        assert torch.equal(one, other)


@pytest.mark.parametrize("layer", ["ConvLayer", "SharedConvLayer", "FastConvLayer"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_dtype_of_the_input_is_kept(layer, dtype):
    """Whatever torch's default is."""
    atoms, bonds, center, neighbor = random_batch().inputs()[:4]
    made = torch_layer(getattr(model, layer)).to(dtype)
    assert made(atoms.to(dtype), bonds.to(dtype), center, neighbor).dtype == dtype
    for pool in (model.mean_pool, model.max_pool):
        assert pool(atoms.to(dtype), torch.zeros(9, dtype=torch.long), 1).dtype == dtype


# ---- pooling


def test_mean_and_max_pool_in_any_order_of_atoms():
    atoms = torch.tensor([[1.0, -5.0], [2.0, -1.0], [3.0, -3.0], [-4.0, -2.0]])
    crystal = torch.tensor([1, 0, 1, 2])
    mean = [[2.0, -1.0], [2.0, -4.0], [-4.0, -2.0]]
    largest = [[2.0, -1.0], [3.0, -3.0], [-4.0, -2.0]]
    assert model.mean_pool(atoms, crystal, 3).tolist() == mean
    assert model.max_pool(atoms, crystal, 3).tolist() == largest


def test_max_pool_of_negative_features():
    atoms = -1 - torch.rand(6, 3)
    pooled = model.max_pool(atoms, torch.zeros(6, dtype=torch.long), 1)
    assert torch.equal(pooled[0], atoms.max(dim=0).values)


def test_softmax_pool():
    pool, (one, two) = model.SoftmaxPool(4, 2), torch.randn(2, 5, 4)
    crystal = torch.tensor([0, 0, 1, 1, 1])
    pooled = pool([one, two], crystal, 2)
    terms = torch.softmax(pool.fcs[0](one), 1) + torch.softmax(pool.fcs[1](two), 1)
    torch.testing.assert_close(pooled, torch.stack([terms[:2].mean(0), terms[2:].mean(0)]))
    # Each softmax sums to 1 over features: a crystal of any size gets the number of states.
    torch.testing.assert_close(pooled.sum(dim=1), torch.full((2,), 2.0))


# ---- the network


def test_published_names():
    """What a published checkpoint calls its weights (see also test_published.py)."""
    expected = [
        r"embedding\.(weight|bias)",
        r"convs\.[012]\.fc_full\.(weight|bias)",
        r"convs\.[012]\.bn[12]\.(weight|bias|running_mean|running_var|num_batches_tracked)",
        r"conv_to_fc\.(weight|bias)",
        r"fcs\.0\.(weight|bias)",
        r"fc_out\.(weight|bias)",
    ]
    names = list(model.CrystalGraphConvNet(92, 41, n_hidden=2).state_dict())
    assert all(any(re.fullmatch(one, name) for one in expected) for name in names)
    assert all(any(re.fullmatch(one, name) for name in names) for one in expected)
    assert len(names) == len(set(names)) == 2 + 3 * 12 + 2 + 2 + 2


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("conv", CONVS)
def test_gradients_reach_every_parameter(conv, pooling):
    network = make_network(conv, pooling, n_hidden=2).train()
    (network(*random_batch(width=92).inputs()) ** 2).sum().backward()
    for name, parameter in network.named_parameters():
        # A bias before a batch norm has no effect; its gradient is rounding noise.
        if not (conv != "none" and re.search(r"fc_full\.bias|fc_self\.bias", name)):
            assert parameter.grad.abs().max() > 1e-12, name


@pytest.mark.parametrize("task, shape", [("regression", (2,)), ("classification", (2, 2))])
def test_output_shapes(task, shape):
    assert make_network(task=task)(*random_batch(width=92).inputs()).shape == shape
    one = random_batch(n_atoms=4, width=92)
    single = CrystalBatch(*one.inputs()[:4], torch.zeros(4, dtype=torch.long), 1)
    assert make_network(task=task)(*single.inputs()).shape == (1, *shape[1:])


def test_classification_returns_log_probabilities():
    out = make_network(task="classification")(*random_batch(width=92).inputs())
    assert (out < 0).all()
    torch.testing.assert_close(out.exp().sum(dim=1), torch.ones(2))


def test_the_network_step_by_step():
    """Embedding, convolutions, pooling, then a softplus before each further layer."""
    network, batch = make_network(n_hidden=3), random_batch(width=92)
    atoms = network.embedding(batch.atom_features)
    for conv in network.convs:
        atoms = conv(atoms, batch.bond_features, batch.center, batch.neighbor)
    crystals_ = model.mean_pool(atoms, batch.crystal, 2)
    hidden = softplus(network.conv_to_fc(softplus(crystals_)))
    for fc in network.fcs:
        hidden = softplus(fc(hidden))
    expected = network.fc_out(hidden).squeeze(1)
    torch.testing.assert_close(network(*batch.inputs()), expected, rtol=1e-12, atol=0)


def test_options_change_what_they_name():
    batch = random_batch(width=92).inputs()
    base = make_network()(*batch)
    for options in ({"batch_norm": False}, {"residual": False}, {"activation": torch.relu}):
        assert (make_network(**options)(*batch) - base).abs().max() > 1e-6, options
    with_residual = make_network("shared", residual=True)(*batch)
    assert (with_residual - make_network("shared")(*batch)).abs().max() > 1e-6
    assert not [m for m in make_network(batch_norm=False).modules() if "BatchNorm" in str(type(m))]
    assert len(make_network("none").convs) == 0


def test_any_atom_features_will_do():
    features = random_features(seed=3, n=17)
    batch = batch_graphs([build_graph(bcc_iron())], features, torch.float64)
    assert make_network(n_atom_features=17)(*batch.inputs()).shape == (1,)


def bcc_iron():
    return Structure(Lattice.cubic(2.87), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])
