"""Checks of tasks 1.1 to 1.3: making a defect, splitting cells, counting atoms."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from pymatgen.core import Lattice, Structure

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, stored
from crystalgraph.checking.compare import as_array
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.checking.set_order import follows_a_set
from crystalgraph.labs.defects.advice import MISTAKES
from crystalgraph.labs.defects.making import distances_to

SAME_PLACE = 1e-3
"""Angstrom; an atom that is nearer than this to where one was has not moved."""


def _mistake(task: str, cause: str, said: str = "") -> Fault:
    """A known mistake that shows in another way than by wrong numbers."""
    return Fault(f"Likely mistake: {MISTAKES[task][cause]}\n{said}".rstrip(), cause)


# ---- 1.1 make_swap


def structure_of(case: Case) -> Structure:
    """The cell stored in a case."""
    lattice, numbers, coords = (case.inputs[k] for k in ("lattice", "numbers", "frac_coords"))
    return Structure(Lattice(lattice), [int(z) for z in numbers], coords)


def _run_swap(answer: Callable, case: Case) -> Arrays:
    cell, atom = structure_of(case), case.settings["atom"]
    before = cell.copy()
    swapped = answer(cell, atom, case.settings["element"])
    if cell != before:
        raise _mistake("1.1", "in place")
    if not isinstance(swapped, Structure):
        kind = type(swapped).__name__
        raise Fault(f"make_swap should return a pymatgen Structure, and returned a {kind}.", "type")
    after = _elements_in_place(before, swapped)
    changed = np.flatnonzero(after != np.array(before.atomic_numbers))
    if len(changed) == 0:
        raise Fault("No atom of your cell differs from the cell that was given.", "nothing changed")
    far = distances_to(before, before.cart_coords[[atom]])[0][changed].max()
    return {
        "number of changed sites": np.array(len(changed)),
        "atomic number at the atom": np.array(after[atom]),
        "atomic numbers": np.sort(after),
        "distance of the partner": np.array(far),
    }


def _elements_in_place(before: Structure, after: Structure) -> np.ndarray:
    """Atomic numbers of a cell in the order of another with atoms at the same places."""
    if len(after) != len(before):
        raise Fault(
            f"The cell has {len(before)} atoms and yours {len(after)}: a swap keeps all.", "atoms"
        )
    if not np.allclose(after.lattice.matrix, before.lattice.matrix, atol=SAME_PLACE):
        raise Fault("The lattice of your cell is another one: a swap keeps it.", "lattice")
    distance = distances_to(after, before.cart_coords)
    if not (distance.min(axis=1) < SAME_PLACE).all():
        raise Fault("Places are empty in your cell where there was an atom.", "moved")
    return np.array(after.atomic_numbers)[distance.argmin(axis=1)]


def _formula(case: Case) -> str:
    structure, atom = structure_of(case), case.settings["atom"]
    return (
        f"{structure.composition.formula}; atom {atom}, {structure[atom].specie.symbol}, "
        f"and element {case.settings['element']}"
    )


_SWAP = Check(
    "1.1",
    _run_swap,
    (
        stored("boron nitride, 2 x 2", 1.5, "paper", paper=True),
        stored("three elements in a layer", 1.5, "three"),
        stored("the partner is behind the border of the cell", 1, "border", "slanted"),
    ),
    "the cell with two elements exchanged: that of the atom, and that of the nearest atom of the "
    "given element, periodic images included.",
    {
        "paper": "a 2 x 2 cell of boron nitride, and its first boron",
        "three": "a 2 x 2 cell of a layer of three elements",
        "border": "a cell with a long vacuum axis, in which the nearest partner is in the next "
        "cell",
        "slanted": "a slanted cell, with an angle of 45 degrees between two axes",
    },
    {"atomic numbers": ("atom",)},
    _formula,
    advice=MISTAKES["1.1"],
    case_maker="cells_to_swap_in",
)

# ---- 1.2 split_by_host

SHARES = (0.6, 0.15, 0.25)
"""Of the hosts, to train on, to choose the best epoch on, to report on."""


def hosts_of(case: Case) -> list[str]:
    """Names of the hosts of the cells of a case, one for each cell."""
    return [f"host {number}" for number in case.inputs["host"]]


def _parts(answer: Callable, hosts: Sequence[str], seed: int) -> list[np.ndarray]:
    result = answer(list(hosts), seed)
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise Fault("split_by_host should return three arrays: train, validation, test.", "shape")
    names = ("train", "validation", "test")
    parts = [as_array(part, f"Your {name}") for name, part in zip(names, result, strict=True)]
    for name, part in zip(names, parts, strict=True):
        if part.ndim != 1 or (part.dtype.kind not in "iu" and len(part)):
            raise Fault(f"{name} should be a list of numbers of cells, counted from 0.", "dtype")
        if len(part) and not (0 <= part.min() and part.max() < len(hosts)):
            raise Fault(f"{name} names a cell that is not there: cells are 0 to {len(hosts) - 1}.")
    return [part.astype(int) for part in parts]


def _run_split(answer: Callable, case: Case) -> Arrays:
    """What can be counted of a split, whatever the order of the hosts."""
    hosts = hosts_of(case)
    parts = _parts(answer, hosts, case.settings["seed"])
    named = np.array(hosts)
    in_part = [set(named[part]) for part in parts]
    uses = np.bincount(np.concatenate(parts), minlength=len(hosts))
    shared = [in_part[a] & in_part[b] for a, b in ((0, 1), (0, 2), (1, 2))]
    return {
        "hosts in two parts": np.array(len(set().union(*shared))),
        "cells in no part": np.array(int((uses == 0).sum())),
        "cells named twice": np.array(int((uses > 1).sum())),
        "hosts of each part": np.array([len(one) for one in in_part]),
    }


def _hosts_stay_together(*names: str) -> Callable[[Exam], None]:
    """Compare with stored cases; how many hosts a random split tears apart cannot be stored."""

    def test(exam: Exam) -> None:
        for case in exam.named(*names):
            got = exam.run(case)
            complete = got["cells in no part"] == got["cells named twice"] == 0
            if complete and got["hosts in two parts"] > 0:
                raise _mistake("1.2", "twins apart", exam.input_line(case))
        exam.compare(*names)

    return test


def _seeds_matter(exam: Exam) -> None:
    hosts = hosts_of(exam.named("twins")[0])
    first, again, *others = (_parts(exam.answer, hosts, seed) for seed in (5, 5, 6, 7, 8))
    if not _same_split(first, again):
        raise _mistake("1.2", "not repeatable")
    if all(_same_split(first, other) for other in others):
        raise _mistake("1.2", "seed ignored")
    if follows_a_set(partial(_parts, exam.answer)):
        raise _mistake("1.2", "order of a set")


def _same_split(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(set(a) == set(b) for a, b in zip(one, other, strict=True))


_SPLIT = Check(
    "1.2",
    _run_split,
    (
        CheckStep("ten hosts with their twins", 1.5, _hosts_stay_together("twins")),
        CheckStep("the seed decides", 1, _seeds_matter),
        CheckStep("hosts of several cells, in any order", 1.5, _hosts_stay_together("mixed")),
    ),
    "every cell in exactly one part, all cells of a host in the same, and 60 %, 15 % and 25 % of "
    "the hosts in train, validation and test.",
    {
        "twins": "twenty hosts with two cells each, one behind the other",
        "mixed": "forty hosts with one to four cells each, in any order",
    },
    {"hosts of each part": ("part",)},
    lambda case: f"{len(case.inputs['host'])} cells of {len(set(case.inputs['host']))} hosts",
    advice=MISTAKES["1.2"],
    case_maker="cells_to_split",
)

# ---- 1.3 counting_rule


def cells_of(case: Case) -> list[list[int]]:
    """The atomic numbers of each cell of a case."""
    ends = np.cumsum(case.inputs["n_atoms"])[:-1]
    return [part.tolist() for part in np.split(case.inputs["atomic_numbers"], ends)]


def _run_rule(answer: Callable, case: Case) -> Arrays:
    said = [as_array(answer(numbers), "The answer") for numbers in cells_of(case)]
    for one in said:
        if one.size != 1 or one.item() not in (0, 1):
            raise Fault("The rule should return True (a defect) or False (perfect).", "type")
    return {"answer": np.array([int(one.item()) for one in said])}


_RULE = Check(
    "1.3",
    _run_rule,
    (
        stored("molybdenum disulfide", 1, "paper"),
        stored("perfect cells of all sizes", 0.5, "perfect"),
        stored("vacancies and interstitials", 0.5, "vacancy", "interstitial"),
        stored("antisites and substitutions", 1, "antisite", "substitution"),
        stored("counts with a common divisor by chance", 0.5, "by_chance"),
        stored("swaps: nothing to count", 0.5, "swap"),
    ),
    "True for each cell with a vacancy, an antisite, a substitution or an interstitial; False for "
    "perfect cells, and so for those with a swap, which have the same atoms.",
    {
        "paper": "2 x 2 cells of MoS2: perfect, without one Mo, without one S, with one S in place "
        "of a Mo, with a Se in place of a S, with one S more",
        "perfect": "perfect cells from 2 x 2 to 6 x 6",
        "vacancy": "cells without one atom",
        "interstitial": "cells with one atom more",
        "antisite": "cells in which one atom is of another element of the host",
        "substitution": "cells in which one atom is of a new element",
        "by_chance": "2 x 2 and 3 x 3 cells with a defect, of which the counts share the divisor 2 "
        "or 3",
        "swap": "cells in which two atoms have changed places",
    },
    {"answer": ("cell",)},
    lambda case: f"{len(case.inputs['n_atoms'])} cells",
    advice=MISTAKES["1.3"],
    case_maker="cells_to_count",
)

CHECKS = (_SWAP, _SPLIT, _RULE)
