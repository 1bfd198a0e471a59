"""The CIF files of a folder: each is read once, on all cores, and its crystal kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cache, partial
from pathlib import Path

import pymatgen.core
from pymatgen.core import Lattice, Structure
from tqdm.auto import tqdm

from crystalgraph.crystals.all_cores import results_of
from crystalgraph.crystals.loaders.cif import crystal_of
from crystalgraph.crystals.loaders.cif_cache import CifCache
from crystalgraph.crystals.loaders.cif_data import content_of
from crystalgraph.errors import CrystalGraphError

ENOUGH = 200
"""With fewer files one process is faster."""

Reading = tuple[Structure, list[str]] | CrystalGraphError
"""A crystal and sentences that the user should know, or why the file cannot be used."""


def read_cifs(folder: Path, files: Sequence[Path], accept_warnings: bool) -> list[Reading]:
    """Read CIF files as read_cif does; files that were read before come from the cache.

    Args:
        folder: of the files.
        files: to be read.
        accept_warnings: as for read_cif.

    Returns:
        What was read of each file, in the same order.
    """
    cache = CifCache(folder)
    keys = [_key_of(file, accept_warnings) for file in files]
    known = [cache.get(key) for key in keys]
    missing = [file for file, text in zip(files, known, strict=True) if text is None]
    read = partial(_read, accept_warnings=accept_warnings)
    bar = tqdm(files, "reading CIF files", disable=None, leave=False)
    with closing(cache), closing(results_of(read, missing, ENOUGH)) as new:
        readings = [
            _reading(file, text or _next(new, cache)) for file, text in zip(bar, known, strict=True)
        ]
    cache.discard_others(keys)
    return readings


def _next(
    new: Iterator[tuple[str, str] | CrystalGraphError], cache: CifCache
) -> str | CrystalGraphError:
    """The text of the next crystal, which is added to the cache; or an error."""
    found = next(new)
    if isinstance(found, CrystalGraphError):
        return found
    cache.add(*found)
    return found[1]


def _key_of(file: Path, accept_warnings: bool) -> str:
    try:
        return _key(content_of(file), accept_warnings)
    except CrystalGraphError:  # it is raised again where the file is read
        return ""


def _key(content: bytes, accept_warnings: bool) -> str:
    """A text that changes with everything that decides what is read."""
    digest = hashlib.sha256(repr((_version_of_code(), accept_warnings)).encode())
    digest.update(content)
    return digest.hexdigest()[:32]


@cache
def _version_of_code() -> tuple[str, str]:
    """The version of pymatgen, and a text that changes with the code of this folder."""
    code = b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
    return pymatgen.core.__version__, hashlib.sha256(code).hexdigest()


def _read(file: Path, accept_warnings: bool) -> tuple[str, str] | CrystalGraphError:
    """Key and text of a crystal, or why there is none."""
    try:
        content = content_of(file)
        structure, remarks = crystal_of(file, content, accept_warnings)
    except CrystalGraphError as error:
        return error
    return _key(content, accept_warnings), _text(structure, remarks)


def _text(structure: Structure, remarks: list[str]) -> str:
    """A crystal as JSON: all digits of its numbers, symbols with occupancies of each site."""
    species = [{str(kind): share for kind, share in site.species.items()} for site in structure]
    record = {
        "lattice": structure.lattice.matrix.tolist(),
        "species": species,
        "frac_coords": structure.frac_coords.tolist(),
        "remarks": remarks,
    }
    return json.dumps(record)


def _reading(file: Path, text: str | CrystalGraphError) -> Reading:
    if isinstance(text, CrystalGraphError):
        return text
    record = json.loads(text)
    lattice = Lattice(record["lattice"])
    structure = Structure(lattice, record["species"], record["frac_coords"])
    return structure, [f"{file}: {remark}." for remark in record["remarks"]]
