"""The engine stands in for a network only if both give the same numbers."""

import pytest
import torch
from bundled import model
from torch import nn

from crystalgraph.crystals.bond_features import BondSettings
from crystalgraph.crystals.datasets import load_perovskites
from crystalgraph.crystals.features import published_features
from crystalgraph.networks.engine.agreement import Disagreement, engine_for
from crystalgraph.networks.model_file import make_model
from crystalgraph.networks.model_settings import ModelSettings

SMALL = {"width": 12, "head": 10, "n_conv": 2}
Textbook = model.CrystalGraphConvNet


def engine_of(kind, **options):
    """The engine for a network of a class, and that network."""
    settings = ModelSettings.in_force(kind, {**SMALL, **options})
    network = make_model(kind, 92, settings.options)
    graphs = load_perovskites().graphs()[::100]
    return engine_for(network, settings, graphs, published_features(), BondSettings()), network


class Subclass(Textbook):
    """The same numbers, computed in another way."""

    def forward(self, *inputs):
        return super().forward(*inputs) * 2 / 2


@pytest.mark.parametrize("kind", [Textbook, Subclass])
@pytest.mark.parametrize("conv", ["gated", "fast", "shared", "none"])
def test_the_engine_has_the_weights(kind, conv):
    random_numbers = torch.random.get_rng_state()
    torch.manual_seed(1)
    expected = make_model(kind, 92, {**SMALL, "conv": conv}).state_dict()
    torch.manual_seed(1)
    engine, network = engine_of(kind, conv=conv)
    for found in (engine.state_dict(), network.state_dict()):
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)
    torch.random.set_rng_state(random_numbers)


class Dropout(Textbook):
    """Other numbers in training only."""

    def forward(self, *inputs):
        return nn.functional.dropout(super().forward(*inputs), 0.1, self.training)


class EvaluatedOtherwise(Textbook):
    """Other numbers in evaluation only."""

    def forward(self, *inputs):
        return super().forward(*inputs) * (1 if self.training else 1.001)


class Renamed(Textbook):
    """A weight has another name."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.conv_to_fc, self.to_head = nn.Identity(), self.conv_to_fc


class OwnOption(Textbook):
    """An option that the textbook network has not."""

    def __init__(self, *sizes, depth=1, **options):
        super().__init__(*sizes, **options)


class Detached(Textbook):
    """The right output with a wrong gradient."""

    def forward(self, *inputs):
        return super().forward(*inputs).detach() + 0 * self.fc_out.bias.sum()


class OtherMomentum(Textbook):
    """The running statistics move otherwise."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.convs[0].bn1.momentum = 0.2


class NotANumber(Textbook):
    """NaN compares with nothing."""

    def forward(self, *inputs):
        return super().forward(*inputs) * float("nan")


class Unscaled(nn.BatchNorm1d):
    """Its weight is 1, whatever it is."""

    def forward(self, rows):
        ones = torch.ones_like(self.weight) + 0 * self.weight
        statistics = (self.running_mean, self.running_var)
        return nn.functional.batch_norm(rows, *statistics, ones, self.bias, self.training)


class FactorForgotten(Textbook):
    """The batch norm's scale is left out: no difference with first weights."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.convs[0].bn2 = Unscaled(len(self.convs[0].bn2.bias))


class Fails(Textbook):
    """A task that is not done."""

    def forward(self, *inputs):
        raise NotImplementedError("Task 2.5: ...")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Dropout, "its output in training is not that of the textbook's layers"),
        (EvaluatedOtherwise, "its output in evaluation is not"),
        (Renamed, "its weights have other names"),
        (OwnOption, "settings that the engine does not know"),
        (Detached, "its gradient of embedding.weight is not"),
        (OtherMomentum, "its convs.0.bn1.running_mean is not"),
        (NotANumber, "its output in training is not"),
        (FactorForgotten, "its output in training is not"),
        (Fails, "it fails on crystals of the data set .Task 2.5"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_another_network_trains_itself(kind, reason):
    with pytest.raises(Disagreement, match=reason):
        engine_of(kind)
