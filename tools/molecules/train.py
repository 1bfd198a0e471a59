"""Train the networks whose results notebooks show finished: data/molecules/finished_runs.json.

    python tools/molecules/train.py

What is in the file already is not trained again, so it can be stopped and started. With 8,000
molecules a run takes one or two minutes of one core.
"""

import json
import time
from dataclasses import asdict

import numpy as np
import torch

from crystalgraph.files import write_atomically
from crystalgraph.labs import LABS
from crystalgraph.labs.equivariance.molecules import load_molecules
from crystalgraph.labs.equivariance.networks import MovingNetwork, Property
from crystalgraph.labs.equivariance.study import FINISHED, Parts, train_and_predict
from crystalgraph.labs.equivariance.training import Fit
from crystalgraph.releasing.right_answers import right_answers

MOLECULES = load_molecules()
ANSWERS = right_answers(LABS["equivariance"])
ALL = MOLECULES.names
PLAN = (
    *((ALL, number, 1250) for number in (500, 1000, 2000, 4000)),
    (ALL, 8000, 2500),
    (("gap",), 8000, 4000),
)
"""(targets, training molecules, steps)"""


def run(targets: tuple[str, ...], number: int, fit: Fit) -> dict[str, object]:
    """Train one network; what is written about it."""

    def network() -> Property:
        return Property(MovingNetwork(ANSWERS["1.2"]), len(targets))

    parts, begun = Parts(ANSWERS["1.1"], ANSWERS["2.2"]), time.process_time()
    rows = MOLECULES.parts["train"][:number]
    predicted = train_and_predict(MOLECULES, targets, network, parts, rows, fit)
    columns = [ALL.index(name) for name in targets]
    true = MOLECULES.targets[MOLECULES.parts["test"]][:, columns]
    errors = np.abs(predicted - true).mean(axis=0)
    return {
        "targets": list(targets),
        "molecules": number,
        "fit": asdict(fit),
        "mae": dict(zip(targets, errors.round(5).tolist(), strict=True)),
        "seconds": round(time.process_time() - begun),
    }


def main() -> None:
    """Train what is missing, and write after each run."""
    torch.set_num_threads(1)
    runs = json.loads(FINISHED.read_text("utf-8")) if FINISHED.is_file() else []
    for targets, number, steps in PLAN:
        fit = Fit(steps)
        known = (list(targets), number, asdict(fit))
        if known not in [(one["targets"], one["molecules"], one["fit"]) for one in runs]:
            runs.append(run(targets, number, fit))
            lines = ",\n".join(json.dumps(one) for one in runs)
            write_atomically(FINISHED, f"[\n{lines}\n]\n")
            print(number, targets, runs[-1]["mae"], f"{runs[-1]['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
