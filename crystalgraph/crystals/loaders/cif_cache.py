"""Crystals from the CIF files of a folder, kept on disk.

There is one text file for each folder, with one line for each crystal: checksum, key and text. A
line is added as soon as its crystal is read, so that interrupted work goes on from there. A damaged
line is discarded.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from crystalgraph import paths
from crystalgraph.files import write_atomically


class CifCache:
    """The crystals of a folder by key, each as a text without line breaks.

    Args:
        folder: with CIF files.
    """

    def __init__(self, folder: Path) -> None:
        name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:32]
        self.folder, self._path = folder, paths.CACHE / "cifs" / f"{name}.jsonl"
        self._texts: dict[str, str] = {}
        self._n_lines, self._file = 0, None
        with suppress(OSError):
            for line in self._path.read_bytes().splitlines():
                self._n_lines += 1
                self._texts |= _content(line)

    def get(self, key: str) -> str | None:
        """The text that was added under a key, or None."""
        return self._texts.get(key)

    def add(self, key: str, text: str) -> None:
        """Keep a text, on disk at once."""
        self._texts[key] = text
        self._n_lines += 1
        with suppress(OSError):  # a folder that cannot be written to costs time, not the run
            if not self._file:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("ab", buffering=0)
                self._file.write(b"\n")  # the last line may have been cut off
            self._file.write(_line(key, text))

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    def discard_others(self, keys: Collection[str]) -> None:
        """Discard what is not under one of these keys, once it is more than the folder's files."""
        if self._n_lines > 2 * sum(1 for _ in self.folder.iterdir()):
            lines = [_line(key, self._texts[key]) for key in keys if key in self._texts]
            with suppress(OSError):
                write_atomically(self._path, b"".join(lines))


def _line(key: str, text: str) -> bytes:
    content = f"{key} {text}".encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


def _content(line: bytes) -> dict[str, str]:
    """Key and text of a line; nothing of one that is damaged."""
    checksum, _, content = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(content):
        return {}
    key, _, text = content.decode().partition(" ")
    return {key: text}
