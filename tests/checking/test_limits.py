"""Time limits: who is stopped is code that loops or sleeps, not code that waits for a computer."""

import os
import time

import pytest

from crystalgraph.checking import limits
from crystalgraph.checking.limits import (
    ROUNDS,
    ComputerTooBusy,
    Deadline,
    Late,
    Limits,
    OwnClock,
    Times,
    TimeUp,
    seconds_waited,
    time_limit,
)

SECONDS = 10.0


def seconds_until(end, used, waited):
    """When code is given up that computes, and waits for a processor, in a share of its time.

    Args:
        end: the exception that does it.
        used, waited: shares of the time on the wall; None where the system does not tell.
    """
    now = 0.0

    def times():
        return Times(7.0 + now, 5.0 + now * used, None if waited is None else 9.0 + now * waited)

    deadline = Deadline(SECONDS, times, lambda: now)
    with pytest.raises(end):
        while now < 10_000:
            now += min(deadline.left(), 0.25)
    return now


@pytest.mark.parametrize(
    ("used", "waited"),
    [(1.0, 0.0), (0.0, 0.0), (0.01, 0.0), (2.0, 0.0), (2.0, 20.0), (1.0, None), (0.0, None)],
    ids=["a loop", "asleep", "naps", "threads", "many threads", "a loop, not told", "asleep, too"],
)
def test_on_an_idle_computer_all_that_goes_on_is_stopped_when_its_seconds_are_over(used, waited):
    assert seconds_until(Late, used, waited) == pytest.approx(SECONDS, rel=0.05)


@pytest.mark.parametrize("waited", [0.9, None], ids=["told", "not told"])
def test_who_waits_for_a_processor_has_as_many_seconds_of_one(waited):
    assert seconds_until(Late, 0.1, waited) == pytest.approx(10 * SECONDS, rel=0.05)


def test_sleep_is_charged_and_waiting_is_not():
    assert seconds_until(Late, 0.1, 0.5) == pytest.approx(2 * SECONDS, rel=0.05)


def test_what_cannot_be_told_is_said_to_be_so():
    assert seconds_until(ComputerTooBusy, 0.001, 0.999) == pytest.approx(ROUNDS * SECONDS, rel=0.05)


def test_an_answer_that_comes_at_once_costs_no_look_at_the_clocks():
    now = 0.0
    asked = []
    deadline = Deadline(SECONDS, lambda: asked.append(now) or Times(now, now), lambda: now)
    now = SECONDS / 60
    assert deadline.left() > 0 and not asked
    now = SECONDS / 40
    assert deadline.left() > 0 and asked == [now]


def test_who_looks_late_takes_that_for_nobodys_time():
    """We may have been kept from a processor ourselves."""
    now = 0.0
    deadline = Deadline(SECONDS, lambda: Times(now, 0.0, 0.0), lambda: now)
    now = 3 * SECONDS
    assert deadline.left() == pytest.approx(SECONDS)


def test_without_other_clocks_the_wall_counts():
    now = 0.0
    deadline = Deadline(SECONDS, clock=lambda: now)
    now = 6.0
    assert (deadline.left(), deadline.charged()) == (4.0, 6.0)
    now = 10.0
    with pytest.raises(Late):
        deadline.left()


@pytest.mark.skipif(seconds_waited() is None, reason="this system does not tell")
def test_two_loops_on_one_processor_wait_for_each_other():
    before, here = seconds_waited(), os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(here)})
    try:
        child = os.fork()
        if child == 0:
            spin(0.3)
            os._exit(0)
        spin(0.3)
        os.waitpid(child, 0)
    finally:
        os.sched_setaffinity(0, here)
    assert seconds_waited() - before > 0.1


def test_a_process_that_is_gone_tells_nothing():
    assert seconds_waited(2**22 + 1) is None


def test_a_clock_runs_only_when_it_is_told_to():
    own = OwnClock()
    time.sleep(0.05)
    with own.running():
        time.sleep(0.1)
        inside = own.seconds()
    assert 0.1 <= inside <= own.seconds() and own.waited() >= 0
    stopped = own.seconds()
    time.sleep(0.05)
    assert own.seconds() == stopped


# --- in this process


def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@pytest.mark.parametrize("work", [spin, time.sleep], ids=["a loop", "asleep"])
def test_a_block_is_stopped(work):
    begun = time.monotonic()
    with pytest.raises(TimeUp), time_limit(0.2):
        work(60)
    assert time.monotonic() - begun < 30


def test_a_block_in_time_is_left_alone_and_the_alarm_is_off_afterwards():
    with time_limit(0.3):
        spin(0.01)
    time.sleep(0.4)


def test_a_limit_stops_what_catches_every_exception():
    with pytest.raises(TimeUp), time_limit(0.1):
        while True:
            try:
                spin(1)
            except Exception:
                pass


def test_a_limit_inside_another_leaves_that_in_force():
    begun = time.monotonic()
    with pytest.raises(TimeUp), time_limit(0.2):
        with time_limit(5.0):
            spin(0.01)
        spin(60)
    assert time.monotonic() - begun < 30


def test_a_block_tells_what_it_took_without_what_it_waited(monkeypatch):
    with time_limit(60.0) as charged:
        spin(0.05)
    assert 0.05 <= charged() < 60
    waited = iter([0.0, 100.0])
    monkeypatch.setattr(limits, "seconds_waited", lambda: next(waited))
    with time_limit(60.0) as charged:
        time.sleep(0.05)
        assert charged() < 0.05


def test_nobody_can_tell_whether_a_block_is_too_slow(monkeypatch):
    monkeypatch.setattr(limits, "seconds_waited", time.monotonic)  # it waits all the time
    with pytest.raises(ComputerTooBusy), time_limit(0.05, rounds=4):
        time.sleep(60)


def test_no_limit():
    with time_limit(float("inf")) as charged:
        spin(0.01)
    assert charged() == 0


def test_limits_cannot_be_changed_from_afar():
    with pytest.raises(AttributeError):
        Limits().seconds_per_call = 1.0  # type: ignore[misc]
