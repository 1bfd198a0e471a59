"""What the student wrote in the first notebook, for the notebooks after it."""

from __future__ import annotations

from pathlib import Path

from crystalgraph.checking.notebook_code import load_function
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.equivariance.tasks import LAYER


def from_notebook(name: str, folder: Path | None = None) -> object:
    """A function or class of the first notebook, as it is saved.

    Args:
        name: of the function or class.
        folder: where the notebook lies; by default where this one does.

    Raises:
        CrystalGraphError: the notebook is not there, or does not define it.
    """
    path = (folder or Path.cwd()) / LAYER
    if not path.is_file():
        raise CrystalGraphError(
            f"{LAYER} is not in {path.parent}: put both notebooks into one folder, and save the "
            "first."
        )
    return load_function(path, name)
