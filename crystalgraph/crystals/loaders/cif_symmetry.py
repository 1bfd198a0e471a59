"""The symmetry that a CIF file states: by its operations, a Hall symbol, a name or a number."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product

import numpy as np
import spglib
from pymatgen.core import Lattice
from pymatgen.core.operations import SymmOp

from crystalgraph.crystals.loaders.cif_data import CifData, is_known

OPERATION_TAGS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
MAGNETIC_TAGS = ("_space_group_symop_magn_operation_xyz", "_space_group_symop_magn_centering_xyz")
HALL_TAGS = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
NAME_TAGS = (
    "_space_group_name_h-m_alt",
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_full",
)
# They name the group, and not the axes that this file has.
GROUP_TAGS = (
    "_space_group_name_h-m_ref",
    "_space_group_it_number",
    "_symmetry_int_tables_number",
)
_UNREAD_TAG = re.compile(
    "_(symmetry|space_group)_.*(setting|crystal_system|schoenflies|name|number|laue|bravais|point_group)"
)
_WITHOUT_SYMMETRY = {"triclinic", "c1", "c11", "p1", "ap", "1", "11", "111", "-1", "p-1"}
_PART = re.compile(
    r"([+-]?(?:[xyz]|(\d+\.?\d*|\.\d+)(/\d+)?))([+-](?:[xyz]|(\d+\.?\d*|\.\d+)(/\d+)?))*"
)


@dataclass(frozen=True)
class Setting:
    """A space group in one choice of axes and origin.

    Attributes:
        name: for messages, such as "F d -3 m :1".
        rotations: (n, 3, 3) integers, acting on fractional coordinates.
        translations: (n, 3) fractions of the cell.
    """

    name: str
    rotations: np.ndarray
    translations: np.ndarray

    def fits(self, lattice: Lattice) -> bool:
        """Whether every rotation leaves lengths and angles of the cell as they are, within 2 %."""
        metric = lattice.matrix @ lattice.matrix.T
        rotated = np.swapaxes(self.rotations, 1, 2) @ metric @ self.rotations
        return bool((abs(rotated - metric) <= 0.02 * np.outer(lattice.abc, lattice.abc)).all())

    def has_axes_of(self, other: Setting) -> bool:
        """Whether each operation is one of the other setting, around some origin.

        A shift of the origin does not change the part of a translation that the rotation leaves as
        it is. That is the mean over twelve turns: rotations of a lattice have order 1, 2, 3, 4, 6.
        """
        integers = np.array(list(product((-1, 0, 1), repeat=3)))
        for rotation, translation in zip(self.rotations, self.translations, strict=True):
            same = (other.rotations == rotation).all(axis=(1, 2))
            turns = [np.linalg.matrix_power(rotation, times) for times in range(12)]
            mean = np.mean(turns, axis=0)
            shifts = (translation - other.translations[same])[:, None] % 1 - integers
            if not (abs(shifts @ mean.T).max(axis=-1) < 0.01).any():
                return False
        return len(self.rotations) == len(other.rotations)

    def is_complete(self) -> bool:
        """Whether two operations after each other are always one of the list."""
        rotations = np.einsum("aij,bjk->abik", self.rotations, self.rotations)
        translations = np.einsum("aij,bj->abi", self.rotations, self.translations)
        translations = translations + self.translations[:, None]
        products = _keys(rotations.reshape(-1, 3, 3), translations.reshape(-1, 3))
        return products <= _keys(self.rotations, self.translations)


def _keys(rotations: np.ndarray, translations: np.ndarray) -> set[bytes]:
    """Operations as texts to compare; translations are the same within 1/240 of the cell."""
    steps = np.round(translations * 120).astype(int) % 120
    rows = np.concatenate([rotations.reshape(-1, 9).astype(int), steps], axis=1)
    return {row.tobytes() for row in np.unique(rows, axis=0)}


def settings_of(data: CifData, lattice: Lattice) -> list[Setting]:
    """The symmetry of a block; several settings where what it says leaves the choice.

    What is not understood, or contradicts itself, is added to the doubts or contradictions.

    Args:
        data: the block.
        lattice: its cell; settings whose symmetry the cell does not have are left out.

    Returns:
        At least one setting.

    Raises:
        CrystalGraphError: an operation is malformed.
    """
    listed = _listed(data)
    said = _said(data)
    if listed:
        _compare(data, listed, said)
    found = [listed] if listed else _named(data, said)
    if not found:
        if said:
            said = " ".join(text for _, text, _ in said)
            data.doubts.append(f"the space group {said} is unknown, so other atoms may be missing")
        else:
            data.notes.append("it states no symmetry; the listed atoms are taken as the whole cell")
        found = [Setting("P 1", *_arrays(["x,y,z"]))]
    if all(len(setting.rotations) == 1 for setting in found):
        data.doubts += _unread(data)
    fitting = [setting for setting in found if setting.fits(lattice)]
    if not fitting:
        cell = ", ".join(f"{number:g}" for number in lattice.parameters)
        data.contradictions.append(f"the cell {cell} does not have the symmetry of {found[0].name}")
    return fitting or found


def states_symmetry(data: CifData) -> bool:
    """Whether there is a list of operations, a Hall symbol, a name or a number."""
    return data.value(*OPERATION_TAGS, *MAGNETIC_TAGS, *READ_NAMES) is not None


def _unread(data: CifData) -> list[str]:
    """Sentences about tags that speak of symmetry, where what is read says that there is none."""
    other = [tag for tag in data.tags if _UNREAD_TAG.match(tag) and tag not in READ_NAMES]
    said = [(tag, text) for tag in other if (text := data.value(tag))]
    return [
        f"{tag} is '{text}', but no other symmetry is written than that of P 1"
        for tag, text in said
        if re.sub(r"[^a-z0-9-]", "", text.lower()) not in _WITHOUT_SYMMETRY
    ]


def _listed(data: CifData) -> Setting | None:
    """The setting that the file's own list of operations makes."""
    rows = [text for text in data.column(*OPERATION_TAGS) if is_known(text)]
    if rows:
        return _checked_setting(data, rows)
    magnetic, centerings = (data.column(tag) for tag in MAGNETIC_TAGS)
    if not magnetic:
        return None
    # The fourth part of an operation, +1 or -1, is about magnetic moments.
    parts = [
        _checked_setting(data, [",".join(text.split(",")[:3]) for text in texts])
        for texts in (magnetic, centerings or ["x,y,z,+1"])
    ]
    shifts = parts[1].translations
    return Setting(
        "its operations",
        np.repeat(parts[0].rotations, len(shifts), axis=0),
        (parts[0].translations[:, None] + shifts).reshape(-1, 3),
    )


