"""Write the stored cases of the checks: inputs, right outputs, outputs of known mistakes.

    python tools/make_cases.py            # crystalgraph/checks/cases and tests/hidden_cases

Right outputs come from model.py and from the solution cells of the notebooks in solutions/hw, wrong
ones from tests/mutants/. The same seed gives the same files; tests/test_cases.py compares them.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from pymatgen.core import Lattice, Structure

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "tests")]

from crystalgraph.checks import TASKS, all_checks  # noqa: E402
from crystalgraph.checks.cases import FOLDER, Case, save_cases  # noqa: E402
from crystalgraph.checks.compare import all_same  # noqa: E402
from crystalgraph.checks.exam import Check  # noqa: E402
from crystalgraph.checks.guard import double_precision, quiet_stderr  # noqa: E402
from crystalgraph.checks.salt_to_graph import GRAPH_COLUMNS  # noqa: E402
from crystalgraph.checks.tasks import MODEL_FILE, task_table  # noqa: E402
from crystalgraph.notebooks import load_functions  # noqa: E402

SEED, HIDDEN_SEED = 11, 2024
HIDDEN_FOLDER = REPO / "tests" / "hidden_cases"
NO_CASES = ("2.6", "2.7")  # their checks plant models instead

# ---- notebook 1


def _crystal_inputs(structure: Structure) -> dict[str, np.ndarray]:
    return {
        "lattice": structure.lattice.matrix,
        "numbers": np.array([site.specie.Z for site in structure]),
        "frac_coords": structure.frac_coords,
    }


def _rocksalt(a: float, primitive: bool = False) -> Structure:
    cell = Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), ["Na", "Cl"], [[0] * 3, [0.5] * 3])
    return cell.get_primitive_structure() if primitive else cell


def _perovskite(a: float, symbols: list[str], cell=(1, 1, 1)) -> Structure:
    sites = [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    crystal = Structure(Lattice.cubic(a), symbols, sites) * cell
    return crystal


def _distorted(rng: np.random.Generator, symbols: list[str], lattice: Lattice) -> Structure:
    while True:
        crystal = Structure(lattice, symbols, rng.uniform(0, 1, (len(symbols), 3)))
        if crystal.is_valid(tol=1.2):
            return crystal


def _vector_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    double = _perovskite(3.9, ["Ba", "Ti", "O", "O", "O"], (1, 1, 2))
    double.replace(2 if hidden else 3, "Zr")
    mixed = _distorted(rng, ["O", "Sr", "O", "Nb", "Li", "O"], Lattice.orthorhombic(4, 5, 6))
    mixed_inputs = _crystal_inputs(mixed)
    table_numbers = np.array([3, 8, 38, 41])
    table = {"table_numbers": table_numbers, "table": rng.normal(size=(4, 7)).round(3)}
    return [
        Case("rock_salt", _crystal_inputs(_rocksalt(5.6))),
        Case("perovskite", _crystal_inputs(double)),
        Case("other_table", mixed_inputs | table),
    ]


def _neighbor_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    cubic = _perovskite(3.905 + 0.1 * hidden, ["Sr", "Ti", "O", "O", "O"])
    # A rock salt pressed along one axis: the 12th neighbor is one of 8, and 4 are 0.004 A further.
    near = _rocksalt(5.64)
    near.lattice = Lattice.tetragonal(5.64, 5.6288 - 0.001 * hidden)
    sparse = Structure(Lattice.cubic(6.0), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    symbols = ["Sr", "Ti", "O", "O", "O", "F"]
    odd = _distorted(rng, symbols, Lattice.from_parameters(4.4, 5, 5.6, 85, 95, 103))
    few = {"arguments": {"k": 12, "radius": 5.5, "tolerance": 0.01}}
    other = {"arguments": {"k": 5, "radius": 4.5, "tolerance": 0.2}}
    return [
        Case("rock_salt", _crystal_inputs(_rocksalt(5.64 + 0.2 * hidden, primitive=True))),
        Case("perovskite", _crystal_inputs(cubic)),
        Case("near_tie", _crystal_inputs(near)),
        Case("sparse", _crystal_inputs(sparse), few),
        Case("arguments", _crystal_inputs(odd), other),
    ]


def _expansion_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    by_hand = {"distance": np.array([1.0, 2.0, 3.0]), "centers": np.array([1.0, 2.0])}
    course = {"distance": rng.uniform(1.5, 7.5, 8), "centers": np.arange(41) * 0.2}
    wide = {"distance": rng.uniform(0, 5, 5), "centers": rng.uniform(0, 5, 6)}
    return [
        Case("paper", by_hand, {"width": 0.5}),
        Case("course", course, {"width": 0.2}),
        Case("wide", wide, {"width": 0.7}),
    ]


def _small_graph(rng: np.random.Generator, n_atoms: int, n_edges: int) -> dict[str, np.ndarray]:
    extra = rng.integers(0, n_atoms, n_edges - n_atoms)
    center = np.sort(np.concatenate([np.arange(n_atoms), extra]))
    return {
        "atomic_numbers": rng.integers(1, 90, n_atoms),
        "center": center,
        "neighbor": rng.integers(0, n_atoms, n_edges),
        "distance": rng.uniform(1.7, 4, n_edges).round(4),
        "image": rng.integers(-1, 2, (n_edges, 3)),
    }


def _batch_case(name: str, graphs: list[dict[str, np.ndarray]]) -> Case:
    inputs = {f"{n}/{key}": value for n, graph in enumerate(graphs) for key, value in graph.items()}
    return Case(name, inputs, {"n_graphs": len(graphs)})


def _line(n_atoms: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges of atoms in a line: each to the next and back."""
    forward = [(i, i + 1) for i in range(n_atoms - 1)]
    center, neighbor = np.array(sorted(forward + [(j, i) for i, j in forward])).T
    return center, neighbor


