"""What the checks of the lab share: tensors in and out, edges in one order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from crystalgraph.checking.cases import Case
from crystalgraph.checking.compare import as_array, as_tensor, shapes
from crystalgraph.checking.faults import Fault

TOLERANCE = 1e-10
"""Largest difference, in angstrom, of two positions that should be the same (float64)."""


def tensors_of(case: Case, *names: str) -> list[Tensor]:
    """Inputs of a case as tensors of their own."""
    return [torch.from_numpy(case.inputs[name].copy()) for name in names]


def unchanged(
    before: Sequence[Tensor | np.ndarray],
    after: Sequence[Tensor | np.ndarray],
    names: Sequence[str],
) -> None:
    """Raise Fault when the student's code changed one of its inputs."""
    for name, old, new in zip(names, before, after, strict=True):
        if not np.array_equal(old, new):
            raise Fault(
                f"Your code changes its input `{name}` in place: write `y = {name} + ...`, never "
                f"`{name} += ...` or `{name}[...] = ...`.",
                "in place",
            )


def arrays_of(case: Case, *names: str) -> list[np.ndarray]:
    """Inputs of a case as arrays of their own."""
    return [case.inputs[name].copy() for name in names]


def sorted_columns(columns: np.ndarray) -> np.ndarray:
    """The columns of a table in one order, whatever order they came in."""
    return columns[:, np.lexsort(columns[::-1])] if columns.ndim == 2 else columns


def edges_of(result: object) -> np.ndarray:
    """The student's edge_index, its columns in one order.

    Raises:
        Fault: it is no table of whole numbers.
    """
    edges = as_array(result, "edge_index")
    if edges.dtype.kind not in "iu":
        raise Fault(
            f"edge_index holds numbers of type {edges.dtype}, but names atoms: use whole numbers.",
            "type",
        )
    return sorted_columns(edges)


def went_in(*names: str) -> Callable[[Case], str]:
    """Says which inputs of a case go in, with their shapes."""
    return lambda case: shapes(
        {name: case.inputs.get(name, case.settings.get(name)) for name in names}
    )


def whole_tensor(result: object, what: str, like: Tensor) -> np.ndarray:
    """A result that has to be a tensor of the input's dtype, as an array.

    Raises:
        Fault: it is not.
    """
    tensor = as_tensor(result, what)
    if tensor.dtype != like.dtype:
        raise Fault(
            f"{what} is {tensor.dtype}, the input was {like.dtype}: make new tensors with "
            "`x.new_zeros(...)` and do not convert.",
            "dtype",
        )
    return tensor.detach().numpy()
