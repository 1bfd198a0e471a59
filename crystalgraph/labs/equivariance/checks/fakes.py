"""The check of the student's detector: it is shown reports, and says what each really reports."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.labs.equivariance.advice import MISTAKES
from crystalgraph.labs.equivariance.reports import KINDS

GROUPS = {
    "the right number is told apart from others": ("honest", "hartree", "median"),
    "other numbers than the error of the gap": (
        *("MAD units", "mean of all targets", "labels never read"),
    ),
    "samples that were chosen wrongly": (
        *("copies in both parts", "epoch chosen on test", "first rows"),
    ),
}


def _report(case: Case, number: int) -> dict:
    values = case.group(f"{number}")
    return {k: v.item() if v.ndim == 0 else v.copy() for k, v in values.items()}


def _run(answer: Callable, case: Case) -> Arrays:
    """Number of the kind that the student names, for each report in the order of KINDS."""
    verdicts = np.zeros(len(KINDS), dtype=int)
    for number, kind in enumerate(case.inputs["kinds"]):
        said = answer(_report(case, number))
        if said not in KINDS:
            raise Fault(
                f"name_the_fake should return one of the names {', '.join(map(repr, KINDS))}.",
                "no name",
            )
        verdicts[int(kind)] = KINDS.index(said)
    return {"verdicts": verdicts}


def _judge(kinds: tuple[str, ...]) -> Callable[[Exam], None]:
    def test(exam: Exam) -> None:
        for case in exam.named("first", "second"):
            verdicts = exam.run(case)["verdicts"]
            for kind in kinds:
                said = KINDS[verdicts[KINDS.index(kind)]]
                if said != kind:
                    raise _fault(exam, case, kind, said)

    return test


def _fault(exam: Exam, case: Case, kind: str, said: str) -> Fault:
    cause, certain = exam.likely_mistake(case)
    how = "Likely" if certain else "Possible"
    lines = [f"{how} mistake: {exam.check.advice_on(cause)}"] if cause else []
    lines.append(f"Input: a report that is really of the kind {kind!r}.")
    lines.append(f"Your function says {said!r}.")
    return Fault("\n".join(lines), cause)


CHECKS = (
    Check(
        "2.5",
        _run,
        tuple(
            CheckStep(name, points, _judge(kinds))
            for (name, kinds), points in zip(GROUPS.items(), (1, 1.5, 1.5), strict=True)
        ),
        "",
        {"first": "one report of each kind", "second": "one report of each kind, other numbers"},
        advice=MISTAKES["2.5"],
        case_maker="reports",
    ),
)
