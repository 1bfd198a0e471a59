"""Files are written whole or not at all."""

from pathlib import Path

import pytest

from crystalgraph.files import write_atomically


@pytest.mark.parametrize("content", ["two\nlines of µ\n", b"\x00\xff"])
def test_a_file_is_written_and_replaced(tmp_path, content):
    path = tmp_path / "new" / "folder" / "table.json"
    for one in ("older", content):
        write_atomically(path, one)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "table.json"
    write_atomically(path, "old")

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="the disk is full"):
        write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    path = tmp_path / "table.json"
    (tmp_path / "table.json.part").write_text("much longer than what follows")
    write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]
