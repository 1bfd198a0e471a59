"""A finished run is shown only while what is recorded with it is still in force."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crystalgraph.errors import CrystalGraphError


def differences(recorded: Mapping[str, Any], in_force: Mapping[str, Any]) -> list[str]:
    """What was another one when a run was made.

    Args:
        recorded: settings and versions that were written with the run.
        in_force: those of today; what is recorded beside them is not looked at.

    Returns:
        One line for each, such as "graphs.k: 12, today 24".
    """
    then, now = (dict(_flat(_as_written(one))) for one in (recorded, in_force))
    return [
        f"{name}: {then.get(name, 'not recorded')}, today {value}"
        for name, value in now.items()
        if name not in then or then[name] != value
    ]


def require_current(
    recorded: Mapping[str, Any], in_force: Mapping[str, Any], path: Path, command: str
) -> None:
    """Make sure that a finished run is what one would get today.

    Args:
        recorded: settings and versions that were written with the run.
        in_force: those of today.
        path: of its file.
        command: that makes the run again.

    Raises:
        CrystalGraphError: something differs.
    """
    found = differences(recorded, in_force)
    if found:
        raise CrystalGraphError(
            f"A finished run in {path} is not what one would get today ({'; '.join(found)}): take "
            f"the change back, or make the run again with `{command}`."
        )


def _as_written(settings: Mapping[str, Any]) -> Any:
    """As JSON gives it back: lists for tuples, text for every key."""
    return json.loads(json.dumps(settings))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by their whole names, "graphs.bonds.width"."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else key)
    else:
        yield name, value
