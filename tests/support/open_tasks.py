"""In a notebook as it is handed out only open tasks fail, and cells that need what they give."""

import ast
import re
from collections.abc import Iterable

from executed import error_of
from nbformat import NotebookNode

from crystalgraph.checking.task import Task
from crystalgraph.releasing.holes import POINTS_CALL


def failures_for_no_reason(
    cells: Iterable[NotebookNode], tasks: Iterable[Task]
) -> list[tuple[str, str]]:
    """Cells of an executed notebook that fail, or pass, and an open task is not why.

    Args:
        cells: all of it, in order.
        tasks: that are checked in it.

    Returns:
        Cell and error of each, and tasks without a check; there should be none.
    """
    never_bound: set[str] = set()
    found, unchecked = [], {task.id for task in tasks}
    for cell in (cell for cell in cells if cell.cell_type == "code"):
        error, checked = error_of(cell), POINTS_CALL.findall(cell.source)
        said = "" if error is None else f"{error.ename}: {error.evalue}"
        if checked:
            unchecked -= {*checked}
            open_task = f"Task {checked[0]} is not implemented yet"
            explained = said.startswith("CheckFailed") and open_task in said
        else:
            explained = error is None or is_explained(error, cell.source, never_bound)
        if error is not None:
            never_bound |= names_bound(cell.source)
        found += [] if explained else [(cell.id, said)]
    return [*found, *((task, "has no check") for task in sorted(unchecked))]


def is_explained(error: NotebookNode, source: str, never_bound: set[str]) -> bool:
    """Whether an error says that a task is open, or misses what a cell that failed would give."""
    if error.ename == "NameError":
        return re.search(r"name '(\w+)' is not defined", error.evalue)[1] in never_bound
    if error.ename == "KeyError":  # made by half in a cell that failed
        return bool(names_read(source) & never_bound)
    names_a_task = re.search(r"Task \d\.\d: fill in", error.evalue)
    return error.ename in ("NotImplementedError", "NetworkNotReady") and bool(names_a_task)


def parsed(source: str) -> ast.Module:
    """The cell's syntax tree; magics become `pass`."""
    return ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.M))


def names_read(source: str) -> set[str]:
    """Names that a cell uses."""
    names = [node for node in ast.walk(parsed(source)) if isinstance(node, ast.Name)]
    return {node.id for node in names if isinstance(node.ctx, ast.Load)}


def names_bound(source: str) -> set[str]:
    """Names that a cell would have bound."""
    tree = parsed(source)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    return stored | defined