def _checked_setting(data: CifData, texts: Sequence[str]) -> Setting:
    for text in texts:
        parts = re.sub(r"[\s'\"]", "", text.lower()).split(",")
        if len(parts) != 3 or not all(map(_PART.fullmatch, parts)):
            raise data.error(f"the symmetry operation '{text}' is malformed; write it as 'x,y,z'")
    setting = Setting("its operations", *_arrays(texts))
    if (abs(abs(np.linalg.det(setting.rotations)) - 1) > 0.01).any():
        raise data.error("a symmetry operation does not keep volumes; correct the list of them")
    return setting


def _arrays(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Rotations and translations of operations."""
    operations = [SymmOp.from_xyz_str(re.sub(r"[\s'\"]", "", text.lower())) for text in texts]
    rotations = np.array([operation.rotation_matrix for operation in operations])
    translations = np.array([operation.translation_vector for operation in operations])
    ideal = np.round(translations * 24) / 24  # 0.33 means a third
    close = abs(translations - ideal) < 0.004
    return rotations.round(), np.where(close, ideal, translations)


def _compare(data: CifData, listed: Setting, said: Sequence[tuple[str, str, bool]]) -> None:
    """Add a doubt if the list of operations is not complete, or not of each group that is named.

    Operations need no name, so it does not matter whether all names are known.
    """
    count = len(listed.rotations)
    if not listed.is_complete():
        data.doubts.append(f"its list of {count} symmetry operations is not complete")
        return
    number = _group_number(listed)
    for key, text, has_axes in said:
        named = [row for row in _table().get(key, []) if row[1] == number]
        if has_axes:
            named = [row for row in named if listed.has_axes_of(_setting(row))]
        if key in _table() and not named:
            data.doubts.append(
                f"its {count} symmetry operations are not those of space group {text}"
            )


def _group_number(setting: Setting) -> int:
    """The number of the space group that the operations make; 0 if they make none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # spglib will raise errors one day
        try:
            group = spglib.get_spacegroup_type_from_symmetry(
                setting.rotations.astype(np.intc), setting.translations
            )
        except spglib.error.SpglibError:
            return 0
    return group.number if group else 0


def _said(data: CifData) -> list[tuple[str, str, bool]]:
    """Key, text, and whether it says the axes too: of each Hall symbol, name and number."""
    return [
        (key(text), text, tags != GROUP_TAGS)
        for tags, key in NAMES
        for tag in tags
        if (text := data.value(tag))
    ]


def _named(data: CifData, said: Sequence[tuple[str, str, bool]]) -> list[Setting]:
    """The settings that Hall symbol, names and number leave; none if all are unknown."""
    known = [(_table()[key], text) for key, text, _ in said if key in _table()]
    if not known:
        return []
    left, first = known[0]
    for found, text in known[1:]:
        both = [one for one in left if one in found]
        if not both:
            data.doubts.append(f"{first} and {text} are not the same space group")
        left = both or left
    for key, text, _ in said:
        if key not in _table():
            unsure = key.startswith("hall") or len(left) > 1  # of axes and origin
            remarks = data.doubts if unsure else data.notes
            remarks.append(f"'{text}' is no known space group; {first} is used")
    return [_setting(row) for row in left]


def _setting(row: tuple[str, int, list[str]]) -> Setting:
    name, _, texts = row
    return Setting(name, *_arrays(texts))


def _hall_key(symbol: str) -> str:
    return "hall " + " ".join(symbol.replace("_", " ").split()).lower()


def _name_key(name: str) -> str:
    """A Hermann-Mauguin name without spaces; `F d -3 m S`, `Z`, `R -3 m H` mean :1, :2, :H."""
    name = re.sub(r"[\s_'\"]", "", name)
    name = re.sub(r"(?<=[^:])([SZHR])$", lambda found: ":" + found[1], name)
    return name.replace(":S", ":1").replace(":Z", ":2").lower()


NAMES = ((HALL_TAGS, _hall_key), (NAME_TAGS, _name_key), (GROUP_TAGS, _name_key))
READ_NAMES = [tag for tags, _ in NAMES for tag in tags]


@cache
def _table() -> dict[str, list[tuple[str, int, list[str]]]]:
    """Settings, as name, number and operations, by all that names them; from pymatgen's table."""
    rows = json.loads((files("pymatgen.symmetry") / "symm_ops.json").read_bytes())
    direct, other = {}, {}
    for row in rows:
        setting = (row["universal_h_m"], row["number"], row["symops"])
        names = {row["universal_h_m"]}
        if "(" not in row["universal_h_m"]:  # else a choice of axes that only its full name means
            names |= {row["hermann_mauguin"], row["short_h_m"], str(row["number"])}
        keys = {_hall_key(row["hall"]), *map(_name_key, names)}
        for key in keys:
            direct.setdefault(key, []).append(setting)
        for old in {old for key in keys for old in _old_names(key, row["number"])}:
            other.setdefault(old, []).append(setting)
    return {**other, **direct}


def _old_names(name: str, number: int) -> list[str]:
    """Names of the same group before 1935 (F m 3 m) and before 1995 (C m c a)."""
    if number >= 200:
        return [name.replace("-3", "3")]
    if number in (39, 41, 64, 67, 68):
        return [name.replace("e", glide, 1) for glide in "abc"]
    return []
