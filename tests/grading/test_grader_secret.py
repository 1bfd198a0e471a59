"""The grader's secret is drawn once, outside of the repository."""

import stat
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading import secret
from crystalgraph.grading.secret import grader_secret, secret_file
from crystalgraph.paths import REPO


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "not there yet" / "secret"
    monkeypatch.setenv(secret.ENVIRONMENT, str(path))
    return path


def test_it_is_drawn_once_and_stays(file):
    first = grader_secret()
    assert len(first) == 64 and file.read_text() == first + "\n"
    assert grader_secret() == first
    assert [one.name for one in file.parent.iterdir()] == ["secret"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_nobody_else_may_read_it(file):
    grader_secret()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_files_hold_two_secrets(file, tmp_path, monkeypatch):
    first = grader_secret()
    monkeypatch.setenv(secret.ENVIRONMENT, str(tmp_path / "another"))
    assert grader_secret() != first


def test_graders_that_draw_it_at_once_agree(file, monkeypatch):
    monkeypatch.setattr(secret.os, "getpid", iter(range(100)).__next__)  # as if of 8 processes
    with ThreadPoolExecutor(8) as pool:
        drawn = set(pool.map(lambda _: grader_secret(), range(8)))
    assert len(drawn) == 1


def test_where_it_is_by_default(tmp_path, monkeypatch):
    monkeypatch.delenv(secret.ENVIRONMENT, raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert secret_file() == tmp_path / ".local" / "share" / "crystalgraph" / "grader_secret"
    assert not secret_file().is_relative_to(REPO)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert secret_file() == tmp_path / "data" / "crystalgraph" / "grader_secret"


@pytest.mark.parametrize("content", ["", "too short\n", "é" * 100])
def test_a_file_that_holds_something_else(content, file):
    file.parent.mkdir()
    file.write_text(content, encoding="utf-8")
    with pytest.raises(CrystalGraphError, match="secret"):
        grader_secret()


def test_a_place_that_cannot_be_written(file):
    file.parent.write_text("a file where the folder should be")
    with pytest.raises(CrystalGraphError, match=f"let {secret.ENVIRONMENT} name another file"):
        grader_secret()
