"""Loading a network class from a Python file: model.py, or a student's model_hw.py.

The library never imports either by name, so a student's folder needs no solution in it.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from crystalgraph import paths
from crystalgraph.errors import CrystalGraphError
from crystalgraph.features import GAUSSIAN_CENTERS

MODEL_FILE = paths.REPO / "model.py"
CLASS_NAME = "CrystalGraphConvNet"
ACTIVATIONS = {
    "softplus": nn.functional.softplus,
    "relu": nn.functional.relu,
    "silu": nn.functional.silu,
    "gelu": nn.functional.gelu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


def load_model_class(path: str | Path | None = None) -> type[nn.Module]:
    """The class CrystalGraphConvNet of a model file.

    Args:
        path: a Python file such as model_hw.py; None for the repository's model.py.

    Returns:
        The class. The file is executed again at every call, so edits count.

    Raises:
        CrystalGraphError: the file is missing, cannot be executed, or has no such class.
    """
    path = Path(path or MODEL_FILE)
    if not path.is_file():
        raise CrystalGraphError(
            f"There is no model file {path}; name one with --model, such as work/hw/model_hw.py."
        )
    model_class = getattr(_execute(path), CLASS_NAME, None)
    if not (isinstance(model_class, type) and issubclass(model_class, nn.Module)):
        raise CrystalGraphError(
            f"{path} defines no network class {CLASS_NAME}; "
            "name model.py, model_hw.py or a copy of them."
        )
    return model_class


def _execute(path: Path) -> object:
    """Run a Python file as a module of its own name, kept out of the way of other modules."""
    name = f"crystalgraph_model_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise CrystalGraphError(f"{path} is not a Python file; name one that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a student's file raises
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise CrystalGraphError(
            f"{path}{where} cannot be imported ({type(error).__name__}: {error}); correct the file."
        ) from error
    return module


def make_model(
    model_class: type[nn.Module],
    n_atom_features: int,
    settings: Mapping[str, object] | None = None,
    n_bond_features: int = len(GAUSSIAN_CENTERS),
) -> nn.Module:
    """Build a network from plain settings that can be written to a file.

    Args:
        model_class: CrystalGraphConvNet of a model file.
        n_atom_features: numbers that describe an element.
        settings: its further arguments; the activation is a name, one of ACTIVATIONS.
        n_bond_features: numbers that describe a bond.

    Returns:
        The network with fresh weights.

    Raises:
        CrystalGraphError: the class does not take these settings.
    """
    settings = dict(settings or {})
    activation = settings.get("activation")
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise CrystalGraphError(
                f"There is no activation '{activation}'; choose one of {', '.join(ACTIVATIONS)}."
            )
        settings["activation"] = ACTIVATIONS[activation]
    try:
        return model_class(n_atom_features, n_bond_features, **settings)
    except (TypeError, KeyError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in dict(settings).items())
        raise CrystalGraphError(
            f"{model_class.__name__} cannot be built with {given} ({error}); use settings that "
            "its __init__ knows."
        ) from error


@contextmanager
def model_errors_explained(path: str | Path) -> Iterator[None]:
    """Turn what goes wrong inside a model file into one sentence; leave other errors alone.

    Args:
        path: of the model file.

    Raises:
        CrystalGraphError: a task in the file is not done yet, or a line of it failed.
    """
    try:
        yield
    except CrystalGraphError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if Path(f.filename) == Path(path).resolve()]
        if not lines:
            raise
        raise CrystalGraphError(
            f"{path}, line {lines[-1]}: {_in_words(error)}; `crystalgraph check --model {path}` "
            "says more."
        ) from error


def _in_words(error: Exception) -> str:
    """What an exception says, with its kind unless a task is only not done yet."""
    message = (str(error).strip().splitlines() or [""])[0].rstrip(".")
    kind = type(error).__name__
    return message if message and isinstance(error, NotImplementedError) else f"{kind}: {message}"
