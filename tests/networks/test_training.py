"""The training loop: normalizer, loader, best weights, early stopping, determinism, failures."""

import copy
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from pymatgen.core import Lattice, Structure

from crystalgraph.crystals.datasets import FORMATION_ENERGY, CrystalDataset, Split, load_perovskites
from crystalgraph.crystals.features import published_features, random_features
from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks import training
from crystalgraph.networks import training_run as runs
from crystalgraph.networks.model_file import load_model_class, make_model
from crystalgraph.networks.training import CrystalLoader, Normalizer, TrainSettings
from crystalgraph.networks.training_run import RunResult, train_model, unit_of

NETWORK = load_model_class()
SMALL = {"width": 16, "n_conv": 2, "head": 16}


@pytest.fixture(scope="module")
def small():
    """Every 35th perovskite: 20 crystals of both kinds."""
    full = load_perovskites()
    rows = range(0, 700, 35)
    targets = {name: column[list(rows)] for name, column in full.targets.items()}
    ids, structures = [full.ids[r] for r in rows], [full.structures[r] for r in rows]
    return CrystalDataset("small", ids, structures, targets, [full.records[r] for r in rows])


@pytest.fixture(scope="module")
def split():
    return Split("halves", np.arange(10), np.arange(10, 15), np.arange(15, 20))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run_training(*arguments, **options):
    """The finished run alone."""
    return train_model(*arguments, **options)[1]


def loader(dataset, rows=slice(None), **options):
    graphs = dataset.graphs()[rows]
    return CrystalLoader(
        graphs, dataset.target(FORMATION_ENERGY)[rows], published_features(), **options
    )


# --- normalizer ----------------------------------------------------------------------------------


def test_the_normalizer_is_the_mean_and_the_population_deviation():
    normalizer = Normalizer.fit(np.array([1.0, 2.0, 3.0, 6.0]))
    assert normalizer.mean == 3.0 and normalizer.std == pytest.approx(3.5**0.5)
    target = np.array([-1.0, 4.0])
    assert normalizer.denormalize(normalizer.normalize(target)) == pytest.approx(target)


def test_equal_targets_are_refused():
    with pytest.raises(CrystalGraphError, match="All training targets are equal.*target column"):
        Normalizer.fit(np.full(5, 2.0))


def test_equal_targets_are_refused_though_their_mean_is_rounded():
    assert np.std(np.full(3, 0.1)) > 0  # a rounding error
    with pytest.raises(CrystalGraphError, match="All training targets are equal"):
        Normalizer.fit(np.full(3, 0.1))


def test_a_single_training_crystal_is_named_as_the_cause():
    with pytest.raises(CrystalGraphError, match="only one training crystal.*add crystals"):
        Normalizer.fit(np.array([2.0]))


TOTAL_ENERGIES = [0.0, -1e5, -2e6]  # eV


@pytest.mark.parametrize("offset", TOTAL_ENERGIES)
def test_a_perfect_network_has_no_error_whatever_the_offset(offset):
    targets = offset + np.random.default_rng(0).normal(0, 0.5, 100)
    normalizer = Normalizer.fit(targets)
    output = torch.as_tensor((targets - normalizer.mean) / normalizer.std, dtype=torch.float32)
    assert normalizer.error(output, targets) < 1e-6


@pytest.mark.parametrize("offset", TOTAL_ENERGIES)
def test_training_does_not_depend_on_the_offset_of_the_target(small, split, offset):
    settings = TrainSettings(epochs=2, batch_size=5)

    def run(offset):
        targets = {"y": small.target(FORMATION_ENERGY) + offset}
        return run_training(replace(small, targets=targets), split, NETWORK, SMALL, settings, "y")

    here, there = run(0.0), run(offset)
    assert there.history["train_loss"] == pytest.approx(here.history["train_loss"], rel=1e-3)
    assert there.mae == pytest.approx(here.mae, rel=1e-3)


def test_the_normalizer_of_a_run_knows_the_training_crystals_only(small, split):
    settings = TrainSettings(epochs=1)
    trained, _ = train_model(small, split, NETWORK, SMALL, settings)
    known = small.target(FORMATION_ENERGY)[:10]
    assert trained.normalizer.mean == pytest.approx(known.mean())
    assert trained.normalizer.std == pytest.approx(known.std())


# --- loader --------------------------------------------------------------------------------------


def test_a_loader_shows_every_crystal_once(small):
    batches = list(loader(small, batch_size=6))
    assert len(batches) == len(loader(small, batch_size=6)) == 4
    assert [batch.n_crystals for batch, _ in batches] == [5, 5, 5, 5]
    targets = torch.cat([target for _, target in batches])
    assert targets.numpy() == pytest.approx(small.target(FORMATION_ENERGY), abs=1e-6)


def test_a_shuffling_loader_changes_its_order_and_repeats_with_its_seed(small):
    def orders(seed):
        shuffled = loader(small, batch_size=20, shuffle=True, seed=seed)
        return [next(iter(shuffled))[1].tolist() for _ in range(2)]

    first, second = orders(0)
    assert first != second and sorted(first) == sorted(second)
    assert orders(0) == [first, second] != orders(1)


