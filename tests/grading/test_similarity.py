"""Copies are found whatever their names, comments and layout; independent work is left alone."""

import ast
import random
import time
import tokenize
from collections import defaultdict
from itertools import combinations

import pytest
from hand_in_builder import files_of, hand_in_of
from hypothesis import given
from hypothesis import strategies as st

from crystalgraph.grading.intake.answers import read_answers
from crystalgraph.grading.similarity import (
    FEWEST_TASKS,
    MOST_CHARACTERS,
    THRESHOLD,
    Fingerprinter,
    definitions,
    find_pairs,
    likenesses,
)
from crystalgraph.labs import LABS

HW = LABS["hw"]
TASKS, MODEL_FILE, NOTEBOOKS = HW.tasks, HW.model_file, HW.notebooks
RIGHT_ANSWERS = HW.instructor("right_answers").RIGHT_ANSWERS
FINGERPRINTER = Fingerprinter(HW)
fingerprints = FINGERPRINTER.of
STYLES = 30
ANSWERS = defaultdict(list)
for right in RIGHT_ANSWERS:
    ANSWERS[right.task].append(right.source)


def sources_in(files):
    """The sources of the tasks in a hand-in with these files."""
    return FINGERPRINTER.sources(read_answers(hand_in_of(files), HW))


def styles(n=STYLES, seed=0):
    """Right hand-ins, each put together from right answers in different styles."""
    chance = random.Random(seed)
    return [{task: chance.choice(ANSWERS[task]) for task in TASKS} for _ in range(n)]


class Renamed(ast.NodeTransformer):
    """Every variable that a function makes, under another name; constants changed."""

    def __init__(self, tree):
        stored = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
        made = sorted({n.id for n in stored if isinstance(n.ctx, ast.Store)})
        self.names = {name: f"my_{number}" for number, name in enumerate(made)}

    def visit_Name(self, node):
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_Constant(self, node):
        return ast.Constant(node.value + 1) if type(node.value) in (int, float) else node


def disguised(source):
    """A copy with other names, comments, constants, line breaks and quotes."""
    tree = ast.parse(source)
    copy = ast.unparse(Renamed(tree).visit(tree))
    first, rest = copy.split("\n", 1)
    indented = rest.replace("    ", "   ")
    return f"# my own\n{first}  # work\n   '''What I did.'''\n\n{indented}\n"


def rewritten(style, n_tasks, seed=0):
    """A disguised copy in which some tasks are answered in another style."""
    chance = random.Random(seed)
    anew = chance.sample(list(TASKS), n_tasks)
    copy = {task: disguised(source) for task, source in style.items()}
    others = {task: [one for one in ANSWERS[task] if one != style[task]] for task in anew}
    return copy | {task: chance.choice(others[task]) for task in anew}


def prints_of(hand_ins):
    return {f"s{i:03d}": fingerprints(one) for i, one in enumerate(hand_ins)}


def flags(hand_ins):
    return {(pair.first, pair.second) for pair in find_pairs(prints_of(hand_ins))}


def test_independent_hand_ins_are_not_flagged_and_the_rate_is_printed(capsys):
    prints = prints_of(styles())
    likeness = likenesses(list(prints.values()))
    pairs = list(combinations(range(STYLES), 2))
    most = max(likeness[pair] for pair in pairs)
    flagged = len(find_pairs(prints))
    alone = sum(bool(find_pairs(dict(two))) for two in combinations(prints.items(), 2))
    with capsys.disabled():
        print(
            f"\n{STYLES} right hand-ins put together from {len(RIGHT_ANSWERS)} answers, threshold "
            f"{THRESHOLD}: {flagged} of {len(pairs)} pairs flagged, the likest {most:.2f}; as "
            f"classes of two, {alone} of {len(pairs)}"
        )
    assert flagged == alone == 0
    assert most < THRESHOLD - 0.1


def test_the_rate_among_many_hand_ins(capsys):
    many = prints_of(styles(300, seed=1))
    n_pairs, flagged = 300 * 299 // 2, len(find_pairs(many))
    half = {name: dict(list(one.items())[:12]) for name, one in many.items()}
    flagged_half = len(find_pairs(half))
    with capsys.disabled():
        print(
            f"\n300 hand-ins: {flagged} of {n_pairs} pairs flagged; only their first twelve tasks: "
            f"{flagged_half}"
        )
    assert flagged <= n_pairs / 20_000
    assert flagged_half <= n_pairs / 2000


