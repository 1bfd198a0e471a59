"""Handing in: the last cell of every notebook packs all of them and model_hw.py into one zip.

    hand_in(student_id="s001", notebook="1")

The zip is named as the instructor's collector expects (nbgrader_config.py takes its patterns from
here), holds the files of the task table and nothing else, and is not made at all while one of them
is missing, cannot be graded, or is not what was run last. What is still open is said, not refused.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import textwrap
import time
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from crystalgraph.checks.tasks import MODEL_FILE, NOTEBOOKS, TASKS
from crystalgraph.colab import DRIVE, DRIVE_FOLDER, in_colab
from crystalgraph.errors import CrystalGraphError, ShownPlainly
from crystalgraph.handout import NEW_VERSION, fingerprint, fingerprint_of
from crystalgraph.paths import RELEASE

FILES = (*NOTEBOOKS.values(), MODEL_FILE)
STUDENT_ID = r"[A-Za-z0-9][A-Za-z0-9.@]{0,63}"
RENAMED = r"(?:Copy of )*{name}(?: ?\(\d+\))?"
"""What Colab and browsers make of a file's name; {name} is the name without its ending."""
TIME_FORMAT = "handed in %Y-%m-%dT%H:%M:%SZ"
"""The zip's comment, in UTC: the collector reads it where the platform writes no time."""
TIME_IN_NAME = re.compile(r"(?<!\d)(\d{4}(?:-\d\d){5})(?!\d)")
"""The time as platforms write it into names, 2026-11-21-16-02-11, in this computer's time zone."""
DRIVE_FOLDERS = (DRIVE / "MyDrive" / DRIVE_FOLDER, DRIVE / "MyDrive" / "Colab Notebooks")
"""Where model_hw.py and the notebooks lie on Google Drive."""
NO_ID = (
    'No zip yet: write your id between the quotes, hand_in(student_id="...", and run this cell '
    "again (in one of the notebooks; the zip has them all)."
)


def hand_in_pattern(assignment: str = "hw") -> str:
    """Regular expression for a hand-in's name without ".zip", as platforms and browsers change it.

    A platform may put something before `hw_` or a `-1` behind the id, a browser a ` (1)`.
    """
    before = r"(?:[^/\\]*[_ ])?" + re.escape(assignment)
    return rf"{before}_(?P<student_id>{STUDENT_ID})(?:-\d+| ?\(\d+\))?"


class HandInRefused(ShownPlainly, CrystalGraphError):
    """There is no zip, and why."""


@dataclass(frozen=True)
class Part:
    """One file of the zip.

    Attributes:
        name: under which it is handed in.
        path: where it was found; None for the notebook on Colab's screen.
        content: its bytes.
        saved: when, in seconds since 1970.
        others: further versions of it, which stay behind.
    """

    name: str
    path: Path | None
    content: bytes
    saved: float
    others: tuple[Path, ...] = ()

    def describe(self) -> str:
        """Name, place and age in one line."""
        if self.path is None:
            return f"{self.name}, as it is on your screen"
        renamed = "" if self.path.name == self.name else f", from {self.path.name!r}"
        place = "" if self.path.parent == Path.cwd() else f" in {self.path.parent}"
        left = "".join(f"; not {str(path)!r}, which is older" for path in self.others)
        return f"{self.name}{renamed}{place}, saved {_ago(time.time() - self.saved)}{left}"


def hand_in(student_id: str, notebook: str) -> None:
    """Make the zip, say what is in it and what is still open; in Colab, download it.

    Args:
        student_id: as the instructor knows you; empty does nothing.
        notebook: number of the notebook that this is called in, "1".

    Raises:
        HandInRefused: there is no zip, and why.
    """
    if os.environ.get("NBGRADER_EXECUTION"):
        print("Nothing is packed while grading.")
        return
    if student_id == "":
        print(NO_ID)
        return
    if notebook not in NOTEBOOKS:
        known = ", ".join(map(repr, NOTEBOOKS))
        raise HandInRefused(f"No zip: there is no notebook {notebook!r}; write one of {known}.")
    student_id = checked_id(student_id)
    folder = Path.cwd()
    drive = [one for one in DRIVE_FOLDERS if in_colab() and one.is_dir() and one != folder]
    parts = collect_parts([folder, *drive], notebook_on_screen(NOTEBOOKS[notebook]))
    check_saved(parts, NOTEBOOKS[notebook], _last_runs())
    path = write_zip(folder / f"hw_{student_id}.zip", parts)
    print("\n".join([f"{path} is ready to be handed in:", *(f"  {p.describe()}" for p in parts)]))
    print("\nChecking the tasks, as they are in the zip ...", flush=True)
    print(still_open(parts))
    _download(path)


