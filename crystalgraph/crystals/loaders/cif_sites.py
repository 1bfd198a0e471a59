"""The atoms that a CIF file lists: element, position and occupancy of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from pymatgen.core import Element

from crystalgraph.crystals.loaders.cif_data import POSITION_TAGS, CifData, is_known

COLUMNS = (
    *POSITION_TAGS,
    "_atom_site_type_symbol",
    "_atom_site_occupancy",
    "_atom_site_calc_flag",
    "_atom_site_attached_hydrogens",
    "_atom_site_symmetry_multiplicity",
    "_atom_site_disorder_group",
    "_atom_site_disorder_assembly",
)
# After the symbol of a type: a charge such as 2+, +2 or -; a number; VASP's _pv.
_AFTER_SYMBOL = r"\d*\.?\d*[+-]?|[+-]\d+\.?\d*|_\w+"


@dataclass(frozen=True)
class Site:
    """An atom as it is listed, before the symmetry is applied.

    Attributes:
        label: its name in the file.
        symbol: of the element.
        occupancy: above 0, at most 1.
        position: (3,) fractions of the cell.
        multiplicity: how many atoms it stands for, as the file says; None: it does not.
    """

    label: str
    symbol: str
    occupancy: float
    position: np.ndarray
    multiplicity: float | None


def read_sites(data: CifData, elements: Collection[str]) -> list[Site]:
    """The atoms of a block.

    Args:
        data: the block; doubts about atoms are added to it.
        elements: symbols in the file's formula; empty if it has none.

    Returns:
        Its atoms. Those without a position, and those that are marked as absent, are left out.

    Raises:
        CrystalGraphError: a column is missing, or a symbol or a number cannot be understood.
    """
    missing = [tag for tag in POSITION_TAGS if not data.column(tag)]
    if missing:
        raise data.error(f"its table of atoms has no column {missing[0]}; add it")
    types = data.column("_atom_site_type_symbol")
    labels = data.column("_atom_site_label") or data.column("_atom_site_label_atom_id") or types
    if not labels:
        raise data.error("its table of atoms has no column _atom_site_type_symbol; add it")
    _require_one_length(data, len(labels))
    found = [
        _site(data, row, label, types[row] if types else "?", elements)
        for row, label in enumerate(labels)
    ]
    _doubt_disorder(data)
    return [site for site in found if site]


def _require_one_length(data: CifData, length: int) -> None:
    for tag in COLUMNS:
        if len(data.column(tag)) not in (0, length):
            raise data.error(
                f"its column {tag} has {len(data.column(tag))} values for {length} atoms; write "
                "all columns of the atoms into one table"
            )


def _doubt_disorder(data: CifData) -> None:
    """Add a doubt if atoms are listed of which only some are there at a time."""
    groups = data.column("_atom_site_disorder_group")
    assemblies = data.column("_atom_site_disorder_assembly") or ["."] * len(groups)
    pairs = {(where, group) for where, group in zip(assemblies, groups, strict=True)}
    known = Counter(where for where, group in pairs if is_known(group) and group != "0")
    if any(count > 1 for count in known.values()):
        data.doubts.append("its atoms are in several disorder groups, of which one is there")


def _site(data: CifData, row: int, label: str, kind: str, elements: Collection[str]) -> Site | None:
    def cell(tag: str) -> str:
        column = data.column(tag)
        return column[row] if column else "."

    texts = [cell(tag) for tag in POSITION_TAGS]
    if cell("_atom_site_calc_flag").lower() in ("dum", "dummy"):
        data.notes.append(f"atom {label} is marked as a dummy and is left out")
        return None
    if not all(map(is_known, texts)):
        data.doubts.append(f"atom {label} has no position and is left out")
        return None
    attached = cell("_atom_site_attached_hydrogens")
    if is_known(attached) and data.number(attached, f"the hydrogens attached to {label}"):
        data.doubts.append(f"{attached} hydrogens attached to atom {label} have no positions")
    occupancy = _occupancy(data, cell("_atom_site_occupancy"), label)
    if not occupancy:
        return None
    symbol = _of_type(data, kind) if is_known(kind) else _of_label(data, label, elements)
    position = [data.number(text, f"a coordinate of atom {label}") for text in texts]
    text = cell("_atom_site_symmetry_multiplicity")
    multiplicity = data.number(text, f"the multiplicity of {label}") if is_known(text) else None
    return Site(label, symbol, occupancy, np.array(position), multiplicity)


def _occupancy(data: CifData, text: str, label: str) -> float:
    """Left out means 1; so does unknown, but that is a guess."""
    if not is_known(text):
        if text == "?":
            data.notes.append(f"the occupancy of atom {label} is unknown and is taken as 1")
        return 1.0
    occupancy = data.number(text, f"the occupancy of atom {label}")
    if not 0 <= occupancy <= 1:
        raise data.error(f"atom {label} has the occupancy {text}; write a number from 0 to 1")
    if not occupancy:
        data.notes.append(f"atom {label} has the occupancy 0 and is left out")
    return occupancy


def _of_type(data: CifData, kind: str) -> str:
    """The element of a type symbol such as Na, NA, Na+ or O2-."""
    found = re.fullmatch(rf"([A-Za-z]+)({_AFTER_SYMBOL})", kind)
    if not found or not Element.is_valid_symbol(found[1].title()):
        raise data.error(f"'{kind}' is not an element; correct its type symbol")
    return found[1].title()


def _of_label(data: CifData, label: str, elements: Collection[str]) -> str:
    """The element of a label such as Na1, where no type says it.

    Only letters that are a symbol as it is usually written leave no choice: HO1 may be holmium or
    a hydrogen beside an oxygen, CA a calcium or a carbon, W1 and Wat1 a water, and H2O is one.
    """
    letters, after = re.match(r"([A-Za-z]*)\d*([A-Za-z]*)", label).groups()  # pyright: ignore[reportOptionalMemberAccess]
    second = Element.is_valid_symbol(after) and after != letters and after in (elements or [after])
    if Element.is_valid_symbol(letters):
        if second or (letters == "W" and not elements):
            other = after if second else "water"
            data.doubts.append(f"the label '{label}' is read as {letters}, and may mean {other}")
        return letters
    choices = [letters[:2].title(), letters[:1].upper()]
    choices = [symbol for symbol in dict.fromkeys(choices) if Element.is_valid_symbol(symbol)]
    if elements:
        choices = [symbol for symbol in choices if symbol in elements]
    cure = "add the column _atom_site_type_symbol"
    if not choices:
        raise data.error(f"the label '{label}' of an atom does not say which element it is; {cure}")
    sentence = f"labels that begin with {letters} are read as {choices[0]}; to be sure, {cure}"
    sure = len(choices) == 1 and (elements or (letters.isupper() and len(letters) == 2))
    (data.notes if sure else data.doubts).append(sentence)
    return choices[0]
