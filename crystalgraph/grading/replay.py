"""What a layer computes, as a list of elementary operations that the grader repeats itself.

How often a layer multiplies is counted in the process that does it, where a stranger could
miscount. So the sandbox sends the operations (`record`), and the grader runs them on numbers of its
own (`Replay`): if the result is right, the list is what it claims to be, and can be counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from crystalgraph.grading.values import pack, unpack
from crystalgraph.grading.wire import Garbled

MAX_NODES = 2_000
MAX_NUMBERS = 2_000_000
MAX_CONSTANT = 4_096

OPERATIONS = frozenset(
    """
    _index_put_impl _local_scalar_dense _native_batch_norm_legit
    _native_batch_norm_legit_no_training _reshape_alias _softmax _to_copy _unsafe_index
    _unsafe_view abs add addcmul addmm alias all amax amin aminmax any arange argsort baddbmm
    bincount bitwise_and bitwise_not bmm cat ceil clamp clamp_min clone constant_pad_nd copy
    cudnn_batch_norm cumsum detach diag_embed diagonal div dot elu empty empty_like eq exp
    expand eye fill flatten floor full full_like gather ge gelu gt index index_add index_put
    index_reduce index_select le leaky_relu lift_fresh lift_fresh_copy log log1p logaddexp
    logical_and logical_not logsumexp lt masked_fill max maximum mean min minimum mm mul mv
    native_batch_norm native_dropout ne neg new_empty new_full new_ones new_zeros nonzero ones
    ones_like permute pow prod reciprocal relu remainder repeat reshape round rsqrt rsub
    scalar_tensor scatter scatter_add scatter_reduce select select_scatter sigmoid sign silu
    slice slice_scatter softplus sort split split_with_sizes sqrt square squeeze stack sub sum t
    tanh topk transpose unbind unsqueeze var var_mean view where zero zeros zeros_like
    """.split()
)
_MAKE = frozenset(
    """
    arange constant_pad_nd empty expand eye full new_empty new_full new_ones new_zeros ones repeat
    zeros
    """.split()
)  # a tensor of a size that stands in their arguments
_AS_LARGE_AS_GIVEN = {"nonzero", "_local_scalar_dense", "aminmax"}
_IGNORED = {"device", "layout", "pin_memory", "memory_format", "non_blocking"}

# --- in the sandbox


class _Recorder(TorchDispatchMode):
    """Writes down every elementary operation while it is done."""

    def __init__(self, given: list[Tensor], arrays: list[np.ndarray]) -> None:
        super().__init__()
        self.arrays, self.nodes = arrays, [{"kind": "given"} for _ in given]
        self.known = {id(tensor): {"node": place} for place, tensor in enumerate(given)}
        self.kept: list[object] = [*given]  # an id is free again when its tensor is gone

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):  # noqa: D105
        options = {k: v for k, v in (kwargs or {}).items() if k not in _IGNORED}
        node = {"kind": "operation", "name": str(operation)}
        node["arguments"] = [self.shown(argument) for argument in args]
        node["options"] = {name: self.shown(value) for name, value in options.items()}
        value = operation(*args, **(kwargs or {}))
        self.nodes.append(node)
        self.keep(value, {"node": len(self.nodes) - 1})
        return value

    def keep(self, value: object, place: dict) -> None:
        """Remember where a tensor came from; one changed in place keeps its latest origin."""
        if isinstance(value, Tensor):
            self.known[id(value)] = place
            self.kept.append(value)
        elif isinstance(value, list | tuple):
            for number, item in enumerate(value):
                self.keep(item, place | {"item": number})

    def shown(self, value: object) -> object:
        """An argument as JSON."""
        if isinstance(value, Tensor):
            if id(value) not in self.known:
                self.nodes.append({"kind": "constant", "value": pack(value, self.arrays)})
                self.keep(value, {"node": len(self.nodes) - 1})
            return self.known[id(value)]
        if isinstance(value, torch.dtype):
            return {"dtype": str(value).removeprefix("torch.")}
        if isinstance(value, list | tuple):
            return {"list": [self.shown(item) for item in value]}
        return value


def record(module: nn.Module, inputs: list[Tensor], arrays: list[np.ndarray]) -> dict:
    """The elementary operations of a module's forward pass, as JSON.

    Args:
        module: its parameters and buffers count as given, in the order of its state dict.
        inputs: given too, after those.
        arrays: constants of the module's code are appended.
    """
    state = dict([*module.named_parameters(), *module.named_buffers()])
    recorder = _Recorder([*(state[name] for name in module.state_dict()), *inputs], arrays)
    with torch.no_grad(), recorder:
        result = module(*inputs)
    return {"nodes": recorder.nodes, "result": recorder.shown(result)}


# --- on the grader's side


class Replay:
    """A list of operations from a stranger, run on numbers of ours.

    Args:
        nodes, result: from `record`.
        arrays: of the message.

    Raises:
        Garbled: it is no such list, or holds an operation that is not on ours.
    """

    def __init__(self, nodes: list, result: dict, arrays: list[np.ndarray]) -> None:
        if not isinstance(nodes, list) or len(nodes) > MAX_NODES:
            raise Garbled("too many operations")
        self.nodes, self.result, self.arrays = nodes, result, arrays
        self.multiplications = 0

    def __call__(self, *tensors: Tensor) -> Tensor:
        """Run all operations; `multiplications` counts them."""
        self.multiplications, values, left = 0, [], list(tensors)
        try:
            for node in self.nodes:
                values.append(self._value(node, values, left))
            return self._argument(self.result, values)
        except Garbled:
            raise
        except Exception as error:
            raise Garbled("operations that cannot be repeated") from error

    def _value(self, node: dict, values: list, left: list[Tensor]) -> object:
        if node["kind"] == "given":
            return left.pop(0).clone()
        if node["kind"] == "constant":
            constant = unpack(node["value"], self.arrays)
            if not isinstance(constant, Tensor) or constant.numel() > MAX_CONSTANT:
                raise Garbled("a constant that is too large")
            return constant
        arguments = [self._argument(one, values) for one in node["arguments"]]
        options = {k: self._argument(one, values) for k, one in node["options"].items()}
        operation = _operation(node["name"])
        _check_size(node["name"], operation, arguments, options)
        value = operation(*arguments, **options)
        self.multiplications += _multiplications(node["name"], arguments, value)
        return value

    def _argument(self, shown: object, values: list) -> object:
        if not isinstance(shown, dict):
            return shown
        if "node" in shown:
            value = values[shown["node"]]
            return value[shown["item"]] if "item" in shown else value
        if "dtype" in shown:
            dtype = getattr(torch, shown["dtype"])
            if not isinstance(dtype, torch.dtype):
                raise Garbled("no dtype")
            return dtype
        return [self._argument(item, values) for item in shown["list"]]


def _operation(name: str) -> object:
    space, short, overload = name.split(".")
    if space != "aten" or short.removesuffix("_") not in OPERATIONS:
        raise Garbled(f"the operation {name[:40]}")
    return getattr(getattr(torch.ops.aten, short), overload)


def _check_size(name: str, operation: Callable, arguments: list, options: dict) -> None:
    """Refuse what would make a huge tensor, before it does."""
    if name.split(".")[1] in _MAKE:
        lists = [a if isinstance(a, list) else [a] for a in arguments if not isinstance(a, Tensor)]
        sizes = [abs(n) for numbers in lists for n in numbers if type(n) is int]
        made = math.prod(max(1, size) for size in sizes)
    elif name.split(".")[1] == "bincount":
        made = max([*arguments[0].tolist(), *(n for n in arguments[1:] if type(n) is int)])
    elif name.split(".")[1] in _AS_LARGE_AS_GIVEN or _has_mask(arguments):
        return
    else:
        value = operation(*_shadow(arguments), **_shadow(options))
        made = value.numel() if isinstance(value, Tensor) else 0
    if made > MAX_NUMBERS:
        raise Garbled("an operation that is too large")


def _shadow(value: object) -> object:
    """The same with tensors that have shapes and no numbers."""
    if isinstance(value, Tensor):
        return torch.empty_like(value, device="meta")
    if isinstance(value, list):
        return [_shadow(item) for item in value]
    if isinstance(value, dict):
        return {name: _shadow(item) for name, item in value.items()}
    return value


def _has_mask(arguments: list) -> bool:
    """Whether an index is made of yes and no: it picks some of what is there."""
    flat = [item for a in arguments for item in (a if isinstance(a, list) else [a])]
    masks = [t for t in flat[1:] if isinstance(t, Tensor) and t.dtype == torch.bool]
    return len(masks) == 1 and sum(isinstance(t, Tensor) for t in flat) <= 3


def _multiplications(name: str, arguments: list, value: object) -> int:
    short = name.split(".")[1].rstrip("_")
    tensors = [a for a in arguments if isinstance(a, Tensor)]
    if short in ("mm", "addmm", "bmm", "baddbmm", "mv", "dot"):
        left, right = tensors[-2:]
        return left.numel() * (right.shape[-1] if right.ndim > 1 else 1)
    both = short in ("mul", "addcmul") and len(tensors) > 1
    return value.numel() if both and isinstance(value, Tensor) else 0
