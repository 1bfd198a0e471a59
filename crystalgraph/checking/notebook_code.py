"""One function of a notebook, as it is when the notebook is run up to the function's check.

What a student wrote is run as it stands, cell by cell. Of what was handed out only those statements
are run on which the student's depend: the rest draws and trains.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from crystalgraph.checking.limits import ComputerTooBusy, TimeUp, time_limit
from crystalgraph.checking.notebook_shell import notebook_namespace
from crystalgraph.checking.notebook_statements import (
    Statement,
    calls,
    names_imported,
    needed,
    statements,
)
from crystalgraph.errors import CrystalGraphError

LIBRARIES = ("crystalgraph", "matplotlib", "numpy", "pandas", "pymatgen", "torch")
SECONDS = 4.0
"""For a student's statements on which the function does not seem to depend, all together, and as
much for what was handed out and is needed, definitions and imports not counted. Each gets half of
what is left, so that one which is too slow takes nothing from the quick ones after it."""


def code_cells(path: Path) -> list[str]:
    """Sources of a notebook's code cells.

    Raises:
        CrystalGraphError: the file is no notebook.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell["source"] for cell in cells if cell.get("cell_type") == "code"]
        return [source if isinstance(source, str) else "".join(source) for source in code]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CrystalGraphError(
            f"{path} cannot be read as a notebook ({type(error).__name__}): open and save it in "
            "Jupyter, or start again from a fresh copy."
        ) from error


def load_function(path: Path, name: str, task: str = "", released: Path | None = None) -> object:
    """One function of a notebook, with all that it needs.

    Args:
        path: the notebook.
        name: of the function.
        task: whose check ends what counts; empty for none.
        released: the notebook as it was handed out; None when `path` is that itself.

    Returns:
        The function as last defined above the check, or below it if none is above.

    Raises:
        CrystalGraphError: the notebook does not define it, or its cell has a syntax error.
        Exception: what the statement raised that should have defined it.
    """
    cells = code_cells(path)
    given = None if released is None else code_cells(released)
    above = cells[: _place_of_check(cells, task)] if task else cells
    if not any(name in one.syntax.binds for one in statements(above, path.name, given)[0]):
        above = cells
    return function_of(above, name, path.name, given)


def _place_of_check(cells: Sequence[str], task: str) -> int | None:
    """The last cell that calls a task's check."""
    return max((n for n, source in enumerate(cells) if calls(source, "points", task)), default=None)


def function_of(
    cells: Sequence[str], name: str, where: str, released: Iterable[str] | None = None
) -> object:
    """One function of a notebook's code cells, with all that it needs.

    Args:
        cells: sources of the code cells that count.
        name: of the function, or of whatever is called like one.
        where: the notebook's name, for messages.
        released: sources of the code cells as they were handed out; None when `cells` are.

    Returns:
        What has the name at the end.

    Raises:
        CrystalGraphError: no cell binds it, or that cell has a syntax error.
        Exception: what the statement raised that should have bound it.
    """
    found, broken = statements(cells, where, released)
    must = needed(found, [name])
    own = {one for one in found if one.own}
    binding = {one for one in found if name in one.syntax.binds}
    if own.isdisjoint(binding) and released is not None:
        must = {one for one in must if one in binding or one.syntax.defines}  # no data for a stub
    trials = own | needed(found, frozenset().union(*(one.syntax.needs for one in own)))
    namespace = notebook_namespace()
    seconds = math.inf if released is None else SECONDS
    errors = _run(found, must, trials, namespace, seconds)
    if name in namespace:
        return namespace[name]
    for number, error in broken.items():
        if f"def {name}" in cells[number] or f"class {name}" in cells[number]:
            raise CrystalGraphError(
                f"{where}: the cell that defines {name} is no valid Python: {error.msg} in its "
                f"line {error.lineno}."
            )
    defining = {one.cell for one in binding}
    raised = [one for one in errors if one in must or one.cell in defining]
    raise next(
        (errors[one] for one in sorted(raised, key=lambda one: one.cell not in defining)),
        CrystalGraphError(f"{where} does not define {name}: keep the def line as handed out."),
    )


def _run(
    found: list[Statement],
    must: set[Statement],
    trials: set[Statement],
    namespace: dict,
    seconds: float,
) -> dict[Statement, BaseException]:
    """Run a notebook's statements in order, as far as they are needed.

    An error ends the student's cell, as in a notebook, and what was bound before it stays.

    Args:
        found: all statements.
        must: are needed.
        trials: are run too, and each is given up when it is too slow.
        namespace: to run them in.
        seconds: for the trials, and for what is needed and computed by what was handed out.

    Returns:
        What statements raised.
    """
    errors: dict[Statement, BaseException] = {}
    ended: set[int] = set()
    left = {"trial": seconds, "given": seconds}
    runner = asyncio.Runner()  # of one loop of events for all cells
    for one in found:
        if one not in must | trials or (one.own and one.cell in ended):
            continue
        kind = "given" if one in must else "trial"
        defines = one.syntax.defines
        needed = one in must and (one.own or defines)
        part = seconds if defines else max(left[kind] / 2, seconds / 50)
        limit = math.inf if needed else part
        charged: Callable[[], float] = float  # nothing yet
        try:
            with time_limit(limit, rounds=math.inf) as charged:  # whoever called us gives up
                _execute(one, namespace, runner)
        except TimeUp:
            if needed:
                raise
        except ComputerTooBusy:
            raise
        except BaseException as error:  # a student's KeyboardInterrupt is one like any other
            if not one.own and not isinstance(error, (Exception, SystemExit)):
                raise
            if one.own:
                ended.add(one.cell)
            errors[one] = error
        if not defines:
            left[kind] = max(0.0, left[kind] - charged())
    return errors


def _execute(one: Statement, namespace: dict, runner: asyncio.Runner) -> None:
    """Run a statement as a notebook does: `await` is allowed, and `_` is the last cell's value."""
    value = eval(one.code, namespace)
    if one.code.co_flags & inspect.CO_COROUTINE:
        value = runner.run(value)
    if one.last and value is not None:
        namespace["_"] = value


def library_imports(path: Path, names: Iterable[str]) -> list[str]:
    """Modules of installed packages that functions of a notebook import, directly or not.

    Args:
        path: the notebook.
        names: of the functions.

    Returns:
        Names to import in advance, "crystalgraph.figures"; some may be no modules but functions.
    """
    found, _ = statements(code_cells(path), path.name)
    modules = names_imported(sorted(needed(found, names), key=found.index))
    return [name for name in modules if name.split(".")[0] in LIBRARIES]
