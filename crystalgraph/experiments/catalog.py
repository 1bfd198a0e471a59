"""Named experiments, and the groups of them that answer one question.

An experiment is a network, its training and its graphs, under a short name. Experiments that answer
one question form a group. Finished runs (three seeds each) are shipped in data/runs and loaded in a
moment; each can be repeated with a network of one's own.

Runs with the gated convolution were made with FastConvLayer (conv="fast"): the same weights and the
same numbers as ConvLayer to 1e-10 in float64, in less time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crystalgraph.crystals import features as atom_features
from crystalgraph.crystals.datasets import FORMATION_ENERGY, PEROVSKITE
from crystalgraph.crystals.graphs import GraphSettings
from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.training import TrainSettings

SEEDS = (0, 1, 2)
LEAVE_ONE_OUT = "leave_one_out"
_RATE, _BATCH = TrainSettings().learning_rate, TrainSettings().batch_size

FEATURES = {
    "published": atom_features.published_features,
    "one_hot": atom_features.one_hot_number,
    "random": atom_features.random_features,
    "scaled": atom_features.scaled_features,
    "mixed": atom_features.mixed_features,
}
TARGETS = {"perovskites": (FORMATION_ENERGY, "eV/atom"), "oxides": (PEROVSKITE, "probability")}
"""Dataset -> label column that is predicted, unit of the prediction."""


@dataclass(frozen=True)
class Experiment:
    """What a run is made with, where it differs from the defaults.

    Attributes:
        name: short and unique.
        label: how figures call it.
        model: arguments of CrystalGraphConvNet.
        train: fields of TrainSettings.
        graph: fields of GraphSettings.
        features: of the atoms, one of FEATURES.
        dataset: "perovskites" (formation energy) or "oxides" (perovskite or not).
    """

    name: str
    label: str
    model: Mapping[str, object] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    graph: Mapping[str, Any] = field(default_factory=dict)
    features: str = "published"
    dataset: str = "perovskites"

    @property
    def target(self) -> str:
        """The label column."""
        return TARGETS[self.dataset][0]

    @property
    def model_arguments(self) -> dict[str, object]:
        """Arguments of the network; gated, computed the fast way, unless it says otherwise."""
        task = {"task": "classification"} if self.dataset == "oxides" else {}
        return {"conv": "fast", **task, **self.model}

    @property
    def graph_settings(self) -> GraphSettings:
        """The default graphs with this experiment's changes."""
        return replace(GraphSettings(), **self.graph)

    def train_settings(self, seed: int) -> TrainSettings:
        """The default training with this experiment's changes."""
        return replace(TrainSettings(), **{**self.train, "seed": seed})


_LAYERS = (
    Experiment("none", "no convolution", {"conv": "none"}),
    Experiment("shared", "shared, Eq. (4)", {"conv": "shared"}),
    Experiment("shared_residual", "shared + residual", {"conv": "shared", "residual": True}),
    Experiment("gated_no_residual", "gated, no residual", {"residual": False}),
    Experiment("gated", "gated, Eq. (5)"),
)
SIDE_EPOCHS = 60
"""Epochs of all experiments that are not about layers, their default network included: half as
many as the main run, so that each can be repeated in half a minute. Their errors are a little
higher for it, and are compared among themselves only."""


def _side(
    name: str, label: str, train: Mapping[str, object] | None = None, **changes: Any
) -> Experiment:
    return Experiment(name, label, train={"epochs": SIDE_EPOCHS, **(train or {})}, **changes)


