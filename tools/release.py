"""Make the student's files from model.py and solutions/hw.

    python tools/release.py                        write model_hw.py and assignments/hw
    python tools/release.py --check                only say whether they are up to date
    python tools/release.py --student-zip FILE     also pack what a student needs, and nothing else

`nbgrader generate_assignment hw --force` writes the same files and registers the assignment in
the gradebook besides.
"""

from __future__ import annotations

import argparse
import fnmatch
import shutil
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from crystalgraph.errors import CrystalGraphError
from crystalgraph.nbgrader_plugins import finish_release, release_notebook, write_text
from crystalgraph.release import (
    STUDENT_MODEL,
    ReleaseError,
    find_leaks,
    model_secrets,
    solution_notebooks,
)

ROOT = Path(__file__).resolve().parents[1]
ASSIGNMENT = "hw"
ZIP_FOLDER = "crystalgraph"
STUDENTS_GET = (
    *(".gitignore", "CITATION.cff", "LICENSE", "README.md", "environment.yml", "pyproject.toml"),
    *("start.py", STUDENT_MODEL, "assignments", "crystalgraph", "data", "docs/tasks.md"),
    "docs/pictures",
)
INSTRUCTORS_ONLY = tuple(
    f"crystalgraph/{name}" for name in ("grading/", "nbgrader_plugins.py", "release.py")
)
LEFT_OUT = ("__pycache__", "*.py[co]", ".ipynb_checkpoints", ".DS_Store", ".cache")
ZIP_TIME = (2000, 1, 1, 0, 0, 0)  # fixed, so that the same content gives the same bytes


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the arguments, do it, and say what was done; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when outdated")
    parser.add_argument("--student-zip", type=Path, metavar="FILE", help="also pack a zip")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    try:
        return run(args)
    except CrystalGraphError as error:
        print(f"release: {error}", file=sys.stderr)
        return 2


def run(args: argparse.Namespace) -> int:
    """Make the release in a temporary folder, compare it, and put it in place."""
    with tempfile.TemporaryDirectory(prefix="crystalgraph-release-") as name:
        made = Path(name)
        build(args.root, made)
        outdated = differences(made, args.root)
        if args.check:
            print("\n".join(outdated) or "the release is up to date")
            return 1 if outdated else 0
        put_in_place(made, args.root)
    print("\n".join(outdated) or "nothing has changed")
    if args.student_zip:
        n_files = pack(args.root, args.student_zip)
        print(f"{args.student_zip}: {n_files} files")
    return 0


def build(root: Path, into: Path) -> None:
    """Write the whole release into an empty folder, laid out as in the course's folder.

    Raises:
        ReleaseError: something is missing or would be given away.
    """
    release = into / "assignments" / ASSIGNMENT
    repository = read_repository(root)
    sources = solution_notebooks(root, ASSIGNMENT)
    skip = shutil.ignore_patterns(*LEFT_OUT, "*.ipynb")
    shutil.copytree(sources[0].parent, release, ignore=skip)
    for path in sources:
        write_text(release / path.name, release_notebook(path, repository))
    finish_release(root, ASSIGNMENT, release)
    shutil.copyfile(release / STUDENT_MODEL, into / STUDENT_MODEL)


def read_repository(root: Path) -> str:
    """OWNER/NAME of the course's repository, from pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return project["tool"]["crystalgraph"]["repository"].removeprefix("https://github.com/")


def differences(made: Path, root: Path) -> list[str]:
    """One line for each released file that is new, changed or no longer made."""
    new = {path.relative_to(made).as_posix() for path in files_in(made)}
    old = {path.relative_to(root).as_posix() for path in files_in(root / "assignments")}
    if (root / STUDENT_MODEL).exists():
        old.add(STUDENT_MODEL)
    said = [f"{name}: new" for name in sorted(new - old)]
    said += [f"{name}: no longer made" for name in sorted(old - new)]
    same = (name for name in sorted(new & old) if not same_content(made / name, root / name))
    return said + [f"{name}: changed" for name in same]


def same_content(one: Path, other: Path) -> bool:
    """Equal, line ends aside (git may have changed them)."""
    first, second = (path.read_bytes().replace(b"\r\n", b"\n") for path in (one, other))
    return first == second


def files_in(folder: Path) -> Iterator[Path]:
    """Every file below a folder, without what editors and Python leave behind."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        left_out = any(fnmatch.fnmatch(part, name) for part in parts for name in LEFT_OUT)
        if path.is_file() and not left_out:
            yield path


def put_in_place(made: Path, root: Path) -> None:
    """Replace the release in the course's folder."""
    shutil.rmtree(root / "assignments" / ASSIGNMENT, ignore_errors=True)
    shutil.copytree(made, root, dirs_exist_ok=True)


def pack(root: Path, target: Path) -> int:
    """Zip what a student needs: no solutions, hidden cases, tests or tools.

    Returns:
        How many files were packed.

    Raises:
        ReleaseError: one of the files holds a line of the solution.
    """
    secrets = model_secrets(root)
    files = list(student_files(root))
    for path in files:
        if path.suffix in (".py", ".md", ".ipynb"):
            if leaks := find_leaks(path.read_text(encoding="utf-8"), secrets):
                raise ReleaseError(f"{path.relative_to(root)} gives away {leaks[0]!r}")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            name = f"{ZIP_FOLDER}/{path.relative_to(root).as_posix()}"
            info = zipfile.ZipInfo(name, date_time=ZIP_TIME)
            info.external_attr = 0o644 << 16
            archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return len(files)


def student_files(root: Path) -> Iterator[Path]:
    """The files of the student's copy, in a fixed order."""
    for name in STUDENTS_GET:
        found = [root / name] if (root / name).is_file() else files_in(root / name)
        for path in found:
            if not path.relative_to(root).as_posix().startswith(INSTRUCTORS_ONLY):
                yield path


if __name__ == "__main__":
    sys.exit(main())
