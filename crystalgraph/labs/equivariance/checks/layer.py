"""Checks of notebook 1: edges, the layer that moves atoms, random rotations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, ModuleForm, stored
from crystalgraph.checking.compare import as_array, as_tensor, close
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.checking.gradients import gradient_is_the_slope, gradients_of
from crystalgraph.labs.equivariance.advice import MISTAKES
from crystalgraph.labs.equivariance.checks.common import (
    TOLERANCE,
    edges_of,
    tensors_of,
    unchanged,
    went_in,
)

# ---- 1.1 edges


def _run_edges(answer: Callable, case: Case) -> Arrays:
    x, batch = tensors_of(case, "x", "batch")
    before = x.clone(), batch.clone()
    result = as_tensor(answer(x, batch, case.settings["cutoff"]), "edge_index")
    unchanged(before, (x, batch), ("x", "batch"))
    return {"edge_index": edges_of(result)}


_EDGES = Check(
    "1.1",
    _run_edges,
    (
        stored("four atoms in a line", 1, "paper", paper=True),
        stored("three molecules", 2, "molecules"),
        stored("atoms of two molecules at one place", 1, "overlapping"),
    ),
    "one column (i, j) for each atom i and each neighbor j nearer than the cutoff, in the same "
    "molecule, both (i, j) and (j, i), never (i, i).",
    {
        "paper": "atoms in a line at 0, 1, 2.5 angstrom, and at 1.5 one of another molecule; "
        "cutoff 1.6 angstrom",
        "molecules": "three molecules of different size",
        "overlapping": "two molecules at the same place in space",
    },
    {"edge_index": ("row", "edge")},
    went_in("x", "batch", "cutoff"),
    advice=MISTAKES["1.1"],
    case_maker="molecules_to_connect",
)

# ---- 1.2 the layer

INPUTS = ("h", "x", "edge_index", "shift")


class Joined(nn.Module):
    """A layer whose two results are one tensor (N, F + 3), so that gradients can be looked at.

    Args:
        layer: gives h and x.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the layer gives; of a stand-in's layer it is joined already."""
        result = self.layer(*inputs)
        if isinstance(result, Tensor) and hasattr(self.layer, "session"):
            return result
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise Fault("forward should return two tensors: h, x.", "two results")
        h, x = (as_tensor(one, name) for one, name in zip(result, INPUTS, strict=False))
        for given, one, name in zip(inputs, (h, x), INPUTS, strict=False):
            if one.shape != given.shape:
                raise Fault(
                    f"The new {name} has shape {tuple(one.shape)}, the old one "
                    f"{tuple(given.shape)}: they should be the same.",
                    "shape",
                )
        if h.dtype != inputs[0].dtype or x.dtype != inputs[0].dtype:
            raise Fault(
                f"The inputs are {inputs[0].dtype}, the results {h.dtype} and {x.dtype}: make new "
                "tensors with `x.new_zeros(...)` and do not convert.",
                "dtype",
            )
        return torch.cat([h, x], 1)


def build(cls: type, case: Case) -> Joined:
    """The student's layer with the weights of a case, in float64.

    Raises:
        Fault: its parameters are not those of the class handed out.
    """
    weights = {name: torch.from_numpy(value) for name, value in case.group("weights").items()}
    try:
        layer = cls(*case.settings["sizes"]).double()
        layer.load_state_dict(weights)
    except (RuntimeError, AttributeError, TypeError):
        raise Fault(
            "The parts made in EGCL.__init__ are not the ones handed out; put __init__ back as it "
            "was and change forward only.",
            "init changed",
        ) from None
    return Joined(layer.eval())


def settings_of(sizes: tuple, options: dict, module: nn.Module) -> dict:
    """Settings of a case of which `build` makes the same layer again."""
    return {"sizes": list(sizes)}


