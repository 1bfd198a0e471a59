"""Hand-ins spread over processes or machines with Dask.

A hand-in travels as bytes, a result comes back. Workers have the instructor's copy of the course
installed; they share no disk with us, and see neither the results nor the gradebook. A hand-in
whose worker is lost is given to another one.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, cast

from crystalgraph.checking.slow_imports import leave_out_grammars
from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading.intake.hand_ins import HandIn
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import Lab
from crystalgraph.paths import PACKAGE, REPO

if TYPE_CHECKING:
    from distributed import Client, Future

SECONDS_TO_CONNECT = 10
SECONDS_FOR_WORKERS = 60
AHEAD = 2
"""Hand-ins on their way for each worker: one that it grades and one that waits there."""

Graded = tuple[HandIn, Result, str]


@contextmanager
def workers(
    number: int | None = None,
    scheduler: str = "",
    seconds_to_connect: float = SECONDS_TO_CONNECT,
) -> Iterator[Client]:
    """Processes on this computer, or the workers of a Dask scheduler.

    Args:
        number: of processes; None takes one for each core.
        scheduler: address of a scheduler, "tcp://host:8786"; empty for processes of our own.
        seconds_to_connect: that the scheduler has to answer.

    Raises:
        CrystalGraphError: there is no scheduler, or it has no workers.
    """
    from dask import config
    from distributed import Client, LocalCluster

    config.set({"distributed.admin.low-level-log-length": 10})  # it keeps whole hand-ins
    if scheduler:
        with _connected(scheduler, seconds_to_connect) as client:
            yield client
        return
    cluster = LocalCluster(
        n_workers=number or os.cpu_count(),
        threads_per_worker=1,  # a grader changes its process: signals, number of threads
        memory_limit=0,  # memory is limited where strangers' code runs, in the sandboxes
        dashboard_address="127.0.0.1:0",  # any free port
        silence_logs=logging.CRITICAL,  # a lost worker is dealt with
    )
    with cluster, Client(cluster) as client:
        yield client


@contextmanager
def _connected(scheduler: str, seconds: float) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(scheduler, timeout=seconds)
    except (OSError, ValueError) as error:
        raise CrystalGraphError(
            f"no Dask scheduler answers at {scheduler}: start one with `dask scheduler`, and "
            "write its address as tcp://HOST:PORT"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=SECONDS_FOR_WORKERS)
        except TimeoutError as error:
            raise CrystalGraphError(
                f"the Dask scheduler at {scheduler} has no workers: start some with `dask worker "
                f"{scheduler} --nthreads 1`, where this course is installed"
            ) from error
        yield client


def check_workers(client: Client, lab: Lab, unsafe: bool) -> None:
    """Make sure that every worker can grade, and as we would.

    Args:
        client: of the workers.
        lab: that will be graded.
        unsafe: whether strangers' code may run without a sandbox.

    Raises:
        CrystalGraphError: one has no sandbox, or another version of the course.
    """
    ours = course_fingerprint()
    answers = cast("dict[str, str]", client.run(_ready, lab.folder, unsafe))
    for address, theirs in answers.items():
        if theirs != ours:
            raise CrystalGraphError(
                f"the worker {address} has another version of the course than this computer: "
                "bring both to the same commit, and start the worker again"
            )


def _ready(folder: str, unsafe: bool) -> str:
    """Runs on a worker: prove the sandbox there, and say which course it has."""
    leave_out_grammars()
    if not unsafe:
        from crystalgraph.grading.marking import walls_for
        from crystalgraph.sandbox.walls import prove

        prove(walls_for(LABS[folder]))
    return course_fingerprint()


def course_fingerprint() -> str:
    """The same on two computers whose graders give the same results."""
    found = [path for ending in ("py", "npz") for path in PACKAGE.rglob(f"*.{ending}")]
    for lab in LABS.values():
        found += [REPO / lab.reference] if lab.reference else []
        found += [*lab.solutions().rglob("*.ipynb"), *lab.release().rglob("*.ipynb")]
    seen = hashlib.sha256()
    for path in sorted(found):
        name = path.relative_to(REPO).as_posix()
        seen.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return seen.hexdigest()


def mark(hand_in: HandIn, folder: str, secret: str, unsafe: bool) -> tuple[Result, str]:
    """Runs on a worker, where the libraries that grading needs are loaded once.

    Args:
        hand_in: what was handed in.
        folder: name of the lab's; the lab itself is found again on the worker.
        secret: of the grader, which is the same on all workers.
        unsafe: whether strangers' code may run without a sandbox.
    """
    leave_out_grammars()
    from crystalgraph.grading.marking import grade_hand_in

    return grade_hand_in(hand_in, LABS[folder], secret, unsafe)


def grade_on_workers(
    client: Client,
    hand_ins: Iterable[HandIn],
    lab: Lab,
    secret: str,
    unsafe: bool = False,
) -> Iterator[Graded]:
    """Grade hand-ins, several at a time; only a few are in memory at once.

    Args:
        client: of the workers.
        hand_ins: taken one by one, as workers become free.
        lab: that they belong to.
        secret: of the grader.
        unsafe: whether strangers' code may run without a sandbox.

    Yields:
        Hand-in, result and log, in the order in which they are done.

    Raises:
        CrystalGraphError: the scheduler is gone.
    """
    from distributed import KilledWorker, as_completed

    queue, running, done = iter(hand_ins), {}, as_completed()
    suspects = []

    def send(hand_in: HandIn) -> Future:
        return client.submit(mark, hand_in, lab.folder, secret, unsafe, pure=False)

    def send_next(number: int) -> None:
        for hand_in in islice(queue, number):
            future = send(hand_in)
            running[future.key] = hand_in
            done.add(future)

    threads = cast("dict[str, int]", client.nthreads())
    send_next(AHEAD * max(1, sum(threads.values())))
    for future in done:
        hand_in = running.pop(future.key)
        send_next(1)
        if future.status == "error" and isinstance(future.exception(), KilledWorker):
            suspects.append(hand_in)
        else:
            yield hand_in, *_outcome(future, hand_in, lab)
    for hand_in in suspects:  # alone: it may only have waited where another one did the killing
        yield hand_in, *_outcome(send(hand_in), hand_in, lab)


def _outcome(future: Future, hand_in: HandIn, lab: Lab) -> tuple[Result, str]:
    """What a worker answers; a result in any case."""
    try:
        return future.result()
    except CancelledError as error:
        raise CrystalGraphError(
            "the Dask scheduler was lost: start it again, then the same command with --resume"
        ) from error
    except Exception as error:  # whatever it is, it must not stop the others
        return not_graded(hand_in, lab, f"{type(error).__name__}: {error}")


def not_graded(hand_in: HandIn, lab: Lab, why: str) -> tuple[Result, str]:
    """The result of a hand-in that the grader failed on, and its log.

    Args:
        hand_in: what was to be graded.
        lab: that it belongs to.
        why: for the instructor.
    """
    message = "The grader failed here, not you; your instructor has to look at it."
    tasks = [TaskResult(task, Status.INTERNAL_ERROR, message=message) for task in lab.tasks]
    seen = [f"This hand-in was not graded: {why}"]
    result = Result.of(hand_in, lab, tasks, seen, hand_in.repairs)
    return result, f"not graded: {why}\n"
