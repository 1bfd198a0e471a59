"""More right answers, each worded by another hand: short, long-winded, roundabout."""

import math
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import torch
from pymatgen.core import Structure
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional

from crystalgraph.labs.hw.instructor.reference import (
    ConvLayer,
    CrystalGraphConvNet,
    FastConvLayer,
    SharedConvLayer,
)
from crystalgraph.labs.known_answers import RightAnswer, right_answers_into

RIGHT_ANSWERS: list[RightAnswer] = []
right = right_answers_into(RIGHT_ANSWERS)

# ---- notebook 1


@right("1.1", "an array filled row by row")
def vectors_filled(structure, features):
    n_sites = len(structure)
    table = None
    for i in range(n_sites):
        numbers = features.vector(structure[i].specie.Z)
        if table is None:
            table = np.empty((n_sites, len(numbers)))
        table[i] = numbers
    return table


@right("1.1", "vstack of a map")
def vectors_stacked(structure, features):
    return np.vstack(list(map(features.vector, structure.atomic_numbers)))


@right("1.1", "looked up once per element")
def vectors_looked_up(structure, features):
    known = {}
    rows = []
    for site in structure.sites:
        z = site.specie.Z
        if z not in known:
            known[z] = np.asarray(features.vector(z))
        rows.append(known[z])
    return np.stack(rows, axis=0)


@right("1.2", "an array of limits")
def neighbors_limits(structure, k=12, radius=8.0, tolerance=0.01):
    center, neighbor, image, distance = structure.get_neighbor_list(radius + tolerance)
    limits = np.array([sorted(distance[center == i])[:k][-1] for i in range(len(structure))])
    keep = distance - tolerance <= limits[center]
    return center[keep], neighbor[keep], distance[keep]


@right("1.2", "sorted by atom, then by distance")
def neighbors_lexsort(structure, k=12, radius=8.0, tolerance=0.01):
    center, neighbor, image, distance = structure.get_neighbor_list(radius + tolerance)
    order = np.lexsort((distance, center))
    center, neighbor, distance = center[order], neighbor[order], distance[order]
    pieces = []
    first = 0
    for count in np.bincount(center, minlength=len(structure)):
        mine = distance[first : first + count]
        last = mine[min(k, count) - 1] + tolerance
        pieces.append(np.arange(first, first + np.searchsorted(mine, last, side="right")))
        first += count
    keep = np.concatenate(pieces)
    return center[keep], neighbor[keep], distance[keep]


@right("1.2", "dictionaries of lists")
def neighbors_dictionaries(structure, k=12, radius=8.0, tolerance=0.01):
    center, neighbor, image, distance = structure.get_neighbor_list(radius + tolerance)
    of_atom = defaultdict(list)
    for i, d in zip(center, distance, strict=True):
        of_atom[i].append(d)
    farthest = {}
    for i, all_of_them in of_atom.items():
        all_of_them.sort()
        n = k if len(all_of_them) >= k else len(all_of_them)
        farthest[i] = all_of_them[n - 1]
    keep = []
    for e in range(len(center)):
        keep.append(distance[e] <= farthest[center[e]] + tolerance)
    keep = np.array(keep)
    return center[keep], neighbor[keep], distance[keep]


@right("1.3", "outer difference")
def expansion_outer(distance, centers, width):
    x = np.subtract.outer(distance, centers) / width
    return np.exp(-x * x)


@right("1.3", "one column after the other")
def expansion_columns(distance, centers, width):
    columns = []
    for center in centers:
        exponent = -np.power(distance - center, 2) / width**2
        columns.append(np.exp(exponent))
    return np.stack(columns, axis=1)


@right("1.3", "one row after the other")
def expansion_rows(distance, centers, width):
    return np.array([np.exp(-np.square((d - centers) / width)) for d in distance])


