"""The dataset of perovskites and other oxides, and its builder in tools/oxides."""

import json
import sys
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from crystalgraph.checking.python_file import load_python_file
from crystalgraph.crystals.datasets import load_oxides, load_split
from crystalgraph.paths import REPO

TOOLS = REPO / "tools" / "oxides"
for folder in (REPO / "tools" / "perovskites", TOOLS):
    sys.path.append(str(folder))

from candidates import Candidate, candidates, may_be_perovskite  # noqa: E402
from choice import SAME, in_turn, others, without_duplicates  # noqa: E402
from definition import fingerprint, is_perovskite  # noqa: E402
from prototypes import TEMPLATES, cell  # noqa: E402
from symmetry import EXACT, space_group  # noqa: E402
from tilts import DOUBLE_VARIANTS, VARIANTS, perovskite_cell  # noqa: E402

SIMPLE = {"A": "Sr2+", "B": "Ti4+"}
DOUBLE = {"A": "Sr2+", "B": "Mg2+", "B2": "W6+"}


@pytest.fixture(scope="module")
def oxides():
    return load_oxides()


@pytest.fixture(scope="module")
def labels(oxides):
    return oxides.target("perovskite")


def test_every_perovskite_is_one_and_no_other_is(oxides, labels):
    verdicts = [
        is_perovskite(structure, record["b_elements"])
        for structure, record in zip(oxides.structures, oxides.records, strict=True)
    ]
    assert np.array_equal(verdicts, labels == 1)


def test_both_classes_are_as_large(labels):
    assert len(labels) >= 690
    assert (labels == 1).sum() == (labels == 0).sum()


def test_most_others_have_the_formula_of_a_perovskite(oxides, labels):
    formulas = np.array(oxides.formulas())
    assert np.isin(formulas[labels == 0], formulas[labels == 1]).mean() >= 0.5


def test_the_named_rivals_and_tilts_are_in_it(oxides):
    counts = Counter(record["prototype"] for record in oxides.records)
    for prototype in ("ilmenite", "2H", "post_perovskite", "K2NiF4", "hexagonal_bronze"):
        assert counts[prototype] >= 5, prototype
    groups = {record["space_group"] for record in oxides.records if record["perovskite"]}
    assert {"Pm-3m", "Pnma", "R-3c", "I4/mcm", "Fm-3m", "P2_1/c"} <= groups
    assert not {"R3c", "LiNbO3"} & (groups | set(counts)), "LiNbO3-type is left out"


def test_shells_are_exact(oxides):
    """Symmetrised: the recorded group is found again within what six digits leave."""
    for structure, record in zip(oxides.structures, oxides.records, strict=True):
        assert space_group(structure, EXACT) == record["space_group"], record["id"]


def test_no_two_crystals_are_the_same(oxides):
    assert len(without_duplicates(oxides.records)) == len(oxides)


def test_records_agree_with_their_structures(oxides):
    assert len(set(oxides.ids)) == len(oxides)
    for structure, record in zip(oxides.structures, oxides.records, strict=True):
        assert record["formula"] == structure.composition.reduced_formula
        assert record["n_atoms"] == len(structure)
        assert set(record["b_elements"]) <= set(record["symbols"])
        assert "O" in record["symbols"]
        assert record["id"] == f"{record['formula']}-{record['prototype']}".replace("/", "")


def test_split_is_by_formula_and_holds_both_classes(oxides, labels):
    split = load_split(oxides, "formula")
    formulas = np.array(oxides.formulas())
    parts = [split.train, split.val, split.test]
    assert sorted(np.concatenate(parts)) == list(range(len(oxides)))
    for number, rows in enumerate(parts):
        rest = np.concatenate(parts[:number] + parts[number + 1 :])
        assert not set(formulas[rows]) & set(formulas[rest])
        assert 0.35 < labels[rows].mean() < 0.65


# the definition


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_tilted_cell_has_the_group_it_is_named_after(variant):
    start = perovskite_cell(SIMPLE, VARIANTS[variant])
    assert start.get_space_group_info(1e-3)[0] == variant
    assert is_perovskite(start, ["Ti"])


@pytest.mark.parametrize("group", DOUBLE_VARIANTS)
def test_order_of_two_b_lowers_the_symmetry(group):
    start = perovskite_cell(DOUBLE, VARIANTS[DOUBLE_VARIANTS[group]])
    assert start.get_space_group_info(1e-3)[0] == group
    assert is_perovskite(start, ["Mg", "W"])


def test_a_half_of_the_net_is_no_perovskite():
    """Six corners are not enough: with Mg alone as B no corner is shared."""
    assert not is_perovskite(perovskite_cell(DOUBLE, VARIANTS["Pm-3m"]), ["Mg"])


