"""Crystals as graphs: atoms are nodes, neighbors within a radius are directed edges.

The neighbors of an atom are its k nearest and every further one that is as far as the k-th, within
a tolerance. Whole shells make the graph a function of the crystal: it does not change
when atoms are listed in another order or the unit cell is repeated. A plain cut at k does not have
this property (in NaCl the second shell of 12 would be cut in half).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from pymatgen.core import DummySpecies, Structure
from torch import Tensor

from crystalgraph.crystals.bond_features import BondSettings, make_bond_features
from crystalgraph.crystals.elements import load_elements
from crystalgraph.crystals.features import AtomFeatures
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning

GRAPHS_VERSION = 1
"""To be raised when the code makes other graphs or bond features from the same settings."""

PLAUSIBLE = (0.5, 2.5)
"""An atom's nearest neighbor is this many sums of their covalent radii away. In the bundled data
sets it is 0.7 to 2.3; a cell that is in nanometers by mistake gives about 0.1."""

Ties = Literal["keep", "cut"]


@dataclass(frozen=True)
class GraphSettings:
    """How a crystal becomes a graph with bond features.

    Recorded whole in the keys of cached graphs, in finished runs and in checkpoints: what was made
    with other settings is not used for these.

    Attributes:
        k: number of nearest neighbors of each atom.
        radius: neighbors further away than this are ignored, in angstrom.
        tolerance: neighbors this much further than the k-th (or than the radius) belong
            to its shell, in angstrom.
        ties: "keep" keeps whole shells; "cut" keeps exactly the first k in pymatgen's order,
            as the published code does.
        bonds: how distances become bond features.
    """

    k: int = 12
    radius: float = 8.0
    tolerance: float = 0.01
    ties: Ties = "keep"
    bonds: BondSettings = field(default_factory=BondSettings)

    @classmethod
    def from_record(cls, record: Mapping) -> GraphSettings:
        """The settings of which dataclasses.asdict made the record.

        Raises:
            CrystalGraphError: a field is missing or unknown; a default would be a guess.
        """
        bonds = record.get("bonds", {})
        for kind, found in ((cls, record), (BondSettings, bonds)):
            odd = {one.name for one in fields(kind)} ^ found.keys()
            if odd:
                raise CrystalGraphError(
                    f"the recorded graph settings and those of this library differ in "
                    f"{', '.join(sorted(odd))}"
                )
        return cls(**{**record, "bonds": BondSettings(**bonds)})


@dataclass(frozen=True)
class CrystalGraph:
    """One crystal as an edge list.

    Attributes:
        name: identifier used in messages.
        atomic_numbers: (N,) integers.
        center: (E,) index of the atom an edge belongs to, sorted.
        neighbor: (E,) index of the atom at the other end.
        distance: (E,) in angstrom.
        image: (E, 3) unit cell in which the neighbor lies, relative to the center's.
    """

    name: str
    atomic_numbers: np.ndarray
    center: np.ndarray
    neighbor: np.ndarray
    distance: np.ndarray
    image: np.ndarray

    @property
    def n_atoms(self) -> int:
        """Number of atoms N in the unit cell."""
        return len(self.atomic_numbers)

    @property
    def n_edges(self) -> int:
        """Number of directed edges E."""
        return len(self.center)


def build_graph(
    structure: Structure, name: str = "", settings: GraphSettings | None = None, **changes: Any
) -> CrystalGraph:
    """Turn a crystal structure into a crystal graph.

    Distances that no crystal has are a CrystalGraphWarning: is the cell in angstrom?

    Args:
        structure: ordered crystal structure.
        name: identifier for error messages.
        settings: how; default GraphSettings().
        changes: fields of the settings to be set otherwise, such as k=6 or ties="cut".

    Returns:
        The graph, edges sorted by center, then by distance.

    Raises:
        CrystalGraphError: a site is disordered or no element, or an atom has no neighbor.
    """
    settings = replace(settings or GraphSettings(), **changes)
    atomic_numbers = _atomic_numbers(structure, name)
    if settings.ties == "cut":
        edges = _edges_in_published_order(structure, settings.radius)
        keep = _rank_within_center(edges[0]) < settings.k
    else:
        edges = _edges(structure, settings.radius + settings.tolerance)
        keep = _within_kth_shell(edges[0], edges[3], settings.k, settings.tolerance)
    center, neighbor, image, distance = (column[keep] for column in edges)
    _require_neighbors(center, structure, settings.radius, name)
    graph = CrystalGraph(name, atomic_numbers, center, neighbor, distance, image)
    sentence = distance_warning(graph, name or structure.composition.reduced_formula)
    if sentence:
        warnings.warn(sentence, CrystalGraphWarning, stacklevel=2)
    return graph


def distance_warning(graph: CrystalGraph, label: str) -> str | None:
    """A sentence about a bond that is far too short or too long for its elements.

    Args:
        graph: of the crystal.
        label: what to call it.

    Returns:
        The sentence, or None.
    """
    center, neighbor = (graph.atomic_numbers[side] for side in (graph.center, graph.neighbor))
    ratio = graph.distance / (_covalent_radii()[center] + _covalent_radii()[neighbor])
    nearest = np.full(graph.n_atoms, np.inf)
    np.minimum.at(nearest, graph.center, ratio)
    shortest, longest = PLAUSIBLE
    wrong, kind = nearest < shortest, "near"
    if not wrong.any():
        wrong, kind = nearest > longest, "far"
    if not wrong.any():
        return None
    atom = wrong.argmax()
    distance = graph.distance[graph.center == atom].min()
    return (
        f"{label}: the nearest neighbor of atom {atom} is {distance:.3g} angstrom away, too {kind} "
        "for these elements; check that the cell is in angstrom."
    )


@cache
def _covalent_radii() -> np.ndarray:
    """Radius in angstrom by atomic number; that of the heaviest where none is known."""
    radii = np.full(200, 1.6)
    for number, element in load_elements().items():
        if element.covalent_radius:
            radii[number] = element.covalent_radius / 100
    return radii


def _atomic_numbers(structure: Structure, name: str) -> np.ndarray:
    label = name or structure.composition.reduced_formula
    for number, site in enumerate(structure):
        if not site.is_ordered:
            raise CrystalGraphError(
                f"{label}: site {number} ({site.species_string}) is shared by several species or "
                "partly empty; give an ordered structure with one element on each site."
            )
        if isinstance(site.specie, DummySpecies):  # its Z is a hash, not a number of protons
            raise CrystalGraphError(
                f"{label}: site {number} holds '{site.species_string}', which is no chemical "
                "element; replace it by a real one."
            )
    return np.array([site.specie.Z for site in structure])


def _edges(structure: Structure, radius: float) -> tuple[np.ndarray, ...]:
    center, neighbor, image, distance = structure.get_neighbor_list(radius)
    order = np.lexsort((distance, center))
    return center[order], neighbor[order], image[order].astype(int), distance[order]


def _edges_in_published_order(structure: Structure, radius: float) -> tuple[np.ndarray, ...]:
    """Edges in the order of get_all_neighbors, on which a cut among equals depends."""
    found = structure.get_all_neighbors(radius)
    rows = [
        (center, near.index, *near.image, near.nn_distance)
        for center, neighbors in enumerate(found)
        for near in sorted(neighbors, key=lambda near: near.nn_distance)
    ]
    table = np.array(rows, dtype=float).reshape(-1, 6)
    whole = table[:, :5].astype(int)
    return whole[:, 0], whole[:, 1], whole[:, 2:], table[:, 5]


def _rank_within_center(center: np.ndarray) -> np.ndarray:
    """Position of each edge among the edges of its center; `center` is sorted."""
    first = np.searchsorted(center, center)
    return np.arange(len(center)) - first


def _within_kth_shell(
    center: np.ndarray, distance: np.ndarray, k: int, tolerance: float
) -> np.ndarray:
    rank = _rank_within_center(center)
    kth_distance = np.full(center.max(initial=-1) + 1, np.inf)
    is_kth = rank == k - 1
    kth_distance[center[is_kth]] = distance[is_kth]
    return distance <= kth_distance[center] + tolerance


def _require_neighbors(center: np.ndarray, structure: Structure, radius: float, name: str) -> None:
    isolated = np.setdiff1d(np.arange(len(structure)), center)
    if len(isolated):
        site = structure[int(isolated[0])]
        raise CrystalGraphError(
            f"{name or structure.composition.reduced_formula}: atom {isolated[0]} "
            f"({site.specie}) has no neighbor within {radius:g} angstrom; check that the "
            "cell is in angstrom, or raise the radius."
        )


@dataclass(frozen=True)
class CrystalBatch:
    """Several crystals as one graph without edges between them.

    Attributes:
        atom_features: (N, F) of all atoms.
        bond_features: (E, K) of all edges.
        center: (E,) index of the atom, counted over the whole batch.
        neighbor: (E,) likewise.
        crystal: (N,) index of the crystal an atom belongs to.
        n_crystals: C.
    """

    atom_features: Tensor
    bond_features: Tensor
    center: Tensor
    neighbor: Tensor
    crystal: Tensor
    n_crystals: int

    def inputs(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, int]:
        """The arguments of CrystalGraphConvNet.forward, in order."""
        return (
            self.atom_features,
            self.bond_features,
            self.center,
            self.neighbor,
            self.crystal,
            self.n_crystals,
        )

    def to(self, device: torch.device | str) -> CrystalBatch:
        """The same batch on another device."""
        moved: Any = {
            name: column.to(device)
            for name, column in vars(self).items()
            if isinstance(column, Tensor)
        }
        return replace(self, **moved)

    def double(self) -> CrystalBatch:
        """The same batch with its features in float64."""
        return replace(
            self,
            atom_features=self.atom_features.double(),
            bond_features=self.bond_features.double(),
        )


def batch_graphs(
    graphs: Sequence[CrystalGraph],
    features: AtomFeatures,
    dtype: torch.dtype = torch.float32,
    bonds: BondSettings | None = None,
) -> CrystalBatch:
    """Put crystals into one batch: concatenate them and count atoms on.

    Args:
        graphs: C crystal graphs.
        features: turns atomic numbers into atom features.
        dtype: of the features.
        bonds: how distances become bond features; default BondSettings().

    Returns:
        The batch. Atom indices of the c-th crystal are raised by the number of atoms before it.
    """
    n_atoms = np.array([graph.n_atoms for graph in graphs])
    n_edges = np.array([graph.n_edges for graph in graphs])
    offset = np.repeat(np.cumsum(n_atoms) - n_atoms, n_edges)
    center = np.concatenate([graph.center for graph in graphs]) + offset
    neighbor = np.concatenate([graph.neighbor for graph in graphs]) + offset
    atomic_numbers = np.concatenate([graph.atomic_numbers for graph in graphs])
    distance = np.concatenate([graph.distance for graph in graphs])
    bond_features = make_bond_features(distance, bonds or BondSettings())
    return CrystalBatch(
        torch.as_tensor(features.matrix(atomic_numbers), dtype=dtype),
        torch.as_tensor(bond_features, dtype=dtype),
        torch.as_tensor(center),
        torch.as_tensor(neighbor),
        torch.as_tensor(np.repeat(np.arange(len(graphs)), n_atoms)),
        len(graphs),
    )
