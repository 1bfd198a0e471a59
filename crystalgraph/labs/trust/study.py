"""The trainings of the lab: a network on perovskites and oxides, and what is measured with it.

Each experiment gives plain numbers by name. While nbgrader is grading nothing is trained, and
numbers from data/trust are shown, which `python -m crystalgraph.labs.trust.record` has written.
"""

from __future__ import annotations

import copy
import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from crystalgraph.checking.autograding import autograding
from crystalgraph.crystals.bond_features import BondSettings
from crystalgraph.crystals.datasets import (
    FORMATION_ENERGY,
    CrystalDataset,
    Split,
    load_oxides,
    load_perovskites,
    load_split,
    make_split,
)
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import CrystalGraph, GraphSettings
from crystalgraph.crystals.symmetry import QuotientGraph, quotients
from crystalgraph.errors import CrystalGraphWarning
from crystalgraph.experiments.baselines import element_fractions, ridge
from crystalgraph.experiments.in_force import require_current
from crystalgraph.labs.trust import clinic
from crystalgraph.networks.engine.batches import PreparedQuotients
from crystalgraph.networks.engine.flat_adamw import FlatAdamW
from crystalgraph.networks.engine.network import QuotientNetwork
from crystalgraph.networks.engine.training import QuotientLoader, engine_step
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.references import ElementReferences
from crystalgraph.networks.training import Normalizer, TrainSettings, outputs, train
from crystalgraph.networks.training_run import CODE_VERSIONS
from crystalgraph.paths import DATA

FINISHED = DATA / "trust" / "finished.json"
EPOCHS = 100
SEEDS = (0, 1, 2)
SIZES = (31, 61, 123, 245)
Numbers = dict[str, Any]
"""What an experiment gives: lists and numbers by name."""


def measured(name: str) -> Numbers:
    """What an experiment gives: run now, once, or while nbgrader is grading as it was recorded.

    Args:
        name: of EXPERIMENTS.
    """
    return recorded(name) if autograding() else copy.deepcopy(_run_now(name))


def recorded(name: str) -> Numbers:
    """What an experiment gave when it was recorded.

    Args:
        name: of EXPERIMENTS.

    Raises:
        CrystalGraphError: it was recorded with other settings than those of today.
    """
    one = json.loads(FINISHED.read_text(encoding="utf-8"))[name]
    command = f"python -m crystalgraph.labs.trust.record {name!r}"
    require_current(one.get("in_force", {}), in_force(name), FINISHED, command)
    return one["gave"]


_OF_SEARCHES = ("LENGTHS", "NOISE", "FIRST", "TRIALS", "SEEDS")


def in_force(name: str) -> Numbers:
    """Settings and versions that an experiment is run with today.

    Args:
        name: of EXPERIMENTS.
    """
    from crystalgraph.labs.trust import search as searches

    own: dict[str, Numbers] = {
        "learning curve": {"sizes": SIZES},
        "sensitivity": {"changes": CHANGES},
        "clinic": {"patients_epochs": clinic.EPOCHS},
        "search": {name: getattr(searches, name) for name in _OF_SEARCHES},
    }
    return own.get(name, {}) | {
        "train_settings": asdict(TrainSettings(epochs=EPOCHS)),
        "graph_settings": asdict(GraphSettings()),
        "network": ModelSettings.in_force(QuotientNetwork).options,
        "features": published_features().key,
        "versions": CODE_VERSIONS,
        "seeds": SEEDS,
    }


@cache
def _run_now(name: str) -> Numbers:
    """Kept, so that a cell that failed after its trainings is run again in a moment."""
    return EXPERIMENTS[name]()


def bar(items: Iterable[Any], what: str) -> Iterable[Any]:
    """The items, with a progress bar where somebody sees it."""
    return tqdm(items, what, disable=None, leave=False)


# ---- one training


@dataclass(frozen=True)
class Trained:
    """A network, and what it says of all crystals.

    Attributes:
        network: with the weights of its best epoch, in evaluation mode.
        prediction: (C,) in eV/atom.
    """

    network: QuotientNetwork
    prediction: np.ndarray

    def error(self, targets: np.ndarray, rows: np.ndarray) -> float:
        """Mean absolute error of some crystals, in eV/atom."""
        return float(np.abs(self.prediction - targets)[rows].mean())


