"""Checks of the tasks about atoms: bins and back, the table, what one property adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, stored
from crystalgraph.checking.compare import as_array, shapes
from crystalgraph.checking.faults import Fault
from crystalgraph.labs.features.advice import MISTAKES

OPEN_END = 1e6
"""Stands for infinity in outputs: messages can then say "too small"."""
MAX_CALLS = 200


def _cut(case: Case) -> tuple[float, float, int]:
    return case.settings["low"], case.settings["high"], case.settings["n"]


def _went_in(array: Callable[[Case], np.ndarray], name: str) -> Callable[[Case], str]:
    def tell(case: Case) -> str:
        low, high, n = _cut(case)
        return f"{shapes({name: array(case)})}, low={low:g}, high={high:g}, n={n}"

    return tell


# ---- 1.1 bins


def _values(case: Case) -> np.ndarray:
    return np.append(case.inputs["values"], case.settings["on_edges"])


def _run_bins(answer: Callable, case: Case) -> Arrays:
    result = as_array(answer(_values(case), *_cut(case)), "The result").astype(float)
    missing = np.isnan(_values(case))
    if result.shape == (len(missing), case.settings["n"]) and np.isnan(result[missing]).any():
        text = f"Likely mistake: {MISTAKES['1.1']['missing kept']}"
        raise Fault(text, "missing kept")
    return {"bits": result}


_BINS = Check(
    "1.1",
    _run_bins,
    (
        stored("seven values by hand", 1, "paper", paper=True),
        stored("values inside", 0.5, "inside"),
        stored("values outside, on edges and missing", 1.5, "outside"),
    ),
    "(N, n) zeros and ones: 1 in the bin of the value, the first and the last bin open, zeros for "
    "a missing value.",
    {
        "paper": "-1, 0.5, 3.9, 7, a missing value, 1 and 4, four bins from 0 to 4",
        "inside": "50 values inside of the interval",
        "outside": "50 values inside and outside, some on edges, some missing",
    },
    {"bits": ("value", "bin")},
    _went_in(_values, "values"),
    advice=MISTAKES["1.1"],
    case_maker="values_to_bin",
)

# ---- 1.2 and back


def _run_decode(answer: Callable, case: Case) -> Arrays:
    result = as_array(answer(case.inputs["bits"].copy(), *_cut(case)), "The result").astype(float)
    if result.shape != (len(case.inputs["bits"]), 2):
        text = (
            f"Your result has shape {result.shape}: give two ends for each of the N rows, (N, 2)."
        )
        raise Fault(text, "shape")
    known = case.inputs["bits"].sum(axis=1) > 0
    if np.isnan(result[known]).any():
        raise Fault("A row with a 1 in it has np.nan for an end: only rows of zeros do.", "nan")
    if (np.isfinite(result) & (np.abs(result) >= OPEN_END)).any():
        text = "An open end is a large number: write -np.inf and np.inf, which no value exceeds."
        raise Fault(text, "large number")
    _zeros_are_unknown(result, known)
    return {"ends": np.nan_to_num(result, posinf=OPEN_END, neginf=-OPEN_END)}


def _zeros_are_unknown(ends: np.ndarray, known: np.ndarray) -> None:
    """Raise Fault when a row of zeros has an end."""
    for row in np.flatnonzero(~known & ~np.isnan(ends).all(axis=1))[:1]:
        lower, upper = ends[row]
        raise Fault(
            f"Likely mistake: {MISTAKES['1.2']['missing decoded']}\n"
            f"Row {row} is all zeros, and your ends of it are {lower:g} and {upper:g}.",
            "missing decoded",
        )


_DECODE = Check(
    "1.2",
    _run_decode,
    (
        stored("five rows by hand", 1, "paper", paper=True),
        stored("rows of ten bins", 2, "random"),
    ),
    "lower and upper end of the interval of each row; -inf and inf at the open ends (shown here as "
    "-1e+06 and 1e+06), NaN for a row of zeros.",
    {
        "paper": "the four bins from 0 to 4, and a row of zeros",
        "random": "40 rows, some of zeros",
    },
    {"ends": ("row", "end")},
    _went_in(lambda case: case.inputs["bits"], "bits"),
    advice=MISTAKES["1.2"],
    case_maker="rows_to_decode",
)

# ---- 1.3 the table


def _properties(case: Case) -> dict[str, np.ndarray]:
    return {name: values.copy() for name, values in case.group("properties").items()}


def _run_table(answer: Callable, case: Case) -> Arrays:
    if case.settings["unknown"]:
        return _run_unknown(answer, case)
    properties = _properties(case)
    result = answer(case.settings["text"], properties)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Fault("Return two things: the table and the list of names.", "two results")
    matrix = as_array(result[0], "The table").astype(float)
    if not isinstance(result[1], tuple | list) or not all(isinstance(n, str) for n in result[1]):
        raise Fault("The second result should be a list of texts, one for each column.", "names")
    return {"table": matrix, "property of each column": _places(result[1], list(properties))}


def _places(names: Sequence[str], known: list[str]) -> np.ndarray:
    """The place of each column's property among those that are known; Fault for another name."""
    for column, name in enumerate(names):
        if name not in known:
            text = f'Column {column} is called "{name[:40]}", and no property is.'
            encoder = any(word in name for word in ("onehot", "binned", "scaled"))
            cause = "encoder for property" if encoder else "no property"
            advice = f"Likely mistake: {MISTAKES['1.3'][cause]}\n" if encoder else ""
            raise Fault(advice + text, cause)
    return np.array([known.index(name) for name in names], dtype=int)


