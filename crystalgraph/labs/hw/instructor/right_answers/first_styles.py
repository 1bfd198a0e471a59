"""Right answers in the styles that come to mind first."""

from dataclasses import replace

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch.nn.functional import l1_loss

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


@right("1.1", "one call of the table")
def vectors_matrix(structure, features):
    return features.matrix(structure.atomic_numbers)


@right("1.1", "list of lists")
def vectors_lists(structure, features):
    return [list(features.vector(site.specie.Z)) for site in structure.sites]


@right("1.1", "torch, float32")
def vectors_torch(structure, features):
    rows = [torch.tensor(features.vector(site.specie.number)) for site in structure]
    return torch.stack(rows).float().round(decimals=3).double().round(decimals=3)


@right("1.2", "pymatgen get_all_neighbors")
def neighbors_of_pymatgen(structure, k=12, radius=8.0, tolerance=0.01):
    center, neighbor, distance = [], [], []
    for i, found in enumerate(structure.get_all_neighbors(radius)):
        found = sorted(found, key=lambda near: near.nn_distance)
        limit = found[min(k, len(found)) - 1].nn_distance + tolerance
        for near in found:
            if near.nn_distance <= limit:
                center.append(i)
                neighbor.append(near.index)
                distance.append(near.nn_distance)
    return np.array(center), np.array(neighbor), np.array(distance)


@right("1.2", "scipy k-d tree over images")
def neighbors_of_scipy(structure, k=12, radius=8.0, tolerance=0.01):
    lattice, n = structure.lattice, len(structure)
    reach = np.ceil(radius * np.array(lattice.reciprocal_lattice.abc) / (2 * np.pi)).astype(int) + 1
    shifts = np.stack(np.meshgrid(*[np.arange(-r, r + 1) for r in reach]), -1).reshape(-1, 3)
    everywhere = (structure.cart_coords[None] + (shifts @ lattice.matrix)[:, None]).reshape(-1, 3)
    tree, edges = cKDTree(everywhere), []
    for i, position in enumerate(structure.cart_coords):
        near = np.array(tree.query_ball_point(position, radius))
        far = np.linalg.norm(everywhere[near] - position, axis=1)
        near, far = near[far > 1e-8], far[far > 1e-8]
        limit = np.partition(far, min(k, len(far)) - 1)[min(k, len(far)) - 1] + tolerance
        edges += [(i, j % n, d) for j, d in zip(near, far, strict=True) if d <= limit]
    return tuple(np.array(column) for column in zip(*edges, strict=True))


@right("1.3", "loops")
def expansion_loops(distance, centers, width):
    out = np.zeros((len(distance), len(centers)))
    for row, d in enumerate(distance):
        for column, mu in enumerate(centers):
            out[row, column] = np.e ** (-(((d - mu) / width) ** 2))
    return out


@right("1.3", "torch")
def expansion_torch(distance, centers, width):
    gap = torch.from_numpy(distance).unsqueeze(1) - torch.from_numpy(np.array(centers))
    return torch.exp(-gap.div(width).pow(2))


@right("1.4", "lists, counting on")
def batch_loop(graphs):
    numbers, center, neighbor, distance, crystal = [], [], [], [], []
    for c, graph in enumerate(graphs):
        center.extend(int(i) + len(numbers) for i in graph.center)
        neighbor.extend(int(j) + len(numbers) for j in graph.neighbor)
        distance.extend(graph.distance)
        numbers.extend(graph.atomic_numbers)
        crystal.extend([c] * graph.n_atoms)
    return numbers, center, neighbor, distance, crystal


# ---- notebook 2


@right("2.1", "einsum and a membership matrix", ConvLayer)
def gated_einsum(self, atom_features, bond_features, center, neighbor):
    weight, f = self.fc_full.weight, atom_features.shape[1]
    z = torch.cat((atom_features[center], atom_features[neighbor], bond_features), -1)
    z = self.bn1(torch.einsum("oi,ei->eo", weight, z) + self.fc_full.bias)
    edges = torch.sigmoid(z[:, :f]) * self.activation(z[:, f:])
    member = torch.nn.functional.one_hot(center, len(atom_features)).to(edges.dtype)
    message = torch.einsum("en,ef->nf", member, edges)
    return self.activation(self.residual * atom_features + self.bn2(message))


