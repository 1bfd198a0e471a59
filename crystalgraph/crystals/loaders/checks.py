"""Which of the crystals that were read can be used, and what is wrong with the others."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from pymatgen.core import Structure

from crystalgraph.crystals.datasets import CrystalDataset
from crystalgraph.crystals.features import AtomFeatures, published_features
from crystalgraph.crystals.graph_cache import build_graphs, in_chunks
from crystalgraph.crystals.graphs import (
    CrystalGraph,
    GraphSettings,
    build_graph,
    distance_warning,
)
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning

TOO_CLOSE = 0.1  # angstrom; nearer than this, two atoms are one atom written twice
SMALLEST_CELL = 1e-3  # cubic angstrom; below, the three cell vectors lie in one plane


@dataclass
class Entry:
    """One crystal on its way into a dataset: `where` is its file (and line), for messages."""

    id: str
    where: str
    structure: Structure
    values: dict[str, float]
    record: dict = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Collect what is said to the user by CrystalGraphWarning.

    The list is full at the end, also where an error ends the block.
    """
    sentences: list[str] = []
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", CrystalGraphWarning)
            yield sentences
    finally:
        for one in caught:
            if issubclass(one.category, CrystalGraphWarning):
                sentences.append(str(one.message))
            else:
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def check_crystal(structure: Structure, where: str, features: AtomFeatures | None = None) -> None:
    """Refuse what cannot become a graph with features; neighbors are not looked at.

    Args:
        structure: the crystal.
        where: its file, for the message.
        features: atom features it will be used with.

    Raises:
        CrystalGraphError: it has no atoms, no cell, a disordered site, or an element without
            features.
    """
    if not len(structure):
        raise CrystalGraphError(f"{where} holds no atoms; check its list of atomic positions.")
    _check_cell(structure, where)
    for number, site in enumerate(structure):
        if not site.is_ordered:
            raise CrystalGraphError(
                f"{where}: site {number} ({site.species_string}) is shared by several species or "
                "partly empty; give an ordered structure with one element on each site."
            )
    numbers = {getattr(site.specie, "symbol", "?"): site.specie.Z for site in structure}
    known = set((features or published_features()).atomic_numbers)
    for symbol, number in numbers.items():
        if number not in known:
            raise CrystalGraphError(
                f"{where}: '{symbol}' is not an element with atom features; correct the symbol, or "
                "leave this crystal out."
            )


def _check_cell(structure: Structure, where: str) -> None:
    numbers = structure.lattice.matrix, structure.frac_coords
    if not all(np.isfinite(part).all() for part in numbers):
        raise CrystalGraphError(
            f"{where}: a number of the cell or of a position is not finite; correct it."
        )
    if structure.volume < SMALLEST_CELL:
        raise CrystalGraphError(
            f"{where}: the three vectors of the cell lie in one plane; correct them."
        )


def check_graph(structure: Structure, where: str, settings: GraphSettings | None = None) -> None:
    """Refuse a crystal with an isolated atom, or with two atoms in one place.

    Args:
        structure: the crystal, with a chemical element on each site.
        where: its file, for the message.
        settings: of the graph; default GraphSettings().

    Raises:
        CrystalGraphError: no graph can be made of it.
    """
    graph = build_graph(structure, where, settings)
    nearest = int(graph.distance.argmin())
    if graph.distance[nearest] < TOO_CLOSE:
        raise CrystalGraphError(
            f"{where}: atoms {graph.center[nearest]} and {graph.neighbor[nearest]} are only "
            f"{graph.distance[nearest]:.3f} angstrom apart; remove the double one, or give the "
            "cell in angstrom."
        )


def usable_dataset(
    name: str, entries: Sequence[Entry], features: AtomFeatures, problems: list[str], source: str
) -> CrystalDataset:
    """The dataset of all entries of which graphs with features can be made.

    Args:
        name: of the dataset.
        entries: what was read.
        features: atom features the crystals will be used with.
        problems: sentences about what could not be read; those about what cannot be used, or
            looks wrong, are added.
        source: where the entries come from, for the message.

    Raises:
        CrystalGraphError: no entry can be used.
    """

    def passing(entries: Sequence[Entry], check: Callable[[Structure, str], None]) -> list[Entry]:
        kept = []
        for entry in entries:
            try:
                check(entry.structure, entry.where)
                kept.append(entry)
            except CrystalGraphError as error:
                problems.extend([*entry.warnings, str(error)])
        return kept

    kept = passing(entries, lambda structure, where: check_crystal(structure, where, features))
    with collected_warnings():  # about distances; they are asked for below, for cached graphs too
        graphs = _graphs_if_all_fine(kept)
        if graphs is None:
            parts = [  # crystals of a chunk that is fine, and cached, are not looked at one by one
                chunk if _graphs_if_all_fine(chunk) else passing(chunk, check_graph)
                for chunk in in_chunks(kept)
            ]
            kept = list(chain.from_iterable(parts))
            graphs = _graphs(kept)
    if not kept:
        raise CrystalGraphError(_nothing_left(source, problems))
    for entry, graph in zip(kept, graphs, strict=True):
        problems += entry.warnings
        problems += filter(None, [distance_warning(graph, entry.where)])
    return _dataset(name, kept, problems)


def _dataset(name: str, entries: Sequence[Entry], problems: list[str]) -> CrystalDataset:
    return CrystalDataset(
        name,
        [entry.id for entry in entries],
        [entry.structure for entry in entries],
        {
            column: np.array([entry.values[column] for entry in entries])
            for column in entries[0].values
        },
        [entry.record for entry in entries],
        problems,
    )


def _graphs(entries: Sequence[Entry]) -> list[CrystalGraph]:
    """Their graphs; they stay in the cache, where training finds them."""
    return build_graphs([entry.structure for entry in entries], [entry.id for entry in entries])


def _graphs_if_all_fine(entries: Sequence[Entry]) -> list[CrystalGraph] | None:
    try:
        graphs = _graphs(entries)
    except CrystalGraphError:
        return None
    return graphs if all(graph.distance.min() >= TOO_CLOSE for graph in graphs) else None


def _nothing_left(source: str, problems: Sequence[str]) -> str:
    if not problems:
        return f"{source} holds no crystals; add some."
    if len(problems) == 1:
        return f"{source} has no usable crystal: {problems[0]}"
    return f"{source}: none of its {len(problems)} entries can be used; the first: {problems[0]}"


def choose_column(target: str | None, columns: Sequence[str], table: object) -> str:
    """The column asked for, or the first.

    Raises:
        CrystalGraphError: there is no such column in the table.
    """
    if target is not None and target not in columns:
        raise CrystalGraphError(
            f"{table} has no column '{target}'; choose one of {', '.join(columns)}."
        )
    return target or columns[0]


def finite_number(cell: Any) -> float:
    """A cell as a float; NaN for anything that is not a finite number, also for Python's 1_000."""
    if isinstance(cell, str) and "_" in cell:
        return math.nan
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def first_line(error: Exception) -> str:
    """What another library's error says, in one line without its full stop."""
    if isinstance(error, IndexError):
        return "a line or a number is missing"
    if isinstance(error, KeyError):
        return f"{error} is missing"
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".!") if lines else type(error).__name__