@right("1.4", "offsets by pairs of sums")
def batch_offsets(graphs):
    numbers = np.concatenate([g.atomic_numbers for g in graphs])
    ends = np.cumsum([len(g.atomic_numbers) for g in graphs])
    begins = np.concatenate(([0], ends))
    crystal = np.zeros(len(numbers), dtype=int)
    center, neighbor = [], []
    for c, (a, b) in enumerate(pairwise(begins)):
        crystal[a:b] = c
        center.append(a + graphs[c].center)
        neighbor.append(a + graphs[c].neighbor)
    distance = np.concatenate([g.distance for g in graphs])
    return numbers, np.concatenate(center), np.concatenate(neighbor), distance, crystal


@right("1.4", "offsets repeated per edge")
def batch_repeated(graphs):
    sizes = np.array([graph.n_atoms for graph in graphs])
    edges = np.array([graph.n_edges for graph in graphs])
    shift = np.repeat(np.cumsum(sizes) - sizes, edges)
    numbers, center, neighbor, distance = (
        np.concatenate([getattr(graph, name) for graph in graphs])
        for name in ("atomic_numbers", "center", "neighbor", "distance")
    )
    crystal = np.concatenate([np.full(n, c) for c, n in enumerate(sizes)])
    return numbers, center + shift, neighbor + shift, distance, crystal


@right("1.4", "one graph appended to the batch so far")
def batch_appended(graphs):
    z = graphs[0].atomic_numbers
    i, j, d = graphs[0].center, graphs[0].neighbor, graphs[0].distance
    which = np.zeros(len(z), dtype=int)
    for number in range(1, len(graphs)):
        more = graphs[number]
        so_far = len(z)
        z = np.append(z, more.atomic_numbers)
        i = np.append(i, more.center + so_far)
        j = np.append(j, more.neighbor + so_far)
        d = np.append(d, more.distance)
        which = np.append(which, [number] * more.n_atoms)
    return z, i, j, d, which


# ---- notebook 2


@right("2.1", "every line of the equation", ConvLayer)
def gated_by_lines(self, atom_features, bond_features, center, neighbor):
    v_i = atom_features[center]
    v_j = atom_features[neighbor]
    z = torch.concatenate((v_i, v_j, bond_features), axis=1)  # pyright: ignore[reportCallIssue]
    z = self.fc_full(z)
    z = self.bn1(z)
    n = z.size(1) // 2
    z_f = z[:, :n]
    z_c = z[:, n:]
    m = torch.sigmoid(z_f) * self.activation(z_c)
    total = torch.zeros(atom_features.size(0), n, dtype=m.dtype, device=m.device)
    total = torch.index_add(total, 0, center, m)
    total = self.bn2(total)
    out = total + self.residual * atom_features
    out = self.activation(out)
    return out


@right("2.1", "sorted edges, segments summed", ConvLayer)
def gated_segments(self, atom_features, bond_features, center, neighbor):
    order = torch.argsort(center)
    i, j = center[order], neighbor[order]
    both = torch.cat([atom_features[i], atom_features[j], bond_features[order]], -1)
    f, c = self.bn1(self.fc_full(both)).split(atom_features.shape[-1], dim=-1)
    lengths = torch.bincount(i, minlength=len(atom_features)).tolist()
    sums = [part.sum(0) for part in (f.sigmoid() * self.activation(c)).split(lengths)]
    return self.activation(self.residual * atom_features + self.bn2(torch.stack(sums)))


@right("2.1", "index_select, scatter_add_", ConvLayer)
def gated_selected(self, atom_features, bond_features, center, neighbor):
    own = torch.index_select(atom_features, 0, center)
    others = torch.index_select(atom_features, 0, neighbor)
    gate, core = torch.chunk(
        self.bn1(self.fc_full(torch.hstack((own, others, bond_features)))), 2, 1
    )
    weighted = torch.mul(functional.sigmoid(gate), self.activation(core))
    where = center.reshape(-1, 1).expand(weighted.shape)
    message = torch.zeros_like(atom_features).scatter_add_(0, where, weighted)
    return self.activation(torch.add(self.bn2(message), atom_features * self.residual))


