"""Whether the notebook that hands in is saved as it was run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crystalgraph.course.hand_in.parts import HandInRefused, Part
from crystalgraph.course.notebook_file import cells_of, source_of
from crystalgraph.labs.lab import Lab


def last_runs() -> list[str]:
    """The cells that this kernel has run, the last first; none outside of a notebook."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    history = getattr(shell, "history_manager", None)
    return [] if history is None else history.input_hist_raw[:0:-1]


def check_saved(lab: Lab, parts: Sequence[Part], notebook: str, runs: Sequence[str]) -> None:
    """Compare the notebook that hands in with what its kernel has run.

    A kernel cannot see the notebook, only cells that were run: this one, and those that define
    the functions of tasks.

    Args:
        lab: that is handed in.
        parts: of the zip.
        notebook: name of the notebook that hands in.
        runs: cells that were run, the last first.

    Raises:
        HandInRefused: the file lacks one of them.
    """
    part = next(part for part in parts if part.name == notebook)
    if part.path is None or not runs:
        return
    there = {source_of(cell).strip() for cell in cells_of(part.content)}
    if runs[0].strip() not in there:
        raise HandInRefused(
            f"No zip: {part.path} is not saved, this cell is not in it as you see it; save the "
            "notebook (Ctrl+S) and run this cell again."
        )
    for task in lab.tasks.values():
        define = re.compile(rf"^(?:def|class) {re.escape(task.object_name)}\b", re.M)
        last = next((run for run in runs if define.search(run)), None)
        if task.where == notebook and last is not None and last.strip() not in there:
            raise HandInRefused(
                f"No zip: in {part.path}, {task.name} of task {task.id} is not what you ran last; "
                "run its cell once more, save the notebook (Ctrl+S) and run this cell again."
            )
