"""The student's functions and layers as the checks on this side see them.

A check calls what it is given; here that is a stand-in, which sends the arguments into the sandbox
and brings back a value, what became of the arguments, and gradients when they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from crystalgraph.checking.check import ModuleForm
from crystalgraph.sandbox.arguments import pack_argument, restore
from crystalgraph.sandbox.packing import pack, unpack
from crystalgraph.sandbox.session import Arrays, Predict, Session


class RemoteFunction:
    """Stands for a function in the sandbox.

    Args:
        session: in which it is loaded.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    def __call__(self, *arguments: object, **options: float) -> object:
        """Call the student's function; its side effects on the arguments happen here too."""
        session, sent = self.session, []
        session.calls += 1
        packed = [pack(argument, sent, pack_argument) for argument in arguments]
        message = {"do": "call", "number": session.calls, "arguments": packed, "options": options}
        models = [a for a in arguments if callable(a) and not isinstance(a, nn.Module)]
        predict = cast(Predict, models[0]) if models else None
        reply, arrays = session.ask(message, sent, predict)
        leaves = [argument for argument in arguments if _needs_gradient(argument)]
        value = _value(session, reply, arrays, leaves)
        _restore(session, arguments, reply, arrays)
        return value


def _needs_gradient(value: object) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _value(session: Session, reply: dict, arrays: Arrays, leaves: list) -> object:
    """The value in a reply; with a gradient, if it had one in the sandbox."""
    with session.reading_a_reply():
        value = unpack(reply["value"], arrays)
    if isinstance(value, Tensor) and value.requires_grad and leaves:
        return _GradientInSandbox.apply(session, session.calls, value.detach(), *leaves)
    return value


def _restore(session: Session, arguments: tuple, reply: dict, arrays: Arrays) -> None:
    with session.reading_a_reply(), torch.no_grad():
        for place, after in list(reply["changes"].items()):
            restore(arguments[int(place)], unpack(after, arrays))


class _GradientInSandbox(torch.autograd.Function):
    """A value whose gradient is computed in the sandbox."""

    @staticmethod
    def forward(ctx: Any, session: Session, number: int, value: Tensor, *leaves: Tensor) -> Tensor:
        """The value itself."""
        ctx.session, ctx.number = session, number
        ctx.shapes = [leaf.shape for leaf in leaves]
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple:
        """Of the result in each leaf; the first three arguments have none."""
        message = {"do": "backward", "number": ctx.number}
        reply, arrays = ctx.session.ask(message, [grad_outputs[0].contiguous().numpy()])
        with ctx.session.reading_a_reply():
            gradients = [unpack(one, arrays) for one in reply["gradients"]]
            for shape, one in zip(ctx.shapes, gradients, strict=True):
                if one is not None and one.shape != shape:
                    raise ValueError("a gradient of another shape")
        return None, None, None, *gradients


class RemoteModule(nn.Module):
    """Stands for a layer or network in the sandbox; derived classes are made by `remote_class`.

    Attributes:
        session: in which the class is loaded.
        form: how modules of the class are made.
    """

    session: Session
    form: ModuleForm

    def __init__(self, *sizes: int, **options: object) -> None:
        super().__init__(*sizes, **options)  # the reference's
        self.made_with = sizes, options

    def forward(self, *inputs: object) -> object:
        """What the student's module gives, made in the sandbox with the same weights."""
        session, sent = self.session, []
        session.calls += 1
        state = self.state_dict().items()
        weights = {f"weights/{name}": pack(value.numpy(), sent) for name, value in state}
        settings = self.form.settings(*self.made_with, self)
        message = {"do": "module", "number": session.calls, "settings": settings}
        message |= {"weights": weights, "arguments": [pack(value, sent) for value in inputs]}
        reply, arrays = session.ask(message, sent)
        leaves = [*self.parameters(), *(value for value in inputs if _needs_gradient(value))]
        value = _value(session, reply, arrays, leaves)
        _restore(session, inputs, reply, arrays)
        if self.training:
            with session.reading_a_reply(), torch.no_grad():
                for name, buffer in self.named_buffers():
                    buffer.copy_(unpack(reply["buffers"][name], arrays))
        return value


def remote_class(
    session: Session, reference: type[nn.Module], form: ModuleForm
) -> type[RemoteModule]:
    """Stands for a student's class of layers or networks.

    Its parameters are made by the reference's __init__, which the students were given; the forward
    pass is the student's.

    Args:
        session: in which the student's class is loaded.
        reference: the right answer, a class of the same name.
        form: how modules of the class are made.
    """
    known = {"session": session, "form": form}
    return cast(type[RemoteModule], type(reference.__name__, (RemoteModule, reference), known))


def timed_call(module: RemoteModule, inputs: Sequence[Tensor]) -> tuple[object, float]:
    """Call the student's module, and see how long the processor works for that.

    It is the module made by the last call of `module`, so that neither its making nor the way of
    its weights counts. Time in the system's kernel does not count either: it depends on how the
    memory of the process is laid out more than on what is computed.

    Args:
        module: called before; this call is without gradient.
        inputs: of the call.

    Returns:
        The value, and processor seconds.
    """
    session, sent = module.session, []
    packed = [pack(value, sent) for value in inputs]
    before = session.processor_time().user
    reply, arrays = session.ask({"do": "again", "arguments": packed}, sent)
    seconds = session.processor_time().user - before
    with session.reading_a_reply():
        return unpack(reply["value"], arrays), seconds
