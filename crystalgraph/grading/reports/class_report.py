"""All results of an assignment as one page for the instructor."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crystalgraph.checking.task import Task
from crystalgraph.grading.intake.file_names import MADE_UP
from crystalgraph.grading.reports.pages import render
from crystalgraph.grading.result import TO_LOOK_AT, Result, Status, TaskResult
from crystalgraph.grading.similarity import Pair
from crystalgraph.labs.lab import Lab

POINTS_PER_BAR = 5

_KEY = (
    (Status.OK, "right"),
    (Status.PARTIAL, "partly right"),
    (Status.WRONG, "not right"),
    (Status.NOT_IMPLEMENTED, "not filled in"),
    (Status.CRASHED, "could not be read or run"),
)
"""Colours of the bars; the last stands for every graver status."""

_GENERAL = {
    "exception": "an error is raised",
    "too slow": "it does not come to an end in time",
    "None": "nothing is returned",
    "shape": "the result has the wrong shape",
    "type": "the result has the wrong type",
    "dtype": "the result has the wrong dtype",
    "in place": "what was given is changed",
    "only the examples": "right on the examples of the notebook only",
    "ignores input": "the result does not depend on an input",
}
"""Causes that tasks share, in words."""


@dataclass(frozen=True)
class Mistake:
    """What some hand-ins got wrong in the same way.

    Attributes:
        task: its id.
        words: what it is.
        students: who made it.
    """

    task: str
    words: str
    students: tuple[str, ...]

    @property
    def shared(self) -> bool:
        """Whether more than one made it."""
        return len(self.students) > 1


@dataclass(frozen=True)
class ClassNotes:
    """What is known of a class beside the results.

    Attributes:
        similar: hand-ins that are nearly the same.
        from_libraries: student -> task -> functions that are its answer, and that were called.
        names: student -> name, of all whom the gradebook knows; empty where it has no name.
    """

    similar: Sequence[Pair] = ()
    from_libraries: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        """The people whom the gradebook knows; an id that was made up is nobody's."""
        return {student for student in self.names if MADE_UP not in student}

    def missing(self, results: Iterable[Result]) -> list[str]:
        """Who has not handed in, of those whom the gradebook knows."""
        return sorted(self.known - {result.student for result in results})


NOTHING_NOTED = ClassNotes()


def report_page(results: Iterable[Result], notes: ClassNotes, lab: Lab) -> str:
    """The whole class as a self-contained HTML page.

    Its links lead to feedback.html and log.txt in the students' folders, beside the page. What
    the grader failed at counts in no mean: it is no zero.

    Args:
        results: of all hand-ins of one lab.
        notes: what the results do not say.
        lab: that was graded.

    Returns:
        The page.
    """
    results = sorted(results, key=lambda result: result.student)
    graded = [result for result in results if not result.status.is_ours]
    points, highest = [one.points for one in graded], sum(one.points for one in lab.tasks.values())
    return render(
        "class_report.html",
        lab=lab,
        assignment=results[0].assignment if results else "Nothing graded",
        results=results,
        n_ungraded=len(results) - len(graded),
        mean=fmean(points) if points else None,
        median=median(points) if points else None,
        most=results[0].max_points if results else 0.0,
        statuses=Counter(result.status for result in results).most_common(),
        histogram=histogram(points, highest) if points else None,
        odd=to_look_at(results),
        similar=notes.similar,
        from_libraries=by_function(notes.from_libraries, lab),
        names=notes.names,
        missing=notes.missing(results),
        n_known=len(notes.known),
        key=_KEY,
        tasks=[(task, *how_it_went(task, results)) for task in lab.tasks.values() if results],
        mistakes=common_mistakes(results, lab),
        repairs=common_repairs(results),
    )


