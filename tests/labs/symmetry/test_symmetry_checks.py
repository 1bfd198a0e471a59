"""The checks accept any numbering and order, and look at pairs of crystals with care."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from crystalgraph.crystals.symmetry import quotient, refine_colors
from crystalgraph.labs import LABS
from crystalgraph.labs.symmetry.examples import fcc, hcp, wurtzite, zincblende
from crystalgraph.labs.symmetry.figures import RING_GAPS, ring
from crystalgraph.releasing.right_answers import right_answers

LAB = LABS["symmetry"]


def points(task, answer):
    return LAB.run_check(task, answer, hidden=LAB.hidden_folder).points


# --- 1.1 and 1.2 ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rename", [lambda c: -3 * c, lambda c: c + 0.5, lambda c: list(c[::1])])
def test_any_numbers_for_the_kinds_are_right(rename):
    assert points("1.1", lambda graph: rename(refine_colors(graph))) == 6


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_colors_that_are_no_numbers_are_refused(value):
    assert points("1.1", lambda graph: np.full(graph.n_atoms, value)) == 0


def shuffled(graph, colors, seed=0):
    """The library's quotient with kinds and edges in another order."""
    one = quotient(graph)
    rng = np.random.default_rng(seed)
    kinds, edges = rng.permutation(one.n_nodes), rng.permutation(one.n_edges)
    place = np.argsort(kinds)
    return (
        one.atomic_numbers[kinds],
        one.multiplicity[kinds],
        place[one.center][edges],
        place[one.neighbor][edges],
        one.distance[edges] + rng.uniform(-4e-4, 4e-4),
        one.weight[edges],
    )


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_kinds_and_edges_is_right(seed):
    assert points("1.2", lambda graph, colors: shuffled(graph, colors, seed)) == 5