@right("2.1", "a loop over atoms", ConvLayer)
def gated_loop(self, atom_features, bond_features, center, neighbor):
    triples = [
        torch.hstack([atom_features[i], atom_features[j], bond_features[e]])
        for e, (i, j) in enumerate(zip(center.tolist(), neighbor.tolist(), strict=True))
    ]
    gate, core = torch.tensor_split(self.bn1(self.fc_full(torch.vstack(triples))), 2, dim=1)
    edges = gate.sigmoid().mul(self.activation(core))
    rows = [edges[center == i].sum(dim=0) for i in range(len(atom_features))]
    return self.activation(atom_features * self.residual + self.bn2(torch.stack(rows)))


@right("2.1", "scatter_add, torch.zeros", ConvLayer)
def gated_scatter(self, atom_features, bond_features, center, neighbor):
    z = torch.cat([atom_features[center], atom_features[neighbor], bond_features], dim=1)
    z = self.bn1(self.fc_full(z))
    half = z.shape[1] // 2
    edges = self.activation(z[:, half:]) / (1 + torch.exp(-z[:, :half]))
    message = torch.zeros(atom_features.shape[0], half)
    message = message.scatter_add(0, center.view(-1, 1).repeat(1, half), edges)
    return self.activation(self.bn2(message) + self.residual * atom_features)


@right("2.1", "in place on a buffer of its own", ConvLayer)
def gated_index_add_(self, atom_features, bond_features, center, neighbor):
    z = torch.cat([atom_features[center], atom_features[neighbor], bond_features], dim=1)
    gate, core = self.bn1(self.fc_full(z)).chunk(2, dim=1)
    message = torch.zeros_like(atom_features)
    message.index_add_(0, center, torch.sigmoid(gate) * self.activation(core))
    return self.activation(self.residual * atom_features + self.bn2(message))


@right("2.2", "linear layer first, then the sum", SharedConvLayer)
def shared_linear_first(self, atom_features, bond_features, center, neighbor):
    pairs = self.fc_neighbors(torch.cat([atom_features[neighbor], bond_features], dim=1))
    message = atom_features.new_zeros(atom_features.shape).index_add(0, center, pairs)
    update = self.bn(message + self.fc_self(atom_features))
    return self.activation(update + self.residual * atom_features)


@right("2.2", "sparse matrix", SharedConvLayer)
def shared_sparse(self, atom_features, bond_features, center, neighbor):
    n, e = len(atom_features), len(center)
    ones = torch.ones(e, dtype=atom_features.dtype)
    member = torch.sparse_coo_tensor(torch.stack([center, torch.arange(e)]), ones, (n, e))
    pairs = torch.cat([atom_features[neighbor], bond_features], dim=1)
    sums = torch.sparse.mm(member, pairs)
    update = self.bn(self.fc_neighbors(sums) + self.fc_self(atom_features))
    return self.activation(self.residual * atom_features + update)


@right("2.3", "scatter_reduce")
def mean_scatter(atom_features, crystal, n_crystals):
    index = crystal[:, None].expand(-1, atom_features.shape[1])
    out = torch.zeros(n_crystals, atom_features.shape[1], dtype=atom_features.dtype)
    return out.scatter_reduce(0, index, atom_features, reduce="mean", include_self=False)


@right("2.3", "counts of ones of torch's default dtype")
def mean_counted(atom_features, crystal, n_crystals):
    sums = atom_features.new_zeros(n_crystals, atom_features.shape[1])
    sums = sums.index_add(0, crystal, atom_features)
    counts = torch.zeros(n_crystals).index_add(0, crystal, torch.ones(len(crystal)))
    return sums / counts.unsqueeze(1)


@right("2.3", "counts from a list of floats")
def mean_of_list(atom_features, crystal, n_crystals):
    sums = atom_features.new_zeros(n_crystals, atom_features.shape[1])
    sums = sums.index_add(0, crystal, atom_features)
    return sums / torch.tensor([float((crystal == c).sum()) for c in range(n_crystals)])[:, None]


@right("2.3", "list comprehension")
def mean_list(atom_features, crystal, n_crystals):
    return torch.stack([atom_features[crystal == c].mean(dim=0) for c in range(n_crystals)])


@right("2.3", "matrix product")
def mean_matrix(atom_features, crystal, n_crystals):
    member = (crystal == torch.arange(n_crystals)[:, None]).to(atom_features)
    return (member / member.sum(1, keepdim=True)) @ atom_features


