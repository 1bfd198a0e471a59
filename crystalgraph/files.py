"""Writing files so that nobody ever reads half of one, and no repository takes in grades."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crystalgraph.errors import CrystalGraphError


@contextmanager
def private_folder(path: Path) -> Iterator[None]:
    """Make a folder whose files stay out of every repository; the `with` body writes into it.

    Args:
        path: of the folder that --out names, or of one in it.

    Raises:
        CrystalGraphError: it cannot be made, or not be written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / ".gitignore").write_text("*\n")
        yield
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be written to ({error.strerror}): name another folder with --out"
        ) from error


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file beside its place and rename it: a reader sees the old one or the new one.

    What a killed process leaves behind, NAME.part, is overwritten by the next attempt.

    Args:
        path: of the file; its folder is made if need be.
        content: text is written as UTF-8, with the same line ends on every system.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut after the renaming leaves an empty file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
