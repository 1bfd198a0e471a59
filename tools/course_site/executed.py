"""The solutions of a lab, executed once and kept until anything that they read has changed."""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from tqdm import tqdm

from crystalgraph import paths
from crystalgraph.commands.run import execute, prepare, solutions_of
from crystalgraph.errors import CrystalGraphError
from crystalgraph.files import write_atomically
from crystalgraph.labs.lab import Lab

KEPT = paths.CACHE / "site"
SECONDS_PER_CELL = 1800


def executed_solutions(lab: Lab) -> dict[str, NotebookNode]:
    """The solutions of a lab with their outputs.

    Args:
        lab: whose.

    Returns:
        Name of the file -> executed notebook.

    Raises:
        CrystalGraphError: a notebook did not run to its end.
    """
    folder = KEPT / f"{lab.id}-{key(lab)}"
    if not all((folder / name).is_file() for name in lab.notebooks.values()):
        for earlier in KEPT.glob(f"{lab.id}-*"):
            shutil.rmtree(earlier)
        for name, notebook in _execute(lab):
            write_atomically(folder / name, nbformat.writes(notebook))
    return {name: nbformat.read(folder / name, as_version=4) for name in lab.notebooks.values()}


def key(lab: Lab) -> str:
    """Changes with the notebooks, the library and the data: all that the outputs depend on."""
    read = [*lab.solutions().iterdir(), *paths.PACKAGE.rglob("*.py"), paths.DATA / "SHA256SUMS"]
    read += [*(paths.DATA / "runs").glob("*.json")]
    read += [paths.REPO / lab.reference] if lab.reference else []
    digest = hashlib.sha256()
    for path in sorted(path for path in read if path.is_file()):
        digest.update(f"{path.name}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _execute(lab: Lab) -> Iterator[tuple[str, NotebookNode]]:
    """Execute the notebooks in one folder: later ones read what earlier ones have saved."""
    with tempfile.TemporaryDirectory(prefix="crystalgraph-site-") as name:
        folder = Path(name)
        prepare(solutions_of(lab), folder)
        for file in lab.notebooks.values():
            notebook = nbformat.read(lab.solutions() / file, as_version=4)
            with tqdm(total=len(notebook.cells), desc=f"{lab.id} {file}", file=sys.stderr) as bar:
                error = execute(notebook, folder, SECONDS_PER_CELL, lambda **_: bar.update())  # noqa: B023
            if error:
                raise CrystalGraphError(
                    f"{lab.solutions() / file} cannot be executed for the site ({error}); see it "
                    f"with `crystalgraph run {lab.id}`."
                )
            yield file, notebook
