"""Cases drawn per student: right answers pass, wrong and memorized ones do not."""

import hashlib
import time
from dataclasses import fields, is_dataclass, replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure
from verdicts import drawn, drawn_verdict, every_third, examine_on, known_answers

from crystalgraph.checking.compare import first_difference
from crystalgraph.checking.quiet import double_precision
from crystalgraph.labs import LABS
from crystalgraph.releasing.cases import draw_cases
from crystalgraph.releasing.right_answers import right_answers

SEEDS = ("one student", "another", "a third")
TASKS = [(name, task_id) for name, lab in LABS.items() for task_id in lab.tasks]
WRONG = known_answers("mutants", "MUTANTS") + known_answers("mutants", "HELD_OUT")
OTHER_STYLES = known_answers("right_answers", "RIGHT_ANSWERS")

every_task = pytest.mark.parametrize(("name", "task_id"), TASKS)


def _id(value):
    """Of a mutant or right answer, for the test's name."""
    if isinstance(value, str):
        return value
    return f"{value.task} {getattr(value, 'cause', '') or value.style}"


# --- cases are of the same kind, and others


@every_task
def test_same_names_and_kinds_as_the_stored_ones(name, task_id):
    cases = draw_cases(LABS[name], task_id, "any")
    assert bool(cases) == bool(LABS[name].checks[task_id].case_maker)
    for new, stored in zip(cases, LABS[name].cases(task_id), strict=True):
        assert new.name == stored.name and new.wrong == {} and new.hidden
        assert new.settings.keys() == stored.settings.keys()
        for mine, theirs in ((new.inputs, stored.inputs), (new.expected, stored.expected)):
            assert mine.keys() == theirs.keys()
            for key in theirs:
                assert mine[key].ndim == theirs[key].ndim, key
                assert mine[key].dtype.kind == theirs[key].dtype.kind, key


def fingerprint(case):
    """Of all that goes in."""
    parts = [repr(sorted(case.settings.items()))]
    parts += [f"{name}{value.tolist()}" for name, value in sorted(case.inputs.items())]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


@every_task
def test_no_case_is_a_stored_one_or_another_students(name, task_id):
    stored = LABS[name].cases(task_id, LABS[name].hidden_folder)
    seen = [fingerprint(case) for case in stored]
    for seed in SEEDS:
        seen += [fingerprint(case) for case in drawn(name, task_id, seed)]
    assert len(set(seen)) == len(seen) == len(stored) + 3 * len(LABS[name].cases(task_id))


@every_task
def test_the_same_seed_gives_the_same_cases(name, task_id):
    first = drawn(name, task_id, SEEDS[0])
    second = draw_cases(LABS[name], task_id, SEEDS[0])
    assert [fingerprint(case) for case in first] == [fingerprint(case) for case in second]
    for one, other in zip(first, second, strict=True):
        assert all(np.array_equal(one.expected[k], other.expected[k]) for k in one.expected)


@pytest.mark.parametrize("name", LABS)
def test_drawing_is_quick(name):
    lab = LABS[name]
    for task_id in lab.tasks:  # libraries and solutions are loaded
        draw_cases(lab, task_id, "before")
    begun = time.process_time()
    for task_id in lab.tasks:
        draw_cases(lab, task_id, "quick")
    assert time.process_time() - begun < 1


# --- right answers pass


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.text(max_size=20))
def test_the_solution_passes_on_whatever_is_drawn(seed):
    for name, task_id in TASKS:
        report = drawn_verdict(name, task_id, seed)
        assert report.passed, report.text()


@pytest.mark.parametrize(("name", "right"), OTHER_STYLES, ids=_id)
def test_right_answers_in_other_styles_pass(name, right):
    for seed in SEEDS:
        report = drawn_verdict(name, right, seed)
        assert report.passed, report.text()


@pytest.mark.parametrize("seed", SEEDS)
@every_task
def test_last_digits_of_the_inputs_do_not_matter(name, task_id, seed):
    """What separates a right answer from the expected one is rounding, far below the tolerance."""
    check, solution = LABS[name].checks[task_id], right_answers(LABS[name])[task_id]
    for case in drawn(name, task_id, seed):
        shaken = replace(case, inputs={k: _shaken(v) for k, v in case.inputs.items()})
        with double_precision():
            got = check.run(solution, shaken)
        assert first_difference(got, case.expected, rtol=1e-8) is None, case.name


def _shaken(value):
    return value * (1 + 1e-13) if value.dtype.kind == "f" else value


# --- wrong answers do not


@pytest.mark.parametrize(("name", "mutant"), every_third(WRONG, first=0), ids=_id)
def test_a_mutant_loses_points(name, mutant):
    for seed in SEEDS:
        assert not drawn_verdict(name, mutant, seed).passed, seed


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


COMPARED = [(name, task) for name, task in TASKS if LABS[name].checks[task].describe]
OWN_INPUTS = {("equivariance", "1.2"), ("equivariance", "1.3"), ("trust", "1.9")}
"""Their first steps give the answer what is in no case, so that nobody learns it by heart."""


@pytest.mark.parametrize(("name", "task_id"), COMPARED)
def test_visible_cases_learned_by_heart_score_nothing(name, task_id):
    memory, stored = Memory(right_answers(LABS[name])[task_id]), LABS[name].cases(task_id)
    check, answer = LABS[name].checks[task_id], memory.made()
    with double_precision():
        for case in stored:
            check.run(answer, case)
    memory.learning = False
    by_heart = examine_on(name, task_id, answer, stored).points
    assert (by_heart > 0) != ((name, task_id) in OWN_INPUTS)
    for seed in SEEDS:
        assert examine_on(name, task_id, answer, drawn(name, task_id, seed)).points == 0
