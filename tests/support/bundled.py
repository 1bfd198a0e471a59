"""The solution model and every crystal shipped in data/, for tests that want all of them."""

import json
import sys
import warnings

from pymatgen.core import Lattice, Structure

from crystalgraph import paths
from crystalgraph.networks.model_file import load_model_class

model = sys.modules[load_model_class().__module__]
"""The repository's model.py as a module."""


def bundled_structures() -> dict[str, Structure]:
    """Crystals in data/ by name: all CIF files, and all .jsonl lines that hold a structure."""
    structures = {}
    for file in sorted(paths.DATA.rglob("*.cif")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            structures[file.stem] = Structure.from_file(file)
    for file in sorted(paths.DATA.rglob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if {"lattice", "symbols", "frac_coords"} <= record.keys():
                structures[f"{file.stem}/{record['id']}"] = Structure(
                    Lattice(record["lattice"]), record["symbols"], record["frac_coords"]
                )
    return structures
