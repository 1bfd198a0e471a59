"""`crystalgraph lab`: your own copy of a lab, opened in JupyterLab."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from crystalgraph.course.hand_out import HandedOut, differences, hand_out
from crystalgraph.labs import LABS, find_lab
from crystalgraph.labs.lab import Lab
from crystalgraph.paths import WORK

EXTRA_ARGUMENTS = True  # what lab does not know goes to JupyterLab (--no-browser, --port 8890)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    # The lab is no argument of its own: argparse would take the 8890 of --port 8890 for one.
    parser.usage = (
        f"{parser.prog} [LAB] [--prepare-only] [--diff] [--folder DIR] [JUPYTERLAB'S ...]"
    )
    parser.add_argument(
        "--prepare-only", action="store_true", help="bring your copy up to date and stop"
    )
    parser.add_argument(
        "--diff",
        action="store_true",
        help="show what differs between your files and new versions that lie beside them, and stop",
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help=f"of your copy; default: {WORK}/LAB"
    )
    # Other files than the released ones, for tests and for an instructor's variants.
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    names = ", ".join(lab.id for lab in LABS.values())
    parser.epilog = (
        f"LAB is one of {names}; default: the first. Further arguments go to JupyterLab, for "
        "example --no-browser or --port 8890."
    )


def main(args: argparse.Namespace) -> int:
    """Bring the student's copy up to date without touching their work, then open it."""
    lab, for_jupyterlab = split_extra(args.extra)
    folder = lab.work() if args.folder is None else args.folder.resolve()
    if args.diff:
        print(differences(folder))
        return 0
    print(describe(lab, hand_out(args.source or lab.release(), folder)))
    if args.prepare_only:
        return 0
    return open_jupyterlab(folder, for_jupyterlab)


def split_extra(extra: list[str]) -> tuple[Lab, list[str]]:
    """The lab, named first if at all, and the arguments that go to JupyterLab.

    Raises:
        CrystalGraphError: there is no lab of that name.
    """
    if extra and not extra[0].startswith("-"):
        return find_lab(extra[0]), extra[1:]
    return next(iter(LABS.values())), extra


def describe(lab: Lab, done: HandedOut) -> str:
    """What was done, in one sentence."""
    changes = done.sentence(see=f"`lab {lab.id} --diff` shows what differs")
    return f"your copy of {lab.id} is in {done.folder}; {changes}."


def open_jupyterlab(folder: Path, extra: list[str]) -> int:
    """Run JupyterLab in the folder until it is stopped; returns its exit code."""
    command = [sys.executable, "-m", "jupyterlab", *extra]
    os.chdir(folder)
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)  # one process, so that Ctrl-C reaches JupyterLab alone
    return subprocess.call(command)