def train_network(
    graphs: Sequence[QuotientGraph],
    targets: np.ndarray,
    split: Split,
    settings: TrainSettings,
    **options: Any,
) -> Trained:
    """Train a gated network on quotient graphs, with the weights of the best epoch in the end.

    Args:
        graphs: C quotient graphs.
        targets: (C,) in eV/atom.
        split: rows to train on and to choose the epoch on.
        settings: how; the seed also draws the first weights.
        options: of QuotientNetwork, such as width or n_conv.
    """
    features = published_features()

    def loader(rows: Sequence[int] | np.ndarray, shuffle: bool = False) -> Any:
        table = PreparedQuotients([graphs[row] for row in rows], features)
        return QuotientLoader(table, targets[rows], settings.batch_size, shuffle, settings.seed)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = QuotientNetwork(features.n_features, BondSettings().n_centers, **options)
    objective = Normalizer.fit(targets[split.train])
    fit, val = loader(split.train, shuffle=True), loader(split.val)
    step: dict[str, Any] = {"step": engine_step, "make_optimizer": FlatAdamW}
    train(network, fit, val, objective, settings, progress=False, **step)
    every: Any = loader(np.arange(len(graphs)))
    return Trained(network.eval(), objective.decode(outputs(network, every)))


@cache
def perovskites() -> tuple[CrystalDataset, list[QuotientGraph], np.ndarray, Split]:
    """The 700 perovskites with quotient graphs, formation energies (eV/atom), formula split."""
    dataset = load_perovskites()
    targets = dataset.target(FORMATION_ENERGY)
    return dataset, quotients(dataset.graphs()), targets, load_split(dataset, "formula")


def perovskite_network(seed: int, n_train: int | None = None, **changes: Any) -> Trained:
    """The network of a seed, trained on the formula split.

    Args:
        seed: of everything random.
        n_train: training crystals, drawn with the seed; default all 491.
        changes: k of the graphs, epochs, learning_rate or batch_size of the training, or options
            of the network.
    """
    dataset, graphs, targets, split = perovskites()
    if "k" in changes:
        graphs = quotients(dataset.graphs(k=changes.pop("k")))
    if n_train:
        rows = np.random.default_rng(seed).choice(split.train, n_train, replace=False)
        split = Split("part", rows, split.val, split.test)
    own = {name: changes.pop(name) for name in set(TrainSettings.__annotations__) & changes.keys()}
    settings = TrainSettings(**{"epochs": EPOCHS, "seed": seed} | own)
    return train_network(graphs, targets, split, settings, **changes)


@cache
def member(seed: int) -> Trained:
    """The default network of a seed, trained once."""
    return perovskite_network(seed)


# ---- experiments


def ensemble() -> Numbers:
    """Targets of the test crystals, and what three networks say of them, in eV/atom."""
    dataset, _, targets, split = perovskites()
    return {
        "row": split.test.tolist(),
        "target": targets[split.test].tolist(),
        "prediction": [
            member(seed).prediction[split.test].tolist() for seed in bar(SEEDS, "networks")
        ],
    }


def learning_curve() -> Numbers:
    """Test error in eV/atom for numbers of training crystals, each for two seeds."""
    _, _, targets, split = perovskites()
    seeds = SEEDS[:2]
    errors = [
        [perovskite_network(seed, n).error(targets, split.test) for seed in seeds]
        for n in bar(SIZES, "sizes")
    ]
    errors.append([member(seed).error(targets, split.test) for seed in seeds])
    return {"size": [*SIZES, len(split.train)], "error": errors}


CHANGES: dict[str, tuple[Numbers, ...]] = {
    "neighbors": ({"k": 4}, {"k": 24}),
    "convolutions": ({"n_conv": 1}, {"n_conv": 5}),
    "width": ({"width": 16}, {"width": 128}),
    "learning rate": ({"learning_rate": 5e-4}, {"learning_rate": 2e-2}),
    "batch size": ({"batch_size": 16}, {"batch_size": 245}),
    "epochs": ({"epochs": 25}, {"epochs": 200}),
}
"""Setting -> the two other values that are tried; each run changes one setting only."""