def _line_graph(numbers: list[int]) -> dict[str, np.ndarray]:
    center, neighbor = _line(len(numbers))
    distance = np.full(len(center), 2.0)
    image = np.zeros((len(center), 3), dtype=int)
    columns = (np.array(numbers), center, neighbor, distance, image)
    return dict(zip(GRAPH_COLUMNS, columns, strict=True))


def _batch_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    same = _small_graph(rng, 3, 5)
    return [
        _batch_case("paper", [_line_graph([11, 17]), _line_graph([8, 22, 8])]),
        _batch_case("three", [_small_graph(rng, *size) for size in ((4, 9), (2, 5), (5, 11))]),
        _batch_case("one", [_small_graph(rng, 3, 7)]),
        _batch_case("equal", [same, same, same]),
    ]


# ---- model_hw.py


def _random_graph(rng: np.random.Generator, n_atoms: int, n_edges: int) -> dict[str, np.ndarray]:
    extra = rng.integers(0, n_atoms, n_edges - n_atoms)
    return {
        "center": rng.permutation(np.concatenate([np.arange(n_atoms), extra])),
        "neighbor": rng.integers(0, n_atoms, n_edges),
    }


def _weights(rng: np.random.Generator, module: torch.nn.Module) -> dict[str, np.ndarray]:
    weights = {}
    for name, value in module.state_dict().items():
        if value.dtype == torch.int64:  # batches seen by a batch norm
            weights[name] = np.array(0)
        elif name.endswith("running_var") or (value.ndim == 1 and name.endswith("weight")):
            weights[name] = rng.uniform(0.6, 1.6, value.shape)
        else:
            weights[name] = rng.normal(0, 0.6, value.shape)
    return {f"weights/{name}": value for name, value in weights.items()}


def _ones(module: torch.nn.Module) -> dict[str, np.ndarray]:
    """Weights 1 and biases 0, batch norms as they are made."""
    weights = {name: value.numpy() for name, value in module.state_dict().items()}
    for name, value in weights.items():
        if value.ndim == 2:
            weights[name] = np.ones_like(value)
        elif name.endswith("bias"):
            weights[name] = np.zeros_like(value)
    return {f"weights/{name}": value for name, value in weights.items()}