@right("2.2", "every line of the equation", SharedConvLayer)
def shared_by_lines(self, atom_features, bond_features, center, neighbor):
    v_j = atom_features[neighbor]
    v_and_u = torch.hstack([v_j, bond_features])
    n_atoms = atom_features.size(0)
    sums = torch.zeros(n_atoms, v_and_u.size(1), dtype=v_and_u.dtype)
    sums = sums.index_add(0, center, v_and_u)
    first = self.fc_neighbors(sums)
    second = self.fc_self(atom_features)
    out = self.bn(first + second)
    if self.residual:
        out = out + self.residual * atom_features
    return self.activation(out)


@right("2.2", "atoms and bonds summed apart", SharedConvLayer)
def shared_apart(self, atom_features, bond_features, center, neighbor):
    def gather(rows):
        empty = torch.zeros((len(atom_features), rows.shape[1])).to(rows)
        return empty.index_add(0, center, rows)

    both = torch.cat((gather(atom_features[neighbor]), gather(bond_features)), dim=-1)
    v = self.bn(self.fc_self(atom_features) + self.fc_neighbors(both))
    return self.activation(v + atom_features * self.residual)


@right("2.2", "a loop over atoms", SharedConvLayer)
def shared_loop(self, atom_features, bond_features, center, neighbor):
    rows = []
    for atom in range(atom_features.shape[0]):
        mine = torch.nonzero(center == atom).flatten()
        pairs = torch.cat([atom_features[neighbor[mine]], bond_features[mine]], dim=1)
        rows.append(self.fc_neighbors(pairs.sum(dim=0)))
    update = self.bn(torch.stack(rows).add(self.fc_self(atom_features)))
    return self.activation(self.residual * atom_features + update)


@right("2.3", "one crystal after the other")
def mean_filled(atom_features, crystal, n_crystals):
    out = torch.zeros(n_crystals, atom_features.size(1)).to(atom_features)
    for c in range(n_crystals):
        members = atom_features[crystal == c]
        out[c] = members.sum(dim=0) / members.size(0)
    return out


@right("2.3", "ones counted like the features")
def mean_ones(atom_features, crystal, n_crystals):
    ones = torch.ones_like(atom_features)
    zeros = torch.zeros(n_crystals, atom_features.shape[-1], dtype=ones.dtype)
    total = torch.index_add(zeros, 0, crystal, atom_features)
    count = torch.index_add(zeros, 0, crystal, ones)
    return torch.div(total, count)


@right("2.3", "one-hot einsum")
def mean_einsum(atom_features, crystal, n_crystals):
    belongs = functional.one_hot(crystal, num_classes=n_crystals).to(atom_features.dtype)
    sums = torch.einsum("nc,nf->cf", belongs, atom_features)
    return sums / belongs.sum(0).view(-1, 1)


@right("2.4", "torch.maximum, atom by atom")
def max_running(atom_features, crystal, n_crystals):
    best = [None] * n_crystals
    for row, c in zip(atom_features, crystal.tolist(), strict=True):
        best[c] = row if best[c] is None else torch.maximum(best[c], row)
    return torch.stack(best)


@right("2.4", "index_reduce")
def max_index_reduce(atom_features, crystal, n_crystals):
    lowest = torch.full((n_crystals, atom_features.shape[1]), float("-inf"))
    return lowest.to(atom_features.dtype).index_reduce(0, crystal, atom_features, "amax")


@right("2.4", "np.unique numbers, torch.max")
def max_by_number(atom_features, crystal, n_crystals):
    rows = []
    for c in range(n_crystals):
        mine = torch.where(crystal == c)[0]
        values, _ = torch.max(atom_features[mine], dim=0, keepdim=True)
        rows.append(values)
    return torch.cat(rows, dim=0)


