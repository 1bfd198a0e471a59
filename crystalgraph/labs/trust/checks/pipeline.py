"""The check of task 1.3: the name under which the result of a step is kept."""

from __future__ import annotations

import builtins
import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, stored
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault
from crystalgraph.labs.trust.advice import MISTAKES
from crystalgraph.labs.trust.checks.common import mistake

LONGEST = 100
"""Characters; a file name has at most 255 on most disks."""
MANY = 500
"""Settings that differ in one number: keys of four hexadecimal digits meet with 85 % chance."""


def _key(answer: Callable, settings: dict, before: str) -> str:
    key = answer(settings, before)
    if not isinstance(key, str):
        raise Fault(f"step_key should return a text, and returned a {type(key).__name__}.", "type")
    return key


@contextlib.contextmanager
def _tomorrow() -> Iterator[None]:
    """Python's own hash of texts is another one, as in another process.

    For this thread only. In the grader's sandbox, which is another process, it changes nothing.
    """
    own, here = builtins.hash, threading.get_ident()

    def another(value: object) -> int:
        if threading.get_ident() != here or isinstance(value, int | float):
            return own(value)
        return own(("tomorrow", value))

    builtins.hash = another
    try:
        yield
    finally:
        builtins.hash = own


def _reversed(value: Any) -> Any:
    """The same settings, written in another order."""
    if not isinstance(value, dict):
        return value
    return {name: _reversed(value[name]) for name in reversed(list(value))}


def _run(answer: Callable, case: Case) -> Arrays:
    """For each changed form of the settings, whether the key is another one."""
    settings, before = case.settings["settings"], case.settings["before"]
    key = _key(answer, deepcopy(settings), before)
    with _tomorrow():
        again = _key(answer, deepcopy(settings), before)
    if key != again:
        raise mistake("1.3", "not repeatable")

    def other(changed: dict, step_before: str = before) -> np.ndarray:
        return np.array(_key(answer, deepcopy(changed), step_before) != key)

    return {
        "another order gives another key": other(_reversed(settings)),
        "another value gives another key": other(case.settings["value changed"]),
        "another name gives another key": other(case.settings["name changed"]),
        "a last digit gives another key": other(case.settings["digit changed"]),
        "another step before gives another key": other(settings, before + "x"),
    }


def _is_a_file_name(exam: Exam) -> None:
    for case in exam.named():
        settings, before = case.settings["settings"], case.settings["before"]
        key = _key(exam.answer, deepcopy(settings), before)
        if not re.fullmatch(r"[A-Za-z0-9_-]+", key) or len(key) > LONGEST:
            raise mistake("1.3", "no file name", exam.input_line(case))
        if len(_key(exam.answer, deepcopy(settings), "k" * LONGEST)) > LONGEST:
            raise mistake("1.3", "grows", f"The key of the step before has {LONGEST} characters.")


def _names_one_file(exam: Exam) -> None:
    _is_a_file_name(exam)
    _tells_apart(exam)


def _tells_apart(exam: Exam) -> None:
    """Many settings, as many keys."""
    (case, *_) = exam.named("flat")
    first, before = case.settings["settings"], case.settings["before"]
    keys = {_key(exam.answer, {**first, "k": k}, before) for k in range(MANY)}
    if len(keys) < MANY:
        raise mistake("1.3", "keys meet", f"{MANY} settings have {len(keys)} keys.")


CHECKS = (
    Check(
        "1.3",
        _run,
        (
            stored("flat settings", 1.5, "flat"),
            stored("settings within settings", 1, "nested"),
            CheckStep("can be the name of a file, and of one only", 0.5, _names_one_file),
        ),
        "one key for equal settings in any order, another one when a name, a value or the step "
        "before differs.",
        {"flat": "three settings", "nested": "settings of which one is a dict itself"},
        {},
        lambda case: f"settings {case.settings['settings']}",
        advice=MISTAKES["1.3"],
        case_maker="settings_of_steps",
    ),
)
