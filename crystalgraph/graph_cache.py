"""Crystal graphs on disk, so that they are built once and not in every run."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from pymatgen.core import Structure
from tqdm.auto import tqdm

from crystalgraph import paths
from crystalgraph.graphs import CrystalGraph, build_graph

VERSION = 1  # raise it when build_graph gives other graphs for the same input
PER_ATOM = ("atomic_numbers",)
PER_EDGE = ("center", "neighbor", "distance", "image")


def build_graphs(
    structures: Sequence[Structure], names: Sequence[str], cache: bool = True, **settings: object
) -> list[CrystalGraph]:
    """Graphs of many crystals, read from the cache when the same ones were built before.

    Args:
        structures: C crystal structures.
        names: C identifiers.
        cache: False neither reads nor writes files.
        settings: arguments of build_graph (k, radius, tolerance, ties).

    Returns:
        C graphs in the same order.

    Raises:
        CrystalGraphError: a structure that build_graph refuses.
    """
    path = paths.CACHE / "graphs" / f"{_key(structures, names, settings)}.npz"
    if cache and path.exists():
        try:
            return _read(path)
        except Exception:  # a damaged file raises almost anything: build the graphs again
            path.unlink(missing_ok=True)
    progress = tqdm(
        zip(structures, names, strict=True), "graphs", len(structures), disable=None, leave=False
    )
    graphs = [build_graph(structure, name, **settings) for structure, name in progress]
    if cache:
        with suppress(OSError):  # a folder that cannot be written to costs time, not the run
            _write(path, graphs)
    return graphs


def _key(structures: Sequence[Structure], names: Sequence[str], settings: dict) -> str:
    digest = hashlib.sha256(repr((VERSION, sorted(settings.items()))).encode())
    for structure, name in zip(structures, names, strict=True):
        digest.update(repr((name, [site.species_string for site in structure])).encode())
        digest.update(structure.lattice.matrix.tobytes() + structure.frac_coords.tobytes())
    return digest.hexdigest()[:32]


def _write(path: Path, graphs: Sequence[CrystalGraph]) -> None:
    """Write atomically: another process sees the whole file or none."""
    columns = {
        column: np.concatenate([getattr(graph, column) for graph in graphs])
        for column in PER_ATOM + PER_EDGE
    }
    columns["name"] = np.array([graph.name for graph in graphs])
    columns["n_atoms"] = np.array([graph.n_atoms for graph in graphs])
    columns["n_edges"] = np.array([graph.n_edges for graph in graphs])
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **columns)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


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
