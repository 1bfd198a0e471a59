"""What the checks are tried on, one function for each kind of case; a check names its own."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Element, Lattice, Structure

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import ON_PAPER, Case

# ---- 1.1

METALS = ("Sr", "Ba", "K", "Rb", "Cs", "La")
SMALL = ("Ti", "Zr", "Nb", "Hf", "Sn", "Sc")
ANIONS = ("O", "F", "S", "Cl")


def _crystal(name: str, structure: Structure, k: int) -> Case:
    inputs = {
        "lattice": structure.lattice.matrix,
        "numbers": np.array(structure.atomic_numbers),
        "frac_coords": structure.frac_coords,
    }
    return Case(name, inputs, {"k": k, "radius": 8.0})


def _salt(numbers: CaseNumbers) -> Case:
    """Two atoms: all neighbors of an atom's own kind are its own images."""
    pair = numbers.pick(("Na", "K", "Li", "Rb"), ("Na",)) + numbers.pick(("Cl", "Br", "F"), ("Cl",))
    edge = numbers.number(5.2, 6.4, by_hand=5.64)
    cell = Lattice(edge / 2 * (1 - np.eye(3)))
    return _crystal("salt", Structure(cell, pair, [[0] * 3, [0.5] * 3]), 12)


def _perovskite(numbers: CaseNumbers) -> Case:
    """The twelfth neighbor of X is one of several at the same distance."""
    symbols = numbers.pick(METALS, ("Sr",)) + numbers.pick(SMALL, ("Ti",))
    symbols += numbers.pick(ANIONS, ("O",)) * 3
    coords = np.array([[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    order = numbers.choose(np.arange(5), lambda: numbers.rng.permutation(5))
    cell = Lattice.cubic(numbers.number(3.8, 4.3, by_hand=3.9))
    return _crystal("perovskite", Structure(cell, [symbols[i] for i in order], coords[order]), 12)


def _any(numbers: CaseNumbers) -> Case:
    """Atoms at drawn places, not too near to each other."""
    rng = numbers.rng

    def draw() -> Structure:
        cell = Lattice.from_parameters(*rng.uniform(4.5, 7, 3), *rng.uniform(70, 110, 3))
        symbols = [str(Element.from_Z(int(z))) for z in rng.integers(3, 50, 6)]
        return Structure(cell, symbols, rng.random((6, 3)))

    return _crystal("any", numbers.until(draw, lambda one: one.is_valid(1.2)), 8)


def crystals_for_graphs(numbers: CaseNumbers) -> list[Case]:
    """A salt, a perovskite, and atoms without any order."""
    return [_salt(numbers), _perovskite(numbers), _any(numbers)]


# ---- 1.2


def edges_with_weights(numbers: CaseNumbers) -> list[Case]:
    """Edges and a linear layer: one edge for paper, and seven."""
    paper = {
        "x_i": numbers.array(-2, 2, by_hand=[[1]]),
        "x_j": numbers.array(-2, 2, by_hand=[[2]]),
        "edge_attr": numbers.array(0, 1, by_hand=[[0.5]]),
        "weight": numbers.array(-1, 1, by_hand=[[1, 0, -2], [0, 1, 2]]),
        "bias": numbers.array(-0.5, 0.5, by_hand=[0, -1]),
    }
    rng = numbers.rng
    sizes = {"x_i": (7, 3), "x_j": (7, 3), "edge_attr": (7, 4), "weight": (6, 10), "bias": (6,)}
    many = {name: rng.normal(size=size) for name, size in sizes.items()}
    return [Case(ON_PAPER, paper), Case("edges", many)]


# ---- 1.3


def settings_of_steps(numbers: CaseNumbers) -> list[Case]:
    """Settings of a step, and the same with a value, a name or a last digit changed."""
    k = numbers.whole(4, 30, by_hand=12)
    radius = round(numbers.number(5, 9, by_hand=8.0), 6)
    flat = {"step": "graphs", "k": k, "radius": radius}
    bonds = {"width": 0.2, "kind": numbers.pick(("bessel", "gauss", "one-hot"), ("gauss",))[0]}
    nested = {"step": "graphs", "k": k, "bonds": bonds}
    digit = radius + 1e-6
    first = {
        "value changed": flat | {"k": k + 1},
        "name changed": {"step": "graphs", "n": k, "radius": radius},
        "digit changed": flat | {"radius": digit},
    }
    second = {
        "value changed": nested | {"bonds": bonds | {"width": 0.25}},
        "name changed": nested | {"bonds": {"breadth": 0.2, "kind": bonds["kind"]}},
        "digit changed": nested | {"bonds": bonds | {"width": 0.2 + 1e-7}},
    }
    before = f"structures-{numbers.whole(0, 10_000, by_hand=1)}"
    return [
        Case(name, {}, {"settings": settings, "before": before, **changed})
        for name, settings, changed in (("flat", flat, first), ("nested", nested, second))
    ]


# ---- 1.4


def crystals_with_errors(numbers: CaseNumbers) -> list[Case]:
    """Three crystals for paper, and twenty of eight elements."""
    rng = numbers.rng
    few = [[11, 17], [19, 17], [11, 11, 16]]
    pool = np.array(numbers.distinct(3, 80, by_hand=(3, 8, 12, 16, 22, 30, 38, 56)))
    many = [rng.choice(rng.permutation(pool)[: rng.integers(2, 5)], 10) for _ in range(20)]
    signs = np.array([1, -1, 1])  # of the two chlorides, so that a sign that is kept shows
    errors = signs * numbers.array(0.1, 1, by_hand=[0.1, 0.3, 0.5]), rng.normal(0.05, 0.3, 20)
    return [
        Case(
            name,
            {
                "numbers": np.concatenate(crystals).astype(int),
                "n_atoms": np.array([len(one) for one in crystals]),
                "error": error,
            },
        )
        for name, crystals, error in zip((ON_PAPER, "many"), (few, many), errors, strict=True)
    ]


# ---- 1.5


def learning_curves(numbers: CaseNumbers) -> list[Case]:
    """Two points for paper; power laws with noise."""
    rng = numbers.rng
    error = numbers.number(0.1, 0.4, by_hand=0.2)
    paper = {"sizes": np.array([100.0, 400.0]), "errors": np.array([error, error / 2])}

    def noisy(sizes: np.ndarray) -> dict[str, np.ndarray]:
        errors = rng.uniform(1, 4) * sizes ** -rng.uniform(0.3, 0.9)
        return {"sizes": sizes, "errors": errors * np.exp(rng.normal(0, 0.1, len(sizes)))}

    unequal = np.sort(rng.permutation(np.arange(20, 900))[:6]).astype(float)
    return [
        Case(ON_PAPER, paper),
        Case("curve", noisy(25.0 * 2 ** np.arange(7))),
        Case("unequal", noisy(unequal)),
    ]


# ---- 1.6


def errors_with_bars(numbers: CaseNumbers) -> list[Case]:
    """Four crystals for paper; two hundred whose error bars are too short."""
    rng = numbers.rng
    scale = numbers.number(0.5, 2, by_hand=1)
    paper = {
        "error": scale * np.array([1.0, -1.0, 3.0, -5.0]),
        "spread": scale * np.array([2.0, 0.5, 2.0, 2.0]),
    }
    spread = rng.lognormal(-2, 0.8, 200)
    return [
        Case(ON_PAPER, paper),
        Case("many", {"error": 1.7 * spread * rng.normal(size=200), "spread": spread}),
    ]


# ---- 1.7


def formulas_to_split(numbers: CaseNumbers) -> list[Case]:
    """Formulas with two crystals each, and with one to twelve in any order, most with few."""
    rng = numbers.rng
    pairs = np.repeat(rng.permutation(900)[:30], 2)
    sizes = np.where(rng.random(50) < 0.2, rng.integers(6, 13, 50), rng.integers(1, 3, 50))
    mixed = rng.permutation(np.repeat(rng.permutation(900)[:50], sizes))
    seeds = numbers.distinct(0, 10_000, by_hand=(0, 1))
    return [
        Case(name, {"group": groups}, {"seed": seed})
        for name, groups, seed in zip(("pairs", "mixed"), (pairs, mixed), seeds, strict=True)
    ]


# ---- 1.9


def crystals_to_train_on(numbers: CaseNumbers) -> list[Case]:
    """A target that is easy to learn, with noise, so that the last epoch is not the best one.

    The last column is not known of every third crystal, and says nothing of the target.
    """
    rng = numbers.rng
    n, n_inputs = 73, 5
    inputs = rng.normal(size=(n, n_inputs))
    slope = rng.choice([-1.0, 1.0], n_inputs) * rng.uniform(0.5, 1.5, n_inputs)
    targets = inputs @ slope + 0.3 * np.sin(3 * inputs[:, 0]) - 2
    order = rng.permutation(n)
    rumor = np.where(rng.random(n) < 1 / 3, np.nan, 0.3 * rng.normal(size=n))
    arrays = {
        "inputs": np.column_stack([inputs, rumor]),
        "targets": targets + 0.3 * rng.normal(size=n),
        "train": order[:49],
        "val": order[49:61],
        "test": order[61:],
    }
    return [Case("odd", arrays, {"seed": numbers.whole(0, 1000, by_hand=0)})]
