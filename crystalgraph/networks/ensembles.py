"""Several networks that differ in the seed only: their mean predicts, their spread is an error bar.

Seeds draw the first weights and the order of the batches. The spread of the members says how much
of an error comes from that, and nothing of what all members do not know: see scores.calibration.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Structure
from torch import nn

from crystalgraph.crystals.loaders.checks import collected_warnings
from crystalgraph.networks.checkpoints import load_checkpoint, load_members, save_checkpoint
from crystalgraph.networks.model_file import load_model_class, model_errors_explained
from crystalgraph.networks.scores import class_scores
from crystalgraph.networks.side_by_side import side_by_side
from crystalgraph.networks.training_run import RunResult, TrainedModel, train_model

Trained = tuple[TrainedModel, RunResult]


@dataclass(frozen=True)
class Ensemble:
    """One network or several, with what belongs to them.

    Attributes:
        members: the networks; target, unit, features and graphs are the same for all.
    """

    members: tuple[TrainedModel, ...]

    def predict(
        self, structures: Sequence[Structure], names: Sequence[str] = ()
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Predict the target of crystals.

        Args:
            structures: C crystals.
            names: C names for error messages.

        Returns:
            Mean (C,) and spread (C,) of the members' predictions, in the target's unit; of a
            single network its prediction and None. The spread is the standard deviation.

        Raises:
            CrystalGraphError: a structure of which no graph with features can be made.
        """
        graphs = self.members[0].graphs(structures, names)
        return mean_and_spread([one.predict_graphs(graphs, structures) for one in self.members])


def load_ensemble(path: str | Path, model_class: type[nn.Module]) -> Ensemble:
    """Read a checkpoint of one network or several; arguments and errors as load_checkpoint."""
    return Ensemble(load_members(path, model_class))


def mean_and_spread(
    predictions: Sequence[Sequence[float]] | Sequence[np.ndarray],
) -> tuple[np.ndarray, np.ndarray | None]:
    """Mean and standard deviation over M members, each (C,); no deviation of a single one."""
    values = np.asarray(predictions, dtype=float)
    return values.mean(axis=0), values.std(axis=0, ddof=1) if len(values) > 1 else None


def join(runs: Sequence[RunResult]) -> RunResult:
    """The runs of the members as one: errors are those of the mean prediction.

    Args:
        runs: on the same crystals, which differ in the seed.

    Returns:
        A run with a "spread" beside each prediction; the only run as it is. Settings and learning
        curves are those of the first member, seconds are added up.
    """
    if len(runs) == 1:
        return runs[0]
    parts = runs[0].predictions
    predictions = {part: _joined([run.predictions[part] for run in runs]) for part in parts}
    mae, scores = {}, {}
    for part, rows in predictions.items():
        known, predicted = np.array(rows["target"]), np.array(rows["prediction"])
        if runs[0].scores:
            of_true_class = np.where(known == 1, predicted, 1 - predicted)
            nll = -np.log(of_true_class.clip(min=np.finfo(float).tiny)).mean()
            scores[part] = {"nll": float(nll), **class_scores(known, predicted)}
        else:
            mae[part] = float(np.abs(predicted - known).mean())
    seconds = sum(run.seconds for run in runs)
    return replace(runs[0], predictions=predictions, mae=mae, scores=scores, seconds=seconds)


def _joined(rows: Sequence[Mapping[str, list]]) -> dict[str, list]:
    mean, spread = mean_and_spread([one["prediction"] for one in rows])
    return {**rows[0], "prediction": mean.tolist(), "spread": np.asarray(spread).tolist()}


def train_side_by_side(
    arguments: Sequence[Mapping[str, Any]],
    model_class: type[nn.Module],
    model_file: Path,
    progress: bool = True,
) -> list[Trained]:
    """Train several networks, each in a process of its own.

    Args:
        arguments: of train_model for each network, without model_class.
        model_class: loaded from the model file.
        model_file: loaded again in each process.
        progress: show a bar of all epochs.

    Returns:
        What train_model returns, for each.

    Raises:
        CrystalGraphError: what train_model or the model file raises.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.pt" for number in range(len(arguments))]
        calls = [
            partial(_train_into, file, model_file, one)
            for file, one in zip(files, arguments, strict=True)
        ]
        epochs = [one["train_settings"].epochs for one in arguments]
        runs = dict(side_by_side(calls, epochs, progress=progress))
        networks = [load_checkpoint(file, model_class) for file in files]
        return [(network, runs[number]) for number, network in enumerate(networks)]


def _train_into(
    file: Path, model_file: Path, arguments: Mapping[str, Any], counter: np.ndarray
) -> RunResult:
    """Train one network and write it: its class, loaded from a file, cannot be sent."""
    with model_errors_explained(model_file), collected_warnings():  # train says them once
        trained, run = train_model(
            **arguments,
            model_class=load_model_class(model_file),
            progress=False,
            on_epoch=partial(counter.__setitem__, 0),
        )
    save_checkpoint(trained, file)
    return run