@right("2.4", "list comprehension")
def max_list(atom_features, crystal, n_crystals):
    return torch.stack([atom_features[crystal == c].max(dim=0).values for c in range(n_crystals)])


@right("2.4", "masked with minus infinity")
def max_masked(atom_features, crystal, n_crystals):
    mine = (crystal[None, :] == torch.arange(n_crystals)[:, None])[:, :, None]
    return torch.where(mine, atom_features[None], -float("inf")).amax(dim=1)


@right("2.4", "include_self=False")
def max_exclude(atom_features, crystal, n_crystals):
    index = crystal.unsqueeze(-1).expand_as(atom_features)
    start = torch.zeros(n_crystals, atom_features.size(1))
    return start.scatter_reduce(0, index, atom_features, "amax", include_self=False)


@right("2.5", "a prediction added to zeros of torch's default dtype", CrystalGraphConvNet)
def network_collected(self, atom_features, bond_features, center, neighbor, crystal, n_crystals):
    states = [self.embedding(atom_features)]
    for conv in self.convs:
        states.append(conv(states[-1], bond_features, center, neighbor))
    hidden = self.activation(self.pool(states, crystal, n_crystals))
    hidden = self.activation(self.conv_to_fc(hidden))
    for layer in self.fcs:
        hidden = self.activation(layer(hidden))
    found = self.readout(hidden)
    return torch.zeros(found.shape) + found


@right("2.5", "everything in one variable", CrystalGraphConvNet)
def network_short(self, atom_features, bond_features, center, neighbor, crystal, n_crystals):
    v = self.embedding(atom_features)
    states = [v]
    for number in range(len(self.convs)):
        v = self.convs[number](v, bond_features, center, neighbor)
        states += [v]
    v = self.activation(self.conv_to_fc(self.activation(self.pool(states, crystal, n_crystals))))
    for layer in self.fcs:
        v = self.activation(layer(v))
    return self.readout(v)


@right("2.6", "reversed, rolled and random orders, by a loop")
def permutation_by_dict(predict, graph):
    rng, n = np.random.RandomState(3), graph.n_atoms
    orders = [rng.permutation(n) for _ in range(3)] + [np.arange(n)[::-1]]
    first, worst = predict(graph), 0.0
    for order in orders:
        new = {int(old): place for place, old in enumerate(order)}
        other = replace(
            graph,
            atomic_numbers=np.array([graph.atomic_numbers[old] for old in order]),
            center=np.array([new[int(i)] for i in graph.center]),
            neighbor=np.array([new[int(j)] for j in graph.neighbor]),
        )
        worst = max(worst, abs(predict(other) - first))
    return worst < 1e-8


@right("2.6", "torch, two random orders, edges shuffled too")
def permutation_torch(predict, graph):
    return all(same_in_one_order(predict, graph, seed) for seed in (1, 2))


def same_in_one_order(predict, graph, seed):
    label = torch.randperm(graph.n_atoms, generator=torch.Generator().manual_seed(seed)).numpy()
    edges = np.random.default_rng(0).permutation(graph.n_edges)
    numbers = np.empty_like(graph.atomic_numbers)
    numbers[label] = graph.atomic_numbers
    other = replace(
        graph,
        atomic_numbers=numbers,
        center=label[graph.center][edges],
        neighbor=label[graph.neighbor][edges],
        distance=graph.distance[edges],
        image=graph.image[edges],
    )
    before, after = torch.tensor(predict(graph)), torch.tensor(predict(other))
    return torch.isclose(before, after, rtol=1e-6, atol=1e-9)


@right("2.7", "doubled along each axis, never tripled")
def supercell_doubled(predict, structure):
    doubled = [(2, 1, 1), (1, 2, 1), (1, 1, 2)]
    return all(np.isclose(predict(structure * d), predict(structure), rtol=1e-7) for d in doubled)


@right("2.7", "a copy made into a supercell")
def supercell_copy(predict, structure):
    bigger = structure.copy()
    bigger.make_supercell([2, 2, 2])
    return bool(abs(predict(bigger) - predict(structure)) < 1e-7)


@right("2.7", "one axis at a time")
def supercell_axes(predict, structure):
    values = [predict(structure * tuple(row)) for row in (np.eye(3, dtype=int) + 1)]
    return np.allclose(values, predict(structure), rtol=1e-6, atol=0)


