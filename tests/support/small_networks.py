"""A small network with what belongs to it, as training leaves it, in no time."""

from dataclasses import asdict

from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import GraphSettings
from crystalgraph.networks.model_file import load_model_class, make_model
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.training import Normalizer, TrainSettings
from crystalgraph.networks.training_run import TrainedModel

NETWORK = load_model_class()


def trained(features=None, graph=None, network=NETWORK, **settings):
    """A network with weights and batch statistics of its own."""
    features = features or published_features()
    settings = ModelSettings.in_force(network, {"width": 8, "n_conv": 1, "head": 8, **settings})
    model = make_model(network, features.n_features, settings.options)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_()
    normalizer = Normalizer(-1.5, 0.75)
    rest = (settings, graph or GraphSettings(), asdict(TrainSettings()), "gap_mesh", "eV")
    return TrainedModel(model.eval(), features, normalizer, *rest)
