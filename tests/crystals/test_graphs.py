"""Crystals as graphs: shells, ties, radius, batches, refusals, and the cache on disk."""

import warnings
from itertools import permutations, product

import numpy as np
import pytest
import torch
from pymatgen.core import DummySpecies, Lattice, Structure
from small_crystals import chain, salt

from crystalgraph.crystals.datasets import load_perovskites
from crystalgraph.crystals.features import GAUSSIAN_CENTERS, gaussian_expansion, published_features
from crystalgraph.crystals.graphs import batch_graphs, build_graph
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning
from crystalgraph.paths import DATA


def by_hand(structure, radius, cells=2):
    """All neighbors of every atom within the radius, by plain loops: {(i, j, image): distance}."""
    found = {}
    fractional, matrix = structure.frac_coords, structure.lattice.matrix
    for i, j in product(range(len(structure)), repeat=2):
        for image in product(range(-cells, cells + 1), repeat=3):
            vector = (fractional[j] + image - fractional[i]) @ matrix
            distance = np.linalg.norm(vector)
            if 1e-8 < distance <= radius:
                found[i, j, image] = distance
    return found


# --- whole shells --------------------------------------------------------------------------------


def test_salt_has_6_and_12_neighbors():
    graph = build_graph(salt(), "NaCl")
    assert graph.name == "NaCl" and graph.n_atoms == 8 and graph.n_edges == 8 * 18
    for atom in range(8):
        mine = graph.center == atom
        distance, neighbor = graph.distance[mine], graph.atomic_numbers[graph.neighbor[mine]]
        assert distance[:6] == pytest.approx(2.82) and distance[6:] == pytest.approx(2.82 * 2**0.5)
        own = graph.atomic_numbers[atom]
        assert (neighbor[:6] == 28 - own).all() and (neighbor[6:] == own).all()


@pytest.mark.parametrize("k, expected", [(1, 6), (6, 6), (7, 18), (12, 18), (18, 18), (19, 26)])
def test_k_is_rounded_up_to_whole_shells(k, expected):
    assert build_graph(salt(), k=k).n_edges == 8 * expected


def test_edges_are_those_found_by_plain_loops():
    structure = salt()
    graph = build_graph(structure, k=10_000, radius=5.0)
    found = by_hand(structure, 5.0)
    edges = zip(graph.center, graph.neighbor, map(tuple, graph.image), strict=True)
    assert dict(zip(edges, graph.distance, strict=True)) == pytest.approx(found)


def test_edges_are_sorted_by_center_then_distance():
    graph = build_graph(load_perovskites().structures[600])
    order = np.lexsort((graph.distance, graph.center))
    assert (graph.center[order] == graph.center).all()
    assert (np.diff(graph.distance)[np.diff(graph.center) == 0] >= 0).all()


def test_images_point_where_the_distance_says():
    structure = load_perovskites().structures[600]
    graph = build_graph(structure)
    fractional = structure.frac_coords
    vectors = (fractional[graph.neighbor] + graph.image - fractional[graph.center]) @ (
        structure.lattice.matrix
    )
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(graph.distance)


def test_atoms_are_neighbors_of_their_own_images():
    copper = Structure(Lattice.cubic(3.0), ["Cu"], [[0, 0, 0]])
    graph = build_graph(copper, k=6)
    assert graph.n_edges == 6 and (graph.neighbor == 0).all() and (graph.image != 0).any(1).all()


def test_the_tolerance_belongs_to_the_kth_shell():
    # From the first atom: 2.000 to the right, 2.008 (or 2.012) to the left.
    within, beyond = chain([2.0, 3.0, 2.008]), chain([2.0, 3.0, 2.012])
    assert (build_graph(within, k=1).center == 0).sum() == 2
    assert (build_graph(beyond, k=1).center == 0).sum() == 1
    assert (build_graph(beyond, k=1, tolerance=0.1).center == 0).sum() == 2


def test_the_tolerance_counts_at_the_radius_too():
    assert build_graph(chain([4.005, 4.005]), radius=4.0).n_edges == 4
    with pytest.raises(CrystalGraphError, match="no neighbor within 4 angstrom"):
        build_graph(chain([4.02, 4.02]), radius=4.0)


def test_fewer_than_k_neighbors_within_the_radius_are_all_kept():
    assert build_graph(chain([2.0, 2.0]), k=12, radius=4.5).n_edges == 2 * 4


# --- ties cut, as published ----------------------------------------------------------------------


@pytest.mark.parametrize("row", [0, 400, 650])
def test_a_cut_keeps_the_first_12_in_the_published_order(row):
    """The steps of the original code: get_all_neighbors, a stable sort, the first 12."""
    structure = load_perovskites().structures[row]
    graph = build_graph(structure, ties="cut")
    assert (np.bincount(graph.center) == 12).all()
    for atom, neighbors in enumerate(structure.get_all_neighbors(8.0)):
        nearest = sorted(neighbors, key=lambda near: near.nn_distance)[:12]
        mine = graph.center == atom
        assert graph.neighbor[mine].tolist() == [near.index for near in nearest]
        assert graph.distance[mine].tolist() == [near.nn_distance for near in nearest]


