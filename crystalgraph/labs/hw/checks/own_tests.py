"""Checks of the tests that the student writes: right models must pass them, planted wrong ones not.

The planted models are small formulas, no networks: they give nothing away about the other tasks.
What they say can be used for a test and for nothing else: a model answers for the crystal that the
test was given, in another order or another cell. Any other crystal gets a random number.
"""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from pymatgen.core import Lattice, Structure

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.crystals.graphs import CrystalGraph
from crystalgraph.labs.hw.advice import MISTAKES
from crystalgraph.labs.hw.checks.salt_to_graph import graphs_of, structure_of

Crystal = CrystalGraph | Structure
Predict = Callable[[Any], float]

Relisted = tuple[tuple, Any]
"""How a crystal is written down, and the crystal written down so, of our own making."""
AS_GIVEN = ()

COLUMNS = ("atomic_numbers", "center", "neighbor", "distance")
"""Of a graph; they are all that the planted models read."""

MAX_CALLS = 500
ROUNDING = 1e-13  # relative; any real model depends on the order of additions in its last digits
MAX_NUMBERS = 200_000  # in all crystals asked for
MAX_CELLS = 20  # cells along an axis of a cell of few atoms; no test has a use for more


@dataclass(frozen=True)
class PlantedModel:
    """A model given to the student's test.

    Attributes:
        about: what it does, for messages.
        predict: crystal -> number.
        right: whether the test should say True.
        missed_by: mistake of a test that lets this wrong model pass, when its crystals were right.
    """

    about: str
    predict: Predict
    right: bool
    missed_by: str = "difference ignored"


@dataclass
class Recorder:
    """Stands between the student's test and a model, and keeps what the test asked for.

    Attributes:
        predict: the model.
        kept: the crystal that the test was given, as it was before.
        relist: (kept, crystal asked for) -> how it is written down, and kept written down so; None
            for another crystal. The model is given that, so nothing but the order or the cell
            can show in its answer.
        value: what the model is made to say of `kept`; its answers are scaled.
        rng: for rounding, and for what is said of other crystals.
        seen: crystals asked for.
        answers: way of writing `kept` down -> answer.
    """

    predict: Predict
    kept: Crystal
    relist: Callable[[Any, Any], Relisted | None]
    value: float
    rng: random.Random
    seen: list[Crystal] = field(default_factory=list)
    answers: dict[tuple, float] = field(default_factory=dict)
    numbers: int = 0

    def __call__(self, crystal: Crystal) -> float:
        """Answer, and remember the crystal."""
        if len(self.seen) >= MAX_CALLS:
            raise Fault(f"Your test calls predict more than {MAX_CALLS} times; 5 are plenty.")
        self.numbers += _size(crystal)
        if self.numbers > MAX_NUMBERS:
            raise Fault("Your test asks for far too large crystals; twice the size is plenty.")
        self.seen.append(copy.deepcopy(crystal))
        relisted = self.relist(self.kept, crystal)
        if relisted is None:
            return self.value * self.rng.uniform(-2, 2)
        way, same = relisted
        if way not in self.answers:
            ratio = self.predict(same) / self.predict(self.kept)
            rounding = 1 + ROUNDING * self.rng.uniform(-1, 1)
            self.answers[way] = float(self.value * ratio * rounding)
        return self.answers[way]

    @property
    def compared(self) -> int:
        """In how many other ways the crystal was written down that the model was asked for.

        None when only one way was asked for: nothing could be compared.
        """
        return len(self.answers.keys() - {AS_GIVEN}) if len(self.answers) > 1 else 0


def _size(crystal: Crystal) -> int:
    """How many numbers a crystal holds; Fault for tables in place of a graph's columns.

    Of tables numpy makes larger ones where it sorts columns.
    """
    if not isinstance(crystal, CrystalGraph):
        return 4 * len(crystal)
    if any(np.ndim(getattr(crystal, name)) != 1 for name in COLUMNS):
        raise Fault(
            f"Your test asks for a malformed graph: {', '.join(COLUMNS)} need one number "
            "per atom or edge."
        )
    return sum(np.size(column) for column in vars(crystal).values())


def verdict_of(result: object) -> bool:
    """The student's answer as a bool; raises Fault when it is no truth value."""
    if isinstance(result, torch.Tensor | np.ndarray) and np.prod(result.shape) == 1:
        result = result.item()
    if not isinstance(result, bool | np.bool_):
        kind = "None" if result is None else f"a {type(result).__name__}"
        raise Fault(f"Your test should return True or False, but returned {kind}.", "no bool")
    return bool(result)


