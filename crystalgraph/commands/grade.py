"""`crystalgraph grade`: every hand-in of a lab, into files and nbgrader's gradebook."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from crystalgraph.errors import CrystalGraphError

if TYPE_CHECKING:
    from crystalgraph.grading.batch import Batch
    from crystalgraph.grading.intake.sources import Search
    from crystalgraph.grading.result import Result
    from crystalgraph.labs.lab import Lab


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "submissions",
        type=Path,
        help="nbgrader's submitted/, a folder of zips, or what a learning platform gave, as a zip "
        "or unpacked",
    )
    add_course_arguments(parser, "results")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=_number, metavar="N", help="processes here; default: one for each core"
    )
    where.add_argument(
        "--scheduler", default="", metavar="ADDRESS", help="of a Dask cluster: tcp://HOST:PORT"
    )
    parser.add_argument(
        "--resume", action="store_true", help="keep what is graded already, finish the rest"
    )
    parser.add_argument(
        "--unsafe", action="store_true", help="run strangers' code without a sandbox"
    )
    parser.epilog = (
        "Exit code: 0 everything is graded, 1 some hand-ins could not be graded or written to the "
        "gradebook (try --resume), 2 nothing could be begun."
    )


def add_course_arguments(parser: argparse.ArgumentParser, out: str) -> None:
    """Declare what every command takes that works on a course's gradebook.

    Args:
        parser: of the command.
        out: the folder that it writes to by default.
    """
    parser.add_argument("--assignment", required=True, metavar="NAME", help="the lab's id")
    parser.add_argument(
        "--out", type=Path, default=Path(out), metavar="DIR", help=f"default: ./{out}"
    )
    parser.add_argument(
        "--gradebook",
        default="",
        metavar="URL",
        help="database of nbgrader; default: gradebook.db in the course's folder",
    )


def main(args: argparse.Namespace) -> int:
    """Grade, and say how it went; returns the exit code."""
    from crystalgraph.labs import find_lab

    lab = find_lab(args.assignment)
    check_installation(lab)
    from crystalgraph.grading.batch import Batch
    from crystalgraph.grading.intake.sources import search
    from crystalgraph.grading.intake.wording import readable
    from crystalgraph.grading.reports.gradebook import CourseGradebook, find_course
    from crystalgraph.grading.results_folder import ResultsFolder
    from crystalgraph.grading.secret import grader_secret
    from crystalgraph.grading.workers import check_workers, grade_on_workers, workers

    store = ResultsFolder(args.out, lab)
    found = search(args.submissions, lab)
    gradebook = CourseGradebook(find_course(), lab, args.gradebook)
    secret = grader_secret()
    with store.locked(), gradebook.opened(), workers(args.workers, args.scheduler) as client:
        check_workers(client, lab, args.unsafe)
        batch = Batch(store, gradebook)
        results = batch.grade(
            found.sources,
            lambda hand_ins: grade_on_workers(client, hand_ins, lab, secret, args.unsafe),
            args.resume,
        )
    print(readable(summary(results, batch, store.path, found)))
    failed = any(result.status.is_ours for result in results)
    return 1 if failed or batch.unwritten else 0


def check_installation(lab: Lab) -> None:
    """Make sure that this computer has what grading needs.

    Raises:
        CrystalGraphError: it is the students' copy, or a package is missing.
    """
    if not lab.solutions().is_dir() or not (lab.home / "instructor").is_dir():
        raise CrystalGraphError(
            f"grading needs the instructor's copy of the course, the one with {lab.solutions()}; "
            "your own work is checked by `crystalgraph check`"
        )
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise CrystalGraphError(
            "grading needs the package distributed: `pip install -e .[grade]` brings it"
        ) from error


def _number(text: str) -> int:
    """A number of processes, at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of processes")
    return int(text)


def summary(results: list[Result], batch: Batch, folder: Path, found: Search) -> str:
    """What the command prints when it is done.

    Args:
        results: of all hand-ins.
        batch: that graded them.
        folder: where the results are.
        found: what was to be graded, and what was not.
    """
    from crystalgraph.grading.intake.file_names import MADE_UP
    from crystalgraph.grading.result import TO_LOOK_AT

    counts = Counter(str(result.status) for result in results)
    said = [
        (result.student, f"{result.status}; see {batch.store.folder(result.student) / 'log.txt'}")
        for result in results
        if result.status in TO_LOOK_AT
    ]
    said += [
        (student, f"could not be written ({why}); run this again with --resume")
        for student, why in batch.unwritten.items()
    ]
    said += [(result.student, result.late) for result in results if result.late]
    said += [(student, text) for student, texts in batch.seen.items() for text in texts]
    unknown = [source for source in found.sources if MADE_UP in source.student]
    said += [(source.student, text) for source in unknown for text in source.repairs]
    said += [("left out", text) for text in found.left_out]
    said += [("not handed in", ", ".join(batch.missing))] if batch.missing else []
    lines = [f"{len(results)} hand-ins: {', '.join(f'{n} {s}' for s, n in counts.most_common())}."]
    lines += [f"  {who}: {text}" for who, text in said]
    return "\n".join([*lines, f"Grades: {folder / 'grades.csv'}"])
