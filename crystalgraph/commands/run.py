"""`crystalgraph run`: execute the solution notebooks, keep them as HTML, print one table."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crystalgraph.course.metrics import (
    FILE_NAME,
    Metric,
    format_metrics,
    read_metrics,
    write_metrics,
)
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import Lab
from crystalgraph.paths import REPO

if TYPE_CHECKING:
    from nbformat import NotebookNode

# pymatviz turns Figure.show off where CI is set; the other makes notebooks load finished runs.
UNSET = ("CI", "NBGRADER_EXECUTION")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "wanted",
        nargs="*",
        metavar="LAB or NOTEBOOK",
        help="names of labs, names of notebooks or their beginnings; default: all labs",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("results"), metavar="DIR", help="default: ./results"
    )
    parser.add_argument(
        "--timeout", type=int, default=1800, metavar="SECONDS", help="per cell; default: 1800"
    )
    # Another folder for the first lab's notebooks, another model: tests, an instructor's variants.
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)


def main(args: argparse.Namespace) -> int:
    """Execute the notebooks one after the other; one that fails does not stop the next."""
    every = [solutions_of(lab) for lab in LABS.values()]
    if args.source is not None:
        every = [replace(every[0], source=args.source)]
    if args.model is not None:
        every[0] = replace(every[0], model=args.model)
    chosen = choose(every, args.wanted)
    for solutions, _ in chosen:
        if solutions.model is not None and not solutions.model.is_file():
            raise CrystalGraphError(
                f"there is no {solutions.model}: `run` needs the solution beside data/"
            )
    args.out.mkdir(parents=True, exist_ok=True)
    stems = Counter(path.stem for solutions in every for path in solutions.notebooks())
    outcomes, metrics = execute_all(chosen, stems, args.out, args.timeout)
    write_metrics(metrics, args.out / "results.csv")
    print(summary(outcomes))
    print(f"\n{format_metrics(metrics)}" if metrics else "\nno notebook reported a number")
    return 1 if any(outcome.error for outcome in outcomes) else 0


# --- which notebooks -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Solutions:
    """Where a lab has its solutions.

    Attributes:
        names: of the lab; the first is its id.
        source: folder of the notebooks.
        model: the solution of the lab's model file; None where it has none.
        model_file: what the notebooks call that.
    """

    names: tuple[str, ...]
    source: Path
    model: Path | None
    model_file: str | None

    def notebooks(self) -> list[Path]:
        """All notebooks, sorted by name."""
        found = self.source.glob("*.ipynb")
        return sorted(path for path in found if not path.name.startswith("."))


def solutions_of(lab: Lab) -> Solutions:
    """Where a lab has its solutions."""
    model = None if lab.reference is None else REPO / lab.reference
    return Solutions((lab.id, lab.folder), lab.solutions(), model, lab.model_file)


Chosen = list[tuple[Solutions, list[Path]]]


def choose(every: Sequence[Solutions], wanted: Sequence[str]) -> Chosen:
    """The notebooks that were asked for, by labs.

    Args:
        every: of all labs.
        wanted: names of labs, beginnings of names of notebooks; none for all.

    Raises:
        CrystalGraphError: there are no notebooks, or a name fits none.
    """
    found = [(solutions, solutions.notebooks()) for solutions in every]
    paths = [path for _, notebooks in found for path in notebooks]
    if not paths:
        sources = ", ".join(str(solutions.source) for solutions in every)
        raise CrystalGraphError(
            f"there are no notebooks in {sources}: the solutions are only in the instructor's copy "
            "of the course; students open theirs with `crystalgraph lab`"
        )
    names = {name for solutions in every for name in solutions.names}
    for word in wanted:
        if word not in names and not any(path.name.startswith(word) for path in paths):
            known = ", ".join(path.stem for path in paths)
            raise CrystalGraphError(f"no notebook begins with {word!r}: there are {known}")
    chosen = [
        (solutions, [path for path in notebooks if _is_wanted(solutions, path, wanted)])
        for solutions, notebooks in found
    ]
    return [(solutions, notebooks) for solutions, notebooks in chosen if notebooks]


def _is_wanted(solutions: Solutions, path: Path, wanted: Sequence[str]) -> bool:
    of_lab = not set(solutions.names).isdisjoint(wanted)
    return not wanted or of_lab or path.name.startswith(tuple(wanted))


# --- executing -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """How one notebook went: its page, seconds, and what stopped it (empty when nothing did)."""

    page: Path
    seconds: float
    error: str


def prepare(solutions: Solutions, folder: Path) -> None:
    """Lay out a student's folder: the notebooks, their pictures, the solved model file."""
    ignored = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", "*.csv")
    shutil.copytree(solutions.source, folder, ignore=ignored, dirs_exist_ok=True)
    if solutions.model is not None and solutions.model_file is not None:
        shutil.copyfile(solutions.model, folder / solutions.model_file)


