"""The bug clinic: one small training program, and nine patients that each have one line wrong.

The program is text, so that what is shown to students is what runs. It is a network without
convolutions on the mean features of a crystal, small enough to see what a wrong line does.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from pymatgen.core import Structure
from torch import Tensor, nn

from crystalgraph.crystals.bond_features import BondSettings, make_bond_features
from crystalgraph.crystals.datasets import CrystalDataset, split_by_groups
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import build_graph
from crystalgraph.errors import CrystalGraphError

EPOCHS = 40
"""Of a patient's training."""

PROGRAM = """\
def training(describe, targets, formulas, seed, epochs):
    torch.manual_seed(seed)
    {split}
    mean, std = {normalizer}
    goal = (targets - mean) / std
    {describe}
    {mask}
    network = nn.Sequential(
        nn.Linear(133, 32), nn.BatchNorm1d(32), nn.Softplus(), nn.Linear(32, 1)
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=0.005, momentum=0.9)
    best, kept = np.inf, None
    for epoch in range(epochs):
        {again}
        {rate}
        network.train()
        for rows in {batches}:
            loss = ({prediction} - goal[rows]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        {mode}
        error = (network(inputs[val]).squeeze(1) * std + mean - targets[val]).abs().mean().item()
        report(network(inputs[train]).squeeze(1) * std + mean, targets[train], error)
        if {better}:
            best, kept = error, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    return (network(inputs[test]).squeeze(1) * std + mean - targets[test]).abs().mean().item()
"""

RIGHT = {
    "split": "train, val, test = by_formula(formulas, seed)",
    "normalizer": "targets[train].mean(), targets[train].std()",
    "describe": "inputs = torch.stack([describe(row) for row in range(len(targets))])",
    "mask": "inputs[~inputs.isfinite()] = 0  # what is not known counts as 0",
    "rate": "optimizer.param_groups[0]['lr'] = 0.005 * 0.97**epoch",
    "again": "",
    "batches": "train[torch.randperm(len(train))].tensor_split(6)",
    "prediction": "network(inputs[rows]).squeeze(1)",
    "mode": "network.eval()",
    "better": "error < best",
}
"""Lines of the program that is well."""

WRONG: dict[str, dict[str, str]] = {
    "A": {"better": "True"},
    "B": {"prediction": "network(inputs[rows])"},
    "C": {"rate": "optimizer.param_groups[0]['lr'] = 0.005 * 1.4**epoch"},
    "D": {"describe": "", "mask": "", "again": f"{RIGHT['describe']}\n        {RIGHT['mask']}"},
    "E": {"mask": "inputs[inputs.isfinite()] = 0  # what is not known counts as 0"},
    "F": {"split": "train, val, test = test_by_formula_others_by_crystal(formulas, seed)"},
    "G": {"normalizer": "targets.mean(), targets.std()"},
    "H": {"mode": ""},
    "I": {"batches": "train[torch.randperm(len(train))].split(16)"},
}
"""Patient -> its lines that differ."""

SEVEN_AT_ONCE = """\
def sick_training(describe, targets, train, val, test, seed):
    torch.manual_seed(seed)
    mean, std = targets.mean(), targets.std()
    network = nn.Sequential(nn.LazyLinear(32), nn.BatchNorm1d(32), nn.Softplus(), nn.Linear(32, 1))
    curve = []
    for epoch in range(60):
        inputs = torch.stack([describe(row) for row in range(len(targets))])
        inputs[inputs.isfinite()] = 0  # what is not known counts as 0
        prediction = network(inputs) * std + mean
        if epoch == 0:
            optimizer = torch.optim.SGD(network.parameters(), lr=2, momentum=0.9)
        for rows in train[torch.randperm(len(train))].split(8):
            loss = (network(inputs[rows]) - (targets[rows] - mean) / std).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        curve.append((prediction.squeeze(1) - targets)[val].abs().mean().item())
    return curve, prediction.squeeze(1)
"""
"""A training that students mend."""


def code_of(patient: str) -> str:
    """The program of a patient, "A" to "I".

    Args:
        patient: its letter.

    Raises:
        CrystalGraphError: there is no such patient.
    """
    if patient not in WRONG:
        raise CrystalGraphError(f"There is no patient {patient!r}: give a letter from A to I.")
    lines = PROGRAM.format(**RIGHT | WRONG[patient]).splitlines()
    return "\n".join(line for line in lines if line.strip())


