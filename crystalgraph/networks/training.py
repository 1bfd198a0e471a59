"""Training: a plain PyTorch loop with early stopping that keeps the best model."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, nll_loss
from tqdm.auto import tqdm

from crystalgraph.crystals.bond_features import BondSettings
from crystalgraph.crystals.features import AtomFeatures
from crystalgraph.crystals.graphs import CrystalBatch, CrystalGraph, batch_graphs
from crystalgraph.errors import CrystalGraphError

TRAINING_VERSION = 2
"""To be raised when the code trains otherwise with the same settings: optimizer, schedule, loss."""


@dataclass(frozen=True)
class TrainSettings:
    """How to train.

    Recorded whole in finished runs and in checkpoints.

    Attributes:
        epochs: passes over the training set at most.
        batch_size: crystals in a batch.
        learning_rate: highest rate of the one-cycle schedule.
        weight_decay: of AdamW.
        clip: largest allowed norm of the gradient.
        patience: epochs without a better validation error after which training stops.
        seed: of the order of the batches.
    """

    epochs: int = 120
    batch_size: int = 64
    learning_rate: float = 5e-3
    weight_decay: float = 1e-3
    clip: float = 1.0
    patience: int = 40
    seed: int = 0


@dataclass(frozen=True)
class Normalizer:
    """Regression: shifts and scales a target to mean 0 and standard deviation 1, and back.

    Both in float64: a total energy of -1e5 eV in float32 is known to 8 meV only.

    Attributes:
        mean, std: of the training targets, in the target's unit.
    """

    task: ClassVar[str] = "regression"

    mean: float
    std: float

    @classmethod
    def fit(cls, train_targets: np.ndarray) -> Normalizer:
        """Mean and standard deviation of the training targets; of nothing else."""
        if len(train_targets) == 1:
            raise CrystalGraphError(
                "There is only one training crystal, and its target has no spread to learn from; "
                "add crystals."
            )
        if not np.ptp(train_targets) > 0:  # the deviation of equal numbers may be rounded up
            raise CrystalGraphError(
                "All training targets are equal, so there is nothing to learn; "
                "check the target column."
            )
        return cls(float(np.mean(train_targets)), float(np.std(train_targets)))

    def normalize(self, targets: np.ndarray) -> np.ndarray:
        """Targets (C,) in their unit -> dimensionless."""
        return (targets - self.mean) / self.std

    def denormalize(self, prediction: np.ndarray) -> np.ndarray:
        """Dimensionless (C,) -> the target's unit."""
        return prediction * self.std + self.mean

    def loss(self, output: Tensor, normalized: Tensor) -> Tensor:
        """L1 loss of the normalised target, the mean over (C,) crystals."""
        return l1_loss(output, normalized)

    def decode(self, output: Tensor) -> np.ndarray:
        """Output (C,) of the network -> (C,) predictions in the target's unit."""
        return self.denormalize(output.double().numpy())

    def error(self, output: Tensor, targets: np.ndarray) -> float:
        """Mean absolute error of (C,) outputs in the target's unit; it decides what is kept."""
        return float(np.abs(self.decode(output) - targets).mean())

    def curves(self, train_loss: float, val_error: float) -> dict[str, float]:
        """The columns of History after an epoch."""
        return {
            "train_loss": train_loss,
            "train_mae": train_loss * self.std,
            "val_mae": val_error,
        }


