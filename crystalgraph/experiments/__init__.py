"""Named experiments, their finished runs, and runs made now: what notebooks call."""

from crystalgraph.experiments.catalog import GROUPS, SEEDS, label, reference
from crystalgraph.experiments.finished_runs import load_run, load_runs, oxides, perovskites
from crystalgraph.experiments.live import (
    guess_and_run,
    runs_now_or_finished,
    steps,
    student_network,
    train_or_load,
)

__all__ = [
    "GROUPS",
    "SEEDS",
    "guess_and_run",
    "label",
    "load_run",
    "load_runs",
    "oxides",
    "perovskites",
    "reference",
    "runs_now_or_finished",
    "steps",
    "student_network",
    "train_or_load",
]
