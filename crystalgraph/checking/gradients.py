"""Whether a gradient is right: the slope of the result."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from crystalgraph.checking.faults import Fault

STEP = 1e-5


def gradient_is_the_slope(run: Callable[[], Tensor], leaves: Sequence[Tensor]) -> None:
    """Move all inputs a little, there and back, and compare with what the gradient predicts.

    Args:
        run: computes the result from the leaves as they are.
        leaves: tensors that the result depends on.

    Raises:
        Fault: the result changes in another way, so training would go wrong.
    """
    gradients = torch.autograd.grad((run() ** 2).sum(), leaves, allow_unused=True)
    directions = [torch.randn_like(leaf) for leaf in leaves]
    pairs = zip(gradients, directions, strict=True)
    predicted = sum(float((g * d).sum()) for g, d in pairs if g is not None)

    def moved(step: float) -> float:
        with torch.no_grad():
            for leaf, direction in zip(leaves, directions, strict=True):
                leaf.add_(step * direction)
            return float((run() ** 2).sum())

    ahead, behind = moved(STEP), moved(-2 * STEP)
    moved(STEP)
    slope = (ahead - behind) / (2 * STEP)
    if abs(slope - predicted) > 1e-4 * (abs(slope) + abs(predicted)) + 1e-7 * (1 + abs(ahead)):
        raise Fault(
            "The gradient is not the slope of the result: a part of the computation is hidden from "
            "it by .detach(), .data, torch.no_grad() or a detour through numpy.",
            "wrong gradient",
        )
