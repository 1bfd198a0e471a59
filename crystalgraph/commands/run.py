"""`crystalgraph run`: execute the solution notebooks, keep them as HTML, print one table."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import REPO
from crystalgraph.results import FILE_NAME, format_metrics, read_metrics, write_metrics

if TYPE_CHECKING:
    from nbformat import NotebookNode

SOLUTIONS = REPO / "solutions" / "hw"
SOLUTION_MODEL = REPO / "model.py"
# pymatviz turns Figure.show off where CI is set; the other makes notebooks load finished runs.
UNSET = ("CI", "NBGRADER_EXECUTION")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "notebooks", nargs="*", metavar="NOTEBOOK", help="names or their beginnings; default: all"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("results"), metavar="DIR", help="default: ./results"
    )
    parser.add_argument(
        "--timeout", type=int, default=1800, metavar="SECONDS", help="per cell; default: 1800"
    )
    # Other notebooks and another model, for tests and for an instructor's variants.
    parser.add_argument("--source", type=Path, default=SOLUTIONS, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, default=SOLUTION_MODEL, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Execute the notebooks one after the other; one that fails does not stop the next."""
    notebooks = find_notebooks(args.source, args.notebooks)
    if not args.model.is_file():
        raise CrystalGraphError(f"there is no {args.model}: `run` needs the solution beside data/")
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="crystalgraph-run-") as name:
        folder = Path(name)
        prepare(folder, args.source, args.model)
        outcomes = execute_all(notebooks, folder, args.out, args.timeout)
        metrics = read_metrics(folder / FILE_NAME)
    write_metrics(metrics, args.out / "results.csv")
    print(summary(outcomes, args.out))
    print(f"\n{format_metrics(metrics)}" if metrics else "\nno notebook reported a number")
    return 1 if any(outcome.error for outcome in outcomes) else 0


@dataclass(frozen=True)
class Outcome:
    """How one notebook went: its name, seconds, and what stopped it (empty when nothing did)."""

    name: str
    seconds: float
    error: str


def find_notebooks(source: Path, wanted: list[str]) -> list[Path]:
    """The notebooks of a folder, sorted by name; only those whose names begin as asked.

    Raises:
        CrystalGraphError: there are none, or a name fits none.
    """
    found = sorted(path for path in source.glob("*.ipynb") if not path.name.startswith("."))
    if not found:
        raise CrystalGraphError(
            f"there are no notebooks in {source}: the solutions are only in the instructor's copy "
            "of the course; students open theirs with `crystalgraph lab`"
        )
    for beginning in wanted:
        if not any(path.name.startswith(beginning) for path in found):
            names = ", ".join(path.stem for path in found)
            raise CrystalGraphError(f"no notebook begins with {beginning!r}: there are {names}")
    chosen = tuple(wanted) or ("",)
    return [path for path in found if path.name.startswith(chosen)]


def prepare(folder: Path, source: Path, model: Path) -> None:
    """Lay out a student's folder: the notebooks and their pictures, the solution as model_hw.py."""
    ignored = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", "*.csv")
    shutil.copytree(source, folder, ignore=ignored, dirs_exist_ok=True)
    shutil.copyfile(model, folder / "model_hw.py")


def execute_all(notebooks: list[Path], folder: Path, out: Path, timeout: int) -> list[Outcome]:
    """Execute the notebooks in the folder and write each as HTML, failed ones too."""
    import nbformat
    from tqdm import tqdm

    from crystalgraph.export import notebook_to_html

    loaded = [nbformat.read(path, as_version=4) for path in notebooks]
    n_cells = sum(cell.cell_type == "code" for notebook in loaded for cell in notebook.cells)
    outcomes = []
    with tqdm(total=n_cells, unit="cell", file=sys.stderr, disable=None) as bar:
        for path, notebook in zip(notebooks, loaded, strict=True):
            bar.set_description(path.stem)
            begun = time.monotonic()
            error = execute(notebook, folder, timeout, lambda **_: bar.update())
            outcomes.append(Outcome(path.stem, time.monotonic() - begun, error))
            page = notebook_to_html(notebook, path.stem, folder)
            (out / f"{path.stem}.html").write_text(page, encoding="utf-8")
    return outcomes


def execute(notebook: NotebookNode, folder: Path, timeout: int, on_cell_executed) -> str:
    """Execute one notebook in place.

    Args:
        notebook: receives its outputs, up to the cell that failed.
        folder: the kernel's working folder.
        timeout: seconds a cell may take.
        on_cell_executed: called after each cell.

    Returns:
        Empty, or what stopped it in one line.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        on_cell_executed=on_cell_executed,
    )
    variables = {name: value for name, value in os.environ.items() if name not in UNSET}
    try:
        # What the kernel's process prints outside of cells would run into the progress bar.
        client.execute(env=variables, stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        return f"{error.ename}: {first_line(error.evalue)}"
    except CellTimeoutError:
        return f"a cell took longer than {timeout} s (--timeout)"
    except DeadKernelError:
        return "the kernel died (out of memory?)"
    return ""


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def summary(outcomes: list[Outcome], out: Path) -> str:
    """One line per notebook: seconds, and the page or what stopped it."""
    width = max(len(outcome.name) for outcome in outcomes)
    lines = []
    for outcome in outcomes:
        page = out / f"{outcome.name}.html"
        said = f"FAILED: {outcome.error} (see {page})" if outcome.error else str(page)
        lines.append(f"{outcome.name.ljust(width)}  {outcome.seconds:5.0f} s  {said}")
    return "\n".join(lines)
