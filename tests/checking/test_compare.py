"""Comparing results with each other and with what was expected."""

import numpy as np
import pytest
import torch

from crystalgraph.checking.compare import close, value_message
from crystalgraph.checking.faults import Fault


def test_close_is_said_of_numbers_arrays_and_tensors():
    assert close(1.0, np.float64(1 + 1e-8)) and not close(1.0, 1.1)
    assert close(torch.ones(2, 3), np.ones((2, 3)))
    assert not close(torch.ones(2), torch.tensor([1.0, 1.1]))
    assert close([1, 2], (1, 2), rtol=0, atol=0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_neither_close_nor_apart(bad):
    for one, other in (([1.0, bad], [1.0, 2.0]), ([1.0, 2.0], [1.0, bad]), ([bad], [bad])):
        with pytest.raises(Fault, match="NaN or infinity"):
            close(one, other)


def test_results_of_other_shapes_are_neither():
    with pytest.raises(Fault, match=r"shapes \(3,\) and \(1, 3\)"):
        close(np.ones(3), np.ones((1, 3)))


def test_a_factor_is_said_only_where_it_holds_everywhere():
    said = value_message(np.array([2.0, 0, 4]), np.array([1.0, 0, 2]), "Yours", ("row",))
    assert "2 times the right one" in said
    said = value_message(np.array([1.0, 1, 1]), np.array([0.0, 1, 1]), "Yours", ("row",))
    assert "times" not in said
