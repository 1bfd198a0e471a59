"""Checks of the network: layers, poolings, the forward pass, and the student's own tests."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, ModuleForm, stored
from crystalgraph.checking.compare import as_tensor, close, shapes
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault, explain
from crystalgraph.checking.gradients import gradient_is_the_slope, gradients_of
from crystalgraph.checking.quiet import default_dtype
from crystalgraph.labs.hw.advice import MISTAKES

LAYER_INPUTS = ("atom_features", "bond_features", "center", "neighbor")
POOL_INPUTS = ("atom_features", "crystal", "n_crystals")
ACTIVATIONS = {"softplus": softplus, "tanh": torch.tanh, "relu": torch.relu}

# ---- tensors in and out


def tensors_of(case: Case, names: tuple[str, ...]) -> list:
    """The inputs of a case as tensors; n_crystals stays an int."""
    values = [case.inputs.get(name) for name in names]
    return [
        case.settings["n_crystals"] if value is None else torch.from_numpy(value.copy())
        for value in values
    ]


def call(function: Callable, inputs: list, names: tuple[str, ...]) -> Tensor:
    """Call the student's code and make sure that it left its inputs as they were.

    Raises:
        Fault: an input was changed, or the result is no tensor of the right dtype.
    """
    before = [value.clone() if isinstance(value, Tensor) else value for value in inputs]
    result = as_tensor(function(*inputs), "The result")
    for name, old, new in zip(names, before, inputs, strict=True):
        if isinstance(old, Tensor) and not torch.equal(old, new):
            raise Fault(
                f"Your code changes its input `{name}` in place: use index_add instead of "
                "index_add_ on it, `x = x + y` instead of `x += y`.",
                "in place",
            )
    if result.dtype != inputs[0].dtype:
        raise Fault(
            f"The result is {result.dtype}, the input was {inputs[0].dtype}: make new tensors "
            "with `atom_features.new_zeros(...)` and do not convert.",
            "dtype",
        )
    return result


def keeps_single_precision(exam: Exam, run: Callable, inputs: list, names: tuple[str, ...]) -> None:
    """Raise Fault unless it works in float32 too, whatever torch makes new tensors of.

    Where torch's default is float64, features and new tensors of another dtype meet in an error,
    and what is divided by a new tensor may come out in float64. Where the default is float32, as in
    training, float32 in has to give float32 out.

    Args:
        exam: whose advice is given.
        run: computes the result; in float64 it does so without an error.
        inputs: in float64.
        names: of the inputs.
    """
    single = [x.float() if isinstance(x, Tensor) and x.is_floating_point() else x for x in inputs]
    try:
        results = [run(*single)]
        with default_dtype(torch.float32):
            results.append(call(run, single, names))
    except Exception as error:
        if getattr(error, "cause", "") != "dtype" and "type" not in str(error):
            raise
        said = "With inputs in float64 it works, with the same ones in float32 it does not."
        message = f"Likely mistake: {exam.check.advice_on('dtype')}\n{said}"
        raise Fault(message, "dtype", explain(error, exam.task.name).line) from None
    close(*results)  # refuses what is no number


def _shapes(names: tuple[str, ...]) -> Callable[[Case], str]:
    return lambda case: shapes(
        {name: case.inputs.get(name, case.settings.get(name)) for name in names}
    )


def build(cls: type, case: Case) -> nn.Module:
    """Make the student's module and give it the weights of a case, in float64 unless it is single.

    Raises:
        Fault: its parameters are not those of the file handed out.
    """
    options = dict(case.settings.get("options", {}))
    if "activation" in options:
        options["activation"] = ACTIVATIONS[options["activation"]]
    module = cls(*case.settings["sizes"], **options).double()
    weights = {name: torch.from_numpy(value) for name, value in case.group("weights").items()}
    try:
        prepare(module, case)
        module.load_state_dict(weights)
    except (RuntimeError, AttributeError):
        raise Fault(
            f"The layers made in {cls.__name__}.__init__ are not the ones handed out; put __init__ "
            "back as it was (`crystalgraph lab` has a fresh model_hw.py) and change forward only.",
            "init changed",
        ) from None
    module = module.float() if case.settings.get("single") else module
    return module.train(case.settings.get("train", False))


def settings_of(sizes: tuple, options: dict, module: nn.Module) -> dict:
    """Settings of a case of which `build` makes the same module again."""
    named = {function: name for name, function in ACTIVATIONS.items()}
    if "activation" in options:
        options = options | {"activation": named[options["activation"]]}
    single = any(weight.dtype == torch.float32 for weight in module.parameters())
    known = {"sizes": list(sizes), "options": options, "train": module.training}
    return known | {"network": is_prepared(module), "single": single}


MODULE = ModuleForm(build, settings_of)

# ---- 2.1, 2.2, 2.8 layers


def _run_layer(cls: type, case: Case) -> Arrays:
    layer = build(cls, case)
    result = call(layer, tensors_of(case, LAYER_INPUTS), LAYER_INPUTS)
    outputs = {"result": result.detach().numpy()}
    if case.settings.get("train"):
        for name, value in layer.state_dict().items():
            if "running" in name:
                outputs[f"{name} after a training pass"] = value.numpy()
    return outputs


def _layer_and_inputs(exam: Exam) -> tuple[nn.Module, list[Tensor]]:
    case = exam.named("random")[0]
    return build(exam.answer, case), tensors_of(case, LAYER_INPUTS)


def _apart(first: Tensor, second: Tensor) -> bool:
    return not close(first, second, rtol=1e-9, atol=1e-11)


def _relabeled_atoms(exam: Exam) -> None:
    layer, (atoms, bonds, center, neighbor) = _layer_and_inputs(exam)
    result = call(layer, [atoms, bonds, center, neighbor], LAYER_INPUTS)
    order = torch.randperm(len(atoms))
    label = torch.argsort(order)
    shuffled = layer(atoms[order], bonds, label[center], label[neighbor])
    if _apart(shuffled, result[order]):
        raise Fault(
            "Atoms listed in another order should give the same rows in that order, and do not.",
            "atom order",
            guess="Something in your code depends on where an atom stands.",
        )
    edges = torch.randperm(len(center))
    if _apart(layer(atoms, bonds[edges], center[edges], neighbor[edges]), result):
        raise Fault(
            "Edges listed in another order should change nothing, and do.",
            "edge order",
            guess="Add up the edges of a center with index_add; `message[center] = ...` or "
            "`+= ...` keeps one edge only.",
        )


def _depends_on_its_inputs(exam: Exam) -> None:
    """A constant layer passes every test of invariance, so its sensitivity is tested too."""
    layer, (atoms, bonds, center, neighbor) = _layer_and_inputs(exam)
    result = layer(atoms, bonds, center, neighbor)
    trials = {
        "atom_features": (atoms * 1.1, bonds, center, neighbor),
        "bond_features": (atoms, bonds * 1.1, center, neighbor),
        "center": (atoms, bonds, center.roll(1), neighbor),
        "neighbor": (atoms, bonds, center, neighbor.roll(1)),
    }
    for name, inputs in trials.items():
        if not _apart(layer(*inputs), result):
            raise Fault(
                f"The result stays the same when `{name}` changes: it is not used.", "ignores input"
            )


def _neighbors_in_other_crystals(exam: Exam) -> None:
    layer, (atoms, bonds, center, neighbor) = _layer_and_inputs(exam)
    alone = layer(atoms, bonds, center, neighbor)
    both = layer(
        torch.cat([atoms, 2 - atoms]),
        torch.cat([bonds, bonds.flip(0)]),
        torch.cat([center, center + len(atoms)]),
        torch.cat([neighbor, neighbor + len(atoms)]),
    )
    if _apart(both[: len(atoms)], alone):
        raise Fault(
            "In eval mode a crystal's atoms change when another crystal joins the batch.",
            "batch mates",
            guess="Sum over the edges of each center, not over all edges.",
        )


def gradients_arrive(
    module: nn.Module, run: Callable[[], Tensor], leaves: Sequence[Tensor] = ()
) -> None:
    """Raise Fault unless the result's gradient reaches every parameter, and is its slope there.

    Args:
        module: with parameters.
        run: computes the result.
        leaves: what else it depends on, for a module without parameters.
    """
    names, parameters = zip(*module.named_parameters(), strict=True) if not leaves else ((), ())
    gradients = gradients_of(run(), leaves or parameters)
    pairs = zip(names, gradients, strict=False)
    missing = [name for name, gradient in pairs if gradient is None or not gradient.any()]
    if missing:
        raise Fault(
            f"No gradient reaches {', '.join(missing)}.",
            "no gradient",
            guess="Is that part used, without .detach()?",
        )
    gradient_is_the_slope(run, leaves or parameters)


def _layer_gradients(exam: Exam) -> None:
    layer, inputs = _layer_and_inputs(exam)
    gradients_arrive(layer, lambda: layer(*inputs))


def _supercell(exam: Exam) -> None:
    """Every atom twice, each edge to one of the two copies: the same crystal in a larger cell."""
    layer, (atoms, bonds, center, neighbor) = _layer_and_inputs(exam)
    n_atoms, n_edges = len(atoms), len(center)
    crossing = torch.arange(n_edges) % 2 * n_atoms
    both = layer(
        atoms.repeat(2, 1),
        bonds.repeat(2, 1),
        torch.cat([center, center + n_atoms]),
        torch.cat([neighbor + crossing, neighbor + n_atoms - crossing]),
    )
    if _apart(both, layer(atoms, bonds, center, neighbor).repeat(2, 1)):
        raise Fault("The atoms of a supercell are not updated like those of the cell.", "supercell")


def _layer_properties(exam: Exam) -> None:
    exam.run(exam.named("random")[0])
    for test in (
        _relabeled_atoms,
        _neighbors_in_other_crystals,
        _supercell,
        _depends_on_its_inputs,
        _layer_gradients,
    ):
        test(exam)


def multiplications(function: Callable[[], object]) -> int:
    """How many multiplications the matrix products of a function do: no clock, so no luck."""
    products = ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm")
    with torch.no_grad(), torch.autograd.profiler.profile(record_shapes=True) as profile:
        function()
    count = 0
    for event in profile.function_events or ():  # pyright: ignore[reportOptionalMemberAccess]
        if event.name.removesuffix("_") in products:  # addmm_ is addmm in place
            left, right = [shape for shape in event.input_shapes if len(shape) > 1][-2:]
            count += math.prod(left) * right[-1]
    return count


def fewer_than(atoms: Tensor, bonds: Tensor) -> float:
    """Multiplications halfway between those of FastConvLayer and of ConvLayer.

    Args:
        atoms: (N, F) atom features.
        bonds: (E, K) bond features.
    """
    (n_atoms, n_atom), (n_edges, n_bond) = atoms.shape, bonds.shape
    per_edge = n_edges * (2 * n_atom + n_bond) * 2 * n_atom
    split = (n_edges * n_bond + 2 * n_atoms * n_atom) * 2 * n_atom
    return (split + per_edge) / 2


def not_faster() -> Fault:
    """What is said of a FastConvLayer that does the work of ConvLayer."""
    return Fault(
        "The numbers are right, but as many multiplications are done as in ConvLayer: multiply "
        "the atom features by their two blocks of the weight once per atom, and pick the "
        "products per edge afterwards ([center], [neighbor]).",
        "not faster",
    )


def _fewer_multiplications(exam: Exam) -> None:
    layer, (atoms, *edges) = _layer_and_inputs(exam)
    many = [column.repeat(6, *[1] * (column.ndim - 1)) for column in edges]
    if not multiplications(lambda: layer(atoms, *many)) < fewer_than(atoms, many[0]):
        raise not_faster()


_LAYER_CASES = {
    "paper": "three atoms in a line, one feature each, all weights 1",
    "random": "11 atoms, 40 edges in no order, random weights, eval mode",
    "options": "the same without batch norms, with tanh as activation and another residual",
    "train": "the same in training mode, where batch norms use the batch's own mean",
}
_LAYER_AXES = {"result": ("atom", "feature")}


def _layer_check(
    task: str,
    case_maker: str,
    points: tuple[float, float, float, float, float],
    expected: str,
    *more: CheckStep,
    graded_form: str = "",
) -> Check:
    paper, properties, random, options, train = points
    steps = (
        stored("three atoms in a line", paper, "paper", paper=True),
        CheckStep(
            "atom and edge order, batch mates, supercell, gradients", properties, _layer_properties
        ),
        stored("random weights", random, "random"),
        stored("options of the layer", options, "options"),
        stored("training mode", train, "train"),
        *more,
    )
    return Check(
        task,
        _run_layer,
        steps,
        expected,
        _LAYER_CASES,
        _LAYER_AXES,
        _shapes(LAYER_INPUTS),
        advice=MISTAKES[task],
        case_maker=case_maker,
        graded_form=graded_form,
        module=MODULE,
    )


_GATED = (
    "g(residual * v + BN2(sum over the edges of each center of sigmoid(f) * g(c))), f and c the "
    "first and second half of BN1(fc_full(v_center, v_neighbor, u)), g the layer's activation."
)
_CONV = _layer_check("2.1", "conv_layer", (3, 2, 3, 1, 1), _GATED)
_SHARED = _layer_check(
    "2.2",
    "shared_conv_layer",
    (2, 1, 2, 0.5, 0.5),
    "g(residual * v + BN(fc_neighbors(sum over the edges of each center of (v_neighbor, u)) "
    "+ fc_self(v))), g the layer's activation.",
)
_FAST = _layer_check(
    "2.8",
    "fast_conv_layer",
    (0.5, 0.5, 0.5, 0.5, 0.5),
    "exactly what ConvLayer gives.",
    CheckStep("atom products once per atom", 1.5, _fewer_multiplications),
    graded_form="timed_layer",
)

# ---- 2.3, 2.4 poolings


def _run_pool(answer: Callable, case: Case) -> Arrays:
    result = call(answer, tensors_of(case, POOL_INPUTS), POOL_INPUTS)
    return {"result": result.detach().numpy()}


def _pool_properties(exam: Exam) -> None:
    atoms, crystal, n_crystals = tensors_of(exam.named("random")[0], POOL_INPUTS)
    result = call(exam.answer, [atoms, crystal, n_crystals], POOL_INPUTS)
    order = torch.randperm(len(atoms))
    if _apart(exam.answer(atoms[order], crystal[order], n_crystals), result):
        raise Fault(
            "Atoms listed in another order change the result.",
            "atom order",
            guess="Those of one crystal need not stand together in the list.",
        )
    if _apart(exam.answer(atoms.repeat(2, 1), crystal.repeat(2), n_crystals), result):
        raise Fault(
            "A supercell, with every atom twice, gives another result: it is the same crystal.",
            "supercell",
        )
    mine = crystal == 1
    alone = exam.answer(atoms[mine], torch.zeros_like(crystal[mine]), 1)
    if _apart(alone, result[1:2]):
        raise Fault(
            "A crystal alone gives another result than in a batch.",
            "batch mates",
            guess="Keep crystals apart.",
        )
    if not _apart(exam.answer(atoms + 1, crystal, n_crystals), result):
        raise Fault("The result does not depend on the atom features.", "ignores input")
    atoms = atoms.clone().requires_grad_()
    gradients_arrive(nn.Module(), lambda: exam.answer(atoms, crystal, n_crystals), [atoms])


_POOL_CASES = {
    "paper": "a crystal of two atoms and one of three, two features",
    "random": "4 crystals of 1 to 6 atoms, the atoms in no order",
    "negative": "3 crystals, all features negative",
    "one": "a single crystal of 5 atoms",
}


def _mean_properties(exam: Exam) -> None:
    _pool_properties(exam)
    inputs = tensors_of(exam.named("random")[0], POOL_INPUTS)
    keeps_single_precision(exam, exam.answer, inputs, POOL_INPUTS)


def _pool_check(
    task: str, expected: str, properties: Callable[[Exam], None] = _pool_properties
) -> Check:
    steps = (
        stored("two crystals by hand", 1.5, "paper", paper=True),
        CheckStep("atom order, supercell, batch mates, gradient", 1, properties),
        stored("atoms in no order, all signs", 1.5, "random", "negative", "one"),
    )
    axes = {"result": ("crystal", "feature")}
    return Check(
        task,
        _run_pool,
        steps,
        expected,
        _POOL_CASES,
        axes,
        _shapes(POOL_INPUTS),
        advice=MISTAKES[task],
        case_maker="atoms_to_pool",
    )


_MEAN = _pool_check(
    "2.3", "for each crystal the sum of its atoms' features over their number.", _mean_properties
)
_MAX = _pool_check("2.4", "for each crystal and feature the largest value among its own atoms.")

# ---- 2.5 network: stand-ins for convolutions and pooling, so that only forward is examined

NET_INPUTS = (*LAYER_INPUTS, *POOL_INPUTS[1:])


class StandInConv(nn.Module):
    """No convolution, but like one it depends on everything it is given, in order."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, atoms: Tensor, bonds: Tensor, center: Tensor, neighbor: Tensor) -> Tensor:
        """(N, F), (E, K), (E,), (E,) -> (N, F)."""
        ends = (0.1 * center - 0.2 * neighbor).to(atoms.dtype)
        graph = 0.3 * bonds[: len(atoms), :1] + ends[: len(atoms), None]
        return torch.sin(self.scale * atoms) + graph


