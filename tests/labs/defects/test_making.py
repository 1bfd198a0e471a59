"""Defects are what they are called, and nothing but the defect gives them away."""

import math
from collections import Counter

import numpy as np
import pytest

from crystalgraph.crystals.graphs import build_graph
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.defects.cells import defect_of
from crystalgraph.labs.defects.making import (
    KINDS,
    distances_to,
    holes,
    make_defect,
    perfect_cell,
    rattled,
    shortest_bond,
)
from crystalgraph.paths import DATA
from crystalgraph.releasing.right_answers import right_answers

SOME = ("1T:Ti-S", "BN:B-N", "K2NiF4:Sr-Ti-O", "MX3:Cr-I", "Janus-1H:Mo-S-Se", "FeOCl:Ti-O-Br")


def host_of(dataset, name):
    return dataset.structures[dataset.ids.index(name)]


def counts(structure):
    return Counter(site.specie.symbol for site in structure)


def test_the_hosts_are_as_the_readme_says(dataset):
    assert len(dataset) == 500 and len(set(dataset.ids)) == 500
    assert {len(host) for host in dataset.structures} == set(range(2, 9))
    assert len({record["prototype"] for record in dataset.records}) == 18
    assert len({symbol for record in dataset.records for symbol in record["symbols"]}) == 58
    assert max(record["max_force"] for record in dataset.records) <= 0.05
    readme = (DATA / "monolayers" / "README.md").read_text(encoding="utf-8")
    assert "500 hosts" in readme and "18 prototypes" in readme


@pytest.mark.parametrize("name", SOME)
def test_no_edge_crosses_the_vacuum(dataset, name):
    host = host_of(dataset, name)
    assert np.ptp(host.cart_coords[:, 2]) + 8 < host.lattice.c
    assert not build_graph(perfect_cell(host, 2).structure, name).image[:, 2].any()


CHANGES = {
    "vacancy": (-1, {-1: 1}),
    "antisite": (0, {-1: 1, 1: 1}),
    "substitution": (0, {-1: 1, 1: 1}),
    "interstitial": (1, {1: 1}),
    "swap": (0, {}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SOME)
def test_a_defect_changes_what_its_name_says(dataset, name, kind):
    host = host_of(dataset, name)
    before = host.copy()
    cell = make_defect(host, 3, kind, 0, np.random.default_rng(1))
    assert host == before
    perfect, broken = (counts(one) for one in (perfect_cell(host, 3).structure, cell.structure))
    steps = Counter(
        broken[one] - perfect[one] for one in perfect | broken if broken[one] != perfect[one]
    )
    n_atoms, expected = CHANGES[kind]
    assert len(cell.structure) == 9 * len(host) + n_atoms and steps == expected
    assert (kind == "substitution") == bool(set(broken) - set(perfect))
    assert np.allclose(cell.structure.lattice.matrix[2], host.lattice.matrix[2])
    assert len(cell.places) == (2 if kind == "swap" else 1)
    assert 1 <= cell.atoms_at_defect.sum() < len(cell.structure) / 2


@pytest.mark.parametrize("name", SOME)
def test_a_swap_leaves_all_distances_and_an_interstitial_no_shorter_one(dataset, name):
    host, rng = host_of(dataset, name), np.random.default_rng(0)
    perfect = build_graph(perfect_cell(host, 3).structure, "")
    swapped = build_graph(make_defect(host, 3, "swap", 0, rng).structure, "")
    assert np.allclose(np.sort(perfect.distance), np.sort(swapped.distance))
    extra = build_graph(make_defect(host, 3, "interstitial", 0, rng).structure, "")
    assert extra.distance.min() > 0.92 * shortest_bond(host)
    assert len(holes(host)) in (1, 2)


def test_no_interstitial_is_nearer_to_an_atom_than_atoms_are_to_each_other(dataset):
    for host in dataset.structures:
        nearest = distances_to(host, holes(host)).min()
        assert nearest > 0.92 * shortest_bond(host), host.formula


def test_the_generator_decides_and_the_same_one_gives_the_same(dataset):
    host = host_of(dataset, "K2NiF4:Sr-Ti-O")

    def elements(seed):
        cell = make_defect(host, 2, "substitution", 0, np.random.default_rng(seed))
        return tuple(cell.structure.atomic_numbers)

    assert elements(3) == elements(3)
    assert len({elements(seed) for seed in range(6)}) > 2


def test_a_hosts_defect_is_at_the_same_site_in_every_size(dataset):
    for kind in KINDS:
        small, large = (defect_of(dataset, "FeOCl:Ti-O-Br", kind, n) for n in (3, 5))
        host = counts(host_of(dataset, "FeOCl:Ti-O-Br"))
        changes = [
            {one: counts(cell.structure)[one] - n**2 * host[one] for one in counts(cell.structure)}
            for cell, n in ((small, 3), (large, 5))
        ]
        assert changes[0] == changes[1]


def test_what_cannot_be_made_is_said(dataset):
    host, rng = host_of(dataset, "BN:B-N"), np.random.default_rng(0)
    with pytest.raises(CrystalGraphError, match="No defect 'hole'; choose one of vacancy"):
        make_defect(host, 2, "hole", 0, rng)
    with pytest.raises(CrystalGraphError, match="atoms 0 to 1, but no atom 2"):
        make_defect(host, 2, "vacancy", 2, rng)


def test_rattling_moves_every_atom_by_the_given_length(dataset):
    cell = perfect_cell(host_of(dataset, "1T:Ti-S"), 5)
    moved = rattled(cell, 0.05, np.random.default_rng(0))
    steps = moved.structure.cart_coords - cell.structure.cart_coords
    assert steps.std() == pytest.approx(0.05, rel=0.15) and (np.abs(steps).max(axis=1) > 0).all()


def test_the_counting_rule_is_right_about_every_host_and_every_defect(dataset):
    """By counts alone, for all sizes that the task speaks of."""
    from crystalgraph.labs import LABS

    rule = right_answers(LABS["defects"])["1.3"]
    formulas = {tuple(sorted(counts(host).items())) for host in dataset.structures}
    for formula in formulas:
        for n in (2, 3, 6):
            perfect = {one: count * n * n for one, count in formula}
            assert math.gcd(*perfect.values()) >= 4
            for cell in changed(perfect):
                numbers = [z for z, count in enumerate(cell, 1) for _ in range(count)]
                assert rule(numbers), (formula, n, cell)


def changed(perfect):
    """The counts of a cell with one atom less, one more, and one of another element."""
    whole = list(perfect.values())
    for place in range(len(whole)):
        less = [count - (place == at) for at, count in enumerate(whole)]
        yield less
        yield [count + (place == at) for at, count in enumerate(whole)]
        yield [*less, 1]
        for other in range(len(whole)):
            if other != place:
                yield [count + (other == at) for at, count in enumerate(less)]