def test_disguised_copies_are_found(capsys):
    own = styles()
    copies = [{task: disguised(source) for task, source in one.items()} for one in own]
    found = find_pairs(prints_of(own + copies))
    expected = {(f"s{i:03d}", f"s{i + STYLES:03d}") for i in range(STYLES)}
    with capsys.disabled():
        print(f"\n{len(found)} of {STYLES} copies found, the least like {found[-1].likeness:.2f}")
    assert {(pair.first, pair.second) for pair in found} == expected


@pytest.mark.parametrize("anew, found", [(2, True), (4, True), (12, False)])
def test_copies_are_found_unless_much_was_written_anew(anew, found):
    own = styles()
    copy = rewritten(own[7], anew)
    assert (("s007", f"s{STYLES:03d}") in flags([*own, copy])) == found


def test_the_tasks_of_a_pair_are_those_written_alike():
    own = styles()
    copy = own[3] | {task: own[4][task] for task in ("2.1", "3.5")}
    differ = {task for task in ("2.1", "3.5") if own[3][task] != own[4][task]}
    (pair,) = find_pairs(prints_of([own[3], copy]))
    assert set(pair.tasks) == set(TASKS) - differ
    assert differ and 0.8 < pair.likeness < 1


def test_a_few_answers_alike_are_no_pair():
    few = dict(list(styles()[0].items())[: FEWEST_TASKS - 1])
    assert likenesses([fingerprints(few)] * 2)[0, 1] == 1
    assert not flags([few, few])


@pytest.mark.parametrize("solved", [(), tuple(TASKS)], ids=["stub", "model answer"])
def test_the_stub_and_the_model_answer_count_for_nothing(solved):
    found = sources_in(files_of(solved))
    assert set(found) == set(TASKS)
    assert not any(fingerprints(found).values())


def test_what_is_filled_into_the_stub_is_the_students_own():
    files = files_of(())
    stub = files[MODEL_FILE].decode()
    hole = next(line for line in stub.splitlines() if "Task 2.1" in line)
    body = "\n".join(ANSWERS["2.1"][0].splitlines()[1:]).replace("\n", "\n    ")
    own = fingerprints(sources_in(files | {MODEL_FILE: stub.replace(hole, "    " + body).encode()}))
    alone = fingerprints({"2.1": ANSWERS["2.1"][0]})["2.1"]
    assert len(own["2.1"] & alone) > 0.8 * len(alone) > 20
    assert not own["2.2"]


def test_the_tasks_of_a_file_that_cannot_be_had_are_left_out():
    files = files_of()
    del files[MODEL_FILE]
    files[NOTEBOOKS["3"]] = b"{"
    lost = (MODEL_FILE, NOTEBOOKS["3"])
    assert set(sources_in(files)) == {name for name in TASKS if TASKS[name].where not in lost}
    assert "2.1" not in sources_in(files | {MODEL_FILE: b"\xff\xfeclass ConvLayer:\n  pass\n"})


@pytest.mark.parametrize("name, lines", [("a", 3), ("B", 3), ("ab", 2), ("c", 0)])
def test_definitions_are_cut_out_of_a_file(name, lines):
    text = "def a(\n    x,\n):\nclass B:\n    y = 1\n\ndef ab(): ...\n# end\n"
    assert len(definitions(text, name).splitlines()) == lines


def test_classes_of_nobody_one_and_nothing():
    nothing = {task: "" for task in TASKS}
    assert find_pairs({}) == []
    assert flags([styles()[0]]) == set()
    assert flags([nothing, nothing, {}]) == set()


@given(st.text(max_size=200), st.sampled_from(list(TASKS)))
def test_any_text_has_fingerprints(text, task):
    assert fingerprints({task: text})[task] == fingerprints({task: text})[task]


HOSTILE = {
    "brackets": "(" * 10**6,
    "quotes": "'''" * 10**5,
    "line ends": "\\\n" * 10**6,
    "blank": " " * 10**6 + "x",
    "null": "x\x00y\n" * 10**5,
    "tabs": "\t \n" * 10**6,
    "steps": "".join(" " * i + "if x:\n" for i in range(2000)),
    "f-string": "f'{" * 10**5,
    "half a character": "\ud800" * 10**5,
    "signs": "-" * 10**6,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_read_in_no_time(text):
    begun = time.process_time()
    found = fingerprints({"2.1": text})["2.1"]
    assert len(found) <= MOST_CHARACTERS
    assert time.process_time() - begun < 2


def test_what_comes_before_a_syntax_error_counts():
    whole = ANSWERS["2.1"][0]
    broken = whole + "\n  x = (\n"
    with pytest.raises((tokenize.TokenError, SyntaxError)):
        ast.parse(broken)
    assert fingerprints({"2.1": whole})["2.1"] <= fingerprints({"2.1": broken})["2.1"]
