"""What tests of the course share."""

import sys
import types

import pytest

from crystalgraph.course.colab import drive_folders
from crystalgraph.labs import LABS


@pytest.fixture
def colab(tmp_path, monkeypatch):
    """Colab's own modules: a content folder, notebooks on Drive, one on the screen, downloads."""
    content, answer, downloads = tmp_path / "content", {}, []
    drive = drive_folders(LABS["hw"], content)[1]
    drive.mkdir(parents=True)
    package = types.ModuleType("google.colab")
    package._message = types.SimpleNamespace(blocking_request=lambda *_, **__: answer)
    package.files = types.SimpleNamespace(download=downloads.append)
    monkeypatch.setitem(sys.modules, "google.colab", package)
    return types.SimpleNamespace(content=content, drive=drive, answer=answer, downloads=downloads)
