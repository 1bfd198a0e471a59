"""The slope of a network's curve E(strain): by its gradient, and by small differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from crystalgraph.crystals.symmetry import QuotientGraph
from crystalgraph.labs.features.strained import curve
from crystalgraph.labs.features.study import Trained

STEP = 1e-5
"""Change of the strain for differences."""


def by_gradient(trained: Trained, graph: QuotientGraph, strain: Sequence[float]) -> np.ndarray:
    """Slopes dE/d(strain) as autograd gives them.

    Args:
        trained: a network.
        graph: of one crystal, not strained.
        strain: (S,) where.

    Returns:
        (S,) in eV/atom.
    """
    batch = trained.inputs.prepare([graph], torch.float64).batch([0])
    distance = torch.from_numpy(np.unique(graph.distance))
    slopes = []
    for one in strain:
        variable = torch.tensor(float(one), dtype=torch.float64, requires_grad=True)
        rows = trained.inputs.bonds(distance * (1 + variable))
        if rows.requires_grad:
            energy = trained.network(replace(batch, bond_features=rows)).sum()
            (slope,) = torch.autograd.grad(energy * trained.objective.std, variable)
            slopes.append(slope.item())
        else:  # bins: nothing arrives at the distance
            slopes.append(0.0)
    return np.array(slopes)


def by_differences(trained: Trained, graph: QuotientGraph, strain: Sequence[float]) -> np.ndarray:
    """The same slopes by (E(s + h) - E(s - h)) / 2h."""
    at = np.asarray(strain)
    ahead, behind = (curve(trained, graph, at + step) for step in (STEP, -STEP))
    return (ahead - behind) / (2 * STEP)