def checked_id(student_id: object) -> str:
    """The id without blanks around it.

    Raises:
        HandInRefused: the collector would not find its zip.
    """
    if not isinstance(student_id, str):
        raise HandInRefused(f'No zip: the id {student_id!r} needs quotes around it, like "s001".')
    if not re.fullmatch(STUDENT_ID, student_id.strip()):
        raise HandInRefused(
            f'No zip: the id {student_id!r} does not fit; write letters a to z, digits, "." and '
            '"@" alone, at most 64, the first a letter or a digit, like "s001".'
        )
    return student_id.strip()


# --- what goes in --------------------------------------------------------------------------------


def collect_parts(folders: Sequence[Path], on_screen: Part | None = None) -> list[Part]:
    """Every file that has to be in the zip, under its right name.

    Args:
        folders: where to look; the first is the student's own.
        on_screen: the notebook that Colab shows, which counts in place of a file.

    Returns:
        One part for each of FILES.

    Raises:
        HandInRefused: one is missing, is there in two versions, or cannot be graded.
    """
    found = {name: _versions(name, folders) for name in FILES}
    if on_screen is not None:
        found[on_screen.name] = []
    there = {on_screen.name} if on_screen else set()
    missing = [name for name, paths in found.items() if not paths and name not in there]
    if missing:
        raise HandInRefused(_missing(missing, folders))
    parts = [_chosen(name, paths) for name, paths in found.items() if paths]
    parts += [on_screen] if on_screen else []
    for part in parts:
        _check_gradable(part)
    return sorted(parts, key=lambda part: FILES.index(part.name))


def _versions(name: str, folders: Iterable[Path]) -> list[Path]:
    """Files that are this one by their cells or, where these say nothing, by their name.

    One in which nothing was done counts only if there is no other.
    """
    stem, ending = os.path.splitext(name)
    pattern = RENAMED.format(name=re.escape(stem)) + re.escape(ending)
    versions = []
    for folder in folders:
        for path in sorted(folder.glob(f"*{ending}")):
            ids = _grade_ids(path) if ending == ".ipynb" else set()
            fits = bool(ids & released_ids(name)) if ids else re.fullmatch(pattern, path.name)
            handed_out = NEW_VERSION.search(path.stem) or path.name.startswith(".")
            if fits and path.is_file() and not handed_out:
                versions.append(path)
        if versions and name == MODEL_FILE:  # the one that the notebook imports
            break
    worked_on = [path for path in versions if _work(path) != fingerprint(RELEASE / name)]
    return worked_on or versions[:1]


def _chosen(name: str, paths: list[Path]) -> Part:
    """The version that counts: the only one, or the newest if it has the right name."""
    newest = max(paths, key=lambda path: (path.stat().st_mtime, path.name == name))
    others = tuple(path for path in paths if _work(path) != _work(newest))
    if newest.name != name and others:
        names = " and ".join(repr(str(path)) for path in paths)
        raise HandInRefused(
            f"No zip: {name} is there in {len(paths)} versions, {names}; delete those that do not "
            "count, or move them elsewhere, and run this cell again."
        )
    return Part(name, newest, _read(newest), newest.stat().st_mtime, others)


