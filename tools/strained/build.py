"""Compute the energies of data/strained, write them, or compare a new computation with them.

    python tools/strained/build.py energies --out FOLDER [--first N]
    python tools/strained/build.py write    --out FOLDER
    python tools/strained/build.py compare  --out FOLDER

`energies` skips what the journal in FOLDER has: stop it at any time and start it again. `write`
makes data/strained/strained.jsonl of the journal. `compare` prints how far the energies of the
journal are from those that are shipped, and writes data/strained/recomputed.csv. See README.md
beside this file for what to install.
"""

import argparse
import csv
import json
import sys
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2] / "data"
PEROVSKITES, STRAINED = ROOT / "perovskites", ROOT / "strained"
sys.path.append(str(Path(__file__).resolve().parents[1] / "perovskites"))

from journal import Journal, write_atomically  # noqa: E402
from stages import run_command, run_stage  # noqa: E402

FEW = [-0.06, -0.03, 0.0, 0.03, 0.06]
MANY = [round(0.005 * step, 3) for step in range(-16, 17)]
N_HOSTS, N_CURVES = 360, 24
DECIMALS = 4  # of an energy in eV/atom


def hosts() -> dict[str, dict]:
    """The crystals that are strained, drawn once from those of five atoms."""
    text = (PEROVSKITES / "perovskites.jsonl").read_text(encoding="utf-8")
    records = [record for record in map(json.loads, text.splitlines()) if record["kind"] == "ABX3"]
    rows = np.random.default_rng(0).permutation(len(records))[:N_HOSTS]
    return {records[row]["id"]: records[row] for row in sorted(rows)}


def strains(known: dict[str, dict]) -> dict[str, list[float]]:
    """The strains of each crystal: many for some that are tested on, few for the others."""
    parts = json.loads((PEROVSKITES / "splits" / "formula.json").read_text(encoding="utf-8"))
    tested = sorted(set(parts["test"]) & set(known))
    many = set(np.random.default_rng(1).permutation(tested)[:N_CURVES].tolist())
    return {name: MANY if name in many else FEW for name in known}


@cache
def potential():
    """The pretrained potential, loaded once."""
    import torch
    from chgnet.model import CHGNet

    torch.set_num_threads(1)
    return CHGNet.load(verbose=False)


def energies(record: dict, at: list[float]) -> dict:
    """Energy of a crystal with all lengths multiplied by 1 + strain, nothing relaxed."""
    from pymatgen.core import Structure

    cells = [(1 + strain) * np.array(record["lattice"]) for strain in at]
    crystals = [Structure(cell, record["symbols"], record["frac_coords"]) for cell in cells]
    found = potential().predict_structure(crystals, task="e", batch_size=len(crystals))
    return {"strain": at, "energy_per_atom": [round(float(one["e"]), DECIMALS) for one in found]}


# ---- stages


def do_energies(options: argparse.Namespace) -> int:
    """Compute what the journal does not have."""
    known = hosts()
    wanted = strains(known)
    names = list(np.random.default_rng(2).permutation(list(known)))[: options.first]
    work = [(str(n), lambda n=str(n): energies(known[n], wanted[n])) for n in names]
    return run_stage(Journal(options.out / "energies.jsonl"), work)


def do_write(options: argparse.Namespace) -> int:
    """Write the data set of a journal that is complete."""
    found = Journal(options.out / "energies.jsonl").successes()
    missing = hosts().keys() - found.keys()
    if missing:
        print(f"{len(missing)} crystals are not in the journal: run `energies` first.")
        return 1
    keys = ("id", "strain", "energy_per_atom")
    lines = [json.dumps({key: found[name][key] for key in keys}) + "\n" for name in sorted(found)]
    write_atomically(STRAINED / "strained.jsonl", "".join(lines))
    return 0


def do_compare(options: argparse.Namespace) -> int:
    """Say how far the energies of the journal are from the shipped ones."""
    text = (STRAINED / "strained.jsonl").read_text(encoding="utf-8")
    shipped = {record["id"]: record for record in map(json.loads, text.splitlines())}
    found = Journal(options.out / "energies.jsonl").successes()
    rows = []
    for name in sorted(found.keys() & shipped.keys()):
        pair = [np.array(one[name]["energy_per_atom"]) for one in (found, shipped)]
        rows.append([name, round(float(np.abs(pair[0] - pair[1]).max()), DECIMALS)])
    with (STRAINED / "recomputed.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "largest difference of an energy (eV/atom)"])
        writer.writerows(rows)
    print(f"{len(rows)} crystals, largest difference {max(row[1] for row in rows)} eV/atom")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    stages = top.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for name, action in STAGES.items():
        stage = stages.add_parser(name, help=action.__doc__)
        stage.add_argument("--out", type=Path, required=True, help="folder of the journal")
    first = stages.choices["energies"]
    first.add_argument("--first", type=int, help="so many of the crystals, in random order")
    return top


STAGES = {"energies": do_energies, "write": do_write, "compare": do_compare}


if __name__ == "__main__":
    sys.exit(run_command(parser(), STAGES))
