"""What holds for every lab: its table, its checks, its cases, and the answers it knows."""

import importlib
import re
from functools import cache

import numpy as np
import pytest
from pymatgen.core import Structure
from verdicts import known_answers, verdict

from crystalgraph.checking.cases import ON_PAPER, Case, load_cases
from crystalgraph.checking.notebook_code import load_function
from crystalgraph.checking.python_file import load_python_file
from crystalgraph.checking.report import CheckFailed
from crystalgraph.course import lab as course
from crystalgraph.labs import LABS
from crystalgraph.paths import PACKAGE
from crystalgraph.releasing.cases import make_cases, stale_cases

TASKS = [(name, task_id) for name, lab in LABS.items() for task_id in lab.tasks]
MUTANTS = known_answers("mutants", "MUTANTS")
HELD_OUT = known_answers("mutants", "HELD_OUT")
OTHER_STYLES = known_answers("right_answers", "RIGHT_ANSWERS")

every_lab = pytest.mark.parametrize("name", LABS)
every_task = pytest.mark.parametrize(("name", "task_id"), TASKS)


def _id(value):
    """Of a mutant or right answer, for the test's name."""
    if isinstance(value, str):
        return value
    return f"{value.task} {getattr(value, 'cause', '') or value.style}"


# --- tables and checks ---------------------------------------------------------------------------


@every_lab
def test_every_task_has_a_check(name):
    assert LABS[name].tasks.keys() <= LABS[name].checks.keys()


@every_task
def test_a_check_is_complete(name, task_id):
    lab = LABS[name]
    task, check = lab.tasks[task_id], lab.checks[task_id]
    assert check.advice and all(check.advice.values())
    assert sum(step.points for step in check.steps) == task.points
    assert all(step.points * 2 == int(step.points * 2) > 0 for step in check.steps)
    if check.case_maker:
        assert callable(getattr(lab.instructor("case_makers"), check.case_maker))
    if check.graded_form:
        assert callable(getattr(lab.instructor("graded_checks"), check.graded_form))
    assert check.case_maker or not check.describe


@every_task
def test_what_is_described_is_stored(name, task_id):
    described = LABS[name].checks[task_id].describe.keys()
    assert not described or described == {case.name for case in LABS[name].cases(task_id)}


# --- answers from a library ----------------------------------------------------------------------

LIBRARIES = (
    *("numpy", "torch", "torch.nn", "torch.nn.functional", "torch.distributions"),
    *("sklearn.metrics", "sklearn.model_selection", "sklearn.preprocessing"),
    *("scipy.spatial", "scipy.spatial.transform", "scipy.stats"),
)
NOT_INSTALLED = {"radius_graph"}
"""Functions of torch-geometric."""


@every_lab
def test_functions_that_are_an_answer_exist(name):
    """One that was renamed would be looked for in vain."""
    ours = [path for path in PACKAGE.rglob("*.py") if "instructor" not in path.parts]
    defined = set(
        re.findall(r"(?:def|class) (\w+)", "\n".join(path.read_text("utf-8") for path in ours))
    )
    places = [*map(importlib.import_module, LIBRARIES), Structure]
    named = {one for names in LABS[name].library_answers.values() for one in names}
    lost = {one for one in named - defined if not any(hasattr(place, one) for place in places)}
    assert lost <= NOT_INSTALLED


def test_some_labs_name_functions_that_are_an_answer():
    assert sum(len(lab.library_answers) for lab in LABS.values()) > 20


# --- stubs ---------------------------------------------------------------------------------------


@cache
def model_stubs(name):
    """The model file as it is handed out."""
    lab = LABS[name]
    return load_python_file(lab.release() / lab.model_file, f"stubs_of_{name}")


@every_task
def test_a_stub_is_not_implemented_and_scores_nothing(name, task_id):
    lab, task = LABS[name], LABS[name].tasks[task_id]
    if task.in_notebook:
        stub = load_function(lab.release() / task.where, task.object_name)
    else:
        stub = getattr(model_stubs(name), task.object_name)
    with pytest.raises(CheckFailed) as caught:
        course.points_for(name)(task_id, stub)
    report = caught.value.report
    assert not report.implemented and report.points == 0
    place = f"Task {task_id} is not implemented yet: fill in {task.name} in"
    assert report.text().splitlines()[1].startswith(place)
    assert place in str(caught.value)


# --- right answers -------------------------------------------------------------------------------


@every_task
def test_the_solution_passes(name, task_id):
    report = verdict(name, task_id, hidden=True)
    assert report.passed, report.text()
    assert report.points == LABS[name].tasks[task_id].points == report.max_points


@pytest.mark.parametrize(("name", "right"), OTHER_STYLES, ids=_id)
def test_other_styles_pass(name, right):
    report = verdict(name, right, hidden=True)
    assert report.passed, report.text()


@every_lab
def test_every_task_is_answered_in_another_style(name):
    assert {right.task for lab, right in OTHER_STYLES if lab == name} == set(LABS[name].tasks)