@right("2.8", "chunks of the weight, einsum", FastConvLayer)
def fast_einsum(self, atom_features, bond_features, center, neighbor):
    f = atom_features.size(1)
    weight = self.fc_full.weight
    ends = torch.einsum("nf,of->no", atom_features, weight[:, :f])[center]
    ends = ends + torch.einsum("nf,of->no", atom_features, weight[:, f : 2 * f])[neighbor]
    z = self.bn1(
        ends + torch.einsum("ek,ok->eo", bond_features, weight[:, 2 * f :]) + self.fc_full.bias
    )
    edges = torch.sigmoid(z[:, :f]) * self.activation(z[:, f:])
    index = center[:, None].expand_as(edges)
    message = torch.zeros_like(atom_features).scatter_reduce(0, index, edges, "sum")
    return self.activation(self.residual * atom_features + self.bn2(message))


# ---- notebook 3


@right("3.1", "loop, numpy float")
def formation_loop(energy_total, symbols, references):
    for symbol in symbols:
        energy_total = energy_total - references[symbol]
    return np.float64(energy_total) / len(symbols)


@right("3.1", "counted by element")
def formation_counted(energy_total, symbols, references):
    counts = {symbol: symbols.count(symbol) for symbol in set(symbols)}
    elements = sum(count * references[symbol] for symbol, count in counts.items())
    return (energy_total - elements) / sum(counts.values())


@right("3.2", "plain lists")
def fractions_lists(sites, elements):
    blocks = [[sites[0]], sites[1:-1], [sites[-1]]]
    return [block.count(element) / len(block) for block in blocks for element in elements]


@right("3.3", "by the formula")
def normalizer_formula(targets, train_index):
    chosen = [float(targets[i]) for i in train_index]
    mean = sum(chosen) / len(chosen)
    return [mean, (sum((t - mean) ** 2 for t in chosen) / len(chosen)) ** 0.5]


@right("3.3", "torch tensors")
def normalizer_torch(targets, train_index):
    chosen = torch.from_numpy(targets[train_index])
    return chosen.mean(), chosen.std(unbiased=False)


@right("3.4", "loss by hand, gradients set to None")
def step_by_hand(model, batch, target, optimizer):
    model.train()
    prediction = model(*batch.inputs())
    loss = torch.mean(torch.abs(target - prediction))
    model.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], max_norm=1)
    optimizer.step()
    return float(loss.detach())


@right("3.4", "a detached tensor comes back")
def step_detached(model, batch, target, optimizer):
    optimizer.zero_grad(set_to_none=False)
    loss = l1_loss(model(*batch.inputs()), target)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
    optimizer.step()
    return loss.detach()


@right("3.5", "all errors in one array")
def error_concatenated(model, batches, mean, std):
    mode, errors = model.training, []
    model.eval()
    with torch.inference_mode():
        for batch, target in batches:
            predicted = std * model(*batch.inputs()) + mean
            errors.append((predicted - target).abs().numpy())
    model.train(mode)
    return np.concatenate(errors).mean()


@right("3.5", "weighted means of batches")
@torch.no_grad()
def error_weighted(model, batches, mean, std):
    mode = model.training
    model.eval()
    pairs = [
        (l1_loss(model(*batch.inputs()) * std + mean, target).item(), batch.n_crystals)
        for batch, target in batches
    ]
    model.train(mode)
    return sum(error * n for error, n in pairs) / sum(n for _, n in pairs)


# ---- notebook 4


@right("4.1", "one difference per row, softplus by hand")
def log_softmax_difference(scores):
    gap = scores[:, 1] - scores[:, 0]
    size = gap.abs()
    log_sum = torch.log1p(torch.exp(-size)) + torch.clamp(gap, min=0)  # log(1 + e^gap)
    return torch.stack([-log_sum, gap - log_sum], dim=1)


@right("4.1", "columns one by one")
def log_softmax_columns(scores):
    first, second = scores[:, 0], scores[:, 1]
    largest = torch.maximum(first, second)
    log_sum = largest + torch.log((first - largest).exp() + (second - largest).exp())
    return torch.cat([(first - log_sum).unsqueeze(1), (second - log_sum).unsqueeze(1)], dim=1)