@dataclass(frozen=True)
class Verdict:
    """What the student's test said of a planted model, and how it came to say so.

    Attributes:
        says: whether it takes the model for right.
        record: what it asked the model for.
        mistake: of the test, as far as the crystals that it asked for show.
        founded: whether it compared the same crystal in enough ways, and left it as it was.
    """

    says: bool
    record: Recorder
    mistake: str
    founded: bool


@dataclass(frozen=True)
class Judge:
    """Lets the student's test judge planted models; raises Fault when a verdict is wrong.

    Attributes:
        models: in the order in which they are planted.
        crystal_of: reads the crystal that the test is given from a case.
        relist: see Recorder.
        diagnose: (crystal before, after, those asked for) -> mistake, if there is one.
        least: number of other ways to write the crystal down that the test has to compare.
    """

    models: tuple[PlantedModel, ...]
    crystal_of: Callable[[Case], Crystal]
    relist: Callable[[Any, Any], Relisted | None]
    diagnose: Callable[[Any, Any, list], str]
    least: int = 1

    def __call__(self, exam: Exam) -> None:
        """Plant one model after the other."""
        for case in exam.named("example"):
            for model in self.models:
                value = model.predict(self.crystal_of(case))
                verdict = self.ask(exam.answer, model, case, value, random.Random(0))
                if not (verdict.founded and verdict.says == model.right):
                    cause = verdict.mistake or self._why(exam.answer, model, case, verdict)
                    raise _wrong_verdict(exam, model, verdict, cause)

    def ask(
        self, answer: Callable, model: PlantedModel, case: Case, value: float, rng: random.Random
    ) -> Verdict:
        """The verdict of the student's test on one model, which says `value` of the crystal."""
        crystal, kept = self.crystal_of(case), self.crystal_of(case)
        record = Recorder(model.predict, kept, self.relist, value, rng)
        says = verdict_of(answer(record, crystal))
        mistake = self.diagnose(kept, crystal, record.seen)
        founded = record.compared >= self.least and mistake != "in place"
        return Verdict(says, record, mistake, founded)

    def _why(self, answer: Callable, model: PlantedModel, case: Case, verdict: Verdict) -> str:
        """The mistake of a test in whose crystals there is none."""
        if not verdict.founded:
            return "one order" if verdict.record.compared else "another crystal"
        if model.right:
            return _why_refused(answer, lambda: self.crystal_of(case))
        if _few_moved(verdict.record.kept, verdict.record.seen):
            return "few atoms moved"
        return _why_accepted(answer, model, self.crystal_of(case))


def _why_accepted(answer: Callable, model: PlantedModel, crystal: Crystal) -> str:
    """Why a wrong model was accepted although the right crystals were asked for."""
    negative_refused = not verdict_of(answer(lambda crystal: -model.predict(crystal), crystal))
    return "sign of difference" if negative_refused else model.missed_by


def _why_refused(answer: Callable, make_crystal: Callable[[], Crystal]) -> str:
    """Why a right model was refused although the right crystals were asked for."""
    if not verdict_of(answer(lambda crystal: 1.0, make_crystal())):
        wants_change = verdict_of(answer(_changing, make_crystal()))
        return "expects extensive" if wants_change else "never true"
    return "exact comparison"


def _changing(crystal: Crystal) -> float:
    """Depends on the order of a graph's atoms, or on the size of a structure's cell."""
    return _by_index(crystal) if isinstance(crystal, CrystalGraph) else float(len(crystal))


def _few_moved(kept: Crystal, seen: list[Crystal]) -> bool:
    """Whether every list of atoms tried differs from the first in less than half its places."""
    numbers = np.asarray(kept.atomic_numbers)
    others = [np.asarray(crystal.atomic_numbers) for crystal in seen]
    return all(len(other) == len(numbers) and (other != numbers).mean() < 1 / 2 for other in others)


def _wrong_verdict(exam: Exam, model: PlantedModel, verdict: Verdict, cause: str) -> Fault:
    kind = "right" if model.right else "wrong"
    should = "True" if model.right else "False"
    calls = len(verdict.record.seen)
    lines = [
        f"Likely mistake: {exam.check.advice_on(cause)}",
        f"Input: a {kind} model, which {model.about}; it was called {calls} times.",
    ]
    if verdict.says != model.right:
        lines.append(f"Your test said {verdict.says}, expected {should}.")
    return Fault("\n".join(lines), cause)


