"""Wrong answers to the tasks of notebook 2."""

from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import softplus

from crystalgraph.labs.hw.instructor.reference import (
    ConvLayer,
    CrystalGraphConvNet,
    FastConvLayer,
    SharedConvLayer,
    mean_pool,
)
from crystalgraph.labs.known_answers import Mutant, mutants_into

MUTANTS: list[Mutant] = []
HELD_OUT: list[Mutant] = []
wrong, held_out = mutants_into(MUTANTS), mutants_into(HELD_OUT)


def _with_forward(base):
    return lambda forward: type(base.__name__, (base,), {"forward": forward})


gated, shared = _with_forward(ConvLayer), _with_forward(SharedConvLayer)
fast, network = _with_forward(FastConvLayer), _with_forward(CrystalGraphConvNet)

# ---- 2.1 ConvLayer. These are also what can go wrong in 2.8, so both tasks get them.


def _sum(edges, center, n):
    return edges.new_zeros(n, edges.shape[1]).index_add(0, center, edges)


def _halves(self, v, u, center, neighbor):
    return self.bn1(self.fc_full(torch.cat([v[center], v[neighbor], u], 1))).chunk(2, 1)


def layer_mistake(cause):
    """Register a wrong forward for the gated and for the fast layer."""

    def keep(forward):
        MUTANTS.append(Mutant("2.1", cause, lambda: gated(forward)))
        MUTANTS.append(Mutant("2.8", cause, lambda: fast(forward)))
        return forward

    return keep


@layer_mistake("gradient not finite")
def gradient_of_a_root(self, v, u, center, neighbor):
    zero = torch.sqrt(0 * self.fc_full.weight.sum())  # its slope is infinite
    return ConvLayer.forward(self, v, u, center, neighbor) + zero


@layer_mistake("gradient lost")
def without_gradient(self, v, u, center, neighbor):
    return ConvLayer.forward(self, v, u, center, neighbor).detach()


