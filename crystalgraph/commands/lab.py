"""`crystalgraph lab`: your own copy of the homework, opened in JupyterLab."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from crystalgraph.handout import HandedOut, differences, hand_out
from crystalgraph.paths import RELEASE, WORK

EXTRA_ARGUMENTS = True  # what lab does not know goes to JupyterLab (--no-browser, --port 8890)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--prepare-only", action="store_true", help="copy the homework to work/hw and stop"
    )
    parser.add_argument(
        "--diff",
        action="store_true",
        help="show what differs between your files and new versions that lie beside them, and stop",
    )
    parser.epilog = "Further arguments go to JupyterLab, for example --no-browser or --port 8890."


def main(args: argparse.Namespace) -> int:
    """Bring work/hw up to date without touching a student's work, then open it."""
    if args.diff:
        print(differences(WORK))
        return 0
    print(describe(hand_out(RELEASE, WORK)))
    if args.prepare_only:
        return 0
    return open_jupyterlab(WORK, args.extra)


def describe(done: HandedOut) -> str:
    """What was done, in one sentence."""
    said = done.sentence(see="`lab --diff` shows what differs")
    return f"your copy of the homework is in {done.folder}; {said}."


def open_jupyterlab(folder: Path, extra: list[str]) -> int:
    """Run JupyterLab in the folder until it is stopped; returns its exit code."""
    command = [sys.executable, "-m", "jupyterlab", *extra]
    os.chdir(folder)
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)  # one process, so that Ctrl-C reaches JupyterLab alone
    return subprocess.call(command)
