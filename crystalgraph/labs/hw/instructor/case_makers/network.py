"""Cases of notebook 2: layers, poolings and the network, with the weights that they get."""

from __future__ import annotations

import numpy as np
from torch import nn

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.labs.hw.checks.network import ACTIVATIONS, prepare
from crystalgraph.labs.hw.instructor.case_makers.crystals import line_edges
from crystalgraph.labs.hw.instructor.reference import (
    ConvLayer,
    CrystalGraphConvNet,
    FastConvLayer,
    SharedConvLayer,
)

# ---- layers


def conv_layer(numbers: CaseNumbers) -> list[Case]:
    """Graphs and weights for the gated convolution."""
    return _layer_cases(ConvLayer, numbers)


def shared_conv_layer(numbers: CaseNumbers) -> list[Case]:
    """Graphs and weights for the shared convolution."""
    return _layer_cases(SharedConvLayer, numbers)


def fast_conv_layer(numbers: CaseNumbers) -> list[Case]:
    """Graphs and weights for the fast convolution."""
    return _layer_cases(FastConvLayer, numbers)


def _layer_cases(cls: type[nn.Module], numbers: CaseNumbers) -> list[Case]:
    rng = numbers.rng
    graph = _random_graph(rng, 11, 40) | {
        "atom_features": rng.normal(size=(11, 5)),
        "bond_features": rng.uniform(0, 1, (40, 4)),
    }
    random = graph | random_weights(rng, cls(5, 4))
    plain = graph | random_weights(rng, cls(5, 4, batch_norm=False))
    residual = not cls(5, 4).residual  # the other one than by default
    options = {"batch_norm": False, "activation": "tanh", "residual": residual}
    return [
        Case("paper", _line(numbers) | weights_of_one(cls(1, 1)), {"sizes": [1, 1]}),
        Case("random", random, {"sizes": [5, 4]}),
        Case("options", plain, {"sizes": [5, 4], "options": options}),
        Case("train", random, {"sizes": [5, 4], "train": True}),
    ]


def _line(numbers: CaseNumbers) -> Arrays:
    """Three atoms in a line with one feature each, near 0 where softplus bends.

    A bond has another feature there than back, or the two ends of an edge would be alike.
    """
    center, neighbor = line_edges(3)
    return {
        "atom_features": _line_atoms(numbers),
        "bond_features": numbers.array(0, 1, by_hand=[[1], [0.5], [1], [0.25]]),
        "center": center,
        "neighbor": neighbor,
    }


def _line_atoms(numbers: CaseNumbers) -> np.ndarray:
    return numbers.array(-1.5, 1.5, by_hand=[[1], [-2], [0]])


def _random_graph(rng: np.random.Generator, n_atoms: int, n_edges: int) -> Arrays:
    """Edges in no order, at least one of each atom."""
    extra = rng.integers(0, n_atoms, n_edges - n_atoms)
    return {
        "center": rng.permutation(np.concatenate([np.arange(n_atoms), extra])),
        "neighbor": rng.integers(0, n_atoms, n_edges),
    }


# ---- weights


def random_weights(rng: np.random.Generator, module: nn.Module) -> Arrays:
    """Numbers for all that a module keeps; scales and variances are positive."""
    weights = {}
    for name, value in module.state_dict().items():
        if not value.is_floating_point():  # number of batches that a batch norm has seen
            weights[name] = np.array(0)
        elif name.endswith("running_var") or (value.ndim == 1 and name.endswith("weight")):
            weights[name] = rng.uniform(0.6, 1.6, value.shape)
        else:
            weights[name] = rng.normal(0, 0.6, value.shape)
    return {f"weights/{name}": value for name, value in weights.items()}


def weights_of_one(module: nn.Module) -> Arrays:
    """Weights 1 and biases 0, batch norms as they are made."""
    weights = {name: value.numpy() for name, value in module.state_dict().items()}
    for name, value in weights.items():
        if value.ndim == 2:
            weights[name] = np.ones_like(value)
        elif name.endswith("bias"):
            weights[name] = np.zeros_like(value)
    return {f"weights/{name}": value for name, value in weights.items()}


# ---- poolings


def atoms_to_pool(numbers: CaseNumbers) -> list[Case]:
    """Atoms of crystals of different sizes."""
    two = numbers.array(-5, 5, by_hand=[[1, -2], [3, -4], [-1, 5], [2, 2], [5, -1]])
    two[:2, 1] = numbers.array(-4, -1, by_hand=(-2, -4))  # one crystal is negative in a column
    rng = numbers.rng
    mixed = rng.permutation(np.repeat(np.arange(4), rng.permutation([1, 3, 5, 6])))
    negative = rng.permutation(np.repeat(np.arange(3), rng.permutation([2, 4, 3])))
    return [
        _pool_case("paper", two, np.array([0, 0, 1, 1, 1])),
        _pool_case("random", rng.normal(size=(15, 4)), mixed),
        _pool_case("negative", -rng.uniform(0.5, 3, (9, 3)), negative),
        _pool_case("one", rng.normal(size=(5, 3)), np.zeros(5, dtype=int)),
    ]


def _pool_case(name: str, atoms: np.ndarray, crystal: np.ndarray) -> Case:
    settings = {"n_crystals": int(crystal.max()) + 1}
    return Case(name, {"atom_features": atoms, "crystal": crystal}, settings)


# ---- the network


def network(numbers: CaseNumbers) -> list[Case]:
    """Small networks, their convolutions and pooling exchanged for stand-ins."""
    small = {"width": 6, "head": 5}
    rng = numbers.rng
    return [
        _network_by_hand(numbers),
        _random_network(rng, "random", n_conv=3, **small),
        _random_network(rng, "deep", n_hidden=3, n_conv=2, activation="tanh", **small),
        _random_network(rng, "softmax", n_conv=2, pooling="softmax", **small),
        _random_network(rng, "classes", n_conv=1, task="classification", **small),
    ]


def _network_by_hand(numbers: CaseNumbers) -> Case:
    """No convolution; three atoms in a line, all weights 1."""
    inputs = _line(numbers) | {
        "bond_features": numbers.rng.uniform(0, 1, (4, 1)),  # looked at by convolutions only
        "crystal": np.array([0, 0, 1]),
    }
    case = Case("paper", inputs, _network_settings([1, 1], width=1, head=1, conv="none"))
    inputs |= weights_of_one(_prepared(case))
    return case


def _random_network(rng: np.random.Generator, name: str, **options: object) -> Case:
    inputs = _random_graph(rng, 7, 30) | {
        "atom_features": rng.normal(size=(7, 8)),
        "bond_features": rng.uniform(0, 1, (30, 3)),
        "crystal": np.sort(np.concatenate([[0, 1], rng.integers(0, 2, 5)])),
    }
    case = Case(name, inputs, _network_settings([8, 3], **options))
    inputs |= random_weights(rng, _prepared(case))
    return case


def _network_settings(sizes: list[int], **options: object) -> dict[str, object]:
    return {"sizes": sizes, "options": options, "n_crystals": 2, "network": True}


def _prepared(case: Case) -> nn.Module:
    """The right network with the stand-ins of a case."""
    options = dict(case.settings["options"])
    options["activation"] = ACTIVATIONS[options.get("activation", "softplus")]
    module = CrystalGraphConvNet(*case.settings["sizes"], **options)
    prepare(module, case)
    return module