def sensitivity() -> Numbers:
    """Test error in eV/atom with 245 training crystals when one setting is another one."""
    _, _, targets, split = perovskites()

    def error(seed: int = 0, **changes: Any) -> float:
        return perovskite_network(seed, 245, **changes).error(targets, split.test)

    found = {"default": [error(seed) for seed in SEEDS]}
    for setting, values in bar(list(CHANGES.items()), "settings"):
        found[setting] = [error(**value) for value in values]
    return found


@cache
def oxides() -> tuple[CrystalDataset, list[QuotientGraph], np.ndarray, dict[str, Split]]:
    """The 700 oxides with quotient graphs, energies of the potential (eV/atom), two splits."""
    dataset = load_oxides()
    targets = np.array([record["energy_chgnet"] for record in dataset.records])
    splits = {"formula": load_split(dataset, "formula"), "random": make_split(dataset, "random")}
    return dataset, quotients(dataset.graphs()), targets, splits


@cache
def references(split_name: str) -> np.ndarray:
    """The sum over its elements of each oxide (C,), in eV/atom, fitted to the training crystals.

    An element that is in no training crystal gets the mean of all.

    Args:
        split_name: "formula" or "random".
    """
    dataset, _, targets, splits = oxides()
    rows = splits[split_name].train
    fitted = ElementReferences.fit([dataset.structures[row] for row in rows], targets[rows], "atom")
    with warnings.catch_warnings():  # of P and U, each in one or two test crystals
        warnings.simplefilter("ignore", CrystalGraphWarning)
        return np.array([fitted.of([one])[0] for one in dataset.structures])


@cache
def oxide_network(split_name: str, subtract: bool, seed: int = 0) -> Trained:
    """A network trained on a split of the oxides.

    Args:
        split_name: "formula" or "random".
        subtract: the element references, before.
        seed: of the training.
    """
    _, graphs, targets, splits = oxides()
    offset = references(split_name) if subtract else np.zeros(len(targets))
    settings = TrainSettings(epochs=EPOCHS, seed=seed)
    trained = train_network(graphs, targets - offset, splits[split_name], settings)
    return Trained(trained.network, trained.prediction + offset)


def polymorphs(split_name: str) -> np.ndarray:
    """For each test crystal of a split, how many training crystals have its formula.

    Args:
        split_name: "formula" or "random".
    """
    dataset, _, _, splits = oxides()
    formulas, split = dataset.formulas(), splits[split_name]
    count = Counter(formulas[row] for row in split.train)
    return np.array([count[formulas[row]] for row in split.test])


def leak() -> Numbers:
    """Test errors in eV/atom of network and ridge on both splits."""
    dataset, _, targets, splits = oxides()
    found: Numbers = {}
    for name, split in bar(list(splits.items()), "splits"):
        linear = ridge(element_fractions(dataset), targets, split)
        found[name] = {
            "predict the mean": float(
                np.abs(targets - targets[split.train].mean())[split.test].mean()
            ),
            "ridge on element fractions": float(np.abs(linear - targets)[split.test].mean()),
            "network": oxide_network(name, False).error(targets, split.test),
            "network, references": oxide_network(name, True).error(targets, split.test),
        }
    return found


def leak_of_three_seeds() -> Numbers:
    """|error| in eV/atom of each test crystal, [method][seed][crystal], on both splits.

    Twelve trainings: too long for a notebook, so it shows the recorded ones.
    """
    dataset, _, targets, splits = oxides()
    found: Numbers = {}
    for name, split in splits.items():
        linear = ridge(element_fractions(dataset), targets, split)
        told = {"ridge on element fractions": [linear]}
        for method, subtract in (("network", False), ("network, references", True)):
            told[method] = [oxide_network(name, subtract, seed).prediction for seed in SEEDS]
        found[name] = {
            method: [np.abs(one - targets)[split.test].tolist() for one in predictions]
            for method, predictions in told.items()
        }
    return found


# ---- gates


