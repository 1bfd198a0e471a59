"""What makes the cases of the lab, one function for each kind; a check names its own."""

from __future__ import annotations

import numpy as np

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import ON_PAPER, Arrays, Case
from crystalgraph.labs.equivariance import shaken
from crystalgraph.labs.equivariance.checks.crystals import pull
from crystalgraph.labs.equivariance.checks.own_tests import PLANTED
from crystalgraph.labs.equivariance.instructor.reference import EGCL
from crystalgraph.labs.equivariance.reports import KINDS, claim

# ---- notebook 1


def molecules_to_connect(numbers: CaseNumbers) -> list[Case]:
    """Atoms in a line, three molecules, and two molecules at one place."""
    rng = numbers.rng
    line = np.zeros((4, 3))
    line[:, 0] = numbers.choose(
        np.array([0, 1, 2.5, 1.5]),
        lambda: np.array([0, rng.uniform(0.9, 1.2), rng.uniform(2.3, 2.6), rng.uniform(1.4, 1.8)]),
    )
    sizes = rng.permutation([3, 4, 6])
    three = np.repeat(np.arange(3), sizes)
    two = np.repeat([0, 1], [4, 5])
    at_once = rng.normal(size=(9, 3))
    return [
        _to_connect(ON_PAPER, line, np.array([0, 0, 0, 1]), 1.6),
        _to_connect("molecules", 1.2 * rng.normal(size=(13, 3)) + 3 * three[:, None], three, 1.9),
        _to_connect("overlapping", at_once, two, 1.7),
    ]


def _to_connect(name: str, x: np.ndarray, batch: np.ndarray, cutoff: float) -> Case:
    return Case(name, {"x": x, "batch": batch}, {"cutoff": cutoff})


def layers(numbers: CaseNumbers) -> list[Case]:
    """Directed graphs without an edge to the last atom, and weights with which atoms move."""
    rng = numbers.rng
    directed = _graph(rng, 7, 22) | {"shift": np.zeros((22, 3))}
    shifted = _graph(rng, 5, 14) | {"shift": rng.normal(size=(14, 3))}
    return [
        Case("directed", directed | _weights(rng), {"sizes": [6, 3.0]}),
        Case("shifted", shifted | _weights(rng), {"sizes": [6, 3.0]}),
    ]


def _graph(rng: np.random.Generator, n_atoms: int, n_edges: int) -> Arrays:
    """Every atom but the last has edges, in one direction only where chance wants it so."""
    pairs = np.array([(i, j) for i in range(n_atoms - 1) for j in range(n_atoms) if i != j])
    first = [rng.choice(np.flatnonzero(pairs[:, 0] == i)) for i in range(n_atoms - 1)]
    others = rng.permutation(np.setdiff1d(np.arange(len(pairs)), first))
    chosen = rng.permutation([*first, *others[: n_edges - len(first)]])
    return {
        "h": rng.normal(size=(n_atoms, 6)),
        "x": 1.5 * rng.normal(size=(n_atoms, 3)),
        "edge_index": pairs[chosen].T,
    }


def _weights(rng: np.random.Generator) -> Arrays:
    """Random weights; those of phi_x are not small, so that atoms move by angstroms."""
    weights = {}
    for name, value in EGCL(6, 3.0).state_dict().items():
        drawn = rng.normal(0, 0.5, value.shape)
        weights[f"weights/{name}"] = value.numpy() if name.startswith("gaussians") else drawn
    return weights


def seeds(numbers: CaseNumbers) -> list[Case]:
    """Many seeds."""
    return [Case("seeds", {"seeds": numbers.rng.choice(10**6, 400, replace=False)})]


def molecule_and_layers(numbers: CaseNumbers) -> list[Case]:
    """A molecule, planted layers in random order, and the numbers in their formulas."""
    rng = numbers.rng
    molecule = _graph(rng, 8, 30)
    molecule["h"] = molecule["h"][:, :3]
    signs = rng.choice([-1, 1], (len(PLANTED), 5))
    layers = {
        "order": rng.permutation(len(PLANTED)),
        "numbers": signs * rng.uniform(0.7, 2.0, (len(PLANTED), 5)),
    }
    return [Case("molecule", molecule | layers)]


# ---- notebook 2


