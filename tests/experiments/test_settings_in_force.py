"""What was in force is what is recorded: with another default, what was made before is stale."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import asdict, fields, replace
from functools import partial

import numpy as np
import other_defaults
import pytest
import torch
from pymatgen.core import Lattice, Structure
from small_crystals import salt

from crystalgraph import paths
from crystalgraph.crystals import features
from crystalgraph.crystals.bond_features import BondSettings
from crystalgraph.crystals.datasets import CrystalDataset, Split, load_split
from crystalgraph.crystals.elements import load_elements
from crystalgraph.crystals.graph_cache import build_graphs, cache_key
from crystalgraph.crystals.graphs import GraphSettings
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments import finished_runs
from crystalgraph.experiments.catalog import Experiment, experiment
from crystalgraph.experiments.finished_runs import is_current, load_run, read_packed
from crystalgraph.experiments.verdicts import published_file
from crystalgraph.networks import training_run
from crystalgraph.networks.checkpoints import load_checkpoint, save_checkpoint
from crystalgraph.networks.model_file import MODEL_FILE, load_model_class
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.training import TrainSettings
from crystalgraph.networks.training_run import train_model

NETWORK = load_model_class()
OTHER_DEFAULTS = {
    GraphSettings: {"k": 24, "radius": 3.5, "tolerance": 3.0, "ties": "cut"},
    BondSettings: {"n_centers": 21, "step": 0.3, "width": 0.4, "negligible": 1e-3},
    TrainSettings: {
        "epochs": 7,
        "batch_size": 16,
        "learning_rate": 0.01,
        "weight_decay": 0.1,
        "clip": 0.5,
        "patience": 3,
        "seed": 5,
    },
    NETWORK: {
        "width": 12,
        "n_conv": 2,
        "head": 12,
        "n_hidden": 2,
        "conv": "shared",
        "pooling": "max",
        "batch_norm": False,
        "activation": torch.tanh,
        "residual": False,
        "task": "classification",
    },
}
GRAPH_CHANGES, BOND_CHANGES, TRAIN_CHANGES, MODEL_CHANGES = (
    [(kind, *change) for change in changes.items()] for kind, changes in OTHER_DEFAULTS.items()
)
ALL_CHANGES = GRAPH_CHANGES + BOND_CHANGES + TRAIN_CHANGES + MODEL_CHANGES


def by_name(change):
    return f"{change[0].__name__}-{change[1]}"


@pytest.fixture
def change_default(monkeypatch):
    """Give an argument of a class another default."""
    return partial(other_defaults.change_default, monkeypatch)


def test_every_setting_there_is_has_another_default_here():
    for kind in (GraphSettings, BondSettings, TrainSettings):
        names = {field.name for field in fields(kind)} - {"bonds"}  # its fields are tried instead
        assert set(OTHER_DEFAULTS[kind]) == names
    assert set(OTHER_DEFAULTS[NETWORK]) == set(ModelSettings.in_force(NETWORK).options)


# --- cached graphs -------------------------------------------------------------------------------


def copper():
    positions = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    return Structure(Lattice.cubic(3.61), ["Cu"] * 4, positions)


@pytest.mark.parametrize("change", GRAPH_CHANGES + BOND_CHANGES, ids=by_name)
def test_the_key_of_cached_graphs_changes(change_default, change):
    before = cache_key([salt()], ["salt"], GraphSettings())
    change_default(*change)
    assert cache_key([salt()], ["salt"], GraphSettings()) != before


@pytest.mark.parametrize("change", GRAPH_CHANGES, ids=by_name)
def test_the_cache_serves_no_graph_of_another_default(
    change_default, change, monkeypatch, tmp_path
):
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    crystals, names = [salt(), copper()], ["NaCl", "Cu"]
    old = [graph.n_edges for graph in build_graphs(crystals, names)]
    change_default(*change)
    cached, fresh = build_graphs(crystals, names), build_graphs(crystals, names, cache=False)
    assert [graph.n_edges for graph in cached] == [graph.n_edges for graph in fresh] != old


def test_the_key_of_cached_graphs_knows_the_version_of_the_code(monkeypatch):
    before = cache_key([salt()], ["salt"], GraphSettings())
    monkeypatch.setattr("crystalgraph.crystals.graph_cache.GRAPHS_VERSION", 2)
    assert cache_key([salt()], ["salt"], GraphSettings()) != before


# --- finished runs -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished():
    """Every finished run that is shipped."""
    files = set((paths.DATA / "runs").glob("*.json")) - {published_file()}
    return [run for path in sorted(files) for run in read_packed(path).values()]


def asks_for(chosen: Experiment, kind: type, name: str) -> bool:
    """Whether an experiment sets something itself, so that a default has no say."""
    own = {GraphSettings: chosen.graph, TrainSettings: {**chosen.train, "seed": 0}}
    return name in {**own, NETWORK: chosen.model_arguments}.get(kind, {})


@pytest.mark.parametrize("change", ALL_CHANGES, ids=by_name)
def test_finished_runs_become_stale_where_the_default_was_in_force(
    change_default, change, finished
):
    some = finished[::5]
    assert all(is_current(run, NETWORK) for run in some)
    change_default(*change)
    chosen = [experiment(run["experiment"]) for run in some]
    expected = [asks_for(one, *change[:2]) for one in chosen]
    assert [is_current(run, NETWORK) for run in some] == expected
    assert not all(expected) or change[1] == "seed"  # all experiments say this


@pytest.mark.parametrize("version", ["graphs", "training", "same_distance"])
def test_finished_runs_become_stale_with_the_code(monkeypatch, finished, version):
    monkeypatch.setitem(training_run.CODE_VERSIONS, version, 99)
    assert not any(is_current(run, NETWORK) for run in finished)


def test_finished_runs_become_stale_with_the_table_of_elements(monkeypatch, finished):
    elements = load_elements()
    other = replace(elements[8], electronegativity=0.7)
    monkeypatch.setattr(features, "load_elements", lambda: {**elements, 8: other})
    stale = {run["experiment"] for run in finished[::5] if not is_current(run, NETWORK)}
    assert {"gated", "scaled", "oxides_gated"} <= stale
    assert not stale & {"one_hot", "random_features"}


def test_finished_runs_become_stale_with_the_model_file(finished, tmp_path):
    text = MODEL_FILE.read_text(encoding="utf-8")
    (tmp_path / "model.py").write_text(f"{text}\n\nCONTENT = 'another'\n", encoding="utf-8")
    edited = load_model_class(tmp_path / "model.py")
    assert ModelSettings.in_force(edited) == ModelSettings.in_force(NETWORK)
    assert not any(is_current(run, edited) for run in finished[::20])


def test_finished_runs_become_stale_with_their_crystals(monkeypatch, finished):
    run = next(run for run in finished if run["experiment"] == "gated")
    dataset = finished_runs.bundled("perovskites")
    rows = load_split(dataset, run["split"]).test
    swapped = replace(dataset, ids=list(dataset.ids))
    swapped.ids[rows[0]], swapped.ids[rows[1]] = dataset.ids[rows[1]], dataset.ids[rows[0]]
    monkeypatch.setattr(finished_runs, "bundled", lambda name: swapped)
    assert not is_current(run, NETWORK)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((GraphSettings, "k", 24), "graph_settings.k: 12, today 24"),
        ((BondSettings, "width", 0.4), "graph_settings.bonds.width: 0.2, today 0.4"),
        ((TrainSettings, "epochs", 7), "train_settings.epochs: 120, today 7"),
    ],
    ids=["graph", "bonds", "training"],
)
def test_a_stale_run_is_not_shown(change_default, change, said):
    assert load_run("gated").test_mae
    change_default(*change)
    with pytest.raises(CrystalGraphError) as refused:
        load_run("gated")
    assert f"({said})" in str(refused.value)
    assert "`python tools/run_experiments.py --only layers`" in str(refused.value)


# --- checkpoints ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small():
    """Twelve rock salts of different size, with some energy."""
    crystals = [salt().copy() for _ in range(12)]
    for number, crystal in enumerate(crystals):
        crystal.scale_lattice((5.0 + 0.1 * number) ** 3)
        crystal.perturb(0.1)
    names = [str(number) for number in range(12)]
    return CrystalDataset("salts", names, crystals, {"energy": np.sin(np.arange(12.0))})


@pytest.fixture(scope="module")
def trained(small):
    """A network that was trained with all defaults, but few epochs."""
    split = Split("halves", np.arange(6), np.arange(6, 9), np.arange(9, 12))
    settings = TrainSettings(epochs=2, batch_size=3)
    return train_model(small, split, NETWORK, None, settings, "energy", device="cpu")[0]


@pytest.mark.parametrize("change", ALL_CHANGES, ids=by_name)
def test_a_checkpoint_keeps_what_it_was_trained_with(
    change_default, change, trained, small, tmp_path
):
    before = trained.predict(small.structures)
    path = save_checkpoint(trained, tmp_path / "c.pt")
    change_default(*change)
    after = load_checkpoint(path, NETWORK)
    assert after.model_settings == trained.model_settings
    assert after.graph_settings == trained.graph_settings
    assert after.train_settings == trained.train_settings
    assert (after.predict(small.structures) == before).all()


@pytest.mark.parametrize("change", ALL_CHANGES, ids=by_name)
def test_the_other_default_would_be_another_network(change_default, change, trained, small):
    """The twin of the test above: today's defaults in their place give other numbers, or none."""
    recorded = trained.graph_settings, trained.model_settings, asdict(TrainSettings())
    change_default(*change)
    today = GraphSettings(), ModelSettings.in_force(NETWORK), asdict(TrainSettings())
    assert [one != other for one, other in zip(recorded, today, strict=True)].count(True) == 1
    if change[0] is BondSettings and change[1] == "n_centers":
        with pytest.raises(RuntimeError):
            replace(trained, graph_settings=today[0]).predict(small.structures)
    elif change[0] in (GraphSettings, BondSettings):
        others = replace(trained, graph_settings=today[0]).predict(small.structures)
        assert np.abs(others - trained.predict(small.structures)).max() > 1e-6


