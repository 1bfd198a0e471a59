"""One training run from dataset to numbers: what `crystalgraph train` and the experiments share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pymatgen.core import Structure
from torch import nn

from crystalgraph.crystals.datasets import FORMATION_ENERGY, CrystalDataset, Split
from crystalgraph.crystals.features import AtomFeatures, published_features
from crystalgraph.crystals.graphs import GRAPHS_VERSION, CrystalGraph, GraphSettings, build_graph
from crystalgraph.crystals.symmetry import TOLERANCE
from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.model_file import make_model
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.references import ElementReferences, fit_references
from crystalgraph.networks.scores import class_scores
from crystalgraph.networks.trainers import choose_trainer
from crystalgraph.networks.training import (
    OBJECTIVES,
    TRAINING_VERSION,
    ClassLabels,
    CrystalLoader,
    History,
    Objective,
    TrainSettings,
    outputs,
)

if TYPE_CHECKING:
    from crystalgraph.networks.starting_points import StartingPoint

UNITS = {
    FORMATION_ENERGY: "eV/atom",
    "energy_total": "eV/cell",
    "gap_mesh": "eV",
    "energy_per_atom": "eV/atom",
    "energy_above_hull": "eV/atom",
    "band_gap": "eV",
}
"""Units of the target columns that we know by name."""

CODE_VERSIONS: dict[str, float] = {
    "graphs": GRAPHS_VERSION,
    "training": TRAINING_VERSION,
    "same_distance": TOLERANCE,
}
"""What is in force besides the settings: recorded with them. The last one is in angstrom."""


def unit_of(dataset: CrystalDataset, column: str) -> str:
    """Unit of a target column, empty where it is not known."""
    if column == "e_form" and "perovskites" in dataset.name:
        return "eV/cell"  # matbench_perovskites and castelli_perovskites: per cell of five atoms
    return UNITS.get(column, "")


@dataclass(frozen=True)
class RunResult:
    """Everything that is worth keeping of one training run, the weights excepted.

    Attributes:
        dataset, split, target: names; unit: of the target, errors and predictions.
        features: key of the atom features.
        model_settings, graph_settings, train_settings: what the run was made with, whole.
        versions: CODE_VERSIONS it was made with.
        n_parameters: trained numbers of the network.
        mae: mean absolute error of each part that has crystals, in `unit`, with the weights that
            were kept; empty for a classifier.
        predictions: for each part {"id": [...], "target": [...], "prediction": [...]}; a
            classifier predicts the probability of class 1. An ensemble has also "spread".
        history: the fields of training.History.
        seconds: training took, validation after each epoch included.
        device: it ran on.
        scores: of a classifier, for each part "nll" and what classification.class_scores gives,
            with the weights that were kept; empty for a regression.
        threads: it ran on.
        trained_by: the engine, or the network itself and why.
    """

    dataset: str
    split: str
    target: str
    unit: str
    features: str
    model_settings: dict
    graph_settings: dict
    train_settings: dict
    versions: dict[str, float]
    n_parameters: int
    mae: dict[str, float]
    predictions: dict[str, dict[str, list]]
    history: dict[str, Any]
    seconds: float
    device: str = "cpu"
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    threads: int = 1
    trained_by: str = ""

    @property
    def measures(self) -> dict[str, dict[str, float]]:
        """What is reported of each part: {"mae": ...}, or the scores of a classifier."""
        return self.scores or {part: {"mae": mae} for part, mae in self.mae.items()}

    @property
    def train_mae(self) -> float:
        """Mean absolute error on the training crystals, in `unit`."""
        return self.mae["train"]

    @property
    def val_mae(self) -> float:
        """Mean absolute error on the validation crystals, in `unit`."""
        return self.mae["val"]

    @property
    def test_mae(self) -> float:
        """Mean absolute error on the test crystals, in `unit`."""
        return self.mae["test"]

    @property
    def n_epochs(self) -> int:
        """Epochs that were run."""
        return len(self.history["step"])

    @property
    def seconds_per_epoch(self) -> float:
        """Mean duration of an epoch."""
        return self.seconds / self.n_epochs

    def errors(self, part: str = "test") -> np.ndarray:
        """Prediction minus target of each crystal of a part, in `unit`."""
        rows = self.predictions[part]
        return np.array(rows["prediction"]) - np.array(rows["target"])

    def spread(self, part: str = "test") -> np.ndarray:
        """Standard deviation of an ensemble's predictions of each crystal of a part, in `unit`."""
        return np.array(self.predictions[part]["spread"])

    def count(self, part: str) -> int:
        """Number of crystals in a part."""
        return len(self.predictions[part]["id"])


