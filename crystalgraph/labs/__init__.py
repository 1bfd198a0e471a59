"""The labs of the course: one folder and one row each.

A lab's folder holds __init__.py (LAB), tasks.py, checks/, advice.py, figures/, cases/ and
instructor/; CONTRIBUTING.md says how to add one.
"""

from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import defects, equivariance, features, hw, symmetry, trust
from crystalgraph.labs.lab import Lab

LABS: dict[str, Lab] = {
    "hw": hw.LAB,
    "symmetry": symmetry.LAB,
    "defects": defects.LAB,
    "equivariance": equivariance.LAB,
    "features": features.LAB,
    "trust": trust.LAB,
}
"""Name of the folder -> lab, in the order of the course."""


def find_lab(name: str) -> Lab:
    """The lab of a name.

    Args:
        name: the lab's id, or the name of its folder.

    Raises:
        CrystalGraphError: there is none.
    """
    for folder, lab in LABS.items():
        if name in (lab.id, folder):
            return lab
    known = ", ".join(lab.id for lab in LABS.values())
    raise CrystalGraphError(f"There is no lab {name!r}; choose one of {known}.")