def atom_by_atom(graph: CrystalGraph) -> QuotientGraph:
    """A crystal's graph with nothing put together, in the form that the network reads."""
    atoms, edges = np.ones(graph.n_atoms, dtype=int), np.ones(graph.n_edges, dtype=int)
    ends = graph.center, graph.neighbor, graph.distance
    return QuotientGraph(graph.name, graph.atomic_numbers, atoms, *ends, edges, 0.0)


def gates(n_crystals: int = 60) -> Numbers:
    """The mean gate of each edge of some test crystals, in each layer of the trained networks.

    Args:
        n_crystals: of the test part.

    Returns:
        "distance" (E,) in angstrom, "center" and "neighbor" (E,) atomic numbers, and
        "gate" [seed][layer][E].
    """
    dataset, _, _, split = perovskites()
    built = dataset.graphs()
    some = [built[row] for row in split.test[:n_crystals]]
    numbers = np.concatenate([one.atomic_numbers[one.neighbor] for one in some])
    centers = np.concatenate([one.atomic_numbers[one.center] for one in some])
    distance = np.concatenate([one.distance for one in some])
    return {
        "distance": distance.round(4).tolist(),
        "center": centers.tolist(),
        "neighbor": numbers.tolist(),
        "gate": [_mean_gates(member(seed).network, some) for seed in SEEDS],
    }


def _mean_gates(network: QuotientNetwork, graphs: Sequence[CrystalGraph]) -> list[list[float]]:
    """[layer][E], the mean over features of the gate of each edge."""
    prepared = PreparedQuotients([atom_by_atom(one) for one in graphs], published_features())
    batch, found = prepared.batch(range(len(graphs))), []
    with torch.no_grad():
        for layer, state in zip(network.convs, network.states(batch), strict=False):
            ends = state[batch.center], state[batch.neighbor], batch.bond_features[batch.bond]
            z = layer.bn1(layer.fc_full(torch.cat(ends, dim=1)), batch.edge_share, batch.n_edges)
            found.append(torch.sigmoid(z.chunk(2, dim=1)[0]).mean(dim=1).numpy().round(4).tolist())
    return found


# ---- embeddings


def embeddings() -> np.ndarray:
    """Vectors (700, F) of the perovskites, made by a network that has seen only oxides.

    It was trained on energies of other crystals by another method, so that it knows no formation
    energy of a perovskite of this set.
    """
    _, graphs, _, _ = perovskites()
    network = oxide_network("formula", True).network
    batch = PreparedQuotients(graphs, published_features()).batch(range(len(graphs)))
    assert network.pool_last is not None
    with torch.no_grad():
        return network.pool_last(network.states(batch)[-1], batch).double().numpy()


def search_inputs() -> dict[str, np.ndarray]:
    """What the search is given of each perovskite: element fractions, or embeddings."""
    dataset, _, _, _ = perovskites()
    return {"composition": element_fractions(dataset), "embedding": embeddings()}


def search() -> Numbers:
    """Errors of Gaussian processes, and the trials of 20 searches for the most stable crystal."""
    from crystalgraph.labs.trust.search import compare

    return compare(search_inputs(), perovskites()[2])


def patients() -> dict[str, clinic.Chart]:
    """The charts of all patients of the clinic; recorded ones while nbgrader is grading."""
    return {name: clinic.Chart(**chart) for name, chart in measured("clinic").items()}


def _charts() -> Numbers:
    """The charts as plain numbers; whoever builds graphs in every epoch gets few epochs."""
    those = oxide_ward()
    epochs = dict.fromkeys(clinic.WRONG, clinic.EPOCHS) | {"D": 12}
    return {
        name: asdict(clinic.admit(name, those, n))
        for name, n in bar(list(epochs.items()), "patients")
    }


@cache
def oxide_ward() -> clinic.Ward:
    """The crystals of the clinic: oxides of formulas with five or six polymorphs."""
    dataset, _, targets, _ = oxides()
    return clinic.ward(dataset, targets)


EXPERIMENTS: dict[str, Callable[[], Numbers]] = {
    "ensemble": ensemble,
    "learning curve": learning_curve,
    "sensitivity": sensitivity,
    "leak": leak,
    "leak of three seeds": leak_of_three_seeds,
    "gates": gates,
    "search": search,
    "clinic": _charts,
}
