"""Correct hand-ins, each damaged in its own way: what happens to files on their way to a grader.

    for seed in range(200):
        damage = corrupt(seed)

The same seed gives the same damage on every computer. Each says what it touched: tasks whose code
is intact must keep their points, those whose code is gone must get none, and between the two lie
those whose code was hit somewhere.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from hand_in_builder import files_of, zip_of

from crystalgraph.grading.intake.notebook_text import released_notebook
from crystalgraph.labs import LABS
from crystalgraph.releasing.holes import stub_line

HW = LABS["hw"]
FILES, MODEL_FILE, NOTEBOOKS, TASKS = HW.files, HW.model_file, HW.notebooks, HW.tasks
IN_MODEL = {task.id for task in TASKS.values() if task.where == MODEL_FILE}


@dataclass
class Damage:
    """A damaged hand-in.

    Attributes:
        seed: gives this one again.
        name: of the zip.
        notebooks: name -> notebook, while it is being damaged.
        files: path in the zip -> content.
        content: the zip.
        done: what was done, in words.
        hit: tasks whose code may not work any more.
        gone: tasks whose code cannot work any more.
        texts: written answers that may be lost.
    """

    seed: int
    name: str = "hw_s001.zip"
    notebooks: dict[str, dict] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    content: bytes = b""
    done: list[str] = field(default_factory=list)
    hit: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)

    def cells(self, notebook: str) -> list[dict]:
        """The cells of a notebook."""
        return self.notebooks[notebook]["cells"]


class NothingLeft(Exception):
    """An earlier damage has left nothing that this one could be done to."""


def answer_to(question: str) -> str:
    """What the hand-in says to a written question."""
    return f"My answer to {question}: the *mean* of $x<y$, and why."


def grade_id(cell: object) -> str:
    """nbgrader's name of a cell; empty when there is none."""
    metadata = cell.get("metadata") if isinstance(cell, dict) else None
    settings = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return settings.get("grade_id", "") if isinstance(settings, dict) else ""


def source_of(cell: object) -> str:
    """The text of a cell, or of what stands in the place of one."""
    source = cell.get("source", "") if isinstance(cell, dict) else ""
    return source if isinstance(source, str) else "".join(source)


def is_cell(cell: object) -> bool:
    """Whether something is at all like a cell."""
    return isinstance(cell, dict)


def is_code(cell: object) -> bool:
    """Whether something is a cell of code."""
    return isinstance(cell, dict) and cell.get("cell_type") == "code"


def task_in(cell: object) -> str | None:
    """The task whose function a cell defines."""
    names = {task.name: task.id for task in TASKS.values() if task.where != MODEL_FILE}
    found = re.search(r"^def (\w+)\(", source_of(cell), re.M)
    return names.get(found[1]) if found and is_code(cell) else None


def question_in(cell: object) -> str | None:
    """The written question that a cell answers."""
    found = re.search(r"My answer to (q\d_\d)", source_of(cell))
    return found[1] if found else None


def tasks_of(notebook: str) -> set[str]:
    """The tasks whose functions are in a file."""
    return {task.id for task in TASKS.values() if task.where == notebook}


def corrupt(seed: int) -> Damage:
    """Damage a correct hand-in in one to three ways."""
    rng, damage = random.Random(seed), Damage(seed)
    damage.files = files_of()
    for name in NOTEBOOKS.values():
        notebook = damage.notebooks[name] = json.loads(damage.files.pop(name))
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"])
            if re.fullmatch(r"q\d_\d", grade_id(cell)):
                cell["source"] = answer_to(grade_id(cell))
    number = rng.choice([1, 1, 2, 3])
    first = [IN_CELLS, IN_CELLS, IN_CELLS, IN_FILES, IN_ZIPS][seed % 5]
    chosen = [rng.choice(first)] + rng.choices(IN_CELLS + IN_FILES + IN_ZIPS, k=number - 1)
    for ways in (IN_CELLS, IN_FILES, IN_ZIPS):
        if ways is IN_FILES:
            _write_notebooks(damage)
        if ways is IN_ZIPS:
            damage.content = zip_of(damage.files, saved=1_760_000_000)
        for way in (way for way in chosen if way in ways):
            with suppress(NothingLeft, UnicodeDecodeError):  # of a file in another encoding
                way(rng, damage)
                damage.done.append(way.__doc__.rstrip("."))
    damage.hit |= damage.gone
    return damage


def _write_notebooks(damage: Damage) -> None:
    """Notebooks into files, each cell on lines of its own."""
    for name, notebook in damage.notebooks.items():
        cells = ",\n".join(json.dumps(cell, indent=1) for cell in notebook["cells"])
        rest = {key: value for key, value in notebook.items() if key != "cells"}
        text = f'{{"cells": [\n{cells}\n], {json.dumps(rest)[1:]}'
        assert json.loads(text) == notebook
        damage.files[name] = text.encode()


