"""The fast engine gives the textbook network's numbers: outputs, losses, gradients, statistics."""

import gc
import weakref
from itertools import product

import numpy as np
import pytest
import torch
from bundled import bundled_structures, model
from pymatgen.core import Lattice, Structure
from torch import nn

from crystalgraph.crystals.bond_features import gaussian_expansion
from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_oxides, load_perovskites
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import batch_graphs, build_graph
from crystalgraph.crystals.symmetry import quotients, with_distance_classes
from crystalgraph.networks.engine.batches import PreparedQuotients, QuotientBatch
from crystalgraph.networks.engine.flat_adamw import FlatAdamW
from crystalgraph.networks.engine.network import QuotientNetwork
from crystalgraph.networks.model_settings import ACTIVATIONS
from crystalgraph.networks.training import Normalizer, TrainSettings, training_step

FEATURES = published_features()
SMALL = {"width": 12, "head": 10}
OPTIONS = [
    {"conv": conv, "pooling": pooling, "batch_norm": batch_norm}
    for conv, pooling, batch_norm in product(
        ("gated", "fast", "shared", "none"), ("mean", "max", "softmax"), (True, False)
    )
]
OPTIONS += [
    {"conv": conv, "activation": name} for conv in ("gated", "shared") for name in ACTIVATIONS
]
OPTIONS += [{"conv": conv, "residual": on} for conv in ("gated", "shared") for on in (True, False)]
OPTIONS += [
    {"conv": "gated", "residual": False, "batch_norm": False},
    {"conv": "gated", "task": "classification", "n_hidden": 3},
    {"conv": "gated", "n_conv": 0},
    {"conv": "shared", "task": "classification", "n_conv": 1},
    {"conv": "gated", "n_conv": 5, "width": 7, "head": 5},
]


def name_of(options):
    return " ".join(f"{name}={value}" for name, value in options.items())


@pytest.fixture(scope="module")
def graphs():
    return load_perovskites().graphs()[::23] + load_oxides().graphs()[::23]


def both_batches(graphs, dtype=torch.float64):
    """The same crystals for the textbook network and for the engine."""
    whole = batch_graphs([with_distance_classes(graph) for graph in graphs], FEATURES, dtype)
    prepared = PreparedQuotients(quotients(graphs), FEATURES, dtype=dtype)
    return whole, prepared.batch(range(len(graphs)))


@pytest.fixture(scope="module")
def batches(graphs):
    return both_batches(graphs)


def both_networks(**options):
    """The textbook network and the engine with its weights, batch norms not as at the start."""
    options = {**SMALL, **options}
    if "activation" in options:
        options["activation"] = ACTIVATIONS[options["activation"]]
    torch.manual_seed(0)
    textbook = model.CrystalGraphConvNet(92, 41, **options).double()
    for norm in textbook.modules():
        if isinstance(norm, nn.BatchNorm1d):
            nn.init.normal_(norm.running_mean, std=0.3)
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.3)
    engine = QuotientNetwork(92, 41, **options).double()
    engine.load_state_dict(textbook.state_dict())
    return textbook, engine


def close(found, expected, tolerance=1e-8):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def some_loss(output):
    """A number to which each crystal contributes differently."""
    return (output.flatten() * torch.linspace(-1, 1, output.numel())).square().mean()


# --- the same numbers, whatever the options ------------------------------------------------------


@pytest.mark.parametrize("options", OPTIONS, ids=name_of)
def test_outputs_in_evaluation_mode(options, batches):
    textbook, engine = (network.eval() for network in both_networks(**options))
    with torch.no_grad():
        found, expected = engine(batches[1]), textbook(*batches[0].inputs())
    assert expected.std() > 1e-6 * expected.abs().mean(), "a constant would pass as well"
    close(found, expected, 1e-10)


@pytest.mark.parametrize("options", OPTIONS, ids=name_of)
def test_a_training_step(options, batches):
    """Loss, gradients and running statistics."""
    textbook, engine = (network.train() for network in both_networks(**options))
    results = []
    for network, batch in zip((textbook, engine), batches, strict=True):
        loss = some_loss(network(*batch.inputs()))
        loss.backward()
        gradients = {name: weight.grad for name, weight in network.named_parameters()}
        results.append((loss.detach(), gradients, dict(network.named_buffers())))
    (loss, gradients, buffers), (found_loss, found_gradients, found_buffers) = results
    close(found_loss, loss)
    close(found_gradients, gradients)
    close(found_buffers, buffers)


