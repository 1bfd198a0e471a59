"""What is wrong with a student's answer, and its errors explained."""

import ast
import contextlib
import inspect
import linecache
import os
import re
import sysconfig
import traceback
from pathlib import Path
from types import CodeType

from crystalgraph.checking.limits import TimeUp

PACKAGE = str(Path(__file__).resolve().parents[1])
_FOLDERS = {sysconfig.get_path(key) for key in ("stdlib", "purelib", "platlib")} | {PACKAGE}
LIBRARIES = (*(folder + os.sep for folder in _FOLDERS), "<frozen")


class Fault(Exception):
    """Something is wrong with the student's answer.

    Args:
        message: for the student, what was seen.
        cause: short name of the mistake, when it is a known one.
        line: place in the student's code.
        guess: what usually leads to this; left out where the mistake is known to be another.
    """

    def __init__(self, message: str, cause: str = "", line: str = "", guess: str = "") -> None:
        super().__init__(message)
        self.message, self.cause, self.line, self.guess = message, cause, line, guess

    @property
    def text(self) -> str:
        """Message and guess."""
        return f"{self.message} {self.guess}".rstrip()


def student_line(error: BaseException) -> str:
    """The last line of the student's own code in a traceback, as "file, line 12: code"."""
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        if not file.startswith((*LIBRARIES, "<string>")):  # <string>: methods of a dataclass
            name = "the notebook" if "ipykernel" in file else Path(file).name
            linecache.checkcache(file)
            number = _line_in_file(frame.f_code, number, "".join(linecache.getlines(file)))
            return f"{name}, line {number}: {linecache.getline(file, number).strip()}"
    return ""


def _line_in_file(code: CodeType, number: int, source: str) -> int:
    """The line of a function's code in its file.

    %autoreload compiles a changed function from its syntax tree alone; its lines then count from
    the def (from a class line above it, for a method), without comments and line breaks.
    """
    texts = {inspect.cleandoc(text) for text in code.co_consts if isinstance(text, str)}
    with contextlib.suppress(SyntaxError, ValueError):
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.FunctionDef) or node.name != code.co_name:
                continue
            if ast.get_docstring(node) in (*texts, None):
                if node.lineno == code.co_firstlineno:
                    return number
                reprinted = ast.parse(ast.unparse(node)).body[0]
                for there, here in zip(ast.walk(node), ast.walk(reprinted), strict=True):
                    if getattr(here, "lineno", 0) + code.co_firstlineno - 1 == number:
                        return getattr(there, "lineno", number)
    return number


_HINTS = (
    (
        r"same (dtype|scalar type)|expected scalar type|but found (Float|Double)|dtype",
        "Two tensors have different dtypes. Make new tensors from the ones you are given: "
        "`x.new_zeros(...)`, `torch.zeros_like(x)`; and do not call .float().",
    ),
    (
        r"mat1 and mat2 shapes",
        "The tensor given to a linear layer has the wrong number of columns: print its shape.",
    ),
    (
        r"Sizes of tensors must match|must match the size of tensor|could not be broadcast",
        "Shapes do not fit: print the .shape of both sides of that line.",
    ),
    (r"out of bounds|out of range", "An index points behind the end: print its largest value."),
    (
        r"modified by an inplace operation|leaf Variable that requires grad",
        "A tensor that the gradient needs was changed in place: use out-of-place functions, "
        "for example index_add instead of index_add_ on an input.",
    ),
    (
        r"must be an iterable, not CrystalBatch",
        "A batch is no list of arguments; its inputs are: model(*batch.inputs()).",
    ),
    (
        r"unexpected keyword argument|positional argument",
        "A function is called with other arguments than it takes: compare the call with its def "
        "line (and leave the def lines you were given as they are).",
    ),
    (
        r"FrozenInstanceError",
        "A graph cannot be changed: make a changed copy, replace(graph, center=...).",
    ),
    (
        r"MemoryError|[Uu]nable to allocate|can't allocate memory",
        "Far too much memory is asked for: print the shapes of what is multiplied or compared.",
    ),
    (r"is not defined", "A name is missing: import it at the top, and look for spelling."),
    (
        r"can't convert|numpy\(\) on Tensor|must be Tensor, not numpy",
        "numpy arrays and torch tensors are mixed on that line.",
    ),
)


def explain(error: BaseException, call: str) -> Fault:
    """Turn what a student's code raised into something to read.

    Args:
        error: the exception.
        call: what was called.

    Returns:
        A Fault with the error, the student's line and, where known, a hint.
    """
    if isinstance(error, TimeUp):
        return Fault(
            f"{call} did not come to an end in time: look for an endless loop.", "too slow"
        )
    line = getattr(error, "student_line", "") or student_line(error)
    text = f"{type(error).__name__}: {str(error).strip() or 'no message'}"
    if len(text) > 400:
        text = text[:400] + " ..."
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, text)), "")
    notes = getattr(error, "__notes__", [])[:1]  # what went in
    parts = [f"{call} raised {text}", f"at {line}" if line else "", hint, *notes]
    return Fault("\n".join(part for part in parts if part), "exception", line)
