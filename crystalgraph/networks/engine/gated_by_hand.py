"""The gated convolution on quotient graphs in training mode, forward and backward by hand.

PyTorch could find the gradient by itself (layers.GatedLayer without this file), but takes
twice as long. What is saved here:

- W z_e is a sum of three rows, W_i v_i + W_j v_j + W_u u, and each product is made once for an atom
  or a distance. One call of embedding_bag adds the three rows of every edge, and one more adds up
  the gradients of all edges that a row is part of.
- Gradients are kept for one edge out of the equal ones, so that the batch norm's backward is
  the usual one; the number of copies enters where edges are added up.
- softplus(x) = x - log(sigmoid(x)), and the sigmoid is the derivative that backward needs.
- The linear layer's bias falls out of a batch norm: it only moves the running mean, and
  its gradient is zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from crystalgraph.networks.engine.batches import QuotientBatch
from crystalgraph.networks.engine.row_sums import add_rows
from crystalgraph.networks.engine.softplus_by_hand import LOWEST, softplus_

if TYPE_CHECKING:
    from crystalgraph.networks.engine.layers import GatedLayer, WeightedBatchNorm


def gated_convolution(layer: GatedLayer, atom_features: Tensor, batch: QuotientBatch) -> Tensor:
    """New atom features of a gated layer with batch norms and softplus, in training mode.

    Args:
        layer: its weights are read, its running statistics are moved.
        atom_features: (M, F).
        batch: graphs; bond features get no gradient.

    Returns:
        (M, F).
    """
    weights = (layer.fc_full.weight, layer.bn1.weight, layer.bn1.bias)
    weights += (layer.bn2.weight, layer.bn2.bias, layer.fc_full.bias)
    return _GatedConvolution.apply(layer, batch, atom_features, *weights)


class _GatedConvolution(torch.autograd.Function):
    """See gated_convolution.

    Letters: v atoms, w weight, x and m centered rows before the batch norms, r their inverse
    standard deviations, y and h the rows after the batch norms.
    """

    @staticmethod
    def forward(ctx: Any, layer, batch, v, w, scale1, shift1, scale2, shift2, bias) -> Tensor:
        z = _linear_on_edges(v, w, batch)
        x, r1 = _centered(z, layer.bn1, batch.edge_share, batch.n_edges, bias)
        factor1 = scale1 * r1
        y = torch.addcmul(shift1, x, factor1).clamp_(min=LOWEST)
        sigmoid = torch.sigmoid(y)
        gate, slope = sigmoid.chunk(2, dim=1)
        plus = slope.log()
        torch.sub(y[:, v.shape[1] :], plus, out=plus)
        edges = batch.edges_of_part[: len(plus)]  # sorted by center
        message = add_rows(gate * plus, edges, batch.first_edge, batch.weight)
        m, r2 = _centered(message, layer.bn2, batch.atom_share, batch.n_atoms)
        factor2 = scale2 * r2
        h = torch.addcmul(shift2, m, factor2).add_(v, alpha=layer.residual)
        out, slope_out = softplus_(h)
        ctx.save_for_backward(v, w, x, r1, factor1, sigmoid, plus, m, r2, factor2, slope_out)
        ctx.batch, ctx.residual = batch, layer.residual
        return out

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        v, w, x, r1, factor1, sigmoid, plus, m, r2, factor2, slope_out = ctx.saved_tensors
        batch: QuotientBatch = ctx.batch
        grad_h = gradients[0] * slope_out
        of_one_atom = grad_h / batch.multiplicity.unsqueeze(1)
        grad_m, *of_norm2 = _norm_backward(
            of_one_atom, m, r2, factor2, batch.multiplicity, batch.n_atoms
        )
        grad_y = _messages_backward(grad_m.index_select(0, batch.center), sigmoid, plus)
        grad_z, *of_norm1 = _norm_backward(grad_y, x, r1, factor1, batch.copies, batch.n_edges)
        grad_v, grad_w = _linear_backward(grad_z, v, w, batch)
        grad_v.add_(grad_h, alpha=ctx.residual)
        return None, None, grad_v, grad_w, *of_norm1, *of_norm2, torch.zeros_like(r1)


def _linear_on_edges(v: Tensor, w: Tensor, batch: QuotientBatch) -> Tensor:
    """W z_e (E', 2F) without the bias: three rows of one table of products for each edge."""
    n_atoms, n = v.shape
    w_center, w_neighbor, w_bond = w.T.split([n, n, len(w.T) - 2 * n])
    table = v.new_empty(2 * n_atoms + len(batch.bond_features), len(w))
    center, neighbor, bond = table.split([n_atoms, n_atoms, len(batch.bond_features)])
    torch.mm(v, w_center, out=center)
    torch.mm(v, w_neighbor, out=neighbor)
    torch.mm(batch.bond_features, w_bond, out=bond)
    return add_rows(table, batch.parts, batch.parts_start)


def _linear_backward(
    grad_z: Tensor, v: Tensor, w: Tensor, batch: QuotientBatch
) -> tuple[Tensor, Tensor]:
    """Gradients of v and w, from that of one of each kind of equal edges."""
    n_atoms, n = v.shape
    n_bond = len(w.T) - 2 * n
    table = add_rows(grad_z, batch.edges_of_part, batch.part_starts, batch.copies_of_part)
    center, neighbor, bond = table.split([n_atoms, n_atoms, len(batch.bond_features)])
    w_center, w_neighbor, _ = w.split([n, n, n_bond], dim=1)
    grad_w = v.new_empty(len(w.T), len(w))
    of_center, of_neighbor, of_bond = grad_w.split([n, n, n_bond])
    torch.mm(v.T, center, out=of_center)
    torch.mm(v.T, neighbor, out=of_neighbor)
    torch.mm(batch.bond_features.T, bond, out=of_bond)
    return torch.mm(center, w_center).addmm_(neighbor, w_neighbor), grad_w.T


def _messages_backward(grad_message: Tensor, sigmoid: Tensor, plus: Tensor) -> Tensor:
    """Gradient of (gate, core) (E', 2F) from that of sigmoid(gate) * softplus(core) (E', F)."""
    grad = torch.empty_like(sigmoid)
    (gate, slope), (grad_gate, grad_core) = sigmoid.chunk(2, dim=1), grad.chunk(2, dim=1)
    opened = grad_message.mul_(gate)
    torch.mul(opened, slope, out=grad_core)
    opened.mul_(plus)
    torch.addcmul(opened, opened, gate, value=-1, out=grad_gate)
    return grad


def _centered(
    rows: Tensor, norm: WeightedBatchNorm, share: Tensor, n_rows: int, bias: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Rows less their mean, in place, and the inverse standard deviation; both are remembered."""
    mean = torch.mv(rows.T, share)
    rows.sub_(mean)
    variance = torch.mv(rows.square().T, share)
    norm.remember(mean if bias is None else mean.add_(bias), variance, n_rows)
    return rows, variance.add_(norm.eps).rsqrt_()


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
    shift, scale = torch.mv(grad.T, copies), torch.mv((grad * x).T, copies).mul_(r)
    grad_x = grad.sub_(shift, alpha=1 / n_rows).addcmul_(x, scale * r, value=-1 / n_rows)
    return grad_x.mul_(factor), scale, shift