def test_a_cut_depends_on_the_order_of_atoms_and_whole_shells_do_not():
    """In the cubic cell 10 of 12 equal neighbors of X fit in: which ones is up to the list."""
    structure = load_perovskites().structures[0]

    def neighbors_of_x(ties):
        found = set()
        for order in permutations(range(5)):
            graph = build_graph(Structure.from_sites([structure[n] for n in order]), ties=ties)
            x = np.flatnonzero(graph.atomic_numbers == 17)
            mine = np.isin(graph.center, x)
            found.add(tuple(sorted(graph.atomic_numbers[graph.neighbor[mine]].tolist())))
        return found

    assert len(neighbors_of_x("keep")) == 1
    assert len(neighbors_of_x("cut")) > 1


# --- refusals ------------------------------------------------------------------------------------


def test_a_disordered_site_is_refused():
    half = Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}, "Cl"], [[0, 0, 0], [0.5] * 3])
    with pytest.raises(CrystalGraphError, match="half.cif: site 0 .* shared by several species"):
        build_graph(half, "half.cif")
    empty = Structure(Lattice.cubic(4), ["Na", {"Cl": 0.9}], [[0, 0, 0], [0.5] * 3])
    with pytest.raises(CrystalGraphError, match="site 1 .* or partly empty; give an ordered"):
        build_graph(empty)


def test_a_dummy_atom_is_refused():
    dummy = Structure(Lattice.cubic(4), [DummySpecies("X"), "Cl"], [[0, 0, 0], [0.5] * 3])
    with pytest.raises(CrystalGraphError, match="site 0 holds 'X.*', which is no chemical element"):
        build_graph(dummy)


def test_an_isolated_atom_is_refused():
    lonely = Structure(Lattice.cubic(20), ["H", "H", "He"], [[0, 0, 0], [0.05, 0, 0], [0.5] * 3])
    with pytest.raises(CrystalGraphError, match=r"gas: atom 2 \(He\) has no neighbor within 8 ang"):
        build_graph(lonely, "gas")
    with pytest.raises(CrystalGraphError, match="no neighbor"):
        build_graph(lonely, "gas", ties="cut")


def test_charges_do_not_matter():
    plain, charged = salt(), salt()
    charged.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    assert (build_graph(plain).atomic_numbers == build_graph(charged).atomic_numbers).all()


# --- batches -------------------------------------------------------------------------------------


def test_distances_that_no_crystal_has_are_said():
    """A cell in nanometers, and one in which all is three times as far as it should be."""
    for scale, kind in ((0.1, "near"), (2.6, "far")):
        wrong = salt()
        wrong.scale_lattice(salt().volume * scale**3)
        words = f"^salt: the nearest neighbor of atom 0 is {2.82 * scale:.3g} .* too {kind} for"
        with pytest.warns(CrystalGraphWarning, match=words):
            build_graph(wrong, "salt")


def test_distances_of_real_crystals_are_not_mentioned():
    with warnings.catch_warnings():
        warnings.simplefilter("error", CrystalGraphWarning)
        for name in ("Cu", "CsCl", "diamond", "SrTiO3", "ZnS_wurtzite"):
            build_graph(Structure.from_file(DATA / "crystals" / f"{name}.cif"))
        for element, a in (("Cs", 6.14), ("Ar", 5.26), ("Au", 4.08)):
            build_graph(Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [element], [[0] * 3]))


def test_a_batch_counts_atoms_on():
    first, second = build_graph(salt()), build_graph(chain([2.0, 2.0]), k=2)
    features = published_features()
    batch = batch_graphs([first, second], features)
    assert batch.n_crystals == 2 and batch.crystal.tolist() == [0] * 8 + [1] * 2
    assert batch.atom_features.shape == (10, 92) and batch.bond_features.shape == (148, 41)
    assert batch.center[-4:].tolist() == [8, 8, 9, 9]
    assert batch.neighbor[:144].max() == 7 and batch.neighbor[144:].min() == 8
    alone = batch_graphs([second], features)
    assert torch.equal(batch.bond_features[144:], alone.bond_features)
    assert batch.atom_features.dtype == torch.float32
    assert batch.double().bond_features.dtype == torch.float64
    assert len(batch.inputs()) == 6 and batch.to("cpu").n_crystals == 2


def test_bond_features_are_gaussians_without_tiny_numbers():
    graph = build_graph(salt())
    bonds = batch_graphs([graph], published_features(), torch.float64).bond_features.numpy()
    exact = gaussian_expansion(graph.distance)
    assert np.abs(bonds - exact).max() <= 1e-20
    assert bonds[bonds > 0].min() >= 1e-20
    assert exact[0] == pytest.approx(np.exp(-(((2.82 - GAUSSIAN_CENTERS) / 0.2) ** 2)))
