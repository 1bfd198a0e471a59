"""The bug clinic: each patient has the illness that its code shows, and the others have not."""

from collections import Counter

import numpy as np
import pytest

from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.labs.trust import clinic, study
from crystalgraph.paths import REPO
from crystalgraph.releasing.leaks import find_leaks, secret_lines


@pytest.fixture(scope="module")
def ward():
    return study.oxide_ward()


class Described:
    """Takes the place of clinic.describe: each crystal is described once, and calls are counted."""

    def __init__(self):
        self.known, self.calls, self.describe = {}, 0, clinic.describe

    def __call__(self, structure):
        self.calls += 1
        if id(structure) not in self.known:
            self.known[id(structure)] = self.describe(structure)
        return self.known[id(structure)].clone()


@pytest.fixture(scope="module")
def describe():
    with pytest.MonkeyPatch.context() as patch:
        described = Described()
        patch.setattr(clinic, "describe", described)
        yield described


@pytest.fixture(scope="module")
def charts(ward, describe):
    return {patient: clinic.admit(patient, ward) for patient in ["", *"ABCEFGHI"]}


@pytest.mark.parametrize("patient", clinic.WRONG)
def test_a_patient_differs_from_the_program_that_is_well_in_what_is_wrong_alone(patient):
    well, sick = (
        Counter(line.strip() for line in text.splitlines() if line.strip())
        for text in (clinic.PROGRAM.format(**clinic.RIGHT), clinic.code_of(patient))
    )
    assert (sick - well).total() <= 1
    assert (well - sick).total() == (patient != "D")  # its lines are all there, one is moved


def test_an_unknown_patient_is_refused(ward):
    for ask in (clinic.code_of, lambda letter: clinic.admit(letter, ward)):
        with pytest.raises(CrystalGraphError, match="no patient 'b': give a letter from A to I"):
            ask("b")


def test_the_program_that_is_well_beats_the_mean_and_keeps_its_best_epoch(charts, ward):
    well = charts[""]
    assert well.fault == "" and well.test < 0.75 * (ward.targets - ward.targets.mean()).abs().mean()


def test_what_learns_nothing_stays_at_the_error_of_the_mean_or_ends_in_nan(charts, ward):
    mean = (ward.targets - ward.targets.mean()).abs().mean().item()
    for patient in "BE":
        assert min(charts[patient].train[5:]) > 0.75 * mean
    assert np.isnan(charts["C"].train[-1]) and np.isfinite(charts["C"].train[1])


def test_a_leak_makes_validation_much_better_than_test(charts):
    leak, well = charts["F"], charts[""]
    assert leak.test > 2 * min(leak.val) and well.test < 2 * min(well.val)


def test_without_early_stopping_validation_has_risen_again(charts):
    last = charts["A"]
    assert last.val[-1] > 1.07 * min(last.val) and last.train[-1] < 0.5 * last.train[0]


def test_a_batch_of_one_crystal_stops_the_training(charts):
    assert "more than 1 value per channel" in charts["I"].fault


def test_graphs_are_built_again_in_every_epoch(ward, describe):
    calls = {}
    for patient in ("", "D"):
        before = describe.calls
        clinic.admit(patient, ward, epochs=3)
        calls[patient] = describe.calls - before
    assert calls == {"": len(ward.formulas), "D": 3 * len(ward.formulas)}


def test_programs_that_the_notebook_prints_give_no_line_of_a_solution_away():
    """The site shows what the notebook prints."""
    lab = LABS["trust"]
    shown = "\n".join([clinic.SEVEN_AT_ONCE, *map(clinic.code_of, "ABCDEFGHI")])
    assert find_leaks(shown, secret_lines(lab, REPO)) == []
