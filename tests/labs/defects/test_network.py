"""The lab's network: the textbook's convolutions, and readouts of the students' parts."""

import numpy as np
import pytest
import torch
from bundled import model

from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import batch_graphs, build_graph
from crystalgraph.crystals.symmetry import with_distance_classes
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.labs.defects import study
from crystalgraph.labs.defects.cells import defect_of, make_twins
from crystalgraph.labs.defects.making import perfect_cell
from crystalgraph.labs.defects.network import READOUTS, DefectNetwork, Parts
from crystalgraph.releasing.right_answers import right_answers

SOME = ["1T:Ti-S", "BN:B-N", "K2NiF4:Sr-Ti-O", "FeOCl:Ti-O-Br", "GaSe:Ga-Se", "MX3:Cr-I"]
EPOCHS_BY_HEART = 80


@pytest.fixture(scope="module")
def parts():
    answers = right_answers(LABS["defects"])
    return Parts(answers["1.4"], answers["1.5"], answers["1.8"])


@pytest.fixture(scope="module")
def twins(dataset):
    return make_twins(dataset, SOME, "swap", 3)


@pytest.fixture(scope="module")
def smallest(dataset):
    return make_twins(dataset, SOME, "swap", 2)


@pytest.mark.parametrize("pooling", ["mean", "max", "softmax"])
def test_the_textbook_network_on_whole_cells_gives_the_same(dataset, twins, parts, pooling):
    torch.manual_seed(0)
    network = DefectNetwork(pooling, parts).eval()
    textbook = model.CrystalGraphConvNet(
        published_features().n_features, 41, width=32, n_conv=2, head=64, pooling=pooling
    ).eval()
    weights = {k: v for k, v in network.state_dict().items() if not k.startswith("attention")}
    textbook.load_state_dict(weights)
    cells = []
    for name in SOME:
        host = dataset.structures[dataset.ids.index(name)]
        cells += [perfect_cell(host, 3), defect_of(dataset, name, "swap", 3)]
    graphs = [with_distance_classes(build_graph(cell.structure, "")) for cell in cells]
    with torch.no_grad():
        expected = textbook(*batch_graphs(graphs, published_features()).inputs())
        found = network(twins.batch(twins.rows(SOME)))
    assert torch.allclose(found, expected, rtol=0, atol=0.02 * expected.std())


@pytest.mark.parametrize("readout", READOUTS)
def test_every_readout_learns_two_by_two_cells_by_heart(smallest, parts, readout):
    """Six hosts and their twins: a readout that is wired wrongly does not get there."""
    hosts = study.Hosts(SOME, SOME, SOME)
    trained = study.train(readout, parts, smallest, hosts, seed=0, epochs=EPOCHS_BY_HEART)
    assert trained.train_loss[-1] < 0.6 < trained.train_loss[0] + 0.2
    assert study.is_right(study.log_odds(trained.network, smallest, SOME)).mean() > 0.7


def test_the_highest_score_is_the_answer(twins, parts):
    network = DefectNetwork("score", parts).eval()
    rows = twins.rows(SOME)
    scores, batch = study.atom_scores(network, twins, rows), twins.batch(rows)
    highest = [scores[batch.crystal.numpy() == cell].max() for cell in range(len(rows))]
    assert np.allclose(np.ravel(study.log_odds(network, twins, SOME)), highest)


def test_a_cells_atoms_have_the_scores_of_their_kinds(dataset, twins, parts):
    network = DefectNetwork("contrast", parts).eval()
    cell = defect_of(dataset, "1T:Ti-S", "swap", 3)
    scores = study.scores_of_atoms(network, cell)
    assert len(scores) == 27
    assert scores.max() == pytest.approx(study.log_odds(network, twins, SOME)[0, 1], abs=1e-5)


def test_what_does_not_fit_is_said(twins, parts):
    with pytest.raises(CrystalGraphError, match="No readout 'median'; choose one of mean"):
        DefectNetwork("median", parts)
    with pytest.raises(CrystalGraphError, match="no numbers of single atoms; train one with score"):
        study.atom_scores(DefectNetwork("mean", parts), twins, np.array([0]))


def test_nothing_is_trained_while_nbgrader_is_grading(twins, parts, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    trained = study.train("mean", parts, twins, study.Hosts(SOME, SOME, SOME))
    assert trained.train_loss == []


def test_a_share_knows_how_sure_it_is():
    right = np.array([[True, True]] * 60 + [[True, False]] * 40)
    found = study.share([right])
    assert found.value == pytest.approx(0.8)
    assert found.error == pytest.approx(np.sqrt(0.6 * 0.4 / 100) / 2, rel=0.2)
    assert study.share([right, right]).error == pytest.approx(found.error / np.sqrt(2), rel=0.25)
    odds = np.array([[-1.0, 2.0], [3.0, 1.0]])
    assert study.is_right(odds).tolist() == [[True, True], [False, True]]
