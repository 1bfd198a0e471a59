"""Trained networks in files: written whole or not at all, read without running code from them.

A checkpoint holds plain values and tensors only: all settings with the values that were in force,
which model file it belongs to, the table of atom features (so that prediction needs nothing else),
target and unit; and of each of its members, one network or an ensemble of several that differ in
the seed, weights, training settings, normalizer and element references.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from crystalgraph.crystals.features import AtomFeatures, TableFeatures
from crystalgraph.crystals.graphs import GraphSettings
from crystalgraph.errors import CrystalGraphError
from crystalgraph.files import write_atomically
from crystalgraph.networks.model_file import ModelFile, make_model, model_file_of
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.references import ElementReferences
from crystalgraph.networks.training import OBJECTIVES
from crystalgraph.networks.training_run import CODE_VERSIONS, TrainedModel

FORMAT = "crystalgraph checkpoint"
VERSION = 3
READABLE = (1, 2, VERSION)

# Version 1 recorded only what differed from the defaults of that time, which are these. They stay
# as they are when a default changes.
_DEFAULTS_OF_VERSION_1 = {
    "model_settings": {
        "width": 64,
        "n_conv": 3,
        "head": 128,
        "n_hidden": 1,
        "conv": "gated",
        "pooling": "mean",
        "batch_norm": True,
        "activation": "softplus",
        "residual": None,
        "task": "regression",
    },
    "graph_settings": {
        "k": 12,
        "radius": 8.0,
        "tolerance": 0.01,
        "ties": "keep",
        "bonds": {"n_centers": 41, "step": 0.2, "width": 0.2, "negligible": 1e-20},
    },
    "train_settings": {},
    "versions": {"graphs": 1, "training": 1},
}


def save_checkpoint(trained: TrainedModel, path: str | Path) -> Path:
    """Write a trained network to a file; arguments and errors are those of save_members."""
    return save_members([trained], path)


def save_members(members: Sequence[TrainedModel], path: str | Path) -> Path:
    """Write the networks of an ensemble to one file.

    Args:
        members: one network or more, which differ in weights, training settings, normalizer and
            references only.
        path: of the file; its folder is made if need be. An existing file is replaced, but only
            once the new one is complete.

    Returns:
        The path.

    Raises:
        CrystalGraphError: the file cannot be written.
    """
    content = io.BytesIO()
    torch.save(_content(members), content)
    try:
        write_atomically(Path(path), content.getvalue())
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be written ({error}); choose another folder."
        ) from error
    return Path(path)


def _content(members: Sequence[TrainedModel]) -> dict:
    first = members[0]
    file = model_file_of(type(first.model))
    return {
        "format": FORMAT,
        "version": VERSION,
        "task": first.normalizer.task,
        "target": first.target,
        "unit": first.unit,
        "model_file": asdict(file) if file else None,
        "model_settings": dict(first.model_settings.options),
        "graph_settings": asdict(first.graph_settings),
        "versions": dict(CODE_VERSIONS),
        "atom_features": _table(first.features),
        "members": [_member(trained) for trained in members],
    }


def _member(trained: TrainedModel) -> dict:
    weights = trained.model.state_dict()
    return {
        "state_dict": {name: weight.detach().cpu() for name, weight in weights.items()},
        "train_settings": dict(trained.train_settings),
        "normalizer": asdict(trained.normalizer),
        "references": asdict(trained.references) if trained.references else None,
    }


def _table(features: AtomFeatures) -> dict[str, str | list[int] | Tensor]:
    numbers = list(features.atomic_numbers)
    vectors = torch.as_tensor(features.matrix(numbers))
    return {"name": features.name, "atomic_numbers": numbers, "vectors": vectors}


def read_checkpoint(path: str | Path) -> dict:
    """Read a checkpoint file, ours or another that holds only plain values and tensors.

    Args:
        path: of the file.

    Returns:
        What is in it.

    Raises:
        CrystalGraphError: the file is missing, damaged, or would have to run code.
    """
    path = Path(path)
    if not path.is_file():
        raise CrystalGraphError(
            f"There is no checkpoint {path}; `crystalgraph train` writes one, checkpoint.pt, into "
            "the folder given by --out."
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch.load raise almost anything
        raise CrystalGraphError(
            f"{path} is damaged or not a checkpoint of plain numbers; train again, or copy the "
            "file once more."
        ) from error
    if not isinstance(content, dict):
        raise CrystalGraphError(f"{path} is not a checkpoint; give the checkpoint.pt of a run.")
    return content


def is_ours(content: dict) -> bool:
    """Whether save_checkpoint wrote this."""
    return content.get("format") == FORMAT


def load_checkpoint(path: str | Path, model_class: type[nn.Module]) -> TrainedModel:
    """Read a trained network that save_checkpoint wrote.

    Args:
        path: of the file.
        model_class: CrystalGraphConvNet of the model file it was trained with.

    Returns:
        The network, on the CPU and in evaluation mode, with what belongs to it.

    Raises:
        CrystalGraphError: as load_members, or the file holds several networks.
    """
    first, *others = load_members(path, model_class)
    if others:
        raise CrystalGraphError(
            f"{path} holds an ensemble of {len(others) + 1} networks, not one; read it with "
            "load_ensemble."
        )
    return first


def load_members(path: str | Path, model_class: type[nn.Module]) -> tuple[TrainedModel, ...]:
    """Read all networks of a file, one or more; arguments are those of load_checkpoint.

    Raises:
        CrystalGraphError: the file cannot be read, is another's, was made with another model file,
            or does not fit the class.
    """
    content = read_checkpoint(path)
    _require_readable(content, path)
    _require_same_network(content.get("model_file"), model_class, path)
    if content["version"] == 1:
        content = _completed(content, model_class)
    if content["version"] < 3:
        content["members"] = [{**content, "references": None}]
    try:
        return _restore(content, model_class, _graph_settings(content, path))
    except (KeyError, TypeError, RuntimeError) as error:
        raise CrystalGraphError(
            f"{path} does not fit {model_class.__name__} ({str(error).splitlines()[0].strip()}); "
            "name the model file it was trained with by --model."
        ) from error


def _require_readable(content: dict, path: str | Path) -> None:
    if not is_ours(content):
        raise CrystalGraphError(
            f"{path} is not a checkpoint that `crystalgraph train` wrote; give the checkpoint.pt "
            "of a run."
        )
    if content.get("version") not in READABLE:
        raise CrystalGraphError(
            f"{path} is a checkpoint of version {content.get('version')} and this library reads "
            f"versions {', '.join(map(str, READABLE))}; train again."
        )


def _completed(content: dict, model_class: type[nn.Module]) -> dict:
    """A checkpoint of version 1 with all settings, as version 2 has them."""
    then = dict(_DEFAULTS_OF_VERSION_1)
    own = ModelSettings.in_force(model_class).options  # a model file may have other options
    then["model_settings"] = {name: then["model_settings"].get(name, own[name]) for name in own}
    return {**content, **{name: {**then[name], **content.get(name, {})} for name in then}}


def _require_same_network(
    record: dict[str, str] | None, model_class: type[nn.Module], path: str | Path
) -> None:
    """Refuse the class of another model file; where a file is not known there is no telling."""
    then, now = ModelFile(**record) if record else None, model_file_of(model_class)
    if then and now and then.sha256 != now.sha256:
        raise CrystalGraphError(
            f"{path} was trained with {then}, and {now} has other content, so its numbers could be "
            f"others; name {then.name} as it was then by --model, or train again."
        )


def _graph_settings(content: dict, path: str | Path) -> GraphSettings:
    try:
        if content["versions"]["graphs"] != CODE_VERSIONS["graphs"]:
            raise CrystalGraphError("graphs are made otherwise today")
        return GraphSettings.from_record(content["graph_settings"])
    except CrystalGraphError as error:
        raise CrystalGraphError(
            f"{path} was written by another version of this library ({error}); train again."
        ) from error


def _restore(
    content: dict, model_class: type[nn.Module], graph_settings: GraphSettings
) -> tuple[TrainedModel, ...]:
    table, options = content["atom_features"], content["model_settings"]
    vectors = dict(zip(table["atomic_numbers"], table["vectors"].numpy(), strict=True))
    features = TableFeatures(vectors, table["name"])

    def restored(member: dict) -> TrainedModel:
        n_bond_features = graph_settings.bonds.n_centers
        model = make_model(model_class, features.n_features, options, n_bond_features)
        model.load_state_dict(member["state_dict"])
        references = member["references"]
        return TrainedModel(
            model.eval(),
            features,
            OBJECTIVES[content["task"]](**member["normalizer"]),
            ModelSettings(options),
            graph_settings,
            member["train_settings"],
            content["target"],
            content["unit"],
            ElementReferences(**references) if references else None,
        )

    return tuple(restored(member) for member in content["members"])
