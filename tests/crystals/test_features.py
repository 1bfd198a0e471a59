"""Encoders, atom features and the Gaussian expansion of distances."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalgraph.crystals.elements import load_elements
from crystalgraph.crystals.features import (
    AtomFeatures,
    Binned,
    OneHot,
    Scaled,
    atom_init_features,
    mixed_features,
    one_hot_number,
    published_features,
    random_features,
    scaled_features,
)
from crystalgraph.errors import CrystalGraphError

ELEMENTS = load_elements()
SYMBOLS = {element.symbol: number for number, element in ELEMENTS.items()}
MAKERS = {
    "published": (published_features, 92),
    "one-hot": (one_hot_number, 100),
    "scaled": (scaled_features, 9),
    "mixed": (mixed_features, 101),
    "random": (random_features, 92),
}
atomic_numbers = st.sampled_from(sorted(ELEMENTS))
finite = st.floats(-1e6, 1e6)


# --- the published 92 numbers -------------------------------------------------------------------


def test_published_layout():
    features = published_features()
    assert [encoder.size for _, encoder in features.columns] == [19, 7, 10, 10, 12, 10, 10, 4, 10]
    assert features.n_features == 92
    matrix = features.matrix(ELEMENTS)
    assert set(np.unique(matrix)) == {0.0, 1.0} and matrix.sum() == 850


def test_hydrogen_bit_by_bit():
    assert np.flatnonzero(published_features().vector(1)).tolist() == [
        1, 19, 30, 36, 46, 64, 73, 78, 86,
    ]  # fmt: skip


def test_six_groups_of_elements_share_a_vector():
    features = published_features()
    groups = {}
    for number, element in ELEMENTS.items():
        groups.setdefault(features.vector(number).tobytes(), []).append(element.symbol)
    shared = [group for group in groups.values() if len(group) > 1]
    assert shared == [
        ["La", "Ce"],
        ["Sm", "Gd"],
        ["Ho", "Er"],
        ["Th", "Np"],
        ["Am", "Cm"],
        ["Bk", "Cf", "Es", "Fm"],
    ]


@given(atomic_numbers)
def test_every_block_has_one_bit_or_its_value_is_missing(number):
    features = published_features()
    vector, start = features.vector(number), 0
    for prop, encoder in features.columns:
        bits = vector[start : start + encoder.size].sum()
        assert bits == (0 if prop in features.missing(number) else 1)
        start += encoder.size


def test_missing_says_what_is_zero():
    features = published_features()
    assert features.missing(SYMBOLS["Ca"]) == ()
    assert features.missing(SYMBOLS["He"]) == ("electronegativity", "electron_affinity")
    helium = features.decode(features.vector(2))
    assert "electron affinity unknown" in helium and "electronegativity unknown" in helium


def test_an_edge_that_rounds_down_falls_as_in_the_published_table():
    """Silicon's 1.90 is the lower edge of bin 4 on paper, and in bin 3 of the published table."""
    features = published_features()
    assert features.vector(SYMBOLS["Si"])[26:36].argmax() == 3
    assert features.vector(SYMBOLS["Xe"])[26:36].argmax() == 6  # 2.60 does not round down


# --- reading vectors back -----------------------------------------------------------------------


def test_decode_of_calcium():
    features = published_features()
    assert features.decode(features.vector(SYMBOLS["Ca"])) == (
        "group 2, period 4, electronegativity 0.85-1.20, covalent radius 160.0-182.5 pm, "
        "valence electrons 2, ionization energy 5.47-6.69 eV, electron affinity -0.32 to 0.35 eV, "
        "block s, atomic volume 24.05-31.82 cm3/mol"
    )


@given(atomic_numbers)
def test_decoding_the_published_numbers_brackets_the_raw_values(number):
    features, element = published_features(), ELEMENTS[number]
    parts = dict(
        zip(
            (prop for prop, _ in features.columns),
            features.decode(features.vector(number)).split(", "),
            strict=True,
        )
    )
    for prop, encoder in features.columns:
        value = getattr(element, prop)
        words = parts[prop]
        if value is None:
            assert words.endswith("unknown")
        elif isinstance(encoder, OneHot):
            assert words.endswith(f" {value}")
        else:
            low, high = map(float, re.search(r" (-?[\d.]+)(?:-| to )(-?[\d.]+)", words).groups())
            assert low - 0.05 <= value <= high + 0.05  # limits are shown rounded


@given(atomic_numbers)
def test_decoding_the_scaled_numbers_gives_the_raw_values(number):
    features, element = scaled_features(), ELEMENTS[number]
    words = features.decode(features.vector(number))
    assert f"group {element.group}, period {element.period}," in words.replace("-0,", "0,")
    assert f"covalent radius {element.covalent_radius:.1f} pm" in words
    assert f"ionization energy {element.ionization_energy:.2f} eV" in words
    assert f"block {element.block}" in words
    assert words.count("unknown") == len(features.missing(number))


def test_decode_of_a_table_names_the_elements():
    features = random_features(seed=3)
    assert features.decode(features.vector(SYMBOLS["O"])) == "O"
    assert features.decode(np.full(92, 0.5)) == "no element"


