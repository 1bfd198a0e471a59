"""Reading CIF files."""

from __future__ import annotations

import warnings
from pathlib import Path

from pymatgen.core import Structure

from crystalgraph.crystals.loaders.checks import first_line
from crystalgraph.errors import CrystalGraphError


def read_cif(path: str | Path) -> Structure:
    """Read the first crystal of a CIF file.

    Args:
        path: of the file.

    Returns:
        The structure, with the cell as it is written.

    Raises:
        CrystalGraphError: the file is missing, empty or cannot be understood.
    """
    path = Path(path)
    try:
        # Only comments and names can hold other letters than ASCII; a wrong one does not matter.
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be read ({error.strerror}); check the name and put the file there."
        ) from error
    if not text.strip():
        raise CrystalGraphError(f"{path} is empty; download or export the CIF file again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Structure.from_str(text, fmt="cif")
    except Exception as error:  # pymatgen raises whatever its parser runs into
        raise CrystalGraphError(
            f"{path} is not a CIF file that can be read ({first_line(error)}); open it in a "
            "viewer such as VESTA, or export it again."
        ) from error