def _layer_and_inputs(exam: Exam, name: str = "directed") -> tuple[Joined, list[Tensor]]:
    case = exam.named(name)[0]
    return build(exam.answer, case), tensors_of(case, *INPUTS)


def _run_layer(cls: type, case: Case) -> Arrays:
    inputs = tensors_of(case, *INPUTS)
    before = [value.clone() for value in inputs]
    joined = build(cls, case)(*inputs)
    unchanged(before, inputs, INPUTS)
    result = joined.detach().numpy()
    return {"new h": result[:, :-3], "new x": result[:, -3:]}


def _same(got: Tensor, expected: Tensor) -> bool:
    return close(got, expected, rtol=0, atol=TOLERANCE)


def _turned(exam: Exam) -> None:
    """The layer turns along with a molecule, moves along with it, and mirrors along."""
    layer, (h, x, edges, shift) = _layer_and_inputs(exam)
    result = layer(h, x, edges, shift)
    new_h, new_x = result[:, :-3], result[:, -3:]
    rotation, _ = torch.linalg.qr(torch.randn(3, 3))
    rotation = rotation * torch.linalg.det(rotation)
    mirror = rotation * torch.tensor([1.0, 1.0, -1.0])
    for name, matrix in (("rotated", rotation), ("mirrored", mirror)):
        turned = layer(h, x @ matrix.T, edges, shift @ matrix.T)
        if not _same(turned, torch.cat([new_h, new_x @ matrix.T], 1)):
            raise Fault(
                f"When the molecule is {name}, the new x should be {name} too and the new h stay "
                "as it is. It is not so.",
                f"not {name}",
            )
    step = torch.tensor([4.0, -3.0, 2.0])
    if not _same(layer(h, x + step, edges, shift), torch.cat([new_h, new_x + step], 1)):
        raise Fault(
            "When the whole molecule is moved, the new x should be moved by as much and the new h "
            "stay as it is. It is not so.",
            "not translated",
        )


def _moves(exam: Exam) -> None:
    layer, (h, x, edges, shift) = _layer_and_inputs(exam)
    if close(layer(h, x, edges, shift)[:, -3:], x, rtol=0, atol=1e-6):
        raise Fault("No atom moves: the new x is the old one.")


def _others(exam: Exam) -> None:
    """Atoms in another order, and other molecules beside: the same rows."""
    layer, (h, x, edges, shift) = _layer_and_inputs(exam)
    result = layer(h, x, edges, shift)
    order = torch.randperm(len(h))
    label = torch.argsort(order)
    if not _same(layer(h[order], x[order], label[edges], shift), result[order]):
        raise Fault(
            "Atoms listed in another order should give the same rows in that order, and do not.",
            "atom order",
        )
    far = torch.cat([x, 2 * x[:4] + 5])
    both = layer(torch.cat([h, -h[:4]]), far, edges, shift)
    if not _same(both[: len(h)], result):
        raise Fault(
            "The atoms of a molecule change when another molecule joins the batch.", "batch mates"
        )


def _gradients(exam: Exam) -> None:
    layer, (h, x, edges, shift) = _layer_and_inputs(exam)
    leaves = [h.requires_grad_(), x.requires_grad_(), *layer.parameters()]
    gradients = gradient_is_the_slope(lambda: layer(h, x, edges, shift), leaves)
    if any(gradient is None for gradient in gradients):
        raise Fault("No gradient reaches a part of the layer: is all of it used?", "no gradient")
    i, j = edges[:, 0]
    together = x.detach().clone()
    together[i] = together[j]
    gradients_of(layer(h, together.requires_grad_(), edges, shift), [together])


def _layer_properties(exam: Exam) -> None:
    exam.run(exam.named("directed")[0])
    for test in (_moves, _turned, _others, _gradients):
        test(exam)


