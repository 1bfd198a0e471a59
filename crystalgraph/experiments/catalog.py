"""Named experiments, and the groups of them that answer one question.

An experiment is a network, its training and its graphs, under a short name. Experiments that answer
one question form a group. Finished runs (three seeds each) are shipped in data/runs and loaded in a
moment; each can be repeated with a network of one's own.

The engine trains them all (networks/engine): the textbook network's numbers in a tenth of the time.
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
        """Arguments of the network, where they are not the defaults."""
        task = {"task": "classification"} if self.dataset == "oxides" else {}
        return {**task, **self.model}

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
_OTHERS = {
    "pooling": (
        Experiment("max_pooling", "max", model={"pooling": "max"}),
        Experiment("softmax_pooling", "softmax, all layers", model={"pooling": "softmax"}),
    ),
    "neighbors": tuple(Experiment(f"k_{k}", f"k = {k}", graph={"k": k}) for k in (1, 4, 24)),
    "features": (
        Experiment("one_hot", "one-hot Z", features="one_hot"),
        Experiment("random_features", "random bits", features="random"),
        Experiment("scaled", "9 scaled floats", features="scaled"),
        Experiment("mixed", "92 bits + 9 floats", features="mixed"),
    ),
    "norm_activation": (
        Experiment("no_batch_norm", "softplus, no batch norm", model={"batch_norm": False}),
        *(Experiment(name, name, model={"activation": name}) for name in ("relu", "silu", "tanh")),
    ),
    "depth": tuple(
        Experiment(f"n_conv_{n}", f"{n} convolution{'s' * (n > 1)}", model={"n_conv": n})
        for n in (1, 2, 5)
    ),
    "width": tuple(Experiment(f"width_{n}", f"width {n}", model={"width": n}) for n in (16, 128)),
    "learning_rate": (
        Experiment("rate_low", f"{_RATE / 10:g}", train={"learning_rate": _RATE / 10}),
        Experiment("rate_high", f"{_RATE * 10:g}", train={"learning_rate": _RATE * 10}),
    ),
    "batch_size": tuple(
        Experiment(f"batch_{n}", f"batches of {n}", train={"batch_size": n})
        for n in (_BATCH // 4, _BATCH * 4)
    ),
}


def _oxides(name: str, label: str, **changes: Any) -> Experiment:
    return Experiment(f"oxides_{name}", label, dataset="oxides", **changes)


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
    for group in (_LAYERS, *_OTHERS.values(), *_OXIDES.values())
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
    return "oxides_gated" if group in _OXIDES else "gated"


GROUPS = {"layers": tuple(member.name for member in _LAYERS)}
GROUPS |= {group: _with_default(group) for group in (*_OTHERS, *_OXIDES)}
"""Group -> names of its experiments; in each is the default network, "gated" or "oxides_gated"."""

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
