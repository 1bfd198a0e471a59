"""The gated convolution on quotient graphs in training mode, forward and backward by hand.

PyTorch could find the gradient by itself (layers.GatedLayer), but takes twice as long. What is
saved here:

- W z_e is a sum of three rows, W_i v_i + W_j v_j + W_u u, and each product is made once for an atom
  or a distance. One call of embedding_bag adds the three rows of every edge, and one more adds up
  the gradients of all edges that a row is part of.
- Before the first layer all atoms of an element are equal, and a product is made for an element.
- Gradients are kept for one edge out of the equal ones, so that the batch norm's backward is
  the usual one; the number of copies enters where edges are added up.
- softplus(x) = x - log(sigmoid(x)), and the sigmoid is the derivative that backward needs.
- The linear layer's bias falls out of a batch norm: it only moves the running mean, and
  its gradient is zero.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from crystalgraph.networks.engine.batches import QuotientBatch
from crystalgraph.networks.engine.row_sums import add_rows
from crystalgraph.networks.engine.running_statistics import Statistics
from crystalgraph.networks.engine.softplus_by_hand import LOWEST, softplus_

EPS = 1e-5
"""Added to each variance, as in nn.BatchNorm1d."""


class GatedWeights(NamedTuple):
    """Weights of a gated layer, and their gradients, in the order of the layer's parameters."""

    full: Tensor
    bias: Tensor
    scale1: Tensor
    shift1: Tensor
    scale2: Tensor
    shift2: Tensor


class Kept(NamedTuple):
    """What backward needs of the pass forward.

    Letters: x and m centered rows before the two batch norms, r their inverse standard
    deviations, factor the same times the scales; plus is the softplus, slope its derivative.
    """

    x: Tensor
    r1: Tensor
    factor1: Tensor
    gate: Tensor
    slope: Tensor
    plus: Tensor
    m: Tensor
    r2: Tensor
    factor2: Tensor
    slope_out: Tensor


def gated_forward(
    v: Tensor,
    weights: GatedWeights,
    residual: float,
    batch: QuotientBatch,
    elements: Tensor | None = None,
) -> tuple[Tensor, tuple[Statistics, Statistics], Kept]:
    """New atom features (M, F) from the old ones; also what the batch norms and backward need.

    Args:
        v: (M, F).
        weights: of the layer.
        residual: factor of the old atom features in the new ones.
        batch: graphs.
        elements: (S, F), the rows of v for each element, if its atoms are equal.
    """
    full, bias, scale1, shift1, scale2, shift2 = weights
    x = _linear_on_edges(v, elements, full, batch)
    mean1, variance1, r1 = _center(x, batch.edge_share)
    factor1 = scale1 * r1
    y = torch.addcmul(shift1, x, factor1).clamp_(min=LOWEST)
    of_gate, of_core = y.chunk(2, dim=1)
    gate, slope = of_gate.sigmoid(), of_core.sigmoid()
    plus = slope.log()
    torch.sub(of_core, plus, out=plus)
    edges = batch.edges_of_part[: len(plus)]  # sorted by center
    m = add_rows(gate * plus, edges, batch.first_edge, batch.weight)
    mean2, variance2, r2 = _center(m, batch.atom_share)
    factor2 = scale2 * r2
    out, slope_out = softplus_(torch.addcmul(shift2, m, factor2).add_(v, alpha=residual))
    statistics = (
        Statistics(mean1.add_(bias), variance1, batch.n_edges),
        Statistics(mean2, variance2, batch.n_atoms),
    )
    return out, statistics, Kept(x, r1, factor1, gate, slope, plus, m, r2, factor2, slope_out)


def gated_backward(
    grad: Tensor,
    rows: Tensor,
    full: Tensor,
    residual: float,
    batch: QuotientBatch,
    kept: Kept,
    of_elements: bool = False,
) -> tuple[Tensor, GatedWeights]:
    """Gradients of rows and weights from that of the new atom features (M, F).

    Args:
        grad: it.
        rows: the old atom features (M, F), or those of each element (S, F).
        full: weights of the linear layer.
        residual: as in gated_forward.
        batch: graphs.
        kept: from gated_forward.
        of_elements: rows are those of the elements.
    """
    x, r1, factor1, gate, slope, plus, m, r2, factor2, slope_out = kept
    grad_h = grad * slope_out
    of_one_atom = grad_h / batch.multiplicity.unsqueeze(1)
    grad_m, *of_norm2 = _norm_backward(
        of_one_atom, m, r2, factor2, batch.multiplicity, batch.n_atoms
    )
    grad_y = _messages_backward(grad_m.index_select(0, batch.center), gate, slope, plus)
    grad_z, *of_norm1 = _norm_backward(grad_y, x, r1, factor1, batch.copies, batch.n_edges)
    grad_rows, of_full = _linear_backward(grad_z, rows, full, batch, of_elements)
    grad_rows.add_(sum_by_element(grad_h, batch) if of_elements else grad_h, alpha=residual)
    return grad_rows, GatedWeights(of_full, torch.zeros_like(r1), *of_norm1, *of_norm2)


