"""Checking leaves torch as it was."""

import torch

from crystalgraph.checking.quiet import double_precision


def test_torch_is_as_before_afterwards():
    before = torch.get_default_dtype(), torch.get_num_threads(), torch.random.get_rng_state()
    with torch.no_grad():
        with double_precision():
            assert torch.get_default_dtype() == torch.float64
            assert torch.get_num_threads() == 1 and torch.is_grad_enabled()
            torch.rand(3)
        assert not torch.is_grad_enabled()
    after = torch.get_default_dtype(), torch.get_num_threads(), torch.random.get_rng_state()
    assert before[:2] == after[:2] and torch.equal(before[2], after[2])


def test_random_numbers_are_the_same_each_time():
    drawn = []
    for _ in range(2):
        with double_precision():
            drawn.append(torch.rand(3))
    assert torch.equal(*drawn)
