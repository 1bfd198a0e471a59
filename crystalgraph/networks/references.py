"""Element references: what the composition alone explains of a target, by a sum over atoms.

Energies per atom of different compositions lie electronvolts apart, while what a network is wanted
for, the structure, decides about tenths of an electronvolt. So a number for each element is fitted
to the training targets and subtracted, the network learns the rest, and prediction adds it again.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pymatgen.core import Element, Structure

from crystalgraph.errors import CrystalGraphWarning

PENALTY = 1e-3
"""Of the squared distance from the mean, where a row of atom fractions adds up to 1. It decides
where elements always occur together, and is too small to matter for any other."""


@dataclass(frozen=True)
class ElementReferences:
    """One number for each element.

    Attributes:
        values: element symbol -> its part of the target, in the target's unit.
        mean: target per atom of all training crystals together; in place of the number of an
            element that is not among them.
        per: "atom": the reference of a crystal is the mean over its atoms, for targets like
            eV/atom; "cell": their sum, for targets that grow with the cell.
    """

    values: Mapping[str, float]
    mean: float
    per: str

    @classmethod
    def fit(
        cls, structures: Sequence[Structure], targets: np.ndarray, per: str
    ) -> ElementReferences:
        """Least squares on the atom fractions, or on the numbers of atoms in the cell.

        Args:
            structures: C training crystals.
            targets: (C,) of them; of nothing else.
            per: "atom" or "cell".

        Returns:
            The references. Elements that always occur together share what they explain.
        """
        counts = [_atoms(structure) for structure in structures]
        symbols = sorted(set().union(*counts))
        amounts = np.array([[_amount(count, s, per) for s in symbols] for count in counts])
        sizes = amounts.sum(axis=1)
        mean = float(np.sum(targets) / sizes.sum())
        weight = np.sqrt(PENALTY) * np.eye(len(symbols))
        rest = np.concatenate([targets - mean * sizes, np.zeros(len(symbols))])
        differences = np.linalg.lstsq(np.vstack([amounts, weight]), rest, rcond=None)[0]
        return cls(dict(zip(symbols, (mean + differences).tolist(), strict=True)), mean, per)

    def of(self, structures: Sequence[Structure]) -> np.ndarray:
        """References of crystals; a crystal with an unknown element is a CrystalGraphWarning.

        Args:
            structures: C crystals.

        Returns:
            (C,) in the target's unit.
        """
        unknown = self.unknown(structures)
        if unknown:
            warnings.warn(unknown, CrystalGraphWarning, stacklevel=2)
        return np.array([self._of(_atoms(structure)) for structure in structures])

    def unknown(self, structures: Sequence[Structure]) -> str:
        """What is to be said about elements without a reference; empty if there are none."""
        found = set().union(*map(_atoms, structures)) - set(self.values)
        if not found:
            return ""
        return (
            f"{', '.join(sorted(found))} did not occur in the training crystals, so the mean of "
            "all elements stands in for the reference; trust predictions of such crystals less."
        )

    def _of(self, count: Counter[str]) -> float:
        return sum(_amount(count, s, self.per) * self.values.get(s, self.mean) for s in count)


def fit_references(
    structures: Sequence[Structure], targets: np.ndarray, unit: str
) -> ElementReferences:
    """References of the kind that a target needs.

    A target per atom needs those per atom, one per cell those per cell. Where the unit does not
    tell and the cells are of different size, the kind with the smaller training error is taken.

    Args:
        structures: C training crystals.
        targets: (C,) of them, in the unit.
        unit: of the target; empty where it is not known.
    """
    kinds = ["cell"] if "/cell" in unit else ["atom"]
    if kinds == ["atom"] and may_grow_with_cell(unit) and len(set(map(len, structures))) > 1:
        kinds = ["atom", "cell"]
    fitted = [ElementReferences.fit(structures, targets, per) for per in kinds]
    return min(fitted, key=lambda one: float(np.abs(one.of(structures) - targets).mean()))


def may_grow_with_cell(unit: str) -> bool:
    """Whether a target of this unit may be twice as large for twice the cell; True if unknown."""
    return "/atom" not in unit and unit != "eV"


def _atoms(structure: Structure) -> Counter[str]:
    """How many atoms of each element are in the cell."""
    return Counter(Element.from_Z(number).symbol for number in structure.atomic_numbers)


def _amount(count: Counter[str], symbol: str, per: str) -> float:
    return count[symbol] / (count.total() if per == "atom" else 1)
