"""Wrong answers to the tasks of the lab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from crystalgraph.labs.equivariance import reports
from crystalgraph.labs.equivariance.instructor.reference import EGCL, solution
from crystalgraph.labs.equivariance.networks import sum_at
from crystalgraph.labs.equivariance.shaken import CUTOFF, periodic_neighbors
from crystalgraph.labs.known_answers import Mutant, mutants_into

MUTANTS: list[Mutant] = []
HELD_OUT: list[Mutant] = []
wrong, held_out = mutants_into(MUTANTS), mutants_into(HELD_OUT)

# ---- 1.1


def _pairs(near: torch.Tensor, batch: torch.Tensor | None, self_loops: bool = False):
    """The edges of a table of pairs; of one molecule unless batch is None."""
    if batch is not None:
        near = near & (batch[:, None] == batch[None])
    return (near if self_loops else near & ~torch.eye(len(near), dtype=torch.bool)).nonzero().T


def _apart(x):
    return (x[:, None] - x[None]).norm(dim=2)


@wrong("1.1", "self-loops")
def with_self_loops(x, batch, cutoff):
    return _pairs(_apart(x) < cutoff, batch, self_loops=True)


@wrong("1.1", "one direction")
def upper_half(x, batch, cutoff):
    return _pairs((_apart(x) < cutoff).triu(), batch)


@wrong("1.1", "other molecules")
def across_molecules(x, batch, cutoff):
    return _pairs(_apart(x) < cutoff, None)


@wrong("1.1", "far atoms")
def beyond(x, batch, cutoff):
    return _pairs(_apart(x) > cutoff, batch)


@wrong("1.1", "squared distance")
def of_squares(x, batch, cutoff):
    return _pairs(_apart(x) ** 2 < cutoff, batch)


@wrong("1.1", "L1 distance")
def city_blocks(x, batch, cutoff):
    return _pairs((x[:, None] - x[None]).abs().sum(2) < cutoff, batch)


@wrong("1.1", "counted in the molecule")
def each_from_zero(x, batch, cutoff):
    parts = [x[batch == one] for one in batch.unique()]
    return torch.cat([_pairs(_apart(part) < cutoff, None) for part in parts], 1)


@held_out("1.1", "other molecules")
def loop_without_batch(x, batch, cutoff):
    near = [(i, j) for i in range(len(x)) for j in range(len(x)) if i != j]
    return torch.tensor([(i, j) for i, j in near if (x[i] - x[j]).norm() < cutoff]).T


# ---- 1.2: the right layer with its parts exchanged


@dataclass(frozen=True)
class _Parts:
    """The layer in pieces, so that each mistake is one piece.

    Attributes:
        way: (x, i, j, shift) -> d.
        length: (d, x, i, j) -> r.
        push: (d, r, w) -> the push of an edge.
        ends: (i, j) -> the atoms whose features go to from_center and from_neighbor.
        at: (i, j) -> where is summed.
        move: (x, pushes, number of edges) -> new x.
        update: (h, phi_h of h and messages) -> new h.
    """

    way: Callable = lambda x, i, j, shift: x[i] - x[j] - shift
    length: Callable = lambda d, x, i, j: ((d * d).sum(1, keepdim=True) + 1e-8).sqrt()
    push: Callable = lambda d, r, w: d / (r + 1) * w
    ends: Callable = lambda i, j: (i, j)
    at: Callable = lambda i, j: i
    move: Callable = lambda x, pushes, n: x + pushes / n.clamp(min=1)
    messages: Callable = lambda total, n: total
    update: Callable = lambda h, new: h + new

    def forward(self, layer, h, x, edge_index, shift=None):
        """As in the right layer."""
        i, j = edge_index
        shift = torch.zeros_like(x[i]) if shift is None else shift
        d = self.way(x, i, j, shift)
        r = self.length(d, x, i, j)
        first, second = self.ends(i, j)
        ends = layer.from_center(h)[first] + layer.from_neighbor(h)[second]
        m = layer.phi_e(ends + layer.from_distance(layer.gaussians(r)))
        n = sum_at(torch.ones_like(r), i, len(x))
        at = self.at(i, j)
        moved = self.move(x, sum_at(self.push(d, r, layer.phi_x(m)), at, len(x)), n)
        total = self.messages(sum_at(m, at, len(h)), n.clamp(min=1))
        return self.update(h, layer.phi_h(torch.cat([h, total], 1))), moved


def _class(forward: Callable) -> type[nn.Module]:
    return type("EGCL", (EGCL,), {"forward": forward})


def _exchange(cause: str, into=MUTANTS, **parts: Callable) -> None:
    layer = _class(lambda self, *inputs: _Parts(**parts).forward(self, *inputs))
    into.append(Mutant("1.2", cause, lambda: layer))


def _add_in_place(x, pushes, n):
    x += pushes / n.clamp(min=1)
    return x


_exchange("never moves", move=lambda x, pushes, n: x + 0 * pushes)
_exchange("summed at j", at=lambda i, j: j)
_exchange("ends swapped", ends=lambda i, j: (j, i))
_exchange("sum for mean", move=lambda x, pushes, n: x + pushes)
_exchange("sign", move=lambda x, pushes, n: x - pushes / n.clamp(min=1))
_exchange("x_i + x_j", way=lambda x, i, j, shift: x[i] + x[j] - shift)
_exchange("dot product", length=lambda d, x, i, j: (x[i] * x[j]).sum(1, keepdim=True).abs())
_exchange("L1 distance", length=lambda d, x, i, j: d.abs().sum(1, keepdim=True))
_exchange("components", push=lambda d, r, w: d * d.new_tensor([1.0, 1.1, 0.9]) / (r + 1) * w)
_exchange("tanh", move=lambda x, pushes, n: x + torch.tanh(pushes / n.clamp(min=1)))
_exchange("centered", move=lambda x, pushes, n: (y := x + pushes / n.clamp(min=1)) - y.mean(0))
_exchange("divided by all", move=lambda x, pushes, n: x + pushes / len(x))
_exchange("in place", move=_add_in_place)
_exchange("no norm", push=lambda d, r, w: d * w)
_exchange("unit vector", push=lambda d, r, w: d / r * w)
_exchange("x replaced", move=lambda x, pushes, n: pushes / n.clamp(min=1))
_exchange("h_j forgotten", ends=lambda i, j: (i, i))
_exchange("h replaced", update=lambda h, new: new)
_exchange("mean of messages", messages=lambda total, n: total / n)
_exchange("shift forgotten", way=lambda x, i, j, shift: x[i] - x[j])
_exchange("shift sign", way=lambda x, i, j, shift: x[i] - x[j] + shift)
_exchange("squared distance", length=lambda d, x, i, j: (d * d).sum(1, keepdim=True))
_exchange("gradient not finite", length=lambda d, x, i, j: (d * d).sum(1, keepdim=True).sqrt())
_exchange("lonely atoms", move=lambda x, pushes, n: x + pushes / n)
_exchange("sign", into=HELD_OUT, way=lambda x, i, j, shift: x[j] - x[i] + shift)


@wrong("1.2", "cross product", _class)
def with_cross_product(self, h, x, edge_index, shift=None):
    new_h, moved = _Parts().forward(self, h, x, edge_index, shift)
    i, j = edge_index
    around = torch.linalg.cross(x[i] - x[j] - shift, (moved - x)[i], dim=1)
    return new_h, moved + sum_at(around, i, len(x))


@wrong("1.2", "new positions", _class)
def h_of_new_positions(self, h, x, edge_index, shift=None):
    _, moved = _Parts().forward(self, h, x, edge_index, shift)
    return _Parts().forward(self, h, moved, edge_index, shift)[0], moved


@wrong("1.2", "messages first", _class)
def messages_and_h(self, h, x, edge_index, shift=None):
    phi_h, width = self.phi_h, h.shape[1]
    exchanged = nn.Sequential(_Roll(width), phi_h)
    self.phi_h = exchanged
    result = _Parts().forward(self, h, x, edge_index, shift)
    self.phi_h = phi_h
    return result


@wrong("1.2", "edges counted at j", _class)
def divided_at_the_neighbor(self, h, x, edge_index, shift=None):
    n = sum_at(torch.ones_like(x[edge_index[1], :1]), edge_index[1], len(x)).clamp(min=1)
    parts = _Parts(move=lambda x, pushes, _: x + pushes / n)
    return parts.forward(self, h, x, edge_index, shift)


@wrong("1.2", "new features", _class)
def pushes_of_new_features(self, h, x, edge_index, shift=None):
    new_h, _ = _Parts().forward(self, h, x, edge_index, shift)
    return new_h, _Parts().forward(self, new_h, x, edge_index, shift)[1]


@wrong("1.2", "shift in the distance only", _class)
def direction_without_shift(self, h, x, edge_index, shift=None):
    i, j = edge_index
    parts = _Parts(push=lambda d, r, w: (x[i] - x[j]) / (r + 1) * w)
    return parts.forward(self, h, x, edge_index, shift)


@wrong("1.2", "one push kept", _class)
def assigned(self, h, x, edge_index, shift=None):
    i, pushes = edge_index[0], []
    parts = _Parts(push=lambda d, r, w: pushes.append(d / (r + 1) * w) or pushes[0])
    new_h, _ = parts.forward(self, h, x, edge_index, shift)
    n = sum_at(torch.ones_like(pushes[0][:, :1]), i, len(x)).clamp(min=1)
    moved = x.clone()
    moved[i] += pushes[0] / n[i]
    return new_h, moved


@wrong("1.2", "gradient lost", _class)
def cut_off(self, h, x, edge_index, shift=None):
    new_h, moved = _Parts().forward(self, h, x, edge_index, shift)
    return new_h.detach(), moved.detach()


@held_out("1.2", "never moves", _class)
def hands_x_on(self, h, x, edge_index, shift=None):
    return _Parts().forward(self, h, x, edge_index, shift)[0], x.clone()


class _Roll(nn.Module):
    """The two halves of the columns, exchanged."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, both: torch.Tensor) -> torch.Tensor:
        """The second half first."""
        return both.roll(self.width, 1)


