"""Models that checks give to a student's function, to see what it does with a model."""

from __future__ import annotations

from torch import nn


class Probe(nn.Module):
    """A small model of a check's own; it notes in which state it was called.

    The sandbox makes a copy of it from the place of its class and from `settings`, so a class that
    derives from this one stands at the top level of a module of the lab's checks.

    Attributes:
        calls: (in training mode?, gradients recorded?) of each call of `forward`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[bool, bool]] = []

    def settings(self) -> dict[str, float | int | str | bool]:
        """Arguments of the class that make the same model, weights apart; plain values."""
        raise NotImplementedError
