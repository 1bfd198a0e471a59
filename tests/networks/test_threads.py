"""One thread or all: the faster is kept, soon, and nothing else changes."""

import time

import pytest
import torch

from crystalgraph.networks import threads


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def timed(monkeypatch):
    """Steps of one's own duration in seconds on one thread and on two; keeps who stepped."""

    def steps_of(one, two):
        seen = []

        def step():
            seen.append(torch.get_num_threads())
            time.sleep(one if seen[-1] == 1 else two)

        monkeypatch.setattr(threads, "make_step", lambda: step)
        monkeypatch.setattr(threads, "pick_device", lambda: torch.device("cpu"))
        return seen

    return steps_of


def test_threads_that_are_slower_are_given_up_after_one_step(timed):
    seen = timed(one=0.01, two=0.5)
    assert threads.keep_faster() == torch.get_num_threads() == 1
    assert seen == [1, 1, 1, 1, 2]


def test_threads_that_are_clearly_faster_are_kept(timed):
    seen = timed(one=0.2, two=0.001)
    assert threads.keep_faster() == torch.get_num_threads() == 2
    assert seen == [1, 1, 1, 1, 2, 2, 2, 2]


def test_threads_that_are_not_clearly_faster_are_not_kept(timed):
    timed(one=0.05, two=0.049)
    assert threads.keep_faster() == 1


def test_a_number_of_one_is_left_as_it_is(timed):
    seen = timed(one=0.01, two=0.01)
    torch.set_num_threads(1)
    assert threads.keep_faster() == 1 and not seen


def test_on_a_graphics_card_nothing_is_timed(timed, monkeypatch):
    seen = timed(one=0.01, two=0.5)
    monkeypatch.setattr(threads, "pick_device", lambda: torch.device("cuda"))
    assert threads.keep_faster() == 2 and not seen


def test_the_step_of_the_library_changes_no_random_numbers():
    before = torch.random.get_rng_state()
    with torch.no_grad():
        assert threads.keep_faster() in (1, 2)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(("one", "two", "chosen"), [(0.01, 0.5, 1), (0.2, 0.001, 2)])
def test_a_block_has_the_faster_number_and_restores_the_old(timed, one, two, chosen):
    timed(one, two)
    with threads.faster_threads_for(threads.make_step) as number:
        assert number == torch.get_num_threads() == chosen
    assert torch.get_num_threads() == 2
