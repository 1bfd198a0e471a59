"""Graphs on disk: built once, again when anything that decides them is another, never half read."""

import json
import os
import sys
import time
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from small_crystals import chain, salt

from crystalgraph import paths
from crystalgraph.crystals import all_cores, graph_cache
from crystalgraph.crystals.bond_features import BondSettings
from crystalgraph.crystals.datasets import load_perovskites
from crystalgraph.crystals.graph_cache import build_graphs, cache_key
from crystalgraph.crystals.graphs import GraphSettings, build_graph
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    return tmp_path / "graphs"


def same(first, second):
    names = ("atomic_numbers", "center", "neighbor", "distance", "image")
    return all(
        a.name == b.name and all((getattr(a, n) == getattr(b, n)).all() for n in names)
        for a, b in zip(first, second, strict=True)
    )


@pytest.fixture
def counted(monkeypatch):
    """How often a graph was built."""
    calls = []

    def build(*arguments, **options):
        calls.append(arguments[1])
        return build_graph(*arguments, **options)

    monkeypatch.setattr(graph_cache, "build_graph", build)
    return calls


def test_graphs_are_built_once(cache, counted):
    structures, names = [salt(), chain([2.0, 2.5])], ["salt", "chain"]
    first = build_graphs(structures, names)
    assert counted == ["salt", "chain"] and len(list(cache.iterdir())) == 1
    again = build_graphs(structures, names)
    assert counted == ["salt", "chain"] and same(first, again)
    assert again[0].image.dtype == first[0].image.dtype


def test_another_crystal_setting_or_name_is_another_entry(cache, counted):
    build_graphs([salt()], ["salt"])
    build_graphs([salt((2, 1, 1))], ["salt"])
    build_graphs([salt()], ["salt"], k=6)
    build_graphs([salt()], ["NaCl"])
    moved = salt()
    moved.translate_sites([0], [1e-9, 0, 0])
    build_graphs([moved], ["salt"])
    assert len(counted) == 5 and len(list(cache.iterdir())) == 5


@pytest.mark.parametrize("damage", [b"", b"nonsense", None], ids=["empty", "other", "cut off"])
def test_a_damaged_cache_is_built_again(cache, counted, damage):
    first = build_graphs([salt()], ["salt"])
    [file] = cache.iterdir()
    file.write_bytes(file.read_bytes()[:-200] if damage is None else damage)
    assert same(build_graphs([salt()], ["salt"]), first) and len(counted) == 2
    assert same(build_graphs([salt()], ["salt"]), first) and len(counted) == 2


