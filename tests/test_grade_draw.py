"""Cases drawn per student: right answers pass, wrong and memorized ones do not."""

import copy
import hashlib
import time
from dataclasses import fields, is_dataclass, replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants import HELD_OUT, MUTANTS
from pymatgen.core import Structure
from right_answers import RIGHT_ANSWERS

from crystalgraph.checks import TASKS, all_checks
from crystalgraph.checks.cases import load_cases
from crystalgraph.checks.compare import first_difference
from crystalgraph.checks.exam import examine
from crystalgraph.checks.guard import double_precision, quiet_stderr
from crystalgraph.grading.draw import draw_cases, own_test_examples, solutions

OWN_TESTS = ("2.6", "2.7")
DRAWN = [task for task in TASKS if task not in OWN_TESTS]
SEEDS = ("one student", "another", "a third")


def check_for(task, seed):
    """The check of a task; student's tests are tried on crystals of this seed."""
    check = all_checks()[task]
    if task not in OWN_TESTS:
        return check
    example = own_test_examples(seed)[OWN_TESTS.index(task)]
    return replace(
        check,
        steps=tuple(
            replace(plan, test=replace(plan.test, example=lambda: copy.deepcopy(example)))
            for plan in check.steps
        ),
    )


def graded(task, answer, seed, cases=None):
    """The report on an answer; on drawn cases unless others are given."""
    cases = draw_cases(task, seed) if cases is None else cases
    with quiet_stderr(), double_precision():
        return examine(check_for(task, seed), [answer], cases)


# --- cases are of the same kind, and others


@pytest.mark.parametrize("task", DRAWN)
def test_same_names_and_kinds_as_the_stored_ones(task):
    for drawn, stored in zip(draw_cases(task, "any"), load_cases(task), strict=True):
        assert drawn.name == stored.name and drawn.wrong == {}
        assert drawn.settings.keys() - {"witness"} == stored.settings.keys()
        for mine, theirs in ((drawn.inputs, stored.inputs), (drawn.expected, stored.expected)):
            assert mine.keys() == theirs.keys()
            for name in theirs:
                assert mine[name].ndim == theirs[name].ndim, name
                assert mine[name].dtype.kind == theirs[name].dtype.kind, name


def fingerprint(case):
    """Of all that goes in."""
    parts = [repr(sorted(case.settings.items()))]
    parts += [f"{name}{value.tolist()}" for name, value in sorted(case.inputs.items())]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


@pytest.mark.parametrize("task", DRAWN)
def test_no_case_is_a_visible_one_or_another_students(task):
    seen = [fingerprint(case) for case in load_cases(task)]
    for seed in SEEDS:
        seen += [fingerprint(case) for case in draw_cases(task, seed)]
    assert len(set(seen)) == len(seen) == 4 * len(load_cases(task))


@pytest.mark.parametrize("task", DRAWN)
def test_the_same_seed_gives_the_same_cases(task):
    first, second = draw_cases(task, "again"), draw_cases(task, "again")
    assert [fingerprint(case) for case in first] == [fingerprint(case) for case in second]
    for one, other in zip(first, second, strict=True):
        assert all(np.array_equal(one.expected[k], other.expected[k]) for k in one.expected)


def test_drawing_is_quick():
    for task in TASKS:  # libraries and solutions are loaded
        draw_cases(task, "before")
    begun = time.process_time()
    for task in TASKS:
        draw_cases(task, "quick")
    assert time.process_time() - begun < 1


# --- right answers pass


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.text(max_size=20))
def test_the_solution_passes_on_whatever_is_drawn(seed):
    for task in TASKS:
        report = graded(task, solutions()[task], seed)
        assert report.passed, report.text()


@pytest.mark.parametrize("right", RIGHT_ANSWERS, ids=lambda right: f"{right.task} {right.style}")
def test_right_answers_in_other_styles_pass(right):
    for seed in SEEDS:
        report = graded(right.task, right.answer, seed)
        assert report.passed, report.text()


@pytest.mark.parametrize("task", DRAWN)
@pytest.mark.parametrize("seed", SEEDS)
def test_last_digits_of_the_inputs_do_not_matter(task, seed):
    """What separates a right answer from the expected one is rounding, far below the tolerance."""
    check = all_checks()[task]
    for case in draw_cases(task, seed):
        shaken = replace(case, inputs={k: _shaken(v) for k, v in case.inputs.items()})
        with double_precision():
            got = check.run(solutions()[task], shaken)
        assert first_difference(got, case.expected, rtol=1e-8) is None, case.name


