"""The students' copy of the course: what they need, and nothing of the instructor's."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

from crystalgraph.labs import LABS
from crystalgraph.labs.lab import is_secret
from crystalgraph.releasing.address import normalized, students_repository
from crystalgraph.releasing.build import TASKS_PAGE, files_in
from crystalgraph.releasing.holes import ReleaseError
from crystalgraph.releasing.leaks import find_leaks, reference_secrets

ZIP_FOLDER = "crystalgraph"
ZIP_TIME = (2000, 1, 1, 0, 0, 0)  # fixed, so that the same content gives the same bytes
INSTRUCTORS_ONLY = ("crystalgraph/grading/", "crystalgraph/releasing/", "crystalgraph/sandbox/")
OF_THE_BOARD = ("crystalgraph/sandbox/__init__.py", "crystalgraph/sandbox/forks.py")
"""What the board that students have needs all the same."""
OF_THEIR_OWN = {"README.md": "docs/for_students/README.md"}
"""Files that students get in another form: name in their copy -> file of the course."""


def student_files(root: Path) -> dict[Path, Path]:
    """The files of the students' copy, in a fixed order.

    Args:
        root: the course's folder.

    Returns:
        Place in the copy -> file of the course.
    """
    files = {}
    for name in students_get():
        found = [root / name] if (root / name).is_file() else files_in(root / name)
        places = (path.relative_to(root) for path in found)
        files |= {place: root / place for place in places if not _is_instructors(place)}
    return files | {Path(name): root / source for name, source in OF_THEIR_OWN.items()}


def _is_instructors(path: Path) -> bool:
    """Whether a file, relative to the course's folder, stays with the instructor."""
    name = path.as_posix()
    return is_secret(path) or (name.startswith(INSTRUCTORS_ONLY) and name not in OF_THE_BOARD)


def students_get() -> tuple[str, ...]:
    """Files and folders that students get, relative to the course's folder."""
    labs = LABS.values()
    model_files = sorted(lab.model_file for lab in labs if lab.model_file is not None)
    assignments = sorted(f"assignments/{lab.id}" for lab in labs)
    return (
        *(".gitignore", "CITATION.cff", "LICENSE", "README.md", "environment.yml"),
        *(
            "pyproject.toml",
            "requirements.lock",
            "setup.py",
            "start.py",
            *model_files,
            *assignments,
        ),
        *("crystalgraph", "data", "examples", TASKS_PAGE, "docs/pictures"),
    )


def check_for_leaks(root: Path) -> dict[Path, Path]:
    """The files of the students' copy: place in the copy -> file of the course.

    Raises:
        ReleaseError: one of the files holds a line of a reference's solutions.
    """
    secrets = {line for lab in LABS.values() for line in reference_secrets(lab, root)}
    files = student_files(root)
    for path in files.values():
        if path.suffix in (".py", ".md", ".ipynb"):
            if leaks := find_leaks(path.read_text(encoding="utf-8"), secrets):
                raise ReleaseError(
                    f"{path.relative_to(root)} gives away {leaks[0]!r}, a line of a solution: take "
                    "it out there, or write it in other words"
                )
    return files


def pack(root: Path, target: Path) -> int:
    """Zip the students' copy.

    Args:
        root: the course's folder.
        target: the zip.

    Returns:
        How many files were packed.

    Raises:
        ReleaseError: one of the files would give something away.
    """
    files = check_for_leaks(root)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, path in files.items():
            info = zipfile.ZipInfo(f"{ZIP_FOLDER}/{place.as_posix()}", date_time=ZIP_TIME)
            info.external_attr = 0o644 << 16
            archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return len(files)


def write_folder(root: Path, folder: Path) -> tuple[int, int]:
    """Make a folder the students' copy, as a git repository in which all changes are staged.

    Files that an earlier copy had and this one has not are deleted. What else lies in the folder
    stays: .git, .venv, folders of other names.

    Args:
        root: the course's folder.
        folder: a new or empty one, a clone of the students' repository, or an earlier copy.

    Returns:
        How many files the copy has, and how many were deleted.

    Raises:
        ReleaseError: the folder is something else, or a file would give something away.
    """
    _check_is_copy(folder)
    _check_origin(folder, students_repository(root))
    files = check_for_leaks(root)
    gone = [path for path in _of_copy(folder) if path.relative_to(folder) not in files]
    for path in gone:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    if not (folder / ".git").exists():
        _git(folder, "init", "--quiet")
        _git(folder, "symbolic-ref", "HEAD", "refs/heads/main")  # git before 2.28 has no option
    _git(folder, "add", "--all")
    return len(files), len(gone)


def _git(folder: Path, *arguments: str, may_fail: bool = False) -> str:
    """What git prints.

    Raises:
        ReleaseError: there is no git, or it refuses and must not.
    """
    if shutil.which("git") is None:
        raise ReleaseError("there is no git, which makes the students' repository: install it")
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and not may_fail:
        raise ReleaseError(f"git {arguments[0]} failed in {folder}: {done.stderr.strip()}")
    return done.stdout.strip()


def _check_origin(folder: Path, students: str) -> None:
    """Raise ReleaseError when a folder is the clone of another repository than the students'."""
    if not (folder / ".git").exists():
        return
    origin = _git(folder, "config", "--get", "remote.origin.url", may_fail=True)
    if origin and normalized(origin).lower() != f"github.com/{students}".lower():
        raise ReleaseError(
            f"{folder} is a clone of {normalized(origin)}, but students get github.com/{students} "
            "(set in pyproject.toml): name a clone of that one, or correct the address"
        )


def _check_is_copy(folder: Path) -> None:
    """Raise ReleaseError unless nothing but an earlier copy can be lost in a folder."""
    inside = {path.name for path in folder.glob("*")} - {".git"}
    is_copy = {"start.py", "crystalgraph", "assignments"} <= inside and "solutions" not in inside
    if inside and not is_copy:
        raise ReleaseError(
            f"{folder} holds something else than a students' copy of this course: name a new "
            "folder, or an empty one"
        )


def _of_copy(folder: Path) -> Iterator[Path]:
    """The files of an earlier copy: those at its top, and those in the folders that copies have."""
    tops = {Path(name).parts[0] for name in students_get()}
    yield from (path for path in folder.glob("*") if path.is_file() and path.name[0] != ".")
    for name in sorted(tops):
        yield from files_in(folder / name)
