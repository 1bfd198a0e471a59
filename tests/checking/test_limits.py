"""Time limits: who is stopped is code that loops or sleeps, not code that waits for a computer."""

import time

import pytest

from crystalgraph.checking.limits import Limits, Patience, TimeUp, time_limit

SECONDS = 10.0


def rounds_of(*used, rounds=10):
    """How often the code is asked about before its time is up, when each round uses so much."""
    clock = iter([5.0, *(5.0 + sum(used[: n + 1]) for n in range(len(used)))])
    patience = Patience(SECONDS, lambda: next(clock), rounds)
    for number in range(1, len(used) + 1):
        if patience.is_over():
            return number
    return None


def test_an_endless_loop_on_an_idle_computer_is_stopped_at_once():
    assert rounds_of(9.9) == 1


def test_so_is_who_sleeps():
    assert rounds_of(0.0) == 1
    assert rounds_of(0.1) == 1  # and wakes up now and then


def test_for_want_of_a_processor_code_is_waited_for():
    assert rounds_of(0.5, 0.5, 0.5) is None


def test_until_it_has_had_its_time():
    assert rounds_of(2.0, 2.0, 2.0, 2.0) == 3  # more than half of the seconds, in all


def test_who_falls_asleep_later_is_stopped_then():
    assert rounds_of(1.0, 1.0, 0.0, 1.0) == 3


def test_not_for_ever():
    assert rounds_of(*[0.3] * 20) == 10
    assert rounds_of(*[0.3] * 20, rounds=5) == 5


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


def test_no_limit():
    with time_limit(float("inf")):
        spin(0.01)


def test_limits_cannot_be_changed_from_afar():
    with pytest.raises(AttributeError):
        Limits().seconds_per_call = 1.0  # type: ignore[misc]