# --- in the cells of a notebook ------------------------------------------------------------------


def _any(rng: random.Random, damage: Damage) -> list[dict]:
    return damage.cells(rng.choice(list(damage.notebooks)))


def _place(rng: random.Random, cells: list[dict], wanted: Callable[[dict], object]) -> int:
    """The place of some cell of a kind."""
    places = [place for place, cell in enumerate(cells) if wanted(cell)]
    if not places:
        raise NothingLeft
    return rng.choice(places)


def _is_check(cell: object) -> bool:
    return is_code(cell) and 'points("' in source_of(cell)


def _is_given(cell: dict) -> bool:
    """Neither an answer nor a check."""
    return not task_in(cell) and not question_in(cell) and not _is_check(cell)


def _copied(cell: dict) -> dict:
    return json.loads(json.dumps(cell))


def cell_twice(rng, damage):
    """A cell is there twice, with the same ids."""
    cells = _any(rng, damage)
    place = rng.randrange(len(cells))
    cells.insert(rng.choice([place, place + 1, len(cells)]), _copied(cells[place]))


def every_cell_twice(rng, damage):
    """Every cell is there twice."""
    cells = _any(rng, damage)
    cells[:] = [one for cell in cells for one in (cell, _copied(cell))]


def stub_left(rng, damage):
    """A stub as it was handed out lies beside its solution, with the same ids."""
    name = rng.choice(list(damage.notebooks))
    cells = damage.cells(name)
    place = _place(rng, cells, task_in)
    stub = stub_line(TASKS[task_in(cells[place])])
    released = next(one for one in released_notebook(HW, name)["cells"] if stub in one["source"])
    cells.insert(place + rng.choice([0, 1]), _copied(released))


def check_deleted(rng, damage):
    """A check is deleted."""
    cells = _any(rng, damage)
    del cells[_place(rng, cells, _is_check)]


def all_checks_deleted(rng, damage):
    """All checks are deleted."""
    cells = _any(rng, damage)
    cells[:] = [cell for cell in cells if not _is_check(cell)]


def check_edited(rng, damage):
    """A check is edited."""
    cells = _any(rng, damage)
    cell = cells[_place(rng, cells, _is_check)]
    check = source_of(cell)
    cell["source"] = rng.choice(["4.0", "# " + check, check + "\n1 +", ""])


def given_deleted(rng, damage):
    """A cell that was given is deleted."""
    cells = _any(rng, damage)
    del cells[_place(rng, cells, _is_given)]


def all_given_deleted(rng, damage):
    """Only answers and checks are left."""
    cells = _any(rng, damage)
    cells[:] = [cell for cell in cells if not _is_given(cell)]


def marks_lost(rng, damage):
    """A cell has lost its metadata."""
    cells = _any(rng, damage)
    cells[_place(rng, cells, grade_id)]["metadata"] = {}


def all_marks_lost(rng, damage):
    """All cells have lost nbgrader's metadata."""
    for cell in filter(is_cell, _any(rng, damage)):
        cell["metadata"] = {}


def everything_lost(rng, damage):
    """All cells have lost metadata and ids."""
    for cell in filter(is_cell, _any(rng, damage)):
        cell["metadata"] = {}
        cell.pop("id", None)


def ids_swapped(rng, damage):
    """Two cells of code have each other's metadata."""
    code = [cell for cell in _any(rng, damage) if is_code(cell) and "metadata" in cell]
    first, second = rng.sample(code, 2)
    first["metadata"], second["metadata"] = second["metadata"], first["metadata"]


def shuffled(rng, damage):
    """The cells are in another order."""
    rng.shuffle(_any(rng, damage))


def moved(rng, damage):
    """A cell was moved."""
    cells = _any(rng, damage)
    cells.insert(rng.randrange(len(cells)), cells.pop(rng.randrange(len(cells))))


def added(rng, damage):
    """Cells were added, some of which no Python understands."""
    cells = _any(rng, damage)
    for source in ("%%bash\nls", "1 +", "!pip install torch", "x = [", "raise SystemExit", "\x00"):
        cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
        cells.insert(rng.randrange(len(cells)), cell)


def no_cells(rng, damage):
    """Things that are no cells stand between the cells."""
    cells = _any(rng, damage)
    for junk in (7, None, [], {}, {"cell_type": "code"}, {"cell_type": "heading", "source": "x"}):
        cells.insert(rng.randrange(len(cells)), junk)


