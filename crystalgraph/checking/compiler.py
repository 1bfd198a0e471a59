"""torch's compiler, which optimizers import to keep it away from their steps, is left out.

Its import takes 2.6 of the processor's seconds, longer than all tasks of a hand-in, and the grader
compiles nothing. tests/sandbox/test_worker.py fails when torch does without it, or asks for more.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType


def leave_out_compiler() -> None:
    """Let torch do without its compiler in this process, unless that was imported already."""
    sys.modules.setdefault("torch._dynamo", _NothingCompiled("torch._dynamo"))


class _NothingCompiled(ModuleType):
    """Stands for torch._dynamo, whose import takes longer than a hand-in's tasks.

    Whoever asks for anything else gets the real one.
    """

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