@dataclass(frozen=True)
class TrainedModel:
    """A network and all that is needed to use it on new crystals.

    Attributes:
        model: with the best weights, in evaluation mode.
        features: atom features it was trained with.
        normalizer: turns its output into the target's unit; of a classifier, ClassLabels, which
            turns it into the probability of class 1.
        model_settings, graph_settings: that it and its graphs are made with, whole.
        train_settings: fields of TrainSettings, and "keep" where it was the last epoch; empty
            where they were not recorded.
        target, unit: of the prediction.
        references: what the network's output is counted from; None for nothing.
    """

    model: nn.Module
    features: AtomFeatures
    normalizer: Objective
    model_settings: ModelSettings
    graph_settings: GraphSettings
    train_settings: Mapping[str, object]
    target: str = FORMATION_ENERGY
    unit: str = ""
    references: ElementReferences | None = None

    def predict(self, structures: Sequence[Structure], names: Sequence[str] = ()) -> np.ndarray:
        """Predict the target of crystals.

        Args:
            structures: C crystals.
            names: C names for error messages.

        Returns:
            (C,) in the target's unit; of a classifier, the probability of class 1.

        Raises:
            CrystalGraphError: a structure of which no graph with features can be made.
        """
        return self.predict_graphs(self.graphs(structures, names), structures)

    def graphs(
        self, structures: Sequence[Structure], names: Sequence[str] = ()
    ) -> list[CrystalGraph]:
        """The graphs that predict makes of its arguments."""
        labels = list(names) or [""] * len(structures)
        return [
            build_graph(structure, label, self.graph_settings)
            for structure, label in zip(structures, labels, strict=True)
        ]

    def predict_graphs(
        self, graphs: Sequence[CrystalGraph], structures: Sequence[Structure]
    ) -> np.ndarray:
        """What predict returns, from (C,) graphs that are made already."""
        if not graphs:
            return np.empty(0)
        device = next(self.model.parameters()).device
        unknown = np.zeros(len(graphs))
        bonds = self.graph_settings.bonds
        loader = CrystalLoader(graphs, unknown, self.features, device=device, bonds=bonds)
        predicted = self.normalizer.decode(outputs(self.model, loader))
        return predicted + self.references.of(structures) if self.references else predicted


