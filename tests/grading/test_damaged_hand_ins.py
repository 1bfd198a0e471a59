"""200 correct hand-ins, damaged at random: what is intact keeps its points."""

from collections import Counter
from functools import cache

import nbformat
import pytest
from corruptions import HW, IN_CELLS, IN_FILES, IN_MODEL, IN_ZIPS, TASKS, answer_to, corrupt
from course_copy import answer
from hand_in_builder import read_zip
from marked_tasks import SECRET, MarkedOnce

from crystalgraph.grading.intake import answers as intake
from crystalgraph.grading.marking import grade_hand_in
from crystalgraph.grading.result import Status

NUMBER = 200


WHOLE = 8
"""Hand-ins that go through the whole grader; of the others each task's code is marked once."""


def read_damaged(damage):
    """The hand-in as the grader reads it."""
    hand_in = read_zip(damage.content, name=damage.name)
    assert hand_in.student == "s001"
    return hand_in


def read_answers(hand_in):
    return intake.read_answers(hand_in, HW)


@cache
def right_code(task_id):
    """The right answer's lines, without their indentation."""
    return lines_of(answer(TASKS[task_id]))


def lines_of(text):
    """The lines of a text, without their indentation, one after the other."""
    return "\n".join(line.strip() for line in text.strip().splitlines())


def code_of(answers, task):
    """The text in which a task's function is."""
    if not task.in_notebook:
        return lines_of(answers.model.decode("utf-8-sig"))
    return lines_of(answers.cells[task.where][answers.place[task.id]])


@pytest.mark.parametrize("seed", range(NUMBER))
def test_what_is_intact_is_found(seed):
    damage = corrupt(seed)
    answers = read_answers(read_damaged(damage))
    for task in TASKS.values():
        if task.id not in damage.hit:
            assert task.id not in answers.problems, damage.done
            assert right_code(task.id) in code_of(answers, task), damage.done
    for notebook in answers.notebooks.values():
        nbformat.validate(nbformat.from_dict(notebook))
    for question, text in answers.written.items():
        if question not in damage.texts:
            assert answer_to(question) in text, damage.done


@pytest.fixture(scope="module")
def marked_once():
    marked = MarkedOnce(HW)
    yield marked
    marked.marker.close()
    print(f"\n{len(marked.known)} different answers to tasks in {NUMBER} hand-ins were marked")


def check(damage, task, log):
    """What was damaged may lose, and nothing else does."""
    said = f"{damage.done}\n{task}\n{log}"
    assert task.status != Status.INTERNAL_ERROR, said
    if task.task not in damage.hit:
        assert (task.status, task.points) == (Status.OK, task.max_points), said
    if task.task in damage.gone:
        assert task.status != Status.OK and task.points == 0, said


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(NUMBER))
def test_only_what_was_damaged_loses(marked_once, seed):
    damage = corrupt(seed)
    for task, log in marked_once.results(read_damaged(damage)):
        check(damage, task, log)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(0, NUMBER, NUMBER // WHOLE))
def test_only_what_was_damaged_loses_in_the_whole_grader(seed):
    damage = corrupt(seed)
    result, log = grade_hand_in(read_damaged(damage), HW, SECRET)
    for task in result.tasks:
        check(damage, task, log)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(NUMBER))
def test_only_what_was_damaged_loses_in_the_whole_grader_whatever_it_was(seed):
    test_only_what_was_damaged_loses_in_the_whole_grader(seed)


def test_the_damages_are_many_and_the_same_again():
    damages = [corrupt(seed) for seed in range(NUMBER)]
    assert all(corrupt(one.seed).content == one.content for one in damages[:20])
    ways = Counter(way for damage in damages for way in damage.done)
    assert set(ways) == {way.__doc__.rstrip(".") for way in IN_CELLS + IN_FILES + IN_ZIPS}
    spared = sum(not damage.hit for damage in damages)
    lost = sum(bool(damage.gone) for damage in damages)
    assert spared > NUMBER / 4 and lost > NUMBER / 8
    assert any(damage.hit < IN_MODEL for damage in damages)
    print(f"\n{NUMBER} damaged hand-ins: {spared} with all code intact, {lost} with some gone")