def charged_molecules(numbers: CaseNumbers) -> list[Case]:
    """Molecules whose atoms carry charges and were moved."""
    rng = numbers.rng
    x = numbers.array(-2, 2, by_hand=[[0, 0, 0], [1, 0, 0], [5, 5, 5]])
    charges = numbers.array(-1, 1, by_hand=[0.5, -0.1, 0.7])
    moved = x + numbers.array(-0.3, 0.3, by_hand=[[0, 0.1, 0], [0, 0.1, 0.2], [0, 0, -0.5]])
    mixed = rng.permutation(np.repeat(np.arange(3), rng.permutation([2, 4, 5])))
    some = rng.normal(size=(11, 3))
    return [
        _charged(ON_PAPER, charges, x, moved, np.array([0, 0, 1]), 2.0),
        _charged(
            "molecules", rng.normal(size=11), some, some + rng.normal(size=(11, 3)), mixed, 3.5
        ),
    ]


def _charged(
    name: str, charges: np.ndarray, x: np.ndarray, moved: np.ndarray, batch: np.ndarray, k: float
) -> Case:
    inputs = {"charges": charges, "x": x, "moved": moved, "batch": batch}
    return Case(name, inputs, {"n_molecules": int(batch.max()) + 1, "strength": k})


def molecules_with_targets(numbers: CaseNumbers) -> list[Case]:
    """Counts of elements and targets, extensive or not."""
    rng = numbers.rng
    paper = {
        "counts": np.array([[2, 0], [0, 2], [2, 1]]),  # H2, O2, water
        "targets": numbers.array(-9, 9, by_hand=[[-2.0, 3.0], [-8.0, 7.0], [-7.0, 9.0]]),
        "extensive": np.array([True, False]),
        "train": np.array([0, 1]),
    }
    counts = rng.integers(0, 7, (30, 5))
    extensive = rng.permutation([True, True, False, False])
    targets = rng.normal(size=(30, 4)) + np.where(extensive, counts @ rng.normal(size=(5, 4)), 3)
    train = np.sort(rng.permutation(30)[:20])
    random = {"counts": counts, "targets": targets, "extensive": extensive, "train": train}
    return [Case(ON_PAPER, paper), Case("random", random)]


def predictions(numbers: CaseNumbers) -> list[Case]:
    """Predictions and true values."""
    true = numbers.array(-3, 3, by_hand=[[1.0, 10.0], [2.0, 30.0]])
    predicted = true + numbers.array(-1, 1, by_hand=[[0.5, -1.0], [-0.1, 4.0]])
    rng = numbers.rng
    some = rng.normal(size=(25, 6)) * rng.uniform(0.1, 9, 6)
    guesses = some + rng.normal(size=(25, 6))
    return [
        Case(ON_PAPER, {"predicted": predicted, "true": true}),
        Case("random", {"predicted": guesses, "true": some}),
    ]


def metrics_to_probe(numbers: CaseNumbers) -> list[Case]:
    """Predictions, true values and an order for each of the planted metrics."""
    return [_to_probe(numbers.rng, metric) for metric in ("honest", "blind", "crooked")]


def _to_probe(rng: np.random.Generator, metric: str) -> Case:
    true = rng.normal(size=(12, 3)) + 2
    inputs = {
        "predicted": true + 0.3 * rng.normal(size=(12, 3)),
        "true": true,
        "train_mean": true.mean(axis=0) + 0.2 * rng.normal(size=3),
        "order": rng.permutation(12),
    }
    return Case(metric, inputs, {"metric": metric})


def reports(numbers: CaseNumbers) -> list[Case]:
    """Reports of all kinds in random order, twice."""
    return [_reports(numbers, name, early) for name, early in (("first", 0), ("second", 1))]


def _reports(numbers: CaseNumbers, name: str, early: int) -> Case:
    order = numbers.rng.permutation(len(KINDS))
    inputs: Arrays = {"kinds": order}
    for number, kind in enumerate(order):
        report = made_up_report(numbers, KINDS[int(kind)], early)
        inputs |= {f"{number}/{key}": np.asarray(value) for key, value in report.items()}
    return Case(name, inputs)


def made_up_report(numbers: CaseNumbers, kind: str, early: int) -> dict:
    """A report of a kind on 41 made-up molecules of 4 targets: an odd number has one median.

    Args:
        numbers: draws.
        kind: one of KINDS.
        early: the honest report's part that lies in the first half of the file by chance: 0 for
            training, 1 for test. With 1 its epoch is the best on test, too, and rightly chosen.
    """
    rng = numbers.rng
    gap, true, predicted, train = numbers.until(lambda: _predictions(rng), _all_differ)
    luck = early if kind == "honest" else None
    val, test, epoch = _curves(rng, kind, luck)
    return {
        "claimed": claim(kind, predicted, true, train, gap),
        "gap": gap,
        "predicted": predicted,
        "true": true,
        "train_true": train,
        "val_errors": val,
        "test_errors": test,
        "epoch": epoch,
    } | _samples(rng, kind, luck)


