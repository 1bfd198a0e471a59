"""Crystals that are stretched and squeezed: energies of a potential, and curves of a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from crystalgraph import paths
from crystalgraph.crystals.datasets import load_perovskites, load_split
from crystalgraph.crystals.symmetry import QuotientGraph, quotients
from crystalgraph.labs.features.study import Data, Inputs, Trained, fit_with
from crystalgraph.networks.engine.batches import QuotientBatch
from crystalgraph.networks.engine.training import QuotientLoader
from crystalgraph.networks.references import ElementReferences
from crystalgraph.networks.training import Normalizer

STRAINS = np.array([-0.06, -0.03, 0.0, 0.03, 0.06])
"""Relative change of all lengths of a crystal, at which every crystal's energy is known."""
FINE = np.linspace(-0.08, 0.08, 81)
"""Where curves of a network are looked at."""
EPOCHS, HOSTS_IN_BATCH = 40, 12
WEIGHT = 10.0
"""Of differences within a crystal, where the loss is to know of them."""


def stretched(graph: QuotientGraph, strain: float) -> QuotientGraph:
    """A crystal with all lengths multiplied by 1 + strain; its neighbors stay the same ones."""
    return replace(graph, distance=graph.distance * (1 + strain))


@dataclass(frozen=True)
class Hosts:
    """Crystals of which energies at several strains are known.

    Attributes:
        names: of the H crystals.
        graphs: H quotient graphs, not strained.
        strain: of each, those that are known.
        energy: of each, at these strains, in eV/atom, counted from element references.
        parts: "train", "val", "test" -> places in these lists.
    """

    names: list[str]
    graphs: list[QuotientGraph]
    strain: list[np.ndarray]
    energy: list[np.ndarray]
    parts: dict[str, np.ndarray]

    def rows(self) -> Data:
        """All crystals at the five common strains, host after host."""
        graphs = [stretched(graph, strain) for graph in self.graphs for strain in STRAINS]
        target = np.concatenate([self.at_five(place) for place in range(len(self.names))])
        of = {
            part: (5 * places[:, None] + np.arange(5)).ravel()
            for part, places in self.parts.items()
        }
        return Data(graphs, target, **of)

    def at_five(self, place: int) -> np.ndarray:
        """Energies (5,) of a host at STRAINS."""
        at = [int(np.abs(self.strain[place] - strain).argmin()) for strain in STRAINS]
        return self.energy[place][at]

    @property
    def measured(self) -> list[int]:
        """Test crystals that are known at many strains."""
        return [place for place in self.parts["test"] if len(self.strain[place]) > len(STRAINS)]


@cache
def load_hosts() -> Hosts:
    """The shipped crystals, with references fitted to the training ones."""
    path = paths.DATA / "strained" / "strained.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    dataset = load_perovskites()
    split = load_split(dataset, "formula")
    row = {name: number for number, name in enumerate(dataset.ids)}
    rows = [row[record["id"]] for record in records]
    structures = [dataset.structures[one] for one in rows]
    parts = {
        part: np.flatnonzero(np.isin(rows, getattr(split, part)))
        for part in ("train", "val", "test")
    }
    strain = [np.array(record["strain"]) for record in records]
    energy = [np.array(record["energy_per_atom"]) for record in records]
    of_train = parts["train"]
    at_rest = np.array([energy[i][np.abs(strain[i]).argmin()] for i in of_train])
    references = ElementReferences.fit([structures[i] for i in of_train], at_rest, "atom")
    shift = references.of(structures)
    graphs = dataset.graphs()
    return Hosts(
        [record["id"] for record in records],
        quotients([graphs[one] for one in rows]),
        strain,
        [values - one for values, one in zip(energy, shift, strict=True)],
        parts,
    )


@dataclass(frozen=True)
class Curves(Normalizer):
    """Learns where a crystal's curve lies, and with a weight how it bends.

    Attributes:
        weight: of the errors of differences within a crystal; 0 for plain energies.
    """

    weight: float = 0.0

    def loss(self, output: Tensor, normalized: Tensor) -> Tensor:
        """Mean absolute error (C,), crystals in groups of five strains."""
        if not self.weight:
            return l1_loss(output, normalized)
        error = (output - normalized).view(-1, len(STRAINS))
        level = error.mean(dim=1, keepdim=True)
        return level.abs().mean() + self.weight * (error - level).abs().mean()

    def error(self, output: Tensor, targets: np.ndarray) -> float:
        """The loss of the validation crystals; it decides which epoch is kept."""
        return self.loss(output.double(), torch.from_numpy(self.normalize(targets))).item()


