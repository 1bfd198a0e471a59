"""Several trainings at once: one process for each core, one bar for all."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from tqdm.auto import tqdm

from crystalgraph.errors import CrystalGraphError

SECONDS_BETWEEN_LOOKS = 0.2

Result = TypeVar("Result")
Call = Callable[[np.ndarray], Result]
"""A training: it is given a counter, (1,) whole number, to keep the epochs done in."""


def side_by_side(
    calls: Sequence[Call[Result]],
    epochs: Sequence[int],
    processes: int | None = None,
    progress: bool = True,
) -> Iterator[tuple[int, Result]]:
    """Make trainings in several processes, each on one thread.

    Args:
        calls: the trainings; they and their results travel between processes.
        epochs: of each at most.
        processes: at once; default: as many as there are cores.
        progress: show a bar of all epochs.

    Yields:
        Number of a training and its result, as soon as it is done.

    Raises:
        CrystalGraphError: a training failed; those that are not done are given up.
    """
    from joblib import Parallel, cpu_count, delayed

    processes = min(processes or cpu_count(), len(calls))
    with tempfile.TemporaryDirectory() as folder, _Bar(epochs, Path(folder), progress) as bar:
        pool = Parallel(n_jobs=processes, return_as="generator_unordered", batch_size=1)
        tasks = (
            delayed(_in_own_process)(call, bar.file, place) for place, call in enumerate(calls)
        )
        for place, result in pool(tasks):
            bar.finish(place)
            yield place, result


def _in_own_process(call: Call[Result], counts: Path, place: int) -> tuple[int, Result]:
    torch.set_num_threads(1)
    counter = np.memmap(counts, dtype=np.int32, mode="r+")[place : place + 1]
    try:
        return place, call(counter)
    except CrystalGraphError:
        raise
    except Exception as error:  # whatever a student's network raises; it may not travel
        raise CrystalGraphError(f"{type(error).__name__}: {error}") from None


class _Bar:
    """A bar of epochs, which the processes count in a file.

    Args:
        epochs: of each training at most.
        folder: for the file.
        progress: show the bar.
    """

    def __init__(self, epochs: Sequence[int], folder: Path, progress: bool) -> None:
        self.file = folder / "epochs"
        self.epochs = epochs
        self.counts = np.memmap(self.file, dtype=np.int32, mode="w+", shape=len(epochs))
        self.bar = tqdm(total=sum(epochs), unit="epoch", disable=None if progress else True)
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
        """A training is done; it may have stopped before its last epoch."""
        self.counts[place] = self.epochs[place]

    def _watch(self) -> None:
        while not self.over.wait(SECONDS_BETWEEN_LOOKS):
            self._show()
        self._show()

    def _show(self) -> None:
        self.bar.update(int(self.counts.sum()) - self.bar.n)