# --- metrics -------------------------------------------------------------------------------------


def test_the_error_is_weighted_by_crystals_in_eval_mode(small):
    model = make_model(NETWORK, 92, SMALL)
    normalizer = Normalizer(-1.0, 0.5)
    batches = loader(small, batch_size=7)  # 7, 7, 6
    error = training.validation_error(model, batches, normalizer)
    assert model.training
    model.eval()
    with torch.no_grad():
        [(batch, target)] = list(loader(small, batch_size=20))
        expected = (model(*batch.inputs()) * 0.5 - 1.0 - target).abs().mean()
    assert error == pytest.approx(float(expected), rel=1e-5)


# --- best weights and early stopping -------------------------------------------------------------


@pytest.fixture
def scripted(small, monkeypatch):
    """Train with validation errors of one's own; keeps the weights after each epoch."""

    def run(errors, **settings):
        model = make_model(NETWORK, 92, SMALL)
        seen, script = [], iter(errors)

        def next_error(network, *_):
            seen.append(copy.deepcopy(network.state_dict()))
            return next(script)

        monkeypatch.setattr(training, "validation_error", next_error)
        settings = TrainSettings(**{"epochs": len(errors), "batch_size": 10, **settings})
        fit = loader(small, batch_size=10, shuffle=True)
        history = training.train(model, fit, fit, Normalizer(-1.0, 1.0), settings, False)
        return model.state_dict(), seen, history

    return run


def equal(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    "best, errors",
    [
        (0, [1.0, 2.0, 3.0]),
        (1, [3.0, 1.0, 2.0, 1.5]),
        (3, [3.0, 2.0, 2.5, 1.0]),
    ],
)
def test_the_weights_kept_are_those_of_the_best_epoch(scripted, best, errors):
    kept, seen, history = scripted(errors)
    assert history.best_epoch == best and history.val_mae == errors
    for epoch, weights in enumerate(seen):
        assert equal(kept, weights) == (epoch == best)


def test_training_stops_when_patience_is_over(scripted):
    kept, seen, history = scripted([3.0, 1.0, 2.0, 2.0, 2.0, 0.5], patience=3)
    assert len(history.val_mae) == 5 and history.best_epoch == 1
    assert equal(kept, seen[1])


def test_the_history_has_one_entry_per_epoch(scripted):
    _, _, history = scripted([3.0, 2.0, 1.0])
    assert history.step == [2, 4, 6]
    for name in ("train_loss", "train_mae", "val_mae", "learning_rate", "seconds"):
        assert len(getattr(history, name)) == 3
    assert history.seconds == sorted(history.seconds)
    assert history.train_mae == pytest.approx(history.train_loss)  # the deviation is 1 here


def test_the_reported_errors_are_those_of_the_weights_kept(small, split):
    settings = TrainSettings(epochs=6, batch_size=5, learning_rate=0.02)
    trained, result = train_model(small, split, NETWORK, SMALL, settings)
    assert result.val_mae == pytest.approx(min(result.history["val_mae"]), rel=1e-5)
    again = training.validation_error(
        trained.model, loader(small, slice(15, 20)), trained.normalizer
    )
    assert result.test_mae == pytest.approx(again, rel=1e-5)


LOADERS = runs._loaders


def stop_on_test(*arguments):
    """The mistake: early stopping, and the choice of the weights, by the test error."""
    loaders = LOADERS(*arguments)
    return {**loaders, "val": loaders["test"]}


@pytest.mark.parametrize(("mistake", "leaks"), [(LOADERS, False), (stop_on_test, True)])
def test_test_crystals_have_no_say_in_training(small, split, monkeypatch, mistake, leaks):
    """Weights and history stay what they are when only test targets change."""
    monkeypatch.setattr(runs, "_loaders", mistake)
    targets = small.target(FORMATION_ENERGY).copy()
    targets[split.test] = 7.0 - targets[split.test]
    other = replace(small, targets={**small.targets, FORMATION_ENERGY: targets})
    settings = TrainSettings(epochs=6, batch_size=5, learning_rate=0.02)
    found = [train_model(data, split, NETWORK, SMALL, settings) for data in (small, other)]
    histories = [run.history["val_mae"] for _, run in found]
    assert (histories[0] != histories[1]) == leaks
    weights = [list(trained.model.parameters()) for trained, _ in found]
    same = all(torch.equal(one, two) for one, two in zip(*weights, strict=True))
    assert same or leaks


# --- learning ------------------------------------------------------------------------------------