# ---- 1.3


_right_matrix = solution("1.3")


@wrong("1.3", "not orthogonal")
def only_normal(seed, reflect):
    return np.random.default_rng(seed).normal(size=(3, 3))


@wrong("1.3", "no reflection")
def never_mirrors(seed, reflect):
    return _right_matrix(seed, False)


@wrong("1.3", "reflects")
def whatever_comes(seed, reflect):
    q = _right_matrix(seed, seed % 2 == 0)
    return -q if reflect and np.linalg.det(q) > 0 else q


@wrong("1.3", "seed not used")
def of_no_seed(seed, reflect):
    return _right_matrix(int(np.random.default_rng().integers(10**9)), reflect)


@wrong("1.3", "always the same")
def of_one_seed(seed, reflect):
    return _right_matrix(0, reflect)


@wrong("1.3", "not every direction")
def around_z(seed, reflect):
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, -1 if reflect else 1]])


@wrong("1.3", "not every direction")
def of_positive_numbers(seed, reflect):
    q, r = np.linalg.qr(np.random.default_rng(seed).uniform(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q)) * (-1 if reflect else 1)


@wrong("1.3", "one sign")
def plain_qr(seed, reflect):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q[:, 2] *= np.sign(np.linalg.det(q)) * (-1 if reflect else 1)
    return q


