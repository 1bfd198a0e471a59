"""`crystalgraph lab`: your own copy of the homework, opened in JupyterLab."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import REPO

EXTRA_ARGUMENTS = True  # what lab does not know goes to JupyterLab (--no-browser, --port 8890)

RELEASE = REPO / "assignments" / "hw"
WORK = REPO / "work" / "hw"
NOT_COPIED = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", ".DS_Store")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--prepare-only", action="store_true", help="copy the homework to work/hw and stop"
    )
    parser.epilog = "Further arguments go to JupyterLab, for example --no-browser or --port 8890."


def main(args: argparse.Namespace) -> int:
    """Bring work/hw up to date without touching what is there, then open it."""
    added, kept = copy_new_files(RELEASE, WORK)
    print(describe(added, kept))
    if args.prepare_only:
        return 0
    return open_jupyterlab(WORK, args.extra)


def copy_new_files(source: Path, target: Path) -> tuple[list[str], list[str]]:
    """Copy every file that the target lacks; never overwrite one.

    Args:
        source: the released assignment.
        target: the student's folder, made if need be.

    Returns:
        Names relative to the target: those copied, and those that were there already.

    Raises:
        CrystalGraphError: the release is missing or empty.
    """
    files = released_files(source)
    if not files:
        raise CrystalGraphError(
            f"there is no released homework in {source}: get the course's repository again, or, as "
            "its instructor, run `nbgrader generate_assignment hw --force`"
        )
    added, kept = [], []
    for path in files:
        name = path.relative_to(source)
        destination = target / name
        if destination.exists():
            kept.append(name.as_posix())
            continue
        destination.parent.mkdir(parents=True, exist_ok=True)
        # Copied beside and renamed, so that an interruption leaves no half notebook behind.
        partial = destination.with_name(destination.name + ".part")
        shutil.copyfile(path, partial)
        partial.replace(destination)
        added.append(name.as_posix())
    return added, kept


def released_files(source: Path) -> list[Path]:
    """Every file of the release, sorted; leftovers of editors and kernels are none of it."""
    files = []
    for folder, names, filenames in os.walk(source):
        ignored = NOT_COPIED(folder, [*names, *filenames])
        names[:] = sorted(set(names) - ignored)
        files += [Path(folder) / name for name in sorted(set(filenames) - ignored)]
    return sorted(files)


def describe(added: list[str], kept: list[str]) -> str:
    """What was done, in one sentence."""
    where = f"your copy of the homework is in {WORK}"
    if not kept:
        return f"{where}; copied: {', '.join(added)}; later calls never overwrite what is there."
    if not added:
        return f"{where}; nothing is new, and your files are as you left them."
    return f"{where}; new in it: {', '.join(added)}; your other files are as you left them."


def open_jupyterlab(folder: Path, extra: list[str]) -> int:
    """Run JupyterLab in the folder until it is stopped; returns its exit code."""
    command = [sys.executable, "-m", "jupyterlab", *extra]
    os.chdir(folder)
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)  # one process, so that Ctrl-C reaches JupyterLab alone
    return subprocess.call(command)
