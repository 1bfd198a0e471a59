"""Answers that call a library's function which is the answer: to be looked at, not a verdict.

Sources are read by Python's tokenizer alone: they are strangers', and a parser can be crashed.
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from crystalgraph.grading.similarity import MOST_CHARACTERS, all_definitions, tokens_of
from crystalgraph.labs.lab import Lab

if TYPE_CHECKING:
    from crystalgraph.grading.intake.answers import Answers


SOURCES = 512
"""Cells and files that are kept when read: the tasks of a notebook share them, and students what
was handed out."""


def library_answers(answers: Answers, lab: Lab) -> dict[str, tuple[str, ...]]:
    """The library functions that are a task's answer and that a student's code for it calls.

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
            own = answers.cells.get(task.where, ())
            given = answers.released.get(task.where, ())
        else:
            own, given = [(answers.model or b"").decode("utf-8", "replace")], ()
        if names := called(task.object_name, own, functions, given):
            found[task_id] = names
    return found


def called(
    name: str, sources: Sequence[str], functions: Collection[str], given: Sequence[str] = ()
) -> tuple[str, ...]:
    """Which functions of libraries a definition calls, itself or in what it names beside it.

    Args:
        name: of the function or class.
        sources: all that the student wrote in one place, a notebook or a file.
        functions: names to look for.
        given: what was there before, for its imports.

    Returns:
        Those that were imported, also under another name, or are called behind a dot; sorted.
    """
    imported: dict[str, str] = {}
    for source in (*given, *sources):
        for line in _lines(source):
            imported |= _names_given(line, functions, imported)
    found = set()
    for line in _lines(_reachable(name, sources)):
        if line[0] in ("import", "from"):
            continue
        for before, word, after in zip(["", *line], line, [*line[1:], ""], strict=False):
            if before == "." and after == "(" and word in functions:
                found.add(word)
            elif before not in (".", "def"):
                found |= {imported[word]} if word in imported else set()
    return tuple(sorted(found))


def _reachable(name: str, sources: Sequence[str]) -> str:
    """The text of a definition and of all at the top level that it names."""
    text, left, done = "", [name], set()
    while left:
        one = left.pop()
        if one in done:
            continue
        done.add(one)
        new = "".join(_top_level(source).get(one, "") for source in sources)
        left += _NAME.findall(new)
        text += new + "\n"
    return text


_NAME = re.compile(r"\b[^\W\d]\w*")
_ASSIGNMENT = re.compile(r"^(\w+)[ \t]*=(?!=).*$", re.M)


@lru_cache(SOURCES)
def _top_level(source: str) -> dict[str, str]:
    """Name -> text of what defines it at the top level of a source, and of what assigns to it."""
    found = all_definitions(source)
    for match in _ASSIGNMENT.finditer(source[:MOST_CHARACTERS]):
        found[match[1]] = found.get(match[1], "") + match[0] + "\n"
    return found


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


@lru_cache(SOURCES)
def _lines(source: str) -> list[list[str]]:
    """The logical lines of a source, as words without comments and layout."""
    lines: list[list[str]] = [[]]
    for token in tokens_of(source[:MOST_CHARACTERS]):
        if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
            lines[-1].append(token.string)
        elif token.type == tokenize.NEWLINE:
            lines.append([])
    return [line for line in lines if line]