# ---- 1.4: the right test with one mistake


def _test(
    rotation: np.ndarray | None = None,
    reflection: np.ndarray | None = None,
    atol: float = 1e-10,
    turn_back: bool = True,
    look_at: tuple[int, ...] = (0, 1),
    relabel: bool = True,
    size: Callable = torch.abs,
) -> Callable:
    def check_symmetries(layer, h, x, edge_index):
        def same(result, expected):
            return all(bool(size(result[k] - expected[k]).max() <= atol) for k in look_at)

        new = layer(h, x, edge_index)
        q = torch.tensor(_right_matrix(5, False) if rotation is None else rotation)
        p = torch.tensor(_right_matrix(5, True) if reflection is None else reflection)
        order = torch.randperm(len(x))
        places = torch.argsort(order)[edge_index] if relabel else edge_index
        step = torch.tensor([2.0, 1.0, -1.0])
        turned = [(new[0], new[1] @ m.T if turn_back else new[1]) for m in (q, p)]
        return {
            "rotation": same(layer(h, x @ q.T, edge_index), turned[0]),
            "reflection": same(layer(h, x @ p.T, edge_index), turned[1]),
            "translation": same(layer(h, x + step, edge_index), (new[0], new[1] + step)),
            "permutation": same(layer(h[order], x[order], places), [one[order] for one in new]),
            "moves": bool((new[1] - x).abs().max() > 1e-10),
        }

    return check_symmetries


