"""Crystal graphs on disk, so that they are built once and not in every run."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Structure
from tqdm.auto import tqdm

from crystalgraph import paths
from crystalgraph.crystals.graphs import GRAPHS_VERSION, CrystalGraph, GraphSettings, build_graph
from crystalgraph.files import write_atomically

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
    path = paths.CACHE / "graphs" / f"{cache_key(structures, names, settings)}.npz"
    if cache and path.exists():
        try:
            return _read(path)
        except Exception:  # a damaged file raises almost anything: build the graphs again
            path.unlink(missing_ok=True)
    progress = tqdm(
        zip(structures, names, strict=True), "graphs", len(structures), disable=None, leave=False
    )
    graphs = [build_graph(structure, name, settings) for structure, name in progress]
    if cache:
        with suppress(OSError):  # a folder that cannot be written to costs time, not the run
            _write(path, graphs)
    return graphs


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
    write_atomically(path, content.getvalue())


def _read(path: Path) -> list[CrystalGraph]:
    with np.load(path, allow_pickle=False) as file:
        columns = {column: file[column] for column in file.files}
    atom_ends = np.cumsum(columns["n_atoms"])[:-1]
    edge_ends = np.cumsum(columns["n_edges"])[:-1]
    parts = {column: np.split(columns[column], atom_ends) for column in PER_ATOM}
    parts |= {column: np.split(columns[column], edge_ends) for column in PER_EDGE}
    return [
        CrystalGraph(str(name), *(parts[column][row] for column in PER_ATOM + PER_EDGE))
        for row, name in enumerate(columns["name"])
    ]
