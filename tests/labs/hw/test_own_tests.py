"""The tests that students write: the crystals that these get, and the planted models."""

import random
from dataclasses import replace

import numpy as np
import pytest
from answers import HW, solution
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure, SymmOp
from verdicts import drawn, examine_on

from crystalgraph.checking.faults import Fault
from crystalgraph.labs.hw.checks.own_tests import Recorder, graph_of
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


# --- what the models say


def recorder(task, model=0):
    """What stands between a test and a model, and the crystal that the test is given."""
    (case,) = drawn("hw", task, "any")
    judge, planted = judged_models(task)[model]
    kept = judge.crystal_of(case)
    record = Recorder(planted.predict, kept, judge.relist, 2.0, random.Random(0))
    return record, judge.crystal_of(case)


def in_order(graph, order):
    label = np.argsort(order)
    numbers = graph.atomic_numbers[order]
    ends = {"center": label[graph.center], "neighbor": label[graph.neighbor]}
    return replace(graph, atomic_numbers=numbers, **ends)


def edges_in_order(graph, order):
    columns = ("center", "neighbor", "distance", "image")
    return replace(graph, **{name: getattr(graph, name)[order] for name in columns})


def test_a_graph_is_known_in_any_order_of_atoms_and_edges():
    predict, graph = recorder("2.6")
    rng = np.random.default_rng(0)
    assert predict(graph) == predict(graph) == pytest.approx(2.0, rel=1e-12)
    assert predict(edges_in_order(graph, rng.permutation(60))) == predict(graph)
    assert predict.compared == 0  # nothing yet that could differ
    for number in range(1, 4):
        other = in_order(graph, rng.permutation(12))
        assert predict(edges_in_order(other, rng.permutation(60))) == pytest.approx(2.0, rel=1e-12)
        assert predict.compared == number


GRAPHS_OF_OTHERS = {
    "atoms alone shuffled": lambda g: replace(g, atomic_numbers=g.atomic_numbers[::-1].copy()),
    "other elements": lambda g: replace(g, atomic_numbers=g.atomic_numbers + 1),
    "one element twice": lambda g: replace(g, atomic_numbers=np.full(12, g.atomic_numbers[0])),
    "an atom more": lambda g: replace(g, atomic_numbers=np.append(g.atomic_numbers, 90)),
    "an edge less": lambda g: edges_in_order(g, slice(1, None)),
    "an edge twice": lambda g: edges_in_order(g, np.r_[0, 0:59]),
    "longer": lambda g: replace(g, distance=g.distance * (1 + 1e-5)),
    "NaN": lambda g: replace(g, distance=g.distance * np.nan),
    "no edges": lambda g: edges_in_order(g, slice(0, 0)),
}


@pytest.mark.parametrize("name", GRAPHS_OF_OTHERS)
def test_of_another_graph_a_model_says_nothing(name):
    predict, graph = recorder("2.6")
    other = GRAPHS_OF_OTHERS[name](graph)
    assert len({predict(other) for _ in range(3)}) == 3  # at random
    assert not predict.answers


def in_cell(structure, slant):
    """The crystal in a cell of the same size whose axes are slanted by so many cells."""
    cell = np.array([[1, slant, slant], [0, 1, slant], [0, 0, 1]])
    coords = structure.frac_coords @ np.linalg.inv(cell)
    return Structure(Lattice(cell @ structure.lattice.matrix), structure.species, coords)


def test_a_graph_of_tables_is_refused_before_anything_is_made_of_it():
    predict, graph = recorder("2.6")
    table = np.zeros((2, 50, 2), dtype=int)  # sorted, it becomes one of 100 times the size
    with pytest.raises(Fault, match="malformed graph"):
        predict(replace(graph, center=table, neighbor=table, distance=table.astype(float)))


SUPERCELLS = {
    "along one axis": lambda s: s * (1, 1, 3),
    "along all axes": lambda s: s * (2, 2, 2),
    "a copy made larger": lambda s: s.copy().make_supercell([2, 1, 1]),
    "skewed": lambda s: s * [[2, 1, 0], [0, 1, 0], [0, 0, 1]],
    "axes exchanged": lambda s: s * [[0, 1, 0], [1, 0, 0], [0, 0, 2]],
    "turned": lambda s: (s * (2, 1, 1)).apply_operation(
        SymmOp.from_axis_angle_and_translation([1, 2, 3], 40)
    ),
    "sites sorted": lambda s: (s * (1, 2, 1)).get_sorted_structure(),
    "from its sites": lambda s: Structure.from_sites(list(reversed((s * (1, 2, 1)).sites))),
    "slanted": lambda s: in_cell(s, 15),
    "long": lambda s: s * (1, 1, 30),
    "coordinates outside": lambda s: (s * (1, 2, 1)).translate_sites([0], [3, 0, -1], True, False),
}