_OTHERS = {
    "pooling": (
        _side("max_pooling", "max", model={"pooling": "max"}),
        _side("softmax_pooling", "softmax, all layers", model={"pooling": "softmax"}),
    ),
    "neighbors": tuple(_side(f"k_{k}", f"k = {k}", graph={"k": k}) for k in (1, 4, 24)),
    "features": (
        _side("one_hot", "one-hot Z", features="one_hot"),
        _side("random_features", "random bits", features="random"),
        _side("scaled", "9 scaled floats", features="scaled"),
        _side("mixed", "92 bits + 9 floats", features="mixed"),
    ),
    "norm_activation": (
        _side("no_batch_norm", "softplus, no batch norm", model={"batch_norm": False}),
        *(_side(name, name, model={"activation": name}) for name in ("relu", "silu", "tanh")),
    ),
    "depth": tuple(
        _side(f"n_conv_{n}", f"{n} convolution{'s' * (n > 1)}", model={"n_conv": n})
        for n in (1, 2, 5)
    ),
    "width": tuple(_side(f"width_{n}", f"width {n}", model={"width": n}) for n in (16, 128)),
    "learning_rate": (
        _side("rate_low", f"{_RATE / 10:g}", {"learning_rate": _RATE / 10}),
        _side("rate_high", f"{_RATE * 10:g}", {"learning_rate": _RATE * 10}),
    ),
    "batch_size": tuple(
        _side(f"batch_{n}", f"batches of {n}", {"batch_size": n}) for n in (_BATCH // 4, _BATCH * 4)
    ),
}
_DEFAULT = (_side("default", "default network"),)
OXIDES_EPOCHS = 40
"""Epochs of all experiments on the oxides; the validation loss no longer falls by then."""


def _oxides(name: str, label: str, **changes: Any) -> Experiment:
    train = {"epochs": OXIDES_EPOCHS}
    return Experiment(f"oxides_{name}", label, train=train, dataset="oxides", **changes)


_OXIDES = {
    "oxides_layers": (
        _oxides("none", "no convolution", model={"conv": "none"}),
        _oxides("shared", "shared, Eq. (4)", model={"conv": "shared"}),
        _oxides("gated", "gated, Eq. (5)"),
    ),
    "oxides_neighbors": tuple(_oxides(f"k_{k}", f"k = {k}", graph={"k": k}) for k in (1, 4, 24)),
    "oxides_pooling": (
        _oxides("max_pooling", "max", model={"pooling": "max"}),
        _oxides("softmax_pooling", "softmax, all layers", model={"pooling": "softmax"}),
    ),
    "oxides_depth": tuple(
        _oxides(f"n_conv_{n}", f"{n} convolution{'s' * (n > 1)}", model={"n_conv": n})
        for n in (1, 2, 5)
    ),
}
"""Perovskite or not; the default network is "oxides_gated" in every group."""

EXPERIMENTS = {
    member.name: member
    for group in (_LAYERS, _DEFAULT, *_OTHERS.values(), *_OXIDES.values())
    for member in group
}
_PLACE = {"neighbors": 2, "depth": 2, "width": 1, "learning_rate": 1, "batch_size": 1}
_PLACE |= {"oxides_neighbors": 2, "oxides_depth": 2}


def _with_default(group: str) -> tuple[str, ...]:
    """Names of a group with the default network in its place, so that numbers are in order."""
    names = [member.name for member in {**_OTHERS, **_OXIDES}[group]]
    if reference(group) not in names:
        names.insert(_PLACE.get(group, 0), reference(group))
    return tuple(names)


def reference(group: str) -> str:
    """The experiment of a group that the others are compared with."""
    if group in _OXIDES:
        return "oxides_gated"
    return "gated" if group == "layers" else "default"


GROUPS = {"layers": tuple(member.name for member in _LAYERS)}
GROUPS |= {group: _with_default(group) for group in (*_OTHERS, *_OXIDES)}
"""Group -> names of its experiments. Layers are trained as long as the main run ("gated"), the
others half as long, each group with "default", the same network as "gated". On the oxides all are
trained equally long, and each group has "oxides_gated"."""

DEFAULT_LABELS = {
    "pooling": "mean",
    "neighbors": f"k = {GraphSettings().k}",
    "features": "92 bits",
    "norm_activation": "softplus",
    "depth": "3 convolutions",
    "width": "width 64",
    "learning_rate": f"{_RATE:g}",
    "batch_size": f"batches of {_BATCH}",
}
DEFAULT_LABELS |= {
    group: DEFAULT_LABELS[group.removeprefix("oxides_")]
    for group in _OXIDES
    if group != "oxides_layers"
}
"""What the default network is called in each group."""


def label(name: str, group: str = "layers") -> str:
    """How a figure of a group calls an experiment."""
    is_default = group in DEFAULT_LABELS and name == reference(group)
    return DEFAULT_LABELS[group] if is_default else experiment(name).label


def experiment(name: str) -> Experiment:
    """The experiment of a name.

    Raises:
        CrystalGraphError: there is none.
    """
    if name not in EXPERIMENTS:
        raise CrystalGraphError(
            f"There is no experiment '{name}'; choose one of {', '.join(EXPERIMENTS)}."
        )
    return EXPERIMENTS[name]
