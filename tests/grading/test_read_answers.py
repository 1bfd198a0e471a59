"""A student's code and texts, out of notebooks as they were left, copied, stripped and damaged."""

import copy
import json
import re
import time

import nbformat
import numpy as np
import pytest
from course_copy import answer
from hand_in_builder import files_of, hand_in_of
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalgraph.checking.notebook_code import function_of
from crystalgraph.grading.intake import answers as intake
from crystalgraph.grading.intake.hand_ins import HandIn
from crystalgraph.grading.intake.repair import repair
from crystalgraph.grading.intake.sanitizer import Room, text_as_html
from crystalgraph.grading.intake.wording import listed, shown
from crystalgraph.grading.result import Status
from crystalgraph.labs import LABS

HW = LABS["hw"]
FILES, MODEL_FILE, NOTEBOOKS, TASKS = HW.files, HW.model_file, HW.notebooks, HW.tasks
FIRST, *_, FOURTH = NOTEBOOKS.values()
WORK = files_of()
RELEASED = {name: (HW.release() / name).read_bytes() for name in FILES}
IN_FIRST = [task for task in TASKS.values() if task.where == FIRST]


def read_answers(hand_in):
    """The answers of a hand-in of the homework."""
    return intake.read_answers(hand_in, HW)


def notebook(name=FIRST, files=WORK):
    """A notebook as JSON, with each source as one string."""
    loaded = json.loads(files[name])
    for cell in loaded["cells"]:
        cell["source"] = "".join(cell["source"])
    return loaded


def cell_of(loaded, name):
    """A cell by its grade_id, or by its own id."""
    for cell in loaded["cells"]:
        if name in (cell["metadata"].get("nbgrader", {}).get("grade_id"), cell.get("id")):
            return cell
    raise KeyError(name)


def place_in(loaded, name):
    """The place of a cell in a notebook."""
    return loaded["cells"].index(cell_of(loaded, name))


def bare(source, kind="code"):
    """A new cell."""
    more = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **more}


def answers_of(loaded, name=FIRST):
    """The answers of a hand-in with one notebook changed."""
    return read_answers(hand_in_of(WORK | {name: json.dumps(loaded).encode()}))


def code_of(answers, task_id):
    """The cell that is taken for a task's."""
    return answers.cells[TASKS[task_id].where][answers.place[task_id]]


def is_right(answers, task_id):
    """Whether that cell is the right answer's."""
    return answer(TASKS[task_id]).strip() in re.sub(r"(?m)^    ", "", code_of(answers, task_id))


def all_right(answers, but=()):
    """Whether the cells of the first notebook's tasks, some left out, are the right answers'."""
    return all(is_right(answers, task.id) for task in IN_FIRST if task.id not in but)


def test_a_notebook_in_order_is_taken_as_it_is():
    answers = read_answers(hand_in_of(WORK))
    assert answers.model == WORK[MODEL_FILE] and not answers.repairs and not answers.problems
    assert set(answers.notebooks) == set(answers.cells) == set(NOTEBOOKS.values())
    for name in NOTEBOOKS.values():
        code = [one for one in notebook(name)["cells"] if one["cell_type"] == "code"]
        assert answers.cells[name] == tuple(one["source"] for one in code)
        assert answers.notebooks[name] == notebook(name)
    assert all_right(answers)


def test_every_task_of_a_notebook_has_its_cell():
    answers = read_answers(hand_in_of(RELEASED))
    expected = {task.id for task in TASKS.values() if task.where != MODEL_FILE}
    assert set(answers.place) == expected and not answers.problems
    for task in expected:
        assert f'NotImplementedError("Task {task}:' in code_of(answers, task)


def test_written_answers_are_what_was_written():
    loaded = notebook()
    cell_of(loaded, "q1_2")["source"] = "**Your answer to q1.2:**\n\nNo: $d<r$, and <b>bold</b>."
    answers = answers_of(loaded)
    assert answers.written["q1_2"].endswith("No: $d<r$, and <b>bold</b>.")
    assert answers.written["q1_1"] == answers.written["q4_1"] == ""
    assert len(answers.written) == 15


# --- which cell is a task's ----------------------------------------------------------------------