def _wrong_test(cause: str, **mistake: Any) -> None:
    MUTANTS.append(Mutant("1.4", cause, lambda: _test(**mistake)))


_QUARTER = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])
_AROUND_Z = np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]])

_wrong_test("x not turned back", turn_back=False)
_wrong_test("h not compared", look_at=(1,))
_wrong_test("x not compared", look_at=(0,))
_wrong_test("exact comparison", atol=0.0)
_wrong_test("too tolerant", atol=1e-3)
_wrong_test("one axis", rotation=_AROUND_Z)
_wrong_test("quarter turn", rotation=_QUARTER)
_wrong_test("rotation for reflection", reflection=_right_matrix(6, False))
_wrong_test("edges not relabeled", relabel=False)


_wrong_test("differences with a sign", size=torch.Tensor.clone)


@wrong("1.4", "distances only")
def compares_distances(layer, h, x, edge_index):
    def inside(h, x, edge_index):
        new_h, new_x = layer(h, x, edge_index)
        return new_h, torch.cdist(new_x, new_x)

    (new_h, apart), same = inside(h, x, edge_index), {}
    for key, reflect in (("rotation", False), ("reflection", True)):
        turned = inside(h, x @ torch.tensor(_right_matrix(5, reflect)).T, edge_index)
        same[key] = torch.allclose(turned[0], new_h) and torch.allclose(turned[1], apart)
    return _test()(layer, h, x, edge_index) | same


@wrong("1.4", "moves not tested")
def never_asks_whether_it_moves(layer, h, x, edge_index):
    return _test()(layer, h, x, edge_index) | {"moves": True}


@wrong("1.4", "always true")
def says_yes(layer, h, x, edge_index):
    return dict.fromkeys(("rotation", "reflection", "translation", "permutation", "moves"), True)


@held_out("1.4", "rotation for reflection")
def turns_upside_down(layer, h, x, edge_index):
    return _test(reflection=np.diag([1.0, -1, -1]))(layer, h, x, edge_index)


# ---- 2.1


def _dipole(q, x, moved, batch, n, strength, of=None, mean=None, sign=1):
    q = q[:, None]
    if mean is None:
        mean = (sum_at(q, batch, n) / sum_at(torch.ones_like(q), batch, n))[batch]
    return sum_at((q - mean) * (x if of is None else of), batch, n) + sign * strength * sum_at(
        moved - x, batch, n
    )


@wrong("2.1", "not centered")
def charges_as_they_are(charges, x, moved, batch, n_molecules, strength):
    return _dipole(charges, x, moved, batch, n_molecules, strength, mean=0)


@wrong("2.1", "centered on the batch")
def mean_of_all(charges, x, moved, batch, n_molecules, strength):
    return _dipole(charges, x, moved, batch, n_molecules, strength, mean=charges.mean())


@wrong("2.1", "moves forgotten")
def without_moves(charges, x, moved, batch, n_molecules, strength):
    return _dipole(charges, x, moved, batch, n_molecules, 0.0)


@wrong("2.1", "strength forgotten")
def strength_of_one(charges, x, moved, batch, n_molecules, strength):
    return _dipole(charges, x, moved, batch, n_molecules, 1.0)


@wrong("2.1", "moved positions")
def at_new_places(charges, x, moved, batch, n_molecules, strength):
    return _dipole(charges, x, moved, batch, n_molecules, strength, of=moved)


@wrong("2.1", "sign of the moves")
def backwards(charges, x, moved, batch, n_molecules, strength):
    return _dipole(charges, x, moved, batch, n_molecules, strength, sign=-1)


@wrong("2.1", "mean over atoms")
def averaged(charges, x, moved, batch, n_molecules, strength):
    atoms = torch.bincount(batch, minlength=n_molecules)[:, None]
    return _dipole(charges, x, moved, batch, n_molecules, strength) / atoms


