"""The checks of the lab: what a student who is half right, or careless, is told."""

import numpy as np
import pytest
import torch
from verdicts import drawn, examine_on

from crystalgraph.labs import LABS
from crystalgraph.releasing.right_answers import right_answers

LAB = LABS["trust"]
RIGHT = right_answers(LAB)


def report(task, answer):
    return LAB.run_check(task, answer)


def in_place(change):
    """mended_training that changes its targets before it trains on a copy of them."""

    def mended_training(describe, targets, *others):
        own = targets.clone()
        change(targets)
        return RIGHT["1.9"](describe, own, *others)

    return mended_training


@pytest.mark.parametrize("said", [{}.get, {"A": None, "F": "a bug"}.get], ids=["None", "a bug"])
def test_a_patient_that_is_not_understood_costs_the_others_nothing(said):
    known = {patient: RIGHT["1.8"](patient) for patient in "BCE"}
    found = report("1.8", lambda patient: known.get(patient) or said(patient))
    assert found.points == 1.5 and "For patient A" in found.failure.message


def test_targets_that_are_changed_in_place_are_noticed():
    found = report("1.9", in_place(lambda targets: targets.sub_(1)))
    assert not found.passed and "changes `targets` in place" in found.failure.message


@pytest.mark.parametrize("seed", range(3))
def test_right_trainings_pass_on_any_crystals(seed):
    (case,) = cases = drawn("trust", "1.9", f"student {seed}")
    assert np.isnan(case.inputs["inputs"]).any()
    assert examine_on("trust", "1.9", RIGHT["1.9"], cases).passed


def test_two_epochs_are_too_few_and_called_so():
    def short(describe, targets, train, val, test, seed):
        torch.manual_seed(seed)
        inputs = torch.stack([describe(row) for row in range(len(targets))]).nan_to_num()
        guess = inputs @ torch.randn(inputs.shape[1]) / 10 + targets[train].mean()
        return [float((guess - targets)[val].abs().mean())] * 2, guess

    assert report("1.9", short).failure.cause == "hardly learned"


def test_pythons_own_hash_is_found():
    """Another number in every new process, but in one process always the same."""
    found = report("1.3", lambda settings, before="": f"{hash(str(settings) + before):x}")
    assert found.failure.cause == "not repeatable"


CHANGED_IN_PLACE = {
    "1.3": lambda settings, before="": settings.update(before=before) or "key",
    "1.4": lambda symbols, error: RIGHT["1.4"](symbols, np.abs(error, out=error)),
    "1.5": lambda sizes, errors: RIGHT["1.5"](sizes, errors.__imul__(2)),
    "1.6": lambda error, spread: RIGHT["1.6"](error.__itruediv__(spread), np.ones_like(spread)),
    "1.7": lambda groups, seed: groups.sort() or RIGHT["1.7"](groups, seed),
}


@pytest.mark.parametrize("task", CHANGED_IN_PLACE)
def test_arguments_that_are_changed_in_place_are_noticed(task):
    found = report(task, CHANGED_IN_PLACE[task])
    assert not found.passed and "in place" in found.failure.message


def test_a_shell_that_is_cut_is_named_whichever_of_its_edges_are_kept():
    for seed in range(5):
        rng = np.random.default_rng(seed)

        def any_twelve(structure, k, radius, rng=rng):
            center, neighbor, image, distance = structure.get_neighbor_list(radius)
            distance = distance + 1e-6 * rng.random(len(distance))
            order = np.lexsort((distance, center))
            place = np.arange(len(center)) - np.searchsorted(center[order], center[order])
            kept = order[place < k]
            return {
                "z": np.array(structure.atomic_numbers),
                "edge_index": np.stack([neighbor, center])[:, kept],
                "distance": distance[kept],
                "image": image[kept],
            }

        assert report("1.1", any_twelve).failure.cause == "cut at k"
