"""What a layer computes, as a list of elementary operations that the grader repeats itself.

How often a layer multiplies is counted in the process that does it, where a stranger could
miscount. So the sandbox sends the operations (`record`), and the grader runs them on numbers of its
own (`Replay`): if the result is right, the list is what it claims to be, and can be counted.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from crystalgraph.grading.values import pack, unpack
from crystalgraph.grading.wire import Garbled

MAX_NODES = 2_000
MAX_NUMBERS = 2_000_000
MAX_CONSTANT = 4_096

OPERATIONS = frozenset(
    """
    _index_put_impl _index_put_impl_ _local_scalar_dense _native_batch_norm_legit
    _native_batch_norm_legit_no_training _reshape_alias _softmax _to_copy _unsafe_index
    _unsafe_view abs add add_ addcmul addmm addmm_ alias amax amin aminmax arange argsort
    baddbmm bincount bmm cat ceil clamp clamp_min clone constant_pad_nd copy copy_
    cudnn_batch_norm cumsum detach diagonal div div_ dot elu empty empty_like eq exp expand eye
    fill fill_ flatten floor full full_like gather ge gelu gt index index_add index_add_
    index_put index_put_ index_select le leaky_relu lift_fresh lift_fresh_copy log log1p
    logaddexp lt masked_fill maximum mean minimum mm mul mul_ mv native_batch_norm
    native_dropout ne neg new_empty new_full new_ones new_zeros nonzero ones ones_like permute
    pow reciprocal relu repeat reshape round rsqrt rsub scalar_tensor scatter scatter_add
    scatter_add_ scatter_reduce scatter_reduce_ select select_scatter sigmoid sign silu slice
    slice_scatter softplus sort split split_with_sizes sqrt square squeeze stack sub sub_ sum t
    tanh transpose unbind unsqueeze unsqueeze_ var var_mean view where zero_ zeros zeros_like
    """.split()
)
_MAKE = frozenset(
    """
    arange constant_pad_nd empty expand eye full new_empty new_full new_ones new_zeros ones repeat
    zeros
    """.split()
)  # a tensor of a size that stands in their arguments
_IGNORED = {"device", "layout", "pin_memory", "memory_format", "non_blocking"}

# --- in the sandbox


def record(module: nn.Module, inputs: list[Tensor], arrays: list[np.ndarray]) -> dict:
    """The operations of a module's forward pass, as JSON.

    Args:
        module: whose parameters and buffers become arguments, in the order of its state dict.
        inputs: further arguments.
        arrays: constants of the module's code are appended.
    """
    names, values = zip(*module.state_dict().items(), strict=True)

    def forward(*tensors: Tensor) -> Tensor:
        state = dict(zip(names, tensors, strict=False))
        return torch.func.functional_call(module, state, tuple(tensors[len(names) :]))

    with torch.no_grad():
        traced = make_fx(forward, _error_on_data_dependent_ops=False)(*values, *inputs)
    places = {node: place for place, node in enumerate(traced.graph.nodes)}

    def shown(value: object) -> object:
        if isinstance(value, torch.fx.Node):
            return {"node": places[value]}
        if isinstance(value, torch.dtype):
            return {"dtype": str(value).removeprefix("torch.")}
        if isinstance(value, list | tuple):
            return {"list": [shown(item) for item in value]}
        return value

    nodes = []
    for node in traced.graph.nodes:
        options = {k: shown(v) for k, v in node.kwargs.items() if k not in _IGNORED}
        known = {"kind": node.op, "name": str(node.target), "options": options}
        known["arguments"] = [shown(argument) for argument in node.args]
        if node.op == "get_attr":
            known["constant"] = pack(getattr(traced, node.target), arrays)
        nodes.append(known)
    return {"nodes": nodes}


# --- on the grader's side


class Replay:
    """A list of operations from a stranger, run on numbers of ours.

    Args:
        nodes: from `record`.
        arrays: of the message.

    Raises:
        Garbled: it is no such list, or holds an operation that is not on ours.
    """

    def __init__(self, nodes: list, arrays: list[np.ndarray]) -> None:
        if not isinstance(nodes, list) or len(nodes) > MAX_NODES:
            raise Garbled("too many operations")
        self.nodes, self.arrays = nodes, arrays
        self.multiplications = 0

    def __call__(self, *tensors: Tensor) -> Tensor:
        """Run all operations; `multiplications` counts them."""
        self.multiplications, values, left = 0, [], list(tensors)
        try:
            for node in self.nodes:
                if node["kind"] == "output":
                    result = self._argument(node["arguments"][0], values)
                    return result[0] if isinstance(result, list) else result
                values.append(self._value(node, values, left))
        except Garbled:
            raise
        except Exception as error:
            raise Garbled("operations that cannot be repeated") from error
        raise Garbled("operations without a result")

    def _value(self, node: dict, values: list, left: list[Tensor]) -> object:
        if node["kind"] == "placeholder":
            return left.pop(0).clone()
        if node["kind"] == "get_attr":
            constant = unpack(node["constant"], self.arrays)
            if not isinstance(constant, Tensor) or constant.numel() > MAX_CONSTANT:
                raise Garbled("a constant that is too large")
            return constant
        arguments = [self._argument(one, values) for one in node["arguments"]]
        options = {k: self._argument(one, values) for k, one in node["options"].items()}
        if node["name"] == "<built-in function getitem>":
            return arguments[0][arguments[1]]
        operation = _operation(node["name"])
        _check_size(node["name"], arguments)
        value = operation(*arguments, **options)
        if isinstance(value, Tensor) and value.numel() > MAX_NUMBERS:
            raise Garbled("an operation that is too large")
        self.multiplications += _multiplications(node["name"], arguments, value)
        return value

    def _argument(self, shown: object, values: list) -> object:
        if not isinstance(shown, dict):
            return shown
        if "node" in shown:
            return values[shown["node"]]
        if "dtype" in shown:
            dtype = getattr(torch, shown["dtype"])
            if not isinstance(dtype, torch.dtype):
                raise Garbled("no dtype")
            return dtype
        return [self._argument(item, values) for item in shown["list"]]


def _operation(name: str) -> object:
    space, short, overload = name.split(".")
    if space != "aten" or short not in OPERATIONS:
        raise Garbled(f"the operation {name[:40]}")
    return getattr(getattr(torch.ops.aten, short), overload)


def _check_size(name: str, arguments: list) -> None:
    """Refuse what would make a huge tensor, before it does."""
    if name.split(".")[1] in _MAKE:
        known = max([a.numel() for a in arguments if isinstance(a, Tensor)], default=1)
        lists = [a if isinstance(a, list) else [a] for a in arguments if not isinstance(a, Tensor)]
        sizes = [abs(n) for numbers in lists for n in numbers if type(n) is int]
        if known * math.prod(max(1, size) for size in sizes) > MAX_NUMBERS * known:
            raise Garbled("an operation that is too large")


def _multiplications(name: str, arguments: list, value: object) -> int:
    short = name.split(".")[1].rstrip("_")
    tensors = [a for a in arguments if isinstance(a, Tensor)]
    if short in ("mm", "addmm", "bmm", "baddbmm", "mv", "dot"):
        left, right = tensors[-2:]
        return left.numel() * (right.shape[-1] if right.ndim > 1 else 1)
    both = short in ("mul", "addcmul") and len(tensors) > 1
    return value.numel() if both and isinstance(value, Tensor) else 0
