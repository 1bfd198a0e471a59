"""Checks of notebook 3: targets, baselines, the training step and the reported error."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, stored
from crystalgraph.checking.compare import as_array, close, shapes
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.checking.probe import Probe
from crystalgraph.crystals.graphs import CrystalBatch
from crystalgraph.labs.hw.advice import MISTAKES

# ---- 3.1 formation_energy


def number(value: object, what: str) -> np.ndarray:
    """A single number as a 0-d array; raises Fault when it is something else."""
    array = as_array(value, what)
    if array.size != 1:
        raise Fault(f"{what} should be one number, but has shape {array.shape}.", "shape")
    return array.astype(float).reshape(())


def _formation_arguments(case: Case) -> tuple[float, list[str], dict[str, float]]:
    settings = case.settings
    return settings["energy_total"], list(settings["symbols"]), dict(settings["references"])


def _run_formation(answer: Callable, case: Case) -> Arrays:
    arguments = _formation_arguments(case)
    result = {"energy": number(answer(*arguments), "The energy")}
    if arguments[1:] != _formation_arguments(case)[1:]:
        raise Fault("Your function changes the list or the dictionary it is given.", "in place")
    return result


def _intensive(exam: Exam) -> None:
    total, symbols, references = _formation_arguments(exam.named("perovskite")[0])
    once = float(number(exam.answer(total, symbols, references), "The energy"))
    eight = float(number(exam.answer(8 * total, 8 * symbols, references), "The energy"))
    if not close(once, eight, rtol=1e-9):
        raise Fault(
            "A 2x2x2 supercell, 8 times the energy and 8 times the atoms, gives another energy per "
            "atom.",
            "not intensive",
            guess="Divide by the number of atoms, at the very end.",
        )
    more = float(number(exam.answer(total + 1, symbols, references), "The energy"))
    if close(more, once, rtol=1e-9):
        raise Fault("The result does not depend on the total energy.", "ignores input")


_FORMATION = Check(
    "3.1",
    _run_formation,
    (
        stored("rock salt by hand", 1.5, "paper", paper=True),
        CheckStep("a supercell has the same energy per atom", 1, _intensive),
        stored("perovskites and an element", 1.5, "perovskite", "double", "element"),
    ),
    "(total energy - the references of all atoms) / number of atoms, in eV per atom.",
    {
        "paper": "a cell of one Na and one Cl",
        "perovskite": "SrTiO3, where oxygen counts three times",
        "double": "a double perovskite of 10 atoms",
        "element": "4 atoms of the element itself, whose formation energy is 0",
    },
    {},
    lambda case: f"{len(case.settings['symbols'])} atoms",
    advice=MISTAKES["3.1"],
    case_maker="energies",
)

# ---- 3.2 site_fractions


def _run_fractions(answer: Callable, case: Case) -> Arrays:
    sites, elements = list(case.settings["sites"]), list(case.settings["elements"])
    result = as_array(answer(sites, elements), "The result")
    if sites != case.settings["sites"] or elements != case.settings["elements"]:
        raise Fault("Your function changes the lists it is given; work on copies.", "in place")
    return {"result": result}


def _sites_matter(exam: Exam) -> None:
    elements = ["O", "Sr", "Ti"]
    one = as_array(exam.answer(["Sr", "Ti", "O"], elements), "The result")
    other = as_array(exam.answer(["Ti", "Sr", "O"], elements), "The result")
    if close(one, other):
        raise Fault(
            "A and B exchanged give the same features, so no baseline could tell the two crystals "
            "apart.",
            "no sites",
            guess="Each of the three sites needs a block of its own.",
        )


_FRACTIONS = Check(
    "3.2",
    _run_fractions,
    (
        stored("a simple perovskite", 1.5, "paper"),
        CheckStep("A and B exchanged make a difference", 0.5, _sites_matter),
        stored("double perovskites", 2, "double", "twice"),
    ),
    "three blocks of len(elements) numbers, for A, B and X, the share of each element on that "
    "site; two B elements have one half each.",
    {
        "paper": "[A, B, X]",
        "double": "[A, B, B', X] with two different B",
        "twice": "[A, B, B', X] with the same element twice on B",
    },
    {"result": ("entry",)},
    lambda case: f"{len(case.settings['sites'])} sites, {len(case.settings['elements'])} elements",
    advice=MISTAKES["3.2"],
    case_maker="sites",
)

# ---- 3.3 fit_normalizer


def _run_normalizer(answer: Callable, case: Case) -> Arrays:
    targets, index = case.inputs["targets"].copy(), case.inputs["train_index"].copy()
    result = answer(targets, index)
    if not np.array_equal(targets, case.inputs["targets"]):
        raise Fault("Your function changes `targets`: leave them as they are.", "in place")
    if result is None or not hasattr(result, "__len__") or len(result) != 2:
        raise Fault("fit_normalizer should return two numbers, mean and std.", "shape")
    return {"mean": number(result[0], "The mean"), "std": number(result[1], "The std")}


def _test_is_never_seen(exam: Exam) -> None:
    targets = np.array([1.0, 2.0, 4.0, 7.0, -50.0, 80.0])
    train = np.array([0, 1, 2, 3])
    before = _run_normalizer(exam.answer, _normalizer_case(targets, train))
    targets[4:] += 1000
    after = _run_normalizer(exam.answer, _normalizer_case(targets, train))
    if not all(close(after[name], before[name], rtol=0, atol=0) for name in before):
        raise Fault(
            "Mean or std change when only test targets change: use targets[train_index] and "
            "nothing else.",
            "fitted on all",
        )
    targets[0] += 1
    changed = _run_normalizer(exam.answer, _normalizer_case(targets, train))
    if all([close(changed[name], before[name]) for name in before]):
        raise Fault("Mean and std stay the same when a training target changes.", "ignores input")


def _normalizer_case(targets: np.ndarray, train: np.ndarray) -> Case:
    return Case("own", {"targets": targets, "train_index": train})


_NORMALIZER = Check(
    "3.3",
    _run_normalizer,
    (
        stored("four numbers by hand", 1.5, "paper", paper=True),
        CheckStep("test targets are never seen", 1, _test_is_never_seen),
        stored("energies", 1.5, "random"),
    ),
    "mean and population standard deviation (divided by the number of crystals) of the training "
    "targets alone.",
    {"paper": "4 targets, three of them for training", "random": "30 targets, 20 for training"},
    {},
    lambda case: shapes(case.inputs),
    advice=MISTAKES["3.3"],
    case_maker="targets",
)

# ---- 3.4 and 3.5: a small model with everything that can go wrong


class ProbeModel(Probe):
    """Reads atom features through a batch norm; notes in which state it was called.

    Args:
        n_features: of an atom.
        witness: is added to predictions made without recording gradients, so that these show in
            the numbers too.
    """

    def __init__(self, n_features: int, witness: float = 0.0) -> None:
        super().__init__()
        self.n_features, self.witness = n_features, witness
        self.norm = nn.BatchNorm1d(n_features)
        self.out = nn.Linear(n_features, 1)

    def settings(self) -> dict[str, float | int | str | bool]:
        """Arguments of the class that make the same model, weights apart."""
        return {"n_features": self.n_features, "witness": self.witness}

    def forward(
        self,
        atom_features: Tensor,
        bond_features: Tensor | None = None,
        center: Tensor | None = None,
        neighbor: Tensor | None = None,
        crystal: Tensor | None = None,
        n_crystals: int | None = None,
    ) -> Tensor:
        """Same arguments as the network -> (C,)."""
        if bond_features is None or n_crystals is None:
            cause = "batch not unpacked"
            raise Fault(f"Likely mistake: {MISTAKES['3.4'][cause]}", cause)
        self.calls.append((self.training, torch.is_grad_enabled()))
        atoms = self.out(self.norm(atom_features)).squeeze(1)
        prediction = atoms.new_zeros(n_crystals).index_add(0, crystal, atoms)
        return prediction if prediction.requires_grad else prediction + self.witness


def probe_of(case: Case) -> ProbeModel:
    """The probe with the weights of a case."""
    weights = {name: torch.from_numpy(value) for name, value in case.group("weights").items()}
    probe = ProbeModel(len(weights["norm.weight"]), case.settings.get("witness", 0.0)).double()
    probe.load_state_dict(weights)
    return probe


def batches_of(case: Case) -> list[tuple[CrystalBatch, Tensor]]:
    """The batches of a case, with targets; a graph without edges is enough here."""
    batches = []
    for part in range(case.settings["n_batches"]):
        arrays = case.group(str(part))
        atoms, crystal, target = (
            torch.from_numpy(arrays[key].copy()) for key in ("atom_features", "crystal", "target")
        )
        none = torch.zeros(0, dtype=torch.int64)
        batch = CrystalBatch(atoms, atoms.new_zeros(0, 1), none, none, crystal, len(target))
        batches.append((batch, target))
    return batches


def _run_step(answer: Callable, case: Case) -> Arrays:
    model = probe_of(case)
    optimizer = torch.optim.SGD(model.parameters(), lr=case.settings["learning_rate"])
    steps: list[object] = []
    optimizer.register_step_post_hook(lambda *arguments: steps.append(arguments))
    outputs: Arrays = {}
    for step, (batch, target) in enumerate(batches_of(case)):
        model.train()
        model.calls.clear()
        kept = target.clone()
        loss = answer(model, batch, target, optimizer)
        _sound_step(model, loss, torch.equal(kept, target))
        outputs[f"loss of step {step}"] = number(loss, "The loss")
        outputs[f"weights after step {step}"] = _flat_weights(model)
    outputs["number of optimizer steps"] = np.array(len(steps))
    return outputs


def _sound_step(model: ProbeModel, loss: object, target_kept: bool) -> None:
    if loss is None:
        raise Fault("training_step returned None: return the loss as a float.", "None")
    if isinstance(loss, Tensor) and loss.requires_grad:
        raise Fault(
            "training_step returned a tensor with its gradient, which keeps the whole computation "
            "in memory: return loss.item().",
            "tensor returned",
        )
    if not model.calls:
        raise Fault("training_step did not call the model: model(*batch.inputs()).", "no call")
    if not target_kept:
        raise Fault("training_step changes the target it is given.", "in place")


def _flat_weights(model: nn.Module) -> np.ndarray:
    return torch.cat([p.detach().flatten() for p in model.parameters()]).numpy()


def _weights_move(exam: Exam) -> None:
    case = exam.named("paper")[0]
    model = probe_of(case)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    batch, target = batches_of(case)[0]
    before = _flat_weights(model).copy()
    losses = [
        float(number(exam.answer(model, batch, target, optimizer), "The loss")) for _ in range(30)
    ]
    if close(before, _flat_weights(model)):
        raise Fault(
            "The weights do not move: loss.backward() and then optimizer.step() are needed.",
            "no step",
        )
    if not (np.isfinite(losses).all() and losses[-1] < losses[0]):
        raise Fault(
            f"30 steps on one batch do not lower the loss ({losses[0]:.3g} before, "
            f"{losses[-1]:.3g} after).",
            "loss rises",
        )


_STEP_CASES = {
    "paper": "one batch of three crystals, a model with a handful of weights, plain SGD",
    "steep": "three steps with targets far away, so that the gradient is longer than 1",
    "gentle": "three steps with gradients shorter than 1",
}
_STEP_OUTPUTS = {f"weights after step {step}": ("weight",) for step in range(3)}

_STEP = Check(
    "3.4",
    _run_step,
    (
        stored("one step by hand", 2, "paper"),
        CheckStep("the loss goes down on one batch", 2, _weights_move),
        stored("gradient clipping, several steps", 4, "steep", "gentle"),
    ),
    "gradients set to zero; L1 loss, the mean over crystals; backward; gradient norm clipped at 1; "
    "step; the loss from before the step as a float.",
    _STEP_CASES,
    _STEP_OUTPUTS,
    advice=MISTAKES["3.4"],
    case_maker="batches_to_train_on",
)


def _run_error(answer: Callable, case: Case) -> Arrays:
    model = probe_of(case).train(case.settings["train"])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    mean, std = case.settings["mean"], case.settings["std"]
    result = answer(model, batches_of(case), mean, std)
    if isinstance(result, Tensor) and result.requires_grad:
        raise Fault(
            "mean_absolute_error returned a tensor with its gradient: predict under "
            "torch.no_grad(), and return a number (.item()).",
            "gradient",
        )
    outputs = {"error": number(result, "The error")}
    changed = [n for n, old in before.items() if not torch.equal(old, model.state_dict()[n])]
    outputs["model changed by the evaluation"] = np.array(bool(changed))
    outputs["model in training mode afterwards"] = np.array(model.training)
    outputs["gradients recorded"] = np.array(any(grad for _, grad in model.calls))
    return outputs


def _mode_and_gradient(exam: Exam) -> None:
    exam.compare("training", "evaluating")


def _any_iterable(exam: Exam) -> None:
    case = exam.named("evaluating")[0]
    model, mean, std = probe_of(case).eval(), case.settings["mean"], case.settings["std"]
    from_list = number(exam.answer(model, batches_of(case), mean, std), "The error")
    once = number(exam.answer(model, (pair for pair in batches_of(case)), mean, std), "The error")
    if not close(from_list, once):
        raise Fault(
            "A generator of batches gives another error than a list: go through `batches` once.",
            "iterates twice",
        )


_ERROR = Check(
    "3.5",
    _run_error,
    (
        stored("one batch by hand", 2, "paper"),
        CheckStep("eval mode, no gradient, mode restored", 2, _mode_and_gradient),
        stored("batches of different size", 1, "uneven"),
        CheckStep("any iterable of batches", 1, _any_iterable),
    ),
    "the mean over all crystals of |prediction * std + mean - target|, in eval mode, without "
    "gradient; afterwards the model is in the mode it was in.",
    {
        "paper": "one batch of three crystals, model in eval mode",
        "training": "two batches, model in training mode",
        "evaluating": "two batches, model in eval mode",
        "uneven": "a batch of five crystals and one of a single crystal",
    },
    {},
    advice=MISTAKES["3.5"],
    case_maker="batches_to_evaluate",
)

CHECKS = (_FORMATION, _FRACTIONS, _NORMALIZER, _STEP, _ERROR)
