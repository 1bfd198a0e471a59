"""The tests that students write: the crystals that these get, and the planted models."""

import numpy as np
import pytest
from answers import HW, solution
from hypothesis import given, settings
from hypothesis import strategies as st
from verdicts import drawn, examine_on

from crystalgraph.labs.hw.checks.own_tests import graph_of
from crystalgraph.labs.hw.checks.salt_to_graph import structure_of
from crystalgraph.releasing.cases import draw_cases
from crystalgraph.releasing.right_answers import right_answers

TASKS = ("2.6", "2.7")
SEEDS = ("one student", "another", "a third")


def crystals(seed):
    """The graph and the structure of one student."""
    (graph,), (structure,) = (draw_cases(HW, task, seed) for task in TASKS)
    return graph_of(graph), structure_of(structure)


def test_crystals_differ_between_students():
    graphs, structures = zip(*[crystals(seed) for seed in SEEDS], strict=True)
    assert len({tuple(graph.distance) for graph in graphs}) == len(SEEDS)
    assert len({structure.lattice.abc for structure in structures}) == len(SEEDS)
    again, _ = crystals(SEEDS[0])
    assert np.array_equal(again.distance, graphs[0].distance)


def has_what_the_planted_models_need(graph, structure):
    """Whether the models tell the crystals apart, far beyond the rounding."""
    numbers = graph.atomic_numbers
    assert (np.diff(numbers) > 0).all() and (graph.n_atoms, graph.n_edges) == (12, 60)
    shuffled = numbers.mean() * np.arange(12).sum()  # of places times numbers, on average
    assert 800 < (numbers * np.arange(12)).sum() - shuffled < 1300
    assert len(set(structure.lattice.abc)) == 3 and structure.is_valid(tol=1.2)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.text(max_size=20))
def test_drawn_crystals_have_what_the_planted_models_need(seed):
    has_what_the_planted_models_need(*crystals(seed))


def test_the_hidden_crystals_have_it_too():
    graph, structure = (HW.cases(task, HW.hidden_folder)[-1] for task in TASKS)
    has_what_the_planted_models_need(graph_of(graph), structure_of(structure))


def judged_models(task):
    """(judge, model) of all steps of a check."""
    return [(step.test, model) for step in HW.checks[task].steps for model in step.test.models]


@pytest.mark.parametrize("task", TASKS)
def test_a_right_verdict_counts_only_when_the_right_crystals_were_asked_for(task):
    """Known models could be told apart by any crystals; only those that should agree are a test."""
    (case,) = drawn("hw", task, "any")
    for judge, model in judged_models(task):

        def clairvoyant(predict, crystal, right=model.right):
            predict(crystal), predict(crystal)
            return right

        assert not judge.is_right(clairvoyant, model, case)
        assert judge.is_right(solution(task), model, case)


# --- the graded form


def graded(task, answer, seed="any"):
    """The report of the check as the grader does it."""
    check = HW.checks[task]
    form = getattr(HW.instructor("graded_checks"), check.graded_form)
    shuffled = form(check, seed, right_answers(HW))
    return examine_on("hw", task, answer, drawn("hw", task, seed), shuffled)


@pytest.mark.parametrize("task", TASKS)
def test_in_the_graded_form_the_solution_passes(task):
    for seed in SEEDS:
        report = graded(task, solution(task), seed)
        assert report.passed, report.text()


@pytest.mark.parametrize("task", TASKS)
def test_in_the_graded_form_models_are_mixed_scaled_and_repeated(task):
    seen = []

    def spying(predict, crystal):
        seen.append(predict(crystal))
        return solution(task)(predict, crystal)

    assert graded(task, spying).passed
    planted = len(judged_models(task))
    assert len(seen) == 2 * planted  # each model twice
    assert len(set(seen)) == len(seen)  # no two in one unit

    def knows_the_order(predict, crystal):
        knows_the_order.calls += 1
        solution(task)(predict, crystal)
        return judged_models(task)[(knows_the_order.calls - 1) % planted][1].right

    knows_the_order.calls = 0
    assert not graded(task, knows_the_order).passed