@right("2.5", "every step has a name", CrystalGraphConvNet)
def network_named(self, atom_features, bond_features, center, neighbor, crystal, n_crystals):
    embedded = self.embedding(atom_features)
    all_states = [embedded]
    current = embedded
    for layer in self.convs:
        current = layer(current, bond_features, center, neighbor)
        all_states.append(current)
    crystal_features = self.activation(self.pool(all_states, crystal, n_crystals))
    crystal_features = self.conv_to_fc(crystal_features)
    crystal_features = self.activation(crystal_features)
    for layer in self.fcs:
        crystal_features = layer(crystal_features)
        crystal_features = self.activation(crystal_features)
    prediction = self.readout(crystal_features)
    return prediction


@right("2.5", "edges as one tuple, head as a list", CrystalGraphConvNet)
def network_head(self, atom_features, bond_features, center, neighbor, crystal, n_crystals):
    edges = (bond_features, center, neighbor)
    states = [self.embedding(atom_features)]
    for convolution in self.convs:
        states = states + [convolution(states[-1], *edges)]
    x = self.pool(states, crystal, n_crystals)
    for linear in [self.conv_to_fc, *self.fcs]:
        x = linear(self.activation(x))
    return self.readout(self.activation(x))


@right("2.6", "a list of predictions")
def permutation_list(predict, graph):
    numbers = [predict(graph)]
    random = np.random.default_rng(42)
    for _ in range(8):
        p = np.arange(graph.n_atoms)
        random.shuffle(p)
        where = np.empty_like(p)
        where[p] = np.arange(len(p))
        copy = replace(
            graph,
            atomic_numbers=graph.atomic_numbers[p],
            center=where[graph.center],
            neighbor=where[graph.neighbor],
        )
        numbers.append(predict(copy))
    return bool(max(numbers) - min(numbers) < 1e-7)


@right("2.6", "labels drawn for the old atoms")
def permutation_labels(predict, graph):
    expected = float(predict(graph))
    for seed in range(6):
        label = np.random.default_rng(seed).permutation(len(graph.atomic_numbers))
        numbers = np.zeros_like(graph.atomic_numbers)
        for old, new in enumerate(label):
            numbers[new] = graph.atomic_numbers[old]
        center, neighbor = label[graph.center], label[graph.neighbor]
        got = float(
            predict(replace(graph, atomic_numbers=numbers, center=center, neighbor=neighbor))
        )
        if not math.isclose(got, expected, rel_tol=1e-6, abs_tol=1e-9):
            return False
    return True


@right("2.7", "a loop over numbers of repeats")
def supercell_loop(predict, structure):
    reference = predict(structure)
    for n in ([2, 1, 1], [1, 2, 1], [1, 1, 3], [2, 2, 1]):
        value = predict(structure * n)
        if abs(value - reference) > 1e-6 * max(1.0, abs(reference)):
            return False
    return True


@right("2.7", "all products, largest difference")
def supercell_products(predict, structure):
    small = predict(structure)
    cells = [n for n in product((1, 2), repeat=3) if n != (1, 1, 1)]
    differences = [abs(predict(structure.make_supercell(n, in_place=False)) - small) for n in cells]
    return max(differences) < 1e-7


@right("2.8", "three matrices, sum of three", FastConvLayer)
def fast_three(self, atom_features, bond_features, center, neighbor):
    n = atom_features.shape[1]
    w = self.fc_full.weight
    w_i, w_j, w_u = w[:, :n], w[:, n : 2 * n], w[:, 2 * n :]
    from_center = (atom_features @ w_i.T)[center]
    from_neighbor = (atom_features @ w_j.T)[neighbor]
    from_bond = bond_features @ w_u.T + self.fc_full.bias
    f, c = torch.chunk(self.bn1(from_center + from_neighbor + from_bond), 2, dim=1)
    m = torch.zeros(len(atom_features), n, dtype=f.dtype)
    m = m.index_add(0, center, f.sigmoid() * self.activation(c))
    return self.activation(self.bn2(m) + self.residual * atom_features)


