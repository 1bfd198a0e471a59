"""Training networks to tell perfect cells from defective ones, and judging them."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from crystalgraph.checking.autograding import autograding
from crystalgraph.crystals.datasets import CrystalDataset, load_split
from crystalgraph.labs.defects.cells import Twins, one_cell
from crystalgraph.labs.defects.making import Cell
from crystalgraph.labs.defects.network import DefectNetwork, Parts

EPOCHS, BATCH_SIZE = 25, 64
LEARNING_RATE, WEIGHT_DECAY, LARGEST_GRADIENT = 5e-3, 1e-3, 1.0
DRAWS = 300
"""Draws of the bootstrap."""
FEW = 20
"""Hosts of each part while nbgrader is grading."""

# ---- hosts


@dataclass(frozen=True)
class Hosts:
    """Names of the hosts to train on, to choose the best epoch on, and to report on."""

    train: list[str]
    val: list[str]
    test: list[str]

    @property
    def all(self) -> list[str]:
        """Every host that is used."""
        return [*self.train, *self.val, *self.test]


def hosts_of_split(dataset: CrystalDataset, name: str = "0") -> Hosts:
    """The hosts of a shipped split: "0", "1", "2" with 300 of them, "all" with 500.

    While nbgrader is grading, nothing trains and a few hosts are enough.
    """
    split, most = load_split(dataset, name), FEW if autograding() else None
    parts = (split.train, split.val, split.test)
    return Hosts(*([dataset.ids[row] for row in rows[:most]] for rows in parts))


# ---- training


@dataclass(frozen=True)
class Trained:
    """A network and how its training went.

    Attributes:
        network: with the weights of the epoch whose validation loss was lowest.
        train_loss: mean loss of each epoch; ln 2 is that of saying "one half" every time.
        seconds: processor time.
    """

    network: DefectNetwork
    train_loss: list[float]
    seconds: float


@dataclass(frozen=True)
class Rows:
    """Rows of a table of twins: to train on, and to choose the best epoch on."""

    train: np.ndarray
    val: np.ndarray


def train(
    readout: str,
    parts: Parts,
    twins: Twins | Sequence[Twins],
    hosts: Hosts,
    seed: int = 0,
    epochs: int = EPOCHS,
) -> Trained:
    """Train a network; while nbgrader is grading, nothing is trained.

    Args:
        readout: one of network.READOUTS.
        parts: what it is made of.
        twins: of one size, or of several: then each epoch draws a size, and the last one chooses
            the best epoch.
        hosts: to train on and to choose on.
        seed: of the first weights, the order of the batches and the sizes.
        epochs: how often each cell is seen.
    """
    tables = [twins] if isinstance(twins, Twins) else list(twins)
    rows = Rows(tables[-1].rows(hosts.train), tables[-1].rows(hosts.val))
    return train_on_rows(readout, parts, tables, rows, seed, epochs)


def train_on_rows(
    readout: str,
    parts: Parts,
    tables: Sequence[Twins],
    rows: Rows,
    seed: int = 0,
    epochs: int = EPOCHS,
) -> Trained:
    """Train a network on any cells; arguments as for train, with rows in place of hosts."""
    torch.manual_seed(seed)
    rng, begun = np.random.default_rng(seed), time.process_time()
    n_classes = tables[0].n_classes
    network = DefectNetwork(readout, parts, 1 if n_classes == 2 else n_classes)
    run = _Run(network, epochs * _n_batches(rows.train))
    best, losses = (np.inf, copy.deepcopy(network.state_dict())), []
    for epoch in range(0 if autograding() else epochs):
        table = tables[int(rng.integers(len(tables)))]
        losses.append(run.epoch(table, rng.permutation(rows.train)))
        if epoch >= epochs // 2 and (epochs - epoch) % 2:  # every second one, and the last
            value = _loss_without_gradient(network, tables[-1], rows.val)
            if value < best[0]:
                best = value, copy.deepcopy(network.state_dict())
    network.load_state_dict(best[1])
    return Trained(network.eval(), losses, time.process_time() - begun)


class _Run:
    """The optimizer of one network.

    Args:
        network: to be trained.
        n_steps: of the whole run.
    """

    def __init__(self, network: DefectNetwork, n_steps: int) -> None:
        self.network, self.weights = network, list(network.parameters())
        self.optimizer = torch.optim.AdamW(self.weights, LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, LEARNING_RATE, total_steps=n_steps
        )

    def epoch(self, table: Twins, rows: np.ndarray) -> float:
        """One step for each batch of rows; the mean loss."""
        self.network.train()
        groups, total = np.array_split(rows, _n_batches(rows)), 0.0
        for group, batch in zip(groups, table.batches(groups), strict=True):
            loss = _loss(self.network(batch), table.label[group])
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.weights, LARGEST_GRADIENT)
            self.optimizer.step()
            self.schedule.step()
            total += loss.item() * len(group)
        return total / len(rows)


def _n_batches(rows: np.ndarray) -> int:
    return max(1, round(len(rows) / BATCH_SIZE))


def _loss(log_odds: torch.Tensor, label: np.ndarray) -> torch.Tensor:
    """Mean negative log-likelihood of labels 0 and 1 (C,), or of several classes (C, n)."""
    if log_odds.ndim == 2:
        return cross_entropy(log_odds, torch.from_numpy(label))
    return binary_cross_entropy_with_logits(log_odds, torch.from_numpy(label).float())


@torch.no_grad()
def _loss_without_gradient(network: DefectNetwork, table: Twins, rows: np.ndarray) -> float:
    return _loss(network.eval()(table.batch(rows)), table.label[rows]).item()


# ---- judging


@torch.no_grad()
def log_odds(network: DefectNetwork, twins: Twins, names: Sequence[str]) -> np.ndarray:
    """What a network says (H, 2) of hosts and of their twins; above 0 it says "a defect"."""
    return network.eval()(twins.batch(twins.rows(names))).numpy().reshape(-1, 2)


@torch.no_grad()
def classes(network: DefectNetwork, table: Twins, names: Sequence[str]) -> np.ndarray:
    """The class (H, n_classes) that a network gives to each cell of hosts; right: 0, 1, 2 ..."""
    odds = network.eval()(table.batch(table.rows(names)))
    return odds.argmax(1).numpy().reshape(-1, table.n_classes)


@torch.no_grad()
def atom_scores(network: DefectNetwork, twins: Twins, rows: np.ndarray) -> np.ndarray:
    """The score (M,) of each kind of atoms of some cells."""
    return network.eval().scores(twins.batch(rows)).squeeze(1).numpy()


@torch.no_grad()
def scores_of_atoms(network: DefectNetwork, cell: Cell) -> np.ndarray:
    """The score (N,) of every atom of one cell, in the order of its structure."""
    table, kind = one_cell(cell)
    return atom_scores(network, table, np.array([0]))[kind]


def is_right(odds: np.ndarray) -> np.ndarray:
    """Whether (H, 2) answers are right: no for the host, yes for its twin."""
    return (odds > 0) == np.array([False, True])


@dataclass(frozen=True)
class Share:
    """A share of right answers and its standard error.

    Attributes:
        value: between 0 and 1.
        error: standard deviation over draws of hosts.
    """

    value: float
    error: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ± {self.error:.3f}"


def share(values: Sequence[np.ndarray]) -> Share:
    """Mean of what was found for hosts, and how far it can be trusted.

    Args:
        values: for each seed (H, ...) numbers of its test hosts. Hosts are drawn with replacement,
            seeds are not: a seed's hosts are others than those of the next.
    """
    hosts = [np.asarray(one, dtype=float).reshape(len(one), -1).mean(axis=1) for one in values]
    rng = np.random.default_rng(0)
    draws = [np.mean([rng.choice(one, len(one)).mean() for one in hosts]) for _ in range(DRAWS)]
    return Share(float(np.mean([one.mean() for one in hosts])), float(np.std(draws)))


def train_with_leak(
    readout: str, parts: Parts, twins: Twins, hosts: Hosts, seed: int = 0
) -> tuple[Trained, np.ndarray]:
    """Split badly: of each training host one twin, drawn at random, is tested on.

    Args:
        readout, parts, twins: as for train.
        hosts: those to train on are used; half of their cells train, a tenth of these chooses.
        seed: of the draw and of the training.

    Returns:
        The network, and whether (H, 1) it is right about the twins it was not trained on.
    """
    pairs, rng = twins.rows(hosts.all).reshape(-1, 2), np.random.default_rng(seed)
    every, first = np.arange(len(pairs)), rng.integers(0, 2, len(pairs))
    seen, unseen = pairs[every, first], pairs[every, 1 - first]
    n_val = len(seen) // 4
    trained = train_on_rows(readout, parts, [twins], Rows(seen, unseen[:n_val]), seed)
    with torch.no_grad():
        odds = trained.network(twins.batch(unseen[n_val:])).numpy()
    return trained, ((odds > 0) == twins.label[unseen[n_val:]])[:, None]
