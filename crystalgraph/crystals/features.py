"""Turning atoms into the numbers a network reads.

An atom's features are a table of raw element values (crystalgraph.crystals.elements) run through
one encoder per property. The default, `published_features()`, gives the 92 numbers of Xie &
Grossman, Phys. Rev. Lett. 120, 145301 (2018); the other makers give the alternatives that it is
compared with. Every feature vector can be read back with `decode`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crystalgraph.crystals.bond_features import GAUSSIAN_CENTERS, gaussian_expansion
from crystalgraph.crystals.elements import Element, load_elements
from crystalgraph.crystals.encoders import Binned, Encoder, OneHot, Scaled
from crystalgraph.errors import CrystalGraphError

__all__ = [  # all features by one import: of atoms, encoders to make others, of bonds
    "GAUSSIAN_CENTERS",
    "AtomFeatures",
    "Binned",
    "OneHot",
    "Scaled",
    "TableFeatures",
    "atom_init_features",
    "gaussian_expansion",
    "mixed_features",
    "one_hot_number",
    "published_features",
    "random_features",
    "scaled_features",
]

# Property -> (what decode calls it, unit, decimals shown).
_LABELS = {
    "atomic_number": ("atomic number", "", 0),
    "group": ("group", "", 0),
    "period": ("period", "", 0),
    "electronegativity": ("electronegativity", "", 2),
    "covalent_radius": ("covalent radius", " pm", 1),
    "valence_electrons": ("valence electrons", "", 0),
    "ionization_energy": ("ionization energy", " eV", 2),
    "electron_affinity": ("electron affinity", " eV", 2),
    "block": ("block", "", 0),
    "atomic_volume": ("atomic volume", " cm3/mol", 2),
    "atomic_mass": ("atomic mass", " u", 2),
}


class AtomFeatures:
    """A vector of numbers for every element, made from raw values by one encoder per property.

    Attributes:
        columns: the (property, fitted encoder) pairs, in the order of the numbers.
        n_features: length of a vector.
        key: a short text that changes whenever any element's vector does (for caches, checkpoints).
    """

    def __init__(
        self,
        columns: Sequence[tuple[str, Encoder]],
        elements: Mapping[int, Element] | None = None,
        name: str = "custom",
    ) -> None:
        """Encode every element once.

        Args:
            columns: (property, encoder) pairs; a property is an attribute of Element and may be
                used more than once.
            elements: {atomic number: Element}; None for the shipped table.
            name: a word put in front of the key.

        Raises:
            CrystalGraphError: an unknown property, or a value its encoder cannot take.
        """
        elements = load_elements() if elements is None else elements
        self.columns = tuple(
            (prop, _fit(prop, encoder, elements.values())) for prop, encoder in columns
        )
        if not self.columns:
            raise CrystalGraphError("AtomFeatures got no columns: give at least one property.")
        self._elements = dict(elements)
        vectors = {number: self._encode(element) for number, element in elements.items()}
        self._store(vectors, name)

    def _store(self, vectors: Mapping[int, np.ndarray], name: str) -> None:
        """Keep the vectors as one array with a row index, and derive the key."""
        self.name = name
        self._rows = {number: row for row, number in enumerate(sorted(vectors))}
        self._table = np.stack([vectors[number] for number in self._rows]).astype(np.float64)
        self._table.flags.writeable = False
        self.n_features = self._table.shape[1]
        # Rounded, because a logarithm may differ in its last digit between machines.
        numbers = np.round(self._table, 9) + 0.0
        digest = hashlib.sha256(json.dumps(list(self._rows)).encode())
        digest.update(numbers.astype("<f8").tobytes())
        self.key = f"{name}-{self.n_features}-{digest.hexdigest()[:12]}"

    def _encode(self, element: Element) -> np.ndarray:
        """Join the encoded properties of one element."""
        blocks = []
        for prop, encoder in self.columns:
            try:
                blocks.append(encoder.encode(getattr(element, prop)))
            except CrystalGraphError as error:
                raise CrystalGraphError(f"{prop} of {element.symbol}: {error}") from error
        return np.concatenate(blocks)

    @property
    def atomic_numbers(self) -> tuple[int, ...]:
        """The elements that have a vector, in increasing order."""
        return tuple(self._rows)

    def vector(self, atomic_number: int) -> np.ndarray:
        """Give one element's vector.

        Args:
            atomic_number: number of protons.

        Returns:
            (n_features,) float64, a copy.

        Raises:
            CrystalGraphError: the element is not in the table.
        """
        return self.matrix([atomic_number])[0]

    def matrix(self, atomic_numbers: Iterable[int]) -> np.ndarray:
        """Stack the vectors of many atoms.

        Args:
            atomic_numbers: (N,) numbers of protons.

        Returns:
            (N, n_features) float64, a copy.

        Raises:
            CrystalGraphError: an element is not in the table.
        """
        rows = [self._row(number) for number in atomic_numbers]
        return self._table[np.array(rows, dtype=np.intp)]

    def _row(self, atomic_number: int) -> int:
        """Find an element's row."""
        row = self._rows.get(_whole(atomic_number))
        if row is None:
            raise CrystalGraphError(
                f"{_element_name(atomic_number)} has no feature vector in the table "
                f"{self.name!r}: leave out crystals with it, or use a table that has it."
            )
        return row

    def missing(self, atomic_number: int) -> tuple[str, ...]:
        """Name the properties that have no value for an element (encoded as zeros).

        Args:
            atomic_number: number of protons.

        Returns:
            Property names, for example ("electron_affinity",).

        Raises:
            CrystalGraphError: the element is not in the table.
        """
        self._row(atomic_number)
        element = self._elements[int(atomic_number)]
        return tuple(prop for prop, _ in self.columns if getattr(element, prop) is None)

    def decode(self, vector: np.ndarray) -> str:
        """Read a feature vector back as words.

        Args:
            vector: (n_features,) numbers.

        Returns:
            For example "group 2, period 4, electronegativity 0.85-1.20, ...".

        Raises:
            CrystalGraphError: the vector has another length.
        """
        vector = self._as_vector(vector)
        words, start = [], 0
        for prop, encoder in self.columns:
            label, unit, decimals = _LABELS[prop]
            block = vector[start : start + encoder.size]
            words.append(f"{label} {encoder.describe(block, unit, decimals)}")
            start += encoder.size
        return ", ".join(words)

    def _as_vector(self, vector: np.ndarray) -> np.ndarray:
        """Check the shape of a vector to be decoded."""
        vector = np.asarray(vector, dtype=np.float64)
        if vector.shape != (self.n_features,):
            raise CrystalGraphError(
                f"decode got an array of shape {vector.shape} but the vectors of {self.name!r} "
                f"have shape ({self.n_features},): give it one atom's row."
            )
        return vector

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key}>"


