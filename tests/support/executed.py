"""A notebook that is executed past every error; the errors and the points of its cells."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from crystalgraph.labs.lab import HIDDEN
from crystalgraph.releasing.holes import POINTS_CALL

UNSET = ("NBGRADER_EXECUTION", HIDDEN)


def executed(path: Path, folder: Path, **environment: str) -> nbformat.NotebookNode:
    """A notebook with its outputs; nbgrader's variable and that of hidden cases are not set.

    Args:
        path: of the notebook; it is read, never written.
        folder: that its kernel works in.
        environment: further variables.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        startup_timeout=300,  # of the kernel, on a computer that is busy with other tests
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    client.execute(env=kept | environment)
    return notebook


def code_cells(path: Path, folder: Path, **environment: str) -> list[nbformat.NotebookNode]:
    """The code cells of a notebook, executed as a copy in the folder: the board reads it there."""
    copy = folder / path.name
    copy.write_bytes(path.read_bytes())
    notebook = executed(copy, folder, **environment)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def errors(cells: list[nbformat.NotebookNode]) -> dict[str, str]:
    """Cell -> its error."""
    found = {cell.id: error_of(cell) for cell in cells}
    return {name: f"{out.ename}: {out.evalue}" for name, out in found.items() if out}


def shown(cells: list[nbformat.NotebookNode]) -> dict[str, str]:
    """Cell -> all that it shows as text."""
    return {cell.id: str(cell.outputs) for cell in cells}


def error_of(cell: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """The cell's error output, if it has one."""
    return next((out for out in cell.get("outputs", ()) if out.output_type == "error"), None)


def points_of_checks(notebook: nbformat.NotebookNode) -> dict[str, float]:
    """{task id: points} as nbgrader reads them: the last value of each check; nothing failed."""
    points = {}
    for cell in notebook.cells:
        assert error_of(cell) is None, (cell.id, error_of(cell))
        for task in POINTS_CALL.findall(cell.source):
            (value,) = [out.data["text/plain"] for out in cell.outputs if "execution_count" in out]
            points[task] = float(value)
    return points
