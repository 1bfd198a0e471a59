"""Trained networks in files: written whole or not at all, read without running code from them.

A checkpoint holds plain values and tensors only: weights, model and graph settings, the table of
atom features (so that prediction needs nothing else), the normalizer, target and unit.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from crystalgraph.errors import CrystalGraphError
from crystalgraph.features import AtomFeatures, TableFeatures
from crystalgraph.model_loading import make_model
from crystalgraph.runs import TrainedModel
from crystalgraph.training import OBJECTIVES

FORMAT = "crystalgraph checkpoint"
VERSION = 1


def save_checkpoint(trained: TrainedModel, path: str | Path) -> Path:
    """Write a trained network to a file.

    Args:
        trained: the network and what belongs to it.
        path: of the file; its folder is made if need be. An existing file is replaced, but only
            once the new one is complete.

    Returns:
        The path.

    Raises:
        CrystalGraphError: the file cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.save(_content(trained), partial)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:  # torch reports a missing folder as RuntimeError
        raise CrystalGraphError(
            f"{path} cannot be written ({str(error).splitlines()[0]}); choose another folder."
        ) from error
    return path


def _content(trained: TrainedModel) -> dict:
    weights = trained.model.state_dict()
    return {
        "format": FORMAT,
        "version": VERSION,
        "task": trained.normalizer.task,
        "target": trained.target,
        "unit": trained.unit,
        "state_dict": {name: weight.detach().cpu() for name, weight in weights.items()},
        "model_settings": dict(trained.model_settings),
        "graph_settings": dict(trained.graph_settings),
        "normalizer": asdict(trained.normalizer),
        "atom_features": _table(trained.features),
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
        CrystalGraphError: the file cannot be read, is another's, or does not fit the class.
    """
    content = read_checkpoint(path)
    if not is_ours(content):
        raise CrystalGraphError(
            f"{path} is not a checkpoint that `crystalgraph train` wrote; give the checkpoint.pt "
            "of a run."
        )
    if content.get("version") != VERSION:
        raise CrystalGraphError(
            f"{path} is a checkpoint of version {content.get('version')} and this library reads "
            f"version {VERSION}; train again."
        )
    try:
        return _restore(content, model_class)
    except (KeyError, TypeError, RuntimeError) as error:
        raise CrystalGraphError(
            f"{path} does not fit {model_class.__name__} ({str(error).splitlines()[0].strip()}); "
            "name the model file it was trained with by --model."
        ) from error


def _restore(content: dict, model_class: type[nn.Module]) -> TrainedModel:
    table = content["atom_features"]
    vectors = dict(zip(table["atomic_numbers"], table["vectors"].numpy(), strict=True))
    features = TableFeatures(vectors, table["name"])
    model = make_model(model_class, features.n_features, content["model_settings"])
    model.load_state_dict(content["state_dict"])
    return TrainedModel(
        model.eval(),
        features,
        OBJECTIVES[content["task"]](**content["normalizer"]),
        content["model_settings"],
        content["graph_settings"],
        content["target"],
        content["unit"],
    )