def histogram(points: Sequence[float], most: int) -> Markup:
    """How many hand-ins got how many points, as SVG.

    Args:
        points: of each hand-in.
        most: that one can get, the bonus included.
    """
    figure = Figure(figsize=(8, 2.6), layout="constrained")
    axes = figure.add_subplot()
    edges = range(0, most + POINTS_PER_BAR, POINTS_PER_BAR)
    axes.hist(points, bins=edges, color="#0072b2", edgecolor="white")
    axes.set(xlabel="points", ylabel="hand-ins", xlim=(0, edges[-1]))
    axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    axes.spines[["top", "right"]].set_visible(False)
    picture = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "crystalgraph"}):
        figure.savefig(picture, format="svg", metadata={"Date": None})
    text = picture.getvalue()
    return Markup(text[text.index("<svg") :])  # HTML has no use for the XML declaration


def to_look_at(results: Iterable[Result]) -> list[tuple[Result, list[str]]]:
    """Hand-ins with a grave status or a remark, the gravest first, and what was seen."""
    ranks = {status: rank for rank, status in enumerate(TO_LOOK_AT)}
    found = [(result, remarks(result)) for result in results]
    found = [(result, seen) for result, seen in found if seen]
    return sorted(found, key=lambda one: ranks.get(one[0].status, len(ranks)))


def remarks(result: Result) -> list[str]:
    """Sentences on a hand-in: what was seen in it, and its tasks that could not be graded."""
    by_message: dict[tuple[Status, str], list[str]] = defaultdict(list)
    for graded in result.tasks:
        if graded.status in TO_LOOK_AT:
            first = graded.message.partition("\n")[0]
            by_message[graded.status, first].append(graded.task)
    tasks = [
        f"{status} in {', '.join(names)}: {first}" for (status, first), names in by_message.items()
    ]
    return [*result.seen, *tasks]


def how_it_went(task: Task, results: Sequence[Result]) -> tuple[float | None, list]:
    """Mean points of a task where it was judged, and how many hand-ins there are of each color."""
    found = [one for result in results for one in result.tasks if one.task == task.id]
    counts = Counter(_color(one.status) for one in found)
    shares = [(status, name, counts[status]) for status, name in _KEY]
    points = [one.points for one in found if not one.status.is_ours]
    return fmean(points) if points else None, shares


def _color(status: Status) -> Status:
    return _KEY[-1][0] if status in TO_LOOK_AT else status


def common_mistakes(results: Iterable[Result], lab: Lab) -> list[Mistake]:
    """What went wrong, the most frequent first.

    Args:
        results: of all hand-ins.
        lab: whose checks put known mistakes into words.
    """
    students: dict[tuple[str, str], list[str]] = defaultdict(list)
    for result in results:
        for graded in result.tasks:
            if graded.status in (Status.WRONG, Status.PARTIAL):
                students[graded.task, in_words(graded, lab)].append(result.student)
    order = list(lab.tasks)
    found = [Mistake(task, words, tuple(who)) for (task, words), who in students.items()]
    return sorted(found, key=lambda one: (-len(one.students), order.index(one.task), one.words))


def in_words(graded: TaskResult, lab: Lab) -> str:
    """The mistake of a task that is not right, without what differs from student to student."""
    check = lab.checks[graded.task]
    if graded.cause in check.advice:
        return check.advice_on(graded.cause)
    what = _GENERAL.get(graded.cause, graded.cause)
    return f"{what} (in: {graded.step})" if what else f"no known mistake (in: {graded.step})"


def by_function(
    from_libraries: Mapping[str, Mapping[str, tuple[str, ...]]], lab: Lab
) -> list[tuple[str, str, list[str]]]:
    """Task, the library's functions, and who called them, in the order of the tasks."""
    students: dict[tuple[str, str], list[str]] = defaultdict(list)
    for student, tasks in sorted(from_libraries.items()):
        for task, functions in tasks.items():
            students[task, ", ".join(functions)].append(student)
    order = list(lab.tasks)
    found = [(task, functions, who) for (task, functions), who in students.items()]
    return sorted(found, key=lambda one: (order.index(one[0]), one[1]))


def common_repairs(results: Iterable[Result]) -> list[tuple[str, list[str]]]:
    """What was put right, the most frequent first, and in whose hand-ins."""
    students: dict[str, list[str]] = defaultdict(list)
    for result in results:
        for repair in dict.fromkeys(result.repairs):
            students[repair].append(result.student)
    return sorted(students.items(), key=lambda one: (-len(one[1]), one[0]))
