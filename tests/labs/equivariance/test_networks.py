"""The lab's networks: what symmetry promises holds, and training brings atoms home."""

import numpy as np
import pytest
import torch
from torch import nn

from crystalgraph.labs import LABS
from crystalgraph.labs.equivariance import charges, shaken
from crystalgraph.labs.equivariance.graphs import batch_of, molecule_graph, random_rotation
from crystalgraph.labs.equivariance.networks import (
    Dipole,
    Displacements,
    MovingNetwork,
    PlainDisplacements,
    Property,
)
from crystalgraph.labs.equivariance.training import Fit, predict, rms, rms_error, train
from crystalgraph.releasing.right_answers import right_answers

SOLUTIONS = right_answers(LABS["equivariance"])
EGCL, EDGES = SOLUTIONS["1.2"], SOLUTIONS["1.1"]


def strong(network):
    """The network in float64, its layers' last weights large enough to move atoms."""
    for layer in network.body.layers:
        nn.init.normal_(layer.phi_x[2].weight, std=1.0)
    return network.double()


def crystals(number, seed):
    return [
        shaken.crystal_graph(one, shaken.periodic_neighbors)
        for one in shaken.shaken_crystals(number, seed)
    ]


def answer(network, graph):
    with torch.no_grad():
        return network(batch_of([graph], torch.float64)).numpy()


@pytest.mark.parametrize("seed", range(3))
def test_no_atom_of_an_ideal_crystal_moves_whatever_the_weights(seed):
    torch.manual_seed(seed)
    network = strong(Displacements(MovingNetwork(EGCL, len(shaken.IONS), 16, 2, shaken.CUTOFF)))
    for crystal in (shaken.rock_salt("Na", "Cl"), shaken.perovskite("Sr", "Ti", repeat=(1, 1, 1))):
        graph = shaken.crystal_graph(crystal, shaken.periodic_neighbors)
        assert np.abs(answer(network, graph)).max() < 1e-13
        moved = shaken.shaken(crystal, np.random.default_rng(seed))
        graph = shaken.crystal_graph(moved, shaken.periodic_neighbors)
        assert np.abs(answer(network, graph)).max() > 1e-3


def test_displacements_turn_along_and_those_of_the_plain_network_do_not():
    torch.manual_seed(0)
    (graph,), turn = crystals(1, 3), random_rotation(np.random.default_rng(4))
    body = MovingNetwork(EGCL, len(shaken.IONS), 16, 2, shaken.CUTOFF)
    plain = PlainDisplacements(len(shaken.IONS), 16, 2, shaken.CUTOFF).double()
    nn.init.normal_(plain.head[2].weight)
    for network, same in ((strong(Displacements(body)), True), (plain, False)):
        there, turned = answer(network, graph), answer(network, graph.turned(turn))
        assert bool(np.abs(turned - there @ turn.T).max() < 1e-10) == same


def test_properties_do_not_turn():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    graph = molecule_graph(np.arange(5), rng.normal(size=(5, 3)), np.zeros(1), EDGES, 2.0)
    turned = graph.turned(random_rotation(rng))
    for network in (Property(MovingNetwork(EGCL)), Dipole(MovingNetwork(EGCL), SOLUTIONS["2.1"])):
        there, here = answer(strong(network), graph), answer(network, turned)
        assert there == pytest.approx(here, abs=1e-10) and np.abs(there).max() > 1e-3


def test_a_batch_gives_what_its_graphs_give_one_by_one():
    torch.manual_seed(0)
    network = Displacements(MovingNetwork(EGCL, len(shaken.IONS), 16, 2, shaken.CUTOFF))
    some = crystals(3, 5)
    apart = np.concatenate([predict(network, [one]) for one in some])
    assert predict(network, some) == pytest.approx(apart, abs=1e-6)


def test_a_few_steps_send_atoms_on_their_way_home():
    some, others = crystals(60, 1), crystals(20, 2)
    nothing = rms(np.concatenate([one.target for one in others]))

    def make():
        return Displacements(MovingNetwork(EGCL, len(shaken.IONS), 24, 2, shaken.CUTOFF))

    assert rms_error(train(make, some, Fit(150)), others) < 0.8 * nothing


def test_the_energy_of_the_charges_stays():
    systems, drift = charges.simulate(20, 0)
    assert np.median(drift) < 1e-4
    assert rms(np.concatenate([one.target for one in systems])) > 0.5
    assert charges.simulate(20, 0)[0][7].x == pytest.approx(systems[7].x)