def sum_by_element(rows: Tensor, batch: QuotientBatch) -> Tensor:
    """Sums (S, F) of the rows (M, F) of all atoms of an element."""
    return add_rows(rows, batch.atoms_of_element, batch.first_of_element)


def _linear_on_edges(
    v: Tensor, elements: Tensor | None, full: Tensor, batch: QuotientBatch
) -> Tensor:
    """W z_e (E', 2F) without the bias: three rows of one table of products for each edge."""
    n_atoms, n = v.shape
    w_center, w_neighbor, w_bond = full.T.tensor_split((n, 2 * n))
    table = v.new_empty(2 * n_atoms + len(batch.bond_features), len(full))
    center, neighbor, bond = table.tensor_split((n_atoms, 2 * n_atoms))
    for products, w in ((center, w_center), (neighbor, w_neighbor)):
        if elements is None:
            torch.mm(v, w, out=products)
        else:
            torch.index_select(torch.mm(elements, w), 0, batch.element, out=products)
    torch.mm(batch.bond_features, w_bond, out=bond)
    return add_rows(table, batch.parts, batch.parts_start)


def _linear_backward(
    grad_z: Tensor, rows: Tensor, full: Tensor, batch: QuotientBatch, of_elements: bool
) -> tuple[Tensor, Tensor]:
    """Gradients of rows and of W, from that of one of each kind of equal edges."""
    n_atoms, n = len(batch.crystal), rows.shape[1]
    table = add_rows(grad_z, batch.edges_of_part, batch.part_starts, batch.copies_of_part)
    center, neighbor, bond = table.tensor_split((n_atoms, 2 * n_atoms))
    if of_elements:
        center, neighbor = sum_by_element(center, batch), sum_by_element(neighbor, batch)
    w_center, w_neighbor, _ = full.tensor_split((n, 2 * n), dim=1)
    grad_full = torch.empty_like(full.T)
    of_center, of_neighbor, of_bond = grad_full.tensor_split((n, 2 * n))
    torch.mm(rows.T, center, out=of_center)
    torch.mm(rows.T, neighbor, out=of_neighbor)
    torch.mm(batch.bond_features.T, bond, out=of_bond)
    return torch.mm(center, w_center).addmm_(neighbor, w_neighbor), grad_full.T


def _messages_backward(grad_message: Tensor, gate: Tensor, slope: Tensor, plus: Tensor) -> Tensor:
    """Gradient of (gate, core) (E', 2F) from that of sigmoid(gate) * softplus(core) (E', F)."""
    n = gate.shape[1]
    grad = gate.new_empty(len(gate), 2 * n)
    opened = grad_message.mul_(gate)
    torch.mul(opened, slope, out=grad[:, n:])
    opened.mul_(plus)
    torch.addcmul(opened, opened, gate, value=-1, out=grad[:, :n])
    return grad


def _center(rows: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Subtract the mean from rows, in place.

    Args:
        rows: (R, F).
        share: (R,) of each row in the rows that are meant; adds up to 1.

    Returns:
        Mean, variance and inverse standard deviation, (F,) each.
    """
    mean = share @ rows
    rows.sub_(mean)
    variance = share @ rows.square()
    return mean, variance, variance.add(EPS).rsqrt_()


def _norm_backward(
    grad: Tensor, x: Tensor, r: Tensor, factor: Tensor, copies: Tensor, n_rows: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of a batch norm's rows, scale and shift, the rows' for one of equal ones each.

    Args:
        grad: (R, F) of the result, for one of equal rows each; it is overwritten.
        x: (R, F) centered rows.
        r: (F,) inverse standard deviation.
        factor: (F,) r times the scale.
        copies: (R,) number of equal rows that each stands for.
        n_rows: their sum.
    """
    shift, scale = copies @ grad, (copies @ (grad * x)).mul_(r)
    grad_x = grad.sub_(shift, alpha=1 / n_rows).addcmul_(x, scale * r, value=-1 / n_rows)
    return grad_x.mul_(factor), scale, shift
