"""The check of the test that the student writes: right layers pass it, planted wrong ones do not.

A planted layer is a small formula with random numbers in it; it says nothing about the other tasks.
The student's test sees of it what it gives, and nothing else. The order of the layers and their
numbers are those of the case, which the grader draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep
from crystalgraph.checking.compare import as_tensor
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.labs.equivariance.advice import MISTAKES
from crystalgraph.labs.equivariance.checks.common import tensors_of, went_in

KEYS = ("rotation", "reflection", "translation", "permutation", "moves")
OPEN = -1  # a question that may be answered either way
MAX_CALLS, MAX_NUMBERS = 60, 20_000


@dataclass(frozen=True)
class Planted:
    """A layer given to the student's test.

    Attributes:
        about: what it does, for messages.
        change: (numbers, h, x, d, r, edge_index) -> what is added to h and to x.
        lacks: keys that should be False.
        either: keys that may be True or False.
    """

    about: str
    change: Callable[..., tuple[Tensor, Tensor]]
    lacks: tuple[str, ...] = ()
    either: tuple[str, ...] = ()

    @property
    def truth(self) -> list[int]:
        """1, 0 or OPEN for each of KEYS."""
        return [OPEN if key in self.either else int(key not in self.lacks) for key in KEYS]


def _at(values: Tensor, index: Tensor, n: int) -> Tensor:
    return values.new_zeros(n, values.shape[1]).index_add(0, index, values)


def _right(p: Tensor, h: Tensor, x: Tensor, d: Tensor, r: Tensor, e: Tensor):
    """Weights of distances and features, along the way to the neighbor."""
    i, j = e
    weight = torch.sin(p[0] * r + h[i, :1] + p[1] * h[j, :1]) / (1 + r)
    return _at(torch.cos(p[2] * r) * h[j], i, len(h)), _at(weight * d, i, len(h))


def _still(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    return more, 0 * moved


def _cross(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    other = _at(torch.sin(p[3] * r) * d, e[0], len(h))
    return more, moved + torch.linalg.cross(moved, other, dim=1)


def _components(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    return more, moved * (1 + 0.3 * torch.sin(p[:3]))


def _squashed(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    return more, torch.tanh(0.03 * moved)  # off by 1e-5 or so


def _seen(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    return more + 0.1 * _at(d[:, :1] * torch.sin(p[4] * r), e[0], len(h)), moved


def _around_z(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    height = _at(d[:, 2:] ** 2 * torch.sin(p[4] * r), e[0], len(h))
    return more + 0.1 * height, moved


def _quarter(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    cubic = _at((d**4).sum(1, keepdim=True) / (1 + r**4), e[0], len(h))
    return more + 0.1 * p[3].sign() * cubic, moved


def _origin(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    far = _at((x[e[0]] * x[e[1]]).sum(1, keepdim=True), e[0], len(h))
    return more + 0.01 * torch.sin(p[3] * far), moved


def _origin_x(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    return more, moved + 0.01 * (1 + p[3] ** 2) * x


def _listed(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    place = torch.arange(len(h), dtype=h.dtype)[:, None]
    return more + 0.05 * torch.sin(p[3] + place), moved


def _listed_x(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    place = torch.arange(len(h), dtype=h.dtype)[:, None]
    return more, moved * (1 + 0.2 * torch.sin(p[3] + place))


def _constant(p, h, x, d, r, e):
    return 0 * h, 0 * x


def _pushed(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    return more, moved + 0.1 * p[:3]


def _far_up(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    return more + 0.02 * (x**2).sum(1).max(), moved


def _far_down(p, h, x, d, r, e):
    more, moved = _right(p, h, x, d, r, e)
    return more - 0.02 * (x**2).sum(1).max(), moved


PLANTED = (
    Planted("is right: atoms move along the way to their neighbors", _right),
    Planted("is right in all symmetries, but moves no atom", _still, ("moves",)),
    Planted("gives back exactly what it was given", _constant, ("moves",)),
    Planted("adds a cross product to the way of an atom", _cross, ("reflection",)),
    Planted("stretches x, y and z by different factors", _components, ("rotation",), KEYS[1:2]),
    Planted("squashes each component with a tanh", _squashed, ("rotation",), KEYS[1:2]),
    Planted("lets h see the x component of distances", _seen, ("rotation",), KEYS[1:2]),
    Planted("lets h see how high an atom is above another", _around_z, ("rotation",), KEYS[1:2]),
    Planted("lets h see angles to the three axes", _quarter, ("rotation",), KEYS[1:2]),
    Planted("lets h see where the origin is", _origin, ("translation",)),
    Planted("moves atoms away from the origin", _origin_x, ("translation",)),
    Planted("lets h see the place of an atom in the list", _listed, ("permutation",)),
    Planted("moves atoms by their place in the list", _listed_x, ("permutation",)),
    Planted("pushes all atoms in one direction", _pushed, ("rotation",), KEYS[1:2]),
    Planted("adds to h how far the molecule is from the origin", _far_up, ("translation",)),
    Planted("takes from h how far the molecule is from the origin", _far_down, ("translation",)),
)
RIGHT, BROKEN, SUBTLE = (0, 1, 2), (3, 4, 6, 9, 11), (5, 7, 8, 10, 12, 13, 14, 15)


@dataclass
class Recorder:
    """Stands between the student's test and a planted layer, and counts.

    Attributes:
        planted: the layer.
        numbers: in its formula.
    """

    planted: Planted
    numbers: Tensor
    calls: int = field(default=0)

    def __call__(self, h: object, x: object, edge_index: object) -> tuple[Tensor, Tensor]:
        """New h and new x, as a layer gives them."""
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise Fault(f"Your test calls the layer more than {MAX_CALLS} times; 10 are plenty.")
        h, x, e = (as_tensor(one, "What the layer is given") for one in (h, x, edge_index))
        if h.numel() + x.numel() + e.numel() > MAX_NUMBERS:
            raise Fault("Your test gives the layer far too large a molecule.")
        with torch.no_grad():
            d = x[e[0]] - x[e[1]]
            r = d.norm(dim=1, keepdim=True)
            more, moved = self.planted.change(self.numbers, h, x, d, r, e)
            return h + more, x + moved


def _verdict(result: object) -> list[bool]:
    """The student's dictionary as truth values in the order of KEYS.

    Raises:
        Fault: it is no such dictionary.
    """
    if not isinstance(result, dict) or set(result) != set(KEYS):
        raise Fault(
            f"check_symmetries should return a dictionary with the keys {', '.join(KEYS)}.",
            "no dictionary",
        )
    values = [result[key] for key in KEYS]
    values = [v.item() if getattr(v, "shape", None) == () else v for v in values]
    if not all(isinstance(value, bool | np.bool_) for value in values):
        raise Fault("The values of the dictionary should be True or False.", "no dictionary")
    return [bool(value) for value in values]


def _run(answer: Callable, case: Case) -> Arrays:
    """What the test says of each planted layer, in the order of PLANTED; OPEN where both fit."""
    verdicts = np.full((len(PLANTED), len(KEYS)), OPEN)
    for place in case.inputs["order"]:
        planted = PLANTED[int(place)]
        numbers = torch.from_numpy(case.inputs["numbers"][int(place)])
        inputs = tensors_of(case, "h", "x", "edge_index")
        says = _verdict(answer(Recorder(planted, numbers), *inputs))
        rows = zip(says, planted.truth, strict=True)
        verdicts[place] = [OPEN if true == OPEN else int(said) for said, true in rows]
    return {"verdicts": verdicts}


def _judge(places: tuple[int, ...]) -> Callable[[Exam], None]:
    def test(exam: Exam) -> None:
        for case in exam.named("molecule"):
            verdicts = exam.run(case)["verdicts"]
            for place in places:
                planted = PLANTED[place]
                for key, said, true in zip(KEYS, verdicts[place], planted.truth, strict=True):
                    if said != true:
                        raise _fault(exam, case, planted, key)

    return test


def _fault(exam: Exam, case: Case, planted: Planted, key: str) -> Fault:
    cause, _ = exam.likely_mistake(case)
    lines = [f"Likely mistake: {exam.check.advice_on(cause)}"] if cause else []
    says, true = ("True", "False") if key in planted.lacks else ("False", "True")
    lines.append(f"Input: a layer that {planted.about}.")
    lines.append(f'Your test says "{key}": {says}, expected {true}.')
    return Fault("\n".join(lines), cause)


CHECKS = (
    Check(
        "1.4",
        _run,
        (
            CheckStep("right layers pass, a layer that never moves does not", 2, _judge(RIGHT)),
            CheckStep("broken layers do not pass", 2.5, _judge(BROKEN)),
            CheckStep("small and special errors are found", 1.5, _judge(SUBTLE)),
        ),
        "",
        {"molecule": "a layer, and a molecule with directed edges"},
        went_in=went_in("h", "x", "edge_index"),
        advice=MISTAKES["1.4"],
        case_maker="molecule_and_layers",
    ),
)
