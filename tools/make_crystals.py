"""Write the CIF files in data/crystals from space group, lattice constants and positions.

The numbers and where they were published are in data/crystals/README.md. Run it again after a
change: `python tools/make_crystals.py`.
"""

from pathlib import Path

from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

FOLDER = Path(__file__).resolve().parents[1] / "data" / "crystals"

# name: (space group, a, c or None for cubic, {element: position of one atom}); lengths in angstrom
CRYSTALS = {
    "NaCl": ("Fm-3m", 5.6401, None, {"Na": (0, 0, 0), "Cl": (0.5, 0.5, 0.5)}),
    "CsCl": ("Pm-3m", 4.123, None, {"Cs": (0, 0, 0), "Cl": (0.5, 0.5, 0.5)}),
    "Cu": ("Fm-3m", 3.615, None, {"Cu": (0, 0, 0)}),
    "diamond": ("Fd-3m", 3.56679, None, {"C": (0, 0, 0)}),
    "Si": ("Fd-3m", 5.431020511, None, {"Si": (0, 0, 0)}),
    "ZnS_zincblende": ("F-43m", 5.4093, None, {"Zn": (0, 0, 0), "S": (0.25, 0.25, 0.25)}),
    "ZnS_wurtzite": ("P6_3mc", 3.811, 6.234, {"Zn": (1 / 3, 2 / 3, 0), "S": (1 / 3, 2 / 3, 3 / 8)}),
    "CaF2": ("Fm-3m", 5.46295, None, {"Ca": (0, 0, 0), "F": (0.25, 0.25, 0.25)}),
    "TiO2_rutile": ("P4_2/mnm", 4.59373, 2.95812, {"Ti": (0, 0, 0), "O": (0.3053, 0.3053, 0)}),
    "SrTiO3": (
        "Pm-3m",
        3.905,
        None,
        {"Sr": (0, 0, 0), "Ti": (0.5, 0.5, 0.5), "O": (0.5, 0.5, 0)},
    ),
}


def conventional_cell(
    space_group: str, a: float, c: float | None, positions: dict[str, tuple[float, float, float]]
) -> Structure:
    """Build the conventional unit cell.

    Args:
        space_group: Hermann-Mauguin symbol.
        a, c: lattice constants in angstrom; c is None when the crystal is cubic.
        positions: for each element the fractional coordinates of one of its atoms.

    Returns:
        All atoms of the cell, element by element.
    """
    if c is None:
        lattice = Lattice.cubic(a)
    elif space_group.startswith("P6"):
        lattice = Lattice.hexagonal(a, c)
    else:
        lattice = Lattice.tetragonal(a, c)
    elements, points = zip(*positions.items(), strict=True)
    return Structure.from_spacegroup(space_group, lattice, elements, points)


def main() -> None:
    """Write all files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, settings in CRYSTALS.items():
        structure = conventional_cell(*settings)
        CifWriter(structure, significant_figures=9).write_file(FOLDER / f"{name}.cif")
        print(f"{name:15s} {structure.composition.formula:12s} {len(structure)} atoms")


if __name__ == "__main__":
    main()