def test_marks_may_be_lost():
    for keep_ids in (True, False):
        loaded = notebook()
        cell_of(loaded, "q1_1")["source"] = "Because."
        for cell in loaded["cells"]:
            cell["metadata"] = {}
            if not keep_ids:
                cell.pop("id")
        answers = answers_of(loaded)
        assert all_right(answers) and not answers.problems
        assert answers.written["q1_1"] == "Because."
        assert "task_1_1" in answers.repairs[0] and "lost nbgrader's marks" in answers.repairs[0]
        assert cell_of(answers.notebooks[FIRST], "task_1_1")


def test_colabs_ids_are_in_the_metadata():
    loaded = notebook() | {"nbformat_minor": 0}
    for cell in loaded["cells"]:
        cell["metadata"] = {"id": cell.pop("id")}
    assert all_right(answers_of(loaded))


def test_a_copy_left_behind_as_it_was_handed_out_is_not_the_answer():
    for below in (0, 1):
        loaded = notebook()
        place = place_in(loaded, "task_1_2")
        stub = copy.deepcopy(cell_of(notebook(files=RELEASED), "task_1_2"))
        loaded["cells"].insert(place + below, stub)
        answers = answers_of(loaded)
        assert all_right(answers) and "in copies" in answers.repairs[0]
        ids = [
            cell["metadata"].get("nbgrader", {}).get("grade_id")
            for cell in answers.notebooks[FIRST]["cells"]
        ]
        assert ids.count("task_1_2") == 1


def test_a_solution_in_a_cell_of_its_own_counts():
    loaded = notebook()
    solved = cell_of(loaded, "task_1_3")["source"]
    cell_of(loaded, "task_1_3")["source"] = cell_of(notebook(files=RELEASED), "task_1_3")["source"]
    loaded["cells"].insert(place_in(loaded, "task_1_3") + 1, bare(solved))
    answers = answers_of(loaded)
    assert all_right(answers) and not answers.repairs


def test_as_from_top_to_bottom_the_last_definition_above_the_check_counts():
    right = cell_of(notebook(), "task_1_3")["source"]
    wrong = "def gaussian_expansion(distance, centers, width):\n    return 0"
    loaded = notebook()
    cell_of(loaded, "task_1_3")["source"] = wrong
    loaded["cells"].insert(place_in(loaded, "check_1_3"), bare(right))
    loaded["cells"].append(bare(wrong))  # tried afterwards
    assert all_right(answers_of(loaded))


def test_a_split_cell_keeps_both_parts():
    loaded = notebook()
    place = place_in(loaded, "task_1_1")
    helper = copy.deepcopy(loaded["cells"][place]) | {"source": "def helper(x):\n    return x"}
    loaded["cells"].insert(place, helper)
    answers = answers_of(loaded)
    assert all_right(answers) and helper["source"] in answers.cells[FIRST]
    assert answers.cells[FIRST].index(helper["source"]) < answers.place["1.1"]


def test_a_cell_turned_into_text_is_code_again():
    loaded = notebook()
    cell_of(loaded, "task_1_4")["cell_type"] = "markdown"
    assert all_right(answers_of(loaded))


def test_a_deleted_answer_is_the_only_problem():
    loaded = notebook()
    del loaded["cells"][place_in(loaded, "task_1_3")]
    answers = answers_of(loaded)
    sentence = f"{FIRST} has no cell any more that defines gaussian_expansion."
    assert answers.problems == {"1.3": (Status.BAD_NOTEBOOK, sentence)}
    assert answers.place["1.3"] is None
    assert all_right(answers, but=["1.3"])


def test_imports_that_were_deleted_are_back():
    loaded = notebook()
    del loaded["cells"][place_in(loaded, "imports")]
    answers = answers_of(loaded)
    assert answers.repairs == [f"{FIRST}: cells that were deleted are back: imports."]
    function = function_of(
        answers.counting["1.3"], "gaussian_expansion", FIRST, answers.released[FIRST]
    )
    assert function(np.array([1.0]), np.array([1.0]), 1.0).tolist() == [[1.0]]


def test_shuffled_cells_are_sorted():
    loaded = notebook()
    loaded["cells"].reverse()
    answers = answers_of(loaded)
    assert all_right(answers)
    assert answers.notebooks[FIRST]["cells"] == notebook()["cells"]
    assert answers.repairs == [f"{FIRST}: cells that were moved are in their places again."]


# --- checks and written answers ------------------------------------------------------------------