@right("2.8", "both atom products at once", FastConvLayer)
def fast_at_once(self, atom_features, bond_features, center, neighbor):
    width = atom_features.size(-1)
    atoms, bonds = torch.tensor_split(self.fc_full.weight, [2 * width], dim=1)
    stacked = torch.cat([atoms[:, :width], atoms[:, width:]])
    of_center, of_neighbor = functional.linear(atom_features, stacked).chunk(2, dim=-1)
    z = functional.linear(bond_features, bonds, self.fc_full.bias)
    z = z + of_center[center] + of_neighbor[neighbor]
    gate, core = self.bn1(z).chunk(2, dim=-1)
    sums = atom_features.new_zeros(atom_features.shape)
    sums = sums.index_add(0, center, gate.sigmoid() * self.activation(core))
    return self.activation(self.residual * atom_features + self.bn2(sums))


# ---- notebook 3


@right("3.1", "two steps")
def formation_steps(energy_total, symbols, references):
    n_atoms = len(symbols)
    energy_elements = 0.0
    for atom in symbols:
        energy_elements += references[atom]
    return (energy_total - energy_elements) / n_atoms


@right("3.1", "numpy sum, per atom first")
def formation_mean(energy_total, symbols, references):
    per_atom = energy_total / len(symbols)
    return per_atom - np.mean([references[s] for s in symbols])


@right("3.1", "a Counter")
def formation_counter(energy_total, symbols, references):
    count = Counter(symbols)
    free = sum(n * references[element] for element, n in count.items())
    return (energy_total - free) / count.total()


@right("3.2", "three arrays, joined")
def fractions_joined(sites, elements):
    n = len(elements)
    a, b, x = np.zeros(n), np.zeros(n), np.zeros(n)
    a[elements.index(sites[0])] = 1.0
    middle = sites[1:-1]
    for one in middle:
        b[elements.index(one)] += 1.0 / len(middle)
    x[elements.index(sites[-1])] = 1.0
    return np.concatenate([a, b, x])


@right("3.2", "rows of an identity")
def fractions_identity(sites, elements):
    row = dict(zip(elements, np.eye(len(elements)), strict=True))
    mixed = np.mean([row[b] for b in sites[1:-1]], axis=0)
    return np.hstack((row[sites[0]], mixed, row[sites[-1]]))


@right("3.2", "a share at each place")
def fractions_places(sites, elements):
    out = [0.0] * (3 * len(elements))
    for number, symbol in enumerate(sites):
        block = 0 if number == 0 else 2 if number == len(sites) - 1 else 1
        share = 1 if block != 1 else 1 / (len(sites) - 2)
        out[block * len(elements) + elements.index(symbol)] += share
    return np.array(out)


@right("3.3", "np.mean and np.std")
def normalizer_numpy(targets, train_index):
    y = targets[train_index]
    mean = np.mean(y)
    std = np.std(y, ddof=0)
    return mean, std


@right("3.3", "root of the mean square")
def normalizer_root(targets, train_index):
    train = np.take(targets, train_index)
    mean = train.sum() / train.size
    return mean, math.sqrt(((train - mean) ** 2).mean())


@right("3.4", "a loss module, every step in its line")
def step_module(model, batch, target, optimizer):
    criterion = nn.L1Loss()
    optimizer.zero_grad()
    inputs = batch.inputs()
    output = model(*inputs)
    loss = criterion(output, target)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimizer.step()
    value = loss.item()
    return value


@right("3.4", "gradients scaled by hand")
def step_scaled(model, batch, target, optimizer):
    optimizer.zero_grad()
    error = model(*batch.inputs()).sub(target).abs().mean()
    error.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    norm = torch.sqrt(torch.stack([(g**2).sum() for g in gradients]).sum())
    if norm > 1:
        for g in gradients:
            g.mul_(1 / (norm + 1e-6))
    optimizer.step()
    return float(error)


@right("3.5", "two lists, joined")
def error_lists(model, batches, mean, std):
    before = model.training
    model.eval()
    predictions, truths = [], []
    with torch.no_grad():
        for batch, target in batches:
            predictions.append(model(*batch.inputs()) * std + mean)
            truths.append(target)
    if before:
        model.train()
    return functional.l1_loss(torch.cat(predictions), torch.cat(truths)).item()


