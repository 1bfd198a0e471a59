"""Whether a gradient is right: what is no number, or is not there, is never right."""

import pytest
import torch

from crystalgraph.checking.faults import Fault
from crystalgraph.checking.gradients import gradient_is_the_slope

VALUES = (1.5, -0.7, 2.0)


class Square(torch.autograd.Function):
    """x squared, whose gradient is changed as asked for."""

    @staticmethod
    def forward(ctx, x, change):
        ctx.save_for_backward(x)
        ctx.change = change
        return x**2

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return ctx.change(2 * x * gradient), None


def judge(change, *values):
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    gradient_is_the_slope(lambda: Square.apply(x, change), [x])


def test_a_right_gradient_passes():
    judge(lambda g: g, *VALUES)


def one_bad(value):
    """Change of the first number alone."""
    return lambda g: torch.cat([g.new_tensor([value]), g[1:]])


WRONG = {
    "half": (lambda g: g / 2, "wrong gradient"),
    "zero": (lambda g: 0 * g, "wrong gradient"),
    "NaN": (lambda g: g * torch.nan, "gradient not finite"),
    "infinite": (lambda g: g * torch.inf, "gradient not finite"),
    "one NaN": (one_bad(torch.nan), "gradient not finite"),
    "one infinite": (one_bad(torch.inf), "gradient not finite"),
    "one minus infinite": (one_bad(-torch.inf), "gradient not finite"),
    "too large to add": (one_bad(1e308), "wrong gradient"),
    "none": (lambda g: None, "gradient lost"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("values", [VALUES, VALUES[:1]])
def test_a_wrong_gradient_is_refused(name, values):
    change, cause = WRONG[name]
    with pytest.raises(Fault) as caught:
        judge(change, *values)
    assert caught.value.cause == cause


@pytest.mark.parametrize("cut", [lambda y: y.detach(), lambda y: y.detach().requires_grad_()])
def test_a_result_without_gradient_is_refused(cut):
    x = torch.tensor(VALUES, requires_grad=True)
    with pytest.raises(Fault) as caught:
        gradient_is_the_slope(lambda: cut(x**2), [x])
    assert caught.value.cause == "gradient lost"


@pytest.mark.parametrize("moved", [torch.nan, torch.inf])
def test_a_result_that_is_no_number_elsewhere_is_refused(moved):
    x = torch.tensor(VALUES, dtype=torch.float64, requires_grad=True)
    here = x.detach().clone()
    with pytest.raises(Fault) as caught:
        gradient_is_the_slope(lambda: x**2 if torch.equal(x, here) else x * moved, [x])
    assert caught.value.cause == "wrong gradient"