def test_state_dicts_go_both_ways():
    for options in OPTIONS:
        textbook, engine = both_networks(**options)
        back = {name: weight.clone() + 1 for name, weight in engine.state_dict().items()}
        textbook.load_state_dict(back)


def test_one_seed_draws_the_same_first_weights():
    for pooling in ("mean", "softmax"):
        states = []
        for network in (model.CrystalGraphConvNet, QuotientNetwork):
            torch.manual_seed(3)
            states.append(network(92, 41, pooling=pooling, n_hidden=2).state_dict())
        assert list(states[0]) == list(states[1])
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def losses_of_forty_steps(network, batches, targets):
    """Losses with the optimizer and the schedule of `crystalgraph train`."""
    settings, losses = TrainSettings(), []
    optimizer = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, epochs=settings.epochs, steps_per_epoch=10
    )
    for _ in range(4):
        for batch, target in zip(batches, targets, strict=True):
            losses.append(training_step(network, batch, target, optimizer))
            schedule.step()
    return losses


def test_forty_steps_in_float32():
    """The losses stay together, although AdamW makes steps of rounding errors where a gradient is
    zero: the engine is even closer than the textbook network to the same steps in float64."""
    dataset = load_perovskites()
    graphs = dataset.graphs()[:640]
    target = Normalizer.fit(dataset.target(FORMATION_ENERGY)[:640]).normalize(
        dataset.target(FORMATION_ENERGY)[:640]
    )
    rows = np.split(np.random.default_rng(0).permutation(640), 10)
    table = PreparedQuotients(quotients(graphs), FEATURES)
    whole = [batch_graphs([graphs[row] for row in some], FEATURES) for some in rows]
    targets = [torch.as_tensor(target[some]) for some in rows]
    singles = [target.float() for target in targets]
    losses = []
    for make, batches, given in (
        (QuotientNetwork, [table.batch(some) for some in rows], singles),
        (model.CrystalGraphConvNet, whole, singles),
        (model.CrystalGraphConvNet, [batch.double() for batch in whole], targets),
    ):
        torch.manual_seed(0)
        network = make(92, 41).to(given[0].dtype)
        losses.append(np.array(losses_of_forty_steps(network, batches, given)))
    engine, textbook, exact = losses
    assert len(engine) == 40 and exact[-1] < 0.8 * exact[0]
    assert np.abs(engine - textbook).max() < 1e-5
    assert np.abs(engine - exact).max() < np.abs(textbook - exact).max()


def test_all_shipped_crystals_give_the_same_numbers():
    graphs = [build_graph(structure) for structure in bundled_structures().values()]
    assert len(graphs) > 1400
    for pooling in ("mean", "max", "softmax"):
        textbook, engine = (network.eval() for network in both_networks(pooling=pooling))
        for first in range(0, len(graphs), 200):
            whole, small = both_batches(graphs[first : first + 200])
            with torch.no_grad():
                close(engine(small), textbook(*whole.inputs()), 1e-10)


# --- the layer by hand ---------------------------------------------------------------------------


def tiny_batch() -> QuotientBatch:
    cubic = Lattice.cubic(3.9)
    crystals = [
        Structure.from_spacegroup("Pm-3m", cubic, ["Sr", "Ti"], [[0, 0, 0], [0.5] * 3]),
        Structure(cubic, ["Na", "Cl", "Cl"], [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0.4, 0.5]]),
    ]
    graphs = [build_graph(crystal, k=4) for crystal in crystals]
    return PreparedQuotients(quotients(graphs), FEATURES, dtype=torch.float64).batch([0, 1])


@pytest.mark.parametrize("options", [{}, {"residual": False}, {"pooling": "softmax"}], ids=name_of)
def test_the_gradient_by_hand_is_the_slope(options):
    """Against finite differences, which know nothing of either implementation."""
    batch = tiny_batch()
    network = both_networks(width=3, head=4, n_conv=2, **options)[1].train()
    names = [name for name, _ in network.named_parameters()]

    def output(*weights):
        return torch.func.functional_call(network, dict(zip(names, weights, strict=True)), batch)

    assert network.by_hand
    assert torch.autograd.gradcheck(output, tuple(network.parameters()), fast_mode=True)


def test_layers_by_hand_are_not_used_where_they_do_not_hold():
    for options in ({"batch_norm": False}, {"activation": "relu"}, {"conv": "shared"}):
        assert not both_networks(**options)[1].by_hand