def test_an_edited_check_is_as_it_was_and_its_code_is_kept():
    loaded = notebook()
    check = cell_of(loaded, "check_1_1")
    check["source"] = "def points(*_):\n    return 4.0\n\n" + check["source"]
    check["metadata"]["nbgrader"]["points"] = 99
    answers = answers_of(loaded)
    repaired = cell_of(answers.notebooks[FIRST], "check_1_1")
    assert repaired == cell_of(notebook(), "check_1_1")
    assert check["source"] in answers.cells[FIRST] and all_right(answers)
    assert answers.repairs == [
        f"{FIRST}: checks that were edited are as handed out again: check_1_1."
    ]


@pytest.mark.parametrize("where", ["below", "above", "instead", "in parts", "in the question"])
def test_an_answer_beside_its_cell_is_an_answer(where):
    loaded = notebook()
    place = place_in(loaded, "q1_1")
    text = "The order of the file decides."
    if where == "in parts":
        copies = [copy.deepcopy(loaded["cells"][place]) for _ in "ab"]
        copies[0]["source"], copies[1]["source"] = "The order", "of the file decides."
        loaded["cells"][place : place + 1] = copies
        text = "The order\n\nof the file decides."
    elif where == "in the question":
        cell_of(loaded, "q1-1-text")["source"] += f"\n\n{text}"
    elif where == "instead":
        loaded["cells"][place] = bare(text, "markdown")
    else:
        loaded["cells"].insert(place + (where == "below"), bare(text, "markdown"))
    answers = answers_of(loaded)
    assert answers.written["q1_1"] == text and answers.written["q1_2"] == ""
    assert cell_of(answers.notebooks[FIRST], "q1_1")["source"] == text_as_html(text)


def test_texts_beside_an_answer_are_no_part_of_it():
    loaded = notebook()
    cell_of(loaded, "q1_1")["source"] = "Mine."
    loaded["cells"].insert(place_in(loaded, "q1_1") + 1, bare("Notes.", "markdown"))
    assert answers_of(loaded).written["q1_1"] == "Mine."


# --- damaged files -------------------------------------------------------------------------------


def test_files_that_are_missing_are_the_problems_of_their_tasks():
    gone = Status.MISSING_FILE, "not there."
    files = {name: WORK[name] for name in FILES if name not in (FOURTH, MODEL_FILE)}
    hand_in = HandIn("s001", "x.zip", files, problems={FOURTH: gone, MODEL_FILE: gone})
    answers = read_answers(hand_in)
    tasks = [task.id for task in TASKS.values() if task.where in (FOURTH, MODEL_FILE)]
    assert answers.problems == dict.fromkeys(tasks, gone)
    assert answers.model is None and all_right(answers)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'{"cells": 3}',
        b'{"cells": [1, 2]}',
        b"[" * 900_000,
        b'{"a":' * 900_000,
        b'{"cells": [' + b"{}," * 600_000 + b"{}]}",
        b'{"cells": [' + b"1," * 6_000 + b"1]}",
        b"\xff\xfe\x00",
        b'{"cells": [' + b"9" * 10_000 + b"]}",
        b"\x00" * 1000,
    ],
    ids=range(12),
)
def test_what_is_no_notebook(content):
    answers = read_answers(hand_in_of(WORK | {FIRST: content}))
    assert {answers.problems[task.id][0] for task in IN_FIRST} == {Status.BAD_NOTEBOOK}
    assert all(sentence.endswith(".") for _, sentence in answers.problems.values())
    assert set(answers.problems) == {task.id for task in IN_FIRST}


CELL = b'{"cell_type": "code", "source": "'


@pytest.mark.parametrize(
    "content",
    [
        (CELL + b"x" * 1_000 + b'" ') * 60_000,
        (CELL + b"x" * 10_000) * 6_000,
        b'{"cell_type": "x", "a": ' * 80_000,
        (b"{" + b" " * 1_000) * 60_000,
        b'{"cells": [' + b"1.5," * 16_000_000 + b"1]}",
    ],
    ids=["cells", "strings", "nested", "blanks", "numbers"],
)
def test_notebooks_made_to_keep_the_grader_busy(content):
    begun = time.process_time()
    answers = read_answers(hand_in_of({FIRST: content}))
    assert answers.problems["1.1"][0] == Status.BAD_NOTEBOOK
    assert time.process_time() - begun < 20  # they took minutes


