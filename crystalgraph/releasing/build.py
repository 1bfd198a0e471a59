"""Everything that is generated, for all labs: made in one place, compared, then put in place.

The task table and the solutions are the sources. Made from them are, in this order, the stored
cases of the checks, the files that students fill in, assignments/, and the page of all tasks.
"""

from __future__ import annotations

import fnmatch
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from crystalgraph.labs import LABS
from crystalgraph.labs.lab import Lab
from crystalgraph.releasing.address import students_repository
from crystalgraph.releasing.agreement import check_lab, check_names
from crystalgraph.releasing.cases import make_cases, stale_cases
from crystalgraph.releasing.nbgrader_plugins import finish_release, release_notebook, write_text
from crystalgraph.releasing.task_table import task_table

TASKS_PAGE = "docs/tasks.md"
LEFT_OUT = ("__pycache__", "*.py[co]", ".ipynb_checkpoints", ".DS_Store", ".cache")
"""What Python, Jupyter and systems leave in folders."""


def update(root: Path, write: bool) -> list[str]:
    """Make everything that is generated, or only look what is out of date.

    Args:
        root: the course's folder.
        write: whether files are written.

    Returns:
        One line for each file that was, or is, out of date.

    Raises:
        ReleaseError: no release can be made.
    """
    check_labs(root)
    return update_cases(root, write) + update_texts(root, write)


def check_labs(root: Path) -> None:
    """Raise ReleaseError unless the tables, notebooks and checks of all labs agree."""
    check_names(list(LABS.values()))
    for lab in LABS.values():
        check_lab(lab, root)


def update_cases(root: Path, write: bool) -> list[str]:
    """Make the stored cases of all labs; arguments and lines as for `update`."""
    lines = []
    for lab in LABS.values():
        folders = (lab.cases_folder, lab.hidden_folder)
        before = {path for folder in folders for path in folder.glob("*.npz")}
        for path in make_cases(lab) if write else stale_cases(lab):
            made = path.stem in lab.checks and lab.checks[path.stem].case_maker
            what = "no longer made" if not made else "changed" if path in before else "new"
            lines.append(f"{path.relative_to(root).as_posix()}: {what}")
    return lines


def update_texts(root: Path, write: bool) -> list[str]:
    """Make all but the stored cases; arguments, lines and errors as for `update`."""
    with tempfile.TemporaryDirectory(prefix="crystalgraph-release-") as name:
        made = Path(name)
        make_texts(root, made)
        lines = differences(made, root)
        if write:
            put_in_place(made, root)
        return lines


# --- notebooks, model files, the page of tasks ---------------------------------------------------


def make_texts(root: Path, into: Path) -> None:
    """Write all but the stored cases into an empty folder, laid out as in the course's folder.

    Args:
        root: the course's folder.
        into: the empty one.

    Raises:
        ReleaseError: something is missing or would be given away.
    """
    check_labs(root)
    for lab in LABS.values():
        _make_lab(lab, root, into)
    (into / TASKS_PAGE).parent.mkdir(parents=True)
    write_text(into / TASKS_PAGE, task_table(LABS.values()))


def _make_lab(lab: Lab, root: Path, into: Path) -> None:
    """Write a lab's assignment and, beside it, the file that students fill in."""
    assignment = lab.release(into)
    ignored = shutil.ignore_patterns(*LEFT_OUT, "*.ipynb")
    shutil.copytree(lab.solutions(root), assignment, ignore=ignored)
    repository = students_repository(root)
    for name in lab.notebooks.values():
        text = release_notebook(lab, lab.solutions(root) / name, repository)
        write_text(assignment / name, text)
    finish_release(lab, root, assignment)
    if lab.model_file is not None:
        shutil.copyfile(assignment / lab.model_file, into / lab.model_file)


def differences(made: Path, root: Path) -> list[str]:
    """One line for each file that is new, changed or no longer made.

    Args:
        made: the folder that was just made.
        root: the course's folder.
    """
    new = {path.relative_to(made).as_posix() for path in files_in(made)}
    old = set(_made_before(root))
    lines = [f"{name}: new" for name in sorted(new - old)]
    lines += [f"{name}: no longer made" for name in sorted(old - new)]
    changed = (name for name in sorted(new & old) if not _same_content(made / name, root / name))
    return lines + [f"{name}: changed" for name in changed]


def _made_before(root: Path) -> Iterator[str]:
    """The files of an earlier release, relative to the course's folder."""
    for folder in _released_folders(root):
        yield from (path.relative_to(root).as_posix() for path in files_in(folder))
    names = [lab.model_file for lab in LABS.values() if lab.model_file is not None]
    yield from (name for name in (*names, TASKS_PAGE) if (root / name).is_file())


def _released_folders(root: Path) -> list[Path]:
    """The folders of an earlier release, also under an id that a lab had before.

    A folder of assignments/ that has its own solutions and is no lab is the instructor's.
    """
    ids = {lab.id for lab in LABS.values()}
    return [
        folder
        for folder in sorted((root / "assignments").glob("*"))
        if folder.name in ids or not (root / "solutions" / folder.name).is_dir()
    ]


def _same_content(one: Path, other: Path) -> bool:
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
    """Replace the earlier release in the course's folder."""
    for folder in _released_folders(root):
        shutil.rmtree(folder)
    shutil.copytree(made, root, dirs_exist_ok=True)
