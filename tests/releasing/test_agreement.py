"""What one edit of an instructor leaves to be done is said in one sentence."""

from dataclasses import replace

import pytest

from crystalgraph.checking.task import Task, by_id
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.agreement import check_lab, check_names, numbers_said
from crystalgraph.releasing.holes import ReleaseError

HW = LABS["hw"]
FOURTH = HW.notebooks["4"]
TASKS = "crystalgraph/labs/hw/tasks.py"


def with_checks(lab, **changes):
    """The lab with some of its checks changed; None takes one away. Names of tasks as `t2_3`."""
    checks = dict(HW.checks)
    for name, change in changes.items():
        task = name[1:].replace("_", ".")
        checks[task] = change and change(checks[task])
    lab = replace(lab)
    vars(lab)["checks"] = {task: check for task, check in checks.items() if check is not None}
    return lab


def with_tasks(*tasks, **changes):
    """The homework with further tasks, or with others: {t2_3: {"points": 5}}."""
    table = dict(HW.tasks) | {task.id: task for task in tasks}
    for name, change in changes.items():
        task = name[1:].replace("_", ".")
        table[task] = replace(table[task], **change)
    return replace(HW, tasks=table)


def without_fourth(lab=HW):
    return replace(lab, notebooks={n: name for n, name in lab.notebooks.items() if n != "4"})


def steps(points):
    """A change of a check: its first step gives more."""

    def change(check):
        first, *others = check.steps
        return replace(check, steps=(replace(first, points=first.points + points), *others))

    return change


def no_tasks_of_fourth():
    lab = without_fourth()
    return replace(
        lab,
        tasks={one: task for one, task in lab.tasks.items() if task.notebook != FOURTH},
        questions=tuple(one for one in lab.questions if one.notebook != FOURTH),
    )


def another_file_of_fourth():
    return replace(HW, notebooks={**HW.notebooks, "5": "5_new.ipynb"})


NEW = Task("4.7", "new_thing", FOURTH, FOURTH, 4, 5, "A new task.")
ELSEWHERE = replace(NEW, where="elsewhere.py")
AGAIN = replace(NEW, name="log_softmax")
EDITS = {
    "another id": (
        lambda: replace(HW, id="ps3"),
        "there is no folder solutions/ps3, and 'ps3' is the lab's id in "
        "crystalgraph/labs/hw/__init__.py: rename solutions/hw to it",
    ),
    "a notebook dropped, its tasks not": (
        without_fourth,
        "tasks 4.1, 4.2, 4.3, 4.4, 4.5, 4.6 and questions q4.1, q4.2, q4.3 belong to "
        f"{FOURTH}, which is not in NOTEBOOKS of {TASKS}: add it there, or take them out of that "
        f"file and take away solutions/hw/{FOURTH}",
    ),
    "a notebook and its tasks dropped, the file not": (
        no_tasks_of_fourth,
        f"solutions/hw/{FOURTH} is not in NOTEBOOKS of {TASKS}: take the file away, or add it",
    ),
    "a notebook without its file": (
        another_file_of_fourth,
        "there is no solutions/hw/5_new.ipynb: put it there, or take it out of NOTEBOOKS in "
        f"{TASKS}",
    ),
    "points of a task": (
        lambda: with_tasks(t3_4={"points": 10}),
        f"task 3.4 is worth 10 points in {TASKS}, and the steps of its check add up to 8: change "
        "them in crystalgraph/labs/hw/checks",
    ),
    "points of a task and its check": (
        lambda: with_checks(with_tasks(t3_4={"points": 10}), t3_4=steps(2)),
        f"says 8 points for task 3.4, and {TASKS} says 10",
    ),
    "minutes of a task": (
        lambda: with_tasks(t2_1={"minutes": 90}),
        f"says 25 minutes for task 2.1, and {TASKS} says 90",
    ),
    "points of a question": (
        lambda: replace(HW, questions=tuple(replace(one, points=4) for one in HW.questions)),
        f"says 3 points for question q1.1, and {TASKS} says 4",
    ),
    "steps that nobody can reach": (
        lambda: with_checks(HW, t2_3=steps(-1)),
        f"task 2.3 is worth 4 points in {TASKS}, and the steps of its check add up to 3",
    ),
    "a task without check": (
        lambda: with_tasks(NEW),
        "task 4.7 (new_thing) has no check: write one in crystalgraph/labs/hw/checks",
    ),
    "a check without advice": (
        lambda: with_checks(HW, t2_3=lambda check: replace(check, advice={})),
        "the check of task 2.3 has no advice: name its known mistakes in "
        "crystalgraph/labs/hw/advice.py",
    ),
    "a description of no case": (
        lambda: with_checks(HW, t2_3=lambda check: replace(check, describe={"papre": "x"})),
        "the case maker of task 2.3 and the descriptions in its check name different cases",
    ),
    "a mistake without advice": (
        lambda: with_checks(HW, t2_3=lambda check: replace(check, advice={"other": "x"})),
        "the check of task 2.3 has no advice on the mistake '",
    ),
    "a task in no file": (lambda: with_tasks(ELSEWHERE), "task 4.7 is written in elsewhere.py"),
    "two tasks in one function": (
        lambda: with_tasks(AGAIN),
        "tasks 4.1 and 4.7 are both written in log_softmax",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_followed_by_one_sentence(edit):
    make, sentence = EDITS[edit]
    with pytest.raises(ReleaseError) as caught:
        check_lab(make(), REPO)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_advice_that_is_looked_up_in_vain_is_named(monkeypatch):
    def lookup(self):
        return {}["3.6"]

    monkeypatch.setattr(type(HW), "checks", property(lookup))
    with pytest.raises(ReleaseError, match="ask for advice on '3.6', and .*/advice.py has none"):
        check_lab(HW, REPO)


@pytest.mark.parametrize("change", [{"id": "ps3"}, {"package": "crystalgraph.labs.ps3"}])
def test_two_labs_have_two_names_and_two_model_files(change):
    same = replace(HW, **change)
    with pytest.raises(ReleaseError, match="share the name"):
        check_names([HW, same])
    other = replace(HW, id="ps3", package="crystalgraph.labs.ps3")
    with pytest.raises(ReleaseError, match="both hand out model_hw.py"):
        check_names([HW, other])
    check_names([HW, replace(other, model_file="model_ps3.py")])


def test_no_two_tasks_have_one_id():
    with pytest.raises(CrystalGraphError, match="log_softmax and new_thing are both task 4.1"):
        by_id([HW.tasks["4.1"], replace(NEW, id="4.1")])


def test_points_and_minutes_are_read_from_headings_and_tables():
    text = (
        "## Task 4.7: a title (with brackets) (4 points, 5 minutes)\n"
        "## Task 4.71: another (9 points, 9 minutes)\n\n"
        "| Task | you write | points | minutes |\n|---|---|---|---|\n"
        "| 4.7 | `new_thing` | 3 | 6 |\n| 4.71 | `other` | 8 | 8 |\n| q4.1 to q4.3 | x | 3 each | |"
    )
    found = [("points", 4), ("minutes", 5), ("points", 3), ("minutes", 6)]
    assert list(numbers_said(text, NEW)) == found