@wrong("2.1", "length")
def its_length(charges, x, moved, batch, n_molecules, strength):
    return _dipole(charges, x, moved, batch, n_molecules, strength).norm(dim=1)


@wrong("2.1", "strength of all")
def all_times_strength(charges, x, moved, batch, n_molecules, strength):
    return strength * _dipole(charges, x, moved, batch, n_molecules, 1.0)


# ---- 2.2


def _normalizer(counts, targets, extensive, train, spread="left", all_rows=False):
    rows = np.arange(len(counts)) if all_rows else train
    counts, targets = counts[rows], targets[rows]
    references = np.zeros((counts.shape[1], targets.shape[1]))
    references[:, extensive] = np.linalg.lstsq(counts, targets[:, extensive], rcond=None)[0]
    left = targets - counts @ references
    mean = left.mean(axis=0)
    spreads = {
        "left": reports.deviation(left),
        "raw": reports.deviation(targets),
        "zero": np.abs(left).mean(axis=0),
        "std": left.std(axis=0),
    }
    return references, mean, spreads[spread]


@wrong("2.2", "test included")
def of_all_rows(counts, targets, extensive, train):
    return _normalizer(counts, targets, extensive, train, all_rows=True)


@wrong("2.2", "references for all")
def all_extensive(counts, targets, extensive, train):
    return _normalizer(counts, targets, np.ones_like(extensive), train)


@wrong("2.2", "no references")
def none_extensive(counts, targets, extensive, train):
    return _normalizer(counts, targets, np.zeros_like(extensive), train)


@wrong("2.2", "standard deviation")
def with_std(counts, targets, extensive, train):
    return _normalizer(counts, targets, extensive, train, "std")


@wrong("2.2", "mad before references")
def of_raw_targets(counts, targets, extensive, train):
    return _normalizer(counts, targets, extensive, train, "raw")


@wrong("2.2", "mad around 0")
def around_zero(counts, targets, extensive, train):
    return _normalizer(counts, targets, extensive, train, "zero")


@wrong("2.2", "constant in the fit")
def with_a_constant(counts, targets, extensive, train):
    more = np.c_[counts, np.ones(len(counts))]
    references = _normalizer(more, targets, extensive, train)[0][:-1]
    left = (targets - counts @ references)[train]
    return references, left.mean(axis=0), reports.deviation(left)


@wrong("2.2", "mean before references")
def mean_of_raw_targets(counts, targets, extensive, train):
    references, _, mad = _normalizer(counts, targets, extensive, train)
    return references, targets[train].mean(axis=0), mad


@wrong("2.2", "median")
def middle_for_mean(counts, targets, extensive, train):
    references, *_ = _normalizer(counts, targets, extensive, train)
    left = (targets - counts @ references)[train]
    middle = np.median(left, axis=0)
    return references, middle, np.abs(left - middle).mean(axis=0)


@wrong("2.2", "in place")
def into_the_targets(counts, targets, extensive, train):
    result = _normalizer(counts, targets, extensive, train)
    targets -= counts @ result[0]
    return result


# ---- 2.3


@wrong("2.3", "squared")
def mse(predicted, true):
    return ((predicted - true) ** 2).mean(axis=0)


@wrong("2.3", "root of squares")
def rmse(predicted, true):
    return np.sqrt(mse(predicted, true))


@wrong("2.3", "median")
def median(predicted, true):
    return np.median(np.abs(predicted - true), axis=0)


@wrong("2.3", "mean over targets")
def one_number(predicted, true):
    return np.abs(predicted - true).mean()


@wrong("2.3", "signed")
def signed(predicted, true):
    return (predicted - true).mean(axis=0)


@wrong("2.3", "sum")
def added_up(predicted, true):
    return np.abs(predicted - true).sum(axis=0)


@wrong("2.3", "per molecule")
def of_each_molecule(predicted, true):
    return np.abs(predicted - true).mean(axis=1)


@wrong("2.3", "relative")
def by_size(predicted, true):
    return (np.abs(predicted - true) / np.abs(true)).mean(axis=0)


# ---- 2.4


def _probe(metric, predicted, true, train_mean, order, **changed):
    mean = np.tile(train_mean, (len(true), 1))
    asked = {"truth": (true, true), "shuffled": (predicted[order], true), "mean": (mean, true)}
    return {key: metric(*arrays) for key, arrays in (asked | changed).items()}