def test_a_network_overfits_a_few_crystals(small):
    split = Split("the same", np.arange(6), np.arange(6), np.arange(6))
    settings = TrainSettings(epochs=80, learning_rate=0.02, patience=80)
    result = run_training(small, split, NETWORK, SMALL, settings)
    assert np.abs(small.target(FORMATION_ENERGY)[:6] + 1).mean() > 0.5
    assert result.train_mae < 0.1


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_numbers(small, split, threads):
    torch.set_num_threads(threads)

    def run(seed):
        settings = TrainSettings(epochs=1, batch_size=4, seed=seed)
        result = run_training(small, split, NETWORK, SMALL, settings, device="cpu")
        return result.predictions, result.history["train_loss"]

    first = run(0)
    torch.rand(7)  # whatever was drawn in between
    assert run(0) == first != run(1)


def test_a_training_step_clips_the_gradient(small):
    [(batch, target)] = list(loader(small, batch_size=20))
    model = make_model(NETWORK, 92, SMALL)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    before = [weight.detach().clone() for weight in model.parameters()]
    loss = training.training_step(model, batch, 1000 * target, optimizer, clip=0.5)
    moved = [new - old for new, old in zip(model.parameters(), before, strict=True)]
    assert loss > 100
    assert torch.cat([move.flatten() for move in moved]).norm().item() == pytest.approx(0.5, 1e-3)


# --- failures ------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_is_one_sentence(small, split):
    class Broken(NETWORK):
        def forward(self, *inputs):
            return super().forward(*inputs) * float("nan")

    with pytest.raises(CrystalGraphError, match="no longer a finite number; lower the learning"):
        run_training(small, split, Broken, SMALL, TrainSettings(epochs=1))


def test_a_validation_error_that_is_no_number_is_one_sentence(small, split):
    class BrokenWhenEvaluated(NETWORK):
        def forward(self, *inputs):
            return super().forward(*inputs) * (1.0 if self.training else float("nan"))

    with pytest.raises(CrystalGraphError, match="validation error is no longer a finite number"):
        run_training(small, split, BrokenWhenEvaluated, SMALL, TrainSettings(epochs=1))


def test_a_target_with_gaps_is_one_sentence(small, split):
    targets = small.target(FORMATION_ENERGY).copy()
    targets[[3, 17]] = np.nan
    gaps = replace(small, targets={"mine": targets})
    with pytest.raises(CrystalGraphError, match="2 crystals of small have no number in .*'mine'"):
        run_training(gaps, split, NETWORK, SMALL, TrainSettings(epochs=1), "mine")


def test_an_empty_part_is_one_sentence(small):
    nothing = Split("odd", np.arange(10), np.arange(0), np.arange(10, 20))
    with pytest.raises(CrystalGraphError, match="The val part of split 'odd' of small is empty"):
        run_training(small, nothing, NETWORK, SMALL, TrainSettings(epochs=1))


def test_batch_norm_of_a_single_atom_is_one_sentence(split):
    copper = [Structure(Lattice.cubic(3 + 0.1 * n), ["Cu"], [[0, 0, 0]]) for n in range(20)]
    single = CrystalDataset("metals", list(map(str, range(20))), copper, {"y": np.arange(20.0)})
    settings = TrainSettings(epochs=1, batch_size=1)
    with pytest.raises(CrystalGraphError, match="single atom or bond.*raise --batch-size"):
        run_training(single, split, NETWORK, SMALL, settings, "y")
    without = {**SMALL, "batch_norm": False}
    assert run_training(single, split, NETWORK, without, settings, "y").n_epochs == 1


# --- finished runs -------------------------------------------------------------------------------


def test_a_run_survives_json(small, split):
    settings = TrainSettings(epochs=2)
    model = {**SMALL, "conv": "shared", "activation": "relu", "residual": True}
    result = run_training(small, split, NETWORK, model, settings, features=random_features())
    text = json.dumps(asdict(result), allow_nan=False)
    assert RunResult(**json.loads(text)) == result
    assert (result.count("train"), result.count("val"), result.count("test")) == (10, 5, 5)
    assert result.predictions["test"]["id"] == small.ids[15:]
    assert np.abs(result.errors()).mean() == pytest.approx(result.test_mae)
    assert result.unit == "eV/atom" and result.features.startswith("random")
    assert result.seconds_per_epoch == result.seconds / 2


def test_units_are_known_by_name(small):
    assert unit_of(small, "energy_total") == "eV/cell" and unit_of(small, "mine") == ""
    assert unit_of(replace(small, name="matbench_perovskites"), "e_form") == "eV/cell"
    assert unit_of(replace(small, name="matbench_mp_e_form"), "e_form") == ""


def test_the_test_set_is_predicted_once_and_last(small, split, monkeypatch):
    """Its targets are not looked at before the last epoch is over."""
    looked = []

    original = training.outputs

    def watching(model, batches):
        looked.append(len(batches.targets))
        return original(model, batches)

    monkeypatch.setattr(training, "outputs", watching)
    monkeypatch.setattr("crystalgraph.networks.training_run.outputs", watching)
    parts = Split("uneven", np.arange(11), np.arange(11, 16), np.arange(16, 20))
    run_training(small, parts, NETWORK, SMALL, TrainSettings(epochs=3))
    assert looked == [5, 5, 5, 11, 5, 4]
