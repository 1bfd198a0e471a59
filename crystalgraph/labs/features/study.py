"""Training with any features of atoms and any basis of distances, on the fast engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crystalgraph.checking.autograding import autograding
from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_perovskites, load_split
from crystalgraph.crystals.features import AtomFeatures, published_features, random_features
from crystalgraph.crystals.symmetry import QuotientGraph, quotients
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.features.bases import gaussians
from crystalgraph.networks.engine.batches import PreparedQuotients
from crystalgraph.networks.engine.flat_adamw import FlatAdamW
from crystalgraph.networks.engine.network import QuotientNetwork
from crystalgraph.networks.engine.training import QuotientLoader, engine_step
from crystalgraph.networks.training import Normalizer, TrainSettings, train

Basis = Callable[[Tensor], Tensor]
"""Distances (E,) in angstrom -> rows (E, K)."""

EPOCHS, BATCH_SIZE = 40, 64


@dataclass(frozen=True)
class Inputs:
    """What a network is told of atoms and bonds.

    Attributes:
        atoms: features of the elements.
        bonds: basis of the distances.
    """

    atoms: AtomFeatures = field(default_factory=published_features)
    bonds: Basis = gaussians

    def prepare(
        self, graphs: Sequence[QuotientGraph], dtype: torch.dtype = torch.float32
    ) -> PreparedQuotients:
        """A table of crystals, from which batches are cut."""
        return PreparedQuotients(graphs, self.atoms, self.rows, dtype)

    def rows(self, distance: np.ndarray) -> np.ndarray:
        """The basis as the engine asks for it, (E,) in angstrom -> (E, K).

        Raises:
            CrystalGraphError: the basis gives something else than a tensor (E, K).
        """
        rows = self.bonds(torch.from_numpy(distance))
        if not isinstance(rows, Tensor) or rows.ndim != 2 or len(rows) != len(distance):
            given = tuple(rows.shape) if isinstance(rows, Tensor) else f"a {type(rows).__name__}"
            wanted = f"a tensor ({len(distance)}, K), a row of K numbers for each"
            raise CrystalGraphError(
                f"The basis made {given} of {len(distance)} distances: return {wanted}."
            )
        return rows.numpy()

    @property
    def n_bond_features(self) -> int:
        """K."""
        return self.rows(np.array([2.0])).shape[1]


@dataclass(frozen=True)
class Data:
    """Crystals with a target, and which of them train, choose the best epoch, and test.

    Attributes:
        graphs: C quotient graphs.
        target: (C,) in eV/atom.
        train, val, test: rows.
    """

    graphs: Sequence[QuotientGraph]
    target: np.ndarray
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


@cache
def perovskites(split: str = "formula") -> Data:
    """The course's 700 perovskites, formation energies in eV/atom.

    Args:
        split: "formula", or "leave_out_X" to test on the crystals with X on B.
    """
    dataset = load_perovskites()
    parts = load_split(dataset, split)
    rows = (np.asarray(part) for part in (parts.train, parts.val, parts.test))
    return Data(_quotients(), dataset.target(FORMATION_ENERGY), *rows)


@cache
def _quotients() -> list[QuotientGraph]:
    return quotients(load_perovskites().graphs())


@dataclass(frozen=True)
class Trained:
    """A network, what it is told, and how to read what it says.

    Attributes:
        network: with the weights that were kept, in evaluation mode and double precision.
        inputs: of the network.
        objective: turns outputs into eV/atom.
        seconds: processor time of the training.
    """

    network: QuotientNetwork
    inputs: Inputs
    objective: Normalizer
    seconds: float

    @property
    def n_parameters(self) -> int:
        """Trained numbers."""
        return sum(weight.numel() for weight in self.network.parameters())

    @torch.no_grad()
    def predict(self, graphs: Sequence[QuotientGraph]) -> np.ndarray:
        """Energies (C,) of crystals in eV/atom."""
        batch = self.inputs.prepare(graphs, torch.float64).batch(range(len(graphs)))
        return self.objective.decode(self.network(batch))


def fit(
    data: Data, inputs: Inputs, seed: int = 0, epochs: int = EPOCHS, progress: bool = True
) -> Trained:
    """Train a gated network; nothing is trained while nbgrader is grading.

    Args:
        data: training and validation rows are used; no other.
        inputs: what the network is told.
        seed: of the first weights and of the order of the batches.
        epochs: over the training rows.
        progress: show a bar in a notebook.
    """
    objective = Normalizer.fit(data.target[data.train])
    return fit_with(objective, data, inputs, seed, epochs, BATCH_SIZE, progress=progress)


def fit_with(
    objective: Normalizer,
    data: Data,
    inputs: Inputs,
    seed: int,
    epochs: int,
    batch_size: int,
    loader: type[QuotientLoader] = QuotientLoader,
    progress: bool = True,
) -> Trained:
    """Train with any objective and batches; other arguments as for fit."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = QuotientNetwork(inputs.atoms.n_features, inputs.n_bond_features)
    begun = time.process_time()
    if not autograding():
        settings = TrainSettings(epochs=epochs, batch_size=batch_size, seed=seed)
        loaders: list[Any] = [  # QuotientLoader is used like CrystalLoader
            loader(
                inputs.prepare([data.graphs[row] for row in rows]),
                data.target[rows],
                batch_size,
                shuffle,
                seed,
            )
            for rows, shuffle in ((data.train, True), (data.val, False))
        ]
        how = {"step": engine_step, "make_optimizer": FlatAdamW}
        train(network, loaders[0], loaders[1], objective, settings, progress, **how)
    return Trained(network.double().eval(), inputs, objective, time.process_time() - begun)


def test_error(trained: Trained, data: Data, symbol: str = "") -> float:
    """Mean absolute error on the test rows, in eV/atom.

    Args:
        trained: a network.
        data: whose test rows are used.
        symbol: of an element; then only perovskites with it count.

    Raises:
        CrystalGraphError: no test crystal has this element.
    """
    names = load_perovskites().ids
    rows = [row for row in data.test if not symbol or symbol in names[row].split("-")]
    if not rows:
        raise CrystalGraphError(f"No test crystal has the element {symbol!r}: try O, Sr or Ti.")
    predicted = trained.predict([data.graphs[row] for row in rows])
    return float(np.abs(predicted - data.target[rows]).mean())


def place_of(name: str) -> int:
    """The row of a perovskite, "Sr-Zr-O"; raises CrystalGraphError where there is none."""
    names = load_perovskites().ids
    if name not in names:
        known = ", ".join(names[:3])
        raise CrystalGraphError(f"There is no perovskite {name!r}: write A-B-X, such as {known}.")
    return names.index(name)


def cost(inputs: Inputs, epochs: int = 6) -> tuple[float, int]:
    """What a training costs: processor seconds per epoch, and trained numbers.

    Args:
        inputs: what the network is told.
        epochs: that are timed. What is done once, such as tables of inputs, is subtracted: it is
            the time of a training of one epoch, less that epoch.
    """
    data = perovskites()
    one, more = (fit(data, inputs, epochs=n, progress=False) for n in (1, 1 + epochs))
    return max(0.0, more.seconds - one.seconds) / epochs, more.n_parameters


def cost_of_atoms(n: int) -> tuple[int, float, int]:
    """Length, seconds per epoch and trained numbers for vectors of n random bits for each atom."""
    return n, *cost(Inputs(random_features(n=n)))


def cost_of_bonds(n: int) -> tuple[int, float, int]:
    """Length, seconds per epoch and trained numbers for n Gaussians for each bond."""
    return n, *cost(Inputs(bonds=partial(gaussians, n=n)))