@dataclass(frozen=True)
class ClassLabels:
    """Classification: used in place of a Normalizer when the target is a class, 0 or 1.

    There is nothing to shift or scale. The loss is the negative log-likelihood (NLL). It also
    decides which weights are kept: accuracy changes only when a crystal crosses the threshold and
    AUC only when two crystals change order, so on a small validation set both change in steps and
    soon reach their best value, while the NLL still measures how sure the network is.
    """

    task: ClassVar[str] = "classification"

    @classmethod
    def fit(cls, train_targets: np.ndarray) -> ClassLabels:
        """Looks whether the training targets are of both classes; there is nothing to fit."""
        if set(np.unique(train_targets)) != {0.0, 1.0}:
            raise CrystalGraphError(
                "The training targets of a classifier have to be 0 and 1, and both have to occur; "
                "check the target column, or add crystals of the other class."
            )
        return cls()

    def normalize(self, targets: np.ndarray) -> np.ndarray:
        """Classes (C,) as they are."""
        return targets

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """NLL of the true classes, the mean over (C, 2) log-probabilities."""
        return nll_loss(output, target.long())

    def decode(self, output: Tensor) -> np.ndarray:
        """Log-probabilities (C, 2) -> (C,) probabilities of class 1."""
        return output[:, 1].double().exp().numpy()

    def error(self, output: Tensor, targets: np.ndarray) -> float:
        """NLL of (C, 2) outputs; it decides what is kept."""
        return self.loss(output.double(), torch.as_tensor(targets)).item()

    def curves(self, train_loss: float, val_error: float) -> dict[str, float]:
        """The columns of History after an epoch."""
        return {"train_loss": train_loss, "val_loss": val_error}


Objective = Normalizer | ClassLabels
"""How the network's output and the target go together: loss, predictions, what is reported."""

OBJECTIVES: dict[str, type[Objective]] = {kind.task: kind for kind in (Normalizer, ClassLabels)}


@dataclass
class CrystalLoader:
    """Batches of crystals with their targets.

    Attributes:
        graphs: C graphs.
        targets: (C,) in the target's unit.
        features: turns atomic numbers into atom features.
        batch_size: crystals in a batch.
        shuffle: draw a new order in every pass.
        seed: of the order.
        device: where the batches are put.
        bonds: how distances become bond features.
    """

    graphs: Sequence[CrystalGraph]
    targets: np.ndarray
    features: AtomFeatures
    batch_size: int = 64
    shuffle: bool = False
    seed: int = 0
    device: torch.device | str = "cpu"
    bonds: BondSettings = field(default_factory=BondSettings)

    def __post_init__(self) -> None:
        self.generator = np.random.default_rng(self.seed)

    def __len__(self) -> int:
        return -(-len(self.graphs) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[CrystalBatch, Tensor]]:
        n_crystals = len(self.graphs)
        order = self.generator.permutation(n_crystals) if self.shuffle else np.arange(n_crystals)
        for rows in np.array_split(order, len(self)):
            graphs = [self.graphs[row] for row in rows]
            batch = batch_graphs(graphs, self.features, bonds=self.bonds)
            target = torch.as_tensor(self.targets[rows], dtype=torch.float32)
            yield batch.to(self.device), target.to(self.device)


@dataclass
class History:
    """What happened during training, one entry per epoch.

    Attributes:
        step: gradient steps done so far.
        train_loss: mean loss, averaged over the epoch in which the weights still changed: L1 of
            the normalised target, or NLL; dimensionless.
        train_mae, val_mae: mean absolute error in the target's unit, the first averaged like
            train_loss; empty for a classifier.
        val_loss: NLL of the validation crystals; empty for a regression.
        learning_rate: at the end of the epoch.
        seconds: since the start.
        best_epoch: number of the epoch whose weights were kept, from 0.
    """

    step: list[int] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    train_mae: list[float] = field(default_factory=list)
    val_mae: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int = -1


def pick_device() -> torch.device:
    """The fastest device there is: cuda, then mps (Apple), then cpu."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def training_step(
    model: nn.Module,
    batch: CrystalBatch,
    target: Tensor,
    optimizer: torch.optim.Optimizer,
    clip: float = 1.0,
    loss_of: Callable[[Tensor, Tensor], Tensor] = l1_loss,
) -> float:
    """One gradient step.

    Args:
        model: in training mode.
        batch: C crystals.
        target: (C,) as loss_of wants it.
        optimizer: over the model's parameters.
        clip: largest allowed norm of the gradient.
        loss_of: the network's output and the target -> loss.

    Returns:
        The loss before the step, dimensionless.
    """
    optimizer.zero_grad()
    loss = loss_of(model(*batch.inputs()), target)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return loss.item()


@torch.no_grad()
def outputs(model: nn.Module, loader: CrystalLoader) -> Tensor:
    """What the network gives for all crystals of a loader that does not shuffle.

    Args:
        model: the network; evaluated in evaluation mode, then left as it was.
        loader: batches in order.

    Returns:
        (C,) or (C, 2), on the CPU.
    """
    was_training = model.training
    model.eval()
    parts = [model(*batch.inputs()).cpu() for batch, _ in loader]
    model.train(was_training)
    return torch.cat(parts)


def validation_error(model: nn.Module, loader: CrystalLoader, objective: Objective) -> float:
    """The number that decides: mean absolute error in the target's unit, or NLL."""
    return objective.error(outputs(model, loader), loader.targets)


