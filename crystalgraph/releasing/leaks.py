"""What must not get out: the lines of the solutions, and the markers around them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_solution

from crystalgraph.labs.lab import Lab
from crystalgraph.releasing.holes import ReleaseError, find_regions

MARKERS = ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
TELLING_LENGTH = 30
"""Shorter lines (`loss.backward()`, `model.eval()`) give nothing away that a hint does not."""
HARMLESS = ("rng = np.random.default_rng(0)",)
"""Longer lines of solutions that every notebook may use."""


def secret_lines(lab: Lab, root: Path) -> set[str]:
    """Every line of a lab's solutions that is long enough to tell something, blanks squeezed.

    Args:
        lab: whose.
        root: the course's folder.
    """
    lines = []
    for path in sorted(lab.solutions(root).glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            inside = _inside_regions(cell.source, f"{path.name}, cell {cell.get('id')}")
            # Without markers nbgrader replaces a written answer as a whole.
            lines += inside or (cell.source.split("\n") if is_solution(cell) else [])
    return reference_secrets(lab, root) | _telling(lines)


def reference_secrets(lab: Lab, root: Path) -> set[str]:
    """The telling lines of the solutions in a lab's reference; none where it has none."""
    if lab.reference is None:
        return set()
    source = (root / lab.reference).read_text(encoding="utf-8")
    return _telling(_inside_regions(source, lab.reference))


def _inside_regions(source: str, where: str) -> list[str]:
    """The lines inside the solution regions of a text."""
    lines = source.split("\n")
    return [line for begin, end in find_regions(source, where) for line in lines[begin + 1 : end]]


def _telling(lines: Iterable[str]) -> set[str]:
    """The lines that are long enough to give something away, blanks squeezed."""
    squeezed = set(map(_squeeze, lines)) - set(HARMLESS)
    return {line for line in squeezed if len(line) >= TELLING_LENGTH}


def _squeeze(line: str) -> str:
    """The line without leading blanks, comment signs and doubled blanks."""
    return " ".join(line.split()).lstrip("#*- ")


def find_leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """The markers and the secret lines that occur in a text."""
    squeezed = " ".join(text.split())
    return [marker for marker in MARKERS if marker in text] + sorted(
        line for line in secrets if line in squeezed
    )


def check_file(path: Path, secrets: set[str]) -> None:
    """Raise ReleaseError when a released notebook or text file holds a secret line or a marker."""
    if path.suffix == ".ipynb":
        cells: list[NotebookNode] = nbformat.read(path, as_version=4).cells
        texts = [(f"{path.name}, cell {cell.id}", cell.source) for cell in cells]
    else:
        texts = [(path.name, path.read_text(encoding="utf-8"))]
    for where, text in texts:
        if leaks := find_leaks(text, secrets):
            raise ReleaseError(f"{where} gives away {leaks[0]!r}: reword it, or move the markers")
