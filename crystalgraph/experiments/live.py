"""Experiments run now, with a student's network, or the finished runs and why.

Where a student's layers give the textbook's numbers, the engine trains with them, which takes
seconds: then all three seeds are run at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np
import torch
from torch import nn

from crystalgraph.checking.autograding import autograding
from crystalgraph.crystals.datasets import load_split
from crystalgraph.crystals.graphs import CrystalBatch, batch_graphs
from crystalgraph.errors import CrystalGraphError, ShownPlainly
from crystalgraph.experiments.catalog import FEATURES, GROUPS, SEEDS, experiment, label
from crystalgraph.experiments.finished_runs import bundled, load_run, load_runs
from crystalgraph.experiments.side_by_side import Job, run_experiment, run_side_by_side
from crystalgraph.networks.model_file import load_model_class, make_model, path_of
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.training_run import RunResult, TrainedModel


def steps(n: int) -> Iterator[int]:
    """Count from 0 to n - 1 like range; while nbgrader is grading, count nothing."""
    return iter(range(0 if autograding() else n))


class NetworkNotReady(ShownPlainly, CrystalGraphError):
    """A cell needs a network that does not run, and why it does not."""


class NotReady(nn.Module):
    """Stands for a network that does not run; every attempt to build it says why."""

    reason = ""

    def __init__(self, *sizes: int, **settings: object) -> None:
        raise NetworkNotReady(f"Your network does not run yet, so this cell cannot: {self.reason}")


def student_network(path: str | Path, name: str = "gated") -> type[nn.Module]:
    """A student's network, tried on a few crystals; prints one sentence about it.

    Args:
        path: the student's model file.
        name: of the experiment whose network and crystals are tried.

    Returns:
        The class; where it cannot be used, a class that says why when it is built.
    """
    try:
        model_class = load_model_class(path)
        n_parameters = sum(w.numel() for w in _small_model(model_class, name).parameters())
        seconds = seconds_per_step(model_class, name)
    except Exception as error:  # whatever a student's file raises
        reason = _one_line(error)
        print(f"Your network does not run yet, so finished runs are shown: {reason}")
        return type("NotReady", (NotReady,), {"reason": reason})
    print(f"Your network runs: {n_parameters:,} parameters, {seconds * 1e3:.0f} ms per step.")
    if not autograding() and engine_fits(model_class, name):
        print("Its numbers are the textbook's, so experiments train it with the fast engine.")
    return model_class


def engine_fits(model_class: type[nn.Module], name: str) -> bool:
    """Whether the engine may train a network in an experiment: it gives the same numbers.

    Args:
        model_class: CrystalGraphConvNet or a class called alike.
        name: of the experiment.
    """
    from crystalgraph.networks.engine.agreement import engine_for  # not in students' sandbox

    chosen = experiment(name)
    graphs = bundled(chosen.dataset).graphs(chosen.graph_settings)
    try:
        settings = ModelSettings.in_force(model_class, chosen.model_arguments)
        network = _small_model(model_class, name)
        features, bonds = FEATURES[chosen.features](), chosen.graph_settings.bonds
        engine_for(network, settings, graphs, features, bonds)
    except Exception:  # whatever a student's network raises; _why_not says it
        return False
    return True


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _small_model(model_class: type[nn.Module], name: str) -> nn.Module:
    chosen = experiment(name)
    n_features = FEATURES[chosen.features]().n_features
    return make_model(model_class, n_features, chosen.model_arguments)


FEW, SOME = 2, 8
"""Crystals that a network is timed on before it gets a whole batch."""
SLOW = 1.0
"""Seconds for two crystals above which a whole batch is not waited for."""


def seconds_per_step(model_class: type[nn.Module], name: str) -> float:
    """How long a forward and backward pass of one batch of an experiment takes.

    Two crystals are timed first. Where they are slow already, eight tell what each further crystal
    costs, so that a network made of Python loops is recognized quickly, and a busy computer, where
    every pass is slow and crystals cost nothing, is not taken for one.

    Args:
        model_class: CrystalGraphConvNet or a class called alike.
        name: of the experiment.

    Returns:
        Seconds.

    Raises:
        CrystalGraphError: the network's output has the wrong shape or is not finite.
    """
    chosen = experiment(name)
    n_crystals = chosen.train_settings(seed=0).batch_size
    graphs = bundled(chosen.dataset).graphs(chosen.graph_settings)[:n_crystals]
    model, features = _small_model(model_class, name), FEATURES[chosen.features]()
    columns = (2,) if chosen.dataset == "oxides" else ()

    def seconds(n: int) -> float:
        return _seconds_of_pass(model, batch_graphs(graphs[:n], features), columns)

    few = min(seconds(FEW), seconds(FEW))  # the first pass pays for what is set up once
    if few <= SLOW:
        return min(seconds(n_crystals), seconds(n_crystals))
    some = seconds(SOME)
    return some + max(some - few, 0.0) / (SOME - FEW) * (n_crystals - SOME)


def _seconds_of_pass(model: nn.Module, batch: CrystalBatch, columns: tuple[int, ...]) -> float:
    """Seconds for forward and backward of a batch; its output has these columns per crystal."""
    start = time.perf_counter()
    prediction = model(*batch.inputs())
    shape = (batch.n_crystals, *columns)
    if tuple(prediction.shape) != shape or not torch.isfinite(prediction).all():
        raise CrystalGraphError(
            f"the network gave shape {tuple(prediction.shape)} for {batch.n_crystals} crystals, or "
            f"numbers that are not finite; finite {shape} is needed. `crystalgraph check` says "
            "more."
        )
    prediction.sum().backward()
    return time.perf_counter() - start


@dataclass(frozen=True)
class Outcome:
    """A run for a notebook.

    Attributes:
        run: made now, or shipped.
        trained: the network; None when the run is a shipped one.
        whose: what figures and sentences call the run.
    """

    run: RunResult
    trained: TrainedModel | None
    whose: str = "finished run"


def train_or_load(
    name: str,
    model_class: type[nn.Module],
    split: str = "formula",
    seed: int = 0,
    budget: float = 300.0,
) -> Outcome:
    """Make a run with a student's network, or load the shipped one and say why.

    Args:
        name: of the experiment.
        model_class: the student's CrystalGraphConvNet.
        split: name of the split.
        seed: of the run.
        budget: seconds that training may take by a timed step; above, the shipped run is loaded.

    Returns:
        The run, and the network when it was trained here.
    """
    reason = _why_not(name, model_class, split, seed, budget)
    if not reason:
        try:
            trained, run = run_experiment(Job(name, split, seed), model_class)
            return Outcome(run, trained, "your network")
        except Exception as error:  # whatever a student's network raises
            reason = f"training stopped: {_one_line(error)}"
    print(f"The finished run is loaded instead of trained: {reason}.")
    return Outcome(load_run(name, split, seed), None)


def _why_not(name: str, model_class: type[nn.Module], split: str, seed: int, budget: float) -> str:
    """Why a run is not trained here; empty when it is."""
    if autograding():
        return "nothing trains while nbgrader is grading"
    if issubclass(model_class, NotReady):
        return f"your network does not run ({model_class.reason})"
    if engine_fits(model_class, name):
        return ""
    settings = experiment(name).train_settings(seed)
    try:
        step = seconds_per_step(model_class, name)
    except Exception as error:  # whatever a student's network raises
        return f"your network does not run ({_one_line(error)})"
    train_rows = load_split(bundled(experiment(name).dataset), split).train
    n_steps = -(-len(train_rows) // settings.batch_size)
    estimate = step * n_steps * settings.epochs
    if estimate > budget:
        return (
            f"{settings.epochs} epochs would take about {estimate / 60:.0f} minutes with your "
            f"network, {step:.1f} s a step; loops over atoms or edges in Python are the usual "
            "reason, index_add is the cure"
        )
    return ""


@dataclass(frozen=True)
class Attempt:
    """An experiment that somebody guessed first and then ran.

    Attributes:
        name: of the experiment.
        guess: what was expected of the test crystals: the error in eV/atom, or the AUC.
        runs: made now, or shipped where the network does not run.
        whose: what figures and sentences call them.
    """

    name: str
    guess: float
    runs: Sequence[RunResult]
    whose: str

    @property
    def values(self) -> list[float]:
        """What the runs have in place of the guess."""
        return test_values(self.runs)

    @property
    def mean(self) -> float:
        """Their mean."""
        return float(np.mean(self.values))

    @property
    def outcome(self) -> Outcome:
        """The first run, for notebooks that were handed out in November 2026; until 2028."""
        return Outcome(self.runs[0], None, self.whose)


def test_values(runs: Sequence[RunResult]) -> list[float]:
    """Each run's mean absolute error on its test crystals, or of a classifier its AUC."""
    return [run.scores["test"]["auc"] if run.scores else run.test_mae for run in runs]


