"""The page of all tasks."""

from dataclasses import replace

from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.task_table import task_table

FIRST = next(iter(LABS.values()))


def test_the_page_is_in_step():
    page = (REPO / "docs" / "tasks.md").read_text(encoding="utf-8")
    assert page == task_table(LABS.values()), "run `crystalgraph release`"


def test_every_lab_and_task_stands_in_it_with_one_total():
    page = task_table(LABS.values())
    for lab in LABS.values():
        assert f"## {lab.title}\n" in page
        written = sum(question.points for question in lab.questions)
        assert f"Together {lab.max_points + written} points" in page
        for task in lab.tasks.values():
            bonus = " (bonus)" if task.bonus else ""
            assert f"| {task.id} | `{task.name}`{bonus} | {task.where} | {task.points} |" in page


def test_a_lab_without_questions_or_bonus_says_nothing_of_them():
    tasks = {task.id: task for task in FIRST.tasks.values() if not task.bonus}
    page = task_table([replace(FIRST, tasks=tasks, questions=())])
    assert f"Together {FIRST.max_points} points: {FIRST.max_points} for the tasks. The" in page
    assert "bonus" not in page and "words" not in page