def _run_unknown(answer: Callable, case: Case) -> Arrays:
    """What the error says: whether there is one, whether it names the word, and the known ones."""
    known = case.settings["known"]
    try:
        answer(case.settings["text"], _properties(case))
    except NotImplementedError:
        raise
    except Exception as error:  # whatever the student raises is read
        said = str(error)
        facts = (True, case.settings["unknown"] in said, all(word in said for word in known))
    else:
        facts = (False, False, False)
    questions = ("is there an error", "does it name the word", "does it list the known words")
    return {name: np.array(fact) for name, fact in zip(questions, facts, strict=True)}


def _text_of(case: Case) -> str:
    return f'"{case.settings["text"]}", {shapes(case.group("properties"))}'


_TABLE = Check(
    "1.3",
    _run_table,
    (
        stored("four elements by hand", 1, "paper", paper=True),
        stored("four parts, forty elements", 1.5, "parts"),
        stored("an unknown property", 1, "property"),
        stored("an unknown encoder", 0.5, "encoder"),
    ),
    "the columns of all parts side by side in the order of the text, and for each column the name "
    "of its property; an unknown word is an error that names it and lists the known words.",
    {
        "paper": "one property of four elements, one-hot",
        "parts": "four properties of forty elements, with all three encoders",
        "property": "a text with a property that is not in the table",
        "encoder": "a text with an encoder that does not exist",
    },
    {"table": ("element", "column"), "property of each column": ("column",)},
    _text_of,
    advice=MISTAKES["1.3"],
    case_maker="texts_to_read",
)

# ---- 1.4 what one property adds


@dataclass
class PlantedError:
    """The error of a set of properties: what each saves, and what pairs save together.

    Attributes:
        worst: without any, in eV/atom.
        single: (n,) what each saves, in eV/atom.
        pair: (n, n) what two save together, in eV/atom.
    """

    worst: float
    single: np.ndarray
    pair: np.ndarray
    calls: int = field(default=0)

    def __call__(self, mask: object) -> float:
        """Error in eV/atom of the properties that are on."""
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise Fault(f"Your function calls error_of more than {MAX_CALLS} times.")
        on = as_array(mask, "The mask").astype(float)
        if on.shape != self.single.shape or not np.isin(on, (0, 1)).all():
            raise Fault("error_of is given a mask of n times True or False.", "mask")
        return float(self.worst - self.single @ on - on @ self.pair @ on)


def _run_keep(answer: Callable, case: Case) -> Arrays:
    single, pair = case.inputs["single"], case.inputs["pair"]
    result = answer(PlantedError(case.settings["worst"], single, pair), len(single))
    if not isinstance(result, tuple | list):  # a table with two rows is two results as well
        result = list(as_array(result, "The result"))
    if len(result) != 2:
        raise Fault("Return two arrays: the increases, and the errors alone.", "two results")
    names = ("increase", "error alone")
    return {
        name: as_array(value, name).astype(float) for name, value in zip(names, result, strict=True)
    }


_KEEP = Check(
    "1.4",
    _run_keep,
    (
        stored("three properties by hand", 1, "paper", paper=True),
        stored("nine properties that repeat each other", 1, "nine"),
    ),
    "for each property the error without it minus the error with all, and the error with it alone.",
    {
        "paper": "three properties that save 0.1, 0.2 and 0.3 eV/atom of an error of 1 eV/atom",
        "nine": "nine properties, some of which say the same",
    },
    {"increase": ("property",), "error alone": ("property",)},
    lambda case: f"n={len(case.inputs['single'])}",
    advice=MISTAKES["1.4"],
    case_maker="errors_of_sets",
)

CHECKS = (_BINS, _DECODE, _TABLE, _KEEP)