@wrong("2.4", "predictions for truth")
def asks_predictions(metric, predicted, true, train_mean, order):
    return _probe(metric, predicted, true, train_mean, order, truth=(predicted, true))


@wrong("2.4", "not shuffled")
def in_order(metric, predicted, true, train_mean, order):
    return _probe(metric, predicted, true, train_mean, order, shuffled=(predicted, true))


@wrong("2.4", "truth shuffled too")
def both_shuffled(metric, predicted, true, train_mean, order):
    both = predicted[order], true[order]
    return _probe(metric, predicted, true, train_mean, order, shuffled=both)


@wrong("2.4", "mean of the predictions")
def own_mean(metric, predicted, true, train_mean, order):
    mean = np.tile(predicted.mean(axis=0), (len(true), 1))
    return _probe(metric, predicted, true, train_mean, order, mean=(mean, true))


@wrong("2.4", "truth shuffled")
def labels_mixed(metric, predicted, true, train_mean, order):
    mixed = predicted, true[order]
    return _probe(metric, predicted, true, train_mean, order, shuffled=mixed)


@wrong("2.4", "arguments exchanged")
def truth_first(metric, predicted, true, train_mean, order):
    return _probe(lambda a, b: metric(b, a), predicted, true, train_mean, order)


@wrong("2.4", "in place")
def mixed_for_good(metric, predicted, true, train_mean, order):
    result = _probe(metric, predicted, true, train_mean, order)
    predicted[:] = predicted[order]
    return result


# ---- 2.5


def _detector(blind_to: tuple[str, ...] = (), **changed: Callable) -> Callable:
    """The right detector on a changed report; what it is blind to it calls honest."""

    def name_the_fake(report):
        altered = report | {key: change(report) for key, change in changed.items()}
        said = solution("2.5")(altered)
        return reports.HONEST if said in blind_to else said

    return name_the_fake