def parts_replaced(rng, damage):
    """Outputs, metadata and counts hold something else."""
    junk = (None, 7, "x", [], [[]], {"nbgrader": 3}, {"nbgrader": {"grade_id": []}}, [{"a": 1}])
    for cell in filter(is_cell, rng.choices(_any(rng, damage), k=20)):
        part = rng.choice(["outputs", "metadata", "execution_count", "attachments", "id"])
        cell[part] = rng.choice(junk)


def versions_replaced(rng, damage):
    """The notebook's own metadata and version numbers are missing or wrong."""
    notebook = rng.choice(list(damage.notebooks.values()))
    notebook["metadata"] = rng.choice([None, 3, {"kernelspec": []}])
    notebook["nbformat"] = rng.choice([3, "4", None])
    notebook.pop("nbformat_minor", None)


def as_colab(rng, damage):
    """The notebook is as Colab saves it."""
    for cell in filter(is_cell, _any(rng, damage)):
        if "id" in cell and isinstance(cell.get("metadata"), dict):
            cell["metadata"]["id"] = cell.pop("id")


def as_lines(rng, damage):
    """Sources are lists of lines."""
    for cell in filter(is_cell, _any(rng, damage)):
        if "source" in cell:
            cell["source"] = source_of(cell).splitlines(keepends=True)


def type_changed(rng, damage):
    """A solution was turned into text."""
    cells = _any(rng, damage)
    cells[_place(rng, cells, task_in)]["cell_type"] = "markdown"


def solution_deleted(rng, damage):
    """A solution is deleted."""
    cells = _any(rng, damage)
    task = task_in(cells[_place(rng, cells, task_in)])
    cells[:] = [cell for cell in cells if task_in(cell) != task]
    damage.gone.add(task)


def solution_broken(rng, damage):
    """A solution has a slip in it that Python does not understand."""
    cells = _any(rng, damage)
    task = task_in(cells[_place(rng, cells, task_in)])
    for cell in cells:
        if task_in(cell) == task:
            cell["source"] = source_of(cell) + "\n    return (\n"
    damage.gone.add(task)


def text_deleted(rng, damage):
    """A written answer is deleted."""
    cells = _any(rng, damage)
    damage.texts.add(question_in(cells.pop(_place(rng, cells, question_in))))


IN_CELLS = [
    cell_twice,
    every_cell_twice,
    stub_left,
    check_deleted,
    all_checks_deleted,
    check_edited,
    given_deleted,
    all_given_deleted,
    marks_lost,
    all_marks_lost,
    everything_lost,
    ids_swapped,
    shuffled,
    moved,
    added,
    no_cells,
    parts_replaced,
    versions_replaced,
    as_colab,
    as_lines,
    type_changed,
    solution_deleted,
    solution_broken,
    text_deleted,
]


# --- in files ------------------------------------------------------------------------------------


def _notebook_in(rng: random.Random, damage: Damage) -> str:
    """The path of some notebook that is still under its own name."""
    there = [name for name in NOTEBOOKS.values() if len(damage.files.get(name, b"")) > 5000]
    if not there:
        raise NothingLeft
    return rng.choice(there)


def _touch(damage: Damage, name: str, begin: int, end: int) -> None:
    """Note what a damage of these characters of a notebook may have hit."""
    text = damage.files[name].decode()
    for found in re.finditer(r"^\{.*?^\}", text, re.M | re.S):
        if found.start() >= end or found.end() <= begin:
            continue
        try:
            cell = json.loads(found[0])
        except ValueError:
            continue
        if task := task_in(cell):
            damage.hit.add(task)
        elif question := question_in(cell):
            damage.texts.add(question)
        elif is_code(cell) and not _is_check(cell):
            damage.hit |= tasks_of(name)  # it may be the imports


def _splice(damage: Damage, name: str, begin: int, end: int, new: str) -> None:
    _touch(damage, name, begin - 1, end + 1)
    text = damage.files[name].decode()
    damage.files[name] = (text[:begin] + new + text[end:]).encode()


def characters_hit(rng, damage):
    """Some characters of a notebook are others."""
    name = _notebook_in(rng, damage)
    places = sorted(rng.sample(range(20, len(damage.files[name].decode()) - 300), 3), reverse=True)
    for place in places:
        _splice(damage, name, place, place + 1, rng.choice('"{}[],:\\x7'))


def block_lost(rng, damage):
    """A block of a notebook is lost."""
    name = _notebook_in(rng, damage)
    begin = rng.randrange(20, len(damage.files[name].decode()) - 2000)
    _splice(damage, name, begin, begin + rng.randrange(20, 1500), "")


def merge_marks(rng, damage):
    """The marks of a merge stand in a notebook."""
    name = _notebook_in(rng, damage)
    lines = [found.end() for found in re.finditer("\n", damage.files[name].decode())]
    place = rng.choice(lines[5:-5])
    _splice(damage, name, place, place, "<<<<<<< HEAD\n=======\n>>>>>>> theirs\n")


