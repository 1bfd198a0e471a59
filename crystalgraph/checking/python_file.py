"""Loading a Python file by its path: a model file of ours, or a student's."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from crystalgraph.errors import CrystalGraphError


def load_python_file(path: Path, name: str) -> ModuleType:
    """Execute a Python file as a module.

    Args:
        path: of the file.
        name: under which the module is known; dataclasses and pickle look it up in sys.modules.

    Returns:
        The module, executed anew at every call.

    Raises:
        CrystalGraphError: the file does not end in .py.
        Exception: whatever the file raises.
    """
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise CrystalGraphError(f"{path} is not a Python file; name one that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