def _by_hand(**changed: Any) -> Callable:
    """The detector of the table, one step after the other, with one of them changed."""

    def name_the_fake(report, rtol=1e-6, spread=reports.deviation, parts=("train", "test")):
        gap, errors = report["gap"], np.abs(report["predicted"] - report["true"])
        ratios = errors.mean(axis=0) / spread(report["train_true"])
        numbers = {
            "labels never read": (spread(report["predicted"]) / spread(report["train_true"]))[gap],
            "MAD units": ratios[gap],
            "mean of all targets": ratios.mean(),
            "hartree": errors[:, gap].mean() / reports.HARTREE,
            "median": np.median(errors[:, gap]),
        }
        for name, number in numbers.items():
            if np.isclose(report["claimed"], number, rtol=rtol):
                return name
        if np.isin(report["test_molecules"], report["train_molecules"]).any():
            return "copies in both parts"
        if changed.get("epoch", lambda r: r["epoch"] != np.argmin(r["val_errors"]))(report):
            return "epoch chosen on test"
        later = report["all_molecules"][len(report["all_molecules"]) // 2 :]
        used = np.concatenate([report[f"{part}_molecules"] for part in parts])
        return "honest" if np.isin(used, later).any() else "first rows"

    options = {key: value for key, value in changed.items() if key != "epoch"}
    return lambda report: name_the_fake(report, **options)


_SAMPLES = ("copies in both parts", "epoch chosen on test", "first rows")

for _cause, _mutant in {
    "all honest": _detector(reports.KINDS),
    "samples not looked at": _detector(_SAMPLES),
    "copies not looked at": _detector(_SAMPLES[:1]),
    "epoch not looked at": _detector(_SAMPLES[1:2]),
    "file not looked at": _detector(_SAMPLES[2:]),
    "another spread": _detector(train_true=lambda report: report["true"]),
    "gap only": _detector(("mean of all targets",)),
    "too tolerant": _by_hand(rtol=0.1),
    "test samples only": _by_hand(parts=("test",)),
    "training samples only": _by_hand(parts=("train",)),
    "best on test": _by_hand(epoch=lambda r: r["epoch"] == np.argmin(r["test_errors"])),
}.items():
    MUTANTS.append(Mutant("2.5", _cause, lambda answer=_mutant: answer))

HELD_OUT.append(
    Mutant("2.5", "another spread", lambda: _by_hand(spread=lambda values: values.std(axis=0)))
)

# ---- 3.1


@wrong("3.1", "image sign")
def other_side(x, lattice, cutoff):
    edge_index, image = periodic_neighbors(x, lattice, cutoff)
    return edge_index, -image


@wrong("3.1", "nearest image only")
def one_image(x, lattice, cutoff):
    (i, j), image = periodic_neighbors(x, lattice, cutoff)
    distance = np.linalg.norm(x[j] + image @ lattice - x[i], axis=1)
    order = np.lexsort((distance, j, i))
    _, first = np.unique(np.stack([i, j])[:, order], axis=1, return_index=True)
    return np.stack([i, j])[:, order[first]], image[order[first]]


@wrong("3.1", "no own images")
def others_only(x, lattice, cutoff):
    edge_index, image = periodic_neighbors(x, lattice, cutoff)
    other = edge_index[0] != edge_index[1]
    return edge_index[:, other], image[other]


@wrong("3.1", "itself")
def with_itself(x, lattice, cutoff):
    edge_index, image = periodic_neighbors(x, lattice, cutoff)
    own = np.tile(np.arange(len(x)), (2, 1))
    return np.concatenate([edge_index, own], 1), np.concatenate([image, np.zeros((len(x), 3))])


@wrong("3.1", "too few images")
def around_the_cell(x, lattice, cutoff):
    edge_index, image = periodic_neighbors(x, lattice, cutoff)
    near = np.abs(image).max(axis=1) <= 1
    return edge_index[:, near], image[near]


@wrong("3.1", "lattice transposed")
def columns_for_rows(x, lattice, cutoff):
    return periodic_neighbors(x, lattice.T, cutoff)


@wrong("3.1", "one direction")
def half_of_them(x, lattice, cutoff):
    edge_index, image = periodic_neighbors(x, lattice, cutoff)
    first = [next((k > 0 for k in n if k), False) for n in image.tolist()]
    keep = (edge_index[0] < edge_index[1]) | ((edge_index[0] == edge_index[1]) & np.array(first))
    return edge_index[:, keep], image[keep]


@wrong("3.1", "shift for image")
def in_angstrom(x, lattice, cutoff):
    edge_index, image = periodic_neighbors(x, lattice, cutoff)
    return edge_index, image @ lattice


@wrong("3.1", "wrapped")
def all_in_the_cell(x, lattice, cutoff):
    frac = x @ np.linalg.inv(lattice)
    return periodic_neighbors((frac - np.floor(frac)) @ lattice, lattice, cutoff)


@held_out("3.1", "image sign")
def ends_exchanged(x, lattice, cutoff):
    edge_index, image = periodic_neighbors(x, lattice, cutoff)
    return edge_index[::-1], image


# ---- 3.2


@wrong("3.2", "old neighbors")
def neighbors_once(move, x, lattice, times):
    edge_index, image = periodic_neighbors(x, lattice, CUTOFF)
    path = [x]
    for _ in range(times):
        path.append(move(path[-1], edge_index, image @ lattice))
    return np.array(path)


@wrong("3.2", "image for shift")
def images_as_they_are(move, x, lattice, times):
    path = [x]
    for _ in range(times):
        path.append(move(path[-1], *periodic_neighbors(path[-1], lattice, CUTOFF)))
    return np.array(path)


@wrong("3.2", "from the start")
def always_the_first(move, x, lattice, times):
    edge_index, image = periodic_neighbors(x, lattice, CUTOFF)
    return np.array([x] + [move(x, edge_index, image @ lattice) for _ in range(times)])


def _path(move, x, lattice, times, step):
    path = [x]
    for _ in range(times):
        edge_index, image = periodic_neighbors(path[-1], lattice, CUTOFF)
        path.append(step(move, path[-1], edge_index, image @ lattice))
    return np.array(path)


@wrong("3.2", "moves added")
def on_top(move, x, lattice, times):
    return _path(move, x, lattice, times, lambda move, x, e, shift: x + move(x, e, shift))


@wrong("3.2", "shift sign")
def other_way(move, x, lattice, times):
    return _path(move, x, lattice, times, lambda move, x, e, shift: move(x, e, -shift))