def cut_off(rng, damage):
    """A notebook ends in the middle."""
    name = _notebook_in(rng, damage)
    text = damage.files[name].decode()
    place = rng.randrange(len(text) // 4, len(text))
    _touch(damage, name, place - 1, len(text))
    damage.files[name] = text[:place].encode()


def notebook_lost(rng, damage):
    """A notebook is missing, empty or something else."""
    name = _notebook_in(rng, damage)
    damage.files[name] = rng.choice([b"", b"<html>", b"null", b"[]", b"\x00" * 500])
    if rng.random() < 0.5:
        del damage.files[name]
    damage.gone |= tasks_of(name)
    damage.texts |= {f"q{name[0]}_{number}" for number in range(10)}


def model_lost(rng, damage):
    """model_hw.py is missing."""
    damage.files.pop(MODEL_FILE, None)
    damage.gone |= IN_MODEL


def model_broken(rng, damage):
    """model_hw.py has a slip in it that Python does not understand."""
    if MODEL_FILE in damage.files:
        damage.files[MODEL_FILE] += b"\nclas Oops(\n"
        damage.gone |= IN_MODEL


def other_encoding(rng, damage):
    """A file is in another encoding, with other ends of lines."""
    name = rng.choice([one for one in FILES if one in damage.files])
    text = damage.files[name].decode().replace("\n", rng.choice(["\n", "\r\n"]))
    damage.files[name] = text.encode(rng.choice(["utf-8-sig", "utf-16"]))


def renamed(rng, damage):
    """A file has another name."""
    name = rng.choice([one for one in FILES if one in damage.files])
    begin, ending = name.rsplit(".", 1)
    names = [f"Copy of {name}", f"{begin} (1).{ending}", f"deep/er/{name}", f"{name}.txt"]
    names += ["part of my homework.ipynb"] if ending == "ipynb" and _whole(damage, name) else []
    damage.files[rng.choice(names)] = damage.files.pop(name)


def _whole(damage: Damage, name: str) -> bool:
    """Whether a notebook can still be known by its cells."""
    try:
        cells = json.loads(damage.files[name])["cells"]
        return sum(bool(grade_id(cell)) for cell in cells if isinstance(cell, dict)) > 5
    except (ValueError, TypeError, AttributeError, KeyError):
        return False


def others_beside(rng, damage):
    """Files that could stand in for libraries lie beside the homework."""
    for name in ("torch.py", "numpy/__init__.py", "crystalgraph/checks/__init__.py", "json.py"):
        damage.files[name] = b"raise SystemExit('not the real one')\n"


def old_versions(rng, damage):
    """The files as they were handed out lie there too."""
    for name, content in files_of(()).items():
        damage.files[f"old/{name}"] = content
        if name not in damage.files:  # then it may be the only version of this one
            damage.hit |= tasks_of(name)


IN_FILES = [
    characters_hit,
    block_lost,
    merge_marks,
    cut_off,
    notebook_lost,
    model_lost,
    model_broken,
    other_encoding,
    renamed,
    others_beside,
    old_versions,
]


# --- in the zip ----------------------------------------------------------------------------------


def zip_in_zip(rng, damage):
    """It is a zip in a zip."""
    damage.content = zip_of({"homework/mine.zip": damage.content}, saved=1_760_000_000)


def bytes_around(rng, damage):
    """Other bytes stand before and behind the zip."""
    damage.content = rng.randbytes(100) + damage.content + bytes(50)


def other_name(rng, damage):
    """The platform gave the zip a longer name."""
    damage.name = rng.choice(
        ["doejane_4711_99_hw_s001-2.zip", "Doe Jane_1_assignsubmission_file_/hw_s001 (1).zip"]
    )


def member_damaged(rng, damage):
    """A file cannot be unpacked."""
    if zip_in_zip.__doc__.rstrip(".") in damage.done:
        raise NothingLeft
    content = bytearray(damage.content)
    starts = [found.start() for found in re.finditer(b"PK\x03\x04", damage.content)]
    start = rng.choice(starts)
    end = min([one for one in (*starts, len(content)) if one > start])
    name_length, extra = content[start + 26], content[start + 28]
    begin = start + 30 + name_length + extra
    middle = (begin + min(end, len(content))) // 2
    content[middle : middle + 8] = bytes(8)
    damage.content = bytes(content)
    name = damage.content[start + 30 : start + 30 + name_length].decode(errors="replace")
    hit = [one for one in FILES if one.split(".")[0] in name]
    for one in hit or FILES:
        damage.hit |= tasks_of(one)
        damage.texts |= {f"q{one[0]}_{number}" for number in range(10)}


IN_ZIPS = [zip_in_zip, bytes_around, other_name, member_damaged]