@pytest.mark.parametrize("prototype", TEMPLATES)
def test_templates_are_what_they_are_named_after(prototype):
    template = TEMPLATES[prototype]
    structure = cell(prototype, template.reference)
    symbol = template.reference["B"].rstrip("0123456789+")
    assert structure.get_space_group_info(1e-3)[0] == template.space_group.split(":")[0]
    assert not is_perovskite(structure, [symbol])


SHARED = {  # oxygens around B; how many other B share one, two or three of them
    "ilmenite": (6, {2: 3}),
    "2H": (6, {3: 2}),
    "post_perovskite": (6, {1: 2, 2: 2}),
    "hexagonal_layers": (5, {1: 6}),
    "pyrochlore": (6, {1: 6}),
    "defect_pyrochlore": (6, {1: 6}),
    "hexagonal_bronze": (6, {1: 6}),
    "K2NiF4": (6, {1: 4}),
    "spinel": (6, {2: 6}),
    "scheelite": (4, {}),
    "zircon": (4, {}),
    "olivine": (4, {}),
    "anatase": (6, {1: 4, 2: 4}),
    "rutile": (6, {1: 8, 2: 2}),
    "fluorite": (8, {2: 12}),
    "rocksalt": (6, {1: 6, 2: 12}),
    "corundum": (6, {1: 9, 2: 3, 3: 1}),
}


@pytest.mark.parametrize("prototype", SHARED)
def test_polyhedra_are_linked_as_textbooks_say(prototype):
    number, shared = SHARED[prototype]
    template = TEMPLATES[prototype]
    symbol = template.reference["B"].rstrip("0123456789+")
    found = fingerprint(cell(prototype, template.reference), [symbol])
    assert found == (((number, tuple(sorted(shared.items()))), 1.0),)


