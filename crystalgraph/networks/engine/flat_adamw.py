"""AdamW on all parameters of a network as one vector.

A small network has dozens of parameters, and the optimizer's bookkeeping for each of them takes
longer than its arithmetic. The numbers are those of torch.optim.AdamW. A network that computes its
gradients by hand asks for the vector (as_vector) and gives it its gradient directly.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

_VECTORS = WeakTensorKeyDictionary()
"""First parameter -> weak reference to the vector of its FlatAdamW."""


class FlatAdamW(torch.optim.AdamW):
    """torch.optim.AdamW with one parameter, of which those of the network become views.

    Args:
        parameters: of the network, all of one type on one device; each has a gradient in each step.
        options: of torch.optim.AdamW.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], **options: Any) -> None:
        self.parts = list(parameters)
        self.vector = nn.Parameter(torch.cat([part.detach().flatten() for part in self.parts]))
        sizes = [part.numel() for part in self.parts]
        for part, piece in zip(self.parts, self.vector.detach().split(sizes), strict=True):
            part.data = piece.view_as(part)
        _VECTORS[self.parts[0]] = weakref.ref(self.vector)
        super().__init__([self.vector], fused=True, **options)
        zeros = torch.zeros_like(self.vector, requires_grad=False)
        count = torch.zeros((), device=zeros.device)
        self.state[self.vector] = {"step": count, "exp_avg": zeros, "exp_avg_sq": zeros.clone()}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        self.vector.grad = None
        for part in self.parts:
            part.grad = None

    def join_gradients(self) -> None:
        """Make the vector's gradient of those of the network; comes before each step."""
        gradients = [part.grad for part in self.parts if part.grad is not None]
        if gradients:  # else the vector has got its own
            self.vector.grad = torch.cat([gradient.flatten() for gradient in gradients])

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step of AdamW; torch.optim's way to the same call takes longer than the call."""
        group, state, gradient = self.param_groups[0], self.state[self.vector], self.vector.grad
        assert gradient is not None
        state["step"].add_(1)
        torch._fused_adamw_(
            [self.vector],
            [gradient],
            [state["exp_avg"]],
            [state["exp_avg_sq"]],
            [],
            [state["step"]],
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )


def as_vector(parameters: Sequence[nn.Parameter]) -> Tensor:
    """All parameters as one vector, through which their gradients go.

    Returns:
        The vector of their FlatAdamW, if it has just these parameters; else a new one, of which
        PyTorch gives each parameter its part.
    """
    reference = _VECTORS.get(parameters[0])
    vector = None if reference is None else reference()
    if vector is not None and vector.data_ptr() == parameters[0].data_ptr():
        if len(vector) == sum(parameter.numel() for parameter in parameters):
            return vector
    return torch.cat([parameter.flatten() for parameter in parameters])