def train_model(
    dataset: CrystalDataset,
    split: Split,
    model_class: type[nn.Module],
    model_settings: Mapping[str, object] | None = None,
    train_settings: TrainSettings | None = None,
    target: str = FORMATION_ENERGY,
    *,
    features: AtomFeatures | None = None,
    graph_settings: GraphSettings | None = None,
    unit: str | None = None,
    references: bool = False,
    keep_last: bool = False,
    start: StartingPoint | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
    on_epoch: Callable[[int], object] = lambda epoch: None,
) -> tuple[TrainedModel, RunResult]:
    """Train one network and predict all parts with its best weights.

    A target of nothing but 0 and 1 is taken for a class, unless model_settings name a task.

    A network that gives the textbook network's numbers is trained by the engine
    (networks/engine), any other by its own forward; `trained_by` of the run says which and why.

    Args:
        dataset: crystals and labels.
        split: rows to train on, to stop on, and to report on; test is predicted once, at the end.
        model_class: CrystalGraphConvNet, or a class that is called alike.
        model_settings: its arguments after the two sizes; an activation is given by name.
        train_settings: how to train; its seed also draws the first weights.
        target: label column.
        features: of the atoms; default the published 92 numbers.
        graph_settings: how graphs are made; default GraphSettings().
        unit: of the target; default what unit_of says, or probability for a class.
        references: subtract element references, fitted on the training crystals, from the target;
            the network learns the rest, and predictions have them added again.
        keep_last: run all epochs and keep the last weights, as training.train; recorded with the
            training settings as "keep".
        start: trained network to begin with; its settings, atom features and graphs are in force,
            and its file is recorded with the training settings as "start".
        device: default the one on which a step is fastest.
        progress: show bars on stderr when that is a terminal or a notebook.
        on_epoch: called after each epoch with the number of epochs done.

    Returns:
        The network with what belongs to it, and the finished run.

    Raises:
        CrystalGraphError: the data or the settings do not allow it.
    """
    _require_filled(split, dataset)
    values = _known_targets(dataset, target)
    if start:
        model_settings = start.settings(model_settings or {})
        features, graph_settings = start.trained.features, start.trained.graph_settings
    options = _with_task(model_settings, values)
    network = ModelSettings.in_force(model_class, options)
    graphs, training = graph_settings or GraphSettings(), train_settings or TrainSettings()
    features = features or published_features()
    torch.manual_seed(training.seed)
    n_bond_features = graphs.bonds.n_centers
    model = make_model(model_class, features.n_features, network.options, n_bond_features)
    classes = network.options.get("task") == ClassLabels.task
    if start:
        _require_same_task(start, classes, values)
        model.load_state_dict(start.trained.model.state_dict())
    if classes and references:
        raise CrystalGraphError(
            "A class is no sum over atoms, so element references do not apply to it; leave out "
            "--references on."
        )
    if unit is None:
        unit = "probability" if classes else unit_of(dataset, target)
    found = _references(dataset, split, values, unit) if references else None
    rest = values - found.of(dataset.structures) if found else values
    loaders = _loaders(dataset, split, rest, features, graphs, training)
    objective = _objective(network, rest[split.train])
    trainer = choose_trainer(model, network, loaders["fit"], loaders["val"])
    with _single_rows_explained():
        history, where = trainer.train(objective, training, device, progress, on_epoch, keep_last)
    recorded = asdict(training) | ({"keep": "last"} if keep_last else {})
    recorded |= {"start": start.record} if start else {}
    trained = TrainedModel(
        model.eval(), features, objective, network, graphs, recorded, target, unit, found
    )
    how = {**where, "trained_by": trainer.name}
    return trained, _result(trained, dataset, split, loaders, history, how)


def _require_filled(split: Split, dataset: CrystalDataset) -> None:
    """Training and validation cannot do without crystals; without a test part nothing is tested."""
    for part in ("train", "val"):
        if part not in split.parts:
            raise CrystalGraphError(
                f"The {part} part of split '{split.name}' of {dataset.name} is empty; add crystals "
                "or choose another split."
            )


def _require_same_task(start: StartingPoint, classes: bool, values: np.ndarray) -> None:
    if classes != is_class(values):
        kinds = ("classifies", "predicts a number")
        raise CrystalGraphError(
            f"The network in {start.file} {kinds[not classes]}, and the target is "
            f"{'a number' if classes else 'a class, 0 or 1'}; begin with another checkpoint, or "
            "choose another target."
        )


def _known_targets(dataset: CrystalDataset, target: str) -> np.ndarray:
    """The label column, in which every crystal has a number."""
    values = dataset.target(target)
    missing = int((~np.isfinite(values)).sum())
    if missing:
        raise CrystalGraphError(
            f"{missing} crystals of {dataset.name} have no number in column '{target}'; leave them "
            "out (the loaders do so for the column they are given as target)."
        )
    return values