@settings(max_examples=15, deadline=None)
@given(
    variant=st.sampled_from(sorted(VARIANTS)),
    scale=st.lists(st.integers(1, 2), min_size=3, max_size=3),
    shift=st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_the_verdict_does_not_depend_on_the_cell(variant, scale, shift):
    structure = perovskite_cell(SIMPLE, VARIANTS[variant])
    structure.translate_sites(range(len(structure)), shift)
    assert is_perovskite(structure * scale, ["Ti"])


def test_a_vacant_corner_is_seen():
    structure = perovskite_cell(SIMPLE, VARIANTS["Pm-3m"]) * (2, 2, 2)
    oxygen = [row for row, site in enumerate(structure) if site.specie.symbol == "O"]
    structure.remove_sites(oxygen[:1])
    assert not is_perovskite(structure, ["Ti"])


def test_long_bonds_of_a_polar_cell_count_up_to_the_limit():
    def polar(shift):
        coordinates = [[0.5, 0.5, 0.5], [0, 0, shift], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
        return Structure(Lattice.cubic(4.0), ["Pb", "Ti", "O", "O", "O"], coordinates)

    assert is_perovskite(polar(0.06), ["Ti"])  # 2.24 / 1.76 = 1.27
    assert not is_perovskite(polar(0.09), ["Ti"])  # 2.36 / 1.64 = 1.44


# the builder


@pytest.fixture(scope="module")
def chosen():
    return candidates()


def test_candidates_are_unique_and_seeded(chosen):
    assert len({candidate.id for candidate in chosen}) == len(chosen)
    assert chosen == candidates() != candidates(seed=2)


def test_tolerance_factor():
    assert may_be_perovskite("Sr2+", "Ti4+")
    assert not may_be_perovskite("Na+", "Nb5+") or may_be_perovskite("K+", "Nb5+")
    assert not may_be_perovskite("Lu3+", "Y3+")


def test_shipped_crystals_are_candidates(oxides, chosen):
    assert set(oxides.ids) <= {candidate.id for candidate in chosen}


def test_duplicates_keep_the_smaller_cell():
    cubic = record_of(Candidate("perovskite_Pm-3m", tuple(SIMPLE.items())))
    large = {**record_of(Candidate("perovskite_Pm-3m", tuple(SIMPLE.items())), 2), "id": "large"}
    tilted = record_of(Candidate("perovskite_I4/mcm", tuple(SIMPLE.items())))
    assert without_duplicates([large, cubic, tilted]) == [cubic, tilted]
    assert SAME["stol"] < 0.1, "a loose matcher takes tilted and untilted for the same"


def record_of(candidate, scale=1):
    structure = candidate.start() * scale
    return {
        "id": candidate.id,
        "formula": structure.composition.reduced_formula,
        "prototype": candidate.prototype,
        "perovskite": int(candidate.perovskite),
        "space_group": "",
        "b_elements": candidate.b_elements,
        "symbols": [site.specie.symbol for site in structure],
        "lattice": structure.lattice.matrix.tolist(),
        "frac_coords": structure.frac_coords.tolist(),
        "energy_chgnet": 0.0,
        "n_atoms": len(structure),
    }


def test_a_rival_without_its_perovskite_stays_out():
    perovskites = [{"formula": str(n)} for n in range(100)]
    pool = [{"formula": str(n), "prototype": "ilmenite"} for n in range(50, 150)]
    pool += [{"formula": str(n), "prototype": "K2NiF4"} for n in range(200, 300)]
    counts = Counter(record["prototype"] for record in others(pool, perovskites))
    assert counts == {"ilmenite": 50, "K2NiF4": 20}
    assert all(int(r["formula"]) < 100 for r in others(pool, perovskites)[:50])


def test_prototypes_take_turns():
    records = [{"prototype": name} for name in "aaabbc"]
    assert "".join(record["prototype"] for record in in_turn(records, "prototype")) == "abcaba"


@pytest.fixture
def build(capsys):
    """Run the builder's command line in this process."""
    builder = load_python_file(TOOLS / "build.py", "oxides_builder")

    def run(*arguments):
        code = builder.main([str(argument) for argument in arguments])
        printed, said = capsys.readouterr()
        return code, printed, said

    return run


def test_what_is_in_a_journal_is_not_done_again(build, tmp_path, oxides):
    done = [{"id": key, "seconds": 1.0} for key in oxides.ids[:2]]
    journal = tmp_path / "relaxed_1_of_3.jsonl"
    journal.write_text("".join(json.dumps(record) + "\n" for record in done))
    before = journal.read_bytes()
    code, printed, _ = build("relax", "--out", tmp_path, "--only", *oxides.ids[:2])
    assert (code, printed) == (0, "")
    assert journal.read_bytes() == before


def test_assembling_what_is_shipped_writes_it_again(build, tmp_path, oxides):
    """It is a fixed point; a crystal that one part failed on may be in another."""
    crystals = [json.dumps(record) + "\n" for record in oxides.records]
    failure = json.dumps({"id": oxides.ids[0], "error": "RuntimeError()"}) + "\n"
    (tmp_path / "relaxed_1_of_1.jsonl").write_text("".join(crystals))
    (tmp_path / "relaxed_2_of_2.jsonl").write_text(failure)
    code, printed, _ = build("assemble", "--out", tmp_path)
    assert code == 0 and "kept: 350 perovskites and 350 others" in printed
    written = (tmp_path / "oxides.jsonl").read_bytes()
    assert written == (REPO / "data" / "oxides" / "oxides.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("relax", "--only", "NaCl-rocksalt"), "no candidate is called NaCl-rocksalt"),
        (("relax", "--part", "3/2"), "--part 3/2 is not I/N"),
        (("assemble",), "run the relax stage first"),
    ],
)
def test_wrong_input_is_one_sentence(build, tmp_path, arguments, words):
    code, _, said = build(*arguments, "--out", tmp_path)
    assert code == 2
    assert words in said and len(said.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_prototypes_share_no_space_group_shortcut(oxides, labels):
    """Several groups occur on both sides, so that the symmetry alone is no label."""
    sides = defaultdict(set)
    for record, label in zip(oxides.records, labels, strict=True):
        sides[record["space_group"]].add(label)
    assert sum(len(both) == 2 for both in sides.values()) >= 3


def test_readme_has_the_numbers_of_the_data(oxides, labels, chosen):
    text = (REPO / "data" / "oxides" / "README.md").read_text(encoding="utf-8")
    split = load_split(oxides, "formula")
    sizes = [len(getattr(split, part)) for part in ("train", "val", "test")]
    assert "train ({}), validate ({}) and test on ({})".format(*sizes) in text
    counts = Counter(record["prototype"] for record in oxides.records)
    for name, words in {
        "ilmenite": "ilmenite {}",
        "2H": "2H {}",
        "post_perovskite": "post-perovskite {}",
        "hexagonal_layers": "YAlO3 type {}",
        "defect_pyrochlore": "(AgSbO3 type) {}",
        "4H": "4H {}",
        "6H": "6H {}",
    }.items():
        assert words.format(counts[name]) in text
    formulas = np.array(oxides.formulas())
    rivals = int(np.isin(formulas[labels == 0], formulas[labels == 1]).sum())
    assert f"in the set | {rivals} |" in text and f"| other formulas | {350 - rivals} |" in text
    atoms = [record["n_atoms"] for record in oxides.records]
    assert f"{min(atoms)} to {max(atoms)}, mean {np.mean(atoms):.0f}" in text
    assert f"The list has {len(chosen):,}" in text
