"""Shipped data: what is in it, that it is whole, that labels follow from energies; splits."""

import json
import subprocess
import sys

import numpy as np
import pytest

from crystalgraph import paths
from crystalgraph.crystals.datasets import (
    FORMATION_ENERGY,
    CrystalDataset,
    load_perovskites,
    load_references,
    load_split,
    make_split,
    split_by_groups,
)
from crystalgraph.errors import CrystalGraphError

SPLIT_FILES = sorted((paths.DATA / "perovskites" / "splits").glob("*.json"))


@pytest.fixture(scope="module")
def dataset():
    return load_perovskites()


# --- the perovskites -----------------------------------------------------------------------------


def test_there_are_700_perovskites_with_three_columns(dataset):
    assert len(dataset) == len(set(dataset.ids)) == 700
    assert set(dataset.targets) == {FORMATION_ENERGY, "energy_total", "gap_mesh"}
    assert next(iter(dataset.targets)) == FORMATION_ENERGY
    for column in dataset.targets:
        assert dataset.target(column).shape == (700,)
        assert np.isfinite(dataset.target(column)).all()
    kinds = [record["kind"] for record in dataset.records]
    assert (kinds.count("ABX3"), kinds.count("A2BB'X6")) == (522, 178)


def test_structures_are_what_the_records_say(dataset):
    for structure, record in zip(dataset.structures, dataset.records, strict=True):
        assert len(structure) == record["n_atoms"] == {"ABX3": 5}.get(record["kind"], 10)
        assert sorted({site.specie.symbol for site in structure}) == sorted(set(record["sites"]))
        assert "-".join(record["sites"]) == record["id"]


def test_formation_energies_follow_from_total_energies_and_references(dataset):
    references = load_references()
    for number, structure in enumerate(dataset.structures):
        elements = sum(references[site.specie.symbol] for site in structure)
        per_atom = (dataset.target("energy_total")[number] - elements) / len(structure)
        # Energies are rounded to 1e-4 eV: half of that for the total, and for each reference.
        assert per_atom == pytest.approx(dataset.target(FORMATION_ENERGY)[number], abs=1.2e-4)


def test_gaps_are_not_negative(dataset):
    assert (dataset.target("gap_mesh") >= 0).all()


def test_an_unknown_column_names_those_there_are(dataset):
    with pytest.raises(CrystalGraphError, match="no column 'energy'; choose one of formation_"):
        dataset.target("energy")


def test_site_exchange_makes_the_same_formula_with_another_energy(dataset):
    row = {identifier: number for number, identifier in enumerate(dataset.ids)}
    a, b = row["Ba-W-O"], row["W-Ba-O"]
    assert dataset.formulas()[a] == dataset.formulas()[b]
    energies = dataset.target(FORMATION_ENERGY)
    assert energies[b] - energies[a] == pytest.approx(3.634, abs=1e-3)


# --- files ---------------------------------------------------------------------------------------


def test_checksums_are_those_of_the_files():
    tool = paths.REPO / "tools" / "checksums.py"
    result = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_data_folder_is_in_the_index():
    index = (paths.DATA / "README.md").read_text(encoding="utf-8")
    for folder in paths.DATA.iterdir():
        if folder.is_dir():
            assert folder.name in index


# --- shipped splits ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SPLIT_FILES, ids=lambda path: path.stem)
def test_a_shipped_split_has_every_crystal_once(dataset, path):
    split = load_split(dataset, path.stem)
    rows = np.concatenate([split.train, split.val, split.test])
    assert sorted(rows) == list(range(700))
    assert len(split.train) >= 490 and len(split.val) >= 60 and len(split.test) >= 10


def test_the_formula_split_has_no_formula_in_two_parts(dataset):
    split, formulas = load_split(dataset, "formula"), np.array(dataset.formulas())
    parts = [set(formulas[rows]) for rows in (split.train, split.val, split.test)]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]


def test_the_random_split_does_have_formulas_in_two_parts(dataset):
    split, formulas = load_split(dataset, "random"), np.array(dataset.formulas())
    assert set(formulas[split.train]) & set(formulas[split.test])


@pytest.mark.parametrize(
    "path", [p for p in SPLIT_FILES if p.stem.startswith("leave_out")], ids=lambda path: path.stem
)
def test_leave_out_never_trains_on_its_element_on_b(dataset, path):
    split, element = load_split(dataset, path.stem), path.stem.removeprefix("leave_out_")
    on_b = np.array([element in record["sites"][1:-1] for record in dataset.records])
    assert on_b[split.test].all()
    assert not on_b[split.train].any() and not on_b[split.val].any()
    formulas = np.array(dataset.formulas())
    assert not set(formulas[split.train]) & set(formulas[split.val])


def test_split_files_are_what_the_tool_writes(dataset):
    groups = split_by_groups(dataset.formulas(), "formula", 2018)
    shipped = load_split(dataset, "formula")
    assert all((getattr(groups, p) == getattr(shipped, p)).all() for p in ("train", "val", "test"))


def test_an_unknown_split_names_those_there_are(dataset):
    with pytest.raises(CrystalGraphError, match="No split 'leave_out_Xe'.* formula, leave_out_Ag"):
        load_split(dataset, "leave_out_Xe")


# --- splits of one's own data --------------------------------------------------------------------


def test_groups_stay_together_and_seeds_differ():
    groups = [number // 3 for number in range(60)]
    split, other = split_by_groups(groups, "test", 0), split_by_groups(groups, "test", 1)
    parts = [{groups[row] for row in rows} for rows in (split.train, split.val, split.test)]
    assert [len(part) for part in parts] == [14, 2, 4]
    assert set.union(*parts) == set(groups)
    assert (split_by_groups(groups, "test", 0).test == split.test).all()
    assert list(other.test) != list(split.test)


def test_three_crystals_are_the_fewest_that_can_be_split():
    split = split_by_groups(["a", "b", "c"], "random")
    assert [len(split.train), len(split.val), len(split.test)] == [1, 1, 1]
    with pytest.raises(CrystalGraphError, match="at least 3 different crystals but there are 2"):
        split_by_groups(["a", "b", "a"], "formula")


def test_split_all_has_a_small_validation_part_and_no_test_part(dataset):
    split, formulas = make_split(dataset, "all"), np.array(dataset.formulas())
    assert split.parts == ("train", "val") and len(split.test) == 0
    assert sorted([*split.train, *split.val]) == list(range(700))
    assert not set(formulas[split.train]) & set(formulas[split.val])
    assert len(set(formulas[split.val])) == round(len(set(formulas)) / 14)
    same = CrystalDataset("mine", ["a", "b", "c"], [dataset.structures[0]] * 3, {})
    assert len(make_split(same, "all").val) == 1  # one formula cannot be on both sides
    with pytest.raises(CrystalGraphError, match="at least 2 different crystals but there are 1"):
        split_by_groups(["a", "a"], "all", fractions=(0.1, 0))


def test_make_split_knows_three_names(dataset):
    small = CrystalDataset("mine", dataset.ids[:20], dataset.structures[:20], {})
    assert make_split(small, "formula").name == "formula"
    with pytest.raises(CrystalGraphError, match="No split 'leave_out_Ti'; choose one of random"):
        make_split(small, "leave_out_Ti")


def test_the_shipped_file_is_plain_json():
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    path = paths.DATA / "perovskites" / "perovskites.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        json.loads(line, parse_constant=refuse)
