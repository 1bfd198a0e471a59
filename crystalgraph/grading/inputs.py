"""Inputs of cases: crystals, graphs, weights and batches in the forms that the checks read.

tools/make_cases.py makes the stored cases with them, crystalgraph.grading.draw those of a student.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from pymatgen.core import Lattice, Structure

from crystalgraph.checks.cases import Arrays, Case
from crystalgraph.checks.energy import ProbeModel
from crystalgraph.checks.network import ACTIVATIONS, prepare
from crystalgraph.checks.salt_to_graph import GRAPH_COLUMNS

# ---- crystals


def crystal_inputs(structure: Structure) -> Arrays:
    """A structure as arrays; salt_to_graph.structure_of reads them."""
    return {
        "lattice": structure.lattice.matrix,
        "numbers": np.array([site.specie.Z for site in structure]),
        "frac_coords": structure.frac_coords,
    }


def rock_salt(a: float, primitive: bool = False, pair: Sequence[str] = ("Na", "Cl")) -> Structure:
    """Two elements in the structure of rock salt, in the cubic cell of 8 atoms or in that of 2."""
    first = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    coords = np.concatenate([first, (first + 0.5) % 1])
    cell = Structure(Lattice.cubic(a), np.repeat(pair, 4), coords)
    return cell.get_primitive_structure() if primitive else cell


def perovskite(
    a: float, symbols: Sequence[str], cell: tuple[int, int, int] = (1, 1, 1)
) -> Structure:
    """A cubic perovskite A, B, X, X, X, repeated."""
    sites = [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    return Structure(Lattice.cubic(a), symbols, sites) * cell


def double_perovskite(a: float, symbols: Sequence[str], second: str = "W") -> Structure:
    """A2BB'X6 in a cell of 2 x 2 x 2 cubes, B and B' as in rock salt."""
    crystal = perovskite(a, symbols, (2, 2, 2))
    for number in [i for i, site in enumerate(crystal) if site.specie.symbol == symbols[1]]:
        if round(2 * crystal[number].frac_coords.sum() - 1.5) % 2:
            crystal.replace(number, second)
    return crystal


def random_structure(
    rng: np.random.Generator, symbols: Sequence[str], lattice: Lattice
) -> Structure:
    """Atoms anywhere, none nearer to another than 1.2 angstrom."""
    while True:
        crystal = Structure(lattice, symbols, rng.uniform(0, 1, (len(symbols), 3)))
        if crystal.is_valid(tol=1.2):
            return crystal


# ---- graphs


def small_graph(rng: np.random.Generator, n_atoms: int, n_edges: int) -> Arrays:
    """A crystal graph as arrays: any elements, any edges, at least one of each atom."""
    extra = rng.integers(0, n_atoms, n_edges - n_atoms)
    center = np.sort(np.concatenate([np.arange(n_atoms), extra]))
    return {
        "atomic_numbers": rng.integers(1, 90, n_atoms),
        "center": center,
        "neighbor": rng.integers(0, n_atoms, n_edges),
        "distance": rng.uniform(1.7, 4, n_edges).round(4),
        "image": rng.integers(-1, 2, (n_edges, 3)),
    }


def batch_case(name: str, graphs: Sequence[Arrays]) -> Case:
    """Crystal graphs to be batched."""
    inputs = {f"{n}/{key}": value for n, graph in enumerate(graphs) for key, value in graph.items()}
    return Case(name, inputs, {"n_graphs": len(graphs)})


def line_edges(n_atoms: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges of atoms in a line: each to the next and back."""
    forward = [(i, i + 1) for i in range(n_atoms - 1)]
    center, neighbor = np.array(sorted(forward + [(j, i) for i, j in forward])).T
    return center, neighbor


def line_graph(numbers: Sequence[int], distance: float = 2.0) -> Arrays:
    """The crystal graph of atoms in a line, all at one distance from the next."""
    center, neighbor = line_edges(len(numbers))
    image = np.zeros((len(center), 3), dtype=int)
    columns = (np.array(numbers), center, neighbor, np.full(len(center), distance), image)
    return dict(zip(GRAPH_COLUMNS, columns, strict=True))


