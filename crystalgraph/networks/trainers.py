"""Who trains a network: the engine, where it gives the same numbers, or the network itself."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from crystalgraph.networks.devices import fastest_device
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.threads import faster_threads_for
from crystalgraph.networks.training import (
    CrystalLoader,
    History,
    Objective,
    TrainSettings,
    train,
    training_step,
)

ENGINE = "the engine"


@dataclass
class Trainer:
    """What is trained, and how.

    Attributes:
        name: what trains, and why it is not the engine.
        model: receives the best weights; on the CPU.
        network: the model itself, or the engine with its weights.
        fit, val: loaders of training and validation crystals, as the network takes them.
        step: makes one gradient step.
        make_optimizer: of the network's parameters.
    """

    name: str
    model: nn.Module
    network: nn.Module
    fit: Any
    val: Any
    step: Callable[..., float] = training_step
    make_optimizer: Callable[..., Any] = torch.optim.AdamW

    def train(
        self,
        objective: Objective,
        settings: TrainSettings,
        device: torch.device | str | None = None,
        progress: bool = True,
        on_epoch: Callable[[int], object] = lambda epoch: None,
        keep_last: bool = False,
    ) -> tuple[History, dict[str, Any]]:
        """Train; the model has the best weights then, and is on the CPU.

        Args:
            objective, settings, progress, on_epoch, keep_last: as for training.train.
            device: None for the one on which a step is fastest.

        Returns:
            The history, and {"device", "threads"} it was made on.
        """
        step_on = partial(self._step_on, objective)
        device = torch.device(device) if device else fastest_device(step_on)
        self.network.to(device)
        self.fit.device = self.val.device = device
        how = {"step": self.step, "make_optimizer": self.make_optimizer, "on_epoch": on_epoch}
        how["keep_last"] = keep_last
        with faster_threads_for(lambda: step_on(device)) as threads:
            history = train(self.network, self.fit, self.val, objective, settings, progress, **how)
        self.model.load_state_dict(self.network.state_dict())
        self.model.to("cpu")
        return history, {"device": device.type, "threads": threads}

    def _step_on(self, objective: Objective, device: torch.device) -> Callable[[], float]:
        """A training step on a device, of a copy of the network: to be timed."""
        loader = copy.copy(self.val)
        loader.device = device
        batch, target = next(iter(loader))
        network = copy.deepcopy(self.network).to(device).train()
        optimizer = self.make_optimizer(network.parameters())
        target = torch.zeros_like(target)
        return lambda: self.step(network, batch, target, optimizer, 1.0, objective.loss)


def choose_trainer(
    model: nn.Module, settings: ModelSettings, fit: CrystalLoader, val: CrystalLoader
) -> Trainer:
    """The engine, if it gives the network's numbers on a few training crystals.

    Args:
        model: with its first weights, on the CPU.
        settings: it was built with.
        fit, val: loaders of the training and validation crystals.
    """
    from crystalgraph.networks.engine import agreement, training  # not in students' sandbox

    try:
        engine = agreement.engine_for(model, settings, fit.graphs, fit.features, fit.bonds)
    except agreement.Disagreement as reason:
        return Trainer(f"the network itself, since {reason}", model, model, fit, val)
    fit_engine, val_engine = (training.QuotientLoader.of(loader) for loader in (fit, val))
    how = {"step": training.engine_step, "make_optimizer": training.FlatAdamW}
    return Trainer(ENGINE, model, engine, fit_engine, val_engine, **how)