def guess_and_run(
    name: str, guess: float | None, model_class: type[nn.Module], group: str
) -> Attempt | None:
    """Run an experiment once its result is guessed, and compare the two.

    Args:
        name: of the experiment.
        guess: what is expected of the test crystals, the error in eV/atom, or of a classifier the
            AUC; without one nothing is run.
        model_class: the student's CrystalGraphConvNet.
        group: that the experiment belongs to.

    Returns:
        The attempt; None without a guess.

    Raises:
        CrystalGraphError: the group has no such experiment, or the guess is no number.
    """
    if name not in GROUPS[group]:
        raise CrystalGraphError(
            f"There is no experiment '{name}' in {group}; choose one of {', '.join(GROUPS[group])}."
        )
    measure, unit = MEASURES[experiment(name).dataset]
    wanted = f"{measure}{', in' * bool(unit)}{unit}"
    if guess is None:
        print(f"No guess yet: write down what you expect, a {wanted}, and run again.")
        return None
    guess = _checked_guess(guess, wanted)
    attempt = Attempt(name, guess, *runs_now_or_finished(name, model_class))
    finished = test_values(load_runs(name))
    print(
        f"{label(name, group)}: you guessed {guess:.3f}, {attempt.whose} has {_shown(attempt)}, "
        f"the shipped runs have {min(finished):.3f} to {max(finished):.3f}{unit}."
    )
    return attempt