def _work(path: Path) -> str:
    """The same for two files with the same work in them."""
    return fingerprint_of(path.name, _read(path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HandInRefused(
            f"No zip: {path} cannot be read ({error.strerror}); mend that and run this cell again."
        ) from error


def _missing(names: list[str], folders: Sequence[Path]) -> str:
    what = f"No zip: {', '.join(names)} {'is' if len(names) == 1 else 'are'} not in "
    where = " or ".join(map(str, folders))
    if in_colab():
        cure = (
            "save your copies to Drive and set KEEP_ON_DRIVE = True in the first cell, or upload "
            "what is missing (folder icon on the left)"
        )
    else:
        cure = (
            "put it beside this notebook (a fresh copy comes with `crystalgraph lab "
            "--prepare-only`)"
        )
    return f"{what}{where}; {cure}, and run this cell again."


def _check_gradable(part: Part) -> None:
    """Raise HandInRefused unless nbgrader will be able to read a notebook and to find its cells."""
    if part.name == MODEL_FILE:
        return
    where = part.path or part.name
    try:
        ids = _ids(_cells(part.content))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HandInRefused(
            f"No zip: {where} cannot be read as a notebook ({type(error).__name__}); open and save "
            "it in Jupyter, or paste your answers into a fresh copy, and run this cell again."
        ) from error
    if not ids & released_ids(part.name):
        raise HandInRefused(
            f"No zip: the cells of {where} have lost the marks by which they are graded (or belong "
            "to another notebook); paste your answers into a fresh copy and run this cell again."
        )


# --- notebooks -----------------------------------------------------------------------------------


def _cells(content: bytes) -> list[dict]:
    return json.loads(content.decode("utf-8"))["cells"]


def _source(cell: dict) -> str:
    return "".join(cell["source"])  # a string, or a list of lines


def _settings(cell: dict) -> dict:
    return cell.get("metadata", {}).get("nbgrader", {})


def _ids(cells: list[dict]) -> set[str]:
    return {_settings(cell)["grade_id"] for cell in cells if "grade_id" in _settings(cell)}


def _grade_ids(path: Path) -> set[str]:
    """nbgrader's names of a notebook's cells; none when it cannot be read."""
    try:
        return _ids(_cells(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()


@cache
def released_ids(name: str) -> set[str]:
    """nbgrader's names of the cells of a released notebook."""
    return _ids(_cells((RELEASE / name).read_bytes()))


def _last_runs() -> list[str]:
    """The cells that this kernel has run, the last first; none outside of a notebook."""
    from IPython import get_ipython

    shell = get_ipython()
    return [] if shell is None else shell.history_manager.input_hist_raw[:0:-1]


def check_saved(parts: Sequence[Part], notebook: str, runs: Sequence[str]) -> None:
    """Compare the notebook that hands in with what its kernel has run.

    A kernel cannot see the notebook, only cells that were run: this one, and those that define
    the functions of tasks.

    Args:
        parts: of the zip.
        notebook: name of the notebook that hands in.
        runs: cells that were run, the last first.

    Raises:
        HandInRefused: the file lacks one of them.
    """
    part = next(part for part in parts if part.name == notebook)
    if part.path is None or not runs:
        return
    there = {_source(cell).strip() for cell in _cells(part.content)}
    if runs[0].strip() not in there:
        raise HandInRefused(
            f"No zip: {part.path} is not saved, this cell is not in it as you see it; save the "
            "notebook (Ctrl+S) and run this cell again."
        )
    for task in TASKS.values():
        define = re.compile(rf"^def {re.escape(task.name)}\(", re.M)
        last = next((run for run in runs if define.search(run)), None)
        if task.where == notebook and last is not None and last.strip() not in there:
            raise HandInRefused(
                f"No zip: in {part.path}, {task.name} of task {task.id} is not what you ran last; "
                "run its cell once more, save the notebook (Ctrl+S) and run this cell again."
            )


# --- Colab ---------------------------------------------------------------------------------------


def notebook_on_screen(name: str) -> Part | None:
    """The notebook as Colab shows it, saved or not; None elsewhere, or if it gives no answer.

    Args:
        name: of the notebook that this kernel belongs to.
    """
    if not in_colab():
        return None
    from google.colab import _message

    answer = _message.blocking_request("get_ipynb", request="", timeout_sec=20)
    if not answer or "ipynb" not in answer:
        return None
    content = json.dumps(answer["ipynb"], indent=1, ensure_ascii=False).encode("utf-8")
    return Part(name, None, content, time.time())


def _download(path: Path) -> None:
    """Offer the zip to the browser, where it is on another machine."""
    if in_colab():
        from google.colab import files

        files.download(str(path))


# --- the zip -------------------------------------------------------------------------------------


def write_zip(target: Path, parts: Iterable[Part]) -> Path:
    """Write the zip; an earlier one is replaced only when the new one is complete.

    Args:
        target: hw_<id>.zip.
        parts: what is in it.

    Returns:
        The target.

    Raises:
        HandInRefused: the folder or the disk does not let us.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.comment = time.strftime(TIME_FORMAT, time.gmtime()).encode("ascii")
            for part in parts:
                info = zipfile.ZipInfo(part.name, time.localtime(part.saved)[:6])
                info.external_attr = 0o644 << 16
                archive.writestr(info, part.content, zipfile.ZIP_DEFLATED)
        partial.replace(target)
    except OSError as error:
        raise HandInRefused(
            f"No zip: {target} cannot be written ({error.strerror}); close it elsewhere or make "
            "room, and run this cell again."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def time_in_comment(comment: bytes) -> datetime | None:
    """When a zip was made, from the comment that write_zip left in it."""
    try:
        return datetime.strptime(f"{comment.decode('ascii')} +0000", f"{TIME_FORMAT} %z")
    except ValueError:
        return None


def time_in_name(name: str) -> datetime | None:
    """When something was handed in, from the name that a platform gave it."""
    stamp = TIME_IN_NAME.search(name)
    try:
        return stamp and datetime.strptime(stamp[1], "%Y-%m-%d-%H-%M-%S").astimezone()
    except (ValueError, OverflowError, OSError):  # digits that are no date
        return None


# --- what is still open --------------------------------------------------------------------------


def still_open(parts: Sequence[Part]) -> str:
    """Tasks that do not pass and written answers that are empty, as they are in the zip.

    Args:
        parts: of the zip.

    Returns:
        Several lines.
    """
    empty = [one for part in parts if part.name != MODEL_FILE for one in empty_answers(part)]
    tasks, points = _open_tasks(parts)
    lines = [f"{points}."] if points else []
    if tasks:
        lines += ["Still open:", *tasks]
    if empty:
        lines.append(f"Written answers that are still empty: {', '.join(empty)}.")
    if tasks or empty:
        return "\n".join([*lines, "You may hand it in as it is, or go on and run this cell again."])
    return "\n".join([*lines, "Nothing is open: hand it in."])


def _open_tasks(parts: Sequence[Part]) -> tuple[list[str], str]:
    """One line per task that does not pass, and the points of all."""
    from crystalgraph.board import make_board

    with tempfile.TemporaryDirectory(prefix="crystalgraph-hand-in-") as name:
        folder = Path(name)
        for part in parts:
            (folder / part.name).write_bytes(part.content)
        try:
            board = make_board(folder, folder / MODEL_FILE)
        except CrystalGraphError as error:
            return [f"  the tasks could not be checked: {error}"], ""
    lines = []
    for row in board.rows:
        if row.status != "passed":
            task, bonus = row.task, ", bonus" if row.task.bonus else ""
            what = f"{row.status}, {row.points:g} of {task.points} points{bonus}"
            lines.append(f"  {task.id}  {task.name} in {task.where}: {what}")
            if row.status == "failed":
                lines.append(f"       {textwrap.shorten(row.message, 90, placeholder=' ...')}")
    bonus = sum(row.points for row in board.rows if row.task.bonus)
    points = f"{board.points - bonus:g} of {board.max_points} points from the checks"
    return lines, f"{points}, and {bonus:g} bonus points"


def empty_answers(part: Part) -> list[str]:
    """The written questions of a notebook that have no answer: "q1.2"."""
    given = {_settings(cell).get("grade_id"): _source(cell) for cell in _cells(part.content)}
    empty = []
    for cell in _cells((RELEASE / part.name).read_bytes()):
        settings, stub = _settings(cell), _source(cell)
        if cell["cell_type"] == "markdown" and settings.get("solution"):
            answer = given.get(settings["grade_id"], "")
            if answer.strip() in ("", stub.strip()):
                empty.append(settings["grade_id"].replace("_", "."))
    return empty


def _ago(seconds: float) -> str:
    """A time span in words: "3 minutes ago"."""
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"