# --- wrong answers -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    """Rows (lab, task, mistake, named as); printed at the end with pytest -s."""
    rows = []
    yield rows
    named = sum(cause == found for _, _, cause, found in rows)
    print(f"\n{len(rows)} mutants, all rejected, {named} with their cause named")
    for lab, task, cause, found in rows:
        print(f"  {lab}  {task}  {cause:<36} {'named' if cause == found else found or '-'}")


@pytest.mark.parametrize(("name", "mutant"), MUTANTS, ids=_id)
def test_a_mutant_is_rejected_and_its_mistake_named(name, mutant, table):
    report = verdict(name, mutant)
    assert not report.passed, "accepted"
    assert report.points < report.max_points
    table.append((name, mutant.task, mutant.cause, report.failure.cause))
    assert report.failure.cause == mutant.cause, report.text()
    message = report.failure.message
    assert LABS[name].checks[mutant.task].advice.get(mutant.cause, "") in message
    one_cure_and_no_numbers(message)


def one_cure_and_no_numbers(message):
    """A message names one cure, and does not hold the expected arrays."""
    first, *seen = message.split("\n")
    if first.startswith("Likely mistake"):  # below it no guess at another
        assert not [line for line in seen if "?" in line or "squeeze" in line], seen
    assert not re.search(r"(tensor|array)\(|\[\s*-?\d+\.\d+", message), message
    assert len(message) < 900


@pytest.mark.parametrize(("name", "mutant"), HELD_OUT, ids=_id)
def test_the_same_mistake_in_other_words_is_named(name, mutant):
    """Their outputs are stored nowhere: what is recognized is the mistake, not the code."""
    report = verdict(name, mutant)
    assert not report.passed
    assert report.failure.cause == mutant.cause, report.text()


@pytest.mark.parametrize(("name", "mutant"), MUTANTS[::3], ids=_id)
def test_with_hidden_cases_a_mistake_is_named_too(name, mutant):
    report = verdict(name, mutant, hidden=True)
    assert not report.passed
    assert report.failure.cause == mutant.cause, report.text()


@every_lab
def test_every_task_has_mutants_and_every_advice_one(name):
    lab = LABS[name]
    known = {(mutant.task, mutant.cause) for folder, mutant in MUTANTS if folder == name}
    written = {(task_id, cause) for task_id in lab.tasks for cause in lab.checks[task_id].advice}
    assert {task_id for task_id, _ in known} == set(lab.tasks)
    assert written - known == set()


# --- stored cases --------------------------------------------------------------------------------


@every_lab
def test_stored_cases_are_what_the_makers_and_answers_give_today(name):
    assert stale_cases(LABS[name]) == [], "run `crystalgraph release`"


@every_lab
def test_stale_cases_are_found_and_made_anew(name, tmp_path, monkeypatch):
    lab, folders = LABS[name], (tmp_path / "visible", tmp_path / "hidden")
    with_maker = [task for task in lab.tasks if lab.checks[task].case_maker][:2]  # enough of them

    def known_cases(lab, hidden):  # the stored ones, as making them anew takes seconds
        folder = lab.hidden_folder if hidden else lab.cases_folder
        return {task: load_cases(task, folder) for task in with_maker}

    monkeypatch.setattr("crystalgraph.releasing.cases.fresh_cases", known_cases)
    files = {folder / f"{task}.npz" for folder in folders for task in with_maker}
    assert set(make_cases(lab, *folders)) == files == set(tmp_path.glob("*/*.npz"))
    assert make_cases(lab, *folders) == stale_cases(lab, *folders) == []
    stale, left_over = folders[0] / f"{with_maker[0]}.npz", folders[1] / "left over.npz"
    stale.rename(left_over)
    assert set(stale_cases(lab, *folders)) == {stale, left_over}
    assert set(make_cases(lab, *folders)) == {stale, left_over}
    assert stale.exists() and not left_over.exists()


@every_task
def test_cases_hold_right_and_wrong_outputs(name, task_id):
    lab = LABS[name]
    visible, hidden = lab.cases(task_id), lab.cases(task_id, lab.hidden_folder)
    hidden = hidden[len(visible) :]
    compared = any(case.expected for case in visible)
    assert all(bool(case.expected) == compared for case in visible + hidden)
    assert any(case.wrong for case in visible) == compared
    assert all(case.hidden for case in hidden) and not any(case.hidden for case in visible)
    expected = [case.name for case in visible if case.name != ON_PAPER]
    assert [case.name for case in hidden] == expected


def same_inputs(one: Case, other: Case) -> bool:
    """Whether the same goes in."""
    same_names = one.inputs.keys() == other.inputs.keys() and one.settings == other.settings
    return same_names and all(np.array_equal(one.inputs[k], other.inputs[k]) for k in one.inputs)


@every_task
def test_hidden_cases_are_others(name, task_id):
    lab = LABS[name]
    visible = {case.name: case for case in lab.cases(task_id)}
    for case in lab.cases(task_id, lab.hidden_folder)[len(visible) :]:
        assert not same_inputs(case, visible[case.name])


@every_lab
def test_cases_are_small(name):
    folders = (LABS[name].cases_folder, LABS[name].hidden_folder)
    size = sum(path.stat().st_size for folder in folders for path in folder.glob("*.npz"))
    assert size < 3e6
