"""Datasets: crystals, their labels and how they are split into train, validation and test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Lattice, Structure

from crystalgraph import paths
from crystalgraph.crystals.graph_cache import build_graphs
from crystalgraph.crystals.graphs import CrystalGraph, GraphSettings
from crystalgraph.errors import CrystalGraphError

FORMATION_ENERGY = "formation_energy_per_atom"
PEROVSKITE = "perovskite"
SPLITS = ("random", "formula", "all")
FOLDS = tuple(f"fold_{number}" for number in range(5))
FOLD_OF_ROW = "matbench_fold"  # entry of a record
SMALL_VAL = 1 / 14  # of all crystals, where no test part is taken: 50 of 700
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class CrystalDataset:
    """Crystals with labels.

    Attributes:
        name: of the dataset.
        ids: C unique identifiers.
        structures: C crystal structures.
        targets: label columns, each (C,); units in data/README.md.
        records: C dictionaries with whatever else is known (site elements, kind ...).
        problems: one sentence for each entry that was left out, or that looks wrong.
    """

    name: str
    ids: list[str]
    structures: list[Structure]
    targets: dict[str, np.ndarray]
    records: list[dict] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    def graphs(
        self, settings: GraphSettings | None = None, cache: bool = True, **changes: Any
    ) -> list[CrystalGraph]:
        """Graphs of all crystals, cached on disk; arguments are those of build_graphs."""
        return build_graphs(self.structures, self.ids, settings, cache, **changes)

    def target(self, column: str) -> np.ndarray:
        """One label column (C,).

        Raises:
            CrystalGraphError: no such column.
        """
        if column not in self.targets:
            raise CrystalGraphError(
                f"Dataset {self.name} has no column '{column}'; choose one of "
                f"{', '.join(self.targets)}."
            )
        return self.targets[column]

    def formulas(self) -> list[str]:
        """Reduced formula of each crystal."""
        return list(self._formulas)

    @cached_property
    def _formulas(self) -> tuple[str, ...]:
        return tuple(structure.composition.reduced_formula for structure in self.structures)


@dataclass(frozen=True)
class Split:
    """Row numbers of the crystals to train on, to choose models on, and to report on once.

    Attributes:
        name: what kind of split it is.
        train, val, test: row numbers in the dataset; test may be empty.
    """

    name: str
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that have crystals."""
        return tuple(part for part in PARTS if len(getattr(self, part)))


def load_perovskites(folder: Path | None = None) -> CrystalDataset:
    """The 700 perovskites of this course, energies from first principles.

    Args:
        folder: where perovskites.jsonl lies; default data/perovskites.

    Returns:
        Dataset with columns formation_energy_per_atom (eV/atom), energy_total (eV per cell) and
        gap_mesh (eV).

    Source:
        data/perovskites/README.md.
    """
    columns = (FORMATION_ENERGY, "energy_total", "gap_mesh")
    return _load_bundled("perovskites", folder, columns)


def load_oxides(folder: Path | None = None) -> CrystalDataset:
    """The 700 oxides of this course, half of them perovskites.

    Args:
        folder: where oxides.jsonl lies; default data/oxides.

    Returns:
        Dataset with the column perovskite (1 or 0). Its records have formula, prototype,
        space_group, b_elements (symbols of the cations whose polyhedra decide) and energy_chgnet
        (eV/atom).

    Source:
        data/oxides/README.md.
    """
    return _load_bundled("oxides", folder, (PEROVSKITE,))


def load_monolayers(folder: Path | None = None) -> CrystalDataset:
    """The 500 monolayers of this course, primitive cells with a vacuum along the third axis.

    Args:
        folder: where monolayers.jsonl lies; default data/monolayers.

    Returns:
        Dataset without a target. Its records have prototype, distinct_sites (one atom of each kind
        of site that no symmetry maps onto another) and max_force (eV/angstrom).

    Source:
        data/monolayers/README.md.
    """
    return _load_bundled("monolayers", folder, ())


BUNDLED = {"perovskites": load_perovskites, "oxides": load_oxides}
"""The course's datasets by name."""


def _load_bundled(name: str, folder: Path | None, columns: tuple[str, ...]) -> CrystalDataset:
    path = (folder or paths.DATA / name) / f"{name}.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    structures = [
        Structure(Lattice(record["lattice"]), record["symbols"], record["frac_coords"])
        for record in records
    ]
    targets = {
        column: np.array([record[column] for record in records], dtype=float) for column in columns
    }
    ids = [record["id"] for record in records]
    return CrystalDataset(name, ids, structures, targets, records)


