"""Where a Python that a test starts looks for modules."""

from __future__ import annotations

import os
from pathlib import Path


def python_path(*folders: Path) -> str:
    """PYTHONPATH with these folders first; what is there stays."""
    present = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join([*map(str, folders), *filter(None, present)])
