"""Right answers in unusual clothes: not a point may be lost."""

import inspect
import re
import textwrap
from collections.abc import Callable

import nbformat
from hand_in_builder import HandInBuilder

from hostile.submission import HW, MODEL_FILE, Submission, correct, without

IN_CELLS = [task for task in HW.tasks.values() if task.in_notebook]


def _everywhere(before: str) -> HandInBuilder:
    """Everything right; some lines before the body of every function and every forward."""
    work = correct()
    for task in IN_CELLS:
        work.cell(task.id, _before_body(work.source_of(task.id), task.name, before))
    model = work.files[MODEL_FILE].decode()
    for name in ("forward", "mean_pool", "max_pool"):
        model = _before_body(model, name, before)
    work.files[MODEL_FILE] = model.encode()
    return work


def _before_body(source: str, name: str, lines: str) -> str:
    """Put lines behind the docstring of every function of this name, or behind its first line."""
    head = rf'^( *)def {name}\([^"]*?\)[^"\n]*:\n(?: *""".*?"""\n)?'

    def more(match: re.Match) -> str:
        return match[0] + textwrap.indent(lines.strip("\n") + "\n", match[1] + "    ")

    changed, count = re.subn(head, more, source, flags=re.M | re.S)
    assert count, f"no {name}"
    return changed


def _other_style(which: int) -> Callable[[], object]:
    """In every cell a right answer by another hand, with the functions it calls."""

    def make() -> object:
        work, right_answers = correct(), HW.instructor("right_answers").RIGHT_ANSWERS
        for task in IN_CELLS:
            styles = [right.answer for right in right_answers if right.task == task.id]
            answer = styles[which % len(styles)]
            source = re.sub(r"\A@right\(.*?\)\n", "", inspect.getsource(answer))
            source = source.replace(f"def {answer.__name__}(", f"def {task.name}(")
            functions = inspect.getmembers(inspect.getmodule(answer), inspect.isfunction)
            own = [f for _, f in functions if f.__module__ == answer.__module__ and f is not answer]
            helpers = [inspect.getsource(f) for f in own if f"{f.__name__}(" in source]
            work.cell(task.id, "\n\n".join([_imports(source, *helpers), *helpers, source]))
        return work.hand_in()

    return make


def _imports(*sources: str) -> str:
    """The lines of IMPORTS that functions need: scikit-learn alone takes a second in each task."""
    names = set(re.findall(r"\w+", " ".join(sources)))
    return "\n".join(
        line
        for line in IMPORTS.split("\n")
        if names & {*line.split("import")[-1].replace(",", " ").split()}
    )


IMPORTS = """
import math
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise, product
import numpy as np
import torch
from pymatgen.core import Structure
from scipy.spatial import cKDTree
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional
from torch.nn.functional import l1_loss
"""
NOISE = """
import logging, os, sys, warnings
from tqdm.auto import tqdm
print("to stdout"), print("to stderr", file=sys.stderr)
os.write(1, b"to descriptor 1"), os.write(2, b"to descriptor 2")
warnings.warn("a warning"), logging.getLogger().error("a log line")
for _ in tqdm(range(10)):
    pass
"""
FLOOD = """
import os, sys
if not hasattr(sys, "flooded"):
    sys.flooded = True
    for _ in range(4):
        print("x" * 2**20)
        os.write(2, b"y" * 2**20)
"""
STATE = """
import gc, random, sys, threading, time
import numpy as np_of_mine, torch as torch_of_mine
np_of_mine.random.seed(1), torch_of_mine.manual_seed(1), random.seed(1)
np_of_mine.seterr(all="ignore"), gc.collect()
if threading.active_count() < 4:
    threading.Thread(target=time.sleep, args=(20,), daemon=False).start()
"""
SLEEP = """
import time
time.sleep(0.02)
"""
SAVING = """
import pathlib, tempfile
pathlib.Path("notes.txt").write_text("what I tried")
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "cache").write_bytes(b"0" * 100_000)
"""


def _further_cells() -> object:
    """Cells of one's own before, between and after: trials, broken ones, magics, plots."""
    extra = [
        "%matplotlib inline\n%timeit -n1 sum(range(10))\n!pip list",
        "this is no Python at all (",
        "raise RuntimeError('I stopped here')",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()",
        "while False:\n    pass\nx = 1 / 0",
        "import a_library_that_nobody_has",
    ]

    def spoil(notebook: dict) -> None:
        for number, source in enumerate(extra):
            cell = nbformat.v4.new_code_cell(source)
            notebook["cells"].insert((3 * number + 1) % len(notebook["cells"]), cell)

    work = correct()
    for name in HW.notebooks.values():
        work.json(name, spoil)
    return work.hand_in()


def _windows() -> object:
    """Saved on Windows: another line end, a byte order mark."""
    work = correct()
    text = work.files[MODEL_FILE].decode().replace("\n", "\r\n")
    work.files[MODEL_FILE] = b"\xef\xbb\xbf" + text.encode()
    return work.hand_in()


def _same(name: str, tries: str, make: Callable[[], object]) -> Submission:
    return Submission(name, tries, make, "OK", without())


SUBMISSIONS = [
    _same("as the solution", "nothing unusual", lambda: correct().hand_in()),
    _same(
        "prints, warnings, progress bars",
        "everything writes to stdout, stderr, both descriptors, a log and a progress bar",
        lambda: _everywhere(NOISE).hand_in(),
    ),
    _same(
        "floods of text",
        "every task prints 8 MB on stdout and stderr",
        lambda: _everywhere(FLOOD).hand_in(),
    ),
    _same(
        "global state",
        "everything sets seeds and error modes, and leaves threads running",
        lambda: _everywhere(STATE).hand_in(),
    ),
    _same(
        "slow but right",
        "every call sleeps for a moment",
        lambda: _everywhere(SLEEP).hand_in(),
    ),
    _same(
        "files of one's own",
        "every call writes notes and uses a temporary folder",
        lambda: _everywhere(SAVING).hand_in(),
    ),
    _same("another hand", "loops, lists, other libraries, other dtypes inside", _other_style(0)),
    _same("yet another hand", "float64 throughout, other ways again", _other_style(1)),
    _same("further cells", "trials, magics, broken cells and plots in between", _further_cells),
    _same("from Windows", "line ends and a byte order mark in model_hw.py", _windows),
]
