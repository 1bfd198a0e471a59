"""The cases of a lab: those that are stored, and those drawn for one student.

The function named by a check's `case_maker` makes what goes in; what the right answer gives is kept
with it. Stored cases also keep what known wrong answers give, so that a check can name the mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import ON_PAPER, Arrays, Case, load_cases, save_cases
from crystalgraph.checking.check import Check
from crystalgraph.checking.compare import all_same
from crystalgraph.checking.quiet import double_precision, quiet_stderr
from crystalgraph.labs.lab import Lab
from crystalgraph.releasing.right_answers import right_answers

VISIBLE_SEED, HIDDEN_SEED = "the cases that students have", "the instructor's cases"

# --- one student's


def draw_cases(lab: Lab, task_id: str, seed: str) -> list[Case]:
    """Cases of a task for one student.

    Args:
        lab: whose task.
        task_id: of the task.
        seed: any text; the same gives the same cases.

    Returns:
        Cases with the names and kinds of the stored ones, in their order, marked as hidden; none
        for a check without a case maker.
    """
    check = lab.checks[task_id]
    with double_precision():
        made = _made(lab, check, CaseNumbers.of(task_id, seed))
        cases = [replace(case, hidden=True) for case in made]
        for case in cases:
            fill(check, case, right_answers(lab)[task_id], {})
    return cases


def fill(check: Check, case: Case, answer: object, wrong: Mapping[str, object]) -> None:
    """Put into a case what its answers give.

    Args:
        check: runs the answers.
        case: gets the outputs.
        answer: the right one.
        wrong: mistake -> answer with that mistake.
    """
    case.expected.update(check.run(answer, case))
    for mistake, wrong_answer in wrong.items():
        try:
            outputs = check.run(wrong_answer, case)
        except Exception:  # an answer that raises here is explained by its error
            continue
        if not all_same(outputs, case.expected):
            case.wrong[mistake] = outputs


def _made(lab: Lab, check: Check, numbers: CaseNumbers) -> list[Case]:
    """The cases of a check, inputs only."""
    if not check.case_maker:
        return []
    return getattr(lab.instructor("case_makers"), check.case_maker)(numbers)


# --- those that are stored


def make_cases(
    lab: Lab, folder: Path | None = None, hidden_folder: Path | None = None
) -> list[Path]:
    """Write the stored cases of a lab; a file that holds the same numbers already is left alone.

    Args:
        lab: whose.
        folder: of the cases that students have; the lab's own by default.
        hidden_folder: of the hidden ones; the lab's own by default.

    Returns:
        The files that were written or removed.
    """
    changed = []
    for place, hidden in _places(lab, folder, hidden_folder):
        cases = fresh_cases(lab, hidden)
        for path in _differing(place, cases):
            changed.append(path)
            if path.stem in cases:
                save_cases(path.stem, cases[path.stem], place)
            else:
                path.unlink()
    return changed


def stale_cases(
    lab: Lab, folder: Path | None = None, hidden_folder: Path | None = None
) -> list[Path]:
    """The files that `make_cases` would change: not what the makers and answers give today."""
    places = _places(lab, folder, hidden_folder)
    return [
        path for place, hidden in places for path in _differing(place, fresh_cases(lab, hidden))
    ]


def fresh_cases(lab: Lab, hidden: bool) -> dict[str, list[Case]]:
    """The stored cases of a lab, made anew.

    Args:
        lab: whose.
        hidden: the instructor's, not those that students have; none of these is worked out on
            paper, since the texts about such a case give its numbers.

    Returns:
        Task id -> cases, for tasks that have some.
    """
    seed = HIDDEN_SEED if hidden else VISIBLE_SEED
    found: dict[str, list[Case]] = {}
    with quiet_stderr(), double_precision():
        for task_id in lab.tasks:
            check = lab.checks[task_id]
            made = _made(lab, check, CaseNumbers.of(task_id, seed, by_hand=not hidden))
            cases = [case for case in made if not (hidden and case.name == ON_PAPER)]
            mutants = lab.instructor("mutants").MUTANTS
            wrong = {one.cause: one.make() for one in mutants if one.task == task_id}
            for case in cases:
                fill(check, case, right_answers(lab)[task_id], wrong)
            if cases:
                found[task_id] = cases
    return found


def _places(lab: Lab, folder: Path | None, hidden_folder: Path | None) -> list[tuple[Path, bool]]:
    return [(folder or lab.cases_folder, False), (hidden_folder or lab.hidden_folder, True)]


def _differing(folder: Path, cases: dict[str, list[Case]]) -> list[Path]:
    """Files of a folder that do not hold these cases."""
    present = {path.stem for path in folder.glob("*.npz")}
    return [
        folder / f"{task_id}.npz"
        for task_id in sorted(present | cases.keys())
        if not _equal(load_cases(task_id, folder), cases.get(task_id, []))
    ]


def _equal(stored: list[Case], fresh: list[Case]) -> bool:
    """Whether cases are the same, but for rounding: another computer adds in another order."""
    if [case.name for case in stored] != [case.name for case in fresh]:
        return False
    return all(
        old.settings == new.settings
        and _close(old.inputs, new.inputs)
        and _close(old.expected, new.expected)
        and old.wrong.keys() == new.wrong.keys()
        and all(_close(old.wrong[mistake], new.wrong[mistake]) for mistake in new.wrong)
        for old, new in zip(stored, fresh, strict=True)
    )


def _close(stored: Arrays, fresh: Arrays) -> bool:
    return stored.keys() == fresh.keys() and all(
        stored[name].dtype.kind == value.dtype.kind
        and stored[name].shape == value.shape
        and np.allclose(stored[name], value, rtol=1e-9, atol=1e-12, equal_nan=True)
        for name, value in fresh.items()
    )