def first_atom_pool(atoms: Tensor, crystal: Tensor, n_crystals: int) -> Tensor:
    """Stand-in for a pooling: gives the features of the first atom of each crystal."""
    first = [int((crystal == number).nonzero()[0]) for number in range(n_crystals)]
    return atoms[first]


class StandInSoftmaxPool(nn.Module):
    """Stand-in for a pooling that reads the atom features of all layers."""

    def forward(self, states: list[Tensor], crystal: Tensor, n_crystals: int) -> Tensor:
        """List of (N, F) -> (C, F)."""
        weighted = [(t + 1) * torch.cos(state) for t, state in enumerate(states)]
        return first_atom_pool(torch.stack(weighted).sum(0), crystal, n_crystals)


def prepare(network: nn.Module, case: Case) -> None:
    """Exchange a network's convolutions and pooling for stand-ins; layers stay as they are."""
    module: Any = network  # torch's types know no attributes of a student's class
    if case.settings.get("network"):
        width = module.embedding.out_features
        module.convs = nn.ModuleList(StandInConv(width) for _ in module.convs)
        if module.pooling is None:
            module.pool_last = first_atom_pool
        else:
            module.pooling = StandInSoftmaxPool()


def is_prepared(module: nn.Module) -> bool:
    """Whether a network has stand-ins in place of convolutions and pooling."""
    soft = isinstance(getattr(module, "pooling", None), StandInSoftmaxPool)
    return soft or getattr(module, "pool_last", None) is first_atom_pool


