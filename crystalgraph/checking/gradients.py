"""Whether a gradient is right: the slope of the result."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from crystalgraph.checking.faults import Fault

STEP = 1e-5

Gradients = tuple[Tensor | None, ...]


def gradients_of(result: object, leaves: Sequence[Tensor]) -> Gradients:
    """The gradient of the sum of a result's squares.

    Args:
        result: of a student's code.
        leaves: tensors that it depends on.

    Returns:
        One for each leaf; None where none arrives.

    Raises:
        Fault: there is none at all, or it is not finite.
    """
    gradients: Gradients = ()
    if isinstance(result, Tensor) and result.requires_grad:
        gradients = torch.autograd.grad((result**2).sum(), leaves, allow_unused=True)
    found = [gradient for gradient in gradients if gradient is not None]
    if not found:
        raise Fault(
            "The result has no gradient, so nothing can be learned: stay with tensors from "
            "beginning to end, without .detach(), .data, .item(), .numpy(), torch.no_grad() or a "
            "new tensor of old numbers.",
            "gradient lost",
        )
    if not all(torch.isfinite(gradient).all() for gradient in found):
        raise Fault(
            "The gradient holds NaN or infinity, so training would fail at its first step.",
            "gradient not finite",
            guess="Look for a division by 0, or a root or a logarithm at 0.",
        )
    return gradients


def gradient_is_the_slope(run: Callable[[], Tensor], leaves: Sequence[Tensor]) -> Gradients:
    """Move all inputs a little, there and back, and compare with what the gradient predicts.

    Args:
        run: computes the result from the leaves as they are.
        leaves: tensors that the result depends on.

    Returns:
        What gradients_of returns.

    Raises:
        Fault: there is no finite gradient, or the result changes in another way than it says, so
            training would go wrong.
    """
    gradients = gradients_of(run(), leaves)
    directions = [torch.randn_like(leaf) for leaf in leaves]
    pairs = zip(gradients, directions, strict=True)
    predicted = sum(float((g * d).sum()) for g, d in pairs if g is not None)

    @torch.no_grad()
    def move(step: float) -> None:
        for leaf, direction in zip(leaves, directions, strict=True):
            leaf.add_(step * direction)

    @torch.no_grad()
    def moved(step: float) -> float:
        move(step)
        return float((run() ** 2).sum())

    ahead, behind = moved(STEP), moved(-2 * STEP)
    move(STEP)
    slope = (ahead - behind) / (2 * STEP)
    allowed = 1e-4 * (abs(slope) + abs(predicted)) + 1e-7 * (1 + abs(ahead))
    if not abs(slope - predicted) <= allowed < torch.inf:
        raise Fault(
            "The gradient is not the slope of the result: a part of the computation is hidden from "
            "it by .detach(), .data, torch.no_grad() or a detour through numpy.",
            "wrong gradient",
        )
    return gradients
