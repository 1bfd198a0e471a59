"""Pages of docs/ with commands: each is run as it stands there, and prints what it says."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from python_path import python_path


def console_steps(text):
    """[(command, lines it should print)] of the fenced `console` blocks."""
    steps = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            else:
                steps[-1][1].append(line)
    return steps


def missing_line(expected, printed):
    """The first expected line that does not come, in this order; "" when all do.

    "..." alone stands for any lines and needs no match; inside a line, for any characters. Lines
    between two expected ones are allowed: warnings differ from one installation to the next.
    """
    lines = iter(printed.splitlines())
    for line in expected:
        pattern = ".*".join(map(re.escape, line.rstrip().split("...")))
        if line != "..." and not any(re.fullmatch(pattern, one.rstrip()) for one in lines):
            return line
    return ""


def library_of(course):
    """A folder beside the course with its library alone.

    In PYTHONPATH the course's folder itself would come before the folder of a student's notebook,
    and its model file before the student's.
    """
    folder = course.parent / "library"
    if not folder.exists():
        folder.mkdir()
        (folder / "crystalgraph").symlink_to(course / "crystalgraph")
    return folder


def run_steps(steps, folder):
    """Run commands in a course's folder, and compare what they print; what they start is ended.

    Commands use the course's own library.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    groups = []
    try:
        for command, expected in steps:
            process = subprocess.Popen(
                command,
                shell=True,
                cwd=folder,
                env={**os.environ, "PATH": path, "PYTHONPATH": python_path(library_of(folder))},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            groups.append(process.pid)
            printed = process.communicate(timeout=600)[0].replace(str(folder), "/path/to/course")
            assert process.returncode == 0, f"{command}\n{printed}"
            assert not missing_line(expected, printed), f"{command}\n{printed}"
    finally:
        for group in groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGTERM)
