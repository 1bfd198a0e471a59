"""One run of an experiment, or several at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import nn

from crystalgraph.crystals.datasets import load_split
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments.catalog import FEATURES, experiment
from crystalgraph.experiments.finished_runs import bundled
from crystalgraph.networks.model_file import load_model_class
from crystalgraph.networks.side_by_side import side_by_side
from crystalgraph.networks.training_run import RunResult, TrainedModel, train_model


class Job(NamedTuple):
    """One run of an experiment."""

    name: str
    split: str = "formula"
    seed: int = 0


def run_experiment(
    job: Job, model_class: type[nn.Module], progress: bool = True, counter: np.ndarray | None = None
) -> tuple[TrainedModel, RunResult]:
    """Make one run in this process, whatever is shipped.

    Args:
        job: what to run.
        model_class: CrystalGraphConvNet or a class called alike.
        progress: show a bar.
        counter: (1,) array that is told the number of epochs done.

    Returns:
        The network with what belongs to it, and the finished run.
    """
    chosen = experiment(job.name)
    dataset = bundled(chosen.dataset)

    def count(epoch: int) -> None:
        if counter is not None:
            counter[0] = epoch

    return train_model(
        dataset,
        load_split(dataset, job.split),
        model_class,
        chosen.model_arguments,
        chosen.train_settings(job.seed),
        chosen.target,
        features=FEATURES[chosen.features](),
        graph_settings=chosen.graph_settings,
        progress=progress,
        on_epoch=count,
    )


def run_side_by_side(
    jobs: Sequence[Job], model_file: Path, processes: int | None = None, progress: bool = True
) -> Iterator[tuple[Job, RunResult]]:
    """Make runs in several processes, each on one thread.

    Args:
        jobs: what to run.
        model_file: whose network is trained.
        processes: at once; default: as many as there are cores.
        progress: show a bar of all epochs.

    Yields:
        Each job with its run, as soon as it is done.

    Raises:
        CrystalGraphError: a run failed; those that are not done are given up.
    """
    calls = [partial(_run, job, model_file) for job in jobs]
    epochs = [experiment(job.name).train_settings(job.seed).epochs for job in jobs]
    for place, run in side_by_side(calls, epochs, processes, progress):
        yield jobs[place], run


def _run(job: Job, model_file: Path, counter: np.ndarray) -> RunResult:
    try:
        return run_experiment(job, load_model_class(model_file), False, counter)[1]
    except CrystalGraphError as error:
        raise CrystalGraphError(
            f"The run '{job.name}' on split '{job.split}' with seed {job.seed} failed: {error}"
        ) from error
