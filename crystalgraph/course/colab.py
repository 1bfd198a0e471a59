"""Google Colab: its folders, the student's Google Drive, and the notebook on the screen."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from crystalgraph.errors import CrystalGraphError, ShownPlainly
from crystalgraph.labs.lab import Lab
from crystalgraph.paths import REPO

CONTENT = REPO.parent
"""Colab's own folder, /content: the set-up cell puts the repository into it."""


class SetUpFailed(ShownPlainly, CrystalGraphError):
    """The notebook cannot run here, and why."""


def in_colab() -> bool:
    """Whether this is a notebook in Google Colab."""
    return "google.colab" in sys.modules


def drive_folder(lab: Lab, content: Path = CONTENT) -> Path:
    """The lab's folder on the student's Drive; the texts of the notebooks name it.

    Args:
        lab: whose; a change of its id does not move the folder.
        content: Colab's own folder.
    """
    return content / "drive" / "MyDrive" / f"crystalgraph_{lab.folder}"


def drive_folders(lab: Lab, content: Path = CONTENT) -> tuple[Path, Path]:
    """Where the student's files lie on Drive: the lab's own folder, and the one of all notebooks.

    Args:
        lab: whose.
        content: Colab's own folder.
    """
    own = drive_folder(lab, content)
    return own, own.with_name("Colab Notebooks")


def open_drive(lab: Lab, content: Path = CONTENT) -> Path:
    """Connect Google Drive, which asks for permission, and make the lab's folder on it.

    Args:
        lab: whose folder.
        content: Colab's own folder.

    Returns:
        The folder.

    Raises:
        SetUpFailed: Drive cannot be opened.
    """
    folder = drive_folder(lab, content)
    if not folder.parent.is_dir():
        from google.colab import drive  # pyright: ignore[reportMissingImports]

        try:
            drive.mount(str(folder.parents[1]))
        except Exception as error:  # Colab documents none; a refused permission is one
            raise SetUpFailed(
                f"Google Drive was not opened ({error}): run this cell again and allow it, or set "
                "KEEP_ON_DRIVE = False."
            ) from error
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def notebook_on_screen() -> bytes | None:
    """The notebook of this kernel as Colab shows it, saved or not.

    Returns:
        The content of its file; None outside of Colab, or when Colab gives no answer.
    """
    if not in_colab():
        return None
    from google.colab import _message  # pyright: ignore[reportMissingImports]

    answer = _message.blocking_request("get_ipynb", request="", timeout_sec=20)
    if not answer or "ipynb" not in answer:
        return None
    return json.dumps(answer["ipynb"], indent=1, ensure_ascii=False).encode("utf-8")


def download(path: Path) -> None:
    """Offer a file to the browser, which is on another machine; outside of Colab do nothing."""
    if in_colab():
        from google.colab import files  # pyright: ignore[reportMissingImports]

        files.download(str(path))