def _layer_cases(cls: type, rng: np.random.Generator, hidden: bool) -> list[Case]:
    center, neighbor = _line(3)
    line = {
        "atom_features": np.array([[1.0], [2.0], [4.0]]),
        "bond_features": np.array([[0.5], [0.5], [0.25], [0.25]]),
        "center": center,
        "neighbor": neighbor,
    }
    graph = _random_graph(rng, 11, 40) | {
        "atom_features": rng.normal(size=(11, 5)),
        "bond_features": rng.uniform(0, 1, (40, 4)),
    }
    random = graph | _weights(rng, cls(5, 4))
    residual = cls.__name__ == "SharedConvLayer"  # the other one than by default
    options = {"batch_norm": False, "activation": "tanh", "residual": residual}
    plain = graph | _weights(rng, cls(5, 4, batch_norm=False))
    return [
        Case("paper", line | _ones(cls(1, 1)), {"sizes": [1, 1]}),
        Case("random", random, {"sizes": [5, 4]}),
        Case("options", plain, {"sizes": [5, 4], "options": options}),
        Case("train", random, {"sizes": [5, 4], "train": True}),
    ]


def _pool_case(name: str, atoms: np.ndarray, crystal: np.ndarray) -> Case:
    settings = {"n_crystals": int(crystal.max()) + 1}
    return Case(name, {"atom_features": atoms, "crystal": crystal}, settings)


def _pool_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    two = np.array([[1.0, -2.0], [3.0, -4.0], [-1.0, 5.0], [2.0, 2.0], [5.0, -1.0]])
    sizes = rng.permutation([1, 3, 5, 6])
    mixed = rng.permutation(np.repeat(np.arange(4), sizes))
    negative = rng.permutation(np.repeat(np.arange(3), [2, 4, 3]))
    return [
        _pool_case("paper", two, np.array([0, 0, 1, 1, 1])),
        _pool_case("random", rng.normal(size=(15, 4)), mixed),
        _pool_case("negative", -rng.uniform(0.5, 3, (9, 3)), negative),
        _pool_case("one", rng.normal(size=(5, 3)), np.zeros(5, dtype=int)),
    ]


def _network_case(
    cls: type, rng: np.random.Generator, name: str, sizes: list[int], ones: bool = False, **options
) -> Case:
    from crystalgraph.checks.network import ACTIVATIONS, prepare

    n_atoms, n_edges = (3, 4) if ones else (7, 30)
    inputs = _random_graph(rng, n_atoms, n_edges) | {
        "atom_features": rng.normal(size=(n_atoms, sizes[0])),
        "bond_features": rng.uniform(0, 1, (n_edges, sizes[1])),
        "crystal": np.sort(np.concatenate([[0, 1], rng.integers(0, 2, n_atoms - 2)])),
    }
    if ones:
        center, neighbor = _line(3)
        inputs |= {"center": center, "neighbor": neighbor, "crystal": np.array([0, 0, 1])}
        inputs["atom_features"] = np.array([[1.0], [2.0], [4.0]])
    settings = {"sizes": sizes, "options": options, "n_crystals": 2, "network": True}
    case = Case(name, inputs, settings)
    made = dict(options)
    made["activation"] = ACTIVATIONS[made.get("activation", "softplus")]
    module = cls(*sizes, **made)
    prepare(module, case)
    inputs |= _ones(module) if ones else _weights(rng, module)
    return case


def _network_cases(cls: type, rng: np.random.Generator, hidden: bool) -> list[Case]:
    small = {"width": 6, "head": 5}
    deep = small | {"n_hidden": 3, "n_conv": 2, "activation": "tanh"}
    classes = small | {"n_conv": 1, "task": "classification"}
    return [
        _network_case(cls, rng, "paper", [1, 1], ones=True, width=1, head=1, conv="none"),
        _network_case(cls, rng, "random", [8, 3], n_conv=3, **small),
        _network_case(cls, rng, "deep", [8, 3], **deep),
        _network_case(cls, rng, "softmax", [8, 3], n_conv=2, pooling="softmax", **small),
        _network_case(cls, rng, "classes", [8, 3], **classes),
    ]


# ---- notebook 3


