"""Answers that call a library's function which is the answer: to be looked at, not a verdict.

Sources are read by Python's tokenizer alone: they are strangers', and a parser can be crashed.
"""

from __future__ import annotations

import tokenize
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from crystalgraph.grading.similarity import MOST_CHARACTERS, definitions, tokens_of
from crystalgraph.labs.lab import Lab

if TYPE_CHECKING:
    from crystalgraph.grading.intake.answers import Answers


def library_answers(answers: Answers, lab: Lab) -> dict[str, tuple[str, ...]]:
    """The library functions that are a task's answer and that a student's code for it names.

    Args:
        answers: of one student.
        lab: that they belong to; it lists the functions.

    Returns:
        Task -> names, in alphabetical order; tasks without any are left out.
    """
    found = {}
    for task_id, functions in lab.library_answers.items():
        task = lab.tasks.get(task_id)
        if task is None:
            continue
        if task.in_notebook:
            everything = [*answers.released.get(task.where, ()), *answers.cells.get(task.where, ())]
            own = [
                cell
                for cell in answers.counting.get(task_id, ())
                if cell not in answers.released.get(task.where, ())
            ]
        else:
            everything = [(answers.model or b"").decode("utf-8", "replace")]
            own = [definitions(everything[0], task.object_name)]
        if names := called(own, everything, functions):
            found[task_id] = names
    return found


def called(
    own: Sequence[str], everything: Sequence[str], functions: Collection[str]
) -> tuple[str, ...]:
    """Which of some functions of libraries a source names.

    Args:
        own: the student's cells for a task.
        everything: all cells of the notebook, for its imports.
        functions: names to look for.

    Returns:
        Those that stand behind a dot or were imported, also under another name, sorted.
    """
    imported: dict[str, str] = {}
    for cell in (*everything, *own):
        for line in _lines(cell):
            imported |= _names_given(line, functions, imported)
    found = set()
    for cell in own:
        for line in _lines(cell):
            if line[0] not in ("import", "from"):
                found |= {word for before, word in pairwise(line) if before == "."} & {*functions}
                plain = {
                    word for before, word in pairwise(["", *line]) if before not in (".", "def")
                }
                found |= {imported[word] for word in plain & imported.keys()}
    return tuple(sorted(found))


def _names_given(
    line: Sequence[str], functions: Collection[str], known: dict[str, str]
) -> dict[str, str]:
    """New name -> function, of `from x import f as g` and of `g = f`, `g = module.f`."""
    if line[0] == "from" and "import" in line:
        words = [word for word in line[line.index("import") + 1 :] if word not in "(,)"]
        given = {word: word for word in words if word in functions}
        for position, word in enumerate(words[:-2]):
            if word in functions and words[position + 1] == "as":
                given = {**given, words[position + 2]: word}
        return given
    if len(line) >= 3 and line[1] == "=" and line[-1].isidentifier():
        if line[-2] == "." and line[-1] in functions:
            return {line[0]: line[-1]}
        if len(line) == 3 and line[-1] in known:
            return {line[0]: known[line[-1]]}
    return {}


def _lines(source: str) -> Iterator[list[str]]:
    """The logical lines of a source, as words without comments and layout."""
    line: list[str] = []
    for token in tokens_of(source[:MOST_CHARACTERS]):
        if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
            line.append(token.string)
        elif token.type == tokenize.NEWLINE and line:
            yield line
            line = []
    if line:
        yield line
