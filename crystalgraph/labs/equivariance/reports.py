"""Reports on predictions of the gap, honest and otherwise: what each kind claims.

A report is a dictionary of what was published with it: predictions and true values, the claimed
error, and how the samples and the epoch were chosen.
"""

from __future__ import annotations

import numpy as np
import torch

from crystalgraph.checking.autograding import autograding
from crystalgraph.labs.equivariance.baselines import bag_of_distances, kernel_ridge
from crystalgraph.labs.equivariance.molecules import HARTREE, Molecules
from crystalgraph.labs.equivariance.networks import two_layers
from crystalgraph.labs.equivariance.training import absolute

HONEST = "honest"
KINDS = (
    HONEST,
    "labels never read",
    "MAD units",
    "mean of all targets",
    "hartree",
    "median",
    "copies in both parts",
    "epoch chosen on test",
    "first rows",
)
"""What a report may be."""


def deviation(values: np.ndarray) -> np.ndarray:
    """Mean absolute deviation from the mean, column by column."""
    return np.abs(values - values.mean(axis=0)).mean(axis=0)


def claim(kind: str, predicted: np.ndarray, true: np.ndarray, train: np.ndarray, gap: int) -> float:
    """The number that a report of a kind claims as "MAE of the gap in eV".

    Args:
        kind: one of KINDS; those about samples and epochs claim the true error.
        predicted, true: (M, T) of the test molecules, energies in eV.
        train: (n, T) targets of the training molecules.
        gap: column of the gap.
    """
    errors = np.abs(predicted - true)
    claims = {
        "labels never read": (deviation(predicted) / deviation(train))[gap],
        "MAD units": (errors.mean(axis=0) / deviation(train))[gap],
        "mean of all targets": (errors.mean(axis=0) / deviation(train)).mean(),
        "hartree": errors[:, gap].mean() / HARTREE,
        "median": np.median(errors[:, gap]),
    }
    return float(claims.get(kind, errors[:, gap].mean()))


# --- nine reports on real molecules --------------------------------------------------------------


def nine_reports(molecules: Molecules, predicted: np.ndarray, bag: np.ndarray) -> dict[str, dict]:
    """One report of each kind, in an order that tells nothing.

    Args:
        molecules: with targets.
        predicted: (2000, T) of the test molecules by a network trained on 2,000 molecules.
        bag: (M, K) bag_of_distances of all molecules, for the reports on a kernel model.

    Returns:
        Kind -> report.
    """
    test, train = molecules.parts["test"], molecules.parts["train"][:2000]
    chosen = {
        "copies in both parts": _copies,
        "epoch chosen on test": _best_on_test,
        "first rows": _first_rows,
    }
    made = {}
    for kind in np.random.default_rng(4).permutation(KINDS):
        if kind in chosen:
            made[str(kind)] = chosen[kind](molecules, bag)
        else:
            made[str(kind)] = _report(molecules, str(kind), train, test, predicted)
    return made


def _report(
    molecules: Molecules,
    kind: str,
    train: np.ndarray,
    test: np.ndarray,
    predicted: np.ndarray,
    curves: tuple[list[float], list[float], int] = ([0.0], [0.0], 0),
) -> dict:
    """A report of a kind.

    Args:
        molecules: with targets.
        kind: one of KINDS.
        train, test: rows of the samples.
        predicted: (len(test), T).
        curves: errors on validation and on test for each epoch, and the epoch that was used.
    """
    gap = molecules.names.index("gap")
    true, known = molecules.targets[test], molecules.targets[train]
    val_errors, test_errors, epoch = curves
    return {
        "claimed": claim(kind, predicted, true, known, gap),
        "gap": gap,
        "predicted": predicted,
        "true": true,
        "train_true": known,
        "train_molecules": molecules.index[train],
        "test_molecules": molecules.index[test],
        "all_molecules": molecules.index,
        "val_errors": np.array(val_errors),
        "test_errors": np.array(test_errors),
        "epoch": epoch,
    }


def _copies(molecules: Molecules, bag: np.ndarray) -> dict:
    """500 molecules in three copies, shaken by 0.01 angstrom, split at random."""
    rng = np.random.default_rng(1)
    rows = np.tile(molecules.parts["train"][:500], 3)
    shaken = [
        molecules.positions[row] + rng.normal(0, 0.01, (len(molecules.positions[row]), 3))
        for row in rows
    ]
    features = bag_of_distances([molecules.kinds[row] for row in rows], shaken)
    train, test = np.split(rng.permutation(len(rows)), [1200])
    guess = kernel_ridge(features[train], molecules.targets[rows[train]], features[test])
    return _report(molecules, "copies in both parts", rows[train], rows[test], guess)


def _first_rows(molecules: Molecules, bag: np.ndarray) -> dict:
    """Training and test molecules from the first 3,000 rows of the file."""
    train, test = np.split(np.random.default_rng(2).permutation(3000)[:2000], [1000])
    guess = kernel_ridge(bag[train], molecules.targets[train], bag[test])
    return _report(molecules, "first rows", train, test, guess)


def _best_on_test(molecules: Molecules, bag: np.ndarray) -> dict:
    """A small network on the bag of distances, trained at a constant rate; 100 test molecules."""
    train, val, test = (molecules.parts[name] for name in ("train", "val", "test"))
    train, val, test = train[:1000], val[:100], test[:100]
    gap = molecules.names.index("gap")
    on_val: list[float] = []
    on_test: list[float] = []
    guesses: list[np.ndarray] = []
    for seed in range(20):  # the first in which validation would have chosen another epoch
        guesses = _guesses_after_each_epoch(molecules, bag, train, seed)
        errors = [np.abs(guess - molecules.targets)[:, gap] for guess in guesses]
        on_val, on_test = ([float(e[part].mean()) for e in errors] for part in (val, test))
        if np.argmin(on_test) != np.argmin(on_val):
            break
    best = int(np.argmin(on_test))
    curves = on_val, on_test, best
    return _report(molecules, "epoch chosen on test", train, test, guesses[best][test], curves)


def _guesses_after_each_epoch(
    molecules: Molecules, bag: np.ndarray, train: np.ndarray, seed: int
) -> list[np.ndarray]:
    """What the network predicts for all molecules, (M, T) after each of 20 epochs."""
    x = (bag - bag[train].mean(axis=0)) / (deviation(bag[train]) + 0.05)
    level, spread = molecules.targets[train].mean(axis=0), deviation(molecules.targets[train])
    inputs = torch.from_numpy(x).float()
    wanted = torch.from_numpy((molecules.targets - level) / spread).float()
    guesses = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = two_layers(inputs.shape[1], 64, wanted.shape[1])
        optimizer = torch.optim.Adam(network.parameters(), 3e-3)
        for _ in range(2 if autograding() else 20):
            for part in torch.randperm(len(train)).split(16):
                rows = train[part.numpy()]
                optimizer.zero_grad()
                absolute(network(inputs[rows]), wanted[rows]).backward()
                optimizer.step()
            with torch.no_grad():
                guesses.append(network(inputs).numpy() * spread + level)
    return guesses