def _shaken(value):
    return value * (1 + 1e-13) if value.dtype.kind == "f" else value


# --- wrong answers do not


@pytest.mark.parametrize("mutant", [*MUTANTS, *HELD_OUT], ids=lambda m: f"{m.task} {m.cause}")
def test_a_mutant_loses_points(mutant):
    for seed in SEEDS:
        assert not graded(mutant.task, mutant.make(), seed).passed, seed


class Memory:
    """Answers exactly what it has seen, and nothing else: what is learned from visible cases."""

    def __init__(self, answer):
        self.answer, self.known, self.learning = answer, set(), True

    def made(self):
        """A function or class that answers from memory."""
        if not isinstance(self.answer, type):
            return lambda *arguments, **options: self.recall(self.answer, arguments, options)

        def forward(module, *arguments):
            return self.recall(partial(right, module), arguments, module.state_dict())

        right = self.answer.forward
        return type(self.answer.__name__, (self.answer,), {"forward": forward})

    def recall(self, answer, arguments, more):
        """The right answer to known arguments, a number for all others."""
        text = repr(_plain([arguments, more]))
        if self.learning:
            self.known.add(text)
        if text in self.known:
            return answer(*arguments, **(more if answer is self.answer else {}))
        return arguments[0] * 0 if isinstance(arguments[0], torch.Tensor) else 0.0


def _plain(value):
    """Lists and numbers in place of tensors, structures and models."""
    if isinstance(value, torch.nn.Module):
        return _plain(value.state_dict())
    if isinstance(value, torch.Tensor | np.ndarray):
        return value.tolist()
    if isinstance(value, Structure):
        sites = [site.specie.symbol for site in value], value.frac_coords.tolist()
        return value.lattice.matrix.tolist(), *sites
    if is_dataclass(value):
        return [_plain(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, dict):
        return [(name, _plain(item)) for name, item in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, int | float | str | bool | None) else type(value).__name__


@pytest.mark.parametrize("task", DRAWN)
def test_visible_cases_learned_by_heart_score_nothing(task):
    memory = Memory(solutions()[task])
    check, answer = all_checks()[task], memory.made()
    with double_precision():
        for case in load_cases(task):
            check.run(answer, case)
    memory.learning = False
    assert graded(task, answer, "any", cases=load_cases(task)).points > 0
    for seed in SEEDS:
        assert graded(task, answer, seed).points == 0


# --- crystals for the student's own tests


def test_crystals_for_own_tests_differ_between_students():
    graphs, structures = zip(*[own_test_examples(seed) for seed in SEEDS], strict=True)
    assert len({tuple(graph.distance) for graph in graphs}) == len(SEEDS)
    assert len({structure.lattice.abc for structure in structures}) == len(SEEDS)
    again, _ = own_test_examples(SEEDS[0])
    assert np.array_equal(again.distance, graphs[0].distance)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.text(max_size=20))
def test_the_graph_for_own_tests_has_what_the_planted_models_need(seed):
    graph, structure = own_test_examples(seed)
    numbers = graph.atomic_numbers
    assert (np.diff(numbers) > 0).all() and (graph.n_atoms, graph.n_edges) == (12, 60)
    shuffled = numbers.mean() * np.arange(12).sum()  # of places times numbers, on average
    assert 800 < (numbers * np.arange(12)).sum() - shuffled < 1300  # far beyond the rounding
    assert len(set(structure.lattice.abc)) == 3 and structure.is_valid(tol=1.2)


@pytest.mark.parametrize("task", OWN_TESTS)
def test_a_right_verdict_counts_only_when_the_right_crystals_were_asked_for(task):
    """Known models could be told apart by any crystals; only those that should agree are a test."""

    def clairvoyant(predict, crystal):
        predict(crystal), predict(crystal)
        return plant.right

    example = own_test_examples("any")[OWN_TESTS.index(task)]
    for plan in all_checks()[task].steps:
        for plant in plan.test.plants:
            assert not plan.test.is_right(clairvoyant, plant, lambda: copy.deepcopy(example))
            assert plan.test.is_right(solutions()[task], plant, lambda: copy.deepcopy(example))