def test_decode_names_bits_that_make_no_sense():
    features = published_features()
    both = features.vector(SYMBOLS["Ca"]) + features.vector(SYMBOLS["Sc"])
    assert "group 2 and 3 at once" in features.decode(np.minimum(both, 1))
    assert "group not zeros and ones" in features.decode(features.vector(20) / 2)
    with pytest.raises(CrystalGraphError, match=r"\(91,\)"):
        features.decode(np.zeros(91))


# --- every table --------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "size"), MAKERS.values(), ids=MAKERS)
def test_shapes_keys_and_copies(make, size):
    features = make()
    assert features.n_features == size
    assert features.key == make().key
    matrix = features.matrix(np.array([8, 26, 8]))
    assert matrix.shape == (3, size) and matrix.dtype == np.float64
    assert (matrix[0] == features.vector(8)).all() and (matrix[0] == matrix[2]).all()
    matrix[:] = 7
    assert (features.vector(8) != 7).any()
    assert features.matrix([]).shape == (0, size)
    assert features.atomic_numbers == tuple(range(1, 101))


def test_keys_tell_tables_apart():
    keys = [make().key for make, _ in MAKERS.values()] + [random_features(1).key]
    assert len(set(keys)) == len(keys)


def test_published_key_is_stable():
    """It is written into caches and checkpoints: another key means other numbers."""
    assert published_features().key == "published-92-db2f20fbab50"


@pytest.mark.parametrize("number", [0, 101, -1, 2.5, "Fe", None])
def test_an_element_without_a_vector_is_named(number):
    with pytest.raises(CrystalGraphError) as error:
        published_features().matrix([8, number])
    assert str(number) in str(error.value) and "use a table that has it" in str(error.value)


def test_a_column_may_be_used_twice_and_made_at_run_time():
    columns = [
        ("electronegativity", Scaled()),
        ("electronegativity", Binned(0.5, 4, 5)),
        ("atomic_mass", Scaled(log=True)),
    ]
    features = AtomFeatures(columns)
    assert features.n_features == 7
    words = features.decode(features.vector(SYMBOLS["O"]))
    assert words == "electronegativity 3.44, electronegativity 3.30-4.00, atomic mass 16.00 u"


def test_wrong_columns_are_refused():
    with pytest.raises(CrystalGraphError, match="choose from atomic_number, group"):
        AtomFeatures([("colour", OneHot((1,)))])
    with pytest.raises(CrystalGraphError, match="period of Na"):
        AtomFeatures([("period", OneHot((1, 2)))])
    with pytest.raises(CrystalGraphError, match="at least one property"):
        AtomFeatures([])


def test_one_hot_number_is_the_identity():
    assert (one_hot_number().matrix(range(1, 101)) == np.eye(100)).all()


def test_scaled_features_are_z_scores():
    matrix = scaled_features().matrix(ELEMENTS)
    known = [
        [getattr(e, prop) is not None for e in ELEMENTS.values()]
        for prop, _ in scaled_features().columns
    ]
    for column, mask in zip(matrix.T, np.array(known), strict=True):
        assert abs(column[mask].mean()) < 1e-12 and abs(column[mask].std() - 1) < 1e-12
        assert (column[~mask] == 0).all()


def test_mixed_features_are_both_side_by_side():
    matrix = mixed_features().matrix(ELEMENTS)
    assert (matrix[:, :9] == scaled_features().matrix(ELEMENTS)).all()
    assert (matrix[:, 9:] == published_features().matrix(ELEMENTS)).all()


def test_random_features_differ_between_elements_and_seeds():
    first, other = random_features(0).matrix(ELEMENTS), random_features(1).matrix(ELEMENTS)
    assert len(np.unique(first, axis=0)) == 100
    assert set(np.unique(first)) == {0.0, 1.0} and 0.45 < first.mean() < 0.55
    assert (first != other).any()
    assert len(np.unique(random_features(5, n=9).matrix(ELEMENTS), axis=0)) == 100
    with pytest.raises(CrystalGraphError, match="n = 9"):
        random_features(0, n=6)


# --- tables from files --------------------------------------------------------------------------


def test_atom_init_round_trip(tmp_path):
    published = published_features()
    path = tmp_path / "atom_init.json"
    path.write_text(json.dumps({str(z): published.vector(z).tolist() for z in (8, 20, 22)}))
    loaded = atom_init_features(path)
    assert (loaded.matrix([22, 8]) == published.matrix([22, 8])).all()
    assert loaded.n_features == 92 and loaded.missing(8) == ()
    assert loaded.decode(published.vector(20)) == "Ca"
    with pytest.raises(CrystalGraphError, match=r"Iron \(Fe, Z = 26\)"):
        loaded.vector(26)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1, 2]", "{}", '{"1": [0, 1], "2": [0]}', '{"H": [0, 1]}', '{"1": 3}', '{"1": []}',
     '{"1": ["a"]}', '{"1": [NaN]}', '{"1": [null]}'],
)  # fmt: skip
def test_a_bad_atom_init_is_named(tmp_path, text):
    path = tmp_path / "atom_init.json"
    path.write_text(text)
    with pytest.raises(CrystalGraphError) as error:
        atom_init_features(path)
    assert str(path) in str(error.value) and "it must be JSON of the form" in str(error.value)


def test_a_missing_atom_init_is_named(tmp_path):
    with pytest.raises(CrystalGraphError, match="gone.json"):
        atom_init_features(tmp_path / "gone.json")


def test_features_need_no_torch():
    code = "import sys, crystalgraph.crystals.features; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