def test_all_settings_are_recorded_with_their_values(trained, small):
    split = Split("halves", np.arange(6), np.arange(6, 9), np.arange(9, 12))
    settings = TrainSettings(epochs=1, batch_size=3)
    options = {"device": "cpu", "graph_settings": GraphSettings(k=6)}
    _, run = train_model(small, split, NETWORK, {"width": 8}, settings, "energy", **options)
    assert run.model_settings == {
        "width": 8,
        "n_conv": 3,
        "head": 128,
        "n_hidden": 1,
        "conv": "gated",
        "pooling": "mean",
        "batch_norm": True,
        "activation": "softplus",
        "residual": None,
        "task": "regression",
    }
    bonds = {"n_centers": 41, "step": 0.2, "width": 0.2, "negligible": 1e-20}
    graph = {"k": 6, "radius": 8.0, "tolerance": 0.01, "ties": "keep", "bonds": bonds}
    assert run.graph_settings == graph and run.train_settings == asdict(settings)
    assert run.versions == {"graphs": 1, "training": 2, "same_distance": 1e-3}


# --- the source itself ---------------------------------------------------------------------------

REPORT = """
import json, sys
from pathlib import Path
from crystalgraph.crystals.elements import load_elements
from crystalgraph.crystals.graph_cache import build_graphs
from crystalgraph.experiments.finished_runs import is_current, read_packed
from crystalgraph.networks.checkpoints import load_checkpoint
from crystalgraph.networks.model_file import load_model_class
from crystalgraph.paths import DATA
from pymatgen.core import Structure

network = load_model_class()
copper = Structure.from_dict(json.loads(sys.argv[1]))
runs = [
    run
    for path in (DATA / "runs").glob("*.json")
    if path.stem != "published"
    for run in read_packed(path).values()
]
print(json.dumps({
    "edges": build_graphs([copper], ["Cu"])[0].n_edges,
    "current": sum(is_current(run, network) for run in runs),
    "runs": len(runs),
    "prediction": load_checkpoint(sys.argv[2], network).predict([copper]).tolist(),
}))
"""


@pytest.mark.slow
def test_an_edited_default_in_the_source(trained, tmp_path):
    """The number of neighbors is raised in a copy of the library that shares cache and data."""
    path = save_checkpoint(trained, tmp_path / "c.pt")
    shutil.copytree(paths.PACKAGE, tmp_path / "crystalgraph")
    shutil.copy(MODEL_FILE, tmp_path)
    source = tmp_path / "crystalgraph" / "crystals" / "graphs.py"

    def report():
        own = {"CRYSTALGRAPH_CACHE": tmp_path / "cache", "CRYSTALGRAPH_DATA": paths.DATA}
        environment = {**os.environ, **{name: str(value) for name, value in own.items()}}
        arguments = [textwrap.dedent(REPORT), json.dumps(copper().as_dict()), str(path)]
        command = [sys.executable, "-c", *arguments]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    before = report()
    assert before["edges"] == 48 and before["current"] == before["runs"] == 429
    text = source.read_text()
    assert text.count("k: int = 12") == 1
    source.write_text(text.replace("k: int = 12", "k: int = 24"))
    after = report()
    assert after["edges"] == 168 and after["prediction"] == before["prediction"]
    assert after["current"] == 18  # those that say themselves how many neighbors they take
