"""Writes data/trust/finished.json: what the experiments of the lab gave, for nbgrader.

    python -m crystalgraph.labs.trust.record [NAME ...]

Takes about six minutes of processor time; with names of experiments, only these are run again.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from crystalgraph.labs.trust.study import EXPERIMENTS, FINISHED, in_force


def rounded(value: Any) -> Any:
    """The same with numbers of five digits."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def main(names: list[str]) -> None:
    """Run experiments and write them; what is not run again stays as it is."""
    known = json.loads(FINISHED.read_text(encoding="utf-8")) if FINISHED.exists() else {}
    for name in names or EXPERIMENTS:
        known[name] = {"in_force": in_force(name), "gave": rounded(EXPERIMENTS[name]())}
        FINISHED.parent.mkdir(exist_ok=True)
        FINISHED.write_text(json.dumps(known) + "\n", encoding="utf-8")
        print(name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