def _run_network(cls: type, case: Case) -> Arrays:
    network = build(cls, case)
    result = call(network, tensors_of(case, NET_INPUTS), NET_INPUTS)
    return {"result": result.detach().numpy()}


def _network_properties(exam: Exam) -> None:
    case = exam.named("random")[0]
    network, inputs = build(exam.answer, case), tensors_of(case, NET_INPUTS)
    result = call(network, inputs, NET_INPUTS)
    if result.shape != (inputs[-1],):
        exam.compare("random")
    gradients_arrive(network, lambda: network(*inputs))
    changed = [inputs[0] * 1.1, *inputs[1:]]
    if not _apart(network(*changed), result):
        raise Fault("The prediction does not depend on the atom features.", "ignores input")
    keeps_single_precision(exam, network.float(), inputs, NET_INPUTS)


_NETWORK = Check(
    "2.5",
    _run_network,
    (
        stored("no convolution, all weights 1", 2, "paper", paper=True),
        CheckStep("shape, gradients, sensitivity", 1, _network_properties),
        stored("three convolutions in a row", 3, "random"),
        stored("deeper head, other activation", 1, "deep"),
        stored("softmax pooling and classification", 1, "softmax", "classes"),
    ),
    "embedding; each convolution fed by the one before; pool, with the list of all states; "
    "activation; conv_to_fc; activation; each of fcs followed by activation; readout.",
    {
        "paper": "two crystals, no convolution, all weights 1; self.pool is exchanged for a simple "
        "stand-in",
        "random": "two crystals, three convolutions; convolutions and pooling are exchanged for "
        "simple stand-ins, so only forward counts",
        "deep": "three hidden layers (n_hidden=3) and tanh as activation",
        "softmax": 'pooling="softmax", which reads the states of all layers',
        "classes": 'task="classification", two classes',
    },
    {"result": ("crystal", "class")},
    _shapes(NET_INPUTS),
    advice=MISTAKES["2.5"],
    case_maker="network",
    module=MODULE,
)

CHECKS = (_CONV, _SHARED, _MEAN, _MAX, _NETWORK, _FAST)  # 2.6 and 2.7 are in own_tests.py
