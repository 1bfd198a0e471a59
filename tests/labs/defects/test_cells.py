"""Cells as quotient graphs: perfect ones by repetition, kinds of atoms, batches of twins."""

import numpy as np
import pytest
import torch

from crystalgraph.crystals.graphs import build_graph
from crystalgraph.crystals.symmetry import quotient, refine_colors
from crystalgraph.labs.defects.cells import N_CONV, defect_of, make_twins, one_cell
from crystalgraph.labs.defects.making import perfect_cell, rattled

SOME = ["1T:Ti-S", "BN:B-N", "K2NiF4:Sr-Ti-O", "FeOCl:Ti-O-Br"]


@pytest.fixture(scope="module")
def twins(dataset):
    return make_twins(dataset, SOME, "swap", 4)


def test_a_repeated_quotient_is_that_of_the_whole_cell(dataset, twins):
    for name in SOME:
        host = dataset.structures[dataset.ids.index(name)]
        whole = quotient(build_graph(perfect_cell(host, 4).structure, name), rounds=N_CONV)
        batch = twins.batch(twins.rows([name])[:1])
        assert np.array_equal(batch.element, whole.atomic_numbers)
        assert np.array_equal(batch.multiplicity, whole.multiplicity)
        assert np.allclose(batch.quotient.weight, whole.weight)


def test_rows_are_twins_in_turns(twins):
    rows = twins.rows(["FeOCl:Ti-O-Br", "BN:B-N"])
    assert rows.tolist() == [6, 7, 2, 3] and twins.label[rows].tolist() == [0, 1, 0, 1]
    batch = twins.batch(rows)
    atoms = torch.zeros(4).index_add(0, batch.crystal, batch.multiplicity)
    assert atoms.tolist() == [96, 96, 32, 32] == twins.n_atoms[rows].tolist()


def test_a_host_has_a_row_for_each_kind_of_defect(dataset, twins):
    table = make_twins(dataset, SOME, ("vacancy", "swap"), 4)
    assert table.n_classes == 3 and table.label.tolist() == [0, 1, 2] * 4
    rows = table.rows(["BN:B-N"])
    assert rows.tolist() == [3, 4, 5] and table.n_atoms[rows].tolist() == [32, 31, 32]
    for mine, known in ((rows[0], 2), (rows[2], 3)):  # perfect, swap
        pair = table.batch(np.array([mine])), twins.batch(np.array([known]))
        assert torch.equal(*(one.multiplicity for one in pair))
        assert torch.equal(*(one.quotient.weight for one in pair))


def test_those_at_the_defect_are_counted_by_kind(dataset, twins):
    for name in SOME:
        rows = twins.rows([name])
        batch, share = twins.batch(rows[1:]), twins.at_defect(rows[1:])
        cell = defect_of(dataset, name, "swap", 4)
        assert share @ batch.multiplicity.numpy() == pytest.approx(cell.atoms_at_defect.sum())
        assert not twins.at_defect(rows[:1]).any()  # a perfect cell


def test_the_kind_of_each_atom_is_its_row(dataset):
    cell = defect_of(dataset, "K2NiF4:Sr-Ti-O", "vacancy", 3)
    table, kind = one_cell(cell)
    batch = table.batch(np.array([0]))
    assert np.array_equal(batch.element[kind], cell.structure.atomic_numbers)
    assert np.array_equal(np.bincount(kind), batch.multiplicity)
    assert np.array_equal(
        kind, refine_colors(build_graph(cell.structure, ""), rounds=N_CONV)
    )  # fmt: skip


def test_rattled_twins_have_no_two_atoms_alike(dataset):
    def shake(cell, name):
        return rattled(cell, 0.05, np.random.default_rng(len(name)))

    table = make_twins(dataset, ["BN:B-N"], "swap", 4, shake)
    assert (table.batch(np.array([0, 1])).multiplicity == 1).all()