def test_a_large_output_in_a_damaged_notebook_costs_no_cell():
    loaded = notebook()
    flood = [{"output_type": "stream", "name": "stdout", "text": "x" * 3_000_000}]
    cell_of(loaded, "task_1_2")["outputs"] = flood
    torn = json.dumps(loaded).encode()[:-20]
    answers = read_answers(hand_in_of(WORK | {FIRST: torn}))
    assert all_right(answers) and not answers.problems


def test_an_upload_that_broke_off_keeps_the_cells_before():
    text = WORK[FIRST]
    answers = read_answers(hand_in_of(WORK | {FIRST: text[: text.index(b"def batch_crystals")]}))
    assert set(answers.problems) == {"1.4"} and all_right(answers, but=["1.4"])
    assert any("is damaged" in sentence for sentence in answers.repairs)


def test_marks_of_a_merge_damage_one_cell():
    text = WORK[FIRST].decode()
    at = text.index("def find_neighbors")
    begin = text.rindex("\n", 0, at)
    torn = f"{text[:begin]}\n<<<<<<< HEAD\n   broken\n======={text[begin:]}".encode()
    answers = read_answers(hand_in_of(WORK | {FIRST: torn}))
    assert all_right(answers, but=["1.2"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_understood(encoding):
    loaded = notebook()
    cell_of(loaded, "q1_1")["source"] = "Größe"
    text = json.dumps(loaded, ensure_ascii=False).replace("Å", "A")
    text = text.encode("cp1252", errors="ignore").decode("cp1252")
    model = "# Größe\n" + WORK[MODEL_FILE].decode()
    changed = {FIRST: text.encode(encoding), MODEL_FILE: model.encode(encoding)}
    answers = read_answers(hand_in_of(WORK | changed))
    assert answers.written["q1_1"] == "Größe" and all_right(answers)
    assert compile(answers.model.decode(), MODEL_FILE, "exec") and not answers.problems
    assert any("UTF-8" in sentence for sentence in answers.repairs) == (encoding != "utf-8-sig")


def test_a_model_that_names_its_encoding():
    model = b"# -*- coding: cp1252 -*-\n# Gr\xf6\xdfe\n" + WORK[MODEL_FILE]
    answers = read_answers(hand_in_of(WORK | {MODEL_FILE: model}))
    assert answers.model == model.decode("cp1252").encode()


# --- whatever a notebook holds -------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["nbgrader", "grade_id", "id", "data", "text", "image/png", "name"]),
            inner,
        )
    ),
    max_leaves=8,
)


@given(
    st.integers(0, 72),
    st.sampled_from(["cell_type", "id", "metadata", "source", "outputs", "attachments"]),
    JSON,
)
@settings(max_examples=100, deadline=None)
def test_whatever_stands_in_a_cell_the_others_are_read(number, part, value):
    loaded = notebook()
    damaged = loaded["cells"][number]
    task = next((task.id for task in IN_FIRST if f"def {task.name}(" in damaged["source"]), None)
    damaged[part] = value
    answers = read_answers(hand_in_of({FIRST: json.dumps(loaded).encode()}))
    assert all(is_right(answers, one.id) for one in IN_FIRST if one.id != task)
    assert {one.id for one in IN_FIRST} & set(answers.problems) <= {task}
    for one in answers.notebooks.values():
        nbformat.validate(nbformat.from_dict(one))
        nbformat.writes(nbformat.from_dict(one)).encode("utf-8")


def test_halves_of_characters_do_no_harm():
    loaded = notebook()
    cell_of(loaded, "q1_1")["source"] = "half \ud83d"
    loaded["cells"].append(bare("x = '\udc00'"))
    answers = answers_of(loaded)
    assert answers.written["q1_1"] == "half ?" and answers.cells[FIRST][-1] == "x = '?'"


# --- what is kept of outputs ---------------------------------------------------------------------


def test_outputs_without_end_are_cut():
    cell = cell_of(notebook(), "task_1_1")
    flood = [{"output_type": "stream", "name": "stdout", "text": "x" * 200}] * 9
    done = repair(FIRST, {"cells": [cell]}, [cell | {"outputs": flood}])
    assert len(done.shown(Room(characters=600))["cells"][0]["outputs"]) == 2


def test_strangers_texts_in_sentences_are_short_and_on_one_line():
    assert shown("a\nb" * 99).count("\n") == 0 and len(shown("x" * 999)) < 100
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more" and listed(["a"], 2) == "a"