def _references(
    dataset: CrystalDataset, split: Split, values: np.ndarray, unit: str
) -> ElementReferences:
    """Fitted on the training crystals only."""
    structures = [dataset.structures[row] for row in split.train]
    return fit_references(structures, values[split.train], unit)


def _with_task(settings: Mapping[str, object] | None, values: np.ndarray) -> dict[str, object]:
    """Settings of a network that classifies where all values are 0 or 1 and nothing is asked."""
    return ({"task": ClassLabels.task} if is_class(values) else {}) | dict(settings or {})


def is_class(values: np.ndarray) -> bool:
    """Whether a target is a class: nothing but 0 and 1, and both."""
    return set(np.unique(values)) == {0.0, 1.0}


def _objective(settings: ModelSettings, train_targets: np.ndarray) -> Objective:
    """What the task in a network's settings asks for, fitted on the training targets."""
    task = settings.options.get("task", "regression")
    if task not in OBJECTIVES:
        raise CrystalGraphError(
            f"There is no task '{task}'; choose one of {', '.join(OBJECTIVES)}."
        )
    return OBJECTIVES[task].fit(train_targets)


def _loaders(
    dataset: CrystalDataset,
    split: Split,
    values: np.ndarray,
    features: AtomFeatures,
    graph_settings: GraphSettings,
    settings: TrainSettings,
) -> dict[str, CrystalLoader]:
    """One loader per part that has crystals; that of train is given again as "fit", shuffling."""
    graphs = dataset.graphs(graph_settings)

    def loader(rows: np.ndarray, **options: Any) -> CrystalLoader:
        chosen, bonds = [graphs[row] for row in rows], graph_settings.bonds
        return CrystalLoader(chosen, values[rows], features, bonds=bonds, **options)

    loaders = {part: loader(getattr(split, part)) for part in split.parts}
    loaders["fit"] = loader(
        split.train, batch_size=settings.batch_size, shuffle=True, seed=settings.seed
    )
    return loaders


@contextmanager
def _single_rows_explained() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise CrystalGraphError(
            "A batch holds a single atom or bond, of which batch norm cannot take a standard "
            "deviation; raise --batch-size or add training crystals."
        ) from error


def _result(
    trained: TrainedModel,
    dataset: CrystalDataset,
    split: Split,
    loaders: Mapping[str, CrystalLoader],
    history: History,
    how: Mapping[str, Any],
) -> RunResult:
    """The run as it is reported; test crystals are predicted here, for the first time."""
    objective, predictions, errors, scores = trained.normalizer, {}, {}, {}
    values, references = dataset.target(trained.target), trained.references
    for part in split.parts:
        rows = getattr(split, part)
        output, known = outputs(trained.model, loaders[part]), np.asarray(values[rows], float)
        predicted = objective.decode(output)
        if references:
            predicted += references.of([dataset.structures[row] for row in rows])
        predictions[part] = {
            "id": [dataset.ids[row] for row in rows],
            "target": known.tolist(),
            "prediction": predicted.tolist(),
        }
        errors[part] = objective.error(output, loaders[part].targets)
        if isinstance(objective, ClassLabels):
            scores[part] = {"nll": errors[part], **class_scores(known, predicted)}
    return RunResult(
        dataset=dataset.name,
        split=split.name,
        target=trained.target,
        unit=trained.unit,
        features=trained.features.key,
        model_settings=dict(trained.model_settings.options),
        graph_settings=asdict(trained.graph_settings),
        train_settings=dict(trained.train_settings),
        versions=dict(CODE_VERSIONS),
        n_parameters=sum(weight.numel() for weight in trained.model.parameters()),
        mae={} if scores else errors,
        predictions=predictions,
        history=asdict(history),
        seconds=history.seconds[-1],
        scores=scores,
        **how,
    )
