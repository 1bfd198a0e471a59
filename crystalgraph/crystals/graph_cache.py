"""Crystal graphs on disk, so that they are built once and not in every run."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pymatgen.core import Structure
from tqdm.auto import tqdm

from crystalgraph import paths
from crystalgraph.crystals.all_cores import results_of
from crystalgraph.crystals.graphs import GRAPHS_VERSION, CrystalGraph, GraphSettings, build_graph
from crystalgraph.files import write_atomically

CHUNK = 1000
"""Crystals in one file: interrupted work has lost the graphs of no more than these."""
ENOUGH = 4000
"""With fewer graphs to build one process is faster."""

Item = TypeVar("Item")

PER_ATOM = ("atomic_numbers",)
PER_EDGE = ("center", "neighbor", "distance", "image")


def build_graphs(
    structures: Sequence[Structure],
    names: Sequence[str],
    settings: GraphSettings | None = None,
    cache: bool = True,
    **changes: Any,
) -> list[CrystalGraph]:
    """Graphs of many crystals, read from the cache when the same ones were built before.

    Args:
        structures: C crystal structures.
        names: C identifiers.
        settings: how the graphs are made; default GraphSettings().
        cache: False neither reads nor writes files.
        changes: fields of the settings to be set otherwise, such as k=6.

    Returns:
        C graphs in the same order.

    Raises:
        CrystalGraphError: a structure that build_graph refuses.
    """
    settings = replace(settings or GraphSettings(), **changes)
    crystals = list(zip(structures, names, strict=True))
    chunks = in_chunks(crystals)
    files = [_file(chunk, settings) for chunk in chunks]
    known = [_read(file) if cache else None for file in files]
    missing = [one for chunk, read in zip(chunks, known, strict=True) if not read for one in chunk]
    graphs = []
    with (
        closing(results_of(partial(_build, settings=settings), missing, ENOUGH)) as new,
        tqdm(new, "graphs", len(missing), disable=None if missing else True, leave=False) as bar,
    ):
        new = iter(bar)
        for chunk, file, read in zip(chunks, files, known, strict=True):
            if not read:
                read = list(islice(new, len(chunk)))
                if cache:
                    _write(file, read)
            graphs += read
    return graphs


def in_chunks(items: Sequence[Item]) -> list[Sequence[Item]]:
    """Items that belong to crystals, as many in a part as there are graphs in a file."""
    return [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]


def _build(crystal: tuple[Structure, str], settings: GraphSettings) -> CrystalGraph:
    return build_graph(*crystal, settings)


def cache_key(
    structures: Sequence[Structure], names: Sequence[str], settings: GraphSettings
) -> str:
    """A text that changes with everything that decides the graphs.

    Args:
        structures: C crystal structures.
        names: C identifiers.
        settings: how the graphs are made, whole.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.sha256(repr((GRAPHS_VERSION, settings)).encode())
    for structure, name in zip(structures, names, strict=True):
        species = [site.species_string for site in structure]
        digest.update(repr((name, species, structure.lattice.pbc)).encode())
        digest.update(structure.lattice.matrix.tobytes() + structure.frac_coords.tobytes())
    return digest.hexdigest()[:32]


def _file(crystals: Sequence[tuple[Structure, str]], settings: GraphSettings) -> Path:
    structures, names = zip(*crystals, strict=True)
    return paths.CACHE / "graphs" / f"{cache_key(structures, names, settings)}.npz"


def _write(path: Path, graphs: Sequence[CrystalGraph]) -> None:
    columns: dict[str, Any] = {
        column: np.concatenate([getattr(graph, column) for graph in graphs])
        for column in PER_ATOM + PER_EDGE
    }
    columns["name"] = np.array([graph.name for graph in graphs])
    columns["n_atoms"] = np.array([graph.n_atoms for graph in graphs])
    columns["n_edges"] = np.array([graph.n_edges for graph in graphs])
    content = io.BytesIO()
    np.savez_compressed(content, **columns)
    with suppress(OSError):  # a folder that cannot be written to costs time, not the run
        write_atomically(path, content.getvalue())


def _read(path: Path) -> list[CrystalGraph] | None:
    """The graphs in a file; None if there is no such file."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return _graphs({column: file[column] for column in file.files})
    except Exception:  # a damaged file raises almost anything: build the graphs again
        path.unlink(missing_ok=True)
        return None


def _graphs(columns: Mapping[str, np.ndarray]) -> list[CrystalGraph]:
    atom_ends = np.cumsum(columns["n_atoms"])[:-1]
    edge_ends = np.cumsum(columns["n_edges"])[:-1]
    parts = {column: np.split(columns[column], atom_ends) for column in PER_ATOM}
    parts |= {column: np.split(columns[column], edge_ends) for column in PER_EDGE}
    return [
        CrystalGraph(str(name), *(parts[column][row] for column in PER_ATOM + PER_EDGE))
        for row, name in enumerate(columns["name"])
    ]
