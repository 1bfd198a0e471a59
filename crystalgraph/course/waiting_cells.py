"""Cells of a notebook that wait for an open task end in one line, not in a traceback.

A stub raises NotImplementedError("Task ID: fill in ..."), deep inside a network. And whatever such
a cell would have made is missing further down: these cells wait for the same task.
"""

from __future__ import annotations

import contextlib
import re
import symtable
import traceback
from typing import Any

from crystalgraph.errors import ShownPlainly

_STUB = re.compile(r"Task (\S+): fill in .+")


def show_waiting_cells_in_one_line() -> None:
    """Let this kernel show them so; outside of a notebook nothing is done."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        return
    waiting: dict[str, str] = {}  # name that a cell did not make -> why

    def show(shell: Any, kind: type, error: BaseException, trace: Any, tb_offset: Any = None):
        line = reason(error, waiting)
        if line:
            waiting.update(dict.fromkeys(names_made_by(shell.user_ns["In"][-1]), line))
            if not isinstance(error, ShownPlainly):
                error._render_traceback_ = lambda: [line]  # pyright: ignore[reportAttributeAccessIssue]
        shell.showtraceback((kind, error, trace), running_compiled_code=True)

    shell.set_custom_exc((NotImplementedError, NameError, ShownPlainly), show)


def reason(error: BaseException, waiting: dict[str, str]) -> str:
    """Why a cell waits, in one line; empty for every other error.

    Args:
        error: that ended the cell.
        waiting: names that waiting cells did not make, and why.
    """
    if isinstance(error, ShownPlainly):
        return str(error).partition("\n")[0]
    if type(error) is NameError and _raised_in_the_cell_itself(error):
        return waiting.get(error.name or "", "")
    if isinstance(error, NotImplementedError) and (found := _STUB.fullmatch(str(error))):
        return f"This cell waits for task{found[0].removeprefix('Task')}."
    return ""


def _raised_in_the_cell_itself(error: BaseException) -> bool:
    """Whether the cell's own lines raised it; in a function it is a mistake of the function."""
    codes = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
    own = [code for code in codes if code.co_name.startswith("<")]  # <module>, <lambda>, ...
    return bool(own) and own[-1] is codes[-1] and own[-1].co_filename == own[0].co_filename


def names_made_by(source: str) -> set[str]:
    """Names that a cell gives a value to, at its top level; none of one with magics."""
    with contextlib.suppress(SyntaxError, ValueError):
        table = symtable.symtable(source, "cell", "exec")
        symbols = table.get_symbols()
        return {symbol.get_name() for symbol in symbols if symbol.is_assigned()}
    return set()
