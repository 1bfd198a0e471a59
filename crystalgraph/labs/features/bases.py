"""Bases of distances as torch functions, (E,) in angstrom -> rows (E, K)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

CUTOFF = 8.0
"""Neighbors further away than this are not in a graph, in angstrom."""
N = 40
"""Numbers for a bond."""


def one_hot_bins(distance: Tensor, cutoff: float = CUTOFF, n: int = N) -> Tensor:
    """One number per bin: 1 where the distance falls, zeros behind the cutoff; K = n."""
    place = torch.floor(distance[:, None] / cutoff * n)
    return (place == torch.arange(n)).to(distance.dtype)


def gaussians(distance: Tensor, cutoff: float = CUTOFF, n: int = N, width: float = 1.0) -> Tensor:
    """Gaussians in the middles of the same bins; K = n.

    Args:
        distance: (E,) in angstrom.
        cutoff: end of the last bin, in angstrom.
        n: bins.
        width: of the Gaussians, in bins.
    """
    step = cutoff / n
    centers = step * (torch.arange(n, dtype=distance.dtype) + 0.5)
    return torch.exp(-(((distance[:, None] - centers) / (width * step)) ** 2))


def waves(distance: Tensor, cutoff: float = CUTOFF, n: int = N) -> Tensor:
    """Waves sin(k pi d / c) / d, faded so that they vanish smoothly at the cutoff; K = n.

    Source:
        Waves: Gasteiger, Gross and Guennemann, ICLR 2020. Cosine that fades: Behler and
        Parrinello, Phys. Rev. Lett. 98, 146401 (2007).
    """
    d, k = distance[:, None], torch.arange(1, n + 1, dtype=distance.dtype)
    fading = (1 + torch.cos(math.pi * d.clamp(max=cutoff) / cutoff)) / 2
    return math.sqrt(2 / cutoff) * torch.sin(math.pi * k * d / cutoff) / d * fading


def raw(distance: Tensor) -> Tensor:
    """The distance as a share of the cutoff; K = 1."""
    return distance[:, None] / CUTOFF


def inverse(distance: Tensor) -> Tensor:
    """1/d in 1/angstrom; K = 1."""
    return 1 / distance[:, None]


def none(distance: Tensor) -> Tensor:
    """A 1 for every distance: who is a neighbor is told, how far away it is not; K = 1."""
    return torch.ones_like(distance)[:, None]


KINDS = {"bins": one_hot_bins, "gaussians": gaussians, "waves": waves}
"""The three that the notebook's task is about."""
