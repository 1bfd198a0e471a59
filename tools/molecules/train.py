"""Train the networks whose results notebooks show finished: data/molecules/finished_runs.json.

    python tools/molecules/train.py [--data qm9]

What is in the file and current is not trained again, so it can be stopped and started. 2,500 steps
take one or two minutes of one core. With `--data qm9`, where the package qm9pack is installed,
training goes on with molecules of the whole set; validation and test stay the shipped ones.
"""

import argparse
import json
import time
from dataclasses import asdict

import numpy as np
import torch

from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments.in_force import differences
from crystalgraph.files import write_atomically
from crystalgraph.labs import LABS
from crystalgraph.labs.equivariance.molecules import Molecules, load_molecules
from crystalgraph.labs.equivariance.networks import MovingNetwork, Property
from crystalgraph.labs.equivariance.qm9 import load_qm9
from crystalgraph.labs.equivariance.study import FINISHED, Parts, in_force, train_and_predict
from crystalgraph.labs.equivariance.training import Fit
from crystalgraph.releasing.right_answers import right_answers

ANSWERS = right_answers(LABS["equivariance"])
ALL = load_molecules().names
PLANS = {
    "molecules": (
        *((ALL, number, 1250) for number in (500, 1000, 2000, 4000)),
        (ALL, 8000, 2500),
        (("gap",), 8000, 4000),
        (ALL, 8000, 12500),
    ),
    "qm9": ((ALL, 100_000, 12500),),
}
"""Data -> (targets, training molecules, steps)."""
LOAD = {"molecules": load_molecules, "qm9": load_qm9}


def run(molecules: Molecules, targets: tuple[str, ...], number: int, fit: Fit) -> dict[str, object]:
    """Train one network; what is written about it."""

    def network() -> Property:
        return Property(MovingNetwork(ANSWERS["1.2"]), len(targets))

    parts, begun = Parts(ANSWERS["1.1"], ANSWERS["2.2"]), time.process_time()
    rows = molecules.parts["train"][:number]
    predicted = train_and_predict(molecules, targets, network, parts, rows, fit)
    columns = [ALL.index(name) for name in targets]
    true = molecules.targets[molecules.parts["test"]][:, columns]
    errors = np.abs(predicted - true).mean(axis=0)
    return {
        "targets": list(targets),
        "molecules": number,
        "fit": asdict(fit),
        "in_force": in_force(),
        "mae": dict(zip(targets, errors.round(5).tolist(), strict=True)),
        "seconds": round(time.process_time() - begun),
    }


def _asked(one: dict) -> tuple[list[str], int, int]:
    """What a run is looked up by: one that is stale goes when it is made again."""
    return one["targets"], one["molecules"], one["fit"]["steps"]


def main() -> None:
    """Train what is missing, and write after each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=list(PLANS), default="molecules")
    data = parser.parse_args().data
    torch.set_num_threads(1)
    try:
        molecules = LOAD[data]()
    except CrystalGraphError as error:
        parser.error(str(error))
    runs = json.loads(FINISHED.read_text("utf-8")) if FINISHED.is_file() else []
    for targets, number, steps in PLANS[data]:
        fit = Fit(steps)
        known = {"targets": list(targets), "molecules": number, "fit": asdict(fit)}
        known["in_force"] = in_force()
        if all(differences(one, known) for one in runs):
            runs = [one for one in runs if _asked(one) != _asked(known)]
            runs.append(run(molecules, targets, number, fit))
            lines = ",\n".join(json.dumps(one) for one in runs)
            write_atomically(FINISHED, f"[\n{lines}\n]\n")
            print(number, targets, runs[-1]["mae"], f"{runs[-1]['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
