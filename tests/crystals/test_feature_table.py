"""Atom features that are asked for by a line of text."""

import numpy as np
import pytest

from crystalgraph.crystals.feature_table import known_properties, read_features
from crystalgraph.crystals.features import published_features, scaled_features
from crystalgraph.errors import CrystalGraphError

NINE = [name for name, _ in published_features().columns]


def test_parts_are_joined_in_the_order_of_the_text():
    features = read_features("group:onehot+ electronegativity:binned(10) +covalent_radius:scaled")
    assert features.n_features == 19 + 10 + 1
    published, scaled = published_features(), scaled_features()
    for z in (1, 8, 22, 57, 82):
        vector = features.vector(z)
        assert np.array_equal(vector[:19], published.vector(z)[:19])
        assert np.array_equal(vector[19:29], published.vector(z)[26:36])
        assert vector[29] == scaled.vector(z)[3]
    other = read_features("covalent_radius:scaled + group:onehot")
    assert np.array_equal(other.vector(22)[1:], features.vector(22)[:19])


def test_the_published_table_and_the_nine_floats_can_be_written_down():
    words = {"group": "onehot", "period": "onehot", "valence_electrons": "onehot"}
    words |= {"block": "onehot"}
    bits = read_features(" + ".join(f"{name}:{words.get(name, 'binned(10)')}" for name in NINE))
    ours, theirs = (one.matrix(range(1, 101)) for one in (bits, published_features()))
    assert ours.shape == (100, 92)
    different = (ours != theirs).any(axis=0).nonzero()[0]
    assert set(different) <= set(range(78, 82))  # the blocks in alphabetical order
    assert np.array_equal(np.sort(ours[:, 78:82]), np.sort(theirs[:, 78:82]))
    floats = read_features(" + ".join(f"{name}:scaled" for name in NINE))
    assert np.array_equal(floats.matrix(range(1, 101)), scaled_features().matrix(range(1, 101)))


def test_what_is_asked_for_can_be_read_back():
    features = read_features("group:onehot + electronegativity:binned(5) + atomic_mass:binned(3)")
    said = features.decode(features.vector(22))
    assert said.startswith("group 4, electronegativity 1.20-1.90, atomic mass")
    assert "electronegativity unknown" in features.decode(features.vector(2))


def test_name_and_key_say_what_was_asked_for():
    one, other = (read_features(f"group:onehot + period:binned({n})") for n in (3, 4))
    assert one.name == "group:onehot + period:binned(3)"
    assert one.key.startswith(one.name) and one.key != other.key


@pytest.mark.parametrize("name", known_properties())
def test_every_property_takes_onehot_and_scaled(name):
    features = read_features(f"{name}:onehot + {name}:scaled")
    rows = features.matrix(range(1, 101))
    assert np.isfinite(rows).all() and (rows[:, :-1].sum(axis=1) <= 1).all()
    assert len(np.unique(rows[:, -1])) > 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mass:scaled", ["'mass'", "choose one of atomic_number, group"]),
        ("group:onehot + colour:scaled", ["'colour'", "electronegativity"]),
        ("group:hot", ["'hot'", "onehot, binned(n), scaled"]),
        ("group", ["no encoder ''", "group:ENCODER"]),
        ("period:binned", ["'binned'", "number of bins"]),
        ("period:binned(0)", ["no bins"]),
        ("block:binned(3)", ["block is a word", "block:onehot"]),
        ("", ["property ''"]),
        ("group:onehot + ", ["property ''"]),
    ],
)
def test_an_unknown_word_is_named_with_what_is_known(text, said):
    with pytest.raises(CrystalGraphError) as caught:
        read_features(text)
    assert all(one in str(caught.value) for one in said), str(caught.value)
