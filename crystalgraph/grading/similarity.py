"""Hand-ins that are nearly the same: something to look at, not a verdict.

What a student wrote for a task is cut into runs of RUN tokens, blind to what is changed quickest:
names of variables, constants, comments, layout. Runs of the stub and of the model answer, to which
hints lead, count for nothing, and a run counts the less the more hand-ins have it. The likeness of
two hand-ins is the weight of the runs they share, divided by that of all their runs.

Sources are read by Python's tokenizer alone: they are strangers', and a parser can be crashed.
"""

from __future__ import annotations

import builtins
import io
import keyword
import re
import tokenize
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from crystalgraph.checking.notebook_code import code_cells
from crystalgraph.labs.lab import Lab
from crystalgraph.paths import REPO

if TYPE_CHECKING:
    from crystalgraph.grading.intake.answers import Answers

Fingerprints = Mapping[str, frozenset[int]]
"""Task -> its runs, as numbers."""

RUN = 5
THRESHOLD = 0.6
"""Of the likeness. tests/grading/test_similarity.py prints what it lets through, and what not."""
FEWEST_TASKS = 6
"""Written alike: a few short answers easily are. In a lab of fewer tasks nothing is found."""
MOST_CHARACTERS = 20_000
"""Of one answer that are looked at; the longest right one has a tenth of it."""

_LAYOUT = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
_BRACKETS = ("(", ",", ")")  # formatters put them in and take them out
_KEPT = frozenset(dir(builtins)) | frozenset(keyword.kwlist)


@dataclass(frozen=True)
class Pair:
    """Two hand-ins that are nearly the same.

    Attributes:
        first: a student's id.
        second: another's, later in the alphabet.
        likeness: of what they wrote, from 0 to 1.
        tasks: those that they wrote alike.
    """

    first: str
    second: str
    likeness: float
    tasks: tuple[str, ...]


def find_pairs(hand_ins: Mapping[str, Fingerprints]) -> list[Pair]:
    """Hand-ins that are nearly the same, the most alike first.

    Args:
        hand_ins: student -> fingerprints.

    Returns:
        Every such pair once.
    """
    students = sorted(hand_ins)
    likeness = likenesses([hand_ins[student] for student in students])
    pairs = []
    for row, column in zip(*np.nonzero(np.triu(likeness >= THRESHOLD, 1)), strict=True):
        first, second = students[row], students[column]
        tasks = tasks_alike(hand_ins[first], hand_ins[second])
        if len(tasks) >= FEWEST_TASKS:
            pairs.append(Pair(first, second, float(likeness[row, column]), tasks))
    return sorted(pairs, key=lambda pair: (-pair.likeness, pair.first, pair.second))


def likenesses(hand_ins: Sequence[Fingerprints]) -> np.ndarray:
    """Likeness of every two hand-ins, from 0 to 1, (n, n)."""
    own = [frozenset().union(*prints.values()) for prints in hand_ins]
    known, column = np.unique([run for one in own for run in one], return_inverse=True)
    row = np.repeat(np.arange(len(own)), [len(one) for one in own])
    has = csr_array((np.ones(len(row)), (row, column)), shape=(len(own), max(len(known), 1)))
    weight = np.log((len(own) + 1) / np.maximum(has.sum(axis=0), 1))
    common = (has * weight @ has.T).toarray()
    all_runs = common.diagonal()[:, None] + common.diagonal() - common
    return np.divide(common, all_runs, out=np.zeros_like(common), where=all_runs > 0)


def tasks_alike(first: Fingerprints, second: Fingerprints) -> tuple[str, ...]:
    """Tasks whose runs are the same for the greater part."""
    return tuple(
        task
        for task, mine in first.items()
        if mine and (other := second.get(task))
        if len(mine & other) >= THRESHOLD * len(mine | other)
    )


# --- fingerprints --------------------------------------------------------------------------------