@pytest.mark.parametrize("name", SUPERCELLS)
def test_a_crystal_is_known_in_any_cell(name):
    predict, structure = recorder("2.7")
    assert predict(structure) == predict(structure.copy()) == pytest.approx(2.0, rel=1e-12)
    assert predict.compared == 0
    asked = SUPERCELLS[name](structure)
    assert predict(asked) == pytest.approx(2.0, rel=1e-12)
    assert predict.compared == 1
    _, made = predict.relist(structure, asked)
    assert StructureMatcher(primitive_cell=False, scale=False).fit(made, asked)


CRYSTALS_OF_OTHERS = {
    "an atom more": lambda s: s.append("Ba", [0.3, 0.3, 0.3]),
    "an atom less": lambda s: (s * 2).remove_sites([0]),
    "other elements": lambda s: s.replace(0, "Ba"),
    "elements exchanged": lambda s: s.replace_species({"Ca": "Ti", "Ti": "Ca"}).replace(0, "Ba"),
    "an atom moved": lambda s: s.translate_sites([0], [0.01, 0, 0]),
    "strained": lambda s: s.apply_strain(1e-3),
    "scaled": lambda s: s.scale_lattice(8 * s.volume),
    "slanted so far that a box around its cell takes gigabytes": lambda s: in_cell(s, 1500),
    "an atom twice": lambda s: Structure(s.lattice, s.species[:1] * 4, [s.frac_coords[0]] * 4),
}


@pytest.mark.parametrize("name", CRYSTALS_OF_OTHERS)
def test_of_another_crystal_a_model_says_nothing(name):
    predict, structure = recorder("2.7")
    other = CRYSTALS_OF_OTHERS[name](structure)
    assert len({predict(other) for _ in range(3)}) == 3
    assert not predict.answers


def test_a_crystal_a_little_off_shows_nothing_of_the_model():
    """The model is given the crystal that was recognized, not the one asked for."""
    for model in range(len(judged_models("2.7"))):
        predict, structure = recorder("2.7", model)
        answer = predict(structure * (2, 1, 1))
        assert predict((structure * (2, 1, 1)).apply_strain(1e-6)) == answer


# --- lazy answers: the verdict does not follow from what the models say


def right_questions(task):
    """Asks what the solution asks, and does not look at what it is told."""

    def ask(predict, crystal):
        heard = []
        solution(task)(lambda one: heard.append(predict(one)) or 1.0, crystal)
        return heard

    return ask


def known_by_one_number(task):
    """Compares what is said of the crystal as given with the formulas of all models."""
    models = [model for _, model in judged_models(task)]

    def test(predict, crystal):
        first, *_ = right_questions(task)(predict, crystal)
        near = [abs(np.log(abs(first / model.predict(crystal)))) for model in models]
        return models[int(np.argmin(near))].right

    return test


def known_by_other_crystals(task):
    """Asks for other crystals too, of which each formula says something else."""
    models = [model for _, model in judged_models(task)]
    others = {"2.6": GRAPHS_OF_OTHERS["longer"], "2.7": lambda s: s.copy().apply_strain(1e-3)}

    def test(predict, crystal):
        first, *_ = right_questions(task)(predict, crystal)
        other = others[task](crystal)
        ratio = predict(other) / first
        near = [abs(ratio - m.predict(other) / m.predict(crystal)) for m in models]
        return models[int(np.argmin(near))].right

    return test


LAZY = {
    "asks once": lambda task: lambda predict, crystal: predict(crystal) > 0,
    "asks twice for one": lambda task: lambda predict, c: predict(c) == predict(c),
    "always True": lambda task: lambda *given: bool(right_questions(task)(*given)),
    "always False": lambda task: lambda *given: not right_questions(task)(*given),
    "known by one number": known_by_one_number,
    "known by other crystals": known_by_other_crystals,
}


@pytest.mark.parametrize("name", LAZY)
@pytest.mark.parametrize("task", TASKS)
def test_a_lazy_answer_gets_nothing(task, name):
    assert graded(task, LAZY[name](task)).points == 0
    if name != "known by one number":  # the numbers of the notebook are the formulas' own
        assert HW.run_check(task, LAZY[name](task), hidden=None).points == 0


@pytest.mark.parametrize("task", TASKS)
def test_a_right_verdict_counts_only_when_the_right_crystals_were_asked_for(task):
    """Even who knew the models has to ask what a test asks."""
    (case,) = drawn("hw", task, "any")
    for judge, model in judged_models(task):

        def clairvoyant(predict, crystal, right=model.right):
            predict(crystal), predict(crystal)
            return right

        def verdict(answer, judge=judge, model=model):
            return judge.ask(answer, model, case, 1.0, random.Random(0))

        assert not verdict(clairvoyant).founded
        assert verdict(solution(task)).founded and verdict(solution(task)).says == model.right


@pytest.mark.parametrize("task", TASKS)
def test_a_test_may_ask_for_other_crystals_too(task):
    other = {"2.6": GRAPHS_OF_OTHERS["an edge less"], "2.7": lambda s: s.copy().apply_strain(0.01)}

    def curious(predict, crystal):
        predict(other[task](crystal))
        return solution(task)(predict, crystal)

    assert graded(task, curious).passed
    assert HW.run_check(task, curious, hidden=None).passed


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