def test_nothing_half_written_is_left_or_read(cache, counted, monkeypatch):
    def fail(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(KeyboardInterrupt):
            build_graphs([salt()], ["salt"])
    assert not list(cache.iterdir())
    build_graphs([salt()], ["salt"])
    assert len(counted) == 2


def test_a_cache_that_cannot_be_written_is_no_error(cache, counted):
    cache.write_text("a file where the folder should be")
    assert len(build_graphs([salt()], ["salt"])) == len(counted) == 1


def salts(n):
    """Rock salts of n sizes, and their names."""
    crystals = [salt() for _ in range(n)]
    for number, crystal in enumerate(crystals):
        crystal.scale_lattice(crystal.volume * (1 + number / 100))
    return crystals, [f"salt {number}" for number in range(n)]


def test_a_changed_crystal_costs_the_graphs_of_its_chunk_alone(cache, counted, monkeypatch):
    monkeypatch.setattr(graph_cache, "CHUNK", 2)
    crystals, names = salts(5)
    first = build_graphs(crystals, names)
    assert counted == names and len(list(cache.iterdir())) == 3
    crystals[2].scale_lattice(200)
    second = build_graphs(crystals, names)
    assert counted[5:] == ["salt 2", "salt 3"]
    assert same(second, [build_graph(*pair) for pair in zip(crystals, names, strict=True)])
    assert same(first[:2] + first[3:], second[:2] + second[3:])


def test_interrupted_building_goes_on_with_the_chunk_that_was_not_done(cache, counted, monkeypatch):
    monkeypatch.setattr(graph_cache, "CHUNK", 2)
    build, (crystals, names) = graph_cache.build_graph, salts(5)

    def interrupted(structure, name, settings):
        if name == "salt 3":
            raise KeyboardInterrupt
        return build(structure, name, settings)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(graph_cache, "build_graph", interrupted)
        build_graphs(crystals, names)
    assert [graph.name for graph in build_graphs(crystals, names)] == names
    assert counted == ["salt 0", "salt 1", "salt 2", "salt 2", "salt 3", "salt 4"]


@pytest.mark.skipif(sys.platform != "linux", reason="one process only")
def test_two_processes_give_the_graphs_warnings_and_errors_of_one(cache, counted, monkeypatch):
    monkeypatch.setattr(graph_cache, "ENOUGH", 2)
    monkeypatch.setattr(all_cores, "AT_ONCE", 2)
    monkeypatch.setattr(all_cores, "_n_processes", lambda: 2)
    crystals, names = salts(9)
    expected = [build_graph(*pair) for pair in zip(crystals, names, strict=True)]
    assert same(build_graphs(crystals, names), expected) and not counted
    far = chain([2.0, 2.5])
    with pytest.warns(CrystalGraphWarning, match="far away: the nearest neighbor") as said:
        build_graphs([*crystals, far], [*names, "far away"])
    assert len(said) == 1
    crystals[4].scale_lattice(1e6)
    with pytest.raises(CrystalGraphError, match="salt 4: atom 0 .* has no neighbor"):
        build_graphs(crystals, names)


def test_the_cache_can_be_left_out(cache, counted):
    build_graphs([salt()], ["salt"], cache=False)
    build_graphs([salt()], ["salt"], cache=False)
    assert len(counted) == 2 and not cache.exists()


def slab_of(crystal):
    """The same atoms in the same cell, repeated in two directions only."""
    lattice = Lattice(crystal.lattice.matrix, pbc=(True, True, False))
    return Structure(lattice, crystal.species, crystal.frac_coords)


def test_a_slab_does_not_get_the_graph_of_a_bulk_crystal(cache, counted):
    bulk, slab = salt(), slab_of(salt())
    [of_bulk], [of_slab] = build_graphs([bulk], ["salt"]), build_graphs([slab], ["salt"])
    assert len(counted) == 2
    assert same([of_slab], [build_graph(slab, "salt")]) and of_slab.n_edges < of_bulk.n_edges


settings_of_graphs = st.builds(
    GraphSettings,
    k=st.integers(1, 30),
    radius=st.floats(0.1, 20),
    tolerance=st.floats(0, 1),
    ties=st.sampled_from(["keep", "cut"]),
    bonds=st.builds(
        BondSettings,
        n_centers=st.integers(1, 100),
        step=st.floats(0.01, 1),
        width=st.floats(0.01, 1),
        negligible=st.floats(0, 1e-3),
    ),
)


@given(settings_of_graphs, settings_of_graphs)
def test_the_key_knows_all_settings(first, second):
    keys = [cache_key([salt()], ["salt"], settings) for settings in (first, second)]
    assert (keys[0] == keys[1]) == (first == second)


@given(settings_of_graphs)
def test_settings_come_back_from_their_record(settings):
    record = json.loads(json.dumps(asdict(settings)))
    assert GraphSettings.from_record(record) == settings


@pytest.mark.parametrize("name", ["k", "bonds", "width", "wings"])
def test_a_record_of_other_fields_is_not_guessed_at(name):
    record = asdict(GraphSettings())
    record["bonds"].pop(name, None)
    record.pop(name, None)
    record |= {"wings": 2} if name == "wings" else {}
    with pytest.raises(CrystalGraphError, match=f"of this library differ in .*{name}"):
        GraphSettings.from_record(record)


@pytest.mark.nightly
def test_700_graphs_take_seconds_and_from_the_cache_less_than_one(cache):
    dataset = load_perovskites()
    begun = time.process_time()  # of this process: other work on the machine does not count
    cold = dataset.graphs()
    built = time.process_time() - begun
    begun = time.process_time()
    warm = dataset.graphs()
    read = time.process_time() - begun
    assert same(cold, warm)
    assert built < 10 and read < 1, f"{built:.2f} s cold, {read:.2f} s from the cache"
