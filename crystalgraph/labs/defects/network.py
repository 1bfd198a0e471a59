"""The network of the lab: convolutions of the engine, and readouts that are given from outside.

The convolutions know that each row stands for several atoms. What makes one number of a cell's
atoms is the subject of the lab, so students write its parts and the network is given them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from crystalgraph.crystals.bond_features import BondSettings
from crystalgraph.crystals.features import published_features
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.defects.cells import N_CONV, CellBatch
from crystalgraph.networks.engine.network import QuotientNetwork

WIDTH, HEAD = 32, 64
READOUTS = ("mean", "max", "softmax", "attention", "score", "contrast")
PER_ATOM = ("score", "contrast")
"""Readouts that give a number to every atom and take the largest."""


@dataclass(frozen=True)
class Parts:
    """What a readout is made of, in the form in which the tasks ask for it.

    Attributes:
        mean_pool: (atom_features (M, F), multiplicity (M,), crystal (M,)) -> (C, F).
        max_pool: (atom_features (M, F), crystal (M,)) -> (C, F).
        contrast: (atom_features (M, F), element (M,), multiplicity (M,), crystal (M,)) -> (M, F).
    """

    mean_pool: Callable[..., Tensor]
    max_pool: Callable[..., Tensor]
    contrast: Callable[..., Tensor]


class DefectNetwork(QuotientNetwork):
    """Says of each cell how much it looks like one with a defect.

    Args:
        readout: one of READOUTS.
        parts: what it is made of.
        n_classes: numbers of each cell; 1 for "a defect or not".

    Raises:
        CrystalGraphError: no such readout.
    """

    def __init__(self, readout: str, parts: Parts, n_classes: int = 1) -> None:
        if readout not in READOUTS:
            raise CrystalGraphError(f"No readout '{readout}'; choose one of {', '.join(READOUTS)}.")
        super().__init__(
            published_features().n_features,
            BondSettings().n_centers,
            WIDTH,
            N_CONV,
            HEAD,
            pooling="softmax" if readout == "softmax" else "mean",
        )
        self.fc_out = nn.Linear(HEAD, n_classes)
        self.readout, self.parts = readout, parts
        self.attention = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1))

    def atoms(self, batch: CellBatch) -> Tensor:
        """Features (M, F) of each kind of atoms after the last convolution."""
        return self.states(batch.quotient)[-1]

    def head(self, features: Tensor) -> Tensor:
        """Features (rows, F) to numbers (rows, n_classes)."""
        return self.fc_out(softplus(self.conv_to_fc(softplus(features))))

    def scores(self, batch: CellBatch) -> Tensor:
        """A number (M, 1) for each kind of atoms: how much it looks like part of a defect.

        Raises:
            CrystalGraphError: the readout has no such numbers.
        """
        if self.readout not in PER_ATOM:
            raise CrystalGraphError(
                f"A network with the readout '{self.readout}' has no numbers of single atoms; "
                f"train one with {' or '.join(PER_ATOM)}."
            )
        atoms = self.atoms(batch)
        if self.readout == "contrast":
            atoms = self.parts.contrast(atoms, batch.element, batch.multiplicity, batch.crystal)
        return self.head(atoms)

    def pooled(self, batch: CellBatch) -> Tensor:
        """Features (C, F) of cells, for readouts that pool before the head."""
        states = self.states(batch.quotient)
        if self.readout == "mean":
            return self.parts.mean_pool(states[-1], batch.multiplicity, batch.crystal)
        if self.readout == "max":
            return self.parts.max_pool(states[-1], batch.crystal)
        if self.pooling is not None:
            return self.pooling(states, batch.quotient)
        share = self._attention_shares(states[-1], batch)
        return _summed(share * states[-1], batch)

    def _attention_shares(self, atoms: Tensor, batch: CellBatch) -> Tensor:
        """Learned weights (M, 1) of the kinds of atoms; those of a cell add up to 1."""
        logit = self.attention(atoms) + batch.multiplicity.log().unsqueeze(1)
        largest = self.parts.max_pool(logit.detach(), batch.crystal)
        weight = torch.exp(logit - largest[batch.crystal])
        return weight / _summed(weight, batch)[batch.crystal]

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, batch: CellBatch
    ) -> Tensor:
        """Log-odds (C,) of a defect; (C, n_classes) for several classes."""
        if self.readout in PER_ATOM:
            out = self.parts.max_pool(self.scores(batch), batch.crystal)
        else:
            out = self.head(self.pooled(batch))
        return out.squeeze(1) if out.shape[1] == 1 else out


def _summed(rows: Tensor, batch: CellBatch) -> Tensor:
    """Sums (C, F) of rows (M, F) over each cell."""
    return rows.new_zeros(batch.n_crystals, rows.shape[1]).index_add(0, batch.crystal, rows)