def _formation_case(name: str, formation: float, symbols: list[str], table: dict) -> Case:
    total = round(formation * len(symbols) + sum(table[symbol] for symbol in symbols), 4)
    return Case(name, {}, {"energy_total": total, "symbols": symbols, "references": table})


def _formation_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    names = ["Sr", "Ti", "O", "Ba", "Zr", "Si"]
    table = {name: round(rng.uniform(-9, -1), 3) for name in names}
    by_hand = {"Na": -1.0, "Cl": -2.0}
    double = ["Ba", "Ba", "Ti", "Zr"] + ["O"] * 6
    return [
        _formation_case("paper", -1.5, ["Na", "Cl"], by_hand),
        _formation_case("perovskite", -3.2, ["Sr", "Ti", "O", "O", "O"], table),
        _formation_case("double", -2.9, double, table),
        _formation_case("element", 0.0, ["Si"] * 4, table),
    ]


def _fraction_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    elements = ["Ba", "F", "O", "Sr", "Ti", "Zr"]
    order = list(rng.permutation(elements)) if hidden else elements

    def case(name: str, *sites: str, known: Iterable[str] = order) -> Case:
        return Case(name, {}, {"sites": list(sites), "elements": [str(e) for e in known]})

    return [
        case("paper", "Sr", "Ti", "O", known=["O", "Sr", "Ti"]),
        case("double", "Ba", "Ti", "Zr", "F"),
        case("twice", "Sr", "Zr", "Zr", "O"),
    ]


def _normalizer_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    four = {"targets": np.array([1.0, 2.0, 6.0, 100.0]), "train_index": np.array([0, 1, 2])}
    train = rng.permutation(30)[:20]
    return [
        Case("paper", four),
        Case("random", {"targets": rng.normal(-2, 1.3, 30), "train_index": train}),
    ]


def _probe_case(
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
    from crystalgraph.checks.energy import ProbeModel

    inputs = _weights(rng, ProbeModel(3).double())
    for weight in ("weights/norm.weight", "weights/out.weight"):
        inputs[weight] = slope * inputs[weight]
    for number, n_crystals in enumerate(crystals):
        sizes = rng.integers(*atoms, n_crystals)
        inputs[f"{number}/crystal"] = np.repeat(np.arange(n_crystals), sizes)
        inputs[f"{number}/atom_features"] = rng.normal(size=(sizes.sum(), 3))
        inputs[f"{number}/target"] = rng.normal(0, spread, n_crystals)
    return Case(name, inputs, {"n_batches": len(crystals), **settings})


def _step_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    short = {"atoms": (1, 2), "slope": 0.1, "learning_rate": 0.01}
    return [
        _probe_case("paper", rng, [3], 1.0, learning_rate=0.1),
        _probe_case("steep", rng, [4, 3, 4], 8.0, learning_rate=0.3),
        _probe_case("gentle", rng, [6, 4, 5], 1.0, **short),
    ]


def _error_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    scale = {"mean": -2.25, "std": 1.5}
    return [
        _probe_case("paper", rng, [3], 3.0, train=False, **scale),
        _probe_case("training", rng, [3, 3], 3.0, train=True, **scale),
        _probe_case("evaluating", rng, [4, 4], 3.0, train=False, **scale),
        _probe_case("uneven", rng, [5, 1], 3.0, train=False, **scale),
    ]


# ---- notebook 4


def _score_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    large = [[1000.0, -1000], [-1000, 1000], [1000, 998.5], [-999, -1000], [3, 500]]
    large += [[700.0, 1.5]] * hidden
    return [
        Case("paper", {"scores": np.array([[0, 0], [np.log(3), 0], [0, np.log(3)]])}),
        Case("random", {"scores": rng.normal(0, 1, (7, 2))}),
        Case("large", {"scores": np.array(large)}),
    ]


def _likelihood_case(name: str, probability: np.ndarray, labels: np.ndarray) -> Case:
    values = np.log(np.stack([1 - probability, probability], axis=1))
    return Case(name, {"log_probabilities": values, "labels": labels.astype(np.int64)})


def _likelihood_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    certain = np.array([[-1e-9, -800], [-700.0, 0], [-50, -1e-12], [-2.5 - hidden, -0.1]])
    labels = np.array([0, 0, 1, 1])
    many = rng.permutation(np.repeat([0, 1], [9, 5]))
    return [
        _likelihood_case("paper", np.array([0.5, 0.75, 0.75]), np.array([0, 1, 0])),
        _likelihood_case("random", rng.uniform(0.02, 0.98, 14), many),
        Case("certain", {"log_probabilities": certain, "labels": labels}),
    ]


def _confusion_case(name: str, counts: list[list[int]], rng: np.random.Generator) -> Case:
    """Crystals in any order that give these counts."""
    pairs = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], np.ravel(counts), axis=0)
    labels, predicted = rng.permutation(pairs).T
    return Case(name, {"labels": labels.copy(), "predicted": predicted.copy()})


