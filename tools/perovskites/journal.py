"""An append-only file of results, one JSON object a line, that survives a killed process.

Each stage of the builder keeps one journal. Work that is in the journal is done; a line that was
cut off when the process died is dropped, and that one piece of work is done again. Journals of
several machines are joined with `cat`.
"""

import json
import os
from pathlib import Path


class BuilderError(ValueError):
    """Wrong input to the builder: one sentence that says what, where, and the cure."""


class Journal:
    """Results of one stage by id.

    Args:
        path: The .jsonl file; need not exist.

    Raises:
        BuilderError: A complete line is not a JSON object with an id.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self.records: dict[str, dict] = {}
        for number, line in enumerate(complete_lines(self.path), start=1):
            record = parse(line, self.path, number)
            self.records[record["id"]] = record  # the last word counts: a retry replaces a failure

    def append(self, record: dict) -> None:
        """Write one result and see it to the disk before returning."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        drop_partial_line(self.path)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.records[record["id"]] = record

    def is_done(self, key: str, retry: bool = False) -> bool:
        """Whether this id has a result; with `retry`, a recorded failure does not count."""
        return key in self.records and not (retry and "error" in self.records[key])

    def successes(self) -> dict[str, dict]:
        """The records that are not failures."""
        return {key: record for key, record in self.records.items() if "error" not in record}


def complete_lines(path: Path) -> list[str]:
    """The lines of a file that end in a newline; none where there is no file."""
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]


def parse(line: str, path: Path, number: int) -> dict:
    """One record of a journal, or an error that names the line."""
    try:
        record = json.loads(line)
        record["id"]
    except (ValueError, TypeError, KeyError):
        message = f"{path}, line {number}, is not a JSON object with an id: delete that line."
        raise BuilderError(message) from None
    return record


def drop_partial_line(path: Path) -> None:
    """Cut what a killed process left after the last newline."""
    if not path.exists():
        return
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)


def write_atomically(path: Path, text: str) -> None:
    """Replace a file in one step: a reader sees the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)