_LAYER = Check(
    "1.2",
    _run_layer,
    (
        CheckStep("moves, turns along, order, other molecules, gradients", 3, _layer_properties),
        stored("directed edges, one atom without neighbors", 3, "directed"),
        stored("edges to images, with a shift", 1, "shifted"),
    ),
    "x_i + mean over the edges of i of (x_i - x_j - shift) / (r + 1) * phi_x(m), and "
    "h_i + phi_h(h_i, sum over the edges of i of m), both from the old h and x.",
    {
        "directed": "7 atoms, random directed edges, one atom without any, random weights",
        "shifted": "5 atoms, random edges, each with a shift",
    },
    {"new h": ("atom", "feature"), "new x": ("atom", "component")},
    went_in(*INPUTS),
    advice=MISTAKES["1.2"],
    case_maker="layers",
    module=ModuleForm(build, settings_of),
)

# ---- 1.3 random orthogonal matrices

SAMPLE = 400
SIX_SIGMA = 6 / np.sqrt(SAMPLE)
"""Times the scatter of a number; among 100 averages none of a right answer comes that far."""


def _matrix(exam: Exam, seed: int, reflect: bool) -> np.ndarray:
    matrix = as_array(exam.answer(seed, reflect), "The matrix")
    if matrix.shape != (3, 3):
        raise Fault(f"The matrix has shape {matrix.shape}, expected (3, 3).", "shape")
    return matrix.astype(float)


def _seeds(exam: Exam) -> list[int]:
    return [int(seed) for seed in exam.named("seeds")[0].inputs["seeds"]]


def _orthogonal(exam: Exam) -> None:
    for seed in _seeds(exam)[:10]:
        for reflect in (False, True):
            matrix = _matrix(exam, seed, reflect)
            if not close(matrix @ matrix.T, np.eye(3), rtol=0, atol=TOLERANCE):
                raise _named(exam, "not orthogonal", "Q times its transpose is not 1.")
            if (np.linalg.det(matrix) < 0) != reflect:
                cause = "no reflection" if reflect else "reflects"
                said = f"With reflect={reflect} the determinant is {np.linalg.det(matrix):+.0f}."
                raise _named(exam, cause, said)


def _draws(exam: Exam) -> None:
    first, second, *_ = _seeds(exam)
    same = _matrix(exam, first, False), _matrix(exam, first, False)
    if not close(*same):
        raise _named(exam, "seed not used", "The same seed gives another matrix each time.")
    if close(same[0], _matrix(exam, second, False)):
        raise _named(exam, "always the same", "Two seeds give the same matrix.")


def _uniform(exam: Exam) -> None:
    """Averages over all orientations: of an entry 0, its square 1/3, of a product of two 0."""
    entries = np.array([_matrix(exam, seed, False).ravel() for seed in _seeds(exam)])
    products = np.abs(entries.T @ entries / len(entries) - np.eye(9) / 3)
    often = "Some orientations come far more often than others."
    if np.diag(products).max() > SIX_SIGMA * 0.298:  # as far as a square scatters
        raise _named(exam, "not every direction", often)
    if np.abs(entries.mean(axis=0)).max() > SIX_SIGMA * 0.577:
        raise _named(
            exam, "one sign", "Over many seeds an entry of the matrix is not 0 on average."
        )
    if products.max() > SIX_SIGMA * 0.365:
        raise _named(exam, "not every direction", often)


def _named(exam: Exam, cause: str, said: str) -> Fault:
    return Fault(f"Likely mistake: {exam.check.advice_on(cause)}\n{said}", cause)


_ORTHOGONAL = Check(
    "1.3",
    lambda answer, case: {},
    (
        CheckStep("orthogonal, with the right determinant", 1, _orthogonal),
        CheckStep("drawn with the seed", 1, _draws),
        CheckStep("every orientation as likely as any other", 1, _uniform),
    ),
    "",
    {"seeds": "many seeds"},
    advice=MISTAKES["1.3"],
    case_maker="seeds",
)

CHECKS = (_EDGES, _LAYER, _ORTHOGONAL)