def test_memory_is_free_after_each_step():
    """What backward needs must not refer to itself, or garbage grows until Python looks for it."""
    batch, network = tiny_batch(), both_networks()[1].train()
    there = weakref.ref(batch)
    gc.disable()
    network(batch).sum().backward()
    del batch
    gc.enable()
    assert there() is None


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_gradients_go_to_the_vector_of_the_optimizer(pooling):
    """And to the parameters again when that optimizer is gone."""
    batch, states = tiny_batch(), []
    for make in (FlatAdamW, torch.optim.AdamW):
        network = both_networks(pooling=pooling)[1].train()
        optimizer = make(network.parameters(), lr=1e-2)
        for _ in range(3):
            optimizer.zero_grad()
            some_loss(network(batch)).backward()
            if isinstance(optimizer, FlatAdamW):
                assert (network.fc_out.weight.grad is None) == (pooling == "mean")
                optimizer.join_gradients()
            optimizer.step()
        states.append(network.state_dict())
        optimizer.zero_grad()
        del optimizer
        some_loss(network(batch)).backward()
        assert all(weight.grad is not None for weight in network.parameters())
    close(*states, tolerance=1e-6)


def test_numbers_far_from_zero_stay_finite():
    batch = tiny_batch()
    network = both_networks(width=3)[1].float().train()
    for conv in network.convs:
        nn.init.constant_(conv.bn1.weight, 1e4)
        nn.init.constant_(conv.bn2.weight, 1e4)
    output = network(batch._with_tensors(lambda x: x.float() if x.is_floating_point() else x))
    output.sum().backward()
    assert output.isfinite().all()
    assert all(weight.grad.isfinite().all() for weight in network.parameters())


# --- batches -------------------------------------------------------------------------------------


def assert_equal_batches(found, expected):
    for name, column in vars(expected).items():
        same = torch.equal if isinstance(column, torch.Tensor) else int.__eq__
        assert same(getattr(found, name), column), name


def test_batches_are_the_same_cut_from_a_table_or_made_alone(graphs):
    table = PreparedQuotients(quotients(graphs), FEATURES)
    rows = np.array([5, 0, 17, 3])
    alone = PreparedQuotients(quotients([graphs[row] for row in rows]), FEATURES).batch(range(4))
    assert_equal_batches(table.batch(rows), alone)


def test_distances_become_rows_by_any_function(graphs):
    usual = PreparedQuotients(quotients(graphs), FEATURES).batch([3, 0])
    same = PreparedQuotients(quotients(graphs), FEATURES, gaussian_expansion).batch([3, 0])
    assert torch.allclose(same.bond_features, usual.bond_features, rtol=0, atol=1e-19)
    other = PreparedQuotients(quotients(graphs), FEATURES, lambda d: d[:, None]).batch([3, 0])
    assert other.bond_features.shape == (len(usual.bond_features), 1)
    rows = torch.from_numpy(gaussian_expansion(other.bond_features[:, 0].numpy()))
    assert torch.allclose(rows.float(), usual.bond_features, atol=1e-5)


def test_a_batch_counts_what_is_in_the_whole_crystals(graphs):
    whole, small = both_batches(graphs)
    assert small.n_atoms == len(whole.atom_features) and small.n_edges == len(whole.center)
    assert small.n_crystals == whole.n_crystals == len(graphs)
    for share in (small.atom_share, small.edge_share):
        assert share.sum().item() == pytest.approx(1)
    assert small.pool_share.sum().item() == pytest.approx(len(graphs))
    assert small.double().weight.dtype == torch.float64 and small.to("cpu").n_atoms == small.n_atoms


def test_batches_cut_together_are_as_one_by_one(graphs, monkeypatch):
    monkeypatch.setattr("crystalgraph.networks.engine.batches.AT_ONCE", 3)
    table = PreparedQuotients(quotients(graphs), FEATURES)
    groups = [np.array(rows) for rows in ([3, 1], [0], [7, 5, 9], [30, 2], [11])]
    found = list(table.batches(groups))
    assert [batch.n_crystals for batch in found] == [2, 1, 3, 2, 1] and len(table) == len(graphs)
    for batch, rows in zip(found, groups, strict=True):
        assert_equal_batches(batch, table.batch(rows))


def test_a_single_atom_has_no_variance():
    """Said in PyTorch's words, which training_run explains."""
    copper = Structure(Lattice.cubic(2.5), ["Cu"], [[0, 0, 0]])
    whole, small = both_batches([build_graph(copper)])
    for network, batch in zip(both_networks(), (whole, small), strict=True):
        with pytest.raises(ValueError, match="more than 1 value per channel when training"):
            network.train()(*batch.inputs())