def _confusion_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    random = rng.permutation(np.arange(5, 30))[:4].reshape(2, 2)
    return [
        _confusion_case("paper", [[3, 2], [1, 4]], rng),
        _confusion_case("random", random, rng),
        _confusion_case("all_predicted", [[0, 4 + hidden], [0, 6]], rng),
        _confusion_case("all_true", [[0, 0], [0, 5 + hidden]], rng),
    ]


def _matrix_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    random = rng.permutation(np.arange(5, 40))[:4].reshape(2, 2)
    matrices = {
        "paper": [[50, 10], [20, 20]],
        "random": random,
        "perfect": [[8 + hidden, 0], [0, 5]],
        "none_predicted": [[7, 0], [3 + hidden, 0]],
        "none_true": [[4, 2 + hidden], [0, 0]],
    }
    return [Case(name, {"confusion": np.array(matrix)}) for name, matrix in matrices.items()]


def _auc_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    def case(name: str, n_others: int, n_perovskites: int, digits: int = 8) -> Case:
        labels = rng.permutation(np.repeat([0, 1], [n_others, n_perovskites]))
        scores = rng.normal(1.1 * labels, 1.0).round(digits)
        return Case(name, {"labels": labels, "scores": scores})

    by_hand = {
        "labels": np.array([1, 0, 1, 0, 0]),
        "scores": np.array([0.9, 0.8, 0.7, 0.3, 0.2]),
    }
    constant = {"labels": np.array([0, 1, 1, 0, 1]), "scores": np.full(5, 0.25 + 0.5 * hidden)}
    return [
        Case("paper", by_hand),
        case("random", 14, 18),
        case("rare", 25, 4),
        case("ties", 15, 12, digits=0),
        Case("constant", constant),
    ]


def _distance_case(name: str, structure: Structure, *elements: str) -> Case:
    return Case(name, _crystal_inputs(structure), {"elements": list(elements)})


def _double_perovskite(a: float, symbols: list[str]) -> Structure:
    """A2BB'X6 in a cell of 2 x 2 x 2 cubes, B and B' as in rock salt."""
    crystal = _perovskite(a, symbols, (2, 2, 2))
    for number in [i for i, site in enumerate(crystal) if site.specie.symbol == symbols[1]]:
        if round(2 * crystal[number].frac_coords.sum() - 1.5) % 2:
            crystal.replace(number, "W")
    return crystal


def _distance_cases(rng: np.random.Generator, hidden: bool) -> list[Case]:
    titanate = ["Sr", "Ti", "O", "O", "O"]
    oblong = _perovskite(4.0, titanate)
    oblong.lattice = Lattice.orthorhombic(4.4, 3.7 + 0.1 * hidden, 5.2)
    chain = Structure(
        Lattice.orthorhombic(5.1, 9.0, 8.5 + hidden),
        ["Ti", "Ti", "Mn", "O", "C", "O"],
        [
            [0.5, 0.1, 0.1],
            [0.5, 0.4, 0.1],
            [0.2, 0.6, 0.6],
            *[[0.1, y, 0.1] for y in (0.25, 0.7, 0.83)],
        ],
    )
    skewed = Structure(
        Lattice.from_parameters(6.0, 6.4, 7.1 + 0.2 * hidden, 75, 110, 120),
        ["Nb", "Nb", "Li", "O", "O"],
        [[0.04, 0.5, 0.95], [0.93, 0.45, 0.06], [0.5, 0.1, 0.5], [0.3, 0.5, 0.2], [0.1, 0.6, 0.1]],
    )
    return [
        _distance_case("paper", _perovskite(3.9, titanate), "Ti"),
        _distance_case("one_site", oblong, "Ti"),
        _distance_case(
            "two_elements", _double_perovskite(3.95 + 0.1 * hidden, ["Ba", "Mg", *"OOO"]), "Mg", "W"
        ),
        _distance_case("like", chain, "Mn", "Ti"),
        _distance_case("skewed", skewed, "Nb"),
    ]