# ---- 2.6


def graph_of(case: Case) -> CrystalGraph:
    """The graph of a case."""
    return graphs_of(case)[0]


def _same_graph(one: CrystalGraph, other: CrystalGraph) -> bool:
    return all(np.array_equal(getattr(one, c), getattr(other, c)) for c in COLUMNS)


def _bonds(graph: CrystalGraph) -> np.ndarray:
    """Bonds without labels: elements at both ends and distance, sorted."""
    numbers = np.asarray(graph.atomic_numbers)
    rows = np.stack([numbers[graph.center], numbers[graph.neighbor], graph.distance])
    return rows[:, np.lexsort(rows)]


def _diagnose_graphs(kept: CrystalGraph, given: CrystalGraph, seen: list) -> str:
    if not _same_graph(kept, given):
        return "in place"
    if len(seen) < 2:
        return "one call"
    others = [graph for graph in seen if not _same_graph(graph, kept)]
    if not others:
        return "nothing shuffled"
    numbers = [np.asarray(g.atomic_numbers) for g in others]
    if any(np.array_equal(n, kept.atomic_numbers) for n in numbers):
        only_edges = all(np.array_equal(_bonds(g), _bonds(kept)) for g in others)
        return "edges shuffled only" if only_edges else "atoms not shuffled"
    if any(np.array_equal(g.center, kept.center) for g in others):
        return "edges not relabeled"
    if any(np.array_equal(g.neighbor, kept.neighbor) for g in others):
        return "one end relabeled"
    if not all(_bonds(g).shape == _bonds(kept).shape for g in others):
        return "another crystal"
    if not all(np.allclose(_bonds(g), _bonds(kept)) for g in others):
        return "inverse permutation"
    return ""


def _relisted(kept: CrystalGraph, asked: CrystalGraph) -> Relisted | None:
    """The graph with its atoms in the order of another one; None when that is another graph."""
    sort = np.argsort(kept.atomic_numbers)  # no element is there twice
    places = np.searchsorted(kept.atomic_numbers, asked.atomic_numbers, sorter=sort)
    order = sort[np.clip(places, 0, kept.n_atoms - 1)]  # the atom i asked for is atom order[i]
    if not np.array_equal(np.sort(order), np.arange(kept.n_atoms)):
        return None
    ends = order[asked.center], order[asked.neighbor]
    if not np.array_equal(kept.atomic_numbers[order], asked.atomic_numbers) or not _same_edges(
        (*ends, asked.distance), (kept.center, kept.neighbor, kept.distance)
    ):
        return None
    label = np.argsort(order)
    same = replace(
        kept,
        atomic_numbers=kept.atomic_numbers[order],
        center=label[kept.center],
        neighbor=label[kept.neighbor],
    )
    return AS_GIVEN if (order == np.arange(len(order))).all() else tuple(order.tolist()), same


def _same_edges(one: tuple, other: tuple) -> bool:
    """Whether two lists of edges (center, neighbor, distance) are the same but for their order."""
    first, second = (np.array(edges)[:, np.lexsort(edges[::-1])] for edges in (one, other))
    return first.shape == second.shape and np.allclose(first, second, rtol=1e-6)


def _by_index(graph: CrystalGraph) -> float:
    return float((np.asarray(graph.atomic_numbers) * np.arange(graph.n_atoms)).sum())


def _mean_number(graph: CrystalGraph) -> float:
    return float(np.mean(graph.atomic_numbers))


def _bond_mean(graph: CrystalGraph) -> float:
    numbers = np.asarray(graph.atomic_numbers)
    charge = numbers[graph.center] ** 0.5 * numbers[graph.neighbor] ** 0.3
    total = np.zeros(graph.n_atoms)
    np.add.at(total, graph.center, charge * np.exp(-np.asarray(graph.distance)))
    return float(np.log(total + 1).mean())


def _first_atoms(graph: CrystalGraph) -> float:
    numbers = np.asarray(graph.atomic_numbers)
    return float(numbers[0] + 0.1 * numbers[1] + 0.01 * numbers[2])


def _last_atoms(graph: CrystalGraph) -> float:
    """Of several atoms, so that hardly any random order leaves all of them in their places."""
    numbers = np.asarray(graph.atomic_numbers)
    return float(numbers[-1] + 0.1 * numbers[-2] + 0.01 * numbers[-3])


