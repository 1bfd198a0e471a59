"""Turning distances into the numbers a network reads: a row of Gaussians per bond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crystalgraph.errors import CrystalGraphError


@dataclass(frozen=True)
class BondSettings:
    """How distances become bond features: Gaussians at 0, step, 2 step ...

    The defaults are those of Xie & Grossman (2018): 0, 0.2 ... 8 angstrom.

    Attributes:
        n_centers: number of Gaussians, K.
        step: from one center to the next, in angstrom.
        width: of the Gaussians, in angstrom.
        negligible: smaller numbers become 0; tiny float32 numbers make a CPU 5 times slower.
    """

    n_centers: int = 41
    step: float = 0.2
    width: float = 0.2
    negligible: float = 1e-20

    @property
    def centers(self) -> np.ndarray:
        """Positions of the Gaussians, (K,) in angstrom."""
        return np.arange(self.n_centers) * self.step


GAUSSIAN_CENTERS = BondSettings().centers
GAUSSIAN_CENTERS.flags.writeable = False


def make_bond_features(distance: np.ndarray, settings: BondSettings) -> np.ndarray:
    """The numbers that describe each bond.

    Args:
        distance: (E,) in angstrom.
        settings: how.

    Returns:
        (E, K) float64, between 0 and 1.
    """
    numbers = gaussian_expansion(distance, settings.centers, settings.width)
    numbers[numbers < settings.negligible] = 0.0
    return numbers


def gaussian_expansion(
    distance: np.ndarray, centers: np.ndarray = GAUSSIAN_CENTERS, width: float = BondSettings.width
) -> np.ndarray:
    """Spread each distance over a row of Gaussians: exp(-(d - mu)^2 / width^2).

    Args:
        distance: (E,) in angstrom (any shape is taken).
        centers: (K,) positions mu of the Gaussians, in angstrom.
        width: width of the Gaussians, in angstrom; squared in the formula, without a factor 2.

    Returns:
        (E, K) float64, between 0 and 1.

    Raises:
        CrystalGraphError: the width is not positive.

    Source:
        Xie & Grossman (2018); their code uses mu = 0, 0.2 ... 8 and width 0.2 angstrom.
    """
    if not width > 0:
        raise CrystalGraphError(
            f"A Gaussian of width {width} A has no shape: give a width above 0."
        )
    distance = np.asarray(distance, dtype=np.float64)
    centers = np.asarray(centers, dtype=np.float64)
    return np.exp(-(((distance[..., None] - centers) / width) ** 2))
