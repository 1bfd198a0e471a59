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
from typing import TYPE_CHECKING

from crystalgraph.checks.tasks import TASKS
from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading.hand_ins import HandIn
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.paths import REPO

if TYPE_CHECKING:
    from distributed import Client, Future

SECONDS_TO_CONNECT = 10
SECONDS_FOR_WORKERS = 60
AHEAD = 2
"""Hand-ins on their way for each worker: one that it grades and one that waits there."""

Graded = tuple[HandIn, Result, str]


@contextmanager
def workers(number: int | None = None, scheduler: str = "") -> Iterator[Client]:
    """Processes on this computer, or the workers of a Dask scheduler.

    Args:
        number: of processes; None takes one for each core.
        scheduler: address of a scheduler, "tcp://host:8786"; empty for processes of our own.

    Raises:
        CrystalGraphError: there is no scheduler, or it has no workers.
    """
    import dask
    from distributed import Client, LocalCluster

    dask.config.set({"distributed.admin.low-level-log-length": 10})  # it keeps whole hand-ins
    if scheduler:
        with _connected(scheduler) as client:
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
def _connected(scheduler: str) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(scheduler, timeout=SECONDS_TO_CONNECT)
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


def check_workers(client: Client, unsafe: bool) -> None:
    """Make sure that every worker can grade, and as we would.

    Raises:
        CrystalGraphError: one has no sandbox, or another version of the course.
    """
    ours = course_fingerprint()
    for address, theirs in client.run(_ready, unsafe).items():
        if theirs != ours:
            raise CrystalGraphError(
                f"the worker {address} has another version of the course than this computer: "
                "bring both to the same commit, and start the worker again"
            )


def _ready(unsafe: bool) -> str:
    """Runs on a worker: prove the sandbox there, and say which course it has."""
    if not unsafe:
        from crystalgraph.grading import sandbox

        sandbox.prove()
    return course_fingerprint()


def course_fingerprint() -> str:
    """The same on two computers whose graders give the same results."""
    found = [REPO / "model.py", *(REPO / "solutions").rglob("*.ipynb")]
    found += (REPO / "crystalgraph").rglob("*.py")
    seen = hashlib.sha256()
    for path in sorted(found):
        name = path.relative_to(REPO).as_posix()
        seen.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return seen.hexdigest()


def mark(hand_in: HandIn, assignment: str, unsafe: bool) -> tuple[Result, str]:
    """Runs on a worker, where the libraries that grading needs are loaded once."""
    from crystalgraph.grading.marking import grade_hand_in

    return grade_hand_in(hand_in, assignment, unsafe)


def spread(
    client: Client,
    hand_ins: Iterable[HandIn],
    assignment: str,
    unsafe: bool = False,
) -> Iterator[Graded]:
    """Grade hand-ins, several at a time; only a few are in memory at once.

    Args:
        client: of the workers.
        hand_ins: taken one by one, as workers become free.
        assignment: such as "hw".
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
        return client.submit(mark, hand_in, assignment, unsafe, pure=False)

    def send_next(number: int) -> None:
        for hand_in in islice(queue, number):
            future = send(hand_in)
            running[future.key] = hand_in
            done.add(future)

    send_next(AHEAD * max(1, sum(client.nthreads().values())))
    for future in done:
        hand_in = running.pop(future.key)
        send_next(1)
        if future.status == "error" and isinstance(future.exception(), KilledWorker):
            suspects.append(hand_in)
        else:
            yield hand_in, *_outcome(future, hand_in, assignment)
    for hand_in in suspects:  # alone: it may only have waited where another one did the killing
        yield hand_in, *_outcome(send(hand_in), hand_in, assignment)


def _outcome(future: Future, hand_in: HandIn, assignment: str) -> tuple[Result, str]:
    """What a worker answers; a result in any case."""
    try:
        return future.result()
    except CancelledError as error:
        raise CrystalGraphError(
            "the Dask scheduler was lost: start it again, then the same command with --resume"
        ) from error
    except Exception as error:  # whatever it is, it must not stop the others
        return not_graded(hand_in, assignment, f"{type(error).__name__}: {error}")


def not_graded(hand_in: HandIn, assignment: str, why: str) -> tuple[Result, str]:
    """The result of a hand-in that the grader failed on, and its log.

    Args:
        hand_in: what was to be graded.
        assignment: such as "hw".
        why: for the instructor.
    """
    message = "The grader failed here, not you; your instructor has to look at it."
    tasks = tuple(TaskResult(task, Status.INTERNAL_ERROR, message=message) for task in TASKS)
    submitted = hand_in.submitted.isoformat() if hand_in.submitted else ""
    result = Result(
        hand_in.student,
        assignment,
        hand_in.fingerprint,
        tasks,
        submitted=submitted,
        source=hand_in.source,
        seen=(f"This hand-in was not graded: {why}",),
        repairs=hand_in.repairs,
    )
    return result, f"not graded: {why}\n"
