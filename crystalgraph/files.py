"""Writing files so that nobody ever reads half of one."""

from __future__ import annotations

import os
from pathlib import Path


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