def random_graph(rng: np.random.Generator, n_atoms: int, n_edges: int) -> Arrays:
    """Edges in no order, at least one of each atom."""
    extra = rng.integers(0, n_atoms, n_edges - n_atoms)
    return {
        "center": rng.permutation(np.concatenate([np.arange(n_atoms), extra])),
        "neighbor": rng.integers(0, n_atoms, n_edges),
    }


# ---- networks


def random_weights(rng: np.random.Generator, module: torch.nn.Module) -> Arrays:
    """Numbers for all that a module keeps; scales and variances are positive."""
    weights = {}
    for name, value in module.state_dict().items():
        if value.dtype == torch.int64:  # batches seen by a batch norm
            weights[name] = np.array(0)
        elif name.endswith("running_var") or (value.ndim == 1 and name.endswith("weight")):
            weights[name] = rng.uniform(0.6, 1.6, value.shape)
        else:
            weights[name] = rng.normal(0, 0.6, value.shape)
    return {f"weights/{name}": value for name, value in weights.items()}


def weights_of_one(module: torch.nn.Module) -> Arrays:
    """Weights 1 and biases 0, batch norms as they are made."""
    weights = {name: value.numpy() for name, value in module.state_dict().items()}
    for name, value in weights.items():
        if value.ndim == 2:
            weights[name] = np.ones_like(value)
        elif name.endswith("bias"):
            weights[name] = np.zeros_like(value)
    return {f"weights/{name}": value for name, value in weights.items()}


def pool_case(name: str, atoms: np.ndarray, crystal: np.ndarray) -> Case:
    """Atoms (N, F) of crystals (N,) to be pooled."""
    settings = {"n_crystals": int(crystal.max()) + 1}
    return Case(name, {"atom_features": atoms, "crystal": crystal}, settings)


def layer_cases(
    cls: type, rng: np.random.Generator, atoms: np.ndarray, bonds: np.ndarray
) -> list[Case]:
    """Cases of a convolution.

    Args:
        cls: of the layer.
        rng: random numbers.
        atoms: (3, 1) features of the atoms in a line that is done by hand.
        bonds: (4, 1) features of its edges.
    """
    center, neighbor = line_edges(3)
    line = {"atom_features": atoms, "bond_features": bonds, "center": center, "neighbor": neighbor}
    graph = random_graph(rng, 11, 40) | {
        "atom_features": rng.normal(size=(11, 5)),
        "bond_features": rng.uniform(0, 1, (40, 4)),
    }
    random = graph | random_weights(rng, cls(5, 4))
    residual = cls.__name__ == "SharedConvLayer"  # the other one than by default
    options = {"batch_norm": False, "activation": "tanh", "residual": residual}
    plain = graph | random_weights(rng, cls(5, 4, batch_norm=False))
    return [
        Case("paper", line | weights_of_one(cls(1, 1)), {"sizes": [1, 1]}),
        Case("random", random, {"sizes": [5, 4]}),
        Case("options", plain, {"sizes": [5, 4], "options": options}),
        Case("train", random, {"sizes": [5, 4], "train": True}),
    ]


def network_cases(cls: type, rng: np.random.Generator, atoms: np.ndarray) -> list[Case]:
    """Cases of the network.

    Args:
        cls: of the network.
        rng: random numbers.
        atoms: (3, 1) features of the atoms in a line that is done by hand.
    """
    small = {"width": 6, "head": 5}
    deep = small | {"n_hidden": 3, "n_conv": 2, "activation": "tanh"}
    classes = small | {"n_conv": 1, "task": "classification"}
    return [
        network_case(cls, rng, "paper", [1, 1], line=atoms, width=1, head=1, conv="none"),
        network_case(cls, rng, "random", [8, 3], n_conv=3, **small),
        network_case(cls, rng, "deep", [8, 3], **deep),
        network_case(cls, rng, "softmax", [8, 3], n_conv=2, pooling="softmax", **small),
        network_case(cls, rng, "classes", [8, 3], **classes),
    ]