@right("3.5", "crystal by crystal")
@torch.no_grad()
def error_by_crystal(model, batches, mean, std):
    mode = model.training
    model.train(False)
    errors = []
    for batch, target in batches:
        output = model(*batch.inputs())
        for p, t in zip(output.tolist(), target.tolist(), strict=True):
            errors.append(abs(p * std + mean - t))
    model.train(mode)
    return sum(errors) / len(errors)


# ---- notebook 4


@right("4.1", "logsumexp")
def log_softmax_sum(scores):
    total = torch.logsumexp(scores, dim=1)
    return scores - total.unsqueeze(1)


@right("4.1", "largest score taken out, every step in its line")
def log_softmax_by_lines(scores):
    biggest, _ = torch.max(scores, dim=1, keepdim=True)
    z = scores - biggest
    e = torch.exp(z)
    s = torch.sum(e, dim=1, keepdim=True)
    return z - torch.log(s)


@right("4.2", "a loop")
def likelihood_loop(log_probabilities, labels):
    total = 0.0
    for row, label in zip(log_probabilities, labels, strict=True):
        total = total - row[label]
    return total / labels.shape[0]


@right("4.2", "torch's own")
def likelihood_own(log_probabilities, labels):
    return functional.nll_loss(log_probabilities, labels, reduction="mean")


@right("4.3", "four counters")
def confusion_counters(labels, predicted):
    tp = np.sum((labels == 1) & (predicted == 1))
    tn = np.sum((labels == 0) & (predicted == 0))
    fp = np.sum((labels == 0) & (predicted == 1))
    fn = np.sum((labels == 1) & (predicted == 0))
    return np.array([[tn, fp], [fn, tp]])


@right("4.3", "zeros, filled by a loop")
def confusion_filled(labels, predicted):
    matrix = np.zeros((2, 2), dtype=int)
    for i in range(len(labels)):
        matrix[labels[i]][predicted[i]] += 1
    return matrix


@right("4.4", "a helper")
def precision_helper(confusion):
    def share(part, whole):
        return float(part / whole) if whole > 0 else 0.0

    tp = confusion[1][1]
    return share(tp, tp + confusion[0][1]), share(tp, tp + confusion[1][0])


@right("4.4", "four names, two questions")
def precision_questions(confusion):
    tn, fp, fn, tp = confusion.ravel()
    precision, recall = 0.0, 0.0
    if tp + fp != 0:
        precision = tp / (tp + fp)
    if tp + fn != 0:
        recall = tp / (tp + fn)
    return precision, recall


@right("4.5", "sorted scores, searchsorted")
def auc_searchsorted(labels, scores):
    others = np.sort(scores[labels == 0])
    mine = scores[labels == 1]
    below = np.searchsorted(others, mine, side="left")
    not_above = np.searchsorted(others, mine, side="right")
    return (below + not_above).sum() / (2 * len(mine) * len(others))


@right("4.5", "scikit-learn")
def auc_sklearn(labels, scores):
    return float(roc_auc_score(labels, scores))


@right("4.6", "the structure's distance matrix and its images")
def shortest_matrix(structure, elements):
    sites = [i for i in range(len(structure)) if structure[i].specie.symbol in elements]
    between = structure.distance_matrix[sites][:, sites]
    shortest = min(
        np.linalg.norm(np.array(n) @ structure.lattice.matrix)
        for n in product(range(-3, 4), repeat=3)
        if any(n)
    )
    for a in range(len(sites)):
        for b in range(a):
            shortest = min(shortest, between[a][b])
    return shortest


@right("4.6", "sites within a growing radius")
def shortest_growing(structure, elements):
    kept = Structure.from_sites([s for s in structure.sites if str(s.specie) in elements])
    radius = 2.0
    while True:
        found = [near.nn_distance for site in kept for near in kept.get_neighbors(site, radius)]
        if found:
            return min(found)
        radius = radius + 1
