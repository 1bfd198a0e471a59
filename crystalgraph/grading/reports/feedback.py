"""One student's result as a page: points, what was expected in words, and the likely mistake."""

from __future__ import annotations

from itertools import groupby

from crystalgraph.grading.reports.pages import render
from crystalgraph.grading.result import Result, TaskResult
from crystalgraph.labs.lab import Lab

MOST_LINES = 20
"""Of one message, and of the list of repairs."""


def feedback_page(result: Result, lab: Lab) -> str:
    """One student's result as a self-contained HTML page.

    Only what the checks say to students is in it: no input or output of a hidden case, nothing
    about the grader's own code, and none of the sentences that are meant for the instructor.

    Args:
        result: of the hand-in.
        lab: that it belongs to.

    Returns:
        The page.
    """
    notebooks = {
        notebook: [(lab.tasks[graded.task], graded, shown_lines(graded)) for graded in group]
        for notebook, group in groupby(result.tasks, lambda one: lab.tasks[one.task].notebook)
    }
    bonus = sum(graded.points for graded in result.tasks if graded.bonus)
    return render(
        "feedback.html",
        result=result,
        notebooks=notebooks,
        bonus=bonus,
        lab=lab,
        most_lines=MOST_LINES,
    )


def shown_lines(graded: TaskResult) -> list[str]:
    """Lines of a task's message, without the expectation, which stands in a line of its own."""
    if graded.status.is_ours:  # its message is about the grader's own code
        return []
    own = f"Expected: {graded.expected}"
    lines = [line for line in graded.message.splitlines() if line.strip() and line != own]
    return lines if len(lines) <= MOST_LINES else [*lines[:MOST_LINES], "..."]
