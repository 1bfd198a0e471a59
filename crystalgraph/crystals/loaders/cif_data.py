"""The text of a CIF file as tags with their values, and what is found to be wrong with it."""

from __future__ import annotations

import codecs
import math
import re
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pymatgen.io.cif import CifFile

from crystalgraph.crystals.loaders.checks import finite_number, first_line
from crystalgraph.errors import CrystalGraphError

POSITION_TAGS = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
# The mark of UTF-32 begins with that of UTF-16, so it is looked for first.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Bytes that are no UTF-8 are \udcXX here; in Windows text 96 and 97 are dashes, a0 is a space.
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d\udc96\udc97"
# Tags with one of these beginnings say what the crystal is; of the others nothing is read.
_CRYSTAL_TAGS = ("_cell_", "_atom_site_", "_symmetry_", "_space_group_", "_chemical_formula_")


@dataclass
class CifData:
    """One block of a CIF file.

    Attributes:
        where: the file, for messages.
        tags: value, or column of values, by tag; tags are lower case, with "_" in place of ".".
        notes: what the user should know about how the file was read.
        doubts: reasons why atoms may be missing or wrong; a formula with Z can remove them.
        contradictions: reasons why the crystal is another one than meant, whatever the formula is.
    """

    where: str
    tags: dict[str, str | list[str]]
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)

    def column(self, *tags: str) -> list[str]:
        """The values of the first of these tags that says something; [] if none is there."""
        found = [self.tags[tag] for tag in tags if tag in self.tags]
        columns = [[values] if isinstance(values, str) else values for values in found]
        return next(
            (values for values in columns if any(map(is_known, values))), sum(columns[:1], [])
        )

    def value(self, *tags: str) -> str | None:
        """The first value of these tags that is known."""
        return next((text for tag in tags for text in self.column(tag) if is_known(text)), None)

    def number(self, text: str, what: str) -> float:
        """A number without its standard uncertainty: 5.64(2) is 5.64, and 1/3 a third.

        Raises:
            CrystalGraphError: it is no number.
        """
        top, _, bottom = re.sub(r"\(\d*\)?$", "", text).partition("/")
        number = finite_number(top) / (finite_number(bottom or 1) or math.nan)
        if math.isnan(number):
            raise self.error(f"{what} is '{text}', not a number; correct it")
        return number

    def error(self, sentence: str) -> CrystalGraphError:
        """An error about this file, to be raised."""
        return CrystalGraphError(f"{self.where}: {sentence}.")


def is_known(text: str) -> bool:
    """Whether a value is given: "?" is an unknown value, "." one left to its default."""
    return text.strip() not in ("", "?", ".")


def content_of(path: Path) -> bytes:
    """The bytes of a CIF file.

    Raises:
        CrystalGraphError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be read ({error.strerror}); check the name and put the file there."
        ) from error


def data_of(path: Path, content: bytes) -> CifData:
    """The first block of a CIF file that has atoms.

    Args:
        path: of the file, for messages.
        content: of the file.

    Returns:
        The block. A second one with atoms, and text that is no part of a table, become notes.

    Raises:
        CrystalGraphError: the content is empty, or has no block with atoms.
    """
    text = decoded(content)
    if not text.strip():
        raise CrystalGraphError(f"{path} is empty; download or export the CIF file again.")
    blocks, notes = _blocks(path, text)
    crystals = [name for name, tags in blocks.items() if tags.keys() & {*POSITION_TAGS}]
    if not crystals:
        if any("_atom_site_cartn_x" in tags for tags in blocks.values()):
            reason = "it has Cartesian positions only (_atom_site_Cartn_x); export fractional ones"
            raise CrystalGraphError(f"{path}: {reason}.")
        raise _unreadable(path, "it has no table of atoms with the column _atom_site_fract_x")
    if len(crystals) > 1:
        notes.append(f"of its {len(crystals)} crystals only the first, {crystals[0]}, is read")
    return CifData(str(path), blocks[crystals[0]], notes)


def decoded(content: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 or UTF-32, with or without a byte order mark, as ASCII.

    Dashes become minus signs. Other letters become <U+00E9>: in comments and titles that does not
    matter, but a number or the name of a group that has one cannot be understood.
    """
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    if not encoding and b"\0" in content[:2]:  # every second byte of ASCII in UTF-16 is zero
        encoding = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    if encoding:
        text = content.decode(encoding, errors="replace")
    else:
        text = content.decode("utf-8-sig", errors="surrogateescape")
    text = re.sub(r"[^\x00-\x7f]", lambda found: _as_ascii(found[0]), text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _as_ascii(letter: str) -> str:
    if letter in _DASHES:
        return "-"
    return " " if letter.isspace() or letter == "\udca0" else f"<U+{ord(letter):04X}>"


def _blocks(path: Path, text: str) -> tuple[dict[str, dict[str, str | list[str]]], list[str]]:
    """Tags of each block, and what pymatgen says about the text."""
    # pymatgen knows these two words in lower case only; CIF allows any.
    text = re.sub(r"^\s*(data|loop)_", lambda found: found[0].lower(), text, flags=re.M | re.I)
    # Between two lines that begin with a semicolon stands free text, where no block begins.
    text = re.sub(
        r"^;.*?^;", lambda found: found[0].replace("data_", "data "), text, flags=re.M | re.S
    )
    _refuse_repeated(path, text)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            blocks = CifFile.from_str(text).data
    except Exception as error:  # pymatgen raises whatever its parser runs into
        reason = "a row of a table has too few or too many values, or the file is cut off"
        raise _unreadable(path, reason) from error
    if not blocks:
        raise _unreadable(path, "no line begins with data_")
    tags = {
        name: {_tag_key(tag): values for tag, values in block.data.items()}
        for name, block in blocks.items()
    }
    return tags, [first_line(Exception(str(one.message))) for one in said]


def _tag_key(tag: str) -> str:
    return tag.lower().replace(".", "_")


def _refuse_repeated(path: Path, text: str) -> None:
    """Refuse two blocks of one name, and a tag that is twice in a block: pymatgen keeps the last.

    Raises:
        CrystalGraphError: the name or the tag is there twice.
    """
    quoted = r"""^;.*?^;|(?<!\S)(?:#[^\n]*|'[^\n]*?'(?!\S)|"[^\n]*?"(?!\S))"""
    _, *pieces = re.split(r"^\s*data_", re.sub(quoted, " . ", text, flags=re.M | re.S), flags=re.M)
    parts = [piece.partition("\n") for piece in pieces]
    names = [line.split(maxsplit=1)[0][:74] if line.strip() else "" for line, _, _ in parts]
    blocks = [name for name, count in Counter(names).items() if count > 1]
    if blocks:
        raise CrystalGraphError(
            f"{path} has several blocks of the name data_{blocks[0]}; give each another name, or "
            "keep the one that is meant."
        )
    for name, piece in zip(names, pieces, strict=True):
        tags = Counter(map(_tag_key, re.findall(r"(?<!\S)_\S+", piece)))
        twice = [tag for tag in tags if tags[tag] > 1 and tag.startswith(_CRYSTAL_TAGS)]
        if twice:
            raise CrystalGraphError(
                f"{path} has {twice[0]} more than once in the block data_{name}; keep the one that "
                "is meant."
            )


def _unreadable(path: Path, reason: str) -> CrystalGraphError:
    return CrystalGraphError(
        f"{path} is not a CIF file that can be read ({reason}); open it in a viewer such as "
        "VESTA, or export it again."
    )