def train(
    model: nn.Module,
    train_loader: CrystalLoader,
    val_loader: CrystalLoader,
    objective: Objective,
    settings: TrainSettings,
    progress: bool = True,
    step: Callable[..., float] = training_step,
    make_optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW,
    on_epoch: Callable[[int], object] = lambda epoch: None,
    keep_last: bool = False,
) -> History:
    """Train with AdamW and a one-cycle learning rate; leave the best weights in the model.

    Args:
        model: network, already on the loaders' device; changed in place.
        train_loader: shuffling batches of the training crystals.
        val_loader: batches of the validation crystals; they decide which weights are kept.
        objective: fitted on the training targets.
        settings: how to train.
        progress: show a bar on stderr when that is a terminal or a notebook.
        step: makes one gradient step, called like training_step.
        make_optimizer: AdamW, or a class that is called like it.
        on_epoch: called after each epoch with the number of epochs done.
        keep_last: run all epochs and keep the last weights, for a validation part so small that
            its lowest error is chance. The learning rate has come down to nothing by then.

    Returns:
        The history. The model holds the weights of the epoch with the lowest validation error, or
        of the last one.

    Raises:
        CrystalGraphError: the loss or the validation error is no longer a finite number.
    """
    optimizer = make_optimizer(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, epochs=settings.epochs, steps_per_epoch=len(train_loader)
    )
    fit = copy.copy(train_loader)  # its batches are float32: normalize before
    fit.targets = objective.normalize(np.asarray(train_loader.targets, dtype=float))
    history, best, start = History(), np.inf, time.perf_counter()
    best_weights: dict[str, Tensor] = {}
    bar = tqdm(range(settings.epochs), "training", disable=None if progress else True)
    for epoch in bar:
        model.train()
        loss = _one_epoch(model, fit, objective, optimizer, schedule, settings.clip, step)
        error = validation_error(model, val_loader, objective)
        _require_finite(error, "validation error")
        _record(history, objective.curves(loss, error), schedule, len(train_loader), start)
        bar.set_postfix(validation=f"{error:.4f}")
        on_epoch(epoch + 1)
        if keep_last or error <= best:
            best, history.best_epoch = error, epoch
            best_weights = copy.deepcopy(model.state_dict())
        elif epoch - history.best_epoch >= settings.patience:
            break
    model.load_state_dict(best_weights)
    return history


def _one_epoch(model, loader, objective, optimizer, schedule, clip, step) -> float:
    total, n_crystals = 0.0, 0
    for batch, target in loader:
        loss = step(model, batch, target, optimizer, clip, objective.loss)
        _require_finite(loss, "training loss")
        schedule.step()
        total, n_crystals = total + loss * len(target), n_crystals + len(target)
    return total / n_crystals


def _require_finite(value: float, what: str) -> None:
    if not np.isfinite(value):
        raise CrystalGraphError(
            f"The {what} is no longer a finite number; lower the learning rate, and look for NaN "
            "in the targets."
        )


def _record(history, curves, schedule, steps, start) -> None:
    history.step.append((history.step[-1] if history.step else 0) + steps)
    for name, value in curves.items():
        getattr(history, name).append(value)
    history.learning_rate.append(schedule.get_last_lr()[0])
    history.seconds.append(time.perf_counter() - start)
