"""`crystalgraph answers`: pages to grade written answers on; their points into the gradebook."""

from __future__ import annotations

import argparse
from pathlib import Path

from crystalgraph.commands.grade import add_course_arguments, check_installation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_course_arguments(parser, "answers")
    parser.add_argument(
        "--read",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="files that the pages have saved: write their points into the gradebook",
    )
    parser.epilog = (
        "Exit code: 0 fine, 1 some points were not written, 2 nothing could be begun. Grade the "
        "hand-ins first: the pages show what formgrader shows."
    )


def main(args: argparse.Namespace) -> int:
    """Make the pages, or read points back; returns the exit code."""
    from crystalgraph.labs import find_lab

    lab = find_lab(args.assignment)
    check_installation(lab)
    from crystalgraph.grading.reports.gradebook import CourseGradebook, find_course
    from crystalgraph.grading.reports.written_answers import read_points, write_page

    failed = False
    with CourseGradebook(find_course(), lab, args.gradebook).opened() as gradebook:
        for file in args.read or ():
            written, refused = read_points(gradebook, file)
            print("\n  ".join([f"{file}: {written} answers have their points.", *refused]))
            failed |= bool(refused)
        for question in () if args.read else lab.questions:
            page, number = write_page(gradebook, question, args.out / lab.id)
            print(f"{page}: {number} answers")
    return 1 if failed else 0