@dataclass
class Fingerprinter:
    """Finds what is a student's own in the answers to one lab.

    Attributes:
        lab: whose stubs and model answers count for nothing.
    """

    lab: Lab

    def of_answers(self, answers: Answers) -> dict[str, frozenset[int]]:
        """Fingerprints of a hand-in."""
        return self.of(self.sources(answers))

    def of(self, sources: Mapping[str, str]) -> dict[str, frozenset[int]]:
        """What is a student's own in some answers.

        Args:
            sources: task -> source; anything, it is never run.

        Returns:
            Task -> its runs, without those of the stub and of the model answer.
        """
        given = self._model_answers
        return {task: self.runs(task, source) - given[task] for task, source in sources.items()}

    def sources(self, answers: Answers) -> dict[str, str]:
        """The source of each task in a hand-in; what is missing is left out."""
        model = (answers.model or b"").decode("utf-8", "replace")
        found = {}
        for task in self.lab.tasks.values():
            place = answers.place.get(task.id)
            if not task.in_notebook:
                found[task.id] = definitions(model, task.object_name)
            elif place is not None:
                found[task.id] = answers.cells[task.where][place]
        return {task: source for task, source in found.items() if source}

    def runs(self, task: str, source: str) -> frozenset[int]:
        """Runs of RUN normalised tokens, without the lines that were given."""
        given = self._stub_lines[task]
        lines = [line for line in _lines(source) if tuple(line) not in given]
        words = [word for line in lines for word in _normalised(line)]
        windows = zip(*(words[start:] for start in range(RUN)), strict=False)
        texts = (" ".join((task, *window)).encode("utf-8", "replace") for window in windows)
        return frozenset(map(zlib.crc32, texts))

    @cached_property
    def _model_answers(self) -> dict[str, frozenset[int]]:
        reference = REPO / self.lab.reference if self.lab.reference else None
        sources = self._course(self.lab.solutions(), reference)
        return {task: self.runs(task, source) for task, source in sources.items()}

    @cached_property
    def _stub_lines(self) -> dict[str, frozenset[tuple[str, ...]]]:
        folder = self.lab.release()
        stubs = self._course(folder, folder / self.lab.model_file if self.lab.model_file else None)
        return {task: frozenset(map(tuple, _lines(source))) for task, source in stubs.items()}

    def _course(self, folder: Path, model: Path | None) -> dict[str, str]:
        """The sources of all tasks in the course's own notebooks and model file."""
        cells = {name: code_cells(folder / name) for name in self.lab.notebooks.values()}
        if model is not None and self.lab.model_file:
            cells[self.lab.model_file] = [model.read_text(encoding="utf-8")]
        return {
            task.id: "".join(definitions(cell, task.object_name) for cell in cells[task.where])
            for task in self.lab.tasks.values()
        }


_DEFINITION = re.compile(r"^(?:def|class) (\w+).*?(?=^[^\s)#]|\Z)", re.M | re.S)


def all_definitions(source: str) -> dict[str, str]:
    """Name -> the lines that define a function or class at the top level of a file."""
    found: dict[str, str] = {}
    for match in _DEFINITION.finditer(source):
        found[match[1]] = found.get(match[1], "") + match[0]
    return found


def definitions(source: str, name: str) -> str:
    """The lines that define one function or class at the top level of a file."""
    return all_definitions(source).get(name, "")


def _lines(source: str) -> Iterator[list[str]]:
    """Logical lines as tokens, without docstrings and imports."""
    line: list[tokenize.TokenInfo] = []
    for token in tokens_of(source[:MOST_CHARACTERS]):
        if token.type not in (*_LAYOUT, tokenize.NEWLINE):
            line.append(token)
        elif token.type == tokenize.NEWLINE and line:
            text_only = all(one.type == tokenize.STRING for one in line)
            if not text_only and line[0].string not in ("import", "from"):
                yield [one.string for one in line]
            line = []


def tokens_of(source: str) -> Iterator[tokenize.TokenInfo]:
    """Tokens up to where the source is no Python."""
    try:
        yield from tokenize.generate_tokens(io.StringIO(source).readline)
    except (tokenize.TokenError, SyntaxError, ValueError):
        return


def _normalised(line: list[str]) -> Iterator[str]:
    """Words of a line: variables are n, numbers 0; what comes after a dot keeps its name."""
    for before, word in pairwise(["", *line]):
        if word in _BRACKETS:
            continue
        if word.isidentifier():
            yield word if word in _KEPT or before == "." else "n"
        elif word[0] in "0123456789" or (word[0] == "." and word[1:2].isdigit()):
            yield "0"
        else:
            yield "''" if word[-1] in "'\"" else word
