"""The engine and the network itself train alike; the device is the faster one."""

import numpy as np
import pytest
import torch
from torch import nn

from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_perovskites
from crystalgraph.crystals.features import published_features
from crystalgraph.networks import devices
from crystalgraph.networks.model_file import load_model_class, make_model
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.trainers import ENGINE, choose_trainer
from crystalgraph.networks.training import CrystalLoader, Normalizer, TrainSettings

NETWORK = load_model_class()
SMALL = {"width": 12, "head": 10, "n_conv": 2}


class WithDropout(NETWORK):
    """Not the textbook's numbers, and in evaluation mode the same again."""

    p = 0.0

    def forward(self, *inputs):
        out = super().forward(*inputs)
        return nn.functional.dropout(out, self.p, self.training) + 0 * torch.rand_like(out)


@pytest.fixture(scope="module")
def loaders():
    dataset = load_perovskites()
    graphs, energies = dataset.graphs()[::20], dataset.target(FORMATION_ENERGY)[::20]
    features = published_features()
    fit = CrystalLoader(graphs[:25], energies[:25], features, 8, shuffle=True, seed=4)
    return fit, CrystalLoader(graphs[25:], energies[25:], features)


def trained(network, settings, loaders):
    """Name of the trainer, its history and the network's weights."""
    fit, val = loaders
    trainer = choose_trainer(network, settings, fit, val)
    fit.generator = np.random.default_rng(fit.seed)
    how = TrainSettings(epochs=4, learning_rate=0.01)
    history, where = trainer.train(Normalizer.fit(fit.targets), how, "cpu", progress=False)
    assert where == {"device": "cpu", "threads": torch.get_num_threads()}
    return trainer.name, history, network.state_dict()


def test_the_engine_trains_like_the_network_itself(loaders, monkeypatch):
    settings = ModelSettings.in_force(NETWORK, SMALL)
    found = []
    for reason in ("", "it is not to"):
        torch.manual_seed(0)
        network = make_model(NETWORK, 92, settings.options)
        if reason:
            monkeypatch.setattr(
                "crystalgraph.networks.engine.agreement._compare", disagree_because(reason)
            )
        found.append(trained(network, settings, loaders))
    (name, history, weights), (other_name, other_history, other_weights) = found
    assert name == ENGINE and other_name == "the network itself, since it is not to"
    assert history.val_mae == pytest.approx(other_history.val_mae, rel=1e-3)
    assert history.train_loss == pytest.approx(other_history.train_loss, rel=1e-3)
    assert history.train_loss[-1] < history.train_loss[0]
    for key in ("fc_out.weight", "convs.0.bn1.running_var"):
        torch.testing.assert_close(weights[key], other_weights[key], rtol=1e-2, atol=1e-3)


def disagree_because(reason):
    """In place of the comparison."""
    from crystalgraph.networks.engine.agreement import Disagreement

    def disagree(*_):
        raise Disagreement(reason)

    return disagree


def test_a_network_of_ones_own_trains_itself(loaders, monkeypatch):
    monkeypatch.setattr(WithDropout, "p", 0.2)
    network = make_model(WithDropout, 92, SMALL)
    before = network.fc_out.weight.detach().clone()
    settings = ModelSettings.in_force(WithDropout, SMALL)
    name, _, weights = trained(network, settings, loaders)
    assert name.startswith("the network itself, since its output in training is not that of")
    assert not torch.equal(weights["fc_out.weight"], before)


# --- devices -------------------------------------------------------------------------------------


CARD = torch.device("cuda")


@pytest.mark.parametrize(("cpu", "card", "chosen"), [(1.0, 3.0, "cpu"), (3.0, 1.0, "cuda")])
def test_the_faster_device_is_chosen(monkeypatch, cpu, card, chosen):
    clock = [0.0]

    def step_on(device):
        def step():
            clock[0] += card if device == CARD else cpu

        return step

    monkeypatch.setattr(devices, "pick_device", lambda: CARD)
    monkeypatch.setattr(devices.time, "perf_counter", lambda: clock[0])
    assert devices.fastest_device(step_on).type == chosen


def test_a_card_that_cannot_do_a_step_is_not_chosen(monkeypatch):
    def step_on(device):
        raise NotImplementedError(f"no such operation on {device}")

    monkeypatch.setattr(devices, "pick_device", lambda: CARD)
    assert devices.fastest_device(step_on).type == "cpu"


def test_without_a_card_nothing_is_timed(monkeypatch):
    monkeypatch.setattr(devices, "pick_device", lambda: torch.device("cpu"))
    assert devices.fastest_device(None).type == "cpu"
