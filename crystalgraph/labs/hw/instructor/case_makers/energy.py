"""Cases of notebook 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import Case
from crystalgraph.labs.hw.checks.energy import ProbeModel, batches_of, probe_of
from crystalgraph.labs.hw.instructor.case_makers.crystals import ANIONS, anion, metals
from crystalgraph.labs.hw.instructor.case_makers.network import random_weights


def energies(numbers: CaseNumbers) -> list[Case]:
    """Total energies of crystals, with the references of their elements."""
    first, second = *metals(numbers, "Na"), anion(numbers, "Cl")
    pair = {first: _reference(numbers, -1.0), second: _reference(numbers, -2.0)}
    a, b, c, d, e = metals(numbers, "Sr", "Ti", "Ba", "Zr", "Si")
    x = anion(numbers, "O")
    table = {symbol: round(numbers.rng.uniform(-9, -1), 3) for symbol in (a, b, x, c, d, e)}
    energy = numbers.array(-3.5, -1, by_hand=(-1.5, -3.2, -2.9))
    return [
        _energy_case("paper", energy[0], [first, second], pair),
        _energy_case("perovskite", energy[1], [a, b, x, x, x], table),
        _energy_case("double", energy[2], [c, c, b, d] + [x] * 6, table),
        _energy_case("element", 0.0, [e] * numbers.whole(3, 7, by_hand=4), table),
    ]


def _reference(numbers: CaseNumbers, by_hand: float) -> float:
    return round(numbers.number(-4, -1, by_hand), 2)


def _energy_case(
    name: str, formation: float, symbols: Sequence[str], table: dict[str, float]
) -> Case:
    """The total energy of a crystal whose formation energy per atom is given."""
    references = sum(table[symbol] for symbol in symbols)
    total = round(float(formation) * len(symbols) + references, 4)
    return Case(name, {}, {"energy_total": total, "symbols": list(symbols), "references": table})


def sites(numbers: CaseNumbers) -> list[Case]:
    """Elements on the sites of perovskites, and the list of all elements in some order."""
    a, b = metals(numbers, "Sr", "Ti")
    x = anion(numbers, "O")
    turned = [[x, a, b], [b, x, a]][numbers.whole(0, 2, by_hand=0)]
    c, d, e, f = metals(numbers, "Ba", "Ti", "Zr", "Sr")
    y, z = numbers.pick(ANIONS, by_hand=("F", "O"))
    order = [str(symbol) for symbol in numbers.rng.permutation([c, d, e, f, y, z])]
    return [
        Case("paper", {}, {"sites": [a, b, x], "elements": turned}),
        Case("double", {}, {"sites": [c, d, e, y], "elements": order}),
        Case("twice", {}, {"sites": [f, e, e, z], "elements": order}),
    ]


def targets(numbers: CaseNumbers) -> list[Case]:
    """Targets of crystals, of which some are for training."""
    few = numbers.array((1, 1, 1, 50), (7, 7, 7, 100), by_hand=(1, 2, 6, 100))
    many, train = numbers.rng.normal(-2, 1.3, 30), numbers.rng.permutation(30)[:20]
    return [
        Case("paper", {"targets": few, "train_index": np.arange(3)}),
        Case("random", {"targets": many, "train_index": train}),
    ]


# ---- batches for the probe model


def batches_to_train_on(numbers: CaseNumbers) -> list[Case]:
    """Batches with gradients longer than 1, which are clipped, and shorter than 1."""
    rng = numbers.rng

    def steep() -> Case:
        return _probe_case("steep", rng, [4, 3, 4], spread=8.0, learning_rate=0.3)

    def gentle() -> Case:
        case = _probe_case("gentle", rng, [6, 4, 5], atoms=(1, 2), learning_rate=0.01)
        for name in ("weights/norm.weight", "weights/out.weight"):  # small ones, short gradients
            case.inputs[name] = 0.1 * case.inputs[name]
        return case

    return [
        _probe_case("paper", rng, [3], learning_rate=0.1),
        numbers.until(steep, lambda case: min(_gradient_lengths(case)) > 1.2),
        numbers.until(gentle, lambda case: max(_gradient_lengths(case)) < 0.9),
    ]


def batches_to_evaluate(numbers: CaseNumbers) -> list[Case]:
    """Batches of equal and of different size, for a model in either mode.

    In the cases that students have, the model adds nothing to predictions made without gradient:
    there the note that gradients were recorded says more than a wrong error.
    """
    witness = [numbers.number(0.1, 0.2, by_hand=0.0) for _ in range(2)]
    return [
        _error_case(numbers, "paper", [3], train=False, above=True),
        _error_case(numbers, "training", [3, 3], train=True, witness=witness[0]),
        _error_case(numbers, "evaluating", [4, 4], train=False, witness=witness[1]),
        _error_case(numbers, "uneven", [5, 1], train=False),
    ]


def _probe_case(
    name: str,
    rng: np.random.Generator,
    crystals: Sequence[int],
    spread: float = 1.0,
    atoms: tuple[int, int] = (2, 5),
    **settings: Any,
) -> Case:
    """Batches for the probe model.

    Args:
        name: of the case.
        rng: random numbers.
        crystals: number of crystals in each batch.
        spread: how far the targets lie from 0.
        atoms: fewest atoms in a crystal, and one more than the most.
        settings: further ones of the case.
    """
    inputs = random_weights(rng, ProbeModel(3).double())
    for number, n_crystals in enumerate(crystals):
        sizes = rng.integers(*atoms, n_crystals)
        inputs[f"{number}/crystal"] = np.repeat(np.arange(n_crystals), sizes)
        inputs[f"{number}/atom_features"] = rng.normal(size=(sizes.sum(), 3))
        inputs[f"{number}/target"] = rng.normal(0, spread, n_crystals)
    return Case(name, inputs, {"n_batches": len(crystals), **settings})


def _gradient_lengths(case: Case) -> list[float]:
    """Of the loss of each batch, at the weights the case begins with."""
    model = probe_of(case).train()
    lengths = []
    for batch, target in batches_of(case):
        loss = torch.nn.functional.l1_loss(model(*batch.inputs()), target)
        slopes = torch.autograd.grad(loss, list(model.parameters()))
        lengths.append(float(torch.cat([slope.flatten() for slope in slopes]).norm()))
    return lengths


def _error_case(
    numbers: CaseNumbers,
    name: str,
    crystals: Sequence[int],
    above: bool = False,
    **settings: Any,
) -> Case:
    """Targets far from the predictions: all above them, or above and below, not evenly."""
    mean = numbers.number(-3, -1.5, by_hand=-2.25)
    std = numbers.number(1.3, 2, by_hand=1.5)
    rng = numbers.rng
    case = _probe_case(name, rng, crystals, mean=mean, std=std, **settings)
    model = probe_of(case).eval()
    for number, (batch, target) in enumerate(batches_of(case)):
        predicted = model(*batch.inputs()).detach().numpy() * std + mean
        signs = 3 if above else np.where((number + np.arange(len(target))) % 3, 1.0, -1.0)
        case.inputs[f"{number}/target"] = predicted + signs * rng.uniform(0.5, 4, len(target))
    return case
