"""Answers with a known mistake: what the checks must reject, and name.

One module per notebook, each with MUTANTS, whose outputs are stored in the cases, and HELD_OUT, the
same mistakes worded by another hand, whose outputs are stored nowhere.
"""

import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
if str(REPO) not in sys.path:
    sys.path.insert(0, str(REPO))

from mutants import classification, energy, network, salt_to_graph  # noqa: E402
from mutants.mutant import Mutant  # noqa: E402

_MODULES = (salt_to_graph, network, energy, classification)
MUTANTS = [mutant for module in _MODULES for mutant in module.MUTANTS]
HELD_OUT = [mutant for module in _MODULES for mutant in module.HELD_OUT]


def stored_mutants(task: str) -> list[Mutant]:
    """The mutants of a task whose outputs are kept in its cases."""
    return [mutant for mutant in MUTANTS if mutant.task == task]


__all__ = ["HELD_OUT", "MUTANTS", "Mutant", "stored_mutants"]
