"""Module paths that notebooks handed out before December 2026 import; kept until January 2028.

Each old path is a module that holds what the new one holds. tests/course/test_old_names.py runs
the cells that were handed out then.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "baselines": "experiments.baselines",
    "board": "course.old_notebooks",
    "checks": "course.old_notebooks",
    "classification": "experiments.classification",
    "colab": "course.old_notebooks",
    "compare": "experiments.verdicts",
    "datasets": "crystals.datasets",
    "elements": "crystals.elements",
    "features": "crystals.features",
    "graphs": "crystals.graphs",
    "hand_in": "course.old_notebooks",
    "model_loading": "networks.model_file",
    "plots": "figures.common",
    "plots_classification": "labs.hw.figures.classification",
    "plots_energy": "labs.hw.figures.energy",
    "plots_network": "labs.hw.figures.network",
    "plots_structure": "figures.structure",
    "published": "networks.published",
    "results": "course.metrics",
    "runs": "networks.training_run",
    "training": "networks.training",
}


class OldNames(MetaPathFinder, Loader):
    """Finds a module under the path that it had before."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of an old path; None for all others."""
        package, _, name = fullname.partition(".")
        moved = package == __package__ and name in MOVED
        return ModuleSpec(fullname, self) if moved else None

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module with the names of the one that has taken its place."""
        name = module.__name__.partition(".")[2]
        new = importlib.import_module(f"{__package__}.{MOVED[name]}")
        module.__dict__.update({k: v for k, v in vars(new).items() if not k.startswith("__")})


def install() -> None:
    """Make the old paths known to this process.

    They are asked for before all others: where a course was updated in place, what had the old
    path before may still lie there, a folder or even a file.
    """
    sys.meta_path.insert(0, OldNames())