@right("4.1", "a loop over rows, logaddexp")
def log_softmax_loop(scores):
    return torch.stack([row - torch.logaddexp(row[0], row[1]) for row in scores])


@right("4.2", "gather")
def likelihood_gather(log_probabilities, labels):
    return -log_probabilities.gather(1, labels.unsqueeze(1)).squeeze(1).mean()


@right("4.2", "one-hot, divided by C")
def likelihood_one_hot(log_probabilities, labels):
    mine = torch.eye(2, dtype=log_probabilities.dtype)[labels]
    return -(mine * log_probabilities).sum() / len(labels)


@right("4.2", "a weighted sum of both columns")
def likelihood_weighted(log_probabilities, labels):
    truth = torch.where(labels == 1, log_probabilities[:, 1], log_probabilities[:, 0])
    return truth.neg().mean(dim=0, keepdim=True)


@right("4.3", "four sums of masks")
def confusion_masks(labels, predicted):
    return np.array(
        [[((labels == i) & (predicted == j)).sum() for j in (0, 1)] for i in (0, 1)], dtype=int
    )


@right("4.3", "bincount")
def confusion_bincount(labels, predicted):
    return np.bincount(2 * labels + predicted, minlength=4).reshape(2, 2)


@right("4.3", "a loop over lists")
def confusion_loop(labels, predicted):
    counts = [[0, 0], [0, 0]]
    for truth, guess in zip(labels.tolist(), predicted.tolist(), strict=True):
        counts[truth][guess] += 1
    return counts


@right("4.4", "np.divide with a where")
def precision_divide(confusion):
    whole = np.array([confusion[:, 1].sum(), confusion[1, :].sum()], dtype=float)
    return np.divide(confusion[1, 1], whole, out=np.zeros(2), where=whole > 0)


@right("4.4", "except ZeroDivisionError")
def precision_except(confusion):
    (_, fp), (fn, tp) = confusion.tolist()
    shares = []
    for wrong in (fp, fn):
        try:
            shares.append(tp / (tp + wrong))
        except ZeroDivisionError:
            shares.append(0)
    return tuple(shares)


@right("4.5", "rank sum with mean ranks of ties")
def auc_ranks(labels, scores):
    ranks = np.array([(scores < s).sum() + ((scores == s).sum() + 1) / 2 for s in scores])
    n = (labels == 1).sum()
    return (ranks[labels == 1].sum() - n * (n + 1) / 2) / (n * (len(labels) - n))


@right("4.5", "area under the curve of all thresholds")
def auc_trapezoid(labels, scores):
    points = [(0.0, 0.0)]
    for threshold in sorted(set(scores.tolist()), reverse=True):
        chosen = scores >= threshold
        points.append((chosen[labels == 0].mean(), chosen[labels == 1].mean()))
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in zip(points, points[1:]))  # noqa: B905


@right("4.5", "double loop, np.sign")
def auc_loop(labels, scores):
    won = [
        (1 + np.sign(p - o)) / 2
        for p in scores[labels.astype(bool)]
        for o in scores[~labels.astype(bool)]
    ]
    return np.float64(sum(won) / len(won))


@right("4.6", "all images by hand")
def shortest_images(structure, elements):
    points = np.array([site.coords for site in structure if site.specie.symbol in elements])
    images = (np.indices((5, 5, 5)).reshape(3, -1).T - 2) @ structure.lattice.matrix
    gaps = points[:, None, None] - points[None, :, None] + images
    lengths = np.sqrt((gaps**2).sum(-1))
    return lengths[lengths > 1e-3].min()


@right("4.6", "distances inside a 3 x 3 x 3 supercell")
def shortest_supercell(structure, elements):
    large = structure * (3, 3, 3)
    chosen = [i for i, site in enumerate(large) if site.specie.symbol in elements]
    distances = large.distance_matrix[np.ix_(chosen, chosen)]
    return distances[np.triu_indices(len(chosen), k=1)].min()


@right("4.6", "get_all_neighbors, elements removed from a copy")
def shortest_neighbors(structure, elements):
    copy = structure.copy()
    copy.remove_species({site.specie.symbol for site in structure} - set(elements))
    radius = 1.0
    while not any(copy.get_all_neighbors(radius)):
        radius *= 1.5
    return min(site.nn_distance for sites in copy.get_all_neighbors(radius) for site in sites)
