"""Training with any features and bases, curves of strained crystals, and their slopes."""

import json

import numpy as np
import pytest
import torch
from other_defaults import change_default

from crystalgraph.crystals.features import one_hot_number, published_features
from crystalgraph.crystals.graphs import GraphSettings
from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments.in_force import differences
from crystalgraph.labs.features import (
    bases,
    columns,
    elements,
    measure,
    measured,
    slopes,
    strained,
    study,
)
from crystalgraph.networks.engine.network import QuotientNetwork
from crystalgraph.networks.training import TrainSettings


@pytest.fixture(scope="module")
def hosts():
    return strained.load_hosts()


@pytest.fixture(scope="module")
def two():
    """Networks that were hardly trained, with a smooth basis and with bins."""
    data = study.perovskites()
    inputs = {kind: study.Inputs(bonds=bases.KINDS[kind]) for kind in ("gaussians", "bins")}
    return {kind: study.fit(data, one, epochs=2) for kind, one in inputs.items()}


def test_nothing_trains_while_nbgrader_is_grading(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    data = study.perovskites()
    first, second = (study.fit(data, study.Inputs(), epochs=9) for _ in range(2))
    pairs = zip(first.network.parameters(), second.network.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs) and first.seconds < 1


def test_the_notebooks_own_random_numbers_stay_as_they_are():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    study.fit(study.perovskites(), study.Inputs(), epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_slopes_by_the_gradient_are_those_by_differences(two):
    graph = study.perovskites().graphs[study.place_of("Sr-Zr-O")]
    at = np.array([-0.05, 0.0, 0.03])
    gradient = slopes.by_gradient(two["gaussians"], graph, at)
    assert np.abs(gradient).max() > 1e-3
    assert gradient == pytest.approx(slopes.by_differences(two["gaussians"], graph, at), rel=1e-4)
    assert slopes.by_gradient(two["bins"], graph, at).tolist() == [0, 0, 0]


def test_bins_give_stairs(two):
    graph = study.perovskites().graphs[study.place_of("Sr-Zr-O")]
    flat = {
        kind: strained.flat_and_largest(strained.curve(one, graph))[0] for kind, one in two.items()
    }
    assert flat["bins"] > 0.8 and flat["gaussians"] == 0


def test_the_strained_crystals(hosts):
    assert [len(hosts.parts[part]) for part in ("train", "val", "test")] == [257, 29, 74]
    assert len(hosts.names) == 360 and len(hosts.measured) == 24
    bends = [strained.Bend.of(strained.STRAINS, hosts.at_five(place)) for place in range(360)]
    assert min(bend.curvature for bend in bends) > 10
    assert np.abs([bend.at for bend in bends]).max() < 0.03
    levels = [hosts.at_five(place)[2] for place in hosts.parts["train"]]
    assert abs(np.mean(levels)) < 0.01  # counted from references


def test_no_formula_is_in_two_parts(hosts):
    formulas = {
        part: {"".join(sorted(hosts.names[place].split("-")[:2])) + hosts.names[place].split("-")[2]
               for place in places}
        for part, places in hosts.parts.items()
    }  # fmt: skip
    assert not formulas["train"] & formulas["test"] and not formulas["train"] & formulas["val"]


def test_the_five_strains_of_a_crystal_stay_together(hosts):
    data = hosts.rows()
    table = study.Inputs().prepare([data.graphs[row] for row in data.val])
    loader = strained.HostLoader(table, data.target[data.val], 60, True, 0)
    targets = torch.cat([target for _, target in loader]).reshape(-1, 5)
    known = [tuple(np.float32(hosts.at_five(place))) for place in hosts.parts["val"]]
    assert sorted(map(tuple, targets.numpy())) == sorted(known)


def test_the_loss_of_differences_knows_levels_and_bends():
    loss = strained.Curves(0.0, 1.0, weight=10.0).loss
    flat = torch.zeros(10)
    assert loss(flat + 1, flat).item() == pytest.approx(1)  # a shift is no difference
    tilted = torch.arange(5.0).repeat(2) - 2
    assert loss(tilted, flat).item() == pytest.approx(10 * 1.2)
    assert strained.Curves(0.0, 1.0).loss(tilted, flat).item() == pytest.approx(1.2)


def test_elements_that_share_a_vector():
    assert "La = Ce" in elements.shared(published_features())
    assert elements.shared(one_hot_number()) == []


def test_nearest_of_the_own_group_and_chance():
    line = {"Li": [0.0], "Na": [0.1], "F": [5.0], "Cl": [5.1], "Ti": [9.0]}
    vectors = {symbol: np.array(place) for symbol, place in line.items()}
    assert elements.nearest_of_own_group(vectors) == (1.0, 0.25)  # titanium is alone
    mixed = {**vectors, "Na": np.array([5.05]), "Cl": np.array([0.05])}
    assert elements.nearest_of_own_group(mixed) == (0.0, 0.25)


GROUPS = tuple({run.group: None for run in measure.wanted()})


def test_finished_runs_were_made_with_what_is_in_force_today():
    runs = measure.finished(*GROUPS)
    assert {run.seed for run in runs} >= {0}
    assert set(runs) == set(measure.read()) <= set(measure.wanted())


@pytest.mark.parametrize(
    "change",
    [
        (GraphSettings, "k", 24),
        (TrainSettings, "learning_rate", 1e-3),
        (QuotientNetwork, "n_conv", 2),
    ],
    ids=["graphs", "training", "network"],
)
def test_stale_runs_are_not_shown(monkeypatch, change):
    change_default(monkeypatch, *change)
    for group in GROUPS:
        with pytest.raises(CrystalGraphError, match=rf"{change[1]}: .*, today {change[2]}"):
            measure.finished(group)


def test_runs_of_another_basis_are_stale(monkeypatch):
    monkeypatch.setattr(bases.gaussians, "__defaults__", (8.0, 40, 2.0))
    stale = [
        run.name
        for run, record in measure.read().items()
        if run.group == "bonds" and differences(record["in_force"], measure.in_force(run))
    ]
    assert set(stale) == {"10 Gaussians", "40 Gaussians", "80 Gaussians"}


def test_what_is_stale_is_made_again_and_no_more(monkeypatch, tmp_path):
    known = measure.read()
    some = [run for run in measure.wanted() if run.group == "bonds"][:3]
    path, records = tmp_path / "runs.jsonl", [dict(known[run]) for run in some]
    records[1]["in_force"] = records[1]["in_force"] | {"epochs": 7}
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    made = []
    monkeypatch.setattr(measure, "RUNS", path)
    monkeypatch.setattr(measure, "wanted", lambda: some)
    monkeypatch.setattr(measure, "result", lambda run: made.append(run) or known[run])
    assert measure.main() == 0 and made == [some[1]]
    assert measure.main() == 0 and len(made) == 1
    assert measure.read(path) == {run: known[run] for run in some}


def test_every_error_of_a_finished_run_has_a_crystal():
    for run, record in measure.read().items():
        if "test_errors" in record:
            assert len(record["test_errors"]) == len(study.perovskites(run.split).test)
            assert np.isfinite(record["test_errors"]).all()


def test_only_the_first_layer_grows_with_the_vectors_of_atoms(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")  # nothing trains: parameters only
    atoms = [study.cost_of_atoms(n)[2] for n in (20, 30)]
    bonds = [study.cost_of_bonds(n)[2] for n in (20, 30)]
    assert atoms[1] - atoms[0] == 10 * 64
    assert bonds[1] - bonds[0] == 10 * 3 * 128  # three convolutions, a filter and a core of 64


def test_an_unknown_group_of_runs_is_an_error():
    with pytest.raises(CrystalGraphError, match="'colour'.*bonds"):
        measured.errors("colour")


def test_what_costs_nothing_is_right():
    assert (
        measured.ridge_error([False] * 9) == measured.mean_error() == pytest.approx(0.789, abs=1e-3)
    )
    assert measured.ridge_error([True] * 9) == pytest.approx(0.442, abs=1e-3)


@pytest.mark.parametrize(
    ("ask", "names"),
    [
        (lambda: study.place_of("SrZrO3"), "SrZrO3"),
        (
            lambda: study.test_error(
                study.fit(study.perovskites(), study.Inputs(), epochs=1),
                study.perovskites(),
                symbol="Fe",
            ),
            "Fe",
        ),
        (lambda: elements.published_with("Xx", "group", 1), "Xx"),
        (lambda: elements.published_with("O", "color", 1), "color"),
        (lambda: columns.binned(np.arange(5.0), 0), "0 bins"),
        (lambda: study.Inputs(bonds=lambda d: d).rows(np.ones(3)), r"\(3,\)"),
        (lambda: study.Inputs(bonds=lambda d: None).rows(np.ones(3)), "NoneType"),
    ],
    ids=["place", "element", "symbol", "property", "no bin", "one axis", "nothing"],
)
def test_what_cannot_be_is_one_sentence(ask, names):
    with pytest.raises(CrystalGraphError, match=names):
        ask()


@pytest.mark.parametrize("value", [np.nan, 3.0], ids=["all missing", "all equal"])
def test_encoders_of_values_that_say_nothing(value, recwarn):
    values = np.full(4, value)
    assert columns.scaled(values).tolist() == [[0.0]] * 4
    first = 0.0 if np.isnan(value) else 1.0
    assert columns.binned(values, 2).tolist() == [[first, 0.0]] * 4
    assert not recwarn.list


def test_the_finished_runs_are_json_that_every_reader_takes():
    """Infinity, which Python writes for a minimum that is nowhere, is no JSON."""
    lines = measure.RUNS.read_text(encoding="utf-8").splitlines()
    assert lines and all(json.loads(line, parse_constant=pytest.fail) for line in lines)