class HostLoader(QuotientLoader):
    """Batches in which the five strains of a crystal stay together."""

    def __iter__(self) -> Iterator[tuple[QuotientBatch, Tensor]]:
        n_hosts, n = len(self.table) // len(STRAINS), len(STRAINS)
        order = self.generator.permutation(n_hosts) if self.shuffle else np.arange(n_hosts)
        groups = [n * hosts[:, None] + np.arange(n) for hosts in np.array_split(order, len(self))]
        places = [group.ravel() for group in groups]
        for batch, some in zip(self._batches(places), places, strict=True):
            yield batch, torch.as_tensor(self.targets[some], dtype=torch.float32)


def fit_curves(
    hosts: Hosts, inputs: Inputs, weight: float = 0.0, seed: int = 0, epochs: int = EPOCHS
) -> Trained:
    """Train on the energies of strained crystals.

    Args:
        hosts: those of its training part are used.
        inputs: what the network is told.
        weight: of the differences within a crystal in the loss.
        seed: of the first weights and of the order of the batches.
        epochs: over the training crystals.
    """
    data = hosts.rows()
    normal = Normalizer.fit(data.target[data.train])
    objective = Curves(normal.mean, normal.std, weight)
    batch_size = HOSTS_IN_BATCH * len(STRAINS)
    return fit_with(objective, data, inputs, seed, epochs, batch_size, HostLoader)


def curve(trained: Trained, graph: QuotientGraph, strain: np.ndarray = FINE) -> np.ndarray:
    """Energies (S,) of a crystal at strains (S,), in eV/atom."""
    return trained.predict([stretched(graph, one) for one in strain])


@dataclass(frozen=True)
class Bend:
    """The parabola through a curve of energies.

    Attributes:
        at: strain of its lowest point.
        curvature: second derivative by the strain, in eV/atom.
    """

    at: float
    curvature: float

    @classmethod
    def of(cls, strain: np.ndarray, energy: np.ndarray) -> Bend:
        """By least squares.

        Args:
            strain: (S,).
            energy: (S,) in eV/atom.
        """
        second, first, _ = np.polyfit(strain, energy, 2)
        return cls(-first / (2 * second), 2 * second)


def flat_and_largest(energy: np.ndarray) -> tuple[float, float]:
    """Share of the steps of a curve that are flat, and its largest step in eV/atom."""
    steps = np.abs(np.diff(energy))
    return float((steps < 1e-6).mean()), float(steps.max())


def judge(trained: Trained, hosts: Hosts) -> dict[str, float]:
    """What the curves of the test crystals are worth.

    Args:
        trained: on the energies of strained crystals.
        hosts: of which the test part is used.

    Returns:
        Mean absolute error of energies and of steps from one strain to the next, in eV/atom;
        median distance of the minimum from the true one, as a strain; share of crystals without a
        minimum; median of the curvature over the true one; share of flat steps, and the largest
        one in eV/atom.
    """
    places = hosts.parts["test"]
    true = np.array([hosts.at_five(place) for place in places])
    graphs = [stretched(hosts.graphs[place], one) for place in places for one in STRAINS]
    said = trained.predict(graphs).reshape(true.shape)
    pairs = [(Bend.of(STRAINS, a), Bend.of(STRAINS, b)) for a, b in zip(said, true, strict=True)]
    off = [abs(a.at - b.at) if a.curvature > 0 else np.inf for a, b in pairs]
    steps = [flat_and_largest(curve(trained, hosts.graphs[place])) for place in hosts.measured]
    return {
        "error": float(np.abs(said - true).mean()),
        "error_of_steps": float(np.abs(np.diff(said) - np.diff(true)).mean()),
        "minimum_off": float(np.median(off)),
        "no_minimum": float(np.mean(np.isinf(off))),
        "curvature": float(np.median([a.curvature / b.curvature for a, b in pairs])),
        "flat": float(np.mean([flat for flat, _ in steps])),
        "largest_step": float(np.max([largest for _, largest in steps])),
    }