@dataclass
class Chart:
    """What is known of a patient's training.

    Attributes:
        train, val: mean absolute error after each epoch, in eV/atom.
        seconds: of each epoch, by the processor.
        test: mean absolute error in eV/atom; NaN where the training did not end.
        fault: what stopped it; empty where nothing did.
    """

    train: list[float] = field(default_factory=list)
    val: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    test: float = float("nan")
    fault: str = ""


@dataclass(frozen=True)
class Ward:
    """The crystals that all patients are trained on.

    Attributes:
        structures: C crystals.
        formulas: C reduced formulas.
        targets: (C,) in eV/atom.
        n_train: crystals to train on.
    """

    structures: list[Structure]
    formulas: list[str]
    targets: Tensor
    n_train: int = 65


def ward(dataset: CrystalDataset, targets: np.ndarray, polymorphs: int = 5) -> Ward:
    """The crystals of a data set of which there are several of one formula.

    Args:
        dataset: C crystals.
        targets: (C,) in eV/atom.
        polymorphs: that a formula has at least.
    """
    formulas = dataset.formulas()
    count = Counter(formulas)
    rows = [row for row, formula in enumerate(formulas) if count[formula] >= polymorphs]
    values = torch.tensor(targets[rows], dtype=torch.float32)
    return Ward([dataset.structures[row] for row in rows], [formulas[row] for row in rows], values)


def describe(structure: Structure) -> Tensor:
    """Numbers (133,) of a crystal: mean atom features and mean bond features of its graph."""
    graph = build_graph(structure)
    atoms = published_features().matrix(graph.atomic_numbers).mean(axis=0)
    bonds = make_bond_features(graph.distance, BondSettings()).mean(axis=0)
    return torch.tensor(np.concatenate([atoms, bonds]), dtype=torch.float32)


def admit(patient: str, those: Ward, epochs: int = EPOCHS) -> Chart:
    """Run a patient's training.

    Args:
        patient: "A" to "I", or "" for the program that is well.
        those: the crystals.
        epochs: of training.

    Returns:
        What happened; an error of the program is in it.
    """
    chart, begun = Chart(), time.process_time()

    def report(predicted: Tensor, known: Tensor, error: float) -> None:
        nonlocal begun
        now = time.process_time()
        chart.train.append((predicted - known).abs().mean().item())
        chart.val.append(error)
        chart.seconds.append(now - begun)
        begun = now

    training = _program(patient, those, report)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of broadcasting: students should find that themselves
        try:
            chart.test = training(
                lambda row: describe(those.structures[row]),
                those.targets,
                those.formulas,
                0,
                epochs,
            )
        except (ValueError, TypeError) as error:
            chart.fault = f"{type(error).__name__}: {error}"
    return chart


def _program(patient: str, those: Ward, report: Callable[..., None]) -> Callable[..., float]:
    """The function of a patient's text, with the names that it uses."""
    names: dict[str, Any] = {"torch": torch, "nn": nn, "np": np, "copy": copy, "report": report}
    names["by_formula"] = lambda formulas, seed: _parts(formulas, seed, those.n_train)
    names["test_by_formula_others_by_crystal"] = lambda formulas, seed: _mixed_parts(
        formulas, seed, those.n_train
    )
    text = code_of(patient) if patient else PROGRAM.format(**RIGHT)
    exec(text, names)
    return names["training"]


def _parts(formulas: list[str], seed: int, n_train: int) -> tuple[Tensor, ...]:
    """Train, validation and test rows; no formula in two parts, n_train rows to train on."""
    split = split_by_groups(formulas, "formula", seed, (0.15, 0.2))
    return tuple(torch.as_tensor(rows) for rows in (split.train[:n_train], split.val, split.test))


def _mixed_parts(formulas: list[str], seed: int, n_train: int) -> tuple[Tensor, ...]:
    """The same test rows, the others distributed one by one."""
    train, val, test = _parts(formulas, seed, n_train)
    others = torch.cat([train, val])
    others = others[torch.as_tensor(np.random.default_rng(seed).permutation(len(others)))]
    return others[: len(train)], others[len(train) :], test
