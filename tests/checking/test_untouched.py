"""A function that changes what it is given has no full points, in any lab, wherever it runs."""

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from forked import reports
from pymatgen.core import Lattice, Structure

from crystalgraph.checking.examine import examine
from crystalgraph.checking.quiet import double_precision
from crystalgraph.checking.untouched import Watched
from crystalgraph.crystals.graphs import build_graph
from crystalgraph.labs import LABS
from crystalgraph.releasing.right_answers import right_answers

SALT = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)
NO_DATA = {  # they are given numbers, texts, models, or functions alone
    *(("hw", "2.6"), ("symmetry", "1.4"), ("equivariance", "1.3"), ("features", "1.4")),
    *(("features", "1.6"), ("trust", "1.8")),
}
FUNCTIONS = [
    (name, task)
    for name, lab in LABS.items()
    for task, check in lab.checks.items()
    if check.kind == "function" and (name, task) not in NO_DATA
]


def spoil(value):
    """Change a value in place, and what it holds."""
    if isinstance(value, torch.Tensor):
        with torch.no_grad():
            value.copy_(value.logical_not() if value.dtype == torch.bool else value + 1)
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.flags.writeable:
        value[...] = ~value if value.dtype == bool else value + 1
    elif isinstance(value, Structure):
        value.translate_sites(range(len(value)), [0.25, 0, 0])
    elif isinstance(value, list):
        value.reverse()
        value.append("more")
    elif isinstance(value, dict):
        value["more"] = 0
    elif hasattr(value, "distance") or hasattr(value, "positions"):
        for one in vars(value).values():
            spoil(one)


def spoiling(function):
    """The same results, and arguments that are others afterwards."""

    def spoiled(*arguments, **options):
        result = function(*arguments, **options)
        result = result if callable(result) else copy.deepcopy(result)
        for one in arguments:
            spoil(one)
        return result

    return spoiled


@pytest.mark.parametrize(("name", "task_id"), FUNCTIONS)
def test_who_changes_what_was_given_has_no_full_points(name, task_id):
    lab = LABS[name]
    task, answer = lab.tasks[task_id], spoiling(right_answers(lab)[task_id])
    with double_precision():
        report = examine(task, lab.checks[task_id], [answer], lab.cases(task_id))
    assert report.points < task.points, report


def test_the_grader_sees_it_in_the_process_of_the_sandbox():
    lab = LABS["symmetry"]
    answer = spoiling(right_answers(lab)["1.1"])
    for report in reports(lab, "1.1", answer):
        assert report.failure.cause == "in place"
        assert "your function changes argument 1 in place" in report.failure.message


def test_the_argument_is_called_by_its_name():
    def expand(distance, centers):
        centers += 1

    watched = Watched(expand)
    watched(np.zeros(3), centers=np.zeros(3))
    assert watched.changed == "`centers`"
    watched = Watched(expand)
    watched(np.zeros(3), np.zeros(3))
    assert watched.changed == "`centers`"


@dataclass
class Counting:
    """A model that knows how often it was asked."""

    calls: int = 0

    def __call__(self):
        self.calls += 1


@pytest.mark.parametrize(
    "given",
    [
        Counting(),
        np.array([1.0, np.nan]),
        np.array(["Na", "Cl"]),
        torch.tensor([1.0, np.nan]),
        [1, [np.nan, "a"], {"b": np.zeros(2)}],
        {"Na": 1.0, "Cl": None},
        SALT.copy(),
        build_graph(SALT, "salt"),
        iter([1, 2]),
        np.random.default_rng(0),
        torch.nn.Linear(1, 1),
        np.mean,
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_is_only_read_is_unchanged(given):
    def read(value):
        if isinstance(value, np.random.Generator):
            value.random()
        elif isinstance(value, Counting):
            value()
        elif hasattr(value, "__next__"):
            next(value)
        elif isinstance(value, torch.nn.Module):
            value(torch.ones(1)).sum().backward()
        return str(value)

    watched = Watched(read)
    watched(given)
    assert watched.changed == ""


CHANGES = {
    "an entry": (np.zeros(3), lambda a: a.__setitem__(0, 1)),
    "NaN becomes a number": (np.array([np.nan]), lambda a: np.nan_to_num(a, copy=False)),
    "a row of a tensor": (torch.zeros(2, 2), lambda t: t[0].add_(1)),
    "an array in a list": ([np.zeros(2)], lambda values: values[0].fill(1)),
    "the order of a list": ([1, 2], lambda values: values.reverse()),
    "a set": ({1, 2}, lambda known: known.add(3)),
    "a key": ({"a": 1}, lambda known: known.pop("a")),
    "a value of a dictionary in a tuple": (({"a": [1]},), lambda t: t[0]["a"].append(2)),
    "an atom moves": (SALT.copy(), lambda s: s.translate_sites([0], [0.1, 0, 0])),
    "another element": (SALT.copy(), lambda s: s.replace(0, "K")),
    "the cell": (SALT.copy(), lambda s: s.scale_lattice(100)),
    "the order of atoms": (SALT.copy(), lambda s: s.sort(key=lambda site: -site.frac_coords[0])),
    "a column of a graph": (build_graph(SALT, "salt"), lambda g: g.center.__iadd__(1)),
}


@pytest.mark.parametrize(("given", "change"), CHANGES.values(), ids=CHANGES)
def test_any_change_is_seen(given, change):
    watched = Watched(change)
    watched(given)
    assert watched.changed


def test_what_the_function_has_is_still_there():
    assert Watched(spoil).__name__ == "spoil"