def _inner_atoms(graph: CrystalGraph) -> float:
    numbers = np.asarray(graph.atomic_numbers)
    return float(numbers[3] + 0.1 * numbers[5] + 0.01 * numbers[7])


def _upward_edges(graph: CrystalGraph) -> float:
    upward = np.asarray(graph.center) < np.asarray(graph.neighbor)
    numbers = np.asarray(graph.atomic_numbers)
    return float((numbers[graph.center] * graph.distance)[upward].sum())


def _ring(graph: CrystalGraph) -> float:
    numbers = np.asarray(graph.atomic_numbers)
    return float((numbers * np.roll(numbers, 1)).mean())


def _palindrome(graph: CrystalGraph) -> float:
    numbers = np.asarray(graph.atomic_numbers, dtype=float)
    return float((numbers * numbers[::-1]).mean())


_PERMUTATION_STEPS = (
    CheckStep(
        "right models pass, wrong ones do not",
        3,
        Judge(
            (
                PlantedModel("averages the atomic numbers", _mean_number, True),
                PlantedModel("averages a quantity over the bonds", _bond_mean, True),
                PlantedModel("reads only the first atoms of the list", _first_atoms, False),
                PlantedModel("weights each atom by its place in the list", _by_index, False),
                PlantedModel("looks at the labels at both ends of an edge", _upward_edges, False),
            ),
            graph_of,
            _relisted,
            _diagnose_graphs,
        ),
    ),
    CheckStep(
        "small errors are found",
        2,
        Judge(
            (
                PlantedModel(
                    "is right but for one part in a thousand",
                    lambda g: _bond_mean(g) * (1 + 1e-5 * _by_index(g) / 40),
                    False,
                    "too tolerant",
                ),
                PlantedModel(
                    "falls whenever the atoms are shuffled", _by_index, False, "sign of difference"
                ),
                PlantedModel(
                    "rises whenever the atoms are shuffled",
                    lambda g: -_by_index(g),
                    False,
                    "sign of difference",
                ),
            ),
            graph_of,
            _relisted,
            _diagnose_graphs,
        ),
    ),
    CheckStep(
        "any order of the atoms, not a special one",
        0.5,
        Judge(
            (
                PlantedModel(
                    "cannot tell a list from its reverse", _palindrome, False, "special order"
                ),
                PlantedModel("cannot tell where a list begins", _ring, False, "special order"),
                PlantedModel(
                    "reads the last atoms of the list", _last_atoms, False, "few atoms moved"
                ),
                PlantedModel("reads atoms inside the list", _inner_atoms, False, "few atoms moved"),
            ),
            graph_of,
            _relisted,
            _diagnose_graphs,
        ),
    ),
    CheckStep(
        "more than one order",
        0.5,
        Judge(
            (PlantedModel("always predicts the same", lambda g: 1.0, True),),
            graph_of,
            _relisted,
            _diagnose_graphs,
            least=2,
        ),
    ),
)

# ---- 2.7


def _diagnose_structures(kept: Structure, given: Structure, seen: list[Structure]) -> str:
    if given != kept:
        return "in place"
    if len(seen) < 2:
        return "one call"
    others = [structure for structure in seen if structure != kept]
    if not others:
        return "no supercell"
    per_atom = kept.volume / len(kept)
    for structure in others:
        same_density = np.isclose(structure.volume / len(structure), per_atom, rtol=1e-4)
        same_formula = structure.composition.fractional_composition.almost_equals(
            kept.composition.fractional_composition
        )
        if not (same_density and same_formula):
            return "another crystal"
    if all(len(structure) == len(kept) for structure in others):
        return "no supercell"
    if all(np.allclose(s.lattice.abc[1:], kept.lattice.abc[1:]) for s in others):
        return "one direction"
    return ""


def _repeated(kept: Structure, asked: Structure) -> Relisted | None:
    """The crystal in the cell of another structure; None when that is another crystal."""
    for one, other in (
        (kept.lattice, asked.lattice),
        (Lattice.from_parameters(*lattice.parameters) for lattice in (kept.lattice, asked.lattice)),
    ):
        cells = other.matrix @ np.linalg.inv(one.matrix)
        if not np.abs(cells).max() <= max(MAX_CELLS, len(asked)):
            continue
        whole = np.round(cells).astype(int)
        if np.allclose(cells, whole, atol=1e-4) and _each_site_in(kept, asked, whole):
            way = AS_GIVEN if (whole == np.eye(3)).all() else tuple(whole.flatten().tolist())
            return way, _in_cells(kept, asked, whole)
    return None