BROKEN = {
    "huge weights": lambda *c: (*c[:5], np.full(len(c[2]), 1e15)),
    "negative kinds": lambda *c: (c[0], c[1], c[2] - 1, *c[3:]),
    "half kinds": lambda *c: (*c[:3], c[3] + 0.5, *c[4:]),
    "NaN": lambda *c: (*c[:4], c[4] * np.nan, c[5]),
    "no edges": lambda *c: (c[0], c[1], *(column[:0] for column in c[2:])),
    "no kinds": lambda *c: tuple(column[:0] for column in c),
    "a table": lambda *c: (c[0], c[1][:, None], *c[2:]),
    "five columns": lambda *c: c[:5],
    "a million kinds": lambda *c: ([1] * 10**6, [1] * 10**6, *c[2:]),
    "a million edges": lambda *c: (*c[:2], *([0] * 10**6 for _ in c[2:])),
    "one kind more": lambda *c: (np.append(c[0], 1), np.append(c[1], 1), *c[2:]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_malformed_quotient_is_a_sentence(name):
    report = LAB.run_check("1.2", lambda *arguments: BROKEN[name](*shuffled(*arguments)))
    assert report.points == 0 and report.failure.cause != "exception", report.text()


def test_the_picture_before_the_task_is_the_case_on_paper():
    (paper,) = [case for case in LAB.cases("1.1") if case.name == "paper"]
    graph = ring(RING_GAPS)
    for column in ("atomic_numbers", "center"):
        assert np.array_equal(getattr(graph, column), paper.inputs[column]), column
    gaps = np.sort(graph.distance.reshape(6, 2), axis=1)
    assert np.array_equal(gaps, paper.inputs["distance"].reshape(6, 2))
    assert np.array_equal(refine_colors(graph, rounds=1) > 0, [False] * 4 + [True] * 2)


# --- 1.4 -----------------------------------------------------------------------------------------


def cause(*pair):
    """What the check says of a pair."""
    failure = LAB.run_check("1.4", lambda: pair).failure
    return failure and failure.cause


def packing(word, bond=2.5):
    """Close-packed layers in the order of a word of A, B and C."""
    place = {"A": (0, 0), "B": (1 / 3, 2 / 3), "C": (2 / 3, 1 / 3)}
    cell = Lattice.hexagonal(bond, bond * np.sqrt(2 / 3) * len(word))
    coords = [[*place[letter], height / len(word)] for height, letter in enumerate(word)]
    return Structure(cell, ["Mg"] * len(word), coords)


@pytest.mark.parametrize("words", [("ABC", "ABAC"), ("AB", "ABAC"), ("ABABAC", "ABCACB")])
def test_other_stackings_are_a_pair_of_ones_own(words):
    assert cause(*map(packing, words)) is None


@pytest.mark.parametrize("symbols", [("Zn", "S"), ("Ga", "N")])
def test_the_pairs_of_the_notebook_are_known_in_any_size_order_and_cell(symbols):
    known = "a pair of the notebook"
    assert cause(packing("AB", 3), packing("ABC", 3)) == known
    assert cause(fcc(5) * (1, 1, 2), hcp(5)) == known
    assert cause(wurtzite(4.5, symbols), zincblende(4.5, symbols)) == known
    assert cause(zincblende(4.5, symbols[::-1]), wurtzite(4.5, symbols[::-1])) == known


def test_one_of_them_with_a_new_partner_is_fine():
    bond = 2.5
    assert cause(fcc(bond * np.sqrt(2), "Mg"), packing("ABAC", bond)) is None


SALT = Structure(Lattice(2.82 * (1 - np.eye(3))), ["Na", "Cl"], [[0] * 3, [0.5] * 3])


def turned_cell():
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    return Structure(SALT.lattice.matrix @ turn, SALT.species, SALT.frac_coords + 0.3)


def shaken():
    moved = SALT * (2, 1, 1)
    moved.translate_sites([0], [1e-5, 0, 0])
    return moved


@pytest.mark.parametrize("other", [SALT.copy(), SALT * (2, 2, 1), turned_cell(), shaken()])
def test_the_same_crystal_is_no_pair(other):
    assert cause(SALT, other) == "same crystal"


REFUSED = {
    "25 atoms": Structure(Lattice.cubic(20), ["H"] * 25, np.random.default_rng(0).random((25, 3))),
    "none": Structure(Lattice.cubic(3), [], []),
    "atoms at one place": Structure(Lattice.cubic(5), ["H"] * 2, [[0] * 3, [1, 0, 0]]),
    "slanted": Structure(Lattice([[99, 0, 0], [98.9999, 0.0005, 0], [0, 0, 99]]), ["H"], [[0] * 3]),
    "flat": Structure(Lattice([[5, 0, 0], [5, 1e-14, 0], [0, 0, 5]]), ["H"], [[0] * 3]),
    "far": Structure(Lattice.cubic(5), ["H"], [[1e30, 0, 0]]),
    "long": Structure(Lattice.orthorhombic(1, 1, 400), ["H"], [[0] * 3]),
    "NaN": Structure(Lattice.cubic(5), ["H"], [[np.nan, 0, 0]]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_cells_that_would_take_long_are_refused_at_once(name):
    assert cause(REFUSED[name], SALT) == cause(SALT, REFUSED[name]) == "cell refused"


@pytest.mark.parametrize(
    "returned", [None, SALT, [SALT], [SALT] * 3, (SALT, 3), "ab", {1: SALT, 2: SALT}]
)
def test_what_is_no_pair_is_a_sentence(returned):
    report = LAB.run_check("1.4", lambda: returned)
    assert report.points == 0 and report.failure.cause == "no two crystals", report.text()


def test_a_site_of_two_elements_is_a_sentence():
    mixed = Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}], [[0] * 3])
    assert cause(mixed, mixed) == "no two crystals"


def test_the_students_function_is_called_once():
    calls = []

    def my_pair():
        calls.append(1)
        return right_answers(LAB)["1.4"]()

    assert points("1.4", my_pair) == 4 and len(calls) == 1


def test_charges_of_ions_do_not_matter():
    pair = right_answers(LAB)["1.4"]()
    for one in pair:
        one.add_oxidation_state_by_element({"C": 0})
    assert cause(*pair) is None
