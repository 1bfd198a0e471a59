"""The grader's secret: what no student has, so that nobody can work out which inputs are drawn."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from crystalgraph.errors import CrystalGraphError

ENVIRONMENT = "CRYSTALGRAPH_GRADER_SECRET"
"""Environment variable: another file that holds the secret."""
_BYTES = 32


def secret_file() -> Path:
    """Where the secret is kept, outside every repository."""
    if named := os.environ.get(ENVIRONMENT):
        return Path(named).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "crystalgraph" / "grader_secret"


def grader_secret() -> str:
    """The secret, drawn when it is asked for the first time.

    With the same secret the same hand-in gets the same inputs, on every computer.

    Raises:
        CrystalGraphError: the file cannot be read or written, or holds something else.
    """
    file = secret_file()
    try:
        if not file.exists():
            _draw(file)
        text = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CrystalGraphError(
            f"the grader's secret cannot be kept in {file} ({error}): let {ENVIRONMENT} name "
            "another file"
        ) from error
    if len(text) < 2 * _BYTES:
        raise CrystalGraphError(
            f"{file} holds no secret of the grader, which has {2 * _BYTES} characters: delete it, "
            "and a new one is drawn"
        )
    return text


def _draw(file: Path) -> None:
    """Write a new secret; of two graders that do it at once, one wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(_BYTES) + "\n")
    try:
        os.link(new, file)
    except FileExistsError:
        pass
    finally:
        new.unlink()
