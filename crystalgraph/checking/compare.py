"""Comparing an answer with what was expected, and saying in words how it differs."""

import numpy as np
import torch

from crystalgraph.checking.cases import Arrays
from crystalgraph.checking.faults import Fault

RTOL = 1e-6
RTOL_ON_PAPER = 1e-4
ATOL = 1e-9


def as_array(value: object, what: str) -> np.ndarray:
    """A student's result as a numpy array.

    Args:
        value: tensor, array, list or number.
        what: name of the result, for messages.

    Returns:
        The array.

    Raises:
        Fault: it is nothing that holds numbers.
    """
    if value is None:
        raise Fault(f"{what}: your code returned None; is there a `return` at its end?", "None")
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, list | tuple):
        value = [v.detach().cpu().numpy() if isinstance(v, torch.Tensor) else v for v in value]
    try:
        array = np.asarray(value)
    except ValueError:
        raise Fault(f"{what}: its parts have different lengths: join them.", "ragged") from None
    if array.dtype.kind not in "biuf":
        raise Fault(f"{what} should hold numbers, but is a {type(value).__name__}.", "type")
    return array


def as_tensor(value: object, what: str) -> torch.Tensor:
    """A student's result that has to be a tensor; raises Fault when it is not."""
    if value is None:
        raise Fault(f"{what} is None; is there a `return` at the end?", "None")
    if not isinstance(value, torch.Tensor):
        kind = f"{type(value).__module__.split('.')[0]} {type(value).__name__}"
        raise Fault(f"{what} should be a torch tensor, but is a {kind}.", "type")
    return value


def same(got: np.ndarray, expected: np.ndarray, rtol: float = RTOL) -> bool:
    """Whether two arrays have one shape and close values; NaN equals NaN (a known mistake's)."""
    return got.shape == expected.shape and np.allclose(got, expected, rtol, ATOL, equal_nan=True)


def close(got: object, other: object, rtol: float = RTOL, atol: float = ATOL) -> bool:
    """Whether two results of a student's code, which should be of one shape, are close.

    Of properties ("another order gives the same", "another input gives something else") one asks
    for yes, another for no. What can be neither is refused here, so that it passes none of them.

    Args:
        got, other: tensors, arrays or numbers.
        rtol, atol: how close, relative to `other` and in all.

    Raises:
        Fault: a result holds NaN or infinity, or they have different shapes.
    """
    first, second = as_array(got, "The result"), as_array(other, "The result")
    if first.shape != second.shape:
        text = f"Two results have shapes {first.shape} and {second.shape}, and should have one."
        raise Fault(text, "shape")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise Fault("The result holds NaN or infinity.", "not finite")
    return np.allclose(first, second, rtol, atol)


def all_same(got: Arrays, expected: Arrays, rtol: float = RTOL) -> bool:
    """Whether all outputs are the same."""
    return got.keys() == expected.keys() and all(same(got[k], expected[k], rtol) for k in expected)


def first_difference(got: Arrays, expected: Arrays, rtol: float) -> str | None:
    """Name of the first output that differs; None when all agree."""
    for name, value in expected.items():
        if name not in got or not same(got[name], value, rtol):
            return name
    return None


def shape_message(
    got: np.ndarray, expected: np.ndarray, what: str, axes: tuple[str, ...], advise: bool = True
) -> str:
    """Say how a shape differs and, unless the mistake is known, what usually makes it so."""
    text = f"{what} has shape {got.shape}, expected {expected.shape} ({_axes(axes, expected)})."
    if got.ndim == 2 and got.T.shape == expected.shape:
        return f"{text} Rows and columns are exchanged."
    if got.shape == (*expected.shape, 1):
        left = f"{text} One axis of length 1 is left"
        return f"{left}: squeeze it, x.squeeze(1)." if advise else f"{left}."
    if got.ndim == expected.ndim == 2 and got.shape[0] == expected.shape[0]:
        return f"{text} The number of columns is wrong."
    if got.ndim == expected.ndim == 1:
        return f"{text} The length is wrong."
    if got.ndim == expected.ndim:
        return f"{text} The number of {_plural(axes[0] if axes else 'row')} is wrong."
    return text


def _axes(axes: tuple[str, ...], array: np.ndarray) -> str:
    names = axes[: array.ndim] if len(axes) >= array.ndim else ()
    counts = zip(array.shape, names, strict=False)
    return ", ".join(f"{n} {name if n == 1 else _plural(name)}" for n, name in counts) or "number"