def load_references(folder: Path | None = None) -> dict[str, float]:
    """Energies of the elements that formation energies are counted from.

    Args:
        folder: where references.json lies; default data/perovskites.

    Returns:
        Energy per atom in eV for each element symbol.
    """
    path = (folder or paths.DATA / "perovskites") / "references.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    return {symbol: entry["energy_per_atom"] for symbol, entry in entries.items()}


def load_split(dataset: CrystalDataset, name: str) -> Split:
    """A split shipped with a bundled dataset.

    Args:
        dataset: a bundled dataset.
        name: "random", "formula", or "leave_out_B" followed by an element ("leave_out_Ti").

    Returns:
        The split as row numbers.

    Raises:
        CrystalGraphError: no such split.
    """
    folder = paths.DATA / dataset.name / "splits"
    path = folder / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.json")))
        raise CrystalGraphError(f"No split '{name}' of {dataset.name}; choose one of {known}.")
    row = {identifier: number for number, identifier in enumerate(dataset.ids)}
    parts = json.loads(path.read_text(encoding="utf-8"))
    return Split(name, *(np.array([row[i] for i in parts[p]]) for p in PARTS))


def split_by_groups(
    groups: Sequence[object], name: str, seed: int = 0, fractions: tuple[float, float] = (0.1, 0.2)
) -> Split:
    """Split so that crystals of one group never end up in different parts.

    Args:
        groups: C group labels; all different for a random split, formulas for a formula split.
        name: of the split.
        seed: of the shuffle.
        fractions: shares of validation and test; 0 for no test part.

    Returns:
        The split as sorted row numbers.

    Raises:
        CrystalGraphError: too few groups to fill all parts.
    """
    labels = np.array([str(group) for group in groups])
    unique, n_parts = np.unique(labels), 3 if fractions[1] else 2
    if len(unique) < n_parts:
        raise CrystalGraphError(
            f"A {name} split needs at least {n_parts} different crystals but there are "
            f"{len(unique)}; add data."
        )
    shuffled = np.random.default_rng(seed).permutation(unique)
    n_val, n_test = (bool(part) and max(1, round(part * len(unique))) for part in fractions)
    val, test = shuffled[:n_val], shuffled[n_val : n_val + n_test]
    is_val, is_test = np.isin(labels, val), np.isin(labels, test)
    rows = np.arange(len(labels))
    return Split(name, rows[~is_val & ~is_test], rows[is_val], rows[is_test])


def make_split(dataset: CrystalDataset, name: str, seed: int = 0) -> Split:
    """Split a dataset, with the same seed in the same way.

    Args:
        dataset: to be split.
        name: "random"; "formula" (one formula in one part only); "all": no test part and a small
            validation part, by formulas where there are several; or "fold_0" to "fold_4": the
            test part is that of matbench, whose file the dataset is from.
        seed: of the shuffle.

    Returns:
        The split as sorted row numbers.

    Raises:
        CrystalGraphError: no such split, or too few crystals.
    """
    if name in FOLDS:
        return _fold(dataset, name, seed)
    if name not in SPLITS:
        raise CrystalGraphError(f"No split '{name}'; choose one of {', '.join(SPLITS)}.")
    formulas = dataset.formulas()
    if name == "all":
        groups = formulas if len(set(formulas)) > 1 else dataset.ids
        return split_by_groups(groups, name, seed, (SMALL_VAL, 0))
    return split_by_groups(formulas if name == "formula" else dataset.ids, name, seed)


def _fold(dataset: CrystalDataset, name: str, seed: int) -> Split:
    """One of matbench's folds; a tenth of the other crystals validates."""
    folds = np.array([record.get(FOLD_OF_ROW, -1) for record in dataset.records])
    if not len(folds) or folds.min() < 0:
        raise CrystalGraphError(
            f"{dataset.name} has no split '{name}', since it is no matbench file of five rows or "
            f"more; choose one of {', '.join(SPLITS)}."
        )
    tested = folds == FOLDS.index(name)
    others = np.random.default_rng(seed).permutation(np.flatnonzero(~tested))
    n_val = max(1, round(len(others) / 10))
    return Split(name, np.sort(others[n_val:]), np.sort(others[:n_val]), np.flatnonzero(tested))
