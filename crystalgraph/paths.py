"""Where things lie, found from this file, so that every command works from any folder."""

import os
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
"""The repository: the folder that holds crystalgraph/, data/ and start.py."""

PACKAGE = Path(__file__).resolve().parent
"""The library's own folder."""

DATA = Path(os.environ.get("CRYSTALGRAPH_DATA") or REPO / "data")
"""Bundled datasets, element table and finished runs; CRYSTALGRAPH_DATA names another folder."""

CACHE = Path(os.environ.get("CRYSTALGRAPH_CACHE") or REPO / ".cache")
"""Graphs kept between runs; safe to delete. CRYSTALGRAPH_CACHE names another folder."""