def network_case(
    cls: type,
    rng: np.random.Generator,
    name: str,
    sizes: list[int],
    line: np.ndarray | None = None,
    **options: object,
) -> Case:
    """A small network, its convolutions and pooling exchanged for stand-ins.

    Args:
        cls: of the network.
        rng: random numbers.
        name: of the case.
        sizes: numbers of atom and bond features.
        line: features of three atoms in a line, to be done by hand with all weights 1.
        options: of the network.
    """
    by_hand = line is not None
    n_atoms, n_edges = (3, 4) if by_hand else (7, 30)
    inputs = random_graph(rng, n_atoms, n_edges) | {
        "atom_features": rng.normal(size=(n_atoms, sizes[0])),
        "bond_features": rng.uniform(0, 1, (n_edges, sizes[1])),
        "crystal": np.sort(np.concatenate([[0, 1], rng.integers(0, 2, n_atoms - 2)])),
    }
    if by_hand:
        center, neighbor = line_edges(3)
        inputs |= {"center": center, "neighbor": neighbor, "crystal": np.array([0, 0, 1])}
        inputs["atom_features"] = line
    settings = {"sizes": sizes, "options": options, "n_crystals": 2, "network": True}
    case = Case(name, inputs, settings)
    made = options | {"activation": ACTIVATIONS[options.get("activation", "softplus")]}
    module = cls(*sizes, **made)
    prepare(module, case)
    inputs |= weights_of_one(module) if by_hand else random_weights(rng, module)
    return case


# ---- energies and classes


def formation_case(
    name: str, formation: float, symbols: Sequence[str], table: dict[str, float]
) -> Case:
    """The total energy of a crystal whose formation energy per atom is given."""
    total = round(formation * len(symbols) + sum(table[symbol] for symbol in symbols), 4)
    return Case(name, {}, {"energy_total": total, "symbols": list(symbols), "references": table})


def probe_case(
    name: str,
    rng: np.random.Generator,
    crystals: list[int],
    spread: float,
    atoms: tuple[int, int] = (2, 5),
    slope: float = 1.0,
    **settings: object,
) -> Case:
    """Batches for the probe model.

    Args:
        name: of the case.
        rng: random numbers.
        crystals: number of crystals in each batch.
        spread: how far the targets lie from the predictions.
        atoms: fewest atoms in a crystal, and one more than the most.
        slope: factor on the weights; small ones make short gradients.
        settings: further ones of the case.
    """

    inputs = random_weights(rng, ProbeModel(3).double())
    for weight in ("weights/norm.weight", "weights/out.weight"):
        inputs[weight] = slope * inputs[weight]
    for number, n_crystals in enumerate(crystals):
        sizes = rng.integers(*atoms, n_crystals)
        inputs[f"{number}/crystal"] = np.repeat(np.arange(n_crystals), sizes)
        inputs[f"{number}/atom_features"] = rng.normal(size=(sizes.sum(), 3))
        inputs[f"{number}/target"] = rng.normal(0, spread, n_crystals)
    return Case(name, inputs, {"n_batches": len(crystals), **settings})


def likelihood_case(name: str, probability: np.ndarray, labels: np.ndarray) -> Case:
    """Log-probabilities of both classes from the probability of class 1."""
    values = np.log(np.stack([1 - probability, probability], axis=1))
    return Case(name, {"log_probabilities": values, "labels": labels.astype(np.int64)})


def confusion_case(name: str, counts: Sequence[Sequence[int]], rng: np.random.Generator) -> Case:
    """Crystals in any order that give these counts."""
    pairs = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], np.ravel(counts), axis=0)
    labels, predicted = rng.permutation(pairs).T
    return Case(name, {"labels": labels.copy(), "predicted": predicted.copy()})


def distance_case(name: str, structure: Structure, *elements: str) -> Case:
    """The shortest distance between sites of these elements is asked for."""
    return Case(name, crystal_inputs(structure), {"elements": list(elements)})
