"""What can be said of a cell without a network."""

import numpy as np
import pytest

from crystalgraph.labs.defects.baselines import coordination, shortest_distance
from crystalgraph.labs.defects.cells import make_twins


@pytest.fixture(scope="module")
def nitride(dataset):
    """Boron nitride in 4 x 4 cells, with each kind of defect: kind -> graphs of both twins."""
    kinds = ("vacancy", "swap")
    return {one: make_twins(dataset, ["BN:B-N"], one, 4).graphs for one in kinds}


def test_each_atom_of_boron_nitride_has_three_bonds_but_beside_a_vacancy(nitride):
    perfect, broken = (32 * coordination(one) for one in nitride["vacancy"])
    assert perfect[3] == 32 and perfect.sum() == 32
    atoms = 31 / 32 * broken
    assert atoms[2] == pytest.approx(3) and atoms[3] == pytest.approx(28)


def test_a_swap_changes_no_distance(nitride):
    perfect, broken = nitride["swap"]
    for told in (coordination, shortest_distance):
        assert told(perfect) == pytest.approx(told(broken))
    assert shortest_distance(perfect) == pytest.approx(1.44, abs=0.03)
    assert np.isfinite(coordination(broken)).all()
