"""Several runs at once: one process for each core, one bar for all."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from crystalgraph.crystals.datasets import load_split
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments.catalog import FEATURES, experiment
from crystalgraph.experiments.finished_runs import bundled
from crystalgraph.networks.model_file import load_model_class
from crystalgraph.networks.training_run import RunResult, TrainedModel, train_model

SECONDS_BETWEEN_LOOKS = 0.2


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
    from joblib import Parallel, delayed

    processes = min(processes or n_cores(), len(jobs))
    with tempfile.TemporaryDirectory() as folder, _Bar(jobs, Path(folder), progress) as bar:
        pool = Parallel(n_jobs=processes, return_as="generator_unordered", batch_size=1)
        calls = (
            delayed(_in_own_process)(job, model_file, bar.file, place)
            for place, job in enumerate(jobs)
        )
        for place, run in pool(calls):
            bar.finish(place)
            yield jobs[place], run


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_own_process(job: Job, model_file: Path, counts: Path, place: int) -> tuple[int, RunResult]:
    torch.set_num_threads(1)
    counter = np.memmap(counts, dtype=np.int32, mode="r+")[place : place + 1]
    try:
        _, run = run_experiment(job, load_model_class(model_file), False, counter)
    except CrystalGraphError:
        raise
    except Exception as error:  # whatever a student's network raises; it may not travel
        raise CrystalGraphError(f"{type(error).__name__}: {error}") from None
    return place, run


class _Bar:
    """A bar of epochs, which the processes count in a file.

    Args:
        jobs: that are run.
        folder: for the file.
        progress: show the bar.
    """

    def __init__(self, jobs: Sequence[Job], folder: Path, progress: bool) -> None:
        self.file = folder / "epochs"
        self.epochs = [experiment(job.name).train_settings(job.seed).epochs for job in jobs]
        self.counts = np.memmap(self.file, dtype=np.int32, mode="w+", shape=len(jobs))
        self.bar = tqdm(total=sum(self.epochs), unit="epoch", disable=None if progress else True)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Bar:
        self.bar.set_description(f"{len(self.epochs)} runs")
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        self.bar.close()

    def finish(self, place: int) -> None:
        """A run is done; it may have stopped before its last epoch."""
        self.counts[place] = self.epochs[place]

    def _watch(self) -> None:
        while not self.over.wait(SECONDS_BETWEEN_LOOKS):
            self._show()
        self._show()

    def _show(self) -> None:
        self.bar.update(int(self.counts.sum()) - self.bar.n)
