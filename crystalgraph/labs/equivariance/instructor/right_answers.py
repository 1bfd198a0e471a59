"""Right answers in other styles than the solutions."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from crystalgraph.labs.equivariance.instructor.reference import EGCL
from crystalgraph.labs.equivariance.networks import sum_at
from crystalgraph.labs.equivariance.shaken import CUTOFF, periodic_neighbors
from crystalgraph.labs.known_answers import RightAnswer, right_answers_into

RIGHT_ANSWERS: list[RightAnswer] = []
right = right_answers_into(RIGHT_ANSWERS)


@right("1.1", "two loops")
def edges_by_loops(x, batch, cutoff):
    pairs = []
    for i in range(len(x)):
        for j in range(len(x)):
            if i != j and batch[i] == batch[j] and ((x[i] - x[j]) ** 2).sum() < cutoff**2:
                pairs.append((j, i))
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T


@right("1.1", "torch.cdist and infinity")
def edges_by_cdist(x, batch, cutoff):
    distance = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    distance = distance.masked_fill(batch.unsqueeze(0) != batch.unsqueeze(1), float("inf"))
    distance.fill_diagonal_(float("inf"))
    return torch.stack(torch.where(distance < cutoff))


@right("1.2", "atom by atom", EGCL)
def layer_by_loops(self, h, x, edge_index, shift=None):
    rows_h, rows_x = [], []
    for atom in range(len(h)):
        mine = (edge_index[0] == atom).nonzero().flatten()
        pushes, messages = [], []
        for e in mine.tolist():
            j = int(edge_index[1, e])
            d = x[atom] - x[j] - (0 if shift is None else shift[e])
            r = torch.sqrt(d @ d + 1e-8).reshape(1, 1)
            z = self.from_center(h[atom]) + self.from_neighbor(h[j])
            m = self.phi_e(z + self.from_distance(self.gaussians(r))[0])
            pushes.append(d * self.phi_x(m) / (1 + r[0]))
            messages.append(m)
        total = torch.stack(messages).sum(0) if messages else torch.zeros_like(h[atom])
        rows_x.append(x[atom] + torch.stack(pushes).mean(0) if pushes else x[atom])
        rows_h.append(h[atom] + self.phi_h(torch.cat([h[atom], total])))
    return torch.stack(rows_h), torch.stack(rows_x)


@right("1.2", "scatter_add and norm", EGCL)
def layer_by_scatter(self, h, x, edge_index, shift=None):
    center, neighbor = edge_index[0], edge_index[1]
    d = x.index_select(0, center) - x.index_select(0, neighbor)
    if shift is not None:
        d = d - shift
    r = torch.sqrt(d.pow(2).sum(dim=-1, keepdim=True) + 1e-8)
    z = self.from_center(h[center]) + self.from_neighbor(h[neighbor])
    m = self.phi_e(z + self.from_distance(self.gaussians(r)))
    push = d * (self.phi_x(m) / (r + 1.0))
    n = torch.bincount(center, minlength=len(h)).clamp_min(1).to(x.dtype)
    dx = torch.zeros_like(x).scatter_add(0, center[:, None].expand(-1, 3), push)
    agg = torch.zeros_like(h).scatter_add(0, center[:, None].expand(-1, h.shape[1]), m)
    return [h + self.phi_h(torch.hstack([h, agg])), x + dx / n.unsqueeze(1)]


@right("1.3", "scipy's rotations")
def matrix_of_scipy(seed, reflect):
    matrix = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    return matrix @ np.diag([1, 1, -1]) if reflect else matrix


@right("1.3", "torch, Gram and Schmidt")
def matrix_by_hand(seed, reflect):
    a, b = torch.randn(2, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    a = a / a.norm()
    b = b - (a @ b) * a
    b = b / b.norm()
    c = torch.linalg.cross(a, b)
    return torch.stack([a, b, -c if reflect else c])


@right("1.4", "numpy, many trials")
def test_in_numpy(layer, h, x, edge_index):
    def ask(h, x, e):
        return [one.detach().numpy() for one in layer(h=h, x=x, edge_index=e)]

    old_h, old_x = ask(h, x, edge_index)
    rng = np.random.default_rng(7)

    def turned(det):
        for _ in range(2):
            q, r = np.linalg.qr(rng.normal(size=(3, 3)))
            q *= np.sign(np.diag(r))
            q *= det * np.sign(np.linalg.det(q))
            new_h, new_x = ask(h, x @ torch.tensor(q), edge_index)
            yield np.abs(new_h - old_h).max() < 1e-9 and np.abs(new_x - old_x @ q).max() < 1e-9

    shift = rng.normal(size=3)
    far_h, far_x = ask(h, x + torch.tensor(shift), edge_index)
    order = rng.permutation(len(x))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    listed_h, listed_x = ask(h[order], x[order], torch.from_numpy(place[edge_index.numpy()]))
    return {
        "moves": np.abs(old_x - x.numpy()).max() > 1e-8,
        "rotation": all(turned(1)),
        "reflection": all(turned(-1)),
        "translation": np.allclose(far_h, old_h) and np.abs(far_x - old_x - shift).max() < 1e-9,
        "permutation": np.allclose(listed_h, old_h[order]) and np.allclose(listed_x, old_x[order]),
    }


@right("2.1", "one molecule after the other")
def dipole_by_loop(charges, x, moved, batch, n_molecules, strength):
    vectors = []
    for number in range(n_molecules):
        mine = batch == number
        q = charges[mine] - charges[mine].mean()
        vectors.append(q @ x[mine] + strength * (moved[mine] - x[mine]).sum(dim=0))
    return torch.stack(vectors)


@right("2.1", "centered positions")
def dipole_of_centered_positions(charges, x, moved, batch, n_molecules, strength):
    n = torch.bincount(batch, minlength=n_molecules)[:, None]
    away = x - (sum_at(x, batch, n_molecules) / n)[batch]
    return sum_at(charges.unsqueeze(1) * away + strength * (moved - x), batch, n_molecules)


@right("2.2", "target by target")
def normalizer_by_loop(counts, targets, extensive, train):
    columns = []
    for column, grows in enumerate(extensive):
        y, w = targets[train, column], np.zeros(counts.shape[1])
        if grows:
            w = np.linalg.pinv(counts[train].astype(float)) @ y
        left = y - counts[train] @ w
        columns.append((w, np.mean(left), np.mean(np.abs(left - np.mean(left)))))
    w, mean, mad = zip(*columns, strict=True)
    return np.array(w).T, np.array(mean), np.array(mad)


@right("2.3", "a list of numbers")
def errors_as_list(predicted, true):
    return [sum(abs(p - t)) / len(p) for p, t in zip(predicted.T, true.T, strict=True)]


@right("2.4", "ones times the mean")
def probe_with_ones(metric, predicted, true, train_mean, order):
    found = {"truth": float(metric(true, true))}
    found["mean"] = float(metric(np.ones_like(true) * train_mean, true))
    found["shuffled"] = float(metric(predicted=np.take(predicted, order, axis=0), true=true))
    return found


@right("2.5", "samples first")
def fakes_samples_first(report):
    test, train = (set(report[f"{part}_molecules"].tolist()) for part in ("test", "train"))
    if test & train:
        return "copies in both parts"
    if report["val_errors"][report["epoch"]] > min(report["val_errors"]):
        return "epoch chosen on test"
    place = {number: n for n, number in enumerate(report["all_molecules"].tolist())}
    if max(place[number] for number in test | train) < len(place) / 2:
        return "first rows"
    mad = [np.abs(v - v.mean(0)).mean(0) for v in (report["predicted"], report["train_true"])]
    error, gap = abs(report["predicted"] - report["true"]), report["gap"]
    ways = {
        "honest": error.mean(0)[gap],
        "median": sorted(error[:, gap])[len(error) // 2],
        "hartree": error.mean(0)[gap] / 27.2114,
        "MAD units": (error.mean(0) / mad[1])[gap],
        "mean of all targets": (error.mean(0) / mad[1]).mean(),
        "labels never read": (mad[0] / mad[1])[gap],
    }
    return min(ways, key=lambda name: abs(ways[name] / report["claimed"] - 1))


@right("3.1", "pymatgen")
def neighbors_of_pymatgen(x, lattice, cutoff):
    from pymatgen.core import Lattice, Structure

    crystal = Structure(Lattice(lattice), ["H"] * len(x), x, coords_are_cartesian=True)
    i, j, image, _ = crystal.get_neighbor_list(cutoff, exclude_self=True)
    # pymatgen keeps sites where they are; images count from there
    return np.stack([i, j]), image


@right("3.1", "loops")
def neighbors_by_loops(x, lattice, cutoff):
    edges, images = [], []
    for image in itertools.product(range(-6, 7), repeat=3):
        there = x + np.array(image) @ lattice
        distance = np.sqrt(((there[None] - x[:, None]) ** 2).sum(-1))
        for i, j in np.argwhere((distance > 1e-8) & (distance < cutoff)):
            edges.append([i, j])
            images.append(image)
    return np.array(edges).T, np.array(images)


@right("3.2", "an array that is filled")
def filled_path(move, x, lattice, times):
    path = np.zeros((times + 1, *x.shape))
    path[0] = x
    for time in range(times):
        edge_index, image = periodic_neighbors(path[time], lattice, CUTOFF)
        path[time + 1] = move(x=path[time], edge_index=edge_index, shift=image @ lattice)
    return path