# ---- all together


def all_inputs(seed: int, hidden: bool, model: ModuleType) -> dict[str, list[Case]]:
    """Inputs of all cases by task; hidden ones leave out those that are done by hand."""

    def layer(cls: type):
        return lambda rng, hidden: _layer_cases(cls, rng, hidden)

    makers = {
        "1.1": _vector_cases,
        "1.2": _neighbor_cases,
        "1.3": _expansion_cases,
        "1.4": _batch_cases,
        "2.1": layer(model.ConvLayer),
        "2.2": layer(model.SharedConvLayer),
        "2.3": _pool_cases,
        "2.4": _pool_cases,
        "2.5": lambda rng, hidden: _network_cases(model.CrystalGraphConvNet, rng, hidden),
        "2.8": layer(model.FastConvLayer),
        "3.1": _formation_cases,
        "3.2": _fraction_cases,
        "3.3": _normalizer_cases,
        "3.4": _step_cases,
        "3.5": _error_cases,
        "4.1": _score_cases,
        "4.2": _likelihood_cases,
        "4.3": _confusion_cases,
        "4.4": _matrix_cases,
        "4.5": _auc_cases,
        "4.6": _distance_cases,
    }
    cases = {}
    for number, (task, make) in enumerate(makers.items()):
        made = make(np.random.default_rng([seed, number]), hidden)
        cases[task] = [case for case in made if not (hidden and case.name == "paper")]
    return cases


def load_model(path: Path) -> ModuleType:
    """model.py as a module."""
    spec = importlib.util.spec_from_file_location("model", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["model"] = module
    spec.loader.exec_module(module)
    return module


def solutions(model: ModuleType) -> dict[str, object]:
    """The right answer of every task: classes of model.py, functions of the notebooks."""
    sources = load_functions(REPO / "solutions" / "hw", model)
    names = {task.id: task.object_name for task in TASKS.values()}
    return {
        task.id: getattr(model, names[task.id])
        if task.where == MODEL_FILE
        else sources[names[task.id]]
        for task in TASKS.values()
    }


def fill(check: Check, case: Case, solution: object, wrong: dict[str, object]) -> None:
    """Run the solution and the known mistakes on one case and keep what they give."""
    case.expected.update(check.run(solution, case))
    for name, answer in wrong.items():
        try:
            outputs = check.run(answer, case)
        except Exception:  # an answer that raises here is explained by its error
            continue
        if not all_same(outputs, case.expected):
            case.wrong[name] = outputs


def make(seed: int, folder: Path, hidden: bool) -> None:
    """Write all cases of one seed into a folder."""
    from mutants import stored_mutants

    model = load_model(REPO / "model.py")
    checks, right = all_checks(), solutions(model)
    with quiet_stderr(), double_precision():
        for task, cases in all_inputs(seed, hidden, model).items():
            wrong = {mutant.cause: mutant.make() for mutant in stored_mutants(task)}
            for case in cases:
                fill(checks[task], case, right[task], wrong)
            save_cases(task, cases, folder)


def main() -> None:
    """Write visible and hidden cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for the visible cases")
    parser.add_argument("--hidden-folder", type=Path, default=HIDDEN_FOLDER)
    args = parser.parse_args()
    make(SEED, args.folder, hidden=False)
    make(HIDDEN_SEED, args.hidden_folder, hidden=True)
    (REPO / "docs").mkdir(exist_ok=True)
    (REPO / "docs" / "tasks.md").write_text(task_table(), encoding="utf-8")


if __name__ == "__main__":
    main()
