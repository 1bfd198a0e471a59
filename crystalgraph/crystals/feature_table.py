"""Atom features chosen and combined by a line of text.

    group:onehot + electronegativity:binned(10) + covalent_radius:scaled

Each part is a property of the elements and how it becomes numbers: `onehot`, one number for each
value that occurs; `binned(n)`, one for each of n intervals; `scaled`, one z-score. Intervals and
logarithms are those of the published table where it has the property, and reach from the smallest
to the largest value of the elements where it has not.
"""

from __future__ import annotations

import re

from crystalgraph.crystals.elements import load_elements
from crystalgraph.crystals.encoders import Binned, Encoder, OneHot, Scaled
from crystalgraph.crystals.features import AtomFeatures, published_features, scaled_features
from crystalgraph.errors import CrystalGraphError

ENCODERS = ("onehot", "binned(n)", "scaled")
_PART = re.compile(r"(\w+):(onehot|scaled|binned\((\d{1,3})\))")


def known_properties() -> tuple[str, ...]:
    """The properties that a text may name."""
    return ("atomic_number", *(name for name, _ in published_features().columns), "atomic_mass")


def read_features(text: str) -> AtomFeatures:
    """The atom features that a text asks for.

    Args:
        text: parts "property:encoder" with plus signs between them.

    Returns:
        Features whose columns are in the order of the text, and whose name is the text.

    Raises:
        CrystalGraphError: a part is malformed, or names an unknown property or encoder.
    """
    parts = ["".join(part.split()) for part in text.split("+")]
    return AtomFeatures([_column(part) for part in parts], name=" + ".join(parts))


def _column(part: str) -> tuple[str, Encoder]:
    """Property and encoder of one part."""
    name, _, code = part.partition(":")
    if name not in known_properties():
        raise CrystalGraphError(
            f"There is no property {name!r} (in the features {part!r}); choose one of "
            f"{', '.join(known_properties())}."
        )
    found = _PART.fullmatch(part)
    if not found:
        raise CrystalGraphError(
            f"There is no encoder {code!r} (in the features {part!r}); write {name}:ENCODER with "
            f"one of {', '.join(ENCODERS)}, n a number of bins such as 10."
        )
    return name, _encoder(name, code, int(found[3] or 0))


def _encoder(name: str, code: str, n: int) -> Encoder:
    """How the values of a property become numbers."""
    values = [getattr(element, name) for element in load_elements().values()]
    known = sorted({value for value in values if value is not None})
    if code == "onehot":
        return OneHot(tuple(known))
    scale = dict(scaled_features().columns).get(name)
    if code == "scaled":
        return scale or Scaled()
    if not isinstance(known[0], int | float):
        raise CrystalGraphError(
            f"{name} is a word, which has no intervals: write {name}:onehot in place of {code}."
        )
    published = dict(published_features().columns)[name] if scale else None
    if isinstance(published, Binned):
        return Binned(published.low, published.high, n, published.log)
    return Binned(float(known[0]), float(known[-1]), n)