class TableFeatures(AtomFeatures):
    """Vectors given outright instead of made from properties (a file, or random numbers)."""

    def __init__(self, vectors: Mapping[int, ArrayLike], name: str = "table") -> None:
        """Take the vectors as they are.

        Args:
            vectors: {atomic number: vector}, all of one length.
            name: a word put in front of the key.
        """
        self.columns = ()
        self._elements = {}
        self._store({z: np.asarray(vector, dtype=float) for z, vector in vectors.items()}, name)

    def missing(self, atomic_number: int) -> tuple[str, ...]:
        """Say nothing is missing: the vectors are taken as they are.

        Args:
            atomic_number: number of protons.

        Returns:
            An empty tuple.

        Raises:
            CrystalGraphError: the element is not in the table.
        """
        self._row(atomic_number)
        return ()

    def decode(self, vector: np.ndarray) -> str:
        """Name the elements that have exactly this vector.

        Args:
            vector: (n_features,) numbers.

        Returns:
            For example "La or Ce", or "no element".

        Raises:
            CrystalGraphError: the vector has another length.
        """
        vector = self._as_vector(vector)
        symbols = {number: element.symbol for number, element in load_elements().items()}
        same = np.all(np.isclose(self._table, vector, rtol=0, atol=1e-6), axis=1).tolist()
        numbers = [number for number, hit in zip(self._rows, same, strict=True) if hit]
        return " or ".join(symbols.get(z, f"Z={z}") for z in numbers) or "no element"


def _fit(prop: str, encoder: Encoder, elements: Iterable[Element]) -> Encoder:
    """Fit an encoder on a property's values over the elements."""
    if prop not in _LABELS:
        raise CrystalGraphError(f"There is no property {prop!r}: choose from {', '.join(_LABELS)}.")
    try:
        return encoder.fitted([getattr(element, prop) for element in elements])
    except CrystalGraphError as error:
        raise CrystalGraphError(f"{prop}: {error}") from error


def _whole(number: Any) -> int:
    """Give a number as int; -1, which no element has, if it is no whole number."""
    try:
        return int(number) if int(number) == number else -1
    except (TypeError, ValueError, OverflowError):
        return -1


