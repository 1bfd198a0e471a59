"""Where things lie, found from this file, so that every command works from any folder."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
"""The library's own folder."""

_IN_WHEEL = PACKAGE / "bundled"

REPO = _IN_WHEEL if _IN_WHEEL.is_dir() else PACKAGE.parent
"""The folder that holds assignments/ and data/: the repository's, or their copy in a wheel."""

IS_OWN = REPO != _IN_WHEEL and os.access(REPO, os.W_OK)
"""Whether that folder is for this user to write into, as a JupyterHub's shared copy is not."""

_HOME = Path(os.path.expanduser("~"))  # unlike Path.home() of a user without a name, too

WORK = REPO / "work" if IS_OWN else _HOME / "crystalgraph"
"""The student's own copies of labs."""

DATA = Path(os.environ.get("CRYSTALGRAPH_DATA") or REPO / "data")
"""Bundled datasets, element table and finished runs; CRYSTALGRAPH_DATA names another folder."""

_CACHE = REPO / ".cache" if IS_OWN else _HOME / ".cache" / "crystalgraph"
CACHE = Path(os.environ.get("CRYSTALGRAPH_CACHE") or _CACHE)
"""Crystals of CIF files, and graphs, kept between runs; safe to delete. CRYSTALGRAPH_CACHE names
another folder."""