MEASURES = {"perovskites": ("test error", " eV/atom"), "oxides": ("test AUC", "")}
"""Dataset -> what is guessed, and in which unit."""


def _shown(attempt: Attempt) -> str:
    """The value of a run, or the mean of several and all of them."""
    if len(attempt.runs) == 1:
        return f"{attempt.mean:.3f}"
    seeds = ", ".join(f"{value:.3f}" for value in attempt.values)
    return f"{attempt.mean:.3f} (seeds: {seeds})"


def runs_now_or_finished(
    name: str, model_class: type[nn.Module]
) -> tuple[Sequence[RunResult], str]:
    """All seeds of an experiment with a student's network, side by side, or what can be had.

    Args:
        name: of the experiment; formula split.
        model_class: the student's CrystalGraphConvNet, loaded from a file.

    Returns:
        Three runs if the engine can train the network, one if it trains itself, the shipped ones
        if it does not run or is too slow, which is printed; and whose they are.
    """
    path = path_of(model_class)
    if autograding() or path is None or not engine_fits(model_class, name):
        outcome = train_or_load(name, model_class)
        return ([outcome.run] if outcome.trained else load_runs(name)), outcome.whose
    jobs = [Job(name, "formula", seed) for seed in SEEDS]
    runs = dict(run_side_by_side(jobs, path))
    return [runs[job] for job in jobs], "your network"


def _checked_guess(guess: object, wanted: str) -> float:
    """A guess as a float; refused before anything is trained when it is no number."""
    if not isinstance(guess, Real) or isinstance(guess, bool) or not math.isfinite(guess):
        raise CrystalGraphError(
            f"Your guess {guess!r} is not a number: write a {wanted}, with a decimal point and "
            "without quotes, such as 0.1."
        )
    return float(guess)
