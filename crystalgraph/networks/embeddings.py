"""Crystals and atoms as vectors: what a trained network holds of them before its last layers.

The vector of an atom is its row after the last convolution. The vector of a crystal is what the
pooling makes of its atoms, before the activation and the layer conv_to_fc that follow. So with mean
pooling it is the mean of the atoms' vectors, and with max pooling their largest values; softmax
pooling reads all layers, and its crystal vector is no function of the last one alone.

Vectors of two networks do not compare: another seed gives other axes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from pymatgen.core import Structure
from torch import Tensor, nn

from crystalgraph.crystals.features import AtomFeatures
from crystalgraph.crystals.graphs import GraphSettings, batch_graphs, build_graph
from crystalgraph.errors import CrystalGraphError

CHUNK = 64  # crystals embedded at once

Pooled = tuple[Tensor, Tensor]
"""Atom features (N, F) of the last layer and crystal features (C, F)."""


@dataclass(frozen=True)
class Embeddings:
    """Vectors of C crystals and of their atoms, dimensionless, float64.

    Attributes:
        crystals: (C, F) a row for each crystal.
        atoms: C arrays (N, F), a row for each atom, in the order of the structure's sites.
    """

    crystals: np.ndarray
    atoms: list[np.ndarray]


@torch.no_grad()
def embed(
    network: nn.Module,
    structures: Sequence[Structure],
    features: AtomFeatures,
    settings: GraphSettings,
    names: Sequence[str] = (),
) -> Embeddings:
    """The vectors that a network makes of crystals and of their atoms.

    They are computed in float64 with a copy of the network. With whole shells of neighbors
    (ties="keep") they are the same for every cell of a crystal; the published networks cut shells.

    Args:
        network: CrystalGraphConvNet of a model file, with its weights.
        structures: C crystals.
        features: atom features that the network was trained with.
        settings: of its graphs.
        names: C names for error messages.

    Raises:
        CrystalGraphError: a structure of which no graph with features can be made, or the
            network's forward does not call its method pool.
    """
    twin = copy.deepcopy(network).cpu().double().eval()
    labels = list(names) or [""] * len(structures)
    pairs = list(zip(structures, labels, strict=True))
    crystals, atoms = [], []
    for first in range(0, len(pairs), CHUNK):
        graphs = [build_graph(*pair, settings) for pair in pairs[first : first + CHUNK]]
        batch = batch_graphs(graphs, features, torch.float64, settings.bonds)
        of_atoms, of_crystals = _pooled(twin, batch.inputs())
        crystals.append(of_crystals.numpy())
        atoms += [rows.numpy() for rows in of_atoms.split([graph.n_atoms for graph in graphs])]
    return Embeddings(np.concatenate(crystals) if crystals else np.empty((0, 0)), atoms)


def _pooled(network: nn.Module, inputs: tuple) -> Pooled:
    """What goes into the pooling of a batch and what comes out of it."""
    with _pooling_recorded(network) as found:
        network(*inputs)
    if not found:
        raise CrystalGraphError(
            f"{type(network).__name__} does not call self.pool in forward, and its result is the "
            "embedding of a crystal; call it there, as model.py does."
        )
    return found[-1]


@contextmanager
def _pooling_recorded(network: nn.Module) -> Iterator[list[Pooled]]:
    """Note what the network's method pool is given and returns."""
    found: list[Pooled] = []
    pool: Callable[..., Tensor] | None = getattr(network, "pool", None)
    if pool is None:
        yield found
        return

    def recorded(states: list[Tensor], crystal: Tensor, n_crystals: int) -> Tensor:
        pooled = pool(states, crystal, n_crystals)
        found.append((states[-1], pooled))
        return pooled

    vars(network)["pool"] = recorded  # it comes before the method of the class
    try:
        yield found
    finally:
        del vars(network)["pool"]