def execute_all(
    chosen: Chosen, stems: Counter[str], out: Path, timeout: int
) -> tuple[list[Outcome], list[Metric]]:
    """Execute notebooks and write each as HTML, failed ones too.

    Args:
        chosen: the notebooks, by labs.
        stems: how many labs have a notebook of a name.
        out: folder of the pages.
        timeout: seconds a cell may take.

    Returns:
        How each went, and the numbers that they reported.
    """
    from tqdm import tqdm

    outcomes, metrics = [], []
    with tqdm(total=_count_cells(chosen), unit="cell", file=sys.stderr, disable=None) as bar:
        for solutions, paths in chosen:
            with tempfile.TemporaryDirectory(prefix="crystalgraph-run-") as name:
                folder = Path(name)
                prepare(solutions, folder)
                for path in paths:
                    bar.set_description(path.stem)
                    page = out / page_name(solutions, path, stems)
                    outcomes.append(execute_to_page(path, page, folder, timeout, bar.update))
                reported = read_metrics(folder / FILE_NAME)
            several = len(chosen) > 1
            metrics += _with_lab(reported, solutions.names[0]) if several else reported
    return outcomes, metrics


def _count_cells(chosen: Chosen) -> int:
    import nbformat

    notebooks = [nbformat.read(path, as_version=4) for _, paths in chosen for path in paths]
    return sum(cell.cell_type == "code" for one in notebooks for cell in one.cells)


def _with_lab(metrics: list[Metric], lab: str) -> list[Metric]:
    return [metric._replace(notebook=f"{lab} {metric.notebook}") for metric in metrics]


def page_name(solutions: Solutions, path: Path, stems: Counter[str]) -> str:
    """Name of a notebook's page; where another lab has one of that name, with the lab's in front.

    Args:
        solutions: that it is one of.
        path: the notebook.
        stems: how many labs have a notebook of a name.
    """
    return f"{path.stem}.html" if stems[path.stem] < 2 else f"{solutions.names[0]}_{path.stem}.html"


def execute_to_page(
    path: Path, page: Path, folder: Path, timeout: int, on_cell_executed: Callable[[], object]
) -> Outcome:
    """Execute one notebook and write it as HTML.

    Args:
        path: the notebook.
        page: the HTML file.
        folder: the kernel's working folder.
        timeout: seconds a cell may take.
        on_cell_executed: called after each cell.
    """
    import nbformat

    from crystalgraph.course.html_pages import notebook_to_html

    notebook, begun = nbformat.read(path, as_version=4), time.monotonic()
    error = execute(notebook, folder, timeout, lambda **_: on_cell_executed())
    seconds = time.monotonic() - begun
    page.write_text(notebook_to_html(notebook, path.stem, folder), encoding="utf-8")
    return Outcome(page, seconds, error)


def execute(notebook: NotebookNode, folder: Path, timeout: int, on_cell_executed: Callable) -> str:
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


def summary(outcomes: list[Outcome]) -> str:
    """One line per notebook: seconds, and the page or what stopped it."""
    width = max(len(outcome.page.stem) for outcome in outcomes)
    lines = []
    for outcome in outcomes:
        name, page = outcome.page.stem.ljust(width), outcome.page
        result = f"FAILED: {outcome.error} (see {page})" if outcome.error else str(page)
        lines.append(f"{name}  {outcome.seconds:5.0f} s  {result}")
    return "\n".join(lines)
