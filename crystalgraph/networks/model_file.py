"""Loading a network class from a Python file by its path, and building networks of it.

The library imports no such file by name, so a student's folder needs no solution in it.
"""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from torch import nn

from crystalgraph import paths
from crystalgraph.checking.python_file import load_python_file
from crystalgraph.crystals.bond_features import BondSettings
from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.model_settings import ACTIVATIONS

MODEL_FILE = paths.REPO / "model.py"
CLASS_NAME = "CrystalGraphConvNet"


@dataclass(frozen=True)
class ModelFile:
    """The file that a network's class was loaded from.

    Attributes:
        name: of the file.
        sha256: of its content; line ends do not count.
    """

    name: str
    sha256: str

    @classmethod
    def read(cls, path: Path) -> ModelFile:
        """What a file is now."""
        content = b"\n".join(path.read_bytes().splitlines())
        return cls(path.name, hashlib.sha256(content).hexdigest())

    def __str__(self) -> str:
        return f"{self.name} (sha256 {self.sha256[:12]})"


def load_model_class(path: str | Path | None = None) -> type[nn.Module]:
    """The class CrystalGraphConvNet of a model file.

    Args:
        path: a Python file; None for the repository's model.py.

    Returns:
        The class. The file is executed again at every call, so edits count.

    Raises:
        CrystalGraphError: the file is missing, cannot be executed, or has no such class.
    """
    path = Path(path or MODEL_FILE)
    if not path.is_file():
        raise CrystalGraphError(f"There is no model file {path}; name one with --model.")
    file = ModelFile.read(path)
    model_class = getattr(_execute(path), CLASS_NAME, None)
    if not (isinstance(model_class, type) and issubclass(model_class, nn.Module)):
        raise CrystalGraphError(
            f"{path} defines no network class {CLASS_NAME}; name model.py or your own copy of it."
        )
    setattr(model_class, _LOADED_FROM, file)
    setattr(model_class, _PATH, path.resolve())
    return model_class


_LOADED_FROM, _PATH = "_crystalgraph_model_file", "_crystalgraph_model_path"


def model_file_of(model_class: type[nn.Module]) -> ModelFile | None:
    """The file as it was when the class was loaded; None for a class from elsewhere."""
    return getattr(model_class, _LOADED_FROM, None)


def path_of(model_class: type[nn.Module]) -> Path | None:
    """Where a class can be loaded from once more; None if the file has changed or is not known."""
    path = getattr(model_class, _PATH, None)
    if path is None or not path.is_file() or ModelFile.read(path) != model_file_of(model_class):
        return None
    return path


def _execute(path: Path) -> ModuleType:
    """Run a Python file as a module of its own name, kept out of the way of other modules."""
    try:
        return load_python_file(path, f"crystalgraph_model_{path.stem}")
    except CrystalGraphError:
        raise
    except Exception as error:  # whatever a student's file raises
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise CrystalGraphError(
            f"{path}{where} cannot be imported ({type(error).__name__}: {error}); correct the file."
        ) from error


def make_model(
    model_class: type[nn.Module],
    n_atom_features: int,
    settings: Mapping[str, object] | None = None,
    n_bond_features: int | None = None,
) -> nn.Module:
    """Build a network from plain settings that can be written to a file.

    Args:
        model_class: CrystalGraphConvNet of a model file.
        n_atom_features: numbers that describe an element.
        settings: its further arguments; the activation is a name, one of ACTIVATIONS.
        n_bond_features: numbers that describe a bond; default those of BondSettings().

    Returns:
        The network with fresh weights.

    Raises:
        CrystalGraphError: the class does not take these settings.
    """
    arguments = dict(settings or {})
    activation = arguments.get("activation")
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise CrystalGraphError(
                f"There is no activation '{activation}'; choose one of {', '.join(ACTIVATIONS)}."
            )
        arguments["activation"] = ACTIVATIONS[activation]
    n_bond_features = n_bond_features or BondSettings().n_centers
    try:
        return model_class(n_atom_features, n_bond_features, **arguments)
    except (TypeError, KeyError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in (settings or {}).items())
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
