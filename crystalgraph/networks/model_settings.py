"""What a network is built with, whole: what was asked for and what its class takes by default."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from crystalgraph.errors import CrystalGraphError

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "softplus": nn.functional.softplus,
    "relu": nn.functional.relu,
    "silu": nn.functional.silu,
    "gelu": nn.functional.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}

Plain = str | int | float | bool | None
"""What can be written to a file as it is."""


@dataclass(frozen=True)
class ModelSettings:
    """Every option of a network's class, with the value that is in force.

    Attributes:
        options: name -> value; an activation by its name in ACTIVATIONS. A default that is no plain
            value, such as a function of the model file's own, is left to that file, whose content
            is recorded too.
    """

    options: Mapping[str, Plain]

    @classmethod
    def in_force(
        cls, model_class: type[nn.Module], given: Mapping[str, object] | None = None
    ) -> ModelSettings:
        """The settings of a network that is built with some arguments.

        Args:
            model_class: CrystalGraphConvNet of a model file, or a class called alike.
            given: arguments after the two sizes; all others have the defaults of the class.

        Raises:
            CrystalGraphError: an argument is no plain value.
        """
        options = {name: _named(value) for name, value in _defaults(model_class).items()}
        options = {name: value for name, value in options.items() if isinstance(value, Plain)}
        for name, value in (given or {}).items():
            value = _named(value)
            if not isinstance(value, Plain):
                raise CrystalGraphError(
                    f"The setting {name} = {value!r} cannot be written to a file; give a number, "
                    f"True, False or a name (of an activation {', '.join(ACTIVATIONS)})."
                )
            options[name] = value
        return cls(options)


def _named(value: object) -> object:
    """The name of an activation; any other value as it is."""
    return next((name for name, function in ACTIVATIONS.items() if value is function), value)


def _defaults(model_class: type[nn.Module]) -> dict[str, object]:
    """Defaults in the signature of a class, and of those that it passes further arguments on to."""
    found: dict[str, object] = {}
    for kind in model_class.__mro__:
        if kind is nn.Module:
            break
        if "__init__" in vars(kind):
            parameters = inspect.signature(vars(kind)["__init__"]).parameters.values()
            known = {p.name: p.default for p in parameters if p.default is not p.empty}
            found = known | found
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return found