@layer_mistake("no residual")
def no_residual(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = torch.sigmoid(gate) * self.activation(core)
    return self.activation(self.bn2(_sum(edges, center, len(v))))


@layer_mistake("gate after sum")
def gate_after_sum(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    gate, core = _sum(gate, center, len(v)), _sum(core, center, len(v))
    message = torch.sigmoid(gate) * self.activation(core)
    return self.activation(self.residual * v + self.bn2(message))


@layer_mistake("gates and cores summed apart")
def summed_apart(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    gates = _sum(torch.sigmoid(gate), center, len(v))
    message = gates * _sum(self.activation(core), center, len(v))
    return self.activation(self.residual * v + self.bn2(message))


@layer_mistake("summed at neighbor")
def summed_at_neighbor(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = torch.sigmoid(gate) * self.activation(core)
    return self.activation(self.residual * v + self.bn2(_sum(edges, neighbor, len(v))))


@layer_mistake("center and neighbor swapped")
def swapped(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, neighbor, center)
    edges = torch.sigmoid(gate) * self.activation(core)
    return self.activation(self.residual * v + self.bn2(_sum(edges, center, len(v))))


@layer_mistake("bn1 missing")
def no_bn1(self, v, u, center, neighbor):
    gate, core = self.fc_full(torch.cat([v[center], v[neighbor], u], 1)).chunk(2, 1)
    edges = torch.sigmoid(gate) * self.activation(core)
    return self.activation(self.residual * v + self.bn2(_sum(edges, center, len(v))))


@layer_mistake("bn2 missing")
def no_bn2(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = torch.sigmoid(gate) * self.activation(core)
    return self.activation(self.residual * v + _sum(edges, center, len(v)))


@layer_mistake("both batch norms missing")
def no_batch_norm(self, v, u, center, neighbor):
    gate, core = self.fc_full(torch.cat([v[center], v[neighbor], u], 1)).chunk(2, 1)
    edges = torch.sigmoid(gate) * self.activation(core)
    return self.activation(self.residual * v + _sum(edges, center, len(v)))


@layer_mistake("bn2 after the residual")
def bn2_of_all(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = torch.sigmoid(gate) * self.activation(core)
    return self.activation(self.bn2(self.residual * v + _sum(edges, center, len(v))))


@layer_mistake("bn2 per edge")
def bn2_per_edge(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = self.bn2(torch.sigmoid(gate) * self.activation(core))
    return self.activation(self.residual * v + _sum(edges, center, len(v)))


@layer_mistake("last softplus missing")
def no_last_softplus(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = torch.sigmoid(gate) * self.activation(core)
    return self.residual * v + self.bn2(_sum(edges, center, len(v)))


@layer_mistake("core softplus missing")
def no_core_softplus(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = torch.sigmoid(gate) * core
    return self.activation(self.residual * v + self.bn2(_sum(edges, center, len(v))))


@layer_mistake("sigmoid missing")
def no_sigmoid(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = gate * self.activation(core)
    return self.activation(self.residual * v + self.bn2(_sum(edges, center, len(v))))


@layer_mistake("sigmoid and softplus exchanged")
def exchanged(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = self.activation(gate) * torch.sigmoid(core)
    return self.activation(self.residual * v + self.bn2(_sum(edges, center, len(v))))


@layer_mistake("bond features first")
def bonds_first(self, v, u, center, neighbor):
    gate, core = self.bn1(self.fc_full(torch.cat([u, v[center], v[neighbor]], 1))).chunk(2, 1)
    edges = torch.sigmoid(gate) * self.activation(core)
    return self.activation(self.residual * v + self.bn2(_sum(edges, center, len(v))))


@layer_mistake("mean for sum")
def mean_over_edges(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = torch.sigmoid(gate) * self.activation(core)
    message = _sum(edges, center, len(v)) / torch.bincount(center, minlength=len(v))[:, None]
    return self.activation(self.residual * v + self.bn2(message))


@layer_mistake("max for sum")
def max_over_edges(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = torch.sigmoid(gate) * self.activation(core)
    index = center[:, None].expand_as(edges)
    message = torch.zeros_like(v).scatter_reduce(0, index, edges, "amax", include_self=False)
    return self.activation(self.residual * v + self.bn2(message))


@layer_mistake("one edge kept")
def assigned(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = torch.sigmoid(gate) * self.activation(core)
    message = torch.zeros_like(v)
    for e, i in enumerate(center.tolist()):
        message[i] = edges[e]
    return self.activation(self.residual * v + self.bn2(message))


@layer_mistake("sum over all edges")
def summed_over_all(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    message = (torch.sigmoid(gate) * self.activation(core)).sum(0, keepdim=True).expand_as(v)
    return self.activation(self.residual * v + self.bn2(message))


@layer_mistake("gate added")
def gate_added(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = torch.sigmoid(gate) + self.activation(core)
    return self.activation(self.residual * v + self.bn2(_sum(edges, center, len(v))))


@layer_mistake("interleaved halves")
def every_other_column(self, v, u, center, neighbor):
    z = self.bn1(self.fc_full(torch.cat([v[center], v[neighbor], u], 1)))
    edges = torch.sigmoid(z[:, 0::2]) * self.activation(z[:, 1::2])
    return self.activation(self.residual * v + self.bn2(_sum(edges, center, len(v))))


@layer_mistake("normalized by hand")
def own_batch_norm(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    message = _sum(torch.sigmoid(gate) * self.activation(core), center, len(v))
    message = (message - message.mean(0)) / (message.var(0, unbiased=False) + 1e-5).sqrt()
    return self.activation(self.residual * v + message)


@layer_mistake("softplus hard-coded")
def always_softplus(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    message = _sum(torch.sigmoid(gate) * softplus(core), center, len(v))
    return softplus(self.residual * v + self.bn2(message))


@layer_mistake("residual hard-coded")
def always_residual(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    edges = torch.sigmoid(gate) * self.activation(core)
    return self.activation(v + self.bn2(_sum(edges, center, len(v))))


@layer_mistake("residual outside the softplus")
def residual_outside(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    message = _sum(torch.sigmoid(gate) * self.activation(core), center, len(v))
    return self.residual * v + self.activation(self.bn2(message))


@layer_mistake("as printed")
def equation_of_the_paper(self, v, u, center, neighbor):
    gate, core = self.fc_full(torch.cat([v[center], v[neighbor], u], 1)).chunk(2, 1)
    message = _sum(torch.sigmoid(gate) * self.activation(core), center, len(v))
    return self.residual * v + message


@layer_mistake("bn2 and last softplus missing")
def equation_with_bn1(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    message = _sum(torch.sigmoid(gate) * self.activation(core), center, len(v))
    return self.residual * v + message


@layer_mistake("edges reversed")
def edges_reversed(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, neighbor, center)
    edges = torch.sigmoid(gate) * self.activation(core)
    return self.activation(self.residual * v + self.bn2(_sum(edges, neighbor, len(v))))


@layer_mistake("sum lost")
def sum_thrown_away(self, v, u, center, neighbor):
    gate, core = _halves(self, v, u, center, neighbor)
    message = torch.zeros_like(v)
    message.index_add(0, center, torch.sigmoid(gate) * self.activation(core))
    return self.activation(self.residual * v + self.bn2(message))


@held_out("2.1", "as printed", gated)
def paper_word_for_word(self, atoms, bonds, center, neighbor):
    z = self.fc_full(torch.cat([atoms[center], atoms[neighbor], bonds], dim=1))
    f = atoms.shape[1]
    edges = torch.sigmoid(z[:, :f]) * softplus(z[:, f:])
    return atoms + torch.zeros_like(atoms).index_add(0, center, edges)


@held_out("2.1", "residual outside the softplus", gated)
def softplus_then_plus(self, atoms, bonds, center, neighbor):
    z = self.bn1(self.fc_full(torch.cat([atoms[center], atoms[neighbor], bonds], dim=1)))
    gate, core = z.chunk(2, dim=1)
    message = torch.zeros_like(atoms).index_add(0, center, gate.sigmoid() * self.activation(core))
    return atoms + softplus(self.bn2(message))


@held_out("2.1", "no residual", gated)
def no_residual_einsum(self, atoms, bonds, center, neighbor):
    z = torch.hstack((atoms[center], atoms[neighbor], bonds))
    z = self.bn1(torch.einsum("ei,oi->eo", z, self.fc_full.weight) + self.fc_full.bias)
    f = atoms.shape[1]
    member = (center[None, :] == torch.arange(len(atoms))[:, None]).to(atoms.dtype)
    return softplus(self.bn2(member @ (z[:, :f].sigmoid() * self.activation(z[:, f:]))))


@held_out("2.1", "sigmoid and softplus exchanged", gated)
def exchanged_split(self, atoms, bonds, center, neighbor):
    z = self.bn1(self.fc_full(torch.cat((atoms[center], atoms[neighbor], bonds), dim=-1)))
    core, gate = torch.split(z, atoms.shape[1], dim=1)
    out = []
    for i in range(atoms.shape[0]):
        mine = center == i
        out.append((torch.sigmoid(gate[mine]) * self.activation(core[mine])).sum(0))
    return self.activation(self.residual * atoms + self.bn2(torch.stack(out)))


@held_out("2.1", "one edge kept", gated)
def plus_equals(self, atoms, bonds, center, neighbor):
    z = torch.cat([atoms[center], atoms[neighbor], bonds], dim=1)
    gate, core = self.bn1(self.fc_full(z)).chunk(2, dim=1)
    message = torch.zeros_like(atoms)
    message[center] += torch.sigmoid(gate) * self.activation(core)
    return self.activation(atoms * self.residual + self.bn2(message))


# ---- 2.2 SharedConvLayer


def _pair_sums(v, u, center, neighbor):
    return _sum(torch.cat([v[neighbor], u], 1), center, len(v))


@wrong("2.2", "batch norm missing", shared)
def shared_no_bn(self, v, u, center, neighbor):
    update = self.fc_neighbors(_pair_sums(v, u, center, neighbor)) + self.fc_self(v)
    return self.activation(self.residual * v + update)


@wrong("2.2", "softplus missing", shared)
def shared_no_softplus(self, v, u, center, neighbor):
    update = self.fc_neighbors(_pair_sums(v, u, center, neighbor)) + self.fc_self(v)
    return self.residual * v + self.bn(update)


@wrong("2.2", "self term missing", shared)
def shared_no_self(self, v, u, center, neighbor):
    update = self.bn(self.fc_neighbors(_pair_sums(v, u, center, neighbor)))
    return self.activation(self.residual * v + update)


@wrong("2.2", "self term per edge", shared)
def shared_self_per_edge(self, v, u, center, neighbor):
    edges = self.fc_neighbors(torch.cat([v[neighbor], u], 1)) + self.fc_self(v)[center]
    return self.activation(self.residual * v + self.bn(_sum(edges, center, len(v))))


@wrong("2.2", "center for neighbor", shared)
def shared_center(self, v, u, center, neighbor):
    update = self.fc_neighbors(_pair_sums(v, u, center, center)) + self.fc_self(v)
    return self.activation(self.residual * v + self.bn(update))


@wrong("2.2", "summed at neighbor", shared)
def shared_at_neighbor(self, v, u, center, neighbor):
    update = self.fc_neighbors(_pair_sums(v, u, neighbor, center)) + self.fc_self(v)
    return self.activation(self.residual * v + self.bn(update))


@wrong("2.2", "index_add at neighbor", shared)
def shared_own_features(self, v, u, center, neighbor):
    sums = _sum(torch.cat([v[neighbor], u], 1), neighbor, len(v))
    update = self.fc_neighbors(sums) + self.fc_self(v)
    return self.activation(self.residual * v + self.bn(update))


@wrong("2.2", "sum lost", shared)
def shared_thrown_away(self, v, u, center, neighbor):
    sums = v.new_zeros(len(v), v.shape[1] + u.shape[1])
    sums.index_add(0, center, torch.cat([v[neighbor], u], 1))
    update = self.fc_neighbors(sums) + self.fc_self(v)
    return self.activation(self.residual * v + self.bn(update))


@wrong("2.2", "residual outside the softplus", shared)
def shared_residual_outside(self, v, u, center, neighbor):
    update = self.fc_neighbors(_pair_sums(v, u, center, neighbor)) + self.fc_self(v)
    return self.residual * v + self.activation(self.bn(update))


@held_out("2.2", "one edge kept", shared)
def shared_plus_equals(self, atoms, bonds, center, neighbor):
    sums = torch.zeros(len(atoms), atoms.shape[1] + bonds.shape[1])
    sums[center] += torch.cat([atoms[neighbor], bonds], dim=1)
    z = self.bn(self.fc_neighbors(sums) + self.fc_self(atoms))
    return self.activation(atoms * self.residual + z)


@wrong("2.2", "mean for sum", shared)
def shared_mean(self, v, u, center, neighbor):
    mean = _pair_sums(v, u, center, neighbor) / torch.bincount(center, minlength=len(v))[:, None]
    update = self.fc_neighbors(mean) + self.fc_self(v)
    return self.activation(self.residual * v + self.bn(update))


@wrong("2.2", "residual always added", shared)
def shared_residual(self, v, u, center, neighbor):
    update = self.fc_neighbors(_pair_sums(v, u, center, neighbor)) + self.fc_self(v)
    return self.activation(v + self.bn(update))


@wrong("2.2", "residual ignored", shared)
def shared_without_residual(self, v, u, center, neighbor):
    update = self.fc_neighbors(_pair_sums(v, u, center, neighbor)) + self.fc_self(v)
    return self.activation(self.bn(update))


@wrong("2.2", "softplus per edge", shared)
def shared_softplus_per_edge(self, v, u, center, neighbor):
    edges = self.activation(self.fc_neighbors(torch.cat([v[neighbor], u], 1)))
    update = _sum(edges, center, len(v)) + self.fc_self(v)
    return self.activation(self.residual * v + self.bn(update))


@wrong("2.2", "bond features first", shared)
def shared_bonds_first(self, v, u, center, neighbor):
    sums = _sum(torch.cat([u, v[neighbor]], 1), center, len(v))
    update = self.fc_neighbors(sums) + self.fc_self(v)
    return self.activation(self.residual * v + self.bn(update))


@wrong("2.2", "one edge kept", shared)
def shared_assigned(self, v, u, center, neighbor):
    pairs, sums = torch.cat([v[neighbor], u], 1), v.new_zeros(len(v), v.shape[1] + u.shape[1])
    for e, i in enumerate(center.tolist()):
        sums[i] = pairs[e]
    update = self.fc_neighbors(sums) + self.fc_self(v)
    return self.activation(self.residual * v + self.bn(update))


@wrong("2.2", "batch norm before self term", shared)
def shared_bn_early(self, v, u, center, neighbor):
    update = self.bn(self.fc_neighbors(_pair_sums(v, u, center, neighbor))) + self.fc_self(v)
    return self.activation(self.residual * v + update)


@held_out("2.2", "mean for sum", shared)
def shared_mean_loop(self, v, u, center, neighbor):
    rows = []
    for i in range(len(v)):
        rows.append(torch.cat([v[neighbor[center == i]], u[center == i]], dim=1).mean(dim=0))
    z = self.fc_neighbors(torch.stack(rows)) + self.fc_self(v)
    return self.activation(self.bn(z) + self.residual * v)


# ---- 2.3 mean_pool


@wrong("2.3", "gradient not finite")
def mean_plus_a_root_of_zero(v, crystal, n):
    return mean_pool(v, crystal, n) + torch.sqrt(0 * v.sum())


@wrong("2.3", "sum for mean")
def mean_sum(v, crystal, n):
    return v.new_zeros(n, v.shape[1]).index_add(0, crystal, v)


@wrong("2.3", "whole batch")
def mean_everything(v, crystal, n):
    return v.mean(dim=0).repeat(n, 1)


@wrong("2.3", "divided by all atoms")
def mean_of_all_atoms(v, crystal, n):
    return v.new_zeros(n, v.shape[1]).index_add(0, crystal, v) / len(v)


@wrong("2.3", "equal sizes")
def mean_average_size(v, crystal, n):
    return v.new_zeros(n, v.shape[1]).index_add(0, crystal, v) / (len(v) / n)


@wrong("2.3", "mean over features")
def mean_over_columns(v, crystal, n):
    sizes = torch.bincount(crystal, minlength=n)
    return (
        (v.new_zeros(n).index_add(0, crystal, v.mean(1)) / sizes).unsqueeze(1).repeat(1, v.shape[1])
    )


@wrong("2.3", "one atom too many")
def mean_include_self(v, crystal, n):
    index = crystal[:, None].expand_as(v)
    return v.new_zeros(n, v.shape[1]).scatter_reduce(0, index, v, "mean", include_self=True)


@wrong("2.3", "divided by crystals")
def mean_by_crystals(v, crystal, n):
    return v.new_zeros(n, v.shape[1]).index_add(0, crystal, v) / n


def _column(crystal, n):
    return torch.bincount(crystal, minlength=n).unsqueeze(1)


@wrong("2.3", "counts not a column")
def mean_by_a_row(v, crystal, n):
    sums = v.new_zeros(n, v.shape[1]).index_add(0, crystal, v)
    return sums / torch.bincount(crystal, minlength=n)


@wrong("2.3", "one atom kept")
def mean_plus_equals(v, crystal, n):
    sums = v.new_zeros(n, v.shape[1])
    sums[crystal] += v
    return sums / _column(crystal, n)


@wrong("2.3", "sum lost")
def mean_thrown_away(v, crystal, n):
    sums = v.new_zeros(n, v.shape[1])
    sums.index_add(0, crystal, v)
    return sums / _column(crystal, n)


@wrong("2.3", "transposed")
def mean_as_columns(v, crystal, n):
    return torch.stack([v[crystal == c].mean(0) for c in range(n)], dim=1)


@wrong("2.3", "dtype")
def mean_default_dtype(v, crystal, n):
    return torch.zeros(n, v.shape[1]).index_add(0, crystal, v) / _column(crystal, n)


@held_out("2.3", "dtype")
def mean_filled(v, crystal, n):
    out = torch.zeros(n, v.shape[1], dtype=torch.float64)
    for c in range(n):
        out[c] = v[crystal == c].mean(dim=0)
    return out


@held_out("2.3", "dtype")
def mean_converted(v, crystal, n):
    member = (crystal == torch.arange(n)[:, None]).double()
    return member @ v.double() / member.sum(1, keepdim=True)


@held_out("2.3", "one atom kept")
def mean_assigned(v, crystal, n):
    sums = torch.zeros(n, v.shape[1]).to(v)
    sums[crystal] = sums[crystal] + v
    counts = torch.tensor([(crystal == c).sum() for c in range(n)])
    return sums / counts[:, None]


@held_out("2.3", "sum lost")
def mean_scatter_lost(v, crystal, n):
    sums = torch.zeros_like(v[:n])
    sums.scatter_add(0, crystal[:, None].expand_as(v), v)
    return sums / _column(crystal, n)


@held_out("2.3", "sum for mean")
def mean_loop_sum(v, crystal, n):
    return torch.stack([v[crystal == c].sum(0) for c in range(n)])


# ---- 2.4 max_pool


@wrong("2.4", "zero buffer")
def max_zero(v, crystal, n):
    index = crystal[:, None].expand_as(v)
    return v.new_zeros(n, v.shape[1]).scatter_reduce(0, index, v, "amax")


@wrong("2.4", "whole batch")
def max_everything(v, crystal, n):
    return v.amax(0, keepdim=True).expand(n, -1)


@wrong("2.4", "minimum")
def max_min(v, crystal, n):
    return torch.stack([v[crystal == c].amin(0) for c in range(n)])


@wrong("2.4", "absolute value")
def max_abs(v, crystal, n):
    return torch.stack([v[crystal == c].abs().amax(0) for c in range(n)])


@wrong("2.4", "mean for max")
def max_mean(v, crystal, n):
    return torch.stack([v[crystal == c].mean(0) for c in range(n)])


@wrong("2.4", "atom with the largest sum")
def max_one_atom(v, crystal, n):
    rows = [v[crystal == c] for c in range(n)]
    return torch.stack([row[row.sum(1).argmax()] for row in rows])


@wrong("2.4", "max over features")
def max_over_columns(v, crystal, n):
    best = torch.stack([v[crystal == c].max() for c in range(n)])
    return best[:, None].expand(n, v.shape[1])


@wrong("2.4", "one atom kept")
def max_overwritten(v, crystal, n):
    best = v.new_full((n, v.shape[1]), -torch.inf)
    best[crystal] = torch.maximum(best[crystal], v)
    return best


@wrong("2.4", "maximum lost")
def max_thrown_away(v, crystal, n):
    best = v.new_full((n, v.shape[1]), -torch.inf)
    best.scatter_reduce(0, crystal[:, None].expand_as(v), v, "amax")
    return best


@held_out("2.4", "one atom kept")
def max_assigned(v, crystal, n):
    best = torch.zeros_like(v[:n])
    for row, c in zip(v, crystal.tolist(), strict=True):
        best[c] = row
    return best


@held_out("2.4", "zero buffer")
def max_running(v, crystal, n):
    best = torch.zeros(n, v.shape[1], dtype=v.dtype)
    for row, c in zip(v, crystal.tolist(), strict=True):
        best = torch.stack([torch.maximum(b, row) if c == i else b for i, b in enumerate(best)])
    return best


# ---- 2.5 CrystalGraphConvNet


def net(head=None, states=None, readout=None, order=(0, 1)):
    """The network's forward with one part exchanged."""

    def right_head(self, pooled):
        hidden = self.activation(self.conv_to_fc(self.activation(pooled)))
        for fc in self.fcs:
            hidden = self.activation(fc(hidden))
        return hidden

    def right_states(self, v, u, center, neighbor):
        found = [v]
        for conv in self.convs:
            found.append(conv(found[-1], u, center, neighbor))
        return found

    def forward(self, v, u, center, neighbor, crystal, n_crystals):
        ends = (center, neighbor)
        found = (states or right_states)(self, self.embedding(v), u, ends[order[0]], ends[order[1]])
        hidden = (head or right_head)(self, self.pool(found, crystal, n_crystals))
        return (readout or type(self).readout)(self, hidden)

    return network(forward)


def _head_without_first(self, pooled):
    hidden = self.activation(self.conv_to_fc(pooled))
    for fc in self.fcs:
        hidden = self.activation(fc(hidden))
    return hidden


def _head_without_second(self, pooled):
    hidden = self.conv_to_fc(self.activation(pooled))
    for fc in self.fcs:
        hidden = self.activation(fc(hidden))
    return hidden


def _head_without_both(self, pooled):
    hidden = self.conv_to_fc(pooled)
    for fc in self.fcs:
        hidden = self.activation(fc(hidden))
    return hidden


def _head_without_fcs(self, pooled):
    return self.activation(self.conv_to_fc(self.activation(pooled)))


def _head_linear_fcs(self, pooled):
    hidden = self.activation(self.conv_to_fc(self.activation(pooled)))
    for fc in self.fcs:
        hidden = fc(hidden)
    return hidden


def _head_softplus(self, pooled):
    hidden = softplus(self.conv_to_fc(softplus(pooled)))
    for fc in self.fcs:
        hidden = softplus(fc(hidden))
    return hidden


def _states_not_chained(self, v, u, center, neighbor):
    return [v] + [conv(v, u, center, neighbor) for conv in self.convs]


def _states_first_conv(self, v, u, center, neighbor):
    found = [v]
    for _ in self.convs:
        found.append(self.convs[0](found[-1], u, center, neighbor))
    return found


def _states_no_conv(self, v, u, center, neighbor):
    return [v] * (len(self.convs) + 1)


def _states_activated(self, v, u, center, neighbor):
    found = [self.activation(v)]
    for conv in self.convs:
        found.append(conv(found[-1], u, center, neighbor))
    return found


def _states_added(self, v, u, center, neighbor):
    found = [v]
    for conv in self.convs:
        found.append(found[-1] + conv(found[-1], u, center, neighbor))
    return found


def _states_last_only(self, v, u, center, neighbor):
    for conv in self.convs:
        v = conv(v, u, center, neighbor)
    return [v]


def _readout_column(self, hidden):
    return self.fc_out(hidden)


def _readout_activated(self, hidden):
    return self.activation(CrystalGraphConvNet.readout(self, hidden))


def _readout_converted(self, hidden):
    return CrystalGraphConvNet.readout(self, hidden).double()


for _cause, _parts in {
    "softplus after pooling missing": {"head": _head_without_first},
    "softplus after conv_to_fc missing": {"head": _head_without_second},
    "both softplus missing": {"head": _head_without_both},
    "hidden layers skipped": {"head": _head_without_fcs},
    "hidden layers without softplus": {"head": _head_linear_fcs},
    "softplus hard-coded": {"head": _head_softplus},
    "convolutions not chained": {"states": _states_not_chained},
    "one convolution repeated": {"states": _states_first_conv},
    "convolutions skipped": {"states": _states_no_conv},
    "embedding through softplus": {"states": _states_activated},
    "residual twice": {"states": _states_added},
    "last state only": {"states": _states_last_only},
    "readout without squeeze": {"readout": _readout_column},
    "dtype": {"readout": _readout_converted},
    "softplus on the prediction": {"readout": _readout_activated},
    "center and neighbor swapped": {"order": (1, 0)},
}.items():
    MUTANTS.append(Mutant("2.5", _cause, lambda parts=_parts: net(**parts)))


@held_out("2.5", "dtype", network)
def states_in_a_table(self, atoms, bonds, center, neighbor, crystal, n_crystals):
    embedded = self.embedding(atoms)
    states = torch.zeros(len(self.convs) + 1, *embedded.shape)
    states[0] = embedded
    for number, conv in enumerate(self.convs):
        states = states.clone()
        states[number + 1] = conv(states[number].clone(), bonds, center, neighbor)
    hidden = self.activation(
        self.conv_to_fc(self.activation(self.pool(list(states), crystal, n_crystals)))
    )
    for fc in self.fcs:
        hidden = self.activation(fc(hidden))
    return self.readout(hidden)


@held_out("2.5", "convolutions not chained", network)
def loop_forgets(self, atom_features, bond_features, center, neighbor, crystal, n_crystals):
    start = self.embedding(atom_features)
    states = [start]
    for conv in self.convs:
        v = conv(start, bond_features, center, neighbor)
        states.append(v)
    pooled = self.pool(states, crystal, n_crystals)
    hidden = self.activation(self.conv_to_fc(self.activation(pooled)))
    for fc in self.fcs:
        hidden = self.activation(fc(hidden))
    return self.readout(hidden)


# ---- 2.6 is_permutation_invariant: cause is found by looking at what the test asks for


def _shuffled(graph, order):
    label = np.argsort(order)
    return replace(
        graph,
        atomic_numbers=graph.atomic_numbers[order],
        center=label[graph.center],
        neighbor=label[graph.neighbor],
    )


@wrong("2.6", "one call")
def permutation_always(predict, graph):
    return True


@wrong("2.6", "nothing shuffled")
def permutation_same_graph(predict, graph):
    return bool(np.isclose(predict(graph), predict(graph)))


@wrong("2.6", "edges shuffled only")
def permutation_edges(predict, graph):
    order = np.random.default_rng(1).permutation(graph.n_edges)
    columns = {c: getattr(graph, c)[order] for c in ("center", "neighbor", "distance", "image")}
    return bool(np.isclose(predict(replace(graph, **columns)), predict(graph)))


@wrong("2.6", "edges not relabeled")
def permutation_numbers(predict, graph):
    order = np.random.default_rng(1).permutation(graph.n_atoms)
    other = replace(graph, atomic_numbers=graph.atomic_numbers[order])
    return bool(np.isclose(predict(other), predict(graph)))


@wrong("2.6", "one end relabeled")
def permutation_one_end(predict, graph):
    order = np.random.default_rng(1).permutation(graph.n_atoms)
    other = replace(_shuffled(graph, order), neighbor=graph.neighbor)
    return bool(np.isclose(predict(other), predict(graph)))


@wrong("2.6", "inverse permutation")
def permutation_inverse(predict, graph):
    order = np.random.default_rng(1).permutation(graph.n_atoms)
    other = replace(
        graph,
        atomic_numbers=graph.atomic_numbers[order],
        center=order[graph.center],
        neighbor=order[graph.neighbor],
    )
    return bool(np.isclose(predict(other), predict(graph)))


@wrong("2.6", "exact comparison")
def permutation_exact(predict, graph):
    rng = np.random.default_rng(1)
    others = [_shuffled(graph, rng.permutation(graph.n_atoms)) for _ in range(5)]
    return all(predict(other) == predict(graph) for other in others)


@wrong("2.6", "too tolerant")
def permutation_tolerant(predict, graph):
    rng = np.random.default_rng(1)
    others = [_shuffled(graph, rng.permutation(graph.n_atoms)) for _ in range(5)]
    return all(np.isclose(predict(other), predict(graph), rtol=0.02) for other in others)


@wrong("2.6", "sign of difference")
def permutation_signed(predict, graph):
    other = _shuffled(graph, np.random.default_rng(1).permutation(graph.n_atoms))
    return predict(other) - predict(graph) < 1e-6


@wrong("2.6", "special order")
def permutation_reversed(predict, graph):
    other = _shuffled(graph, np.arange(graph.n_atoms)[::-1])
    return abs(predict(other) - predict(graph)) < 1e-6


@wrong("2.6", "one order")
def permutation_once(predict, graph):
    other = _shuffled(graph, np.random.default_rng(1).permutation(graph.n_atoms))
    return bool(np.isclose(predict(other), predict(graph)))


@held_out("2.6", "one order")
def permutation_by_heart(predict, graph):
    order = np.array([7, 2, 11, 0, 9, 4, 1, 10, 3, 8, 6, 5])
    others = [_shuffled(graph, order) for _ in range(5)]
    return all(abs(predict(other) - predict(graph)) < 1e-9 for other in others)


@wrong("2.6", "few atoms moved")
def permutation_of_two(predict, graph):
    other = _shuffled(graph, np.r_[1, 0, 2 : graph.n_atoms])
    return abs(predict(other) - predict(graph)) < 1e-6


@wrong("2.6", "atoms not shuffled")
def permutation_of_the_edges_only(predict, graph):
    label = np.random.default_rng(1).permutation(graph.n_atoms)
    other = replace(graph, center=label[graph.center], neighbor=label[graph.neighbor])
    return abs(predict(other) - predict(graph)) < 1e-6


@wrong("2.6", "another crystal")
def permutation_without_an_edge(predict, graph):
    other = _shuffled(graph, np.random.default_rng(1).permutation(graph.n_atoms))
    columns = {c: getattr(other, c)[1:] for c in ("center", "neighbor", "distance", "image")}
    return abs(predict(replace(other, **columns)) - predict(graph)) < 1e-6


@wrong("2.6", "in place")
def permutation_in_place(predict, graph):
    before, order = predict(graph), np.random.default_rng(1).permutation(graph.n_atoms)
    graph.atomic_numbers[:] = graph.atomic_numbers[order]
    graph.center[:] = np.argsort(order)[graph.center]
    graph.neighbor[:] = np.argsort(order)[graph.neighbor]
    return abs(predict(graph) - before) < 1e-6


@wrong("2.6", "expects extensive")
def permutation_must_matter(predict, graph):
    other = _shuffled(graph, np.random.default_rng(1).permutation(graph.n_atoms))
    return abs(predict(other) - predict(graph)) > 1e-6


@wrong("2.6", "never true")
def permutation_never(predict, graph):
    other = _shuffled(graph, np.random.default_rng(1).permutation(graph.n_atoms))
    return np.isclose(predict(other), predict(graph)) is True  # numpy's True is another object


@wrong("2.6", "difference ignored")
def permutation_no_comparison(predict, graph):
    other = _shuffled(graph, np.random.default_rng(1).permutation(graph.n_atoms))
    before, after = predict(graph), predict(other)
    return isinstance(before, float) and isinstance(after, float)


@held_out("2.6", "few atoms moved")
def permutation_of_the_ends(predict, graph):
    order = list(range(graph.n_atoms))
    order[0], order[-1] = order[-1], order[0]
    return bool(np.isclose(predict(graph), predict(_shuffled(graph, np.array(order)))))


@held_out("2.6", "special order")
def permutation_rolled(predict, graph):
    first = predict(graph)
    for shift in range(1, graph.n_atoms):
        if abs(predict(_shuffled(graph, np.roll(np.arange(graph.n_atoms), shift))) - first) > 1e-8:
            return False
    return True


# ---- 2.7 is_supercell_invariant


@wrong("2.7", "one call")
def supercell_always(predict, structure):
    return True


@wrong("2.7", "no supercell")
def supercell_of_one(predict, structure):
    return abs(predict(structure * (1, 1, 1)) - predict(structure)) < 1e-8


@wrong("2.7", "in place")
def supercell_in_place(predict, structure):
    before = predict(structure)
    structure.make_supercell([2, 2, 2])
    return bool(np.isclose(predict(structure), before))


@wrong("2.7", "another crystal")
def supercell_stretched(predict, structure):
    bigger = structure.copy()
    bigger.scale_lattice(8 * structure.volume)
    return bool(np.isclose(predict(bigger), predict(structure)))


@wrong("2.7", "expects extensive")
def supercell_extensive(predict, structure):
    return bool(np.isclose(predict(structure * (2, 2, 2)), 8 * predict(structure)))


@wrong("2.7", "too tolerant")
def supercell_tolerant(predict, structure):
    return abs(predict(structure * (2, 2, 2)) - predict(structure)) < 0.1


@wrong("2.7", "sign of difference")
def supercell_signed(predict, structure):
    return predict(structure * (2, 2, 2)) - predict(structure) < 1e-6


@wrong("2.7", "exact comparison")
def supercell_exact(predict, structure):
    return all(predict(structure * n) == predict(structure) for n in (2, 3, (1, 2, 3)))


@wrong("2.7", "one direction")
def supercell_along_a(predict, structure):
    return bool(np.isclose(predict(structure * (3, 1, 1)), predict(structure), rtol=1e-6))


@wrong("2.7", "never true")
def supercell_never(predict, structure):
    return np.isclose(predict(structure * (2, 2, 2)), predict(structure)) is True


@wrong("2.7", "difference ignored")
def supercell_unread(predict, structure):
    values = [predict(structure), predict(structure * (2, 2, 2))]
    return bool(np.isfinite(values).all())


@held_out("2.7", "expects extensive")
def supercell_scaled(predict, structure):
    big = structure.copy()
    big.make_supercell((2, 1, 1))
    return abs(predict(big) / predict(structure) - 2) < 1e-6


# ---- 2.8: what is right, but not faster


@wrong("2.8", "not faster", fast)
def not_faster(self, v, u, center, neighbor):
    return ConvLayer.forward(self, v, u, center, neighbor)


def _split(self, v, u):
    n = v.shape[1]
    weight = self.fc_full.weight
    return v @ weight[:, :n].T, v @ weight[:, n : 2 * n].T, u @ weight[:, 2 * n :].T


@wrong("2.8", "bias missing", fast)
def fast_without_bias(self, v, u, center, neighbor):
    at_center, at_neighbor, bond = _split(self, v, u)
    gate, core = self.bn1(at_center[center] + at_neighbor[neighbor] + bond).chunk(2, 1)
    message = _sum(torch.sigmoid(gate) * self.activation(core), center, len(v))
    return self.activation(self.residual * v + self.bn2(message))


@wrong("2.8", "bias added three times", fast)
def fast_with_three_biases(self, v, u, center, neighbor):
    at_center, at_neighbor, bond = (part + self.fc_full.bias for part in _split(self, v, u))
    gate, core = self.bn1(at_center[center] + at_neighbor[neighbor] + bond).chunk(2, 1)
    message = _sum(torch.sigmoid(gate) * self.activation(core), center, len(v))
    return self.activation(self.residual * v + self.bn2(message))
