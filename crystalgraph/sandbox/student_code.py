"""What is sent into a sandbox for one task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from crystalgraph.checking.task import Task


@dataclass(frozen=True)
class StudentCode:
    """A student's code, as far as one task needs it.

    Attributes:
        task: whose function or class is wanted.
        model_file: name of the lab's model file; None where there is none.
        model: its text; None where it was not handed in.
        cells: sources of the code cells of the task's notebook that count for it, in order.
        released: sources of the notebook's code cells as they were handed out.
    """

    task: Task
    model_file: str | None = None
    model: str | None = None
    cells: Sequence[str] = ()
    released: Sequence[str] = ()

    def to_array(self) -> np.ndarray:
        """As bytes for the wire; code may be longer than the text of a message."""
        return np.frombuffer(json.dumps(asdict(self)).encode(), np.uint8)

    @classmethod
    def from_array(cls, array: np.ndarray) -> StudentCode:
        """What to_array made."""
        known = json.loads(array.tobytes())
        return cls(**known | {"task": Task(**known["task"])})