def _each_site_in(kept: Structure, asked: Structure, cells: np.ndarray) -> bool:
    """Whether each atom of a cell is there in each of its images in a larger cell."""
    there = _is_image(kept, asked, cells)
    images = round(abs(np.linalg.det(cells)))
    return images > 0 and (there.sum(0) == images).all() and (there.sum(1) == 1).all()


def _is_image(kept: Structure, asked: Structure, cells: np.ndarray) -> np.ndarray:
    """Which atom of a larger cell (rows) is an image of which atom of the cell (columns)."""
    apart = (asked.frac_coords @ cells)[:, None] - kept.frac_coords[None]
    there = (np.abs(apart - np.round(apart)) < 1e-4).all(axis=2)
    return there & np.equal.outer(asked.atomic_numbers, kept.atomic_numbers)


def _in_cells(kept: Structure, asked: Structure, cells: np.ndarray) -> Structure:
    """The larger cell with each atom exactly where its image is.

    It is made of the atoms asked for, which are counted: pymatgen's supercell searches a box whose
    size the cell alone decides, and a slanted cell of few atoms has a box of gigabytes.
    """
    atom = _is_image(kept, asked, cells).argmax(axis=1)
    first, species = kept.frac_coords[atom], kept.species
    coords = first + np.round(asked.frac_coords @ cells - first)
    lattice = Lattice(cells @ kept.lattice.matrix)
    return Structure(lattice, [species[i] for i in atom], coords @ np.linalg.inv(cells))


def _mean_z(structure: Structure) -> float:
    return float(np.mean([site.specie.Z**0.5 for site in structure]))


def _volume_per_atom(structure: Structure) -> float:
    return float(structure.volume / len(structure))


_SUPERCELL_STEPS = (
    CheckStep(
        "right models pass, sums over the cell do not",
        3,
        Judge(
            (
                PlantedModel("averages over the atoms", _mean_z, True),
                PlantedModel("gives the volume per atom", _volume_per_atom, True),
                PlantedModel(
                    "adds over the atoms instead of averaging",
                    lambda s: float(sum(site.specie.Z for site in s)),
                    False,
                    "difference ignored",
                ),
                PlantedModel(
                    "gives the volume of the cell",
                    lambda s: float(s.volume),
                    False,
                    "difference ignored",
                ),
            ),
            structure_of,
            _repeated,
            lambda *seen: "" if (c := _diagnose_structures(*seen)) == "one direction" else c,
        ),
    ),
    CheckStep(
        "small errors are found",
        2,
        Judge(
            (
                PlantedModel(
                    "is right but for one part in a thousand",
                    lambda s: _mean_z(s) * (1 + 1e-3 * np.log(len(s))),
                    False,
                    "too tolerant",
                ),
                PlantedModel(
                    "falls when the cell grows",
                    lambda s: _mean_z(s) + 1 / len(s),
                    False,
                    "sign of difference",
                ),
                PlantedModel(
                    "rises when the cell grows",
                    lambda s: _mean_z(s) - 1 / len(s),
                    False,
                    "sign of difference",
                ),
            ),
            structure_of,
            _repeated,
            lambda *seen: "" if (c := _diagnose_structures(*seen)) == "one direction" else c,
        ),
    ),
    CheckStep(
        "supercells in every direction",
        1,
        Judge(
            tuple(
                PlantedModel(
                    f"looks at the length of the cell's axis {axis}",
                    lambda s, number=number: _mean_z(s) + 0.1 * s.lattice.abc[number],
                    False,
                    "one direction",
                )
                for number, axis in enumerate("abc")
            ),
            structure_of,
            _repeated,
            _diagnose_structures,
        ),
    ),
)


def _nothing_to_compare(answer: object, case: Case) -> Arrays:
    return {}


CHECKS = (
    Check(
        "2.6",
        _nothing_to_compare,
        _PERMUTATION_STEPS,
        "",
        advice=MISTAKES["2.6"],
        case_maker="graph_to_shuffle",
        graded_form="shuffled_models",
    ),
    Check(
        "2.7",
        _nothing_to_compare,
        _SUPERCELL_STEPS,
        "",
        advice=MISTAKES["2.7"],
        case_maker="small_cell",
        graded_form="shuffled_models",
    ),
)