def _element_name(atomic_number: object) -> str:
    """Name an element for an error message."""
    element = load_elements().get(_whole(atomic_number))
    known = f"{element.name} ({element.symbol}, Z = {element.atomic_number})" if element else None
    return known or f"Atomic number {atomic_number}"


# The nine properties and their ranges are those of Xie & Grossman (2018), supplement; group 0 for
# the f block is how their atom_init.json writes it.
_PUBLISHED = (
    ("group", OneHot(tuple(range(19)))),
    ("period", OneHot(tuple(range(1, 8)))),
    ("electronegativity", Binned(0.5, 4.0, 10)),
    ("covalent_radius", Binned(25.0, 250.0, 10)),
    ("valence_electrons", OneHot(tuple(range(1, 13)))),
    ("ionization_energy", Binned(1.3, 3.3, 10, log=True)),
    ("electron_affinity", Binned(-3.0, 3.7, 10)),
    ("block", OneHot(("s", "p", "d", "f"))),
    ("atomic_volume", Binned(1.5, 4.3, 10, log=True)),
)
# The same nine as numbers; block as the angular momentum 0, 1, 2, 3 of s, p, d, f.
_SCALED = (
    ("group", Scaled()),
    ("period", Scaled()),
    ("electronegativity", Scaled()),
    ("covalent_radius", Scaled()),
    ("valence_electrons", Scaled()),
    ("ionization_energy", Scaled(log=True)),
    ("electron_affinity", Scaled()),
    ("block", Scaled(order=("s", "p", "d", "f"))),
    ("atomic_volume", Scaled(log=True)),
)


def published_features() -> AtomFeatures:
    """Make the 92 zeros and ones of the published table (19+7+10+10+12+10+10+4+10).

    Returns:
        92 features.

    Source:
        Xie & Grossman, Phys. Rev. Lett. 120, 145301 (2018).
    """
    return AtomFeatures(_PUBLISHED, name="published")


def one_hot_number() -> AtomFeatures:
    """Make one number per element: nothing about chemistry, only which element it is.

    Returns:
        100 features.
    """
    numbers = tuple(load_elements())
    return AtomFeatures([("atomic_number", OneHot(numbers))], name="one-hot-number")


def scaled_features() -> AtomFeatures:
    """Make nine z-scored floats: the published properties without cutting them into bins.

    Returns:
        9 features.
    """
    return AtomFeatures(_SCALED, name="scaled")


def mixed_features() -> AtomFeatures:
    """Put the nine floats in front of the 92 zeros and ones.

    Returns:
        101 features.
    """
    return AtomFeatures(_SCALED + _PUBLISHED, name="mixed")


def random_features(seed: int = 0, n: int = 92) -> AtomFeatures:
    """Draw random zeros and ones: elements can be told apart, but nothing is said about them.

    Args:
        seed: start of the random numbers; the same seed gives the same vectors.
        n: numbers per element.

    Returns:
        n features.

    Raises:
        CrystalGraphError: n is too small for a hundred different vectors.
    """
    numbers = tuple(load_elements())
    if 2**n < 4 * len(numbers):
        raise CrystalGraphError(
            f"{n} random bits cannot tell 100 elements apart: use n = 9 or more."
        )
    generator = np.random.default_rng(seed)
    drawn: dict[bytes, np.ndarray] = {}
    while len(drawn) < len(numbers):  # draw again in the rare case that two are the same
        bits = generator.integers(0, 2, n)
        drawn[bits.tobytes()] = bits
    return TableFeatures(dict(zip(numbers, drawn.values(), strict=True)), name=f"random-{seed}")


def atom_init_features(path: str | Path) -> AtomFeatures:
    """Load a table of vectors in the published format, an atom_init.json.

    Args:
        path: a JSON file {"atomic number": [numbers], ...}, vectors of one length.

    Returns:
        As many features as the file's vectors have numbers.

    Raises:
        CrystalGraphError: the file cannot be read or is not such a table.
    """
    path = Path(path)
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        vectors = {int(number): np.array(vector, dtype=float) for number, vector in table.items()}
        shapes = {vector.shape for vector in vectors.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1 or shapes == {(0,)}:
            raise ValueError("its vectors are not all lists of one length")
        if not all(np.isfinite(vector).all() for vector in vectors.values()):
            raise ValueError("it has a number that is not finite")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CrystalGraphError(
            f"{path} is no table of atom features ({error}): it must be JSON of the form "
            '{"1": [0, 1, ...], "2": [...]}, one list of the same length per atomic number.'
        ) from error
    return TableFeatures(vectors, name="atom-init")
