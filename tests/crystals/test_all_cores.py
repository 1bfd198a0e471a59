"""Work on all cores: results, errors and warnings of one process, and it can be ended."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import closing

import pytest

from crystalgraph.crystals import all_cores
from crystalgraph.crystals.all_cores import AT_ONCE, results_of

N = 3 * AT_ONCE + 1
HERE = os.getpid()

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="one process only")


@pytest.fixture(autouse=True)
def two_processes(monkeypatch):
    monkeypatch.setattr(all_cores, "_n_processes", lambda: 2)


def number_and_process(item):
    return item**2, os.getpid()


def test_results_are_in_order_and_from_other_processes():
    numbers, processes = zip(*results_of(number_and_process, range(N), 2), strict=True)
    assert list(numbers) == [item**2 for item in range(N)] and HERE not in processes


def test_few_items_stay_in_this_process():
    found = list(results_of(number_and_process, range(N), N + 1))
    assert found == [(item**2, HERE) for item in range(N)]


def test_no_items():
    assert list(results_of(number_and_process, [], 0)) == []


def outspoken(item):
    if item == 40:
        warnings.warn("forty", RuntimeWarning, stacklevel=1)
    if item == 50:
        raise KeyError("fifty")
    return os.getpid()


@pytest.mark.parametrize("enough", [2, N + 1], ids=["two processes", "one"])
def test_errors_and_warnings_are_those_of_one_process(enough):
    results, found = results_of(outspoken, range(N), enough), []
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with pytest.raises(KeyError, match="fifty"):
            for process in results:
                found.append(process)
    assert len(found) == 50 and found[40] == HERE
    assert [(str(one.message), one.category, one.filename) for one in said] == [
        ("forty", RuntimeWarning, __file__)
    ]


def fatal_elsewhere(item):
    if item == 40 and os.getpid() != HERE:
        os._exit(9)
    return item


def test_what_a_process_that_died_has_left_is_done_here():
    assert list(results_of(fatal_elsewhere, range(N), 2)) == list(range(N))


def test_without_room_for_processes_all_is_done_here(monkeypatch):
    def no_memory():
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(os, "fork", no_memory)
    found = list(results_of(number_and_process, range(N), 2))
    assert {process for _, process in found} == {HERE}


def test_closing_ends_the_processes():
    others = set(multiprocessing.active_children())
    with closing(results_of(number_and_process, range(100 * N), 2)) as results:
        next(results)
        assert len(set(multiprocessing.active_children()) - others) == 2
    assert set(multiprocessing.active_children()) <= others


def test_there_are_no_more_processes_than_parts_of_the_work(monkeypatch):
    monkeypatch.setattr(all_cores, "_n_processes", lambda: 64)
    others = set(multiprocessing.active_children())
    with closing(results_of(number_and_process, range(2 * AT_ONCE), 2)) as results:
        next(results)
        assert len(set(multiprocessing.active_children()) - others) == 2


def n_processes_there(_):
    from crystalgraph.crystals.all_cores import _n_processes

    return _n_processes()


def test_a_process_of_a_pool_has_none_of_its_own(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    assert all_cores._n_processes() == 2
    assert set(results_of(n_processes_there, range(N), 2)) == {1}


SLOW = """
import os, sys, time
from crystalgraph.crystals import all_cores

def slow(item):
    time.sleep(0.01)
    return os.getpid()

all_cores._n_processes = lambda: 2
for process in all_cores.results_of(slow, range(100_000), 2):
    print(process, flush=True)
"""


@pytest.mark.parametrize(
    ("sent", "to_all"), [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGKILL, False)]
)
def test_an_end_from_outside_ends_all_processes_soon(sent, to_all):
    """A terminal and Jupyter send Ctrl-C to all processes of a group, others to the first."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    workers = set()
    while len(workers) < 2:
        workers.add(int(process.stdout.readline()))
    (os.killpg if to_all else os.kill)(process.pid, sent)
    _, errors = process.communicate(timeout=20)
    assert not set(filter(runs_after_a_while, workers))
    assert errors.count("Traceback") == (sent == signal.SIGINT), errors


def runs_after_a_while(process):
    for _ in range(100):
        if not os.path.exists(f"/proc/{process}") or "\nState:\tZ" in status(process):
            return False
        time.sleep(0.1)
    return True


def status(process):
    try:
        with open(f"/proc/{process}/status") as file:
            return file.read()
    except OSError:
        return "\nState:\tZ"
