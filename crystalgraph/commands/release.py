"""`crystalgraph release`: make everything that is generated, and the students' copy."""

from __future__ import annotations

import argparse
from pathlib import Path

from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import PACKAGE, REPO


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--check", action="store_true", help="write nothing; say what is out of date"
    )
    parser.add_argument(
        "--student-zip", type=Path, metavar="FILE", help="also pack the students' copy as a zip"
    )
    parser.add_argument(
        "--students",
        type=Path,
        metavar="DIR",
        help="also write the students' copy as a git repository",
    )
    parser.epilog = (
        "Exit code: 0 everything is up to date, 1 --check found something that is not, 2 no "
        "release can be made."
    )


def main(args: argparse.Namespace) -> int:
    """Make the release, or look whether it is up to date; returns the exit code."""
    if not (PACKAGE / "releasing").is_dir():
        raise CrystalGraphError(
            "a release needs the instructor's copy of the course, the one with solutions"
        )
    from crystalgraph.releasing.address import check_addresses
    from crystalgraph.releasing.build import update
    from crystalgraph.releasing.students_copy import pack, write_folder

    if args.check:
        if args.student_zip or args.students:
            raise CrystalGraphError("--check writes nothing: leave out --student-zip, --students")
        outdated = update(REPO, write=False)
        print("\n".join(outdated) or "the release is up to date")
        return 1 if outdated else 0
    if args.student_zip or args.students:
        check_addresses(REPO)
    print("\n".join(update(REPO, write=True)) or "nothing has changed")
    if args.student_zip:
        print(f"{args.student_zip}: {pack(REPO, args.student_zip)} files")
    if args.students:
        n_files, n_deleted = write_folder(REPO, args.students)
        print(f"{args.students}: {n_files} files, {n_deleted} deleted; commit and push them there")
    return 0
