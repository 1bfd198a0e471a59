"""Imports that take seconds and do nothing for us are left out.

The seconds are a processor's, of one process. tests/checking/test_slow_imports.py fails when a
library does without the import, or asks for more of it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType


def leave_out_grammars() -> None:
    """Let nbformat do without the grammars of internet addresses, which take 2 s.

    nbformat imports jsonschema, which with the package rfc3987_syntax compiles 39 of them; without
    it jsonschema does not look at addresses.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # pyright: ignore[reportArgumentType]


def leave_out_compiler() -> None:
    """Let torch do without its compiler in this process, unless that was imported already.

    Optimizers import it to keep it away from their steps, which takes 2.6 s, longer than all tasks
    of a hand-in; the grader compiles nothing.
    """
    sys.modules.setdefault("torch._dynamo", _NothingCompiled("torch._dynamo"))


class _NothingCompiled(ModuleType):
    """Stands for torch._dynamo; whoever asks for anything else gets the real one."""

    @staticmethod
    def disable(function: Callable, *_: object, **__: object) -> Callable:
        """The function as it is."""
        return function

    @staticmethod
    def graph_break() -> None:
        """Nothing to break."""

    def __getattr__(self, name: str) -> object:
        if sys.modules.get("torch._dynamo") is self:
            del sys.modules["torch._dynamo"]
        return getattr(importlib.import_module("torch._dynamo"), name)
