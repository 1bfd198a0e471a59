"""Stored cases: inputs, what a right answer gives, and what known wrong answers give.

One file per task, `<task>.npz`, with the arrays

    <case>/in/<name>                 inputs and weights
    <case>/out/<name>                outputs of a right answer
    <case>/wrong/<mistake>/<name>    outputs of an answer with a known mistake, where they differ
    <case>/settings                  whatever is no array, as JSON

`crystalgraph release` writes them, and its --check keeps them in step with the solutions.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]

ON_PAPER = "paper"
"""Name of a case that can be worked out by hand; the texts about it give its numbers."""


@dataclass(frozen=True)
class Case:
    """One stored case.

    Attributes:
        name: of the case.
        inputs: arrays that go in, weights under "weights/<parameter>".
        settings: options that are no arrays.
        expected: outputs of a right answer.
        wrong: mistake -> outputs of an answer with that mistake.
        hidden: whether students do not have it.
    """

    name: str
    inputs: Arrays
    settings: dict = field(default_factory=dict)
    expected: Arrays = field(default_factory=dict)
    wrong: dict[str, Arrays] = field(default_factory=dict)
    hidden: bool = False

    def group(self, prefix: str) -> Arrays:
        """Inputs whose names begin with "prefix/", under the rest of their names."""
        start = prefix + "/"
        return {k[len(start) :]: v for k, v in self.inputs.items() if k.startswith(start)}


def load_cases(task: str, folder: Path, hidden: bool = False) -> list[Case]:
    """Read the cases of a task.

    Args:
        task: its id.
        folder: that holds <task>.npz.
        hidden: what to mark them as.

    Returns:
        Cases in the order stored; none when there is no file.
    """
    path = folder / f"{task}.npz"
    if not path.exists():
        return []
    found: dict[str, Case] = {}
    with np.load(path, allow_pickle=False) as file:
        for key in file.files:
            name, kind, *rest = key.split("/", 2)
            case = found.setdefault(name, Case(name, {}, hidden=hidden))
            _put(case, kind, rest[0] if rest else "", file[key])
    return list(found.values())


def _put(case: Case, kind: str, name: str, value: np.ndarray) -> None:
    if kind == "settings":
        case.settings.update(json.loads(str(value)))
    elif kind == "in":
        case.inputs[name] = value
    elif kind == "out":
        case.expected[name] = value
    else:
        mistake, name = name.split("/", 1)
        case.wrong.setdefault(mistake, {})[name] = value


def save_cases(task: str, cases: list[Case], folder: Path) -> Path:
    """Write the cases of a task.

    Returns:
        The file written.
    """
    arrays: Arrays = {}
    for case in cases:
        arrays[f"{case.name}/settings"] = np.array(json.dumps(case.settings, sort_keys=True))
        arrays |= {f"{case.name}/in/{key}": value for key, value in case.inputs.items()}
        arrays |= {f"{case.name}/out/{key}": value for key, value in case.expected.items()}
        for mistake, outputs in case.wrong.items():
            arrays |= {f"{case.name}/wrong/{mistake}/{k}": v for k, v in outputs.items()}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{task}.npz"
    np.savez_compressed(path, **arrays)  # pyright: ignore[reportArgumentType]
    return path