def _predictions(rng: np.random.Generator) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """Column of the gap, true and predicted values, and those of training."""
    gap, scale = int(rng.integers(4)), rng.uniform(0.5, 4, 4)
    true, train = (rng.normal(5, 1, (n, 4)) * scale for n in (41, 60))
    return gap, true, true + rng.normal(size=(41, 4)) * scale * rng.uniform(0.2, 0.5), train


def _all_differ(made: tuple[int, np.ndarray, np.ndarray, np.ndarray]) -> bool:
    """Whether what the kinds claim differs by 5 % at least."""
    gap, true, predicted, train = made
    claims = np.sort([claim(kind, predicted, true, train, gap) for kind in KINDS[:6]])
    return (claims[1:] / claims[:-1]).min() > 1.05


def _curves(
    rng: np.random.Generator, kind: str, luck: int | None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Errors of 12 epochs on validation and on test, and the epoch that is used."""
    val = rng.uniform(0.5, 0.9, 12)
    test = val + rng.uniform(-0.1, 0.1, 12)
    best = int(np.argmin(val))
    other = int((best + rng.integers(1, 12)) % 12)
    test[best if luck else other] = test.min() - 0.05
    return val, test, other if kind == "epoch chosen on test" else best


def _samples(rng: np.random.Generator, kind: str, luck: int | None) -> Arrays:
    """Which molecules of a file of 300 were used for training (60) and test (41)."""
    file = np.sort(rng.choice(np.arange(1, 5000), 300, replace=False))
    used = rng.permutation(file[:110] if kind == "first rows" else file)[:101]
    train, test = used[:60], used[60:]
    if luck is not None:  # one part in the first half of the file, the other all over it
        first, second = rng.permutation(file[:150]), rng.permutation(file[150:])
        mixed = rng.permutation(np.concatenate([first[:30], second[:30]]))
        train, test = (mixed, first[30:71]) if luck else (first[30:90], mixed[:41])
    if kind == "copies in both parts":
        train = rng.permutation(np.concatenate([train[:25], test[:35]]))
    return {"train_molecules": train, "test_molecules": test, "all_molecules": file}


# ---- notebook 3


def periodic_crystals(numbers: CaseNumbers) -> list[Case]:
    """A cube, a shaken crystal, and a slanted cell with atoms outside of it."""
    rng = numbers.rng
    a = numbers.number(2.6, 3.2, by_hand=3.0)
    crystal = shaken.shaken(shaken.rock_salt("Na", "F"), rng)
    slanted = np.array([[3.0, 0, 0], [1.4, 2.9, 0], [-0.8, 1.1, 3.1]]) + rng.uniform(
        -0.2, 0.2, (3, 3)
    )
    frac = np.array([[0.1, 0.1, 0.1], [1.6, -0.5, 0.4], [0.5, 0.45, -1.2]])
    places = (frac + rng.uniform(-0.04, 0.04, (3, 3))) @ slanted
    return [
        _periodic(ON_PAPER, np.zeros((1, 3)), a * np.eye(3), 3.5),
        _periodic("crystal", crystal.x, crystal.lattice, 4.0),
        _periodic("slanted", places, slanted, 4.0),
    ]


def _periodic(name: str, x: np.ndarray, lattice: np.ndarray, cutoff: float) -> Case:
    return Case(name, {"x": x, "lattice": lattice}, {"cutoff": cutoff})


def crystals_to_send_home(numbers: CaseNumbers) -> list[Case]:
    """Shaken crystals, whose neighbors are others after a move."""
    ideal = shaken.perovskite("Ca", "Ti", repeat=(1, 1, 1))
    cases = []
    for name, times in (("once", 1), ("again", 3)):
        crystal = numbers.until(lambda: shaken.shaken(ideal, numbers.rng, 0.25), _neighbors_change)
        inputs = {"x": crystal.x, "lattice": crystal.lattice}
        cases.append(Case(name, inputs, {"times": times}))
    return cases


def _neighbors_change(crystal: shaken.Crystal) -> bool:
    """Whether the first move changes who is whose neighbor."""
    edge_index, image = shaken.periodic_neighbors(crystal.x, crystal.lattice, shaken.CUTOFF)
    moved = pull(crystal.x, edge_index, image @ crystal.lattice)
    later = shaken.periodic_neighbors(moved, crystal.lattice, shaken.CUTOFF)
    return _edges(edge_index, image) != _edges(*later)


def _edges(edge_index: np.ndarray, image: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(row) for row in np.vstack([edge_index, np.transpose(image)]).T.tolist()}