def _plural(name: str) -> str:
    return name[:-1] + "ies" if name.endswith("y") else name + "s"


def truth_message(got: np.ndarray, expected: np.ndarray, what: str) -> str:
    """Say that something is so and should not be, or the other way round."""
    answer, wanted = ("yes" if value.item() else "no" for value in (got, expected))
    return f"{what[0].upper()}{what[1:]}: {answer}, expected {wanted}."


def value_message(
    got: np.ndarray, expected: np.ndarray, what: str, axes: tuple[str, ...], advise: bool = True
) -> str:
    """Say what came out, where values differ most and whether one simple change explains it."""
    if got.dtype.kind == "f" and np.isnan(got).any():
        place = f", first at {_place(np.argwhere(np.isnan(got))[0], axes)}" if got.ndim else ""
        guess = ": look for 0/0 or a logarithm of 0." if advise else "."
        return f"{what} {'holds' if got.ndim else 'is'} NaN{place}{guess}"
    if got.dtype.kind == "f" and np.isinf(got).any():
        place = f" at {_place(np.argwhere(np.isinf(got))[0], axes)}" if got.ndim else ""
        guess = ": is it divided by 0, or left at a start of inf?" if advise else "."
        return f"{what} is infinite{place}{guess}"
    error = np.abs(got.astype(float) - expected.astype(float))
    if error.size == 1:
        return f"{what} is {got.item():.5g}, which is {_amount(got, expected, ())}."
    where = np.unravel_index(np.argmax(error), error.shape)
    n_wrong = int((error > RTOL * np.abs(expected) + ATOL).sum())
    text = (
        f"{what} (shape {got.shape}, from {got.min():.3g} to {got.max():.3g}): {n_wrong} of "
        f"{error.size} values {'is' if n_wrong == 1 else 'are'} wrong, most at "
        f"{_place(where, axes)}, "
        f"{_amount(got, expected, where)}. {_simple_relation(got, expected)}"
    )
    return text.rstrip()


def _amount(got: np.ndarray, expected: np.ndarray, where: tuple) -> str:
    """How far off one value is, in percent: the right value itself is not shown."""
    right, value = float(expected.reshape(-1)[0]), float(got.reshape(-1)[0])
    if where:
        right, value = float(expected[where]), float(got[where])
    direction = "too large" if value > right else "too small"
    if got.dtype.kind in "iu" and expected.dtype.kind in "iu":
        return f"{direction} by {abs(value - right):.0f}"
    percent = 100 * abs(value - right) / max(abs(right), 1e-12)
    if percent > 1000:
        return f"much {direction}"
    return f"{direction} by {percent:.2g} %" if percent < 10 else f"{direction} by {percent:.0f} %"


def _place(where: tuple, axes: tuple[str, ...]) -> str:
    if not len(where):
        return "the one number"
    names = axes if len(axes) >= len(where) else ("row", "column", "layer")
    return ", ".join(f"{name} {int(i)}" for name, i in zip(names, where, strict=False))


def _simple_relation(got: np.ndarray, expected: np.ndarray) -> str:
    got, expected = got.astype(float), expected.astype(float)
    if expected.size < 2:
        return ""
    if np.allclose(got, 0):
        return "All your values are 0."
    if got.dtype.kind == "f" and np.allclose(got, expected, rtol=1e-5, atol=1e-6):
        return "They agree to single precision only: keep the dtype of the input (no .float())."
    if np.allclose(got, -expected, rtol=1e-6):
        return "Your values have the opposite sign."
    nonzero = np.abs(expected) > 1e-12
    ratio = got[nonzero] / expected[nonzero]
    if ratio.size > 1 and ratio[0] and np.allclose(got, ratio[0] * expected, rtol=1e-6):
        return f"Everywhere your value is {ratio[0]:.4g} times the right one."
    if np.allclose(got - expected, (got - expected).flat[0], rtol=1e-6, atol=1e-12):
        return "Everywhere your value is off by the same amount."
    if np.allclose(np.sort(got, axis=0), np.sort(expected, axis=0)):
        return "The right rows are there, in the wrong order."
    return ""


def shapes(inputs: dict) -> str:
    """What went in, in a few words: names and shapes."""
    parts = []
    for name, value in inputs.items():
        shape = getattr(value, "shape", None)
        text = f" {tuple(shape)}" if shape is not None and len(shape) else f"={value}"
        parts.append(name + text)
    return ", ".join(parts)
