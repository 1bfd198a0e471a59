"""Fine-tuning: weights of a checkpoint, ours or a published one, to begin a training with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.predictor import load_any_checkpoint
from crystalgraph.networks.published import PublishedModel, find_checkpoint
from crystalgraph.networks.training_run import TrainedModel

LEARNING_RATE = 1e-3
"""Highest one where nothing else is asked for; a fifth of that from nothing.

Fifty crystals of another chemistry (as in benchmarks/fine_tuning.py, three other draws) were tested
with an error of 0.258 eV/atom after training from the oxides' network with this rate, and of 0.310
with the rate from nothing. Normalizer and element references are those of the new training part,
since old ones mean nothing for another target: with the checkpoint's normalizer the errors were
0.279 and 0.306, and from the published network 0.254 in place of 0.244, each good to about 0.02."""


@dataclass(frozen=True)
class StartingPoint:
    """A trained network that a training begins with.

    Attributes:
        trained: the network, with the settings that the new one must have as well.
        file: name of its file.
        sha256: of the file's content.
    """

    trained: TrainedModel
    file: str
    sha256: str

    @property
    def record(self) -> dict[str, str]:
        """What checkpoints and runs say about it."""
        return {"file": self.file, "sha256": self.sha256}

    def __str__(self) -> str:
        return f"{self.file} (sha256 {self.sha256[:12]})"

    def settings(self, given: Mapping[str, object]) -> dict[str, object]:
        """Settings of the network: the checkpoint's.

        Args:
            given: settings that somebody asked for.

        Raises:
            CrystalGraphError: one of them is another one than the checkpoint's.
        """
        own = self.trained.model_settings.options
        for name, value in given.items():
            if own.get(name) != value:
                raise CrystalGraphError(
                    f"The network in {self.file} has {name} = {own.get(name)} and not {value}; a "
                    "network keeps its form when it is trained further, so leave that option out."
                )
        return dict(own)


def load_starting_point(name_or_path: str | Path, model_class: type[nn.Module]) -> StartingPoint:
    """Read a trained network to begin with.

    Args:
        name_or_path: a checkpoint of one network, ours or a published one; or a published name.
        model_class: CrystalGraphConvNet of the model file that the checkpoint belongs to.

    Raises:
        CrystalGraphError: there is no such checkpoint, it does not fit the class, or it is an
            ensemble.
    """
    found = load_any_checkpoint(name_or_path, model_class)
    if isinstance(found, PublishedModel):
        trained = found.trained()
    elif len(found.members) == 1:
        [trained] = found.members
    else:
        raise CrystalGraphError(
            f"{name_or_path} is an ensemble of {len(found.members)} networks, and a training "
            "begins with one; give the checkpoint of a single network."
        )
    path = find_checkpoint(name_or_path)
    return StartingPoint(trained, path.name, hashlib.sha256(path.read_bytes()).hexdigest())
